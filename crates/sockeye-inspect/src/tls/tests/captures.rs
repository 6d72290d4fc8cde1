//! WebSockets over TLS in captures, with the secrets in them or beside them.

use rustls::CipherSuite;

use super::*;
use crate::{
    Capture, Direction, Inspector, Options, Rule, Security, Timestamp,
    write::{Conversation, PcapNgWriter, Section},
};

const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: hUHkmQ1c1Vn3fmgGIvm2Tg==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: kYTTd3RGiOi3rtJt6AENJ0AwA0I=\r\n\r\n";

/// An opening handshake, and then "Hello" from both sides, three times.
fn websocket(id: CipherSuite) -> Session {
    let mut session = Session::new(id);
    session.exchange();
    session.say(true, REQUEST);
    session.say(false, RESPONSE);
    for key in [
        b"\x12\x34\x56\x78",
        b"\x37\xfa\x21\x3d",
        b"\x9a\xbc\xde\xf1",
    ] {
        // RFC 6455 §5.7, with other keys.
        let mut frame = b"\x81\x85".to_vec();
        frame.extend(key);
        frame.extend(
            b"Hello"
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        session.say(true, &frame);
        session.say(false, b"\x81\x05Hello");
    }
    session
}

/// The capture of a session in pcapng, without one packet of what was said.
fn capture(session: &Session, secrets: &[u8], keys: &[u8], lost: Option<usize>) -> Capture {
    let section = Section {
        hardware: "",
        os: "",
        application: "test",
    };
    let mut writer = PcapNgWriter::new(Vec::new(), &section).expect("a vector takes all");
    writer.interface(1, "lo").expect("a vector takes all");
    if !secrets.is_empty() {
        writer.secrets(secrets).expect("a vector takes all");
    }
    let mut conversation = Conversation::new(
        "10.0.0.1:50000".parse().expect("an address"),
        "10.0.0.2:443".parse().expect("an address"),
    );
    let time = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let mut packets = conversation.open(time);
    for (i, (from_client, bytes)) in session.wire.iter().enumerate() {
        let direction = if *from_client {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        if lost == Some(i) {
            conversation.lose(direction, bytes.len() as u32);
        } else {
            packets.extend(conversation.send(direction, time, bytes));
        }
    }
    packets.extend(conversation.finish(Direction::ToServer, time));
    packets.extend(conversation.finish(Direction::ToClient, time));
    for packet in packets {
        writer
            .packet(0, packet.time, &packet.data, None)
            .expect("a vector takes all");
    }
    let mut inspector = Inspector::new(Options {
        keys: keys.to_vec(),
        ..Options::default()
    });
    for chunk in writer.into_inner().chunks_mut(1_000) {
        inspector.push(chunk);
    }
    inspector.finish()
}

#[test]
fn frames_are_found_with_the_secrets_in_the_capture_or_beside_it() {
    for id in [
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ] {
        let session = websocket(id);
        let log = session.log.text();
        for capture in [
            capture(&session, log.as_bytes(), b"", None),
            capture(&session, b"", log.as_bytes(), None),
        ] {
            assert_eq!(capture.problems(), [] as [String; 0]);
            assert_eq!(capture.frame_count(), 6);
            assert!(capture.frames(0..6).all(|frame| frame.payload_len == 5));
            let [connection] = capture.connections() else {
                panic!("one connection");
            };
            let Security::Tls(description) = &connection.security else {
                panic!("it was TLS");
            };
            let suite = suite::name(u16::from(id)).expect("it has a name");
            assert!(description.ends_with(suite), "{description}");
        }
    }
}

#[test]
fn a_frame_that_is_lost_costs_no_other() {
    let session = websocket(CipherSuite::TLS13_AES_128_GCM_SHA256);
    let log = session.log.text();
    // The second "Hello" of the server.
    let lost = session.wire.len() - 3;
    assert!(!session.wire[lost].0);
    let capture = capture(&session, log.as_bytes(), b"", Some(lost));
    let rules: Vec<_> = capture
        .finding_counts()
        .map(|(rule, _)| rule.id())
        .collect();
    assert_eq!(rules, ["close-missing", "capture-bytes-missing"]);
    let missing = capture
        .findings()
        .iter()
        .find(|finding| finding.rule == Rule::BytesMissing)
        .expect("it was counted");
    assert_eq!(&*missing.detail, "7 bytes");
    let whole = capture.frames(0..capture.frame_count());
    assert_eq!(whole.filter(|frame| frame.payload_len == 5).count(), 5);
}

#[test]
fn a_capture_without_secrets_says_what_it_lacks() {
    let session = websocket(CipherSuite::TLS13_AES_128_GCM_SHA256);
    let capture = capture(&session, b"", b"", None);
    assert_eq!(capture.frame_count(), 0);
    let [problem] = capture.problems() else {
        panic!("one problem: {:?}", capture.problems());
    };
    assert!(
        problem.starts_with("a TLS connection is not decrypted: the key log has no "),
        "{problem}"
    );
}
