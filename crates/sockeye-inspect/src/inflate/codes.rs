//! Huffman codes as tables (RFC 1951 §3.2.2): one look-up for a code of up to ten bits, two for a longer one.

/// An entry of a table, in one word:
///
/// | bits | |
/// |---|---|
/// | 0-5 | how many bits the code and its extra bits have together |
/// | 8-11 | how many of them are the code; of `LONGER`: how many bits choose in the second table |
/// | 13-15 | `LONGER`, `END`, `BAD` |
/// | 16-30 | the literal, the least length or distance, or where the second table begins |
/// | 31 | `LITERAL` |
pub(super) type Entry = u32;

/// The code goes on in a second table.
pub(super) const LONGER: Entry = 1 << 13;
/// The end of the block.
pub(super) const END: Entry = 1 << 14;
/// A reserved symbol; or, with the value `UNUSED`, no symbol at all.
pub(super) const BAD: Entry = 1 << 15;
/// A literal. Its value is a byte.
pub(super) const LITERAL: Entry = 1 << 31;
/// See `BAD`.
pub(super) const UNUSED: u32 = 0x7fff;

const LITERAL_ROOT: u32 = 10;
const DISTANCE_ROOT: u32 = 8;
const LENGTH_ROOT: u32 = 7;
/// Complete codes need no more than 1,334 entries for literals and lengths, and 402 for distances (zlib's `enough.c` counts them out).
/// Powers of two, so that a mask keeps each index inside.
const LITERAL_SIZE: usize = 2_048;
const DISTANCE_SIZE: usize = 512;

/// What an entry says, the flags aside.
pub(super) const fn value(entry: Entry) -> u32 {
    entry >> 16 & 0x7fff
}

/// How many bits the code and its extra bits have.
pub(super) const fn total(entry: Entry) -> u32 {
    entry & 63
}

/// What an entry stands for with its extra bits: a length or distance. `bits` begin with the code.
#[inline(always)]
pub(super) const fn extended(entry: Entry, bits: u64) -> usize {
    let extra = (bits & !(u64::MAX << total(entry))) >> (entry >> 8 & 15);
    value(entry) as usize + extra as usize
}

/// The tables of one block.
pub(super) struct Codes {
    literals: [Entry; LITERAL_SIZE],
    distances: [Entry; DISTANCE_SIZE],
    /// The code for code lengths.
    lengths: [Entry; 1 << LENGTH_ROOT],
}

/// What is wrong with the lengths of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeError {
    OverSubscribed,
    Incomplete,
}

impl Codes {
    pub(super) const fn new() -> Self {
        Self {
            literals: [0; LITERAL_SIZE],
            distances: [0; DISTANCE_SIZE],
            lengths: [0; 1 << LENGTH_ROOT],
        }
    }

    /// Makes the code for literals and lengths.
    pub(super) fn set_literals(&mut self, lengths: &[u8]) -> Result<(), CodeError> {
        build(
            &mut self.literals,
            LITERAL_ROOT,
            lengths,
            &LITERALS,
            Lone::Allowed,
        )
    }

    /// Makes the code for distances.
    pub(super) fn set_distances(&mut self, lengths: &[u8]) -> Result<(), CodeError> {
        build(
            &mut self.distances,
            DISTANCE_ROOT,
            lengths,
            &DISTANCES,
            Lone::Allowed,
        )
    }

    /// Makes the code for code lengths.
    pub(super) fn set_code_lengths(&mut self, lengths: &[u8; 19]) -> Result<(), CodeError> {
        build(
            &mut self.lengths,
            LENGTH_ROOT,
            lengths,
            &CODE_LENGTHS,
            Lone::Refused,
        )
    }

    /// Makes the codes of a fixed block (RFC 1951 §3.2.6).
    pub(super) fn set_fixed(&mut self) {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        let literals = self.set_literals(&lengths);
        let distances = self.set_distances(&[5; 32]);
        debug_assert!(literals.is_ok() && distances.is_ok(), "both are complete");
    }

    /// The entry for the literal or length that `bits` begin with; `LONGER`: ask `long_literal`.
    #[inline(always)]
    pub(super) const fn literal(&self, bits: u64) -> Entry {
        self.literals[bits as usize & ((1 << LITERAL_ROOT) - 1)]
    }

    /// The entry in the second table that `longer` leads to, for the `bits` behind it.
    #[inline(always)]
    pub(super) const fn long_literal(&self, longer: Entry, bits: u64) -> Entry {
        self.literals[second(longer, bits) & (LITERAL_SIZE - 1)]
    }

    /// The entry for the distance that `bits` begin with.
    #[inline(always)]
    pub(super) const fn distance(&self, bits: u64) -> Entry {
        self.distances[bits as usize & ((1 << DISTANCE_ROOT) - 1)]
    }

    /// As `long_literal`.
    #[inline(always)]
    pub(super) const fn long_distance(&self, longer: Entry, bits: u64) -> Entry {
        self.distances[second(longer, bits) & (DISTANCE_SIZE - 1)]
    }

    /// The entry for the code length that `bits` begin with.
    pub(super) const fn code_length(&self, bits: u64) -> Entry {
        self.lengths[bits as usize & ((1 << LENGTH_ROOT) - 1)]
    }
}

#[inline(always)]
const fn second(longer: Entry, bits: u64) -> usize {
    value(longer) as usize + (bits & !(u64::MAX << (longer >> 8 & 15))) as usize
}

/// Whether a code may consist of one symbol of one bit, and so be incomplete (RFC 1951 §3.2.7, for distances; zlib takes it for literals
/// too).
#[derive(PartialEq, Eq)]
enum Lone {
    Allowed,
    Refused,
}

/// Fills a table. In it, the bits of a code stand reversed, because the stream has the first bit of a code lowest.
///
/// The table doubles with each bit of length: what is there for shorter codes is right for both halves.
fn build<const SIZE: usize>(
    table: &mut [Entry; SIZE],
    root: u32,
    lengths: &[u8],
    symbols: &[Entry],
    lone: Lone,
) -> Result<(), CodeError> {
    // Most symbols of a dynamic block have no code: eight at a time are passed over.
    let mut list = [0_u16; 288 + 8];
    let mut used = 0;
    for (chunk, at) in lengths.chunks(8).zip((0..).step_by(8)) {
        if *chunk == [0; 8] {
            continue;
        }
        for (&length, symbol) in chunk.iter().zip(at..) {
            list[used] = symbol << 4 | u16::from(length);
            used += usize::from(length != 0);
        }
    }
    let list = &list[..used];
    let mut count = [0_u16; 16];
    let mut ranks = [0_u16; 288];
    for (&item, rank) in list.iter().zip(&mut ranks) {
        let count = &mut count[item as usize & 15];
        *rank = *count;
        *count += 1;
    }
    let mut free = 1_i32;
    for &count in &count[1..] {
        free = free * 2 - i32::from(count);
        if free < 0 {
            return Err(CodeError::OverSubscribed);
        }
    }
    if free > 0 {
        let alone = lone == Lone::Allowed && (used == 0 || used == 1 && count[1] == 1);
        if !alone {
            return Err(CodeError::Incomplete);
        }
        let only = lengths.iter().position(|&length| length == 1);
        table[..1 << root].fill(BAD | UNUSED << 16 | 0x101);
        if let Some(only) = only {
            for entry in table[..1 << root].iter_mut().step_by(2) {
                *entry = symbols[only] + 0x101;
            }
        }
        return Ok(());
    }

    let mut offsets = [0_u16; 16];
    for length in 1..16 {
        offsets[length] = offsets[length - 1] + count[length - 1];
    }
    let mut sorted = [0_u16; 288];
    for (&item, &rank) in list.iter().zip(&ranks) {
        sorted[(offsets[item as usize & 15] + rank) as usize] = item >> 4;
    }

    let mut symbol = sorted[..used].iter();
    let mut size = 1_usize;
    // The next code, with its first bit in bit 14, whatever its length.
    let mut code = 0_usize;
    for length in 1..=root {
        table.copy_within(..size, size);
        size *= 2;
        for &symbol in symbol.by_ref().take(count[length as usize] as usize) {
            table[reversed(code) & (size - 1)] = symbols[symbol as usize] + length * 0x101;
            code += 1 << (15 - length);
        }
    }

    // The second tables, one for each pattern of `root` bits that longer codes begin with.
    let mut prefix = usize::MAX;
    let mut start = 0;
    let mut bits = 0;
    for length in root + 1..16 {
        for at in 0..count[length as usize] {
            let Some(&symbol) = symbol.next() else {
                return Ok(());
            };
            let reversed = reversed(code);
            code += 1 << (15 - length);
            if reversed & (size - 1) != prefix {
                prefix = reversed & (size - 1);
                start = if bits == 0 { size } else { start + (1 << bits) };
                bits = length - root;
                let mut room = i32::from(count[length as usize] - at);
                while room < 1 << bits {
                    bits += 1;
                    room = room * 2 + i32::from(count[(root + bits) as usize & 15]);
                }
                table[prefix] = LONGER | (start as u32) << 16 | bits << 8 | root;
            }
            let entry = symbols[symbol as usize] + (length - root) * 0x101;
            let step = 1 << (length - root);
            let mut at = start + (reversed >> root);
            while at < start + (1 << bits) {
                table[at] = entry;
                at += step;
            }
        }
    }
    Ok(())
}

/// The fifteen bits of a code, the first one lowest.
const fn reversed(code: usize) -> usize {
    (REVERSED[code & 0xff] as usize) << 7 | (REVERSED[code >> 8 & 0x7f] as usize) >> 1
}

const REVERSED: [u8; 256] = {
    let mut reversed = [0; 256];
    let mut i = 0;
    while i < 256 {
        reversed[i] = (i as u8).reverse_bits();
        i += 1;
    }
    reversed
};

/// What is added to an entry for each symbol of `base`, with `extra` bits.
const fn symbol(base: u32, extra: u32) -> Entry {
    base << 16 | extra
}

/// RFC 1951 §3.2.5, the first table.
const LITERALS: [Entry; 288] = {
    let mut entries = [0; 288];
    let mut i = 0;
    while i < 256 {
        entries[i] = LITERAL | symbol(i as u32, 0);
        i += 1;
    }
    entries[256] = END;
    let mut base = 3;
    let mut i = 257;
    while i < 285 {
        let extra = if i < 265 { 0 } else { (i - 261) / 4 };
        entries[i as usize] = symbol(base, extra);
        base += 1 << extra;
        i += 1;
    }
    entries[285] = symbol(258, 0);
    entries[286] = BAD | symbol(286, 0);
    entries[287] = BAD | symbol(287, 0);
    entries
};

/// RFC 1951 §3.2.5, the second table.
const DISTANCES: [Entry; 32] = {
    let mut entries = [0; 32];
    let mut base = 1;
    let mut i = 0;
    while i < 30 {
        let extra = if i < 4 { 0 } else { i / 2 - 1 };
        entries[i as usize] = symbol(base, extra);
        base += 1 << extra;
        i += 1;
    }
    entries[30] = BAD | symbol(30, 0);
    entries[31] = BAD | symbol(31, 0);
    entries
};

/// RFC 1951 §3.2.7: the code lengths 0 to 15, and the three repetitions.
const CODE_LENGTHS: [Entry; 19] = {
    let mut entries = [0; 19];
    let mut i = 0;
    while i < 16 {
        entries[i] = symbol(i as u32, 0);
        i += 1;
    }
    entries[16] = symbol(16, 2);
    entries[17] = symbol(17, 3);
    entries[18] = symbol(18, 7);
    entries
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_distances_are_those_of_the_rfc() {
        // RFC 1951 §3.2.5: 265 is 11-12, 284 is 227-257, 285 is 258; 4 is 5-6, 29 is 24577-32768.
        let of = |entry| (value(entry), total(entry));
        assert_eq!(of(LITERALS[257]), (3, 0));
        assert_eq!(of(LITERALS[265]), (11, 1));
        assert_eq!(of(LITERALS[284]), (227, 5));
        assert_eq!(of(LITERALS[285]), (258, 0));
        assert_eq!(of(DISTANCES[3]), (4, 0));
        assert_eq!(of(DISTANCES[4]), (5, 1));
        assert_eq!(of(DISTANCES[29]), (24_577, 13));
    }

    #[test]
    fn every_code_of_a_skewed_tree_is_found() {
        // 1, 2, 3 .. 14, 15, 15 bits: the longest second table.
        let mut lengths: Vec<u8> = (1..=15).collect();
        lengths.push(15);
        let mut codes = Box::new(Codes::new());
        codes.set_literals(&lengths).expect("complete");
        codes.set_distances(&lengths).expect("complete");
        for (symbol, &length) in lengths.iter().enumerate() {
            // All ones but for the last bit; reversed, as in the stream.
            let ones = (1_u64 << (length - 1)) - 1;
            let code = if symbol == 15 { ones | 1 << 14 } else { ones };
            let mut entry = codes.literal(code);
            if entry & LONGER != 0 {
                entry = codes.long_literal(entry, code >> total(entry));
            }
            assert_eq!(value(entry) as usize, symbol);
            let mut entry = codes.distance(code);
            if entry & LONGER != 0 {
                entry = codes.long_distance(entry, code >> total(entry));
            }
            assert_eq!(value(entry), value(DISTANCES[symbol]));
        }
    }

    #[test]
    fn a_code_is_refused_unless_it_is_complete() {
        let mut codes = Box::new(Codes::new());
        assert_eq!(
            codes.set_literals(&[1, 1, 1]),
            Err(CodeError::OverSubscribed)
        );
        assert_eq!(codes.set_literals(&[1, 2]), Err(CodeError::Incomplete));
        assert_eq!(codes.set_literals(&[2]), Err(CodeError::Incomplete));
        assert_eq!(codes.set_literals(&[0, 1]), Ok(()));
        assert_eq!(codes.set_distances(&[0; 30]), Ok(()));
        let mut one = [0; 19];
        one[5] = 1;
        assert_eq!(codes.set_code_lengths(&one), Err(CodeError::Incomplete));
        assert_eq!(codes.set_code_lengths(&[0; 19]), Err(CodeError::Incomplete));
    }
}
