//! Bytes that wait until it is known what they are.

use std::collections::VecDeque;

use super::Provenance;

/// Bytes of one side with where they come from.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// How many of `bytes` are used up.
    used: usize,
    /// Provenance and length of each run of what is not used up.
    runs: VecDeque<(Provenance, usize)>,
}

impl Held {
    /// Puts bytes at the end.
    pub(super) fn push(&mut self, provenance: Provenance, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes.extend_from_slice(bytes);
            self.runs.push_back((provenance, bytes.len()));
        }
    }

    /// What is held.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.used..]
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.used
    }

    /// Where the first of the bytes come from.
    pub(super) fn first(&self) -> Option<Provenance> {
        self.runs.front().map(|&(provenance, _)| provenance)
    }

    /// Where the byte at this place comes from.
    pub(super) fn at(&self, place: usize) -> Option<Provenance> {
        let mut from = 0;
        for &(provenance, len) in &self.runs {
            if place < from + len {
                return Some(provenance);
            }
            from += len;
        }
        None
    }

    /// The places at which runs begin.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().scan(0, |from, &(_, len)| {
            let start = *from;
            *from += len;
            Some(start)
        })
    }

    /// Takes `len` bytes off the front.
    pub(super) fn skip(&mut self, len: usize) {
        let mut left = len.min(self.len());
        self.used += left;
        while let Some((provenance, run)) = self.runs.front_mut()
            && left > 0
        {
            let taken = left.min(*run);
            left -= taken;
            *run -= taken;
            provenance.offset = provenance.offset.map(|offset| offset + taken as u64);
            if *run == 0 {
                self.runs.pop_front();
            }
        }
        if self.used == self.bytes.len() {
            self.bytes.clear();
            self.used = 0;
        } else if self.used > 65_536 {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
    }

    /// Takes the first run.
    pub(super) fn pop_run(&mut self) -> Option<(Provenance, Vec<u8>)> {
        let &(provenance, len) = self.runs.front()?;
        let bytes = self.bytes()[..len].to_vec();
        self.skip(len);
        Some((provenance, bytes))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
