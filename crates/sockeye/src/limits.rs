//! Bounds on what a peer may make this side hold, and for how long.

use core::time::Duration;

use crate::ProtocolError;

/// Bounds on size. Each but `parts_size` is finite by default.
///
/// With these, a connection holds at most `message_size` (the message under way) plus a frame header, plus what
/// permessage-deflate needs: the two windows and the compressor's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest message in bytes, after inflation. Default 1 MiB. Above it the connection fails with 1009. It does not bound
    /// messages that are received in parts ([`Delivery::Parts`](crate::Delivery::Parts)), but the longest part of a compressed one.
    pub message_size: usize,
    /// Longest message in bytes, after inflation, that is received in parts ([`Delivery::Parts`](crate::Delivery::Parts)), parts that were
    /// dropped included. Default `u64::MAX`: no bound, since no part is held. Above it the connection fails with 1009: at the header of
    /// the frame that crosses it, and where a compressed message inflates to more.
    pub parts_size: u64,
    /// Longest frame payload in bytes, judged by the frame's header. Default 1 MiB. Above it the connection fails with 1009.
    pub frame_size: u64,
    /// Most frames in one message, empty ones included. Default 131,072: frames are joined as they come, so that one costs no memory,
    /// and a message of 4 MiB in frames of 64 bytes is legal. Above it the connection fails with 1008.
    pub fragments: u32,
}

impl Limits {
    /// The error for a message in parts that is longer than [`Self::parts_size`].
    pub(crate) fn parts_too_big(&self) -> ProtocolError {
        ProtocolError::MessageTooBig {
            limit: usize::try_from(self.parts_size).unwrap_or(usize::MAX),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 1 << 20,
            parts_size: u64::MAX,
            frame_size: 1 << 20,
            fragments: 131_072,
        }
    }
}

/// Bounds on time; `None` means no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Silence of the peer after which it is sent a Ping. Servers 20 s by default, clients none.
    pub ping_interval: Option<Duration>,
    /// How long the peer may stay silent after that Ping before the connection fails with 1011. Default 20 s.
    pub pong: Option<Duration>,
    /// How long the peer may take to answer a Close frame. Default 5 s.
    pub close: Option<Duration>,
    /// How old an unfinished message may grow before the connection fails with 1008. Servers 30 s by default, clients none.
    pub message: Option<Duration>,
}

impl Timeouts {
    /// The defaults of a server.
    #[must_use]
    pub const fn server() -> Self {
        Self {
            ping_interval: Some(Duration::from_secs(20)),
            pong: Some(Duration::from_secs(20)),
            close: Some(Duration::from_secs(5)),
            message: Some(Duration::from_secs(30)),
        }
    }

    /// The defaults of a client.
    #[must_use]
    pub const fn client() -> Self {
        Self {
            ping_interval: None,
            message: None,
            ..Self::server()
        }
    }

    /// No bound at all: for peers that are trusted, and for looking at recorded bytes.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            ping_interval: None,
            pong: None,
            close: None,
            message: None,
        }
    }
}
