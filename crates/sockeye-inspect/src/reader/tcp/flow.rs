//! A TCP connection.

use core::net::SocketAddr;

use super::{
    Segment,
    stream::{Budget, Output, Payload, Stream},
};
use crate::{
    analysis::{self, FlowId, Intake, Side},
    reader::packet::Addresses,
};

/// The two ends of a connection in an order that does not depend on who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    low: u128,
    high: u128,
    /// Ports of the low and the high end.
    ports: [u16; 2],
    ipv6: bool,
}

impl Key {
    /// The key of a packet's connection, and whether its sender is the low end.
    pub(super) fn of(addresses: Addresses, source: u16, destination: u16) -> (Self, bool) {
        let from_low = (addresses.source, source) <= (addresses.destination, destination);
        let key = if from_low {
            Self {
                low: addresses.source,
                high: addresses.destination,
                ports: [source, destination],
                ipv6: addresses.ipv6,
            }
        } else {
            Self {
                low: addresses.destination,
                high: addresses.source,
                ports: [destination, source],
                ipv6: addresses.ipv6,
            }
        };
        (key, from_low)
    }

    /// Some number that tells apart keys that are not made to be alike.
    pub(super) const fn mix(&self) -> u64 {
        let sum = self.low ^ self.high.rotate_left(27);
        let ports = (self.ports[0] as u64) << 16 | self.ports[1] as u64;
        ((sum >> 64) as u64 ^ sum as u64 ^ ports).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// A connection from its SYN, or from the first bytes that were seen, up to its end.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) key: Key,
    /// Whether the first side is the low end.
    first_is_low: bool,
    /// Whether it began with SYN: then the first side is the client.
    from_start: bool,
    /// What the intake calls it, once there were bytes.
    id: Option<FlowId>,
    streams: [Stream; 2],
    /// Whether the intake was told that nothing more comes.
    pub(super) closed: bool,
    /// When it was used last, as a count of segments; no two were at the same.
    pub(super) used: u64,
}

impl Flow {
    /// The connection that `segment` begins, if one that brings no bytes can.
    pub(super) fn begin(key: Key, from_low: bool, segment: &Segment<'_>) -> Option<Self> {
        let from_start = segment.is_syn();
        if !from_start && segment.len() == 0 {
            return None;
        }
        // The answer to a SYN comes from the other end.
        let first_is_low = from_low != (from_start && segment.is_ack());
        let mut flow = Self {
            key,
            first_is_low,
            from_start,
            id: None,
            streams: Default::default(),
            closed: false,
            used: 0,
        };
        if from_start && segment.is_ack() {
            let side = flow.side(from_low).other();
            flow.streams[side.index()].synchronise(segment.acknowledgement.wrapping_sub(1));
        }
        Some(flow)
    }

    /// Whether `segment` belongs to a later connection between the same ends.
    pub(super) fn is_succeeded_by(&self, from_low: bool, segment: &Segment<'_>) -> bool {
        let side = self.side(from_low);
        let stream = &self.streams[side.index()];
        if !segment.is_syn() {
            return self.closed && segment.len() > 0 && stream.is_far(segment.sequence);
        }
        if stream.initial == Some(segment.sequence) {
            return false;
        }
        let other = &self.streams[side.other().index()];
        let answers = segment.is_ack()
            && stream.initial.is_none()
            && other.initial == Some(segment.acknowledgement.wrapping_sub(1));
        self.closed || !answers
    }

    /// Takes a segment. The one that [`Self::begin`] was given comes here, too.
    pub(super) fn segment(
        &mut self,
        from_low: bool,
        segment: Segment<'_>,
        budget: &mut Budget,
        intake: &mut dyn Intake,
    ) {
        if self.closed {
            return;
        }
        let side = self.side(from_low);
        let Segment {
            mut sequence,
            acknowledgement,
            ..
        } = segment;
        if segment.is_syn() {
            if self.streams[side.index()].initial.is_none() {
                self.streams[side.index()].synchronise(sequence);
            }
            sequence = sequence.wrapping_add(1);
        }
        let len = segment.len();
        let (is_fin, is_rst) = (segment.is_fin(), segment.is_rst());
        let provenance = segment.provenance;
        if segment.is_ack()
            && self.streams[side.other().index()].has_hole()
            && let Some(flow) = self.id
        {
            let side = side.other();
            let output = &mut Output { intake, flow, side };
            self.streams[side.index()].acknowledge(acknowledgement, budget, output);
        }
        if len > 0 && !is_rst {
            let flow = self.opened(budget, intake);
            let output = &mut Output { intake, flow, side };
            let payload = Payload {
                sequence,
                bytes: segment.payload,
                lost: segment.lost,
                provenance,
            };
            self.streams[side.index()].receive(payload, budget, output);
        }
        let stream = &mut self.streams[side.index()];
        if is_fin {
            stream.finish(sequence.wrapping_add(len), provenance);
        }
        let Some(flow) = self.id else {
            // Nothing was ever sent. A closed connection makes room first.
            self.closed = is_rst;
            return;
        };
        let output = &mut Output { intake, flow, side };
        if is_rst {
            if !stream.is_far(sequence) {
                stream.reset(provenance.time, budget, output);
            }
        } else if is_fin {
            stream.drain(budget, output);
        }
        if self.streams.iter().all(|stream| stream.ended) {
            self.close(budget, intake);
        }
    }

    /// Says that nothing more comes, and what is missing.
    pub(super) fn close(&mut self, budget: &mut Budget, intake: &mut dyn Intake) {
        if core::mem::replace(&mut self.closed, true) {
            return;
        }
        let Some(flow) = self.id else { return };
        for side in [Side::First, Side::Second] {
            let output = &mut Output { intake, flow, side };
            self.streams[side.index()].give_up(budget, output);
        }
        intake.close(flow);
    }

    /// In this order flows are given up.
    pub(super) const fn age(&self) -> (bool, u64) {
        (!self.closed, self.used)
    }

    const fn side(&self, from_low: bool) -> Side {
        if from_low == self.first_is_low {
            Side::First
        } else {
            Side::Second
        }
    }

    /// What the intake calls it; it hears of it now, if it did not before.
    fn opened(&mut self, budget: &mut Budget, intake: &mut dyn Intake) -> FlowId {
        if let Some(flow) = self.id {
            return flow;
        }
        let Key {
            low,
            high,
            ports,
            ipv6,
        } = self.key;
        let mut addresses = [
            Some(SocketAddr::new(Addresses::ip(low, ipv6), ports[0])),
            Some(SocketAddr::new(Addresses::ip(high, ipv6), ports[1])),
        ];
        if !self.first_is_low {
            addresses.reverse();
        }
        let flow = intake.open(analysis::Flow {
            addresses,
            first_is_client: self.from_start,
            from_start: self.from_start,
            ..analysis::Flow::default()
        });
        self.id = Some(flow);
        for side in [Side::First, Side::Second] {
            // One may have ended already, without a byte.
            let output = &mut Output { intake, flow, side };
            self.streams[side.index()].drain(budget, output);
        }
        flow
    }
}

impl Segment<'_> {
    /// How many bytes of the stream it had on the wire.
    const fn len(&self) -> u32 {
        self.payload.len() as u32 + self.lost
    }

    const fn is_fin(&self) -> bool {
        self.flags & 0x01 != 0
    }

    const fn is_syn(&self) -> bool {
        self.flags & 0x02 != 0
    }

    const fn is_rst(&self) -> bool {
        self.flags & 0x04 != 0
    }

    const fn is_ack(&self) -> bool {
        self.flags & 0x10 != 0
    }
}
