//! An [`Intake`] that writes one line for each thing it is told, so that a test can state all of them.

use core::fmt::Write;

use super::Reader;
use crate::{
    Timestamp,
    analysis::{BareHeader, Flow, FlowId, Intake, Problem, Provenance, Side},
};

/// What was told, in order. Bytes that follow each other are one line, however they were cut.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
    flows: u32,
    /// The bytes that more may follow.
    run: Option<(FlowId, Side, Provenance, Vec<u8>)>,
}

impl Transcript {
    /// What `reader` tells of a capture that is cut at `cuts`.
    pub(crate) fn of(mut reader: impl Reader, capture: &[u8], cuts: &[usize]) -> Vec<String> {
        let mut transcript = Self::default();
        let mut from = 0;
        for &to in cuts.iter().chain([&capture.len()]) {
            reader.push(&mut capture[from..to].to_vec(), &mut transcript);
            from = to;
        }
        reader.finish(&mut transcript);
        transcript.lines()
    }

    /// The same, and that every cut into two gives no other.
    pub(crate) fn at_every_cut<R: Reader>(new: impl Fn() -> R, capture: &[u8]) -> Vec<String> {
        let whole = Self::of(new(), capture, &[]);
        for cut in 0..capture.len() {
            assert_eq!(Self::of(new(), capture, &[cut]), whole, "cut at {cut}");
        }
        let bytes: Vec<usize> = (0..capture.len()).collect();
        assert_eq!(Self::of(new(), capture, &bytes), whole, "byte by byte");
        whole
    }

    /// The lines.
    pub(crate) fn lines(mut self) -> Vec<String> {
        self.flush();
        self.lines
    }

    fn flush(&mut self) {
        if let Some((flow, side, provenance, bytes)) = self.run.take() {
            self.lines.push(format!(
                "{}{side:?}{} {:?}",
                flow.0,
                from(provenance),
                Text(&bytes)
            ));
        }
    }

    fn line(&mut self, line: String) {
        self.flush();
        self.lines.push(line);
    }
}

/// ` @offset #packet time`, without what is not known.
fn from(provenance: Provenance) -> String {
    let mut out = String::new();
    if let Some(offset) = provenance.offset {
        let _ = write!(out, " @{offset}");
    }
    if provenance.packet > 0 {
        let _ = write!(out, " #{}", provenance.packet);
    }
    out + &at(provenance.time)
}

fn at(time: Timestamp) -> String {
    if time.is_known() {
        format!(" {}µs", time.nanos() / 1_000)
    } else {
        String::new()
    }
}

/// Bytes as a literal.
struct Text<'a>(&'a [u8]);

impl core::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl Intake for Transcript {
    fn open(&mut self, flow: Flow) -> FlowId {
        let mut line = format!("{}open", self.flows);
        for address in flow.addresses {
            let _ = match address {
                Some(address) => write!(line, " {address}"),
                None => write!(line, " -"),
            };
        }
        for (set, name) in [
            (flow.first_is_client, " first_is_client"),
            (flow.from_start, " from_start"),
            (flow.decrypted, " decrypted"),
            (flow.is_websocket, " websocket"),
        ] {
            line += if set { name } else { "" };
        }
        self.line(line);
        self.flows += 1;
        FlowId(self.flows - 1)
    }

    fn receive(&mut self, flow: FlowId, side: Side, provenance: Provenance, bytes: &mut [u8]) {
        assert!(!bytes.is_empty(), "there are bytes");
        let follows = self.run.as_ref().is_some_and(|(f, s, first, run)| {
            let offset = first.offset.map(|offset| offset + run.len() as u64);
            (*f, *s, first.packet, first.time, offset)
                == (
                    flow,
                    side,
                    provenance.packet,
                    provenance.time,
                    provenance.offset,
                )
        });
        if !follows {
            self.flush();
        }
        let run = self.run.get_or_insert((flow, side, provenance, Vec::new()));
        run.3.extend_from_slice(bytes);
        // They may be changed, and no reader may look at them again.
        bytes.fill(0xAA);
    }

    fn missing(&mut self, flow: FlowId, side: Side, provenance: Provenance, len: u64) {
        self.line(format!(
            "{}{side:?}{} missing {len}",
            flow.0,
            from(provenance)
        ));
    }

    fn conflict(&mut self, flow: FlowId, side: Side, provenance: Provenance) {
        self.line(format!("{}{side:?}{} conflict", flow.0, from(provenance)));
    }

    fn end(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        self.line(format!("{}{side:?} end{}", flow.0, at(time)));
    }

    fn reset(&mut self, flow: FlowId, side: Side, time: Timestamp) {
        self.line(format!("{}{side:?} reset{}", flow.0, at(time)));
    }

    fn close(&mut self, flow: FlowId) {
        self.line(format!("{}close", flow.0));
    }

    fn handshake(&mut self, flow: FlowId, times: [Timestamp; 2], request: &[u8], response: &[u8]) {
        for (name, time, head) in [
            ("request", times[0], request),
            ("response", times[1], response),
        ] {
            self.line(format!("{}{name}{} {:?}", flow.0, at(time), Text(head)));
        }
    }

    fn message(
        &mut self,
        flow: FlowId,
        side: Side,
        provenance: Provenance,
        opcode: u8,
        data: &[u8],
    ) {
        let from = from(provenance);
        self.line(format!(
            "{}{side:?}{from} message {opcode} {:?}",
            flow.0,
            Text(data)
        ));
    }

    fn header(&mut self, flow: FlowId, side: Side, provenance: Provenance, header: BareHeader) {
        let mut line = format!("{}{side:?}{} header", flow.0, from(provenance));
        for (set, name) in [
            (header.fin, " fin"),
            (header.rsv1, " rsv1"),
            (header.rsv2, " rsv2"),
            (header.rsv3, " rsv3"),
            (header.masked, " masked"),
        ] {
            line += if set { name } else { "" };
        }
        self.line(format!("{line} {} {}", header.opcode, header.payload_len));
    }

    fn keys(&mut self, log: &[u8]) {
        self.line(format!("keys {:?}", Text(log)));
    }

    fn problem(&mut self, problem: Problem) {
        self.line(format!("problem: {problem}"));
    }
}
