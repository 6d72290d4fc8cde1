//! What readers tell.

use super::{BareHeader, Flow, FlowId, Problem, Provenance, Side};
use crate::Timestamp;

/// Takes what readers find: [`Analysis`](super::Analysis), or in tests whatever writes it down.
pub(crate) trait Intake {
    /// A flow begins.
    fn open(&mut self, flow: Flow) -> FlowId;

    /// Bytes of one side, in the order of the stream, each once. `bytes` may be changed (unmasked).
    fn receive(&mut self, flow: FlowId, side: Side, provenance: Provenance, bytes: &mut [u8]);

    /// `len` bytes of one side are missing from the capture and will not come.
    fn missing(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64);

    /// Two segments of one side overlap and differ, in the last bytes that were received or before.
    fn conflict(&mut self, flow: FlowId, side: Side, provenance: Provenance);

    /// One side ended its stream (FIN).
    fn end(&mut self, flow: FlowId, side: Side, time: Timestamp);

    /// One side reset the flow.
    fn reset(&mut self, flow: FlowId, side: Side, time: Timestamp);

    /// Nothing more comes of this flow: both sides have ended, or its addresses are used anew.
    fn close(&mut self, flow: FlowId);

    /// The opening handshake of a flow whose source has messages or headers of frames, not bytes: the heads as HTTP/1.1 writes them (rebuilt).
    /// What the flow's other methods tell of bytes may not be mixed with it.
    fn handshake(&mut self, flow: FlowId, times: [Timestamp; 2], request: &[u8], response: &[u8]);

    /// A whole message, joined, unmasked and inflated, of the first side (the client) or the second. A Close stands with its code and reason as
    /// its payload would.
    fn message(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    );

    /// The header of a frame whose payload is not on record.
    fn header(&mut self, flow: FlowId, side: Side, provenance: Provenance, header: BareHeader);

    /// More of an NSS key log, for TLS that comes behind it.
    fn keys(&mut self, log: &[u8]);

    /// Something about the capture itself that its reader has to know.
    fn problem(&mut self, problem: Problem);
}
