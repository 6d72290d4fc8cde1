//! One frame as the index has it.

use crate::{Severity, Timestamp};

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two directions")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both, in the order of an array that has one entry for each.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// The way back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// Place in an array that has one entry for each direction.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Who sends in this direction.
    #[must_use]
    pub const fn sender(self) -> sockeye::Role {
        match self {
            Self::ToServer => sockeye::Role::Client,
            Self::ToClient => sockeye::Role::Server,
        }
    }

    /// `c2s` or `s2c`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToServer => "c2s",
            Self::ToClient => "s2c",
        }
    }
}

/// What of a frame the source has on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnRecord {
    /// Every byte of the wire.
    #[default]
    Wire,
    /// The fields of its header, and no payload: a NetLog without bytes. Masking key and form of the length are not known.
    Header,
    /// A message, already joined, unmasked and inflated: HAR, mitmproxy. It stands as one frame, whose FIN, RSV, mask and length on the wire
    /// are not known.
    Message,
}

/// One frame as the index has it; its bytes are read on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Its number in the capture, from 0, in the order in which headers were complete.
    pub number: u32,
    /// The number of its connection.
    pub connection: u32,
    /// Where it goes.
    pub direction: Direction,
    /// When its first byte was captured.
    pub time: Timestamp,
    /// What of it is on record.
    pub on_record: OnRecord,
    /// Whether it is the last frame of its message.
    pub fin: bool,
    /// The first reserved bit: with permessage-deflate, the message is compressed.
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// The opcode's four bits.
    pub opcode: u8,
    /// Whether the payload is masked.
    pub masked: bool,
    /// Length of the header in bytes: 2 to 14; 0 where it is not on record.
    pub header_len: u8,
    /// Length of the payload in bytes, as the header says.
    pub payload_len: u64,
    /// Whether it belongs to a compressed message, on a connection with permessage-deflate.
    pub compressed: bool,
    /// First frame of a compressed message that could be inflated: length of the message in bytes after inflation.
    pub inflated_len: Option<u64>,
    /// The worst of its findings.
    pub severity: Option<Severity>,
}

impl Frame {
    /// Whether it is a control frame, a reserved one included.
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }

    /// Length on the wire in bytes; that of the payload where the header is not on record.
    #[must_use]
    pub const fn wire_len(&self) -> u64 {
        self.payload_len.saturating_add(self.header_len as u64)
    }

    /// `text`, `binary`, `continuation`, `close`, `ping`, `pong`, or `reserved-3` and such.
    #[must_use]
    pub const fn opcode_name(&self) -> &'static str {
        const NAMES: [&str; 16] = [
            "continuation",
            "text",
            "binary",
            "reserved-3",
            "reserved-4",
            "reserved-5",
            "reserved-6",
            "reserved-7",
            "close",
            "ping",
            "pong",
            "reserved-b",
            "reserved-c",
            "reserved-d",
            "reserved-e",
            "reserved-f",
        ];
        NAMES[(self.opcode & 0xF) as usize]
    }
}
