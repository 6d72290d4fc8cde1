//! The examples of RFC 6455 §5.7, received at every cut.

use std::borrow::Cow;

use sockeye::{
    CloseCode, CloseFrame, Connection, Event, Message, Options, ProtocolError, Role, State,
};

fn entropy(bytes: &mut [u8]) {
    bytes.copy_from_slice(&[0x37, 0xfa, 0x21, 0x3d][..bytes.len()]);
}

fn connection(role: Role) -> Connection {
    Connection::new(role, &Options::new(role), None, entropy)
}

/// The events of a connection of this role fed with `bytes` in two pieces, and what it answers.
fn receive(
    role: Role,
    bytes: &[u8],
    cut: usize,
) -> (Result<Vec<Event<'static>>, ProtocolError>, Vec<u8>) {
    let mut connection = connection(role);
    let mut out = Vec::new();
    let mut events = Vec::new();
    let mut bytes = bytes.to_vec();
    let (head, tail) = bytes.split_at_mut(cut);
    for mut input in [head, tail] {
        loop {
            match connection.receive(&mut input, &mut out) {
                Ok(Some(event)) => events.push(event.into_owned()),
                Ok(None) => break,
                Err(error) => return (Err(error), out),
            }
        }
    }
    (Ok(events), out)
}

/// Cuts the input at every place and asserts the same outcome.
fn assert_received(role: Role, bytes: &[u8], events: &[Event<'static>], answer: &[u8]) {
    for cut in 0..=bytes.len() {
        assert_eq!(
            receive(role, bytes, cut),
            (Ok(events.to_vec()), answer.to_vec()),
            "cut at {cut}"
        );
    }
}

#[test]
fn server_receives_masked_text() {
    let bytes = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_received(
        Role::Server,
        &bytes,
        &[Event::Message(Message::text("Hello"))],
        &[],
    );
}

#[test]
fn client_receives_fragmented_text() {
    let bytes = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_received(
        Role::Client,
        &bytes,
        &[Event::Message(Message::text("Hello"))],
        &[],
    );
}

#[test]
fn ping_is_answered_with_its_payload() {
    let bytes = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_received(
        Role::Client,
        &bytes,
        &[Event::Ping(Cow::Borrowed(b"Hello"))],
        &pong,
    );
}

#[test]
fn ping_between_fragments_is_answered_at_once() {
    let bytes = [
        0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x00, 0x80, 0x02, 0x6c, 0x6f,
    ];
    let pong = [0x8a, 0x80, 0x37, 0xfa, 0x21, 0x3d];
    let events = [
        Event::Ping(Cow::Borrowed(b"")),
        Event::Message(Message::text("Hello")),
    ];
    assert_received(Role::Client, &bytes, &events, &pong);
}

#[test]
fn client_receives_lengths_of_16_and_64_bits() {
    for (mut bytes, len) in [
        (vec![0x82, 0x7E, 0x01, 0x00], 256),
        (vec![0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
    ] {
        let data: Vec<u8> = (0..len).map(|i| i as u8).collect();
        bytes.extend_from_slice(&data);
        let (events, _) = receive(Role::Client, &bytes, 20);
        assert_eq!(events, Ok(vec![Event::Message(Message::binary(data))]));
    }
}

#[test]
fn close_is_answered_with_its_code_and_ends_the_connection() {
    let bytes = [
        0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, 0x62, 0x79, 0x65, 0x81, 0x80, 0, 0, 0, 0,
    ];
    let events = [Event::Close(Some(CloseFrame::new(
        CloseCode::NORMAL,
        "bye",
    )))];
    assert_received(Role::Server, &bytes, &events, &[0x88, 0x02, 0x03, 0xe8]);
}

#[test]
fn closing_handshake_begun_here_is_clean() {
    let mut server = connection(Role::Server);
    let mut out = Vec::new();
    server
        .close(
            Some(CloseFrame::new(CloseCode::GOING_AWAY, "bye")),
            &mut out,
        )
        .unwrap();
    assert_eq!(out, b"\x88\x05\x03\xe9bye");
    assert_eq!(server.state(), State::Closing);
    // A message that was under way still arrives, then the answer.
    let mut bytes = [
        0x82, 0x81, 0, 0, 0, 0, 0x2a, 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9,
    ];
    let mut input = &mut bytes[..];
    let event = server.receive(&mut input, &mut out).unwrap();
    assert_eq!(event, Some(Event::Message(Message::binary(vec![0x2a]))));
    let event = server.receive(&mut input, &mut out).unwrap();
    assert_eq!(
        event,
        Some(Event::Close(Some(CloseFrame::new(
            CloseCode::GOING_AWAY,
            ""
        ))))
    );
    assert_eq!((server.state(), server.is_clean()), (State::Closed, true));
    assert_eq!(out.len(), 7);
}

#[test]
fn violation_fails_the_connection_with_its_code() {
    let (outcome, out) = receive(Role::Server, &[0x81, 0x05], 2);
    assert_eq!(outcome, Err(ProtocolError::MaskMissing));
    assert_eq!(out[..4], [0x88, out.len() as u8 - 2, 0x03, 0xea]);
}
