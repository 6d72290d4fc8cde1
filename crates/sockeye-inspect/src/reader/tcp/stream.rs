//! One direction of a TCP connection.

use super::held::Held;
use crate::{
    Timestamp,
    analysis::{FlowId, Intake, Provenance, Side},
};

/// Puts the segments of one direction in order.
///
/// Of bytes that come more than once, the first count. Copies are held against what waits for its turn, and against the last
/// [`TAIL`] bytes that were delivered; older ones are gone.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number of SYN, once it is known.
    pub(super) initial: Option<u32>,
    /// Whether it is known where the stream is.
    started: bool,
    /// The sequence number of the next byte, modulo 2^32.
    next: u32,
    /// How many bytes are before it.
    position: u64,
    tail: Tail,
    held: Held,
    /// The place of the first held piece or of FIN, whatever comes first; nothing may be delivered past it.
    barrier: Option<u64>,
    /// The place of FIN.
    fin: Option<(u64, Provenance)>,
    /// Whether FIN or RST has ended it.
    pub(super) ended: bool,
    /// Whether RST has.
    reset: bool,
    /// How many packets of the other side acknowledged bytes that have not come.
    acknowledged: u8,
    /// Where a run of segments goes on that do not fit, and how many it has.
    far: (u32, u8),
}

/// Where a stream's bytes go.
pub(super) struct Output<'a> {
    pub(super) intake: &'a mut dyn Intake,
    pub(super) flow: FlowId,
    pub(super) side: Side,
}

/// How much may be held.
#[derive(Debug)]
pub(super) struct Budget {
    /// By one direction of a connection.
    pub(super) each: usize,
    /// By all.
    pub(super) all: usize,
    /// Held now by all.
    pub(super) used: usize,
}

/// What a segment has of the stream.
pub(super) struct Payload<'a> {
    /// Sequence number of the first byte.
    pub(super) sequence: u32,
    pub(super) bytes: &'a mut [u8],
    /// How many further bytes the capture has cut off.
    pub(super) lost: u32,
    pub(super) provenance: Provenance,
}

impl Stream {
    /// The stream's first byte has the number after this one, that of SYN.
    pub(super) const fn synchronise(&mut self, initial: u32) {
        self.initial = Some(initial);
        if !self.started {
            self.next = initial.wrapping_add(1);
            self.started = true;
        }
    }

    /// Whether a segment with this number is so far away that it cannot belong to what is known of the stream.
    pub(super) const fn is_far(&self, sequence: u32) -> bool {
        let ahead = sequence.wrapping_sub(self.next) as i32;
        self.started && (ahead < -FAR_BEHIND || ahead > FAR_AHEAD)
    }

    /// Takes the bytes of a segment.
    pub(super) fn receive(
        &mut self,
        payload: Payload<'_>,
        budget: &mut Budget,
        output: &mut Output<'_>,
    ) {
        if !self.started {
            self.next = payload.sequence;
            self.started = true;
        }
        if payload.sequence == self.next && self.barrier.is_none() && !self.ended {
            self.deliver(payload.provenance, payload.bytes, output);
            self.skip(payload.provenance, payload.lost.into(), output);
        } else if !self.ended {
            self.receive_out_of_order(payload, budget, output);
        }
    }

    fn receive_out_of_order(
        &mut self,
        payload: Payload<'_>,
        budget: &mut Budget,
        output: &mut Output<'_>,
    ) {
        let Payload {
            sequence,
            mut bytes,
            mut lost,
            mut provenance,
        } = payload;
        if self.is_far(sequence) {
            let len = (bytes.len() as u32).wrapping_add(lost);
            if !self.is_new_run(sequence, len) {
                return;
            }
            // The capture has a gap so long that sequence numbers say nothing about it.
            self.give_up(budget, output);
            self.skip(provenance, sequence.wrapping_sub(self.next).into(), output);
        }
        let ahead = sequence.wrapping_sub(self.next) as i32;
        if ahead < 0 {
            let known = ahead.unsigned_abs();
            // A keep-alive repeats the byte before the next with any value.
            let is_keep_alive = ahead == -1 && bytes.len() == 1;
            if !is_keep_alive && self.tail.contradicts(bytes, known) {
                output.conflict(provenance);
            }
            let skip = (known as usize).min(bytes.len());
            bytes = &mut bytes[skip..];
            lost = lost.saturating_sub(known - skip as u32);
            provenance.offset = provenance.offset.map(|offset| offset + skip as u64);
        }
        if bytes.is_empty() && lost == 0 {
            return;
        }
        let position = self.position + u64::from(ahead.max(0).unsigned_abs());
        let end = position + bytes.len() as u64 + u64::from(lost);
        if position == self.position && self.barrier.is_none_or(|barrier| end <= barrier) {
            self.deliver(provenance, bytes, output);
            self.skip(provenance, lost.into(), output);
            self.drain(budget, output);
            return;
        }
        let before = self.held.cost();
        if self.held.insert(position, provenance, bytes, lost.into()) {
            output.conflict(provenance);
        }
        budget.used += self.held.cost() - before;
        self.drain(budget, output);
        while (self.held.cost() > budget.each || budget.used > budget.all)
            && self.declare_hole(budget, output)
        {}
    }

    /// The stream ends before this number. [`Self::drain`] comes next, once there is an output.
    pub(super) const fn finish(&mut self, sequence: u32, provenance: Provenance) {
        if !self.started {
            self.next = sequence;
            self.started = true;
        }
        let ahead = sequence.wrapping_sub(self.next) as i32;
        if self.ended || self.fin.is_some() || ahead < 0 || self.is_far(sequence) {
            return;
        }
        self.fin = Some((self.position + ahead as u64, provenance));
    }

    /// The other side has this number next: whatever is before it has come there.
    pub(super) fn acknowledge(
        &mut self,
        number: u32,
        budget: &mut Budget,
        output: &mut Output<'_>,
    ) {
        while let Some(barrier) = self.barrier {
            let ahead = number.wrapping_sub(self.next) as i32;
            if ahead <= 0 || self.position + u64::from(ahead.unsigned_abs()) < barrier {
                return;
            }
            // Captures put packets of the two directions in the wrong order by a few.
            if self.acknowledged < PATIENCE {
                self.acknowledged += 1;
                return;
            }
            let patience = self.acknowledged;
            if !self.declare_hole(budget, output) {
                return;
            }
            self.acknowledged = patience;
        }
        self.acknowledged = 0;
    }

    /// Nothing more will come: what is missing is missing.
    pub(super) fn give_up(&mut self, budget: &mut Budget, output: &mut Output<'_>) {
        while self.declare_hole(budget, output) {}
    }

    /// Whether something waits for bytes that have not come.
    pub(super) const fn has_hole(&self) -> bool {
        self.barrier.is_some()
    }

    /// Goes on behind the first hole; `false` if there is none.
    fn declare_hole(&mut self, budget: &mut Budget, output: &mut Output<'_>) -> bool {
        let held = self.held.first();
        let fin = self.fin.filter(|_| !self.ended);
        let Some((position, provenance)) = held.into_iter().chain(fin).min_by_key(|(at, _)| *at)
        else {
            return false;
        };
        self.skip(provenance, position.saturating_sub(self.position), output);
        self.drain(budget, output);
        true
    }

    /// Delivers what is held and has its turn.
    pub(super) fn drain(&mut self, budget: &mut Budget, output: &mut Output<'_>) {
        let before = self.held.cost();
        while !self.ended {
            if let Some((fin, provenance)) = self.fin
                && fin <= self.position
            {
                self.ended = true;
                output.intake.end(output.flow, output.side, provenance.time);
                break;
            }
            let Some(mut piece) = self.held.pop(self.position) else {
                break;
            };
            self.deliver(piece.provenance, &mut piece.bytes, output);
            self.skip(piece.provenance, piece.lost, output);
        }
        if self.ended {
            self.held = Held::default();
        }
        budget.used -= before - self.held.cost();
        let fin = self.fin.filter(|_| !self.ended);
        let first = self.held.first();
        self.barrier = first.into_iter().chain(fin).map(|(at, _)| at).min();
        self.acknowledged = 0;
    }

    fn deliver(&mut self, provenance: Provenance, bytes: &mut [u8], output: &mut Output<'_>) {
        if bytes.is_empty() {
            return;
        }
        self.tail.push(bytes);
        self.next = self.next.wrapping_add(bytes.len() as u32);
        self.position += bytes.len() as u64;
        output
            .intake
            .receive(output.flow, output.side, provenance, bytes);
    }

    fn skip(&mut self, provenance: Provenance, len: u64, output: &mut Output<'_>) {
        if len == 0 {
            return;
        }
        self.tail.len = 0;
        self.next = self.next.wrapping_add(len as u32);
        self.position += len;
        let provenance = Provenance {
            offset: None,
            ..provenance
        };
        output
            .intake
            .missing(output.flow, output.side, provenance, len);
    }

    /// Whether segments that are far away follow each other, so that the stream has to be there.
    const fn is_new_run(&mut self, sequence: u32, len: u32) -> bool {
        let count = if self.far.0 == sequence {
            self.far.1 + 1
        } else {
            1
        };
        if count > PATIENCE {
            self.far = (0, 0);
            return true;
        }
        self.far = (sequence.wrapping_add(len), count);
        false
    }

    /// RST: delivers what is held, and ends.
    pub(super) fn reset(&mut self, time: Timestamp, budget: &mut Budget, output: &mut Output<'_>) {
        if core::mem::replace(&mut self.reset, true) {
            return;
        }
        self.give_up(budget, output);
        self.ended = true;
        output.intake.reset(output.flow, output.side, time);
    }
}

impl Output<'_> {
    fn conflict(&mut self, provenance: Provenance) {
        self.intake.conflict(self.flow, self.side, provenance);
    }
}

/// The last bytes of a stream, to hold copies against.
#[derive(Debug)]
struct Tail {
    /// They stand at the end.
    bytes: [u8; TAIL],
    len: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            bytes: [0; TAIL],
            len: 0,
        }
    }
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.bytes = *last;
            self.len = TAIL;
        } else {
            self.bytes.copy_within(bytes.len().., 0);
            self.bytes[TAIL - bytes.len()..].copy_from_slice(bytes);
            self.len = TAIL.min(self.len + bytes.len());
        }
    }

    /// Whether bytes that begin `back` bytes before the end differ from those that are known.
    fn contradicts(&self, bytes: &[u8], back: u32) -> bool {
        let back = back as usize;
        let known = &self.bytes[TAIL - self.len..];
        let (bytes, known) = if back > self.len {
            (bytes.get(back - self.len..).unwrap_or_default(), known)
        } else {
            (bytes, &known[self.len - back..])
        };
        bytes.iter().zip(known).any(|(a, b)| a != b)
    }
}

/// How many delivered bytes are kept to hold copies against.
const TAIL: usize = 64;

/// Segments that are older by more are not of this stretch of the stream.
const FAR_BEHIND: i32 = 16 << 20;
/// No window is larger (RFC 7323 §2.3).
const FAR_AHEAD: i32 = 1 << 30;
/// How many packets have to say the same before they are believed.
const PATIENCE: u8 = 2;
