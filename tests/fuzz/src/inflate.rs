//! DEFLATE that comes from anywhere, through a connection.

use sockeye::{
    Connection, DeflateParameters, Delivery, Event, FrameHeader, Message, MessageKind, Opcode,
    Options, ProtocolError, Role, WindowBits,
};

use crate::{alloc, connection::bound, entropy};

/// Longest message.
const LIMIT: usize = 1 << 16;

/// Frames of compressed messages from a server.
pub(crate) struct Stream {
    /// What was agreed.
    pub(crate) parameters: DeflateParameters,
    /// The frames.
    pub(crate) bytes: Vec<u8>,
}

impl Stream {
    /// The first two bytes choose the parameters, the kind of message and how it is fragmented; each run of the rest up to a 0xA5
    /// 0x5A is the payload of a compressed message.
    pub(crate) fn new(data: &[u8]) -> Option<Self> {
        let (&[flags, fragment], mut rest) = data.split_first_chunk()?;
        let mut parameters = DeflateParameters::default();
        parameters.server_no_context_takeover = flags & 1 != 0;
        let bits = WindowBits::new(8 + (flags >> 1 & 7)).unwrap_or(WindowBits::MAX);
        parameters.server_max_window_bits = bits;
        let kind = if flags & 0x10 == 0 {
            MessageKind::Binary
        } else {
            MessageKind::Text
        };
        let fragment = match fragment {
            0 => usize::MAX,
            len => usize::from(len),
        };
        let mut bytes = Vec::new();
        loop {
            let end = rest.windows(2).position(|pair| pair == [0xA5, 0x5A]);
            let (payload, after) = rest.split_at(end.unwrap_or(rest.len()));
            frames(kind, payload, fragment, &mut bytes);
            if end.is_none() {
                return Some(Self { parameters, bytes });
            }
            rest = &after[2..];
        }
    }
}

/// See [`Stream::new`].
pub fn inflate(data: &[u8]) {
    let Some(Stream {
        parameters,
        bytes: stream,
    }) = Stream::new(data)
    else {
        return;
    };
    let whole = messages(parameters, &stream, usize::MAX);
    assert_eq!(messages(parameters, &stream, 1), whole);
    assert_eq!(messages(parameters, &stream, 100), whole);
    // In parts, a message has no limit: what came whole comes in parts too, and what does not inflate fails there too.
    let (parts, error) = parts(parameters, &stream);
    assert!(parts.starts_with(&whole.0));
    if whole.1.is_none() {
        assert_eq!((parts, error), whole);
    } else if whole.1 != Some(ProtocolError::MessageTooBig { limit: LIMIT }) {
        assert_eq!(error, whole.1);
    }
    round_trip(parameters, &whole.0);
}

/// Appends the frames of a compressed message from a server.
fn frames(kind: MessageKind, payload: &[u8], fragment: usize, stream: &mut Vec<u8>) {
    let mut chunks = payload.chunks(fragment).peekable();
    let mut opcode = kind.opcode();
    loop {
        let chunk = chunks.next().unwrap_or_default();
        let mut header = FrameHeader::new(opcode, chunk.len() as u64);
        header.fin = chunks.peek().is_none();
        header.rsv1 = opcode != Opcode::Continuation;
        let (bytes, len) = header.encode();
        stream.extend_from_slice(&bytes[..len]);
        stream.extend_from_slice(chunk);
        opcode = Opcode::Continuation;
        if header.fin {
            return;
        }
    }
}

pub(crate) type Received = (Vec<(MessageKind, Vec<u8>)>, Option<ProtocolError>);

/// The messages of a stream that is read `read` bytes at a time.
pub(crate) fn messages(parameters: DeflateParameters, stream: &[u8], read: usize) -> Received {
    let mut options = Options::new(Role::Client);
    options.limits.message_size = LIMIT;
    options.limits.fragments = u32::MAX;
    let mut stream = stream.to_vec();
    let mut connection = Connection::new(Role::Client, &options, Some(parameters), entropy);
    let mut out = Vec::with_capacity(1024);
    let mut received = Vec::new();
    for mut input in stream.chunks_mut(read) {
        loop {
            let base = alloc::live();
            let event = connection.receive(&mut input, &mut out);
            assert!(alloc::peak() - base <= bound(&options, true));
            match event {
                Ok(Some(Event::Message(message))) => {
                    assert!(message.as_bytes().len() <= LIMIT);
                    received.push((message.kind(), message.into_bytes()));
                }
                Ok(None) => break,
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (received, Some(error)),
            }
        }
    }
    (received, None)
}

/// The same, received in parts.
fn parts(parameters: DeflateParameters, stream: &[u8]) -> Received {
    let mut options = Options::new(Role::Client);
    options.delivery = Delivery::Parts;
    options.limits.message_size = LIMIT;
    options.limits.fragments = u32::MAX;
    let mut stream = stream.to_vec();
    let mut connection = Connection::new(Role::Client, &options, Some(parameters), entropy);
    let mut out = Vec::new();
    let (mut received, mut message) = (Vec::new(), Vec::new());
    let mut input = &mut stream[..];
    loop {
        match connection.receive(&mut input, &mut out) {
            Ok(Some(Event::Part(part))) => {
                message.extend_from_slice(&part.data);
                if part.fin {
                    received.push((part.kind, core::mem::take(&mut message)));
                }
            }
            Ok(None) => return (received, None),
            Ok(other) => panic!("{other:?}"),
            Err(error) => return (received, Some(error)),
        }
    }
}

/// What was inflated is deflated and inflated once more.
fn round_trip(parameters: DeflateParameters, messages: &[(MessageKind, Vec<u8>)]) {
    let mut options = Options::new(Role::Server);
    options.deflate.threshold = 0;
    options.deflate.level = 6;
    let mut server = Connection::new(Role::Server, &options, Some(parameters), entropy);
    let mut stream = Vec::new();
    for (kind, data) in messages {
        let message = match kind {
            MessageKind::Text => Message::text(core::str::from_utf8(data).unwrap_or_default()),
            MessageKind::Binary => Message::binary(&data[..]),
        };
        if server.send(message, &mut stream).is_err() {
            panic!("an open connection does not send");
        }
    }
    let received = self::messages(parameters, &stream, usize::MAX);
    assert!(received.1.is_none());
    assert!(received.0 == messages);
}
