//! An [`Intake`] that writes down what it is told.

use core::net::SocketAddr;

use crate::{
    Timestamp,
    analysis::{BareHeader, Flow, FlowId, Intake, Problem, Provenance, Side},
};

/// What readers told, by flow.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) flows: Vec<Recorded>,
    pub(crate) keys: Vec<u8>,
    pub(crate) problems: Vec<Problem>,
}

/// What was told about one flow.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) addresses: [Option<SocketAddr>; 2],
    pub(crate) first_is_client: bool,
    pub(crate) from_start: bool,
    pub(crate) decrypted: bool,
    /// What came of each side, in its order.
    pub(crate) sides: [Vec<Event>; 2],
    pub(crate) closed: bool,
    pub(crate) handshakes: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) messages: Vec<(Side, Provenance, u8, Vec<u8>)>,
    pub(crate) headers: Vec<(Side, Provenance, BareHeader)>,
}

/// Something that came of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Bytes(Provenance, Vec<u8>),
    Missing(Provenance, u64),
    Conflict(Provenance),
    End(Timestamp),
    Reset(Timestamp),
}

impl Recorded {
    /// The bytes of one side up to its first hole.
    pub(crate) fn bytes(&self, side: Side) -> Vec<u8> {
        let mut all = Vec::new();
        for event in &self.sides[side.index()] {
            match event {
                Event::Bytes(_, bytes) => all.extend_from_slice(bytes),
                Event::Missing(..) => break,
                _ => {}
            }
        }
        all
    }

    /// The stream of one side: each byte, or `None` where it is missing.
    pub(crate) fn stream(&self, side: Side) -> Vec<Option<u8>> {
        let mut all = Vec::new();
        for event in &self.sides[side.index()] {
            match event {
                Event::Bytes(_, bytes) => all.extend(bytes.iter().copied().map(Some)),
                Event::Missing(_, len) => {
                    all.resize(all.len() + usize::try_from(*len).unwrap(), None);
                }
                _ => {}
            }
        }
        all
    }

    /// The offset in the capture of every byte of one side.
    pub(crate) fn offsets(&self, side: Side) -> Vec<u64> {
        let mut all = Vec::new();
        for event in &self.sides[side.index()] {
            if let Event::Bytes(provenance, bytes) = event {
                let offset = provenance.offset.expect("the bytes lie in the file");
                all.extend(offset..offset + bytes.len() as u64);
            }
        }
        all
    }

    /// What came of one side besides bytes.
    pub(crate) fn marks(&self, side: Side) -> Vec<Event> {
        self.sides[side.index()]
            .iter()
            .filter(|event| !matches!(event, Event::Bytes(..)))
            .cloned()
            .collect()
    }
}

impl Recorder {
    fn event(&mut self, flow: FlowId, side: Side, event: Event) {
        let flow = &mut self.flows[flow.0 as usize];
        assert!(!flow.closed, "the flow is closed: {event:?}");
        flow.sides[side.index()].push(event);
    }
}

impl Intake for Recorder {
    fn open(&mut self, flow: Flow) -> FlowId {
        self.flows.push(Recorded {
            addresses: flow.addresses,
            first_is_client: flow.first_is_client,
            from_start: flow.from_start,
            decrypted: flow.decrypted,
            ..Recorded::default()
        });
        FlowId(self.flows.len() as u32 - 1)
    }

    fn receive(&mut self, flow: FlowId, side: Side, provenance: Provenance, bytes: &mut [u8]) {
        assert!(!bytes.is_empty(), "there are bytes");
        self.event(flow, side, Event::Bytes(provenance, bytes.to_vec()));
        // They may be changed, and no reader may look at them again.
        bytes.fill(0xAA);
    }

    fn missing(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64) {
        assert!(len > 0, "something is missing");
        self.event(flow, side, Event::Missing(provenance, len));
    }

    fn conflict(&mut self, flow: FlowId, side: Side, provenance: Provenance) {
        self.event(flow, side, Event::Conflict(provenance));
    }

    fn end(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        self.event(flow, side, Event::End(time));
    }

    fn reset(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        self.event(flow, side, Event::Reset(time));
    }

    fn close(&mut self, flow: FlowId) {
        let flow = &mut self.flows[flow.0 as usize];
        assert!(!flow.closed, "a flow is closed once");
        flow.closed = true;
    }

    fn handshake(&mut self, flow: FlowId, _times: [Timestamp; 2], request: &[u8], response: &[u8]) {
        self.flows[flow.0 as usize]
            .handshakes
            .push((request.to_vec(), response.to_vec()));
    }

    fn message(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    ) {
        self.flows[flow.0 as usize]
            .messages
            .push((side, provenance, opcode, data.to_vec()));
    }

    fn header(&mut self, flow: FlowId, side: Side, provenance: Provenance, header: BareHeader) {
        self.flows[flow.0 as usize]
            .headers
            .push((side, provenance, header));
    }

    fn keys(&mut self, log: &[u8]) {
        self.keys.extend_from_slice(log);
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}
