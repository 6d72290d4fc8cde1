//! How a connection behaves.

use crate::{Limits, PerMessageDeflate, Role, Timeouts};

/// How messages are handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Whole, as [`Event::Message`](crate::Event::Message).
    #[default]
    Messages,
    /// In parts as they come, as [`Event::Part`](crate::Event::Part): messages of any length in bounded memory, and proxies.
    Parts,
}

/// How a connection behaves after its opening handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Bounds on size.
    pub limits: Limits,
    /// Bounds on time.
    pub timeouts: Timeouts,
    /// How messages are handed over. Default whole.
    pub delivery: Delivery,
    /// Whether a Ping is answered at once. Default true; when false the application sends the Pong that RFC 6455 §5.5.2 asks for.
    pub automatic_pong: bool,
    /// Whether a Close frame is answered at once. Default true; when false the application may go on sending, and answers with
    /// [`Connection::close`](crate::Connection::close), as RFC 6455 §5.5.1 asks.
    pub automatic_close: bool,
    /// Level and threshold of compression, where the handshake negotiated it.
    pub deflate: PerMessageDeflate,
}

impl Options {
    /// The defaults of this role.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            limits: Limits {
                message_size: 1 << 20,
                parts_size: u64::MAX,
                frame_size: 1 << 20,
                fragments: 131_072,
            },
            timeouts: match role {
                Role::Server => Timeouts::server(),
                Role::Client => Timeouts::client(),
            },
            delivery: Delivery::Messages,
            automatic_pong: true,
            automatic_close: true,
            deflate: PerMessageDeflate::new(role),
        }
    }
}
