//! One event, and what the numbers in it stand for.

use core::net::SocketAddr;

use crate::{
    Timestamp,
    reader::{base64::Base64, heads, time},
};

/// An event of which something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SocketAlive,
    TcpConnect,
    BytesSent,
    BytesReceived,
    SslBytesSent,
    SslBytesReceived,
    RequestAlive,
    StartJob,
    BoundToJob,
    BoundToSocket,
    SendHeaders,
    ReadHeaders,
    Http2,
    SentHeader,
    ReceivedHeader,
    UpgradeFailure,
    InvalidFrame,
    CloseTimeout,
}

const KINDS: [(&str, Kind); 19] = [
    ("SOCKET_ALIVE", Kind::SocketAlive),
    ("TCP_CONNECT", Kind::TcpConnect),
    ("TCP_CONNECT_ATTEMPT", Kind::TcpConnect),
    ("SOCKET_BYTES_SENT", Kind::BytesSent),
    ("SOCKET_BYTES_RECEIVED", Kind::BytesReceived),
    ("SSL_SOCKET_BYTES_SENT", Kind::SslBytesSent),
    ("SSL_SOCKET_BYTES_RECEIVED", Kind::SslBytesReceived),
    ("REQUEST_ALIVE", Kind::RequestAlive),
    ("URL_REQUEST_START_JOB", Kind::StartJob),
    ("HTTP_STREAM_REQUEST_BOUND_TO_JOB", Kind::BoundToJob),
    ("SOCKET_POOL_BOUND_TO_SOCKET", Kind::BoundToSocket),
    ("HTTP_TRANSACTION_SEND_REQUEST_HEADERS", Kind::SendHeaders),
    ("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", Kind::ReadHeaders),
    ("HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS", Kind::Http2),
    ("WEBSOCKET_SENT_FRAME_HEADER", Kind::SentHeader),
    ("WEBSOCKET_RECV_FRAME_HEADER", Kind::ReceivedHeader),
    ("WEBSOCKET_UPGRADE_FAILURE", Kind::UpgradeFailure),
    ("WEBSOCKET_INVALID_FRAME", Kind::InvalidFrame),
    ("WEBSOCKET_CLOSE_TIMEOUT", Kind::CloseTimeout),
];

/// What the numbers of a file stand for.
#[derive(Debug, Default)]
pub(super) struct Constants {
    kinds: Vec<(u64, Kind)>,
    /// Whether there were any types of events.
    known: bool,
    socket: Option<u64>,
    end: Option<u64>,
    /// Milliseconds from 1970 to the zero of the events' clock.
    pub(super) tick_offset: f64,
    /// Whether bytes were included.
    pub(super) everything: bool,
}

impl Constants {
    pub(super) fn event_type(&mut self, name: &[u8], number: Option<u64>) {
        self.known = true;
        let kind = KINDS.iter().find(|(known, _)| known.as_bytes() == name);
        if let (Some((_, kind)), Some(number)) = (kind, number)
            && self.kinds.len() < KINDS.len()
        {
            self.kinds.push((number, *kind));
        }
    }

    pub(super) fn source_type(&mut self, name: &[u8], number: Option<u64>) {
        if name == b"SOCKET" {
            self.socket = number;
        }
    }

    pub(super) fn phase(&mut self, name: &[u8], number: Option<u64>) {
        if name == b"PHASE_END" {
            self.end = number;
        }
    }

    pub(super) const fn are_known(&self) -> bool {
        self.known
    }

    /// What `event` is; `None` where nothing of it is used.
    pub(super) fn kind(&self, event: &Event) -> Option<Kind> {
        let number = event.kind?;
        let (_, kind) = *self.kinds.iter().find(|(known, _)| *known == number)?;
        let of_socket = matches!(
            kind,
            Kind::SocketAlive
                | Kind::TcpConnect
                | Kind::BytesSent
                | Kind::BytesReceived
                | Kind::SslBytesSent
                | Kind::SslBytesReceived
        );
        // Other sources have events of the same name, such as the sockets of UDP.
        (!of_socket || self.socket.is_none() || event.source_type == self.socket).then_some(kind)
    }

    /// When it was.
    pub(super) fn time(&self, event: &Event) -> Timestamp {
        time::millis(self.tick_offset + event.time)
    }

    /// Whether it is the end of what its source does.
    pub(super) fn ends(&self, event: &Event) -> bool {
        event.phase.is_some() && event.phase == self.end
    }
}

/// An event as it is read: its type comes last.
#[derive(Debug, Default)]
pub(super) struct Event {
    /// Its place among the events, from 1.
    pub(super) number: u32,
    pub(super) at: Timestamp,
    pub(super) ends: bool,
    pub(super) kind: Option<u64>,
    pub(super) phase: Option<u64>,
    pub(super) source: u64,
    pub(super) source_type: Option<u64>,
    pub(super) time: f64,
    pub(super) dependency: Option<u64>,
    pub(super) bytes: Vec<u8>,
    pub(super) has_bytes: bool,
    pub(super) byte_count: Option<u64>,
    pub(super) headers: Vec<Vec<u8>>,
    pub(super) line: Vec<u8>,
    pub(super) url: Option<String>,
    /// Local and remote.
    pub(super) addresses: [Option<String>; 2],
    pub(super) message: Option<String>,
    /// FIN, the reserved bits, masked.
    pub(super) flags: [bool; 5],
    pub(super) opcode: Option<u64>,
    pub(super) payload_len: Option<u64>,
    pub(super) too_long: bool,
}

impl Event {
    /// Fields of a head that are kept.
    const HEADERS: usize = 1_000;

    /// Makes it empty for the next one, and keeps the room of its bytes.
    pub(super) fn clear(&mut self) {
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.shrink_to(1 << 20);
        *self = Self {
            bytes,
            ..Self::default()
        };
    }

    pub(super) fn base64(&mut self, text: &[u8]) {
        self.bytes.clear();
        self.has_bytes = Base64::default().decode(text, &mut self.bytes).is_ok();
    }

    /// As browsers before 2019 write it.
    pub(super) fn hex(&mut self, text: &[u8]) {
        self.bytes.clear();
        let digit = |byte: u8| (byte as char).to_digit(16);
        self.has_bytes = text.len().is_multiple_of(2);
        for pair in text.chunks_exact(2) {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => self.bytes.push((high << 4 | low) as u8),
                _ => self.has_bytes = false,
            }
        }
    }

    pub(super) fn header(&mut self, text: &[u8]) {
        if self.headers.len() < Self::HEADERS {
            self.headers.push(text.to_vec());
        }
    }

    /// Local and remote address, as far as they are addresses.
    pub(super) fn socket_addresses(&self) -> [Option<SocketAddr>; 2] {
        self.addresses.each_ref().map(|address| {
            let (ip, port) = address.as_deref()?.rsplit_once(':')?;
            heads::address(ip, port.parse().ok()?)
        })
    }
}
