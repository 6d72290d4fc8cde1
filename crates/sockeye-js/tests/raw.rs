//! The raw classes in engines of JavaScript, used as `npm/src` uses them. `cargo xtask test --only js` runs them in Node.js and in Chromium.

#![cfg(target_arch = "wasm32")]

use sockeye_js::{
    RawEngine, RawFrames, RawPrepared, RawSettings, clear_headers, input_address, is_utf8,
    report_address, send_error, stage, stage_header,
};
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: f64 = 1000.0;

/// Words of the report, as `npm/src/core.js` reads them.
const EVENTS: usize = 2;
const TAKEN: usize = 3;
const PENDING: usize = 4;
const FLAGS: usize = 5;
const OPEN: u32 = 4;

fn write(address: u32, bytes: &[u8]) {
    // SAFETY: JavaScript writes there too: the address is that of a buffer at least as long.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
}

fn read(address: u32, len: u32) -> Vec<u8> {
    // SAFETY: the address and the length are those of bytes that live until the next call.
    unsafe { core::slice::from_raw_parts(address as *const u8, len as usize) }.to_vec()
}

fn report(word: usize) -> u32 {
    let bytes = read(report_address() + 4 * word as u32, 4);
    u32::from_le_bytes(bytes.try_into().unwrap())
}

/// Stages bytes for the call that follows.
fn staged(bytes: &[u8]) -> u32 {
    write(stage(bytes.len() as u32), bytes);
    bytes.len() as u32
}

/// The events of a call: kind, flags and bytes.
fn events(count: u32) -> Vec<(u32, u32, Vec<u8>)> {
    (0..count)
        .map(|index| {
            let record = read(report(EVENTS) + 16 * index, 12);
            let word =
                |at: usize| u32::from_le_bytes(record[4 * at..4 * at + 4].try_into().unwrap());
            (word(0) & 0xff, word(0) & !0xff, read(word(1), word(2)))
        })
        .collect()
}

fn receive(engine: &mut RawEngine, bytes: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
    write(input_address(), bytes);
    events(engine.receive(bytes.len() as u32, NOW))
}

fn take(engine: &mut RawEngine) -> Vec<u8> {
    let len = engine.take();
    read(report(TAKEN), len)
}

fn engine(is_server: bool, set: impl FnOnce(&mut RawSettings)) -> RawEngine {
    let mut settings = RawSettings::new(is_server);
    set(&mut settings);
    assert_eq!(settings.finish(), 0);
    RawEngine::new(&settings, NOW, false)
}

fn pair() -> (RawEngine, RawEngine) {
    let (mut client, mut server) = (engine(false, |_| ()), engine(true, |_| ()));
    assert_eq!(receive(&mut server, &take(&mut client))[0].0, 1);
    assert_eq!(receive(&mut client, &take(&mut server))[0].0, 1);
    assert_eq!(report(FLAGS), OPEN);
    (client, server)
}

#[wasm_bindgen_test]
fn message_goes_both_ways() {
    let (mut client, mut server) = pair();
    assert_eq!(client.send(true, staged(b"Hello")), 0);
    assert_eq!(report(PENDING), 11);
    let came = receive(&mut server, &take(&mut client));
    // Text: final, ASCII, in place.
    assert_eq!(came, [(2, 0x700, b"Hello".to_vec())]);
    assert_eq!(server.send_header(false, 70_000.0), 0);
    assert_eq!(take(&mut server), b"\x82\x7f\0\0\0\0\0\x01\x11\x70");
    assert_eq!(client.send_header(false, 70_000.0), -1);
    assert_eq!(take(&mut client), b"");
}

#[wasm_bindgen_test]
fn prepared_message_is_sent_to_many() {
    let mut message = RawPrepared::new(true, staged(b"Hello"));
    for _ in 0..2 {
        let (_, mut server) = pair();
        assert_eq!(server.send_prepared(&mut message), 0);
        assert_eq!(take(&mut server), b"\x81\x05Hello");
    }
}

#[wasm_bindgen_test]
fn close_is_reported_with_its_code_and_reason() {
    let (mut client, mut server) = pair();
    assert_eq!(client.close(NOW, 4001, staged(b"bye")), 0);
    assert_eq!(client.events(), 0);
    let came = receive(&mut server, &take(&mut client));
    assert_eq!(came, [(6, 0, b"bye".to_vec())]);
    // A second one is too late.
    assert_eq!(client.close(NOW, 4001, 0), 2);
    let len = send_error(2);
    assert_eq!(
        String::from_utf8(read(report(TAKEN), len)).unwrap(),
        "the connection is closing or closed"
    );
}

#[wasm_bindgen_test]
fn forwarded_message_does_not_come_out() {
    let (mut client, mut server) = pair();
    let (mut other, mut target) = pair();
    assert_eq!(client.send(true, staged(b"Hello")), 0);
    let bytes = take(&mut client);
    write(input_address(), &bytes);
    assert_eq!(server.forward(bytes.len() as u32, NOW, &mut target), 0);
    let came = receive(&mut other, &take(&mut target));
    assert_eq!(came[0].2, b"Hello");
}

#[wasm_bindgen_test]
fn header_fields_that_break_rules_are_refused_with_name_and_sentence() {
    clear_headers();
    assert_eq!(stage_header(staged(b"X-Good\0yes")), 0);
    for (field, name) in [
        (&b"X\0a\r\nb"[..], "HeaderValue"),
        (b"X\0a\0b", "HeaderValue"),
        (b"a b\0c", "HeaderName"),
        (b"\xff\0c", "HeaderName"),
        (b"", "HeaderName"),
        (b"Host\0c", "HeaderProtected"),
    ] {
        let len = stage_header(staged(field));
        let said = read(report(TAKEN), len);
        assert_eq!(
            said.split(|&byte| byte == 0).next().unwrap(),
            name.as_bytes()
        );
    }
    let mut client = engine(false, |_| ());
    let request = String::from_utf8(take(&mut client)).unwrap();
    assert!(request.ends_with("X-Good: yes\r\n\r\n"), "{request}");
}

#[wasm_bindgen_test]
fn frames_of_a_capture_come_out_in_pieces() {
    let mut frames = RawFrames::new(1, 0.0);
    let bytes = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\xb3";
    write(input_address(), bytes);
    let pieces = events(frames.decode(bytes.len() as u32));
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[0].0, 7);
    assert_eq!(pieces[0].2, b"0\n6\n5\n129\n939139390");
    assert_eq!((pieces[1].0, &pieces[1].2[..]), (8, &b"Hello"[..]));
    assert_eq!(frames.remaining(), 1.0);
}

#[wasm_bindgen_test]
fn text_is_looked_at() {
    assert!(is_utf8(staged("h\u{e4}".as_bytes())));
    assert!(!is_utf8(staged(b"\xff")));
}
