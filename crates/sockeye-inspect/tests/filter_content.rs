//! What filters select in a capture: messages over fragments, masks and compression, findings, close codes, times.

mod common;

use common::Scene;
use sockeye_inspect::{
    Capture,
    filter::{Filter, completions},
};

/// "Hello" compressed, and the same again with what the window has of it (RFC 7692 §7.2.3.1, §7.2.3.2).
const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
const HELLO_AGAIN: &[u8] = &[0xF2, 0x00, 0x11, 0x00, 0x00];

fn capture() -> (Vec<u8>, Capture) {
    let mut scene = Scene::deflated("");
    scene.server_frame(0xC1, HELLO); // 0
    scene.server_frame(0x41, &HELLO_AGAIN[..2]); // 1
    scene.client_frame(0x89, b"Hello?"); // 2
    scene.server_frame(0x80, &HELLO_AGAIN[2..]); // 3
    scene.client_frame(0x01, b"{\"type\":\"ti"); // 4
    scene.client_frame(0x80, b"ck\",\"n\":7}"); // 5
    scene.server_frame(0x82, b"\xDE\xAD\xBE\xEF"); // 6
    scene.wait(1_000);
    scene.server_frame(0x8A, b"Hello?"); // 7
    scene.server_frame(0x83, b""); // 8: a reserved opcode
    scene.close(); // 9, 10
    scene.inspect()
}

#[track_caller]
fn selects(filter: &str, expected: &[u32]) {
    let (file, capture) = capture();
    let filter = Filter::parse(filter).expect("it is valid");
    let mut found = Vec::new();
    filter.select(&capture, 0..u32::MAX, &file, &mut found);
    assert_eq!(found, expected);
    // One by one is the same.
    found.clear();
    for frame in capture.frames(0..u32::MAX) {
        if filter.matches(&capture, &frame, &file) {
            found.push(frame.number);
        }
    }
    assert_eq!(found, expected, "one by one");
}

#[test]
fn text_is_found_in_messages_at_their_first_frame() {
    selects("text:Hello", &[0, 1, 2, 7]);
    selects("text:Hello op:data", &[0, 1]);
    selects("/^hello$/i compressed:1", &[0, 1]);
    selects("\"tick\"", &[4]);
    selects("text:nothing", &[]);
}

#[test]
fn json_and_bytes_are_found_in_messages() {
    selects("json:$.type==\"tick\"", &[4]);
    selects("json:$.n>7", &[]);
    selects("json:$.n>=7", &[4]);
    selects("hex:\"ad be\"", &[6]);
}

#[test]
fn fragments_are_told_from_messages() {
    selects("is:fragment", &[1, 3, 4, 5]);
    selects("is:message dir:c2s", &[2, 4, 9]);
    selects("-is:message", &[3, 5]);
}

#[test]
fn length_after_inflation_counts_all_fragments() {
    selects("inflated:5", &[0, 1]);
    // 5 bytes for 5, in two frames; 7 bytes for 5.
    selects("ratio:1", &[1]);
    selects("ratio>1", &[0]);
}

#[test]
fn findings_and_close_codes_are_found() {
    selects("rule:frame-reserved-opcode", &[8]);
    selects("rule:5.2 severity:violation", &[8]);
    selects("-rule:5.2 severity:violation", &[]);
    selects("code:1000", &[9, 10]);
    selects("code>1000", &[]);
}

#[test]
fn time_counts_from_the_first_packet() {
    selects("t>1s", &[7, 8, 9, 10]);
    selects("t<3ms", &[0]);
}

#[test]
fn range_of_frames_is_kept_to() {
    let (file, capture) = capture();
    let filter = Filter::parse("dir:s2c").expect("it is valid");
    let mut found = vec![99];
    filter.select(&capture, 3..7, &file, &mut found);
    assert_eq!(found, [99, 3, 6]);
    Filter::parse("")
        .expect("it is valid")
        .select(&capture, 9..50, &file, &mut found);
    assert_eq!(found, [99, 3, 6, 9, 10]);
}

#[test]
fn rules_that_are_broken_are_completed_first() {
    let (_, capture) = capture();
    let found = completions("rule:", 5, Some(&capture));
    assert_eq!(found[0].text, "frame-reserved-opcode");
    let found = completions("conn:", 5, Some(&capture));
    assert_eq!(found[0].text, "0");
}
