//! What came before its turn.

use std::collections::BTreeMap;

use crate::analysis::Provenance;

/// Pieces of a stream that lie ahead of its next byte. They never overlap: of two that would, the first to come has the bytes.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By the place in the stream at which they begin.
    pieces: BTreeMap<u64, Piece>,
    /// What they take of memory, roughly.
    cost: usize,
}

/// A piece of a stream.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) provenance: Provenance,
    pub(super) bytes: Vec<u8>,
    /// Instead of bytes: how many the capture has cut off here.
    pub(super) lost: u64,
}

impl Piece {
    fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.lost
    }

    fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

impl Held {
    /// Keeps `bytes` that belong at `position`, and the knowledge that `lost` more were cut off behind them, as far as nothing is held there.
    /// Returns whether bytes that were held differ from these.
    pub(super) fn insert(
        &mut self,
        position: u64,
        provenance: Provenance,
        bytes: &[u8],
        lost: u64,
    ) -> bool {
        let mut conflict = false;
        let mut rest = bytes;
        let mut at = position;
        while !rest.is_empty() {
            let place = match self.pieces.range(..=at).next_back() {
                Some((start, piece)) if start + piece.len() > at => {
                    let skip = (at - start) as usize;
                    let known = piece.bytes.get(skip..).unwrap_or_default();
                    let common = known.len().min(rest.len());
                    conflict |= known[..common] != rest[..common];
                    (start + piece.len() - at).min(rest.len() as u64) as usize
                }
                _ => {
                    let end = self.first_from(at);
                    let len = (end - at).min(rest.len() as u64) as usize;
                    let provenance = Provenance {
                        offset: provenance.offset.map(|offset| offset + (at - position)),
                        ..provenance
                    };
                    self.put(
                        at,
                        Piece {
                            provenance,
                            bytes: rest[..len].to_vec(),
                            lost: 0,
                        },
                    );
                    len
                }
            };
            at += place as u64;
            rest = &rest[place..];
        }
        // One step, whatever length is claimed: a packet of few bytes must not cost more.
        let lost = lost.min(self.first_from(at) - at);
        let covered = self
            .pieces
            .range(..=at)
            .next_back()
            .is_some_and(|(start, piece)| start + piece.len() > at);
        if lost > 0 && !covered {
            self.put(
                at,
                Piece {
                    provenance: Provenance {
                        offset: None,
                        ..provenance
                    },
                    bytes: Vec::new(),
                    lost,
                },
            );
        }
        conflict
    }

    /// Takes the first piece out if it begins at `position` or before.
    pub(super) fn pop(&mut self, position: u64) -> Option<Piece> {
        let first = self.pieces.first_entry()?;
        if *first.key() > position {
            return None;
        }
        let piece = first.remove();
        self.cost -= piece.cost();
        Some(piece)
    }

    /// The place of the first piece, and where it came from.
    pub(super) fn first(&self) -> Option<(u64, Provenance)> {
        let (position, piece) = self.pieces.first_key_value()?;
        Some((*position, piece.provenance))
    }

    /// What is held takes this much memory, roughly.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// The place of the first piece from `position` on, far away if there is none.
    fn first_from(&self, position: u64) -> u64 {
        self.pieces
            .range(position..)
            .next()
            .map_or(u64::MAX, |(start, _)| *start)
    }

    fn put(&mut self, position: u64, piece: Piece) {
        self.cost += piece.cost();
        self.pieces.insert(position, piece);
    }
}

/// What a piece takes besides its bytes.
const OVERHEAD: usize = 128;
