//! Requests whose bytes are not on record: their heads, and the headers of their frames.

use std::collections::HashMap;

use super::{
    event::{Event, Kind},
    sockets::Sockets,
};
use crate::{
    Timestamp,
    analysis::{BareHeader, Flow, FlowId, Intake, Provenance, Side},
    reader::heads::{Fields, Url},
};

/// Every request that may be a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Requests {
    requests: HashMap<u64, Request>,
    /// The socket that each job got.
    sockets: HashMap<u64, u64>,
}

#[derive(Debug, Default)]
struct Request {
    url: Option<String>,
    job: Option<u64>,
    /// First line and fields of request and response.
    heads: [Option<(String, Fields)>; 2],
    times: [Timestamp; 2],
    http2: bool,
    /// Whether a response switched to WebSocket.
    switched: bool,
    told: Option<Option<FlowId>>,
}

impl Requests {
    /// More requests that are not finished are not held.
    const HELD: usize = 100_000;

    /// `everything`: bytes of sockets are on record.
    pub(super) fn event(
        &mut self,
        kind: Kind,
        event: &Event,
        sockets: &Sockets,
        everything: bool,
        intake: &mut dyn Intake,
    ) {
        if kind == Kind::BoundToSocket {
            if let Some(socket) = event.dependency
                && self.sockets.len() < Self::HELD
            {
                self.sockets.insert(event.source, socket);
            }
            return;
        }
        if self.requests.len() >= Self::HELD && !self.requests.contains_key(&event.source) {
            return;
        }
        let request = self.requests.entry(event.source).or_default();
        match kind {
            // What became a WebSocket goes on after its request.
            Kind::RequestAlive if event.ends && !request.switched && request.told.is_none() => {
                let job = request.job;
                self.requests.remove(&event.source);
                if let Some(job) = job {
                    self.sockets.remove(&job);
                }
            }
            Kind::RequestAlive | Kind::StartJob if event.url.is_some() => {
                request.url.clone_from(&event.url);
            }
            Kind::BoundToJob => request.job = event.dependency,
            Kind::Http2 => request.http2 = true,
            Kind::SendHeaders => {
                let line = String::from_utf8_lossy(event.line.trim_ascii()).into_owned();
                request.heads[0] = Some((line, fields(&event.headers)));
                request.times[0] = event.at;
            }
            Kind::ReadHeaders => {
                if let Some((line, rest)) = event.headers.split_first() {
                    let line = String::from_utf8_lossy(line).into_owned();
                    let fields = fields(rest);
                    let status = line.split_ascii_whitespace().nth(1);
                    request.switched =
                        status == Some("101") && fields.contains("upgrade", "websocket");
                    request.heads[1] = Some((line, fields));
                    request.times[1] = event.at;
                }
            }
            Kind::SentHeader | Kind::ReceivedHeader => {
                let socket = request.job.and_then(|job| self.sockets.get(&job).copied());
                if let Some(flow) = request.flow(socket, sockets, everything, intake) {
                    request.header(flow, kind, event, intake);
                }
            }
            _ => {}
        }
    }

    /// Tells what became a WebSocket and has no frames.
    pub(super) fn finish(&mut self, sockets: &Sockets, intake: &mut dyn Intake) {
        let mut left: Vec<_> = self.requests.drain().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        for (_, mut request) in left {
            if request.switched && request.told.is_none() {
                let socket = request.job.and_then(|job| self.sockets.get(&job).copied());
                request.flow(socket, sockets, sockets.have_bytes(), intake);
            }
        }
    }
}

impl Request {
    /// The flow of this request's frames; `None` where their bytes are on record too.
    fn flow(
        &mut self,
        socket: Option<u64>,
        sockets: &Sockets,
        everything: bool,
        intake: &mut dyn Intake,
    ) -> Option<FlowId> {
        if let Some(told) = self.told {
            return told;
        }
        let bytes = match socket {
            Some(socket) => sockets.has_bytes(socket) || (everything && !self.http2),
            // Without a socket of its own: a stream of HTTP/2, or it was open before the log began.
            None => everything && !self.http2,
        };
        if bytes {
            self.told = Some(None);
            return None;
        }
        let url = Url::new(self.url.as_deref().unwrap_or_default());
        let flow = intake.open(Flow {
            addresses: socket.map(|id| sockets.addresses(id)).unwrap_or_default(),
            first_is_client: true,
            from_start: self.heads[0].is_some(),
            decrypted: url.secure,
            is_websocket: true,
            client: Some(Side::First),
        });
        // A request of HTTP/2 cannot be judged by the rules for HTTP/1.1.
        if let Some((line, fields)) = &self.heads[0]
            && !self.http2
        {
            let request = fields.head(line);
            let response = self.heads[1]
                .as_ref()
                .map(|(line, fields)| fields.head(line));
            intake.handshake(flow, self.times, &request, &response.unwrap_or_default());
        }
        self.told = Some(Some(flow));
        Some(flow)
    }

    fn header(&self, flow: FlowId, kind: Kind, event: &Event, intake: &mut dyn Intake) {
        let (Some(opcode), Some(payload_len)) = (event.opcode, event.payload_len) else {
            return;
        };
        let side = if kind == Kind::SentHeader {
            Side::First
        } else {
            Side::Second
        };
        let provenance = Provenance {
            offset: None,
            packet: event.number,
            time: event.at,
        };
        let [fin, rsv1, rsv2, rsv3, masked] = event.flags;
        let header = BareHeader {
            fin,
            rsv1,
            rsv2,
            rsv3,
            opcode: (opcode & 0xF) as u8,
            masked,
            payload_len,
        };
        intake.header(flow, side, provenance, header);
    }
}

/// `name: value` for each line.
fn fields(lines: &[Vec<u8>]) -> Fields {
    let mut fields = Fields::default();
    for line in lines {
        // The name of a pseudo-field begins with a colon.
        let colon = line.iter().skip(1).position(|&byte| byte == b':');
        if let Some(colon) = colon {
            let (name, value) = line.split_at(colon + 1);
            fields.push(name.to_vec(), value[1..].trim_ascii().to_vec());
        }
    }
    fields
}
