//! The bytes of sockets.

use core::net::SocketAddr;
use std::collections::HashMap;

use super::event::{Event, Kind};
use crate::analysis::{Flow, FlowId, Intake, Provenance, Side};

/// Every socket that is open.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    open: HashMap<u64, Socket>,
    have_bytes: bool,
}

/// One of them.
#[derive(Debug, Default)]
struct Socket {
    addresses: [Option<SocketAddr>; 2],
    /// Whether the file has its beginning.
    from_start: bool,
    flow: Option<FlowId>,
    has_bytes: bool,
    layer: Layer,
}

/// Which bytes of a socket are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layer {
    /// What is on TCP.
    #[default]
    Plain,
    /// A TLS handshake was seen: what is on TCP is not told any more.
    Ciphertext,
    /// What is within TLS.
    Decrypted,
}

impl Sockets {
    /// Whether the bytes of any socket are on record.
    pub(super) const fn have_bytes(&self) -> bool {
        self.have_bytes
    }

    /// Whether the bytes of this one are on record.
    pub(super) fn has_bytes(&self, id: u64) -> bool {
        self.open.get(&id).is_some_and(|socket| socket.has_bytes)
    }

    /// Local and remote address of a socket.
    pub(super) fn addresses(&self, id: u64) -> [Option<SocketAddr>; 2] {
        self.open
            .get(&id)
            .map(|socket| socket.addresses)
            .unwrap_or_default()
    }

    pub(super) fn event(&mut self, kind: Kind, event: &mut Event, intake: &mut dyn Intake) {
        let socket = self.open.entry(event.source).or_default();
        match kind {
            Kind::SocketAlive if event.ends => {
                if let Some(flow) = socket.flow.take() {
                    intake.close(flow);
                }
                self.open.remove(&event.source);
            }
            Kind::SocketAlive => socket.from_start = true,
            Kind::TcpConnect => {
                let [local, remote] = event.socket_addresses();
                socket.from_start = true;
                socket.addresses[0] = local.or(socket.addresses[0]);
                socket.addresses[1] = remote.or(socket.addresses[1]);
            }
            Kind::BytesSent | Kind::BytesReceived => {
                // RFC 8446 §5.1: a record of type handshake (22), version 3.x.
                let is_tls = matches!(event.bytes[..], [0x16, 0x03, 0..=4, ..]);
                if is_tls && socket.layer == Layer::Plain {
                    socket.layer = Layer::Ciphertext;
                    if let Some(flow) = socket.flow.take() {
                        intake.close(flow);
                    }
                }
                if socket.layer == Layer::Plain {
                    self.have_bytes |= event.has_bytes;
                    socket.tell(kind == Kind::BytesSent, event, intake);
                }
            }
            Kind::SslBytesSent | Kind::SslBytesReceived => {
                if socket.layer != Layer::Decrypted {
                    socket.layer = Layer::Decrypted;
                    // What a proxy was asked before is a stream of its own.
                    if let Some(flow) = socket.flow.take() {
                        intake.close(flow);
                    }
                }
                self.have_bytes |= event.has_bytes;
                socket.tell(kind == Kind::SslBytesSent, event, intake);
            }
            _ => {}
        }
    }
}

impl Socket {
    /// Tells the bytes of an event; none stand for the end of the stream.
    fn tell(&mut self, sent: bool, event: &mut Event, intake: &mut dyn Intake) {
        let side = if sent { Side::First } else { Side::Second };
        if !event.has_bytes {
            if let Some(flow) = self.flow
                && event.byte_count == Some(0)
            {
                intake.end(flow, side, event.at);
            }
            return;
        }
        if event.bytes.is_empty() {
            return;
        }
        self.has_bytes = true;
        let flow = *self.flow.get_or_insert_with(|| {
            intake.open(Flow {
                addresses: self.addresses,
                first_is_client: true,
                from_start: self.from_start,
                decrypted: self.layer == Layer::Decrypted,
                ..Flow::default()
            })
        });
        let provenance = Provenance {
            offset: None,
            packet: event.number,
            time: event.at,
        };
        intake.receive(flow, side, provenance, &mut event.bytes);
    }
}
