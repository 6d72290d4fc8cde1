//! One entry of an HTTP Archive.

use crate::{
    Timestamp,
    analysis::{Flow, FlowId, Intake, Problem, Provenance, Side},
    reader::{
        base64,
        heads::{self, Fields, Url},
        time,
    },
};

/// What is held of the entry that is read.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Where it begins.
    pub(super) offset: u64,
    pub(super) is_websocket: bool,
    pub(super) method: Option<String>,
    pub(super) url: Option<String>,
    /// Of request and response.
    pub(super) versions: [Option<String>; 2],
    pub(super) fields: [Fields; 2],
    pub(super) status: Option<u64>,
    pub(super) status_text: Option<String>,
    pub(super) started: Option<String>,
    /// Milliseconds from the start to the response.
    pub(super) waited: f64,
    pub(super) address: Option<String>,
    held: Vec<Ready>,
    held_bytes: usize,
    flow: Option<FlowId>,
    /// Whether more was held than may be, so that messages were told.
    told: bool,
}

/// A message as it is read.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) kind: Option<String>,
    pub(super) time: Option<f64>,
    pub(super) opcode: Option<f64>,
    pub(super) data: Option<Vec<u8>>,
    pub(super) offset: Option<u64>,
    pub(super) too_long: bool,
}

/// A message that can be told.
#[derive(Debug)]
pub(super) struct Ready {
    /// `None`: the browser's own message about an error.
    side: Option<Side>,
    opcode: u8,
    provenance: Provenance,
    data: Vec<u8>,
}

impl Message {
    /// What the browser's own importer asks for: all four of its fields. The flag: whether the data is what the opcode says.
    pub(super) fn ready(self, packet: u32) -> Option<(Ready, bool)> {
        let (kind, data) = (self.kind?, self.data?);
        let (seconds, opcode) = (self.time?, self.opcode?);
        let side = match &*kind {
            "send" => Some(Side::First),
            "receive" => Some(Side::Second),
            "error" => None,
            _ => return None,
        };
        let opcode = if (0.0..16.0).contains(&opcode) {
            opcode as u8
        } else if side.is_none() {
            0
        } else {
            return None;
        };
        let decoded = if opcode == 1 || side.is_none() {
            Some(data)
        } else {
            base64::decode(&data)
        };
        let is_base64 = decoded.is_some();
        let ready = Ready {
            side,
            opcode,
            provenance: Provenance {
                offset: self.offset.filter(|_| opcode == 1),
                packet,
                time: time::seconds(seconds),
            },
            data: decoded.unwrap_or_default(),
        };
        Some((ready, is_base64))
    }
}

impl Entry {
    /// How many bytes of messages wait for the request of their entry. More are told without it.
    const HELD: usize = 64 << 20;

    /// One more message.
    pub(super) fn push(&mut self, message: Ready, intake: &mut dyn Intake) {
        self.held_bytes += message.data.len() + size_of::<Ready>();
        self.held.push(message);
        if self.held_bytes > Self::HELD {
            self.tell_messages(intake);
            self.told = true;
        }
    }

    /// The entry ends: tells what it is if it is a WebSocket, and forgets it.
    pub(super) fn tell(&mut self, intake: &mut dyn Intake) {
        let is_upgrade = self.status == Some(101)
            && self
                .fields
                .iter()
                .any(|fields| fields.contains("upgrade", "websocket"));
        if self.is_websocket || is_upgrade {
            let flow = self.flow(intake);
            if self.told {
                // What begins with messages cannot have a handshake any more.
                intake.problem(Problem::Skipped {
                    what: "request and response of an entry that come behind more than 64 MiB of its messages".to_owned(),
                });
            } else if self.url.is_some() {
                self.tell_handshake(flow, intake);
            }
            self.tell_messages(intake);
            intake.close(flow);
        }
        *self = Self::default();
    }

    fn flow(&mut self, intake: &mut dyn Intake) -> FlowId {
        *self.flow.get_or_insert_with(|| {
            let url = Url::new(self.url.as_deref().unwrap_or_default());
            let host = url.authority.strip_suffix(&format!(":{}", url.port));
            let host = self.address.as_deref().or(host).unwrap_or(&url.authority);
            intake.open(Flow {
                addresses: [None, heads::address(host, url.port)],
                first_is_client: true,
                from_start: true,
                decrypted: url.secure,
                is_websocket: true,
                client: Some(Side::First),
            })
        })
    }

    fn tell_handshake(&self, flow: FlowId, intake: &mut dyn Intake) {
        let url = Url::new(self.url.as_deref().unwrap_or_default());
        let [request_version, response_version] =
            [0, 1].map(|i| heads::version(self.versions[i].as_deref().unwrap_or_default()));
        let method = self.method.as_deref().unwrap_or("GET");
        let request = self.fields[0].head(&format!("{method} {} {request_version}", url.target));
        let response = match self.status {
            // What browsers write where there was no answer.
            None | Some(0) => Vec::new(),
            Some(status) => {
                let text = self.status_text.as_deref().unwrap_or_default();
                self.fields[1].head(&format!("{response_version} {status} {text}"))
            }
        };
        let started = self.started.as_deref().and_then(time::parse);
        let requested = started.unwrap_or_default();
        let mut answered = time::later(requested, self.waited);
        // The response comes before every message.
        if let Some(first) = self.held.first().map(|message| message.provenance.time)
            && first.is_known()
            && first < answered
        {
            answered = first.max(requested);
        }
        if response.is_empty() {
            answered = Timestamp::UNKNOWN;
        }
        intake.handshake(flow, [requested, answered], &request, &response);
    }

    fn tell_messages(&mut self, intake: &mut dyn Intake) {
        let flow = self.flow(intake);
        for message in core::mem::take(&mut self.held) {
            match message.side {
                Some(side) => {
                    intake.message(
                        flow,
                        side,
                        message.provenance,
                        message.opcode,
                        &message.data,
                    );
                }
                None => intake.problem(Problem::Reported {
                    by: "the browser",
                    what: String::from_utf8_lossy(&message.data).into_owned(),
                }),
            }
        }
        self.held_bytes = 0;
    }
}
