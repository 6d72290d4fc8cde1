//! What is wrong with a capture, not with the traffic in it.

use core::fmt;

/// Something about the capture itself that its reader has to know. Each is told once, as one clear line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Problem {
    /// There is nothing in it.
    Empty,
    /// It is of no format that is known.
    UnknownFormat,
    /// It ends within a packet, block, event or value, at this offset.
    Truncated {
        /// What is cut: `packet 7`, `block`, `event`.
        what: String,
        /// The offset at which it begins.
        offset: u64,
    },
    /// From this offset on it cannot be read.
    Invalid {
        /// Why, such as `a block of length 3`.
        why: String,
        /// The offset of what is wrong.
        offset: u64,
    },
    /// What is passed over, such as `packets of link type 147`.
    Skipped {
        /// What.
        what: String,
    },
    /// It is compressed as a whole, and has to be decompressed before.
    Compressed {
        /// With what, such as `gzip`.
        with: &'static str,
    },
    /// What the source itself says of a connection, such as why it failed.
    Reported {
        /// Who, such as `the browser`.
        by: &'static str,
        /// What.
        what: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the capture is empty"),
            Self::UnknownFormat => f.write_str(
                "this is none of the formats that can be read: pcap, pcapng, HAR, Chrome's net-export, mitmproxy's flows, \
                 raw bytes of a WebSocket, or hex or base64 of them",
            ),
            Self::Truncated { what, offset } => {
                write!(f, "the capture ends within the {what} at byte {offset}; what comes before it is shown")
            }
            Self::Invalid { why, offset } => {
                write!(f, "the capture cannot be read from byte {offset} on: {why}; what comes before it is shown")
            }
            Self::Skipped { what } => write!(f, "{what} are passed over"),
            Self::Compressed { with } => write!(f, "the capture is compressed with {with}; decompress it first"),
            Self::Reported { by, what } => write!(f, "{by} reports: {what}"),
        }
    }
}
