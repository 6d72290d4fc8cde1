//! Reads bits, lowest first (RFC 1951 §3.1.1).

/// What is left between two pieces of a message: at most seven bytes.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Rest {
    /// The bits, the first one lowest. What is above `count` is to be ignored.
    pub(super) buffer: u64,
    /// How many of them.
    pub(super) count: u32,
}

/// Reads the bits of one piece of a message.
///
/// Above `count` bits, `buffer` holds zeros or the bits that follow in `input`; so it does no harm to add them again.
pub(super) struct Bits<'a> {
    pub(super) input: &'a [u8],
    /// How many bytes of `input` are in `buffer`, or were.
    pub(super) at: usize,
    pub(super) buffer: u64,
    pub(super) count: u32,
    /// How many bytes of the message came before `input`.
    before: u64,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(rest: Rest, before: u64, input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            buffer: rest.buffer,
            count: rest.count,
            before,
        }
    }

    /// What the next piece begins with. All of `input` has been read.
    pub(super) const fn rest(&self) -> Rest {
        Rest {
            buffer: self.buffer & !(u64::MAX << self.count),
            count: self.count,
        }
    }

    /// How many bits of the message have been taken.
    pub(super) const fn position(&self) -> u64 {
        self.position_of(self.at, self.count)
    }

    /// How many bits of the message had been taken when `at` and `count` were so.
    pub(super) const fn position_of(&self, at: usize, count: u32) -> u64 {
        (self.before + at as u64) * 8 - count as u64
    }

    /// Puts at least 56 bits into `buffer`, or all there are.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some(next) = self.input.get(self.at..self.at + 8) {
            let next: [u8; 8] = next.try_into().expect("eight bytes");
            self.buffer |= u64::from_le_bytes(next) << self.count;
            self.at += ((63 - self.count) / 8) as usize;
            self.count |= 56;
        } else {
            while self.count < 56
                && let Some(&byte) = self.input.get(self.at)
            {
                self.buffer |= u64::from(byte) << self.count;
                self.at += 1;
                self.count += 8;
            }
        }
    }

    /// Takes up to 48 bits; `None` when there are not so many.
    pub(super) fn take(&mut self, bits: u32) -> Option<u64> {
        self.refill();
        if self.count < bits {
            return None;
        }
        let value = self.buffer & !(u64::MAX << bits);
        self.skip(bits);
        Some(value)
    }

    /// Drops bits that are there.
    pub(super) const fn skip(&mut self, bits: u32) {
        self.buffer >>= bits;
        self.count -= bits;
    }

    /// Drops what is left of the byte that was begun.
    pub(super) const fn align(&mut self) {
        self.skip(self.count % 8);
    }

    /// Takes whole bytes, at most `limit`: those in `buffer`, or else those in `input`. It is aligned. Empty when there are none.
    pub(super) fn bytes<'b>(&mut self, limit: usize, small: &'b mut [u8; 8]) -> &'b [u8]
    where
        'a: 'b,
    {
        let buffered = (self.count / 8) as usize;
        if buffered > 0 {
            let len = buffered.min(limit);
            *small = self.buffer.to_le_bytes();
            self.count -= len as u32 * 8;
            self.buffer = self.buffer.checked_shr(len as u32 * 8).unwrap_or(0);
            return &small[..len];
        }
        self.buffer = 0;
        let rest = &self.input[self.at..];
        let taken = &rest[..rest.len().min(limit)];
        self.at += taken.len();
        taken
    }
}
