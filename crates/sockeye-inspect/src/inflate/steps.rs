//! The steps of a block (RFC 1951 §3.2.3 to §3.2.7).

use super::{
    bits::Bits,
    codes::{BAD, CodeError, END, Entry, LITERAL, LONGER, UNUSED, extended, total, value},
    error::{BitOffset, InflateCause},
    fast,
    inflater::{Core, Inflater, Loaded, State, Wrong},
    trace::{BlockKind, Watch},
    window::Window,
};

/// Each step takes what it needs from the input, or nothing when that is not all there, and says `None`.
impl Inflater {
    pub(super) fn header<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(header) = bits.take(3) else {
            return Ok(None);
        };
        let core = &mut self.core;
        core.block = at;
        core.fresh = false;
        core.flushed = false;
        core.last = header & 1 == 1;
        if core.last && core.facts.final_block.is_none() {
            core.facts.final_block = Some(BitOffset::new(at));
        }
        let kind = match header >> 1 {
            0 => {
                bits.align();
                core.state = State::StoredLength;
                BlockKind::Stored
            }
            1 => {
                if core.loaded != Loaded::Fixed {
                    self.codes.set_fixed();
                    core.loaded = Loaded::Fixed;
                }
                core.state = State::Codes;
                BlockKind::Fixed
            }
            2 => {
                core.state = State::Counts;
                BlockKind::Dynamic
            }
            _ => return Err(Wrong(at, InflateCause::BlockType)),
        };
        watch.block(kind, core.last, at);
        Ok(Some(()))
    }

    pub(super) fn stored_length<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(lengths) = bits.take(32) else {
            return Ok(None);
        };
        let (len, complement) = (lengths as u16, (lengths >> 16) as u16);
        if complement != !len {
            return Err(Wrong(at, InflateCause::StoredLength { len, complement }));
        }
        if len == 0 {
            self.end_block(bits, watch);
            self.core.flushed = true;
        } else {
            self.core.state = State::Stored { left: len };
        }
        Ok(Some(()))
    }

    pub(super) fn stored<W: Watch>(
        &mut self,
        left: u16,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Option<()> {
        let at = bits.position();
        let mut small = [0; 8];
        let bytes = bits.bytes(self.window.room().min(usize::from(left)), &mut small);
        if bytes.is_empty() {
            return None;
        }
        let len = bytes.len();
        self.window.append(bytes);
        self.core.facts.inflated_len += len as u64;
        watch.token(at..bits.position(), len as u64, 0);
        let left = left - len as u16;
        self.core.state = State::Stored { left };
        if left == 0 {
            self.end_block(bits, watch);
        }
        Some(())
    }

    pub(super) fn counts(&mut self, bits: &mut Bits<'_>) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        let Some(counts) = bits.take(14) else {
            return Ok(None);
        };
        let literals = (counts & 31) as u16 + 257;
        let distances = (counts >> 5 & 31) as u16 + 1;
        if literals > 286 {
            let cause = InflateCause::TooManyLengths { count: literals };
            return Err(Wrong(at, cause));
        }
        if distances > 30 {
            let cause = InflateCause::TooManyDistances { count: distances };
            return Err(Wrong(at + 5, cause));
        }
        // What the tables were for is about to be overwritten.
        self.core.loaded = Loaded::Nothing;
        self.core.code_lengths = [0; 19];
        self.core.state = State::CodeLengths {
            literals,
            distances,
            count: (counts >> 10) as u8 + 4,
            have: 0,
        };
        Ok(Some(()))
    }

    pub(super) fn code_lengths(
        &mut self,
        literals: u16,
        distances: u16,
        count: u8,
        mut have: u8,
        bits: &mut Bits<'_>,
    ) -> Result<Option<()>, Wrong> {
        while have < count {
            let Some(length) = bits.take(3) else {
                self.core.state = State::CodeLengths {
                    literals,
                    distances,
                    count,
                    have,
                };
                return Ok(None);
            };
            self.core.code_lengths[ORDER[have as usize] as usize] = length as u8;
            have += 1;
        }
        let cause = match self.codes.set_code_lengths(&self.core.code_lengths) {
            Ok(()) => {
                self.core.state = State::Lengths {
                    literals,
                    distances,
                    have: 0,
                };
                return Ok(Some(()));
            }
            Err(CodeError::OverSubscribed) => InflateCause::CodeLengthsOverSubscribed,
            Err(CodeError::Incomplete) => InflateCause::CodeLengthsIncomplete,
        };
        Err(Wrong(self.core.block, cause))
    }

    pub(super) fn lengths(
        &mut self,
        literals: u16,
        distances: u16,
        mut have: u16,
        bits: &mut Bits<'_>,
    ) -> Result<Option<()>, Wrong> {
        let lengths = &mut self.core.lengths[..(literals + distances) as usize];
        while (have as usize) < lengths.len() {
            // A code and its extra bits are fourteen at most.
            if bits.count < 14 {
                bits.refill();
            }
            let entry = self.codes.code_length(bits.buffer);
            if bits.count < total(entry) {
                self.core.state = State::Lengths {
                    literals,
                    distances,
                    have,
                };
                return Ok(None);
            }
            let at = have as usize;
            if value(entry) < 16 {
                lengths[at] = value(entry) as u8;
                have += 1;
                bits.skip(total(entry));
                continue;
            }
            let extra = extended(entry, bits.buffer) - value(entry) as usize;
            let (length, times) = match value(entry) {
                16 if at == 0 => {
                    let cause = InflateCause::RepeatWithoutLength;
                    return Err(Wrong(bits.position(), cause));
                }
                16 => (lengths[at - 1], 3 + extra),
                17 => (0, 3 + extra),
                _ => (0, 11 + extra),
            };
            let Some(repeated) = lengths.get_mut(at..at + times) else {
                return Err(Wrong(bits.position(), InflateCause::RepeatTooLong));
            };
            repeated.fill(length);
            have += times as u16;
            bits.skip(total(entry));
        }
        self.load_dynamic(literals, distances)
            .map_err(|cause| Wrong(self.core.block, cause))?;
        self.core.state = State::Codes;
        Ok(Some(()))
    }

    /// Makes the tables for the code lengths that are there.
    pub(super) fn load_dynamic(
        &mut self,
        literals: u16,
        distances: u16,
    ) -> Result<(), InflateCause> {
        let lengths = &self.core.lengths[..(literals + distances) as usize];
        let (of_literals, of_distances) = lengths.split_at(literals as usize);
        if of_literals[256] == 0 {
            return Err(InflateCause::EndOfBlockMissing);
        }
        self.codes
            .set_literals(of_literals)
            .map_err(|error| match error {
                CodeError::OverSubscribed => InflateCause::LengthsOverSubscribed,
                CodeError::Incomplete => InflateCause::LengthsIncomplete,
            })?;
        self.codes
            .set_distances(of_distances)
            .map_err(|error| match error {
                CodeError::OverSubscribed => InflateCause::DistancesOverSubscribed,
                CodeError::Incomplete => InflateCause::DistancesIncomplete,
            })?;
        self.core.loaded = Loaded::Dynamic {
            literals,
            distances,
        };
        Ok(())
    }

    /// Literals and references, until there is no room or no input for the next one, or the block ends.
    pub(super) fn codes<W: Watch>(
        &mut self,
        bits: &mut Bits<'_>,
        watch: &mut W,
    ) -> Result<Option<()>, Wrong> {
        while !self.window.is_full() {
            if !W::WATCHES && fast::is_possible(bits) {
                let before = self.window.end;
                let floor = floor(&self.core, &self.window);
                let facts = &mut self.core.facts;
                let farthest =
                    fast::inflate(bits, &self.codes, &mut self.window, floor, facts.farthest);
                if let Some((distance, at)) = farthest {
                    facts.farthest = distance;
                    facts.farthest_at = BitOffset::new(at);
                }
                facts.inflated_len += (self.window.end - before) as u64;
                if self.window.is_full() {
                    break;
                }
            }
            if self.code(bits, watch)?.is_none() {
                return Ok(None);
            }
            if self.core.state != State::Codes || watch.has_enough() {
                break;
            }
        }
        Ok(Some(()))
    }

    /// A literal, a reference, or the end of the block.
    #[inline(always)]
    fn code<W: Watch>(&mut self, bits: &mut Bits<'_>, watch: &mut W) -> Result<Option<()>, Wrong> {
        let at = bits.position();
        bits.refill();
        let mut ahead = Ahead {
            buffer: bits.buffer,
            count: bits.count,
        };
        let codes = &self.codes;
        let Some((entry, code)) =
            ahead.take(codes.literal(ahead.buffer), |e, b| codes.long_literal(e, b))
        else {
            return Ok(None);
        };
        if entry & BAD != 0 {
            let cause = match value(entry) {
                UNUSED => InflateCause::LengthUnused,
                symbol => InflateCause::LengthReserved {
                    symbol: symbol as u16,
                },
            };
            return Err(Wrong(at, cause));
        }
        if entry & (LITERAL | END) != 0 {
            (bits.buffer, bits.count) = (ahead.buffer, ahead.count);
            if entry & END != 0 {
                self.end_block(bits, watch);
                return Ok(Some(()));
            }
            self.window.append(&[value(entry) as u8]);
            self.core.facts.inflated_len += 1;
            watch.token(at..bits.position(), 1, 0);
            return Ok(Some(()));
        }
        let len = extended(entry, code);
        let distance_at = at + u64::from(bits.count - ahead.count);
        let Some((entry, code)) = ahead.take(codes.distance(ahead.buffer), |e, b| {
            codes.long_distance(e, b)
        }) else {
            return Ok(None);
        };
        if entry & BAD != 0 {
            let cause = match value(entry) {
                UNUSED => InflateCause::DistanceUnused,
                symbol => InflateCause::DistanceReserved {
                    symbol: symbol as u16,
                },
            };
            return Err(Wrong(distance_at, cause));
        }
        let distance = extended(entry, code);
        (bits.buffer, bits.count) = (ahead.buffer, ahead.count);
        self.note_reference(at, distance);
        self.window.copy(distance, len);
        self.core.facts.inflated_len += len as u64;
        watch.token(at..bits.position(), len as u64, distance as u32);
        Ok(Some(()))
    }

    fn end_block<W: Watch>(&mut self, bits: &mut Bits<'_>, watch: &mut W) {
        if self.core.last {
            bits.align();
            self.core.fresh = true;
        }
        self.core.state = State::Header;
        watch.block_ends(bits.position());
    }

    fn note_reference(&mut self, at: u64, distance: usize) {
        let facts = &mut self.core.facts;
        let at = BitOffset::new(at);
        if distance > facts.farthest as usize {
            facts.farthest = distance as u32;
            facts.farthest_at = at;
        }
        let from = self.window.end - distance;
        if !self.core.taken_over && from < self.window.message && facts.kept.is_none() {
            facts.kept = Some(at);
        }
        if from < self.window.known && facts.unknown.is_none() {
            facts.unknown = Some(at);
        }
    }
}

/// Bits that have been looked at, and are taken when there are enough of them.
struct Ahead {
    buffer: u64,
    count: u32,
}

impl Ahead {
    /// The entry of a whole symbol, and the bits that it begins with; `None` when its bits are not all there.
    fn take(
        &mut self,
        mut entry: Entry,
        second: impl Fn(Entry, u64) -> Entry,
    ) -> Option<(Entry, u64)> {
        if entry & LONGER != 0 {
            self.skip(total(entry))?;
            entry = second(entry, self.buffer);
        }
        let code = self.buffer;
        self.skip(total(entry))?;
        Some((entry, code))
    }

    fn skip(&mut self, bits: u32) -> Option<()> {
        self.count = self.count.checked_sub(bits)?;
        self.buffer >>= bits;
        Some(())
    }
}

/// Before this index, a reference is to be noted.
fn floor(core: &Core, window: &Window) -> usize {
    let kept = if core.taken_over || core.facts.kept.is_some() {
        0
    } else {
        window.message
    };
    let unknown = if core.facts.unknown.is_some() {
        0
    } else {
        window.known
    };
    kept.max(unknown)
}

/// RFC 1951 §3.2.7: the order in which the code lengths for code lengths come.
const ORDER: [u8; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
