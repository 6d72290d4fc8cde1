//! What two ends say to each other before it is known whether they speak WebSocket: HTTP, up to the response that switches protocols.

use std::collections::VecDeque;

use sockeye::Role;

use super::{
    Flow, Provenance, Side, cause,
    head::{self, Body, Head},
    held::Held,
};
use crate::Timestamp;

/// How many requests may be without a response.
const MAX_REQUESTS: usize = 1_024;

/// How many bytes without a handshake are looked at for frames.
const MAX_GUESS: usize = 65_536;

/// Two ends that may turn out to speak WebSocket.
#[derive(Debug, Default)]
pub(super) struct Talk {
    sides: [Half; 2],
    /// Who is the client, once that is known.
    client: Option<Side>,
    /// Requests without a response, the oldest first.
    requests: VecDeque<Request>,
    /// Whether bytes are missing, so that heads cannot be relied on.
    is_torn: bool,
}

/// What one end has said.
#[derive(Debug, Default)]
struct Half {
    held: Held,
    /// How much of it is known to have no end of a head.
    seen: usize,
    body: BodyLeft,
}

/// What is still to come of a body.
#[derive(Debug, Default, PartialEq, Eq)]
enum BodyLeft {
    #[default]
    Nothing,
    Length(u64),
    /// In chunks, and how much of the present one.
    Chunk(u64),
    UntilEnd,
}

/// A head that was taken.
#[derive(Debug, Default)]
pub(super) struct HeadOnRecord {
    pub(super) bytes: Vec<u8>,
    pub(super) begun: Timestamp,
    pub(super) complete: Timestamp,
    /// The packet that completed it.
    pub(super) packet: u32,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Request {
    head: HeadOnRecord,
    asks_for_websocket: bool,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Not known yet.
    Open,
    /// They do not speak WebSocket.
    Other,
    /// They speak TLS.
    Tls,
    /// The server switched protocols: what is held are frames.
    WebSocket {
        client: Side,
        request: Option<HeadOnRecord>,
        response: HeadOnRecord,
    },
    /// The server refused to.
    Refused {
        client: Side,
        request: HeadOnRecord,
        response: HeadOnRecord,
    },
    /// There was no handshake, and what is held are frames, of each side from this place on; `None`: not known yet.
    Frames {
        client: Side,
        from: [Option<usize>; 2],
    },
}

impl Talk {
    /// Takes bytes of one side.
    pub(super) fn receive(
        &mut self,
        flow: &Flow,
        side: Side,
        provenance: Provenance,
        bytes: &[u8],
        limit: usize,
    ) -> Verdict {
        let half = &mut self.sides[side.index()];
        // Downloads are passed over where they lie.
        let skipped = if half.held.len() == 0 {
            half.body.skip(bytes.len())
        } else {
            0
        };
        half.held.push(
            Provenance {
                offset: provenance.offset.map(|offset| offset + skipped as u64),
                ..provenance
            },
            &bytes[skipped..],
        );
        if half.held.len() > limit {
            return Verdict::Other;
        }
        self.advance(flow)
    }

    /// Bytes of one side are missing.
    pub(super) fn missing(&mut self, side: Side, len: u64) {
        let half = &mut self.sides[side.index()];
        if let BodyLeft::Length(left) | BodyLeft::Chunk(left) = &mut half.body
            && half.held.len() == 0
            && *left >= len
        {
            *left -= len;
            return;
        }
        if half.body != BodyLeft::UntilEnd {
            half.held.clear();
            self.is_torn = true;
        }
    }

    /// What is held of one side.
    pub(super) const fn held(&mut self, side: Side) -> &mut Held {
        &mut self.sides[side.index()].held
    }

    /// Goes on after a refusal, as far as what is held allows.
    pub(super) fn advance(&mut self, flow: &Flow) -> Verdict {
        if self.is_torn || flow.is_websocket && !self.speaks_http() {
            return self.guess(flow);
        }
        let client = match self.client {
            Some(client) => client,
            None => match self.find_client(flow) {
                Ok(Some(client)) => {
                    self.client = Some(client);
                    client
                }
                Ok(None) => return Verdict::Open,
                Err(verdict) => return verdict,
            },
        };
        loop {
            if let Some(verdict) = self.take_requests(client) {
                return verdict;
            }
            match self.take_response(client) {
                Some(Verdict::Open) => {}
                Some(verdict) => return verdict,
                None => return Verdict::Open,
            }
        }
    }

    /// Nothing more comes: a request for a WebSocket without a response is one all the same, as in a file that has one direction only.
    pub(super) fn finish(&mut self) -> Verdict {
        let asked = self
            .requests
            .front()
            .is_some_and(|request| request.asks_for_websocket);
        match (self.client, asked, self.requests.pop_front()) {
            (Some(client), true, Some(request)) => Verdict::WebSocket {
                client,
                request: Some(request.head),
                response: HeadOnRecord::default(),
            },
            _ => Verdict::Other,
        }
    }

    /// Whether one of the sides begins with a head, or may.
    fn speaks_http(&self) -> bool {
        self.client.is_some()
            || self.sides.iter().any(|half| {
                let bytes = half.held.bytes();
                !bytes.is_empty() && (head::may_be_request(bytes) || head::may_be_response(bytes))
            })
    }

    /// Who is the client, as the first bytes tell.
    fn find_client(&self, flow: &Flow) -> Result<Option<Side>, Verdict> {
        for side in [Side::First, Side::Second] {
            let bytes = self.sides[side.index()].held.bytes();
            if bytes.is_empty() {
                continue;
            }
            if head::may_be_response(bytes) {
                return Ok((bytes.len() >= 5).then(|| side.other()));
            }
            if head::may_be_request(bytes) {
                return Ok((bytes.len() > 16 || bytes.contains(&b' ')).then_some(side));
            }
            if let [0x16, 0x03, ..] | [0x16] = bytes {
                return if bytes.len() < 3 {
                    Ok(None)
                } else {
                    Err(Verdict::Tls)
                };
            }
            if flow.from_start {
                return Err(Verdict::Other);
            }
            return Err(self.guess(flow));
        }
        Ok(None)
    }

    /// Takes the requests that are complete, up to one that asks for a WebSocket. Returns a verdict when there is one.
    fn take_requests(&mut self, client: Side) -> Option<Verdict> {
        while !self.awaits_switch() {
            let half = &mut self.sides[client.index()];
            if !half.skip_body() {
                return None;
            }
            let bytes = half.held.bytes();
            if bytes.is_empty() {
                return None;
            }
            if let [0x16, 0x03, ..] = bytes {
                // Behind CONNECT.
                return Some(Verdict::Tls);
            }
            if !head::may_be_request(bytes) {
                return Some(Verdict::Other);
            }
            let Some(head) = half.take_head() else {
                return (half.held.len() >= head::MAX_HEAD).then_some(Verdict::Other);
            };
            let read = Head::new(&head.bytes);
            half.expect(read.request_body());
            if self.requests.len() == MAX_REQUESTS {
                return Some(Verdict::Other);
            }
            let asks_for_websocket = read.asks_for_websocket();
            self.requests.push_back(Request {
                head,
                asks_for_websocket,
            });
        }
        None
    }

    /// Whether what comes next of the client depends on a response.
    fn awaits_switch(&self) -> bool {
        self.requests
            .back()
            .is_some_and(|last| last.asks_for_websocket || last.method() == "CONNECT")
    }

    /// Takes the next response. `None`: it is not complete.
    fn take_response(&mut self, client: Side) -> Option<Verdict> {
        let half = &mut self.sides[client.other().index()];
        if !half.skip_body() || half.held.len() == 0 {
            return None;
        }
        if !head::may_be_response(half.held.bytes()) {
            return Some(Verdict::Other);
        }
        let Some(response) = half.take_head() else {
            return (half.held.len() >= head::MAX_HEAD).then_some(Verdict::Other);
        };
        let read = Head::new(&response.bytes);
        let status = read.status().unwrap_or_default();
        if matches!(status, 100 | 102..=199) {
            return Some(Verdict::Open);
        }
        let request = self.requests.pop_front();
        let switches = status == 101
            && (read.has_token("upgrade", "websocket")
                || request
                    .as_ref()
                    .is_none_or(|request| request.asks_for_websocket));
        if switches {
            return Some(Verdict::WebSocket {
                client,
                request: request.map(|request| request.head),
                response,
            });
        }
        let method = request.as_ref().map_or("GET", Request::method);
        if method == "CONNECT" && status / 100 == 2 {
            // A tunnel: heads, or TLS, come anew.
            return Some(Verdict::Open);
        }
        if status == 101 {
            return Some(Verdict::Other);
        }
        half.expect(read.response_body(method));
        match request {
            Some(request) if request.asks_for_websocket => Some(Verdict::Refused {
                client,
                request: request.head,
                response,
            }),
            _ => Some(Verdict::Open),
        }
    }

    /// Looks for frames where there was no handshake, or where it is torn.
    fn guess(&self, flow: &Flow) -> Verdict {
        let found = [Side::First, Side::Second].map(|side| self.guess_side(flow, side));
        let client = match found {
            [Some((Role::Client, _)), _] | [None, Some((Role::Server, _))] => Side::First,
            [_, Some((Role::Client, _))] | [Some((Role::Server, _)), _] => Side::Second,
            [None, None] => {
                let is_hopeless = self.sides.iter().any(|half| half.held.len() > MAX_GUESS);
                return if is_hopeless {
                    Verdict::Other
                } else {
                    Verdict::Open
                };
            }
        };
        Verdict::Frames {
            client,
            from: found.map(|found| found.map(|(_, from)| from)),
        }
    }

    /// Where the frames of a side begin, and whose they are.
    fn guess_side(&self, flow: &Flow, side: Side) -> Option<(Role, usize)> {
        let held = &self.sides[side.index()].held;
        let bytes = held.bytes();
        if flow.is_websocket {
            let &[_, second, ..] = bytes else {
                return None;
            };
            let masked = flow
                .client
                .map_or(second & 0x80 != 0, |client| client == side);
            return Some((if masked { Role::Client } else { Role::Server }, 0));
        }
        let candidates = held.starts().take(64);
        candidates
            .filter_map(|from| Some((from, bytes.get(from..)?)))
            .find_map(|(from, bytes)| {
                let roles = match (flow.first_is_client, side) {
                    (false, _) => &[Role::Client, Role::Server][..],
                    (true, Side::First) => &[Role::Client],
                    (true, Side::Second) => &[Role::Server],
                };
                let sender = roles
                    .iter()
                    .copied()
                    .find(|&sender| is_convincing(bytes, sender))?;
                Some((sender, from))
            })
    }
}

impl Request {
    fn method(&self) -> &str {
        let [method, ..] = Head::new(&self.head.bytes).start_line();
        method
    }
}

impl Half {
    /// Takes a head that is complete.
    fn take_head(&mut self) -> Option<HeadOnRecord> {
        let bytes = self.held.bytes();
        let Some(len) = head::len_beyond(bytes, self.seen) else {
            // A head may come a byte at a time.
            self.seen = bytes.len();
            return None;
        };
        self.seen = 0;
        let first = self.held.first()?;
        let last = self.held.at(len - 1)?;
        let bytes = self.held.bytes()[..len].to_vec();
        self.held.skip(len);
        Some(HeadOnRecord {
            bytes,
            begun: first.time,
            complete: last.time,
            packet: last.packet,
        })
    }

    const fn expect(&mut self, body: Body) {
        self.body = match body {
            Body::Nothing => BodyLeft::Nothing,
            Body::Length(len) => BodyLeft::Length(len),
            Body::Chunked => BodyLeft::Chunk(0),
            Body::UntilEnd => BodyLeft::UntilEnd,
        };
    }

    /// Passes over a body as far as it is there. Returns whether all of it was.
    fn skip_body(&mut self) -> bool {
        loop {
            let len = self.held.len();
            let skipped = self.body.skip(len);
            self.held.skip(skipped);
            match self.body {
                BodyLeft::Nothing => return true,
                BodyLeft::Chunk(0) => {
                    if !self.next_chunk() {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    /// Reads the line before a chunk. Returns whether it is there.
    fn next_chunk(&mut self) -> bool {
        let bytes = self.held.bytes();
        let Some(end) = bytes.iter().take(4_096).position(|&byte| byte == b'\n') else {
            if bytes.len() >= 4_096 {
                self.body = BodyLeft::UntilEnd;
            }
            return false;
        };
        let line = bytes[..end].trim_ascii();
        let digits = line
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(line.len());
        let size = str::from_utf8(&line[..digits])
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        self.body = match size {
            // The last chunk: its trailers are rare enough to be passed over as one empty line.
            Some(0) => BodyLeft::Length(2),
            // The line end behind the chunk belongs to it.
            Some(size) => BodyLeft::Chunk(size.saturating_add(2)),
            None => BodyLeft::UntilEnd,
        };
        self.held.skip(end + 1);
        true
    }
}

impl BodyLeft {
    /// How many of `len` bytes belong to the body.
    fn skip(&mut self, len: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::UntilEnd => len,
            Self::Length(left) | Self::Chunk(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(len);
                *left -= taken as u64;
                if *self == Self::Length(0) {
                    *self = Self::Nothing;
                }
                taken
            }
        }
    }
}

/// So many lawful frames in a row are no chance.
const MANY: u32 = 16;

/// Whether bytes are so much like frames of this sender that it can hardly be chance: two and more in a row, or one that is masked or text,
/// and the last ends with the bytes; or [`MANY`] whatever follows, so that no more are looked at with each segment.
fn is_convincing(bytes: &[u8], sender: Role) -> bool {
    let mut rest = bytes;
    let mut frames = 0;
    while !rest.is_empty() {
        let Some(header) = sockeye::RawFrameHeader::decode(rest, 0) else {
            return false;
        };
        if !cause::is_plausible(rest, sender) {
            return false;
        }
        let end = u64::from(header.header_len).saturating_add(header.payload_len);
        let Some(behind) = usize::try_from(end).ok().and_then(|end| rest.get(end..)) else {
            // Cut: what came before it has to convince.
            return frames >= 3;
        };
        frames += 1;
        let payload = &rest[usize::from(header.header_len)..rest.len() - behind.len()];
        if behind.is_empty() && frames == 1 {
            let is_text = header.opcode == 0x1
                && !header.rsv1
                && !payload.is_empty()
                && str::from_utf8(payload).is_ok();
            return header.mask.is_some() && header.fin && header.opcode != 0x0 || is_text;
        }
        if frames == MANY {
            return true;
        }
        rest = behind;
    }
    frames >= 2
}
