//! An inflater for tests: slow, strict, and independent of the ones in use. It reports the longest distance.

use alloc::vec::Vec;

/// What a stream of messages inflates to.
#[derive(Default)]
pub(super) struct Reference {
    /// Everything inflated so far.
    pub(super) out: Vec<u8>,
    /// The longest distance of a match.
    pub(super) distance: usize,
}

impl Reference {
    /// Inflates blocks onto `out`. `None` unless they end at the boundary of a byte; else whether the last one was final. Matches may
    /// reach back to the beginning of `out`.
    pub(super) fn inflate(&mut self, message: &[u8]) -> Option<bool> {
        let mut bits = Bits {
            bytes: message,
            position: 0,
        };
        let mut last = 0;
        while bits.position < message.len() * 8 {
            last = bits.take(1)?;
            match bits.take(2)? {
                0 => self.stored(&mut bits)?,
                1 => {
                    let mut lengths = [8; 288];
                    lengths[144..256].fill(9);
                    lengths[256..280].fill(7);
                    self.codes(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]))?;
                }
                2 => {
                    let (literals, distances) = dynamic(&mut bits)?;
                    self.codes(&mut bits, &literals, &distances)?;
                }
                _ => return None,
            }
            if last == 1 {
                bits.align();
            }
        }
        Some(last == 1)
    }

    fn stored(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        bits.align();
        let len = bits.take(16)?;
        if bits.take(16)? != len ^ 0xffff {
            return None;
        }
        for _ in 0..len {
            self.out.push(bits.take(8)? as u8);
        }
        Some(())
    }

    fn codes(&mut self, bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Option<()> {
        loop {
            let symbol = literals.read(bits)?;
            match symbol {
                0..256 => self.out.push(symbol as u8),
                256 => return Some(()),
                257..286 => {
                    let length = extended(bits, symbol - 257, 4, 3, (28, 258))?;
                    let symbol = distances.read(bits)?;
                    let distance = extended(bits, symbol, 2, 1, (30, 0))?;
                    self.distance = self.distance.max(distance);
                    let from = self.out.len().checked_sub(distance)?;
                    for i in from..from + length {
                        self.out.push(self.out[i]);
                    }
                }
                _ => return None,
            }
        }
    }
}

/// A length or distance: `group` symbols share a number of extra bits (RFC 1951 §3.2.5).
fn extended(
    bits: &mut Bits<'_>,
    symbol: usize,
    group: usize,
    base: usize,
    last: (usize, usize),
) -> Option<usize> {
    if symbol == last.0 {
        return Some(last.1).filter(|value| *value > 0);
    }
    if symbol < group * 2 {
        return Some(symbol + base);
    }
    let extra = symbol / group - 1;
    Some((((group + symbol % group) << extra) + base) + bits.take(extra)?)
}

fn dynamic(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let mut order = [0; 19];
    for &symbol in &ORDER[..bits.take(4)? + 4] {
        order[symbol] = bits.take(3)?;
    }
    let code = Code::new(&order);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match code.read(bits)? {
            16 => (*lengths.last()?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            18 => (0, bits.take(7)? + 11),
            length => (length, 1),
        };
        lengths.resize(lengths.len() + times, value);
    }
    if lengths.len() > literals + distances {
        return None;
    }
    let (literals, distances) = lengths.split_at(literals);
    Some((Code::new(literals), Code::new(distances)))
}

/// A Huffman code: how many words there are of each length, and the symbols in order.
struct Code {
    count: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let of = |length: usize| move |(_, l): &(usize, &usize)| **l == length;
        let mut symbols = Vec::new();
        for length in 1..16 {
            symbols.extend(
                lengths
                    .iter()
                    .enumerate()
                    .filter(of(length))
                    .map(|(symbol, _)| symbol),
            );
        }
        let mut count = [0; 16];
        for &length in lengths.iter().filter(|length| **length > 0) {
            count[length] += 1;
        }
        Self { count, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut word, mut first, mut index) = (0, 0, 0);
        for count in &self.count[1..] {
            word = word << 1 | bits.take(1)?;
            first <<= 1;
            if word < first + count {
                return self.symbols.get(index + word - first).copied();
            }
            index += count;
            first += count;
        }
        None
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for i in 0..count {
            let byte = *self.bytes.get(self.position / 8)?;
            value |= usize::from(byte >> (self.position % 8) & 1) << i;
            self.position += 1;
        }
        Some(value)
    }

    fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }
}
