//! What is known of one connection.

use core::{net::SocketAddr, time::Duration};

use sockeye::DeflateParameters;

use crate::{Direction, Rule, Timestamp};

/// One WebSocket connection of a capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// Its number in the capture, from 0.
    pub number: u32,
    /// The client's address, where the source has it.
    pub client: Option<SocketAddr>,
    /// The server's address, where the source has it.
    pub server: Option<SocketAddr>,
    /// When its first byte was captured.
    pub opened: Timestamp,
    /// When its last byte was captured, or its end.
    pub last: Timestamp,
    /// The opening handshake; `None` where the capture began after it.
    pub handshake: Option<Handshake>,
    /// permessage-deflate as it is in force: agreed, or guessed where there is no handshake ([`Self::is_guessed`]).
    pub deflate: Option<DeflateParameters>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<Box<str>>,
    /// Whether the roles and the extension are guessed from the frames, because there is no handshake.
    pub is_guessed: bool,
    /// What carried it.
    pub security: Security,
    /// What was counted, for each [`Direction`].
    pub traffic: [Traffic; 2],
    /// Answered Pings, the oldest first: at most [`Self::MAX_ROUND_TRIPS`], the rest is only in [`Self::round_trip_summary`].
    pub round_trips: Vec<RoundTrip>,
    /// Over all answered Pings.
    pub round_trip_summary: Summary,
    /// How it ended.
    pub end: End,
}

impl Connection {
    /// How many round trips are kept.
    pub const MAX_ROUND_TRIPS: usize = 4_096;

    /// What was counted in this direction.
    #[must_use]
    pub const fn traffic(&self, direction: Direction) -> &Traffic {
        &self.traffic[direction.index()]
    }

    /// The target of the request, such as `/chat?room=1`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.handshake.as_ref()?.target()
    }
}

/// The opening handshake as it was on the wire.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Handshake {
    /// The request's head with its empty line, or what there was of it; rebuilt where the source has only fields (HAR).
    pub request: Box<[u8]>,
    /// The response's head with its empty line.
    pub response: Box<[u8]>,
    /// When the request began.
    pub requested: Timestamp,
    /// When the response was complete.
    pub answered: Timestamp,
    /// Every check that was made, passed or not.
    pub checks: Vec<Check>,
}

impl Handshake {
    /// The request's target.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        let line = self.request.split(|&byte| byte == b'\r').next()?;
        str::from_utf8(line).ok()?.split(' ').nth(1)
    }
}

/// One check of the opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The rule.
    pub rule: Rule,
    /// Whether it is obeyed. Where not, there is a finding too.
    pub passed: bool,
    /// What was looked at, such as `Sec-WebSocket-Version: 13`.
    pub detail: Box<str>,
}

/// What carried the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// TCP as it is.
    #[default]
    Plain,
    /// TLS, decrypted with a key log: its version and cipher suite, such as `TLS 1.3, TLS_AES_128_GCM_SHA256`.
    Tls(Box<str>),
    /// TLS that the source itself had decrypted.
    Decrypted,
}

/// What was counted in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Frames.
    pub frames: u64,
    /// Control frames among them.
    pub control_frames: u64,
    /// Messages begun.
    pub messages: u64,
    /// Compressed messages among them.
    pub compressed_messages: u64,
    /// Bytes of headers, masking keys among them.
    pub header_bytes: u64,
    /// Bytes of masking keys.
    pub mask_bytes: u64,
    /// Bytes of payloads on the wire.
    pub payload_bytes: u64,
    /// Bytes of the payloads of compressed messages on the wire.
    pub compressed_bytes: u64,
    /// Bytes of these messages after inflation.
    pub inflated_bytes: u64,
    /// Bytes that the capture lacks.
    pub missing_bytes: u64,
    /// Length of the longest message in bytes, inflated.
    pub longest_message: u64,
    /// The number of the frame with which it begins.
    pub longest_message_frame: u32,
    /// The longest time between two frames.
    pub longest_gap: Duration,
}

/// A Ping and the Pong that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundTrip {
    /// The number of the Ping's frame.
    pub ping: u32,
    /// The number of the Pong's frame.
    pub pong: u32,
    /// The time between the two.
    pub time: Duration,
}

/// Least, most and mean of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
    /// The sum.
    pub sum: Duration,
}

impl Summary {
    /// Takes one more.
    pub(crate) fn add(&mut self, time: Duration) {
        self.least = if self.count == 0 {
            time
        } else {
            self.least.min(time)
        };
        self.most = self.most.max(time);
        self.sum = self.sum.saturating_add(time);
        self.count += 1;
    }

    /// The mean; zero when there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        u32::try_from(self.count.max(1)).map_or(Duration::ZERO, |count| self.sum / count)
    }
}

/// How a connection ended, as far as the capture tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Who sent the first Close frame.
    pub first: Option<Direction>,
    /// The first Close frame of each [`Direction`].
    pub close: [Option<Close>; 2],
    /// When each [`Direction`]'s stream ended with FIN.
    pub finished: [Option<Timestamp>; 2],
    /// Who reset it, and when.
    pub reset: Option<(Direction, Timestamp)>,
}

/// A Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// The number of its frame.
    pub frame: u32,
    /// Its code, where it has one.
    pub code: Option<u16>,
    /// Its reason, where it is not UTF-8 with replacement characters.
    pub reason: Box<str>,
}
