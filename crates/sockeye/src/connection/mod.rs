//! One connection after its opening handshake.

mod assembly;
mod parts;
mod receive;
mod send;
mod timer;

use self::{assembly::Assembly, receive::Incoming, send::Sending, timer::Timers};
use crate::{
    Delivery, Entropy, Limits, Options, ProtocolError, Role,
    deflate::{self, Compression, DeflateParameters},
};

/// Where a connection stands ([RFC 6455 §7.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1)).
///
/// `Open` goes to `Closing` when this side sends a Close frame, and to `Closed` when the peer's comes or when a rule is
/// broken; `Closing` goes to `Closed` when the peer's Close frame comes, the byte stream ends, or a timeout says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Messages flow both ways.
    Open,
    /// This side has sent a Close frame: it may not send, but still receives.
    Closing,
    /// Nothing more will come or go. A server ends the byte stream now; a client waits for the server to do so (§7.1.1).
    Closed,
}

/// Which side began to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Initiator {
    /// This side, by a Close frame or by failing the connection.
    Local,
    /// The peer, by a Close frame.
    Peer,
    /// Neither: the byte stream ended.
    Transport,
}

/// One connection after its opening handshake: the whole protocol as a state machine that does no IO.
///
/// Feed it what was read with [`Self::receive`] until that returns `None`; append what it wants to send, answers to control
/// frames included, to an output buffer of yours; and when that buffer grows beyond what you are willing to hold, stop reading. That
/// is all of backpressure: nothing is queued in here.
///
/// ```
/// use sockeye::{Connection, Event, Options, Role};
///
/// fn entropy(bytes: &mut [u8]) {
///     bytes.fill(7); // A real one asks the operating system.
/// }
/// let options = Options::new(Role::Server);
/// let mut connection = Connection::new(Role::Server, &options, None, entropy);
///
/// // RFC 6455 §5.7: "Hello", masked, as read from a socket.
/// let mut read = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let mut input = &mut read[..];
/// let mut out = Vec::new();
/// while let Some(event) = connection.receive(&mut input, &mut out)? {
///     if let Event::Message(message) = event {
///         connection.send(message, &mut out).ok();
///     }
/// }
/// assert_eq!(out, b"\x81\x05Hello"); // Write this to the socket.
/// # Ok::<(), sockeye::ProtocolError>(())
/// ```
///
/// Memory: the struct itself, the message under way (at most [`Limits::message_size`], grown with what came and never with what
/// was announced), and with permessage-deflate the windows. An idle connection without compression owns no heap memory.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    state: State,
    delivery: Delivery,
    automatic_pong: bool,
    automatic_close: bool,
    /// The message that is being sent in parts.
    sending: Option<Sending>,
    limits: Limits,
    incoming: Incoming,
    message: Option<Assembly>,
    compression: Option<deflate::Boxed>,
    timers: Timers,
    error: Option<ProtocolError>,
    initiator: Option<Initiator>,
    close_received: bool,
    entropy: Entropy,
}

impl Connection {
    /// A connection whose opening handshake has just ended in this agreement on compression.
    ///
    /// The clock starts at zero; tell the time with [`Self::handle_timeout`].
    #[must_use]
    pub fn new(
        role: Role,
        options: &Options,
        deflate: Option<DeflateParameters>,
        entropy: Entropy,
    ) -> Self {
        Self {
            role,
            state: State::Open,
            delivery: options.delivery,
            automatic_pong: options.automatic_pong,
            automatic_close: options.automatic_close,
            sending: None,
            limits: options.limits,
            incoming: Incoming::default(),
            message: None,
            compression: deflate
                .and_then(|parameters| Compression::new(role, &options.deflate, &parameters))
                .map(deflate::Boxed::from),
            timers: Timers::new(options.timeouts),
            error: None,
            initiator: None,
            close_received: false,
            entropy,
        }
    }

    /// Changes the bounds on size, from the next frame on.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether messages are compressed from now on. Without effect unless permessage-deflate was negotiated, where the default is true.
    pub fn set_compression(&mut self, compress: bool) {
        if let Some(compression) = &mut self.compression {
            compression.set_enabled(compress);
        }
    }

    /// Changes the level of compression, 0 (store) to 9 (best), from the next message on. Without effect unless permessage-deflate was
    /// negotiated. What was sent before is forgotten: the next message refers to nothing in it.
    pub fn set_compression_level(&mut self, level: u8) {
        if let Some(compression) = &mut self.compression {
            compression.set_level(level);
        }
    }

    /// Which side this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Which side began to close, once one has.
    #[must_use]
    pub const fn initiator(&self) -> Option<Initiator> {
        self.initiator
    }

    /// Whether the peer's Close frame has come.
    #[must_use]
    pub const fn is_close_received(&self) -> bool {
        self.close_received
    }

    /// Whether Close frames went both ways ([RFC 6455 §7.1.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4)).
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.close_received && self.error.is_none()
    }

    /// Why the connection was failed, if it was.
    #[must_use]
    pub const fn error(&self) -> Option<ProtocolError> {
        self.error
    }

    fn end(&mut self, initiator: Initiator) {
        self.state = State::Closed;
        self.initiator.get_or_insert(initiator);
        // An ended connection may be kept for a while; what it held goes now.
        self.message = None;
        self.compression = None;
        self.timers.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connection_fits_in_a_kibibyte() {
        assert!(
            size_of::<Connection>() <= 512,
            "{}",
            size_of::<Connection>()
        );
    }
}
