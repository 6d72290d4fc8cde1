//! Open sessions: events one by one and in batches, the echo, and what is sent.

use crate::*;

#[test]
fn events_taken_one_by_one_are_those_of_a_batch() {
    let mut bytes = [
        REQUEST,
        &to(Role::Server, 0x82, b"1"),
        &to(Role::Server, 0x89, b"2"),
        &to(Role::Server, 0x8a, b"3"),
        &to(Role::Server, 0x88, &close_payload(1000, "4")),
        b"dropped",
    ]
    .concat();
    let mut batch = Peer::accept(|_| ());
    let batched = batch.read(1, &bytes);
    assert_eq!(batched.len(), 5);

    let mut single = Peer::accept(|_| ());
    let closed = single.session.handle_timeout(at(1), &mut single.out);
    assert_eq!(closed, None);
    let mut events = Vec::new();
    let mut input = &mut bytes[..];
    while let Some(event) = single.session.receive(&mut input, &mut single.out) {
        events.push(event);
    }
    assert!(input.is_empty());
    assert_eq!(format!("{events:?}"), format!("{batched:?}"));
    assert_eq!(single.out, batch.out);
}

#[test]
fn message_inside_the_input_is_borrowed_from_it() {
    let mut server = Peer::open(Role::Server);
    let mut bytes = to(Role::Server, 0x82, b"Hello");
    let range = bytes.as_ptr_range();
    let mut input = &mut bytes[..];
    let event = server.session.receive(&mut input, &mut server.out);
    let Some(SessionEvent::Message(message)) = &event else {
        panic!("{event:?}");
    };
    assert!(range.contains(&message.as_bytes().as_ptr()));
}

#[test]
fn echo_sends_back_what_comes_and_reports_no_message() {
    for role in ROLES {
        let mut peer = match role {
            Role::Server => Peer::accept(|settings| settings.echo = true),
            Role::Client => Peer::dial(|settings| settings.echo = true),
        };
        assert_eq!(peer.read(0, opening(role)).len(), 1);
        peer.out.clear();
        let read = [
            to(role, 0x81, b"text"),
            to(role, 0x02, b"bin"),
            to(role, 0x80, b"ary"),
            to(role, 0x89, b"ping"),
        ];
        let events = peer.read(1, &read.concat());
        assert!(matches!(&events[..], [SessionEvent::Ping(payload)] if **payload == *b"ping"));
        let written = [
            from(role, 0x81, b"text"),
            from(role, 0x82, b"binary"),
            from(role, 0x8a, b"ping"),
        ];
        assert_eq!(peer.out, written.concat());
        peer.out.clear();
        // While it closes, it has nobody to answer to.
        assert_eq!(peer.session.close(at(2), None, &mut peer.out), Ok(None));
        peer.out.clear();
        assert!(peer.read(2, &to(role, 0x81, b"text")).is_empty());
        assert!(peer.out.is_empty());
    }
}

#[test]
fn batch_ends_at_a_mebibyte_of_events_and_goes_on_later() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        let frame = to(role, 0x82, &[7; 400_000]);
        let read = frame.repeat(7);
        assert_eq!(peer.read(1, &read[..read.len() - 10]).len(), 3);
        assert!(peer.session.has_more());
        // What comes meanwhile lines up behind it.
        assert_eq!(peer.read(1, &read[read.len() - 10..]).len(), 3);
        assert!(peer.session.has_more());
        assert_eq!(peer.read(1, &[]).len(), 1);
        assert!(!peer.session.has_more());
        assert!(peer.read(1, &[]).is_empty());
    }
}

#[test]
fn small_events_fill_a_batch_too() {
    let mut peer = Peer::open(Role::Client);
    // An event takes about 64 bytes beside its payload.
    let read = to(Role::Client, 0x8a, b"").repeat(20_000);
    assert_eq!(peer.read(1, &read).len(), (1 << 20) / 64);
    assert!(peer.session.has_more());
    assert_eq!(peer.read(1, &[]).len(), 20_000 - (1 << 20) / 64);
    assert!(!peer.session.has_more());
}

#[test]
fn batch_ends_at_a_mebibyte_of_output_and_goes_on_later() {
    let mut server = Peer::accept(|settings| settings.echo = true);
    server.read(0, REQUEST);
    server.out.clear();
    let frame = to(Role::Server, 0x82, &[7; 400_000]);
    let echo = from(Role::Server, 0x82, &[7; 400_000]);
    assert!(server.read(1, &frame.repeat(5)).is_empty());
    assert_eq!(server.out, echo.repeat(3));
    assert!(server.session.has_more());
    // Even when nobody takes the output, each call does a little.
    assert!(server.read(1, &[]).is_empty());
    assert_eq!(server.out, echo.repeat(4));
    server.out.clear();
    assert!(server.read(1, &[]).is_empty());
    assert_eq!(server.out, echo);
    assert!(!server.session.has_more());
}

#[test]
fn echo_without_batches_leaves_input_when_the_output_is_full() {
    let mut server = Peer::accept(|settings| settings.echo = true);
    server.read(0, REQUEST);
    server.out.clear();
    let mut bytes = to(Role::Server, 0x82, &[7; 400_000]).repeat(4);
    let frame = bytes.len() / 4;
    let mut input = &mut bytes[..];
    let Peer { session, out } = &mut server;
    assert!(session.receive(&mut input, out).is_none());
    assert_eq!(input.len(), frame);
    out.clear();
    assert!(session.receive(&mut input, out).is_none());
    assert!(input.is_empty());
    assert_eq!(out.len(), from(Role::Server, 0x82, &[7; 400_000]).len());
}

#[test]
fn everything_that_a_connection_sends_a_session_sends() {
    let mut server = Peer::open(Role::Server);
    let Peer { session, out } = &mut server;
    let message = Message::text("2");
    let mut prepared = PreparedMessage::new(Message::text("4"));
    session.send(Message::text("1"), out).unwrap();
    let rest = session.send_vectored(&message, out).unwrap();
    out.extend_from_slice(rest);
    let part = Part::new(MessageKind::Text, b"3", true);
    session.send_part(&part, out).unwrap();
    session.send_prepared(&mut prepared, out).unwrap();
    session.ping(b"5", out).unwrap();
    session.pong(b"6", out).unwrap();
    let frames = [0x81, 0x81, 0x81, 0x81, 0x89, 0x8a];
    let frame = |(first, digit)| from(Role::Server, first, &[digit]);
    let written: Vec<_> = frames.into_iter().zip(b'1'..).map(frame).collect();
    assert_eq!(*out, written.concat());
}

#[test]
fn parts_are_reported_where_they_were_asked_for() {
    let mut server = Peer::accept(|settings| settings.connection.delivery = Delivery::Parts);
    server.read(0, REQUEST);
    let events = server.read(1, &to(Role::Server, 0x01, b"a"));
    let [SessionEvent::Part(part)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((&*part.data, part.fin), (&b"a"[..], false));
}

#[test]
fn messages_before_a_violation_can_be_answered_where_that_is_wanted() {
    let bytes = [
        to(Role::Server, 0x82, b"1"),
        to(Role::Server, 0xb2, b"2"),
        to(Role::Server, 0x82, b"3"),
    ]
    .concat();
    for answer_first in [false, true] {
        let mut server = Peer::accept(|settings| settings.answer_first = answer_first);
        server.read(1, REQUEST);
        let mut events = server.read(3, &bytes);
        assert_eq!(messages(&events[..1]), [b"1"]);
        assert_eq!(server.session.has_violation(), answer_first);
        assert_eq!(server.session.has_more(), answer_first);
        server.out.clear();
        let sent = server
            .session
            .send(Message::binary(&b"1"[..]), &mut server.out);
        if answer_first {
            assert_eq!(events.len(), 1);
            assert_eq!((sent, &server.out[..]), (Ok(()), &b"\x82\x011"[..]));
            // Whether more comes or the stream ends: it is over now.
            events = server.read(3, &to(Role::Server, 0x82, b"4"));
            assert!(server.out.starts_with(b"\x82\x011\x88"), "{:?}", server.out);
        } else {
            assert_eq!(sent, Err(SendError::CloseSent));
            events.remove(0);
        }
        let [SessionEvent::Closed(closed)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_failed(closed, Initiator::Local, ProtocolError::ReservedBits);
        assert!(server.session.is_finished());
    }
    let mut server = Peer::accept(|settings| settings.answer_first = true);
    server.read(1, REQUEST);
    assert_eq!(messages(&server.read(2, &bytes)), [b"1"]);
    let closed = server.session.receive_end(None).unwrap();
    assert_eq!(
        closed.error,
        Some(SessionError::Protocol(ProtocolError::ReservedBits))
    );
    assert!(!server.session.has_more());
}
