//! What the tests of the core share: frames by hand, and a driver that checks progress while it feeds a connection.
#![allow(
    dead_code,
    reason = "each test binary compiles it for itself and uses a part"
)]

use core::time::Duration;

use sockeye::{
    CloseCode, CloseFrame, Connection, Event, FrameHeader, Initiator, MaskingKey, Message, Opcode,
    Options, Part, ProtocolError, Role, State,
};

pub(crate) const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// Longest input that is tried at every single cut.
const EVERY_CUT: usize = 400;

/// Draws zeros, so that what a client sends can be read in the tests.
pub(crate) fn entropy(bytes: &mut [u8]) {
    bytes.fill(0);
}

pub(crate) fn connection(role: Role) -> Connection {
    connection_with(role, |_| ())
}

pub(crate) fn connection_with(role: Role, set: impl FnOnce(&mut Options)) -> Connection {
    let mut options = Options::new(role);
    set(&mut options);
    Connection::new(role, &options, None, entropy)
}

/// A frame as the peer of `role` sends it: masked with 37 fa 21 3d towards a server, not masked towards a client.
pub(crate) fn to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let key = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);
    encode(first, payload, (role == Role::Server).then_some(key))
}

/// A frame as a connection of `role` sends it when it draws its masks from [`entropy`].
pub(crate) fn from(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let key = MaskingKey::new([0; 4]);
    encode(first, payload, (role == Role::Client).then_some(key))
}

fn encode(first: u8, payload: &[u8], mask: Option<MaskingKey>) -> Vec<u8> {
    let mut header = FrameHeader::new(Opcode::Binary, payload.len() as u64);
    header.mask = mask;
    let (bytes, len) = header.encode();
    let mut frame = bytes[..len].to_vec();
    frame[0] = first;
    frame.extend_from_slice(payload);
    if let Some(mask) = mask {
        mask.apply(&mut frame[len..]);
    }
    frame
}

/// The header of a frame as the peer of `role` sends it, with any length and no payload. Its mask is zero.
pub(crate) fn header_to(role: Role, first: u8, payload_len: u64) -> Vec<u8> {
    let mut header = FrameHeader::new(Opcode::Binary, payload_len);
    header.mask = (role == Role::Server).then_some(MaskingKey::new([0; 4]));
    let (bytes, len) = header.encode();
    let mut bytes = bytes[..len].to_vec();
    bytes[0] = first;
    bytes
}

/// The second byte of a header as the peer of `role` sends it.
pub(crate) fn second(role: Role, length: u8) -> u8 {
    match role {
        Role::Server => 0x80 | length,
        Role::Client => length,
    }
}

/// The payload of a Close frame.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// The Close frame with which a connection of `role` fails for this reason.
pub(crate) fn failure(role: Role, code: u16, error: ProtocolError) -> Vec<u8> {
    from(role, 0x88, &close_payload(code, &error.to_string()))
}

pub(crate) fn text(text: &str) -> Event<'static> {
    Event::Message(Message::text(text.to_owned()))
}

pub(crate) fn binary(data: &[u8]) -> Event<'static> {
    Event::Message(Message::binary(data.to_vec()))
}

pub(crate) fn ping(payload: &[u8]) -> Event<'static> {
    Event::Ping(payload.to_vec().into())
}

pub(crate) fn pong(payload: &[u8]) -> Event<'static> {
    Event::Pong(payload.to_vec().into())
}

pub(crate) fn closed(code: u16, reason: &str) -> Event<'static> {
    Event::Close(Some(CloseFrame::new(
        CloseCode::new(code),
        reason.to_owned(),
    )))
}

/// All that a connection did with some input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event<'static>>,
    pub(crate) out: Vec<u8>,
    pub(crate) error: Option<ProtocolError>,
    pub(crate) state: State,
    pub(crate) initiator: Option<Initiator>,
}

/// Feeds a connection with pieces until it fails. Each call of `receive` must take bytes off the input, and nothing may be left
/// once it has no event; a failure must be told again, and only once on the wire.
#[track_caller]
pub(crate) fn feed<'a>(
    connection: &mut Connection,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut outcome = Outcome {
        events: Vec::new(),
        out: Vec::new(),
        error: None,
        state: connection.state(),
        initiator: connection.initiator(),
    };
    'pieces: for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            let before = input.len();
            match connection.receive(&mut input, &mut outcome.out) {
                Ok(Some(event)) => {
                    outcome.events.push(event.into_owned());
                    assert!(input.len() < before, "an event out of nothing");
                }
                Ok(None) => {
                    assert!(input.is_empty(), "input left behind");
                    break;
                }
                Err(error) => {
                    outcome.error = Some(error);
                    assert_repeated(connection, error, &mut outcome.out);
                    break 'pieces;
                }
            }
        }
    }
    outcome.state = connection.state();
    outcome.initiator = connection.initiator();
    outcome
}

#[track_caller]
fn assert_repeated(connection: &mut Connection, error: ProtocolError, out: &mut Vec<u8>) {
    let len = out.len();
    let mut more = to(connection.role(), 0x89, b"more");
    let mut input = &mut more[..];
    assert_eq!(connection.receive(&mut input, out), Err(error));
    assert!(input.is_empty());
    assert_eq!(connection.receive(&mut &mut [][..], out), Err(error));
    assert_eq!(connection.receive_end(), Err(error));
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(
        connection.handle_timeout(Duration::from_secs(1 << 40), out),
        Ok(())
    );
    assert_eq!(connection.error(), Some(error));
    assert!(!connection.is_clean());
    assert_eq!(out.len(), len, "something was sent after the Close frame");
}

/// Joins parts of the same message that came right after one another: where they are cut is the transport's doing.
pub(crate) fn coalesced(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut joined: Vec<Event<'static>> = Vec::new();
    for event in events {
        match (joined.last_mut(), event) {
            (Some(Event::Part(last)), Event::Part(next)) if !last.fin => {
                let data = [&*last.data, &*next.data].concat();
                *last = Part::new(next.kind, data, next.fin);
            }
            (_, event) => joined.push(event),
        }
    }
    joined
}

/// Feeds the same bytes to fresh connections: whole, byte by byte and cut in two at every place (at many, where they are long).
/// Asserts the same outcome each time and returns it.
#[track_caller]
pub(crate) fn feed_everywhere(make: impl Fn() -> Connection, bytes: &[u8]) -> Outcome {
    let run = |pieces: Vec<&[u8]>| {
        let mut outcome = feed(&mut make(), pieces);
        outcome.events = coalesced(outcome.events);
        outcome
    };
    let whole = run(vec![bytes]);
    assert_eq!(run(bytes.chunks(1).collect()), whole, "byte by byte");
    let step = bytes.len() / EVERY_CUT + 1;
    for cut in (0..=bytes.len()).step_by(step) {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(run(vec![head, tail]), whole, "cut at {cut}");
    }
    whole
}

/// Asserts what a connection of `role` makes of `bytes`, wherever they are cut, when it stays open.
#[track_caller]
pub(crate) fn assert_received(role: Role, bytes: &[u8], events: &[Event<'static>], out: &[u8]) {
    assert_received_with(role, |_| (), bytes, events, out);
}

#[track_caller]
pub(crate) fn assert_received_with(
    role: Role,
    set: impl Fn(&mut Options),
    bytes: &[u8],
    events: &[Event<'static>],
    out: &[u8],
) {
    let outcome = feed_everywhere(|| connection_with(role, &set), bytes);
    let expected = Outcome {
        events: events.to_vec(),
        out: out.to_vec(),
        error: None,
        state: State::Open,
        initiator: None,
    };
    assert_eq!(outcome, expected, "{role:?} {bytes:02x?}");
}

/// Asserts that a connection of `role` fails with `error` and the Close code `code` for `bytes`, wherever they are cut, and not
/// one byte earlier.
#[track_caller]
pub(crate) fn assert_failed(
    role: Role,
    bytes: &[u8],
    events: &[Event<'static>],
    code: u16,
    error: ProtocolError,
) {
    assert_failed_with(role, |_| (), bytes, events, code, error);
}

#[track_caller]
pub(crate) fn assert_failed_with(
    role: Role,
    set: impl Fn(&mut Options),
    bytes: &[u8],
    events: &[Event<'static>],
    code: u16,
    error: ProtocolError,
) {
    let make = || connection_with(role, &set);
    let outcome = feed_everywhere(make, bytes);
    // What was answered before the violation stays.
    let mut out = Vec::new();
    for event in events {
        if let Event::Ping(payload) = event {
            out.extend(from(role, 0x8A, payload));
        }
    }
    out.extend(failure(role, code, error));
    let expected = Outcome {
        events: events.to_vec(),
        out,
        error: Some(error),
        state: State::Closed,
        initiator: Some(Initiator::Local),
    };
    assert_eq!(outcome, expected, "{role:?} {bytes:02x?}");
    let early = feed(&mut make(), [&bytes[..bytes.len() - 1]]);
    assert_eq!(early.error, None, "{role:?} {bytes:02x?} failed too early");
}
