//! Reads numbers and pieces of binary formats.

use super::tree::Stop;

/// A place in the content; never behind its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn take(&mut self, len: u64, why: &'static str) -> Result<&'a [u8], Stop> {
        let piece = usize::try_from(len)
            .ok()
            .and_then(|len| self.rest().get(..len))
            .ok_or(Stop::Wrong(self.at, why))?;
        self.at += piece.len();
        Ok(piece)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        Ok(self.take(1, ENDS)?[0])
    }

    /// An unsigned number of `len` bytes, at most 8, the highest first.
    pub(super) fn big_endian(&mut self, len: u64) -> Result<u64, Stop> {
        let bytes = self.take(len.min(8), ENDS)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// An unsigned number of `len` bytes, at most 8, the lowest first.
    pub(super) fn little_endian(&mut self, len: u64) -> Result<u64, Stop> {
        let bytes = self.take(len.min(8), ENDS)?;
        Ok(bytes
            .iter()
            .rfold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A number in groups of 7 bits, the lowest first, of at most `longest` bytes.
    pub(super) fn varint(&mut self, longest: u32) -> Result<u64, Stop> {
        let start = self.at;
        let mut number = 0;
        for index in 0..longest.min(10) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Stop::Wrong(start, "a variable-length number has no end"))
    }
}

/// What is said where a number is cut off.
pub(super) const ENDS: &str = "ends too early";
