//! TCP: from segments to streams ([RFC 9293](https://www.rfc-editor.org/rfc/rfc9293)).

#[cfg(test)]
mod against_tshark;
mod flow;
mod held;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::packet::Addresses;
use crate::analysis::{Intake, Provenance};
use flow::{Flow, Key};
use stream::Budget;

/// Every connection of a capture.
#[derive(Debug)]
pub(super) struct Tcp {
    flows: Vec<Flow>,
    /// Place of each in `flows`. Captures are made by strangers: the hash is keyed.
    places: HashMap<Key, u32>,
    /// Places of those used last, by [`Key::mix`]: most segments are found here.
    recent: Vec<u32>,
    budget: Budget,
    /// How many segments there were.
    segments: u64,
    max_flows: usize,
}

/// A segment of TCP.
struct Segment<'a> {
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
    payload: &'a mut [u8],
    /// How many bytes of its payload are not in the capture.
    lost: u32,
    /// Of the payload.
    provenance: Provenance,
}

impl Default for Tcp {
    fn default() -> Self {
        Self::new(4 << 20)
    }
}

impl Tcp {
    /// Holds at most `held_bytes` out of order for each direction, and sixteen times as much for all.
    pub(super) fn new(held_bytes: usize) -> Self {
        Self {
            flows: Vec::new(),
            places: HashMap::new(),
            recent: vec![u32::MAX; RECENT],
            budget: Budget {
                each: held_bytes,
                all: held_bytes.saturating_mul(16),
                used: 0,
            },
            segments: 0,
            max_flows: MAX_FLOWS,
        }
    }

    /// The next segment: `data` is what was captured of it, `lost` how many bytes were not. `provenance` is that of its first byte.
    pub(super) fn segment(
        &mut self,
        addresses: Addresses,
        provenance: Provenance,
        data: &mut [u8],
        lost: usize,
        intake: &mut dyn Intake,
    ) {
        let Some(header) = data.first_chunk::<20>() else {
            return;
        };
        let header_len = usize::from(header[12] >> 4) * 4;
        let payload_len = (data.len() + lost).checked_sub(header_len);
        let Some(payload_len) = payload_len.filter(|_| header_len >= 20) else {
            return;
        };
        let source = u16::from_be_bytes([header[0], header[1]]);
        let destination = u16::from_be_bytes([header[2], header[3]]);
        let sequence = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let acknowledgement = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let flags = header[13];
        let payload = data.get_mut(header_len..).unwrap_or_default();
        let lost = match u32::try_from(payload_len - payload.len()) {
            Ok(lost) if lost <= MAX_LOST => lost,
            // No packet is as long as this one says.
            _ => 0,
        };
        let segment = Segment {
            sequence,
            acknowledgement,
            flags,
            payload,
            lost,
            provenance: Provenance {
                offset: provenance.offset.map(|offset| offset + header_len as u64),
                ..provenance
            },
        };

        self.segments += 1;
        let (key, from_low) = Key::of(addresses, source, destination);
        let place = match self.place(&key) {
            Some(place) => place,
            None => match Flow::begin(key, from_low, &segment) {
                Some(flow) => self.add(flow, intake),
                None => return,
            },
        };
        let flow = &mut self.flows[place];
        if flow.is_succeeded_by(from_low, &segment) {
            flow.close(&mut self.budget, intake);
            match Flow::begin(key, from_low, &segment) {
                Some(successor) => *flow = successor,
                None => return,
            }
        }
        flow.used = self.segments;
        flow.segment(from_low, segment, &mut self.budget, intake);
    }

    /// The capture ends here.
    pub(super) fn finish(&mut self, intake: &mut dyn Intake) {
        for flow in &mut self.flows {
            flow.close(&mut self.budget, intake);
        }
        self.flows.clear();
        self.places.clear();
    }

    /// Where the flow of `key` is.
    fn place(&mut self, key: &Key) -> Option<usize> {
        let recent = &mut self.recent[(key.mix() >> (64 - RECENT.ilog2())) as usize];
        let place = *recent as usize;
        if self.flows.get(place).is_some_and(|flow| flow.key == *key) {
            return Some(place);
        }
        *recent = *self.places.get(key)?;
        Some(*recent as usize)
    }

    fn add(&mut self, flow: Flow, intake: &mut dyn Intake) -> usize {
        if self.flows.len() >= self.max_flows {
            self.evict(intake);
        }
        let place = self.flows.len();
        self.places.insert(flow.key, place as u32);
        self.flows.push(flow);
        place
    }

    /// Gives up a quarter of the flows: closed ones first, then those that were not used for longest.
    fn evict(&mut self, intake: &mut dyn Intake) {
        let mut ages: Vec<_> = self.flows.iter().map(Flow::age).collect();
        let last = (ages.len() / 4).max(1) - 1;
        let (_, last, _) = ages.select_nth_unstable(last);
        let last = *last;
        let budget = &mut self.budget;
        self.flows.retain_mut(|flow| {
            let stays = flow.age() > last;
            if !stays {
                flow.close(budget, intake);
            }
            stays
        });
        self.places.clear();
        let places = self.flows.iter().zip(0..);
        self.places
            .extend(places.map(|(flow, place)| (flow.key, place)));
    }
}

/// How many connections are followed at a time.
const MAX_FLOWS: usize = 65_536;

/// How many flows are found without the hash; a power of two.
const RECENT: usize = 4_096;

/// How many bytes of a segment may be missing: as many as the longest packet has.
const MAX_LOST: u32 = 16 << 20;
