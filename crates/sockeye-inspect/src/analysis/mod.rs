//! From the bytes of streams to connections, frames and findings.

mod intake;
mod problem;

use core::net::SocketAddr;

pub(crate) use intake::Intake;
pub(crate) use problem::Problem;

use crate::{Capture, Options, Timestamp};

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

/// Takes what readers find, and builds the [`Capture`].
#[derive(Debug)]
pub(crate) struct Analysis {
    capture: Capture,
    options: Options,
}

impl Analysis {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            capture: Capture::default(),
            options,
        }
    }

    /// The capture ends: judges what is left open.
    pub(crate) fn finish(&mut self) {}

    pub(crate) const fn capture(&self) -> &Capture {
        &self.capture
    }

    pub(crate) fn into_capture(self) -> Capture {
        self.capture
    }
}

impl Intake for Analysis {
    fn open(&mut self, flow: Flow) -> FlowId {
        let _ = (flow, &self.options);
        FlowId(0)
    }

    fn receive(&mut self, flow: FlowId, side: Side, provenance: Provenance, bytes: &mut [u8]) {
        let _ = (flow, side, provenance, bytes);
    }

    fn missing(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64) {
        let _ = (flow, side, provenance, len);
    }

    fn conflict(&mut self, flow: FlowId, side: Side, provenance: Provenance) {
        let _ = (flow, side, provenance);
    }

    fn end(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        let _ = (flow, side, time);
    }

    fn reset(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        let _ = (flow, side, time);
    }

    fn close(&mut self, flow: FlowId) {
        let _ = flow;
    }

    fn handshake(&mut self, flow: FlowId, times: [Timestamp; 2], request: &[u8], response: &[u8]) {
        let _ = (flow, times, request, response);
    }

    fn message(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    ) {
        let _ = (flow, side, provenance, opcode, data);
    }

    fn header(&mut self, flow: FlowId, side: Side, provenance: Provenance, header: BareHeader) {
        let _ = (flow, side, provenance, header);
    }

    fn keys(&mut self, log: &[u8]) {
        let _ = log;
    }

    fn problem(&mut self, problem: Problem) {
        self.capture.problems.push(problem.to_string());
    }
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
