//! Sending (RFC 6455 §5.3, §6.1): the bytes on the wire, and errors that leave everything as it was.

mod common;

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use common::*;
use sockeye::{
    CloseCode, CloseFrame, Connection, FrameHeader, Message, MessageKind, Options, Part,
    PreparedMessage, Role, SendError, State,
};

fn part(kind: MessageKind, data: &[u8], fin: bool) -> Part<'_> {
    Part::new(kind, data, fin)
}

#[test]
fn message_of_every_boundary_length_is_framed_minimally() {
    for role in ROLES {
        for (len, header) in [
            (0, &[0x82, 0][..]),
            (1, &[0x82, 1]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0x00, 0x7E]),
            (127, &[0x82, 126, 0x00, 0x7F]),
            (65_535, &[0x82, 126, 0xFF, 0xFF]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let data = vec![0x61; len];
            let mut out = b"before".to_vec();
            connection(role)
                .send(Message::binary(&data[..]), &mut out)
                .unwrap();
            let mut expected = [b"before", header].concat();
            if role == Role::Client {
                expected[7] |= 0x80;
                expected.extend([0; 4]); // masking key
            }
            expected.extend_from_slice(&data);
            assert!(out == expected, "{role:?} {len}");
        }
    }
}

#[test]
fn text_and_binary_have_their_opcodes() {
    for role in ROLES {
        let mut out = Vec::new();
        let mut peer = connection(role);
        peer.send("Hello".into(), &mut out).unwrap();
        peer.send(Message::binary(&b"Hello"[..]), &mut out).unwrap();
        let expected = [from(role, 0x81, b"Hello"), from(role, 0x82, b"Hello")];
        assert_eq!(out, expected.concat());
    }
}

#[test]
fn parts_are_frames_of_one_message() {
    use MessageKind::{Binary, Text};
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        for part in [
            part(Text, b"Hel", false),
            part(Text, b"", false),
            part(Text, b"lo", true),
            part(Binary, b"", false),
            part(Binary, b"", true),
            part(Text, b"alone", true),
        ] {
            peer.send_part(&part, &mut out).unwrap();
        }
        let expected = [
            from(role, 0x01, b"Hel"),
            from(role, 0x00, b""),
            from(role, 0x80, b"lo"),
            from(role, 0x02, b""),
            from(role, 0x80, b""),
            from(role, 0x81, b"alone"),
        ];
        assert_eq!(out, expected.concat());
    }
}

#[test]
fn control_frames_go_between_parts_and_messages_do_not() {
    use MessageKind::{Binary, Text};
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        peer.send_part(&part(Binary, b"a", false), &mut out)
            .unwrap();
        let before = out.clone();
        let unfinished = Err(SendError::MessageUnfinished);
        assert_eq!(peer.send("x".into(), &mut out), unfinished);
        assert_eq!(peer.send(Message::binary(&b"x"[..]), &mut out), unfinished);
        let mut prepared = PreparedMessage::new("x".into());
        assert_eq!(peer.send_prepared(&mut prepared, &mut out), unfinished);
        for fin in [false, true] {
            assert_eq!(peer.send_part(&part(Text, b"x", fin), &mut out), unfinished);
        }
        assert_eq!(out, before);

        peer.ping(b"1", &mut out).unwrap();
        peer.pong(b"2", &mut out).unwrap();
        // A Ping that comes is answered in between, too.
        let answer = feed(&mut peer, [&to(role, 0x89, b"3")[..]]).out;
        out.extend(answer);
        peer.send_part(&part(Binary, b"b", true), &mut out).unwrap();
        peer.send("after".into(), &mut out).unwrap();
        let expected = [
            from(role, 0x02, b"a"),
            from(role, 0x89, b"1"),
            from(role, 0x8A, b"2"),
            from(role, 0x8A, b"3"),
            from(role, 0x80, b"b"),
            from(role, 0x81, b"after"),
        ];
        assert_eq!(out, expected.concat());
    }
}

#[test]
fn text_in_parts_must_be_utf8_over_all() {
    use MessageKind::Text;
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        let invalid = Err(SendError::InvalidUtf8);
        assert_eq!(
            peer.send_part(&part(Text, b"\xFF", false), &mut out),
            invalid
        );
        assert_eq!(
            peer.send_part(&part(Text, b"\xE2", true), &mut out),
            invalid
        );
        assert_eq!(out, []);
        // No message has begun.
        peer.send("whole".into(), &mut out).unwrap();
        // A character may be cut between two parts.
        peer.send_part(&part(Text, b"\xE2\x82", false), &mut out)
            .unwrap();
        let before = out.clone();
        assert_eq!(peer.send_part(&part(Text, b"x", true), &mut out), invalid);
        assert_eq!(peer.send_part(&part(Text, b"", true), &mut out), invalid);
        assert_eq!(out, before);
        // And what was refused is forgotten.
        peer.send_part(&part(Text, b"\xAC", true), &mut out)
            .unwrap();
        let expected = [
            from(role, 0x81, b"whole"),
            from(role, 0x01, b"\xE2\x82"),
            from(role, 0x80, b"\xAC"),
        ];
        assert_eq!(out, expected.concat());
    }
}

#[test]
fn control_frame_above_125_bytes_is_not_sent() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        let long = [0; 126];
        assert_eq!(peer.ping(&long, &mut out), Err(SendError::ControlTooLong));
        assert_eq!(peer.pong(&long, &mut out), Err(SendError::ControlTooLong));
        assert_eq!(out, []);
        assert_eq!(peer.state(), State::Open);
        peer.ping(&long[1..], &mut out).unwrap();
        assert_eq!(out, from(role, 0x89, &long[1..]));
    }
}

#[test]
fn close_abandons_the_message_that_is_sent_in_parts() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        let first = part(MessageKind::Binary, b"a", false);
        peer.send_part(&first, &mut out).unwrap();
        let frame = CloseFrame::new(CloseCode::GOING_AWAY, "");
        peer.close(Some(frame), &mut out).unwrap();
        let closed = Err(SendError::CloseSent);
        assert_eq!(peer.send_part(&first, &mut out), closed);
        assert_eq!(
            peer.send_part(&part(MessageKind::Text, b"", true), &mut out),
            closed
        );
        assert_eq!(
            out,
            [
                from(role, 0x02, b"a"),
                from(role, 0x88, &close_payload(1001, ""))
            ]
            .concat()
        );
    }
}

#[test]
fn prepared_message_is_framed_for_each_connection() {
    let mut prepared = PreparedMessage::new(Message::text("to all"));
    assert_eq!(prepared.kind(), MessageKind::Text);
    assert_eq!(prepared.as_bytes(), b"to all");
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        peer.send_prepared(&mut prepared, &mut out).unwrap();
        peer.send_prepared(&mut prepared, &mut out).unwrap();
        assert_eq!(out, from(role, 0x81, b"to all").repeat(2));
        peer.close(None, &mut out).unwrap();
        assert_eq!(
            peer.send_prepared(&mut prepared, &mut out),
            Err(SendError::CloseSent)
        );
    }
}

#[test]
fn event_can_be_answered_while_it_is_held() {
    let mut server = connection(Role::Server);
    let mut bytes = to(Role::Server, 0x82, b"echo");
    let mut input = &mut bytes[..];
    let mut out = Vec::new();
    let event = server.receive(&mut input, &mut out).unwrap();
    let Some(sockeye::Event::Message(message)) = event else {
        panic!("{event:?}");
    };
    server.send(message.clone(), &mut out).unwrap();
    server.send(message, &mut out).unwrap();
    assert_eq!(out, from(Role::Server, 0x82, b"echo").repeat(2));
}

#[test]
fn server_draws_no_entropy() {
    fn none(_: &mut [u8]) {
        panic!("a server masks nothing");
    }
    let mut server = Connection::new(Role::Server, &Options::new(Role::Server), None, none);
    let mut out = Vec::new();
    server.send("x".into(), &mut out).unwrap();
    server.ping(b"x", &mut out).unwrap();
    feed(&mut server, [&to(Role::Server, 0x89, b"")[..], &[0xFF]]);
}

static DRAWN: AtomicU32 = AtomicU32::new(0);

/// Counts upwards, so that each mask can be told from every other.
fn counter(bytes: &mut [u8]) {
    let count = DRAWN.fetch_add(1, Ordering::Relaxed) + 1;
    bytes.copy_from_slice(&count.to_be_bytes());
}

#[test]
fn client_draws_a_fresh_mask_for_each_frame() {
    let mut options = Options::new(Role::Client);
    options.timeouts.ping_interval = Some(Duration::from_secs(1));
    let mut client = Connection::new(Role::Client, &options, None, counter);
    let mut out = Vec::new();
    client.handle_timeout(Duration::ZERO, &mut out).unwrap();
    client.send("same".into(), &mut out).unwrap();
    client.send("same".into(), &mut out).unwrap();
    client.send("".into(), &mut out).unwrap();
    for fin in [false, false, true] {
        client
            .send_part(&part(MessageKind::Binary, b"same", fin), &mut out)
            .unwrap();
    }
    let mut prepared = PreparedMessage::new("same".into());
    client.send_prepared(&mut prepared, &mut out).unwrap();
    client.send_prepared(&mut prepared, &mut out).unwrap();
    client.ping(b"same", &mut out).unwrap();
    client.pong(b"same", &mut out).unwrap();
    let second = Duration::from_secs(1);
    client.handle_timeout(second, &mut out).unwrap();
    let pings = [to(Role::Client, 0x89, b"same"), to(Role::Client, 0x89, b"")];
    out.extend(feed(&mut client, [&pings.concat()[..], &[0x83]]).out);

    // 1, 2, 3, … in the order of the frames, none drawn in vain.
    let mut rest = &mut out[..];
    let mut payloads = Vec::new();
    while !rest.is_empty() {
        let (header, len) = FrameHeader::decode(rest).unwrap().unwrap();
        let mask = header.mask.unwrap();
        payloads.push(rest.len());
        assert_eq!(mask.to_bytes(), (payloads.len() as u32).to_be_bytes());
        let frame_len = len + header.payload_len as usize;
        let (frame, after) = rest.split_at_mut(frame_len);
        mask.apply(&mut frame[len..]);
        if header.payload_len == 4 {
            assert_eq!(&frame[len..], b"same");
        }
        rest = after;
    }
    assert_eq!(payloads.len(), 14);
    assert_eq!(DRAWN.load(Ordering::Relaxed), 14);
}

#[test]
fn vectored_message_is_the_same_on_the_wire() {
    for role in ROLES {
        for message in [Message::text("Hello"), Message::binary(vec![7; 70_000])] {
            let mut whole = Vec::new();
            connection(role).send(message.clone(), &mut whole).unwrap();
            let mut out = Vec::new();
            let mut peer = connection(role);
            let rest = peer.send_vectored(&message, &mut out).unwrap().to_vec();
            // A client masks what it sends, which takes a copy.
            let left = if role == Role::Server {
                message.as_bytes().len()
            } else {
                0
            };
            assert_eq!(rest.len(), left);
            assert_eq!([out, rest].concat(), whole);
        }
    }
}

#[test]
fn header_goes_out_alone_where_the_payload_can_follow_as_it_is() {
    let mut out = Vec::new();
    let mut server = connection(Role::Server);
    assert_eq!(server.send_header(MessageKind::Text, 5, &mut out), Ok(true));
    assert_eq!(out, [0x81, 0x05]);
    out.clear();
    let sent = server.send_header(MessageKind::Binary, 70_000, &mut out);
    assert_eq!(sent, Ok(true));
    assert_eq!(out, [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    out.clear();
    // What is masked has to pass through.
    let mut client = connection(Role::Client);
    assert_eq!(
        client.send_header(MessageKind::Text, 5, &mut out),
        Ok(false)
    );
    server.close(None, &mut out).unwrap();
    out.clear();
    let sent = server.send_header(MessageKind::Text, 5, &mut out);
    assert_eq!((sent, out.len()), (Err(SendError::CloseSent), 0));
}
