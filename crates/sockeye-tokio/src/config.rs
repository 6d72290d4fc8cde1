//! How connections behave.

use sockeye::{Limits, Options, PerMessageDeflate, Role, Timeouts};

/// How a connection behaves after its opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Bounds on what a peer may make this side hold. Messages of at most 1 MiB by default.
    pub limits: Limits,
    /// Keepalive and other bounds on time. A server sends a Ping after 20 s of silence and gives up 20 s later by default; a client sends
    /// none. They run while the connection is being read from.
    pub timeouts: Timeouts,
    /// Whether a Ping is answered at once. Default true; when false, the application sends the Pong that RFC 6455 §5.5.2 asks for.
    pub automatic_pong: bool,
    /// Whether a Close frame is answered at once. Default true; when false, the application sends what it still has to, and then the Close
    /// frame that RFC 6455 §5.5.1 asks for.
    pub automatic_close: bool,
    /// Level and threshold of compression, where the handshake agreed on it. The [`Upgrader`](crate::Upgrader) and the
    /// `Dialer` set it to what they offer.
    pub deflate: PerMessageDeflate,
    /// Bytes read at once. Default 64 KiB. The buffer is shared by the connections of a thread: one that is idle holds none.
    pub read_buffer_size: usize,
    /// Bytes that may wait to be written before sending waits. Default 64 KiB. A message that is longer still goes in whole.
    pub write_buffer_size: usize,
}

impl Config {
    /// The defaults of this role.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        let options = Options::new(role);
        Self {
            limits: options.limits,
            timeouts: options.timeouts,
            automatic_pong: options.automatic_pong,
            automatic_close: options.automatic_close,
            deflate: options.deflate,
            read_buffer_size: 65_536,
            write_buffer_size: 65_536,
        }
    }

    pub(crate) const fn options(&self, role: Role) -> Options {
        let mut options = Options::new(role);
        options.limits = self.limits;
        options.timeouts = self.timeouts;
        options.automatic_pong = self.automatic_pong;
        options.automatic_close = self.automatic_close;
        options.deflate = self.deflate;
        options
    }
}
