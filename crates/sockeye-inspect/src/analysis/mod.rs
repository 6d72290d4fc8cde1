//! From the bytes of streams to connections, frames and findings.

mod cause;
mod context;
mod conversation;
mod extension;
mod flow;
mod handshake;
mod head;
mod held;
mod intake;
mod problem;
mod talk;
mod utf8;
mod way;

use std::collections::{HashSet, VecDeque};

pub(crate) use flow::{BareHeader, Flow, FlowId, Provenance, Side};
pub(crate) use intake::Intake;
pub(crate) use problem::Problem;

use self::{
    conversation::Conversation,
    talk::{HeadOnRecord, Talk, Verdict},
};
#[cfg(feature = "tls")]
use crate::tls::{KeyLog, Tls};
use crate::{Capture, Options, Timestamp};

/// Takes what readers find, and builds the [`Capture`].
#[derive(Debug)]
pub(crate) struct Analysis {
    capture: Capture,
    options: Options,
    flows: Vec<FlowState>,
    /// Places in `flows` that are free.
    free: Vec<u32>,
    /// What was told already: each problem is told once.
    told: HashSet<String>,
    #[cfg(feature = "tls")]
    keys: KeyLog,
    /// How many TLS flows could not be read, and why the first could not.
    sealed: Option<(u64, String)>,
    /// Flows of WebSockets that there was no room for.
    left_out: u64,
}

/// A flow, and what is known of it.
#[derive(Debug)]
struct FlowState {
    flow: Flow,
    state: State,
    #[cfg(feature = "tls")]
    tls: Option<Box<Layer>>,
}

/// TLS around what a flow says.
#[cfg(feature = "tls")]
#[derive(Debug)]
struct Layer {
    tls: Tls,
    /// Whether [`Conversation::secure`] has been told.
    is_told: bool,
}

/// What a flow is.
#[derive(Debug)]
enum State {
    /// Free for another flow.
    Free,
    /// Nothing that matters.
    Other,
    /// Not known yet.
    Talk(Box<Talk>),
    /// A WebSocket.
    WebSocket(Box<Conversation>),
}

impl Analysis {
    pub(crate) fn new(options: Options) -> Self {
        #[cfg(feature = "tls")]
        let keys = {
            let mut keys = KeyLog::new();
            keys.extend(&options.keys);
            keys
        };
        Self {
            capture: Capture::default(),
            options,
            flows: Vec::new(),
            free: Vec::new(),
            told: HashSet::new(),
            #[cfg(feature = "tls")]
            keys,
            sealed: None,
            left_out: 0,
        }
    }

    /// The capture ends: judges what is left open.
    pub(crate) fn finish(&mut self) {
        for number in 0..self.flows.len() {
            self.close(FlowId(number as u32));
        }
        if let Some((count, why)) = self.sealed.take() {
            let flows = if count == 1 {
                "a TLS connection is".to_owned()
            } else {
                format!("{count} TLS connections are")
            };
            self.tell(format!("{flows} not decrypted: {why}"));
        }
        if self.left_out > 0 {
            let count = self.left_out;
            self.tell(format!(
                "{count} connections more than can be shown are left out"
            ));
        }
        if self.capture.is_full {
            let bytes = self.options.kept_bytes;
            self.tell(format!(
                "more than {bytes} bytes had to be decoded or decrypted: the payloads beyond are checked, and cannot be opened"
            ));
        }
    }

    pub(crate) const fn capture(&self) -> &Capture {
        &self.capture
    }

    pub(crate) fn into_capture(self) -> Capture {
        self.capture
    }

    /// Takes bytes that are no longer encrypted.
    #[inline]
    fn receive_plain(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        bytes: &mut [u8],
    ) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        match &mut entry.state {
            State::WebSocket(conversation) => {
                conversation.receive(&mut self.capture, &self.options, side, provenance, bytes);
            }
            State::Talk(talk) => {
                let limit = self.options.held_bytes;
                let verdict = talk.receive(&entry.flow, side, provenance, bytes, limit);
                self.follow(flow, verdict);
            }
            State::Other | State::Free => {}
        }
    }

    /// Bytes that are not encrypted, or would not be any more, are missing.
    fn missing_plain(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        match &mut entry.state {
            State::Talk(talk) => talk.missing(side, len),
            State::WebSocket(conversation) => {
                conversation.missing(&mut self.capture, &self.options, side, provenance, len);
            }
            State::Other | State::Free => {}
        }
    }

    /// Does what a verdict asks for.
    fn follow(&mut self, flow: FlowId, mut verdict: Verdict) {
        loop {
            let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
                return;
            };
            let State::Talk(talk) = &mut entry.state else {
                return;
            };
            match verdict {
                Verdict::Open => return,
                Verdict::Other => {
                    entry.state = State::Other;
                    return;
                }
                Verdict::Tls => return self.unseal(flow),
                Verdict::Refused {
                    client,
                    request,
                    response,
                } => {
                    let heads = Some((Some(request), response));
                    let begun = Conversation::begin(
                        &mut self.capture,
                        &self.options,
                        &entry.flow,
                        client,
                        heads,
                    );
                    self.left_out += u64::from(begun.is_none());
                    verdict = talk.advance(&entry.flow);
                }
                Verdict::WebSocket {
                    client,
                    request,
                    response,
                } => {
                    let held = talk.held(client);
                    let is_early = held
                        .first()
                        .is_some_and(|first| first.packet < response.packet);
                    let heads = Some((request, response));
                    return self.begin(flow, client, heads, is_early, [Some(0), Some(0)]);
                }
                Verdict::Frames { client, from } => {
                    return self.begin(flow, client, None, false, from);
                }
            }
        }
    }

    /// Makes a flow a WebSocket, and takes what is held of it: of each side from this place on.
    fn begin(
        &mut self,
        flow: FlowId,
        client: Side,
        heads: Option<(Option<HeadOnRecord>, HeadOnRecord)>,
        is_early: bool,
        from: [Option<usize>; 2],
    ) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        let State::Talk(mut talk) = core::mem::replace(&mut entry.state, State::Other) else {
            return;
        };
        let (capture, options) = (&mut self.capture, &self.options);
        let begun = Conversation::begin(capture, options, &entry.flow, client, heads);
        let Some(mut conversation) = begun else {
            self.left_out += 1;
            return;
        };
        if is_early {
            conversation.early(capture, options);
        }
        let mut waiting = [VecDeque::new(), VecDeque::new()];
        for side in [Side::First, Side::Second] {
            let held = talk.held(side);
            match from[side.index()] {
                Some(place) => held.skip(place),
                None => conversation.begin_lost(side),
            }
            while let Some(run) = held.pop_run() {
                waiting[side.index()].push_back(run);
            }
        }
        // In the order in which they were captured.
        loop {
            let [first, second] = waiting.each_ref().map(VecDeque::front);
            let side = match (first, second) {
                (Some((first, _)), Some((second, _))) if second.packet < first.packet => {
                    Side::Second
                }
                (Some(_), _) => Side::First,
                (None, Some(_)) => Side::Second,
                (None, None) => break,
            };
            if let Some((provenance, mut bytes)) = waiting[side.index()].pop_front() {
                conversation.receive(capture, options, side, provenance, &mut bytes);
            }
        }
        #[cfg(feature = "tls")]
        if let Some(layer) = &mut entry.tls {
            layer.is_told = true;
            if let Some(words) = layer.tls.description() {
                conversation.secure(capture, crate::Security::Tls(words.into()));
            }
        }
        entry.state = State::WebSocket(Box::new(conversation));
    }

    /// Begins to decrypt what is held of a flow.
    #[cfg(feature = "tls")]
    fn unseal(&mut self, flow: FlowId) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        let State::Talk(talk) = &mut entry.state else {
            return;
        };
        if entry.tls.is_some() {
            entry.state = State::Other;
            return;
        }
        let mut sealed = core::mem::take(talk);
        entry.tls = Some(Box::new(Layer {
            tls: Tls::new(),
            is_told: false,
        }));
        for side in [Side::First, Side::Second] {
            while let Some((provenance, mut bytes)) = sealed.held(side).pop_run() {
                self.receive_sealed(flow, side, provenance, &mut bytes);
            }
        }
    }

    #[cfg(not(feature = "tls"))]
    fn unseal(&mut self, flow: FlowId) {
        self.give_up(flow, "this build cannot decrypt TLS");
    }

    /// Takes bytes of a flow that speaks TLS.
    #[cfg(feature = "tls")]
    fn receive_sealed(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        bytes: &mut [u8],
    ) {
        let Some(layer) = self
            .flows
            .get_mut(flow.0 as usize)
            .and_then(|entry| entry.tls.as_mut())
        else {
            return;
        };
        let mut plain = Vec::new();
        // Who opens the flow is the client of TLS as well.
        let result = layer
            .tls
            .receive(side == Side::First, bytes, &self.keys, &mut plain);
        let gap = layer.tls.take_gap(side == Side::First);
        if gap > 0 {
            self.missing_plain(flow, side, provenance, gap);
        }
        if !plain.is_empty() {
            let provenance = Provenance {
                offset: None,
                ..provenance
            };
            self.receive_plain(flow, side, provenance, &mut plain);
        }
        if let Err(error) = result {
            self.give_up(flow, &error.to_string());
        }
    }

    /// A flow cannot be decrypted.
    fn give_up(&mut self, flow: FlowId, why: &str) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        let (count, _) = self.sealed.get_or_insert_with(|| (0, why.to_owned()));
        *count += 1;
        if let State::WebSocket(conversation) = &mut entry.state {
            conversation.finish(&mut self.capture, &self.options);
        }
        entry.state = State::Other;
        #[cfg(feature = "tls")]
        {
            entry.tls = None;
        }
    }

    /// The WebSocket that a flow is.
    fn conversation(
        &mut self,
        flow: FlowId,
    ) -> Option<(&mut Conversation, &mut Capture, &Options)> {
        match self.flows.get_mut(flow.0 as usize)?.state {
            State::WebSocket(ref mut conversation) => {
                Some((conversation, &mut self.capture, &self.options))
            }
            _ => None,
        }
    }

    /// Makes a flow of messages, or of bare headers, a connection where its handshake is not on record.
    fn ready(&mut self, flow: FlowId) {
        let is_new = self
            .flows
            .get(flow.0 as usize)
            .is_some_and(|entry| matches!(entry.state, State::Talk(_)));
        if is_new {
            self.begin(flow, Side::First, None, false, [Some(0), Some(0)]);
        }
    }

    fn tell(&mut self, problem: String) {
        if self.told.len() < 1_000 && self.told.insert(problem.clone()) {
            self.capture.problems.push(problem);
        }
    }
}

impl Intake for Analysis {
    fn open(&mut self, flow: Flow) -> FlowId {
        let client = match self.options.preset.direction {
            Some(crate::Direction::ToServer) if flow.is_websocket => Some(Side::First),
            Some(crate::Direction::ToClient) if flow.is_websocket => Some(Side::Second),
            _ => flow.client,
        };
        let entry = FlowState {
            flow: Flow { client, ..flow },
            state: State::Talk(Box::default()),
            #[cfg(feature = "tls")]
            tls: None,
        };
        if let Some(number) = self.free.pop() {
            self.flows[number as usize] = entry;
            return FlowId(number);
        }
        self.flows.push(entry);
        FlowId(self.flows.len() as u32 - 1)
    }

    #[inline]
    fn receive(&mut self, flow: FlowId, side: Side, provenance: Provenance, bytes: &mut [u8]) {
        if bytes.is_empty() {
            return;
        }
        #[cfg(feature = "tls")]
        if self
            .flows
            .get(flow.0 as usize)
            .is_some_and(|entry| entry.tls.is_some())
        {
            return self.receive_sealed(flow, side, provenance, bytes);
        }
        self.receive_plain(flow, side, provenance, bytes);
    }

    fn missing(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        #[cfg(feature = "tls")]
        if let Some(layer) = &mut entry.tls {
            layer.tls.missing(side == Side::First, len);
            return;
        }
        self.missing_plain(flow, side, provenance, len);
    }

    fn conflict(&mut self, flow: FlowId, side: Side, provenance: Provenance) {
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.conflict(capture, options, side, provenance.packet);
        }
    }

    fn end(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.end(capture, options, side, time);
        }
    }

    fn reset(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.reset(capture, options, side, time);
        }
    }

    fn close(&mut self, flow: FlowId) {
        if let Some(FlowState {
            state: State::Talk(talk),
            ..
        }) = self.flows.get_mut(flow.0 as usize)
        {
            let verdict = talk.finish();
            self.follow(flow, verdict);
        }
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.finish(capture, options);
        }
        if let Some(entry) = self.flows.get_mut(flow.0 as usize)
            && !matches!(entry.state, State::Free)
        {
            entry.state = State::Free;
            #[cfg(feature = "tls")]
            {
                entry.tls = None;
            }
            self.free.push(flow.0);
        }
    }

    fn handshake(&mut self, flow: FlowId, times: [Timestamp; 2], request: &[u8], response: &[u8]) {
        let Some(entry) = self.flows.get_mut(flow.0 as usize) else {
            return;
        };
        let head = |bytes: &[u8], time| HeadOnRecord {
            bytes: bytes.to_vec(),
            begun: time,
            complete: time,
            packet: 0,
        };
        let heads = (Some(head(request, times[0])), head(response, times[1]));
        let begun = Conversation::begin(
            &mut self.capture,
            &self.options,
            &entry.flow,
            Side::First,
            Some(heads),
        );
        entry.state = match begun {
            Some(conversation) => State::WebSocket(Box::new(conversation)),
            None => {
                self.left_out += 1;
                State::Other
            }
        };
    }

    fn message(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    ) {
        self.ready(flow);
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.message(capture, options, side, provenance, opcode, data);
        }
    }

    fn header(&mut self, flow: FlowId, side: Side, provenance: Provenance, header: BareHeader) {
        self.ready(flow);
        if let Some((conversation, capture, options)) = self.conversation(flow) {
            conversation.header(capture, options, side, provenance, &header);
        }
    }

    fn keys(&mut self, log: &[u8]) {
        #[cfg(feature = "tls")]
        self.keys.extend(log);
        #[cfg(not(feature = "tls"))]
        let _ = log;
    }

    fn problem(&mut self, problem: Problem) {
        self.tell(problem.to_string());
    }
}
