//! Cuts a file into its records, whatever pieces it comes in.

use crate::analysis::{Intake, Problem};

/// What a format says of the bytes from the beginning of a record on.
pub(super) enum Next {
    /// That many bytes are needed to say, or are the whole record.
    Take(usize),
    /// Nothing of that many bytes is needed.
    Skip(u64),
    /// They cannot be a record.
    Invalid(String),
}

/// A format of records that follow each other.
pub(super) trait Records {
    /// Says what to do with the record that begins with `head`, which may be empty, cut, or go on with further records. Where it asks for no more
    /// than `head` has, [`Self::record`] gets that much.
    fn next(&mut self, head: &[u8]) -> Next;

    /// Takes what [`Self::next`] asked for. `offset` is that of its first byte in the file.
    fn record(
        &mut self,
        offset: u64,
        record: &mut [u8],
        intake: &mut dyn Intake,
    ) -> Result<(), String>;

    /// What the record that comes next is called.
    fn name(&self) -> String;
}

/// Cuts what comes in into records. It copies only those that come in several pieces.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// The beginning of a record whose end has not come.
    carry: Vec<u8>,
    /// Where the record under way begins in the file.
    offset: u64,
    /// How many bytes of it are still to be passed over, and where it ends.
    skip: u64,
    end: u64,
    /// Whether something invalid was found: nothing more is read.
    stopped: bool,
}

impl Cutter {
    /// Takes the next bytes of the file.
    pub(super) fn push(
        &mut self,
        mut chunk: &mut [u8],
        format: &mut impl Records,
        intake: &mut dyn Intake,
    ) {
        while !self.stopped {
            if self.skip > 0 {
                let len =
                    usize::try_from(self.skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
                chunk = &mut chunk[len..];
                self.skip -= len as u64;
                if self.skip > 0 {
                    return;
                }
                self.offset = self.end;
            }
            if self.carry.is_empty() {
                if chunk.is_empty() {
                    return;
                }
                match format.next(chunk) {
                    Next::Take(len) if len <= chunk.len() => {
                        let (record, rest) = chunk.split_at_mut(len);
                        chunk = rest;
                        self.record(record, format, intake);
                    }
                    Next::Take(_) => {
                        self.carry.extend_from_slice(chunk);
                        return;
                    }
                    Next::Skip(len) => self.skip(len, 0),
                    Next::Invalid(why) => self.stop(why, intake),
                }
                continue;
            }
            match format.next(&self.carry) {
                Next::Take(len) if len > self.carry.len() => {
                    if chunk.is_empty() {
                        return;
                    }
                    let missing = (len - self.carry.len()).min(chunk.len());
                    let (piece, rest) = chunk.split_at_mut(missing);
                    self.carry.extend_from_slice(piece);
                    chunk = rest;
                }
                // There is never more than the record: bytes are added up to what is asked for.
                Next::Take(_) => {
                    let mut record = core::mem::take(&mut self.carry);
                    self.record(&mut record, format, intake);
                    record.clear();
                    self.carry = record;
                }
                Next::Skip(len) => {
                    self.skip(len, self.carry.len() as u64);
                    self.carry.clear();
                }
                Next::Invalid(why) => self.stop(why, intake),
            }
        }
    }

    /// The file ends here.
    pub(super) fn finish(&mut self, format: &impl Records, intake: &mut dyn Intake) {
        if !self.stopped && (self.skip > 0 || !self.carry.is_empty()) {
            intake.problem(Problem::Truncated {
                what: format.name(),
                offset: self.offset,
            });
        }
    }

    /// How many bytes are carried.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.carry.capacity()
    }

    /// Passes over a record of `len` bytes, `held` of which were taken out of the chunk.
    const fn skip(&mut self, len: u64, held: u64) {
        self.skip = len.saturating_sub(held);
        self.end = self.offset.saturating_add(len);
        if self.skip == 0 {
            self.offset = self.end;
        }
    }

    fn record(&mut self, record: &mut [u8], format: &mut impl Records, intake: &mut dyn Intake) {
        match format.record(self.offset, record, intake) {
            Ok(()) => self.offset += record.len() as u64,
            Err(why) => self.stop(why, intake),
        }
    }

    fn stop(&mut self, why: String, intake: &mut dyn Intake) {
        self.stopped = true;
        intake.problem(Problem::Invalid {
            why,
            offset: self.offset,
        });
    }
}

/// A number of 16 bits at `at`, of a file of either byte order.
pub(super) fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    let bytes = bytes
        .get(at..at + 2)
        .map_or([0; 2], |bytes| [bytes[0], bytes[1]]);
    if big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

/// A number of 32 bits at `at`, of a file of either byte order.
pub(super) fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let bytes = bytes
        .get(at..at + 4)
        .map_or([0; 4], |bytes| [bytes[0], bytes[1], bytes[2], bytes[3]]);
    if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

/// The longest packet that is read, in bytes: longer than any network has. What is longer shows that the file is damaged.
pub(super) const MAX_PACKET: u32 = 16 << 20;
