//! Connections that receive anything.

use sockeye::{
    Connection, DeflateParameters, Delivery, Event, Options, ProtocolError, Role, State, WindowBits,
};

use crate::{Digest, alloc, entropy, pieces};

/// A server receives.
pub fn server_receive(data: &[u8]) {
    receive(Role::Server, data);
}

/// A client receives.
pub fn client_receive(data: &[u8]) {
    receive(Role::Client, data);
}

/// Most bytes of heap that receiving may take at once: twice the limit on a message, because its buffer doubles (a kibibyte more is
/// for the text of an error), and with permessage-deflate the decoder with its window, and the same again for one that grows.
pub(crate) fn bound(options: &Options, compressed: bool) -> isize {
    let deflate = if compressed { 160 << 10 } else { 0 };
    (2 * options.limits.message_size + 1024 + deflate) as isize
}

/// The first four bytes say how the connection is set up and how the reads cut the rest.
fn receive(role: Role, data: &[u8]) {
    let Some((&[flags, sizes, cut, next_cut], bytes)) = data.split_first_chunk() else {
        return;
    };
    let mut options = Options::new(role);
    options.automatic_pong = flags & 1 == 0;
    if flags & 2 != 0 {
        options.delivery = Delivery::Parts;
    }
    options.limits.message_size = [1 << 20, 0, 100, 5000][usize::from(sizes & 3)];
    options.limits.parts_size = [u64::MAX, 0, 100, 5000][usize::from(sizes >> 6)];
    options.limits.frame_size = [1 << 20, 125, 1000, u64::MAX][usize::from(sizes >> 2 & 3)];
    options.limits.fragments = [1024, 1, 3, u32::MAX][usize::from(sizes >> 4 & 3)];
    let parameters = (flags & 4 != 0).then(|| {
        let mut parameters = DeflateParameters::default();
        parameters.server_no_context_takeover = flags & 8 != 0;
        parameters.client_no_context_takeover = flags & 8 != 0;
        let bits = WindowBits::new(8 + (flags >> 4 & 7)).unwrap_or(WindowBits::MAX);
        parameters.server_max_window_bits = bits;
        parameters.client_max_window_bits = bits;
        parameters
    });
    let whole = Transcript::of(role, &options, parameters, bytes, &[]);
    for cuts in [&[1][..], &[cut, next_cut]] {
        let cut = Transcript::of(role, &options, parameters, bytes, cuts);
        assert_eq!(cut, whole, "{cuts:?}");
    }
}

/// All that a connection did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transcript {
    events: Digest,
    out: Digest,
    error: Option<ProtocolError>,
    state: State,
}

impl Transcript {
    pub(crate) fn of(
        role: Role,
        options: &Options,
        parameters: Option<DeflateParameters>,
        bytes: &[u8],
        cuts: &[u8],
    ) -> Self {
        let mut buffer = bytes.to_vec();
        // One control frame is the most that a call writes.
        let mut out = Vec::with_capacity(1024);
        let base = alloc::live();
        let bound = base + bound(options, parameters.is_some());
        let mut connection = Connection::new(role, options, parameters, entropy);
        let mut transcript = Self {
            events: Digest::new(),
            out: Digest::new(),
            error: None,
            state: State::Open,
        };
        // Before the parts of a message that have come one after another.
        let mut before_parts = None;
        let mut rest = &mut buffer[..];
        'reads: for piece in pieces(bytes, cuts) {
            let (mut input, after) = rest.split_at_mut(piece.len());
            rest = after;
            loop {
                let before = input.len();
                let outcome = connection.receive(&mut input, &mut out);
                assert!(out.len() <= 2 + 4 + 125);
                transcript.out.bytes(&out);
                out.clear();
                match outcome {
                    Ok(Some(event)) => {
                        assert!(input.len() < before);
                        transcript.event(event, &mut before_parts);
                    }
                    Ok(None) => {
                        assert!(input.is_empty());
                        break;
                    }
                    Err(error) => {
                        assert!(input.is_empty());
                        // The part that holds the violation may have been handed over up to there, or not.
                        transcript.events = before_parts.unwrap_or(transcript.events);
                        transcript.error = Some(error);
                        assert_eq!(connection.receive(&mut &mut [][..], &mut out), Err(error));
                        assert!(out.is_empty());
                        break 'reads;
                    }
                }
            }
        }
        transcript.state = connection.state();
        assert!(alloc::peak() <= bound, "{} of {bound}", alloc::peak());
        assert_eq!(
            connection.receive_end().err().is_some(),
            !connection.is_clean()
        );
        drop(connection);
        assert_eq!(alloc::live(), base);
        transcript
    }

    fn event(&mut self, event: Event<'_>, before_parts: &mut Option<Digest>) {
        if let Event::Part(part) = &event {
            // Parts that follow each other count as one: where they are cut is the transport's doing.
            before_parts.get_or_insert(self.events);
            self.events.bytes(&part.data);
            if part.fin {
                self.events.item(part.kind as u8, b"part");
                *before_parts = None;
            }
            return;
        }
        *before_parts = None;
        match &event {
            Event::Message(message) => self.events.item(message.kind() as u8, message.as_bytes()),
            Event::Ping(payload) => self.events.item(9, payload),
            Event::Pong(payload) => self.events.item(10, payload),
            Event::Close(None) => self.events.item(8, b""),
            Event::Close(Some(frame)) => {
                self.events.item(8, &frame.code.get().to_be_bytes());
                self.events.bytes(frame.reason.as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}
