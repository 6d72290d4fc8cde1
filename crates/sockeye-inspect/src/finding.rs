//! What was found wrong, or worth knowing, and where.

use core::ops::Range;

use crate::{Direction, Rule};

/// One thing found wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The number of the connection.
    pub connection: u32,
    /// In which direction, where one is to blame.
    pub direction: Option<Direction>,
    /// Where.
    pub place: Place,
    /// What exactly, such as `opcode 3` or `client_max_window_bits=16`; may be empty. Lower case, without a full stop.
    pub detail: Box<str>,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The connection as a whole.
    Connection,
    /// Bytes of the request's head, counted from its first.
    Request(Range<u32>),
    /// Bytes of the response's head, counted from its first.
    Response(Range<u32>),
    /// Bytes of a frame as on the wire, counted from the first of its header.
    Frame {
        /// The number of the frame.
        number: u32,
        /// Which of its bytes.
        bytes: Range<u64>,
    },
    /// Bytes of a compressed message.
    Inflated {
        /// The number of its first frame.
        number: u32,
        /// Which of the compressed payload's bytes, counted over all its frames.
        compressed: Range<u64>,
        /// Which bit of the first of these bytes, 0 being the lowest.
        bit: u8,
    },
    /// Bytes of the direction's stream, counted from the first that was captured, where there is no frame.
    Stream(Range<u64>),
}

impl Place {
    /// The number of the frame that it is in, or begins in.
    #[must_use]
    pub const fn frame(&self) -> Option<u32> {
        match self {
            Self::Frame { number, .. } | Self::Inflated { number, .. } => Some(*number),
            _ => None,
        }
    }
}
