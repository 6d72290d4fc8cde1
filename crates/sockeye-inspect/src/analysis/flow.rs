//! What readers and the analysis speak of: flows, their sides, and where bytes come from.

use core::net::SocketAddr;

use crate::Timestamp;

/// Handle of a flow: two byte streams, one for each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlowId(pub(crate) u32);

/// One of the two ends of a flow, before anybody knows which is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// The one that opened the flow (SYN), else the one that sent first.
    First,
    /// The other.
    Second,
}

impl Side {
    /// Place in an array that has one entry for each side.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Two ends that may turn out to speak WebSocket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Address of each [`Side`].
    pub(crate) addresses: [Option<SocketAddr>; 2],
    /// Whether the first side is known to be the client, as with a SYN.
    pub(crate) first_is_client: bool,
    /// Whether the flow is recorded from its beginning.
    pub(crate) from_start: bool,
    /// Whether the source had decrypted it.
    pub(crate) decrypted: bool,
    /// Whether the source says that it is a WebSocket, with or without a handshake on record.
    pub(crate) is_websocket: bool,
    /// Who is the client, where a source without a handshake knows.
    pub(crate) client: Option<Side>,
}

/// Where bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// Offset in the capture of the first byte; `None`: they do not lie there as they are (base64, decrypted), and are kept in memory if the
    /// connection is a WebSocket.
    pub(crate) offset: Option<u64>,
    /// The number of the packet, event or message, from 1 as the tools of the format count.
    pub(crate) packet: u32,
    /// When.
    pub(crate) time: Timestamp,
}

/// The fields of a frame's header without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BareHeader {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) rsv2: bool,
    pub(crate) rsv3: bool,
    pub(crate) opcode: u8,
    pub(crate) masked: bool,
    pub(crate) payload_len: u64,
}
