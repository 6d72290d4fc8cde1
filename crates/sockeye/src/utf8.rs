//! UTF-8, checked as it arrives (RFC 6455 §8.1).

use alloc::string::String;

use crate::ProtocolError;

/// Returns `bytes` as text.
#[inline]
pub(crate) fn from_utf8(bytes: &[u8]) -> Result<&str, ProtocolError> {
    #[cfg(feature = "simdutf8")]
    let text = simdutf8::basic::from_utf8(bytes).map_err(|_| ProtocolError::InvalidUtf8);
    #[cfg(not(feature = "simdutf8"))]
    let text = core::str::from_utf8(bytes).map_err(|_| ProtocolError::InvalidUtf8);
    text
}

/// Checks text that comes in pieces, cut anywhere, and fails at the first byte that no valid text could have there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Utf8Validator {
    /// The beginning of a character whose end has not come: at most three bytes.
    pending: [u8; 4],
    pending_len: u8,
}

impl Utf8Validator {
    /// At the beginning of a text.
    pub(crate) const fn new() -> Self {
        Self {
            pending: [0; 4],
            pending_len: 0,
        }
    }

    /// Checks the next piece.
    pub(crate) fn check(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        self.feed(bytes, |_| ())
    }

    /// Checks the next piece and appends to `text` every character that is complete.
    pub(crate) fn append(&mut self, bytes: &[u8], text: &mut String) -> Result<(), ProtocolError> {
        self.feed(bytes, |valid| text.push_str(valid))
    }

    /// The bytes of a character that is not complete.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending[..usize::from(self.pending_len)]
    }

    /// How many bytes of a character that is not complete have come.
    pub(crate) fn pending_len(&self) -> usize {
        usize::from(self.pending_len)
    }

    /// Says that the text has ended.
    pub(crate) const fn finish(self) -> Result<(), ProtocolError> {
        if self.pending_len == 0 {
            Ok(())
        } else {
            Err(ProtocolError::InvalidUtf8)
        }
    }

    /// Each byte is validated once, save for the few that lie around a cut.
    fn feed(&mut self, mut bytes: &[u8], mut sink: impl FnMut(&str)) -> Result<(), ProtocolError> {
        while self.pending_len > 0 {
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            let len = usize::from(self.pending_len);
            self.pending[len] = byte;
            let character = &self.pending[..=len];
            match core::str::from_utf8(character) {
                Ok(valid) => {
                    sink(valid);
                    self.pending_len = 0;
                }
                Err(error) if error.error_len().is_some() => {
                    return Err(ProtocolError::InvalidUtf8);
                }
                Err(_) => self.pending_len += 1,
            }
        }
        let (whole, cut) = bytes.split_at(bytes.len() - cut_len(bytes));
        if !whole.is_empty() {
            sink(from_utf8(whole)?);
        }
        if core::str::from_utf8(cut).is_err_and(|error| error.error_len().is_some()) {
            return Err(ProtocolError::InvalidUtf8);
        }
        self.pending[..cut.len()].copy_from_slice(cut);
        self.pending_len = cut.len() as u8;
        Ok(())
    }
}

/// How many bytes at the end belong to a character that is not complete: at most three.
fn cut_len(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let len = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => 1,
        };
        return if len > back + 1 { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Index of the first piece of one byte that is refused; the length when only the end is.
    fn first_error(bytes: &[u8]) -> Option<usize> {
        let mut validator = Utf8Validator::new();
        for (i, byte) in bytes.iter().enumerate() {
            if validator.check(&[*byte]).is_err() {
                return Some(i);
            }
        }
        validator.finish().is_err().then_some(bytes.len())
    }

    #[test]
    fn fails_at_the_first_offending_byte() {
        for (bytes, at) in [
            (&b"\xCE\xBA\xE1\xBD\xB9\xCF\x83"[..], None),
            (b"\xF4\x8F\xBF\xBF", None),
            (b"\xED\x9F\xBF\xEE\x80\x80", None),
            (b"\x80", Some(0)),
            (b"\xC0\xAF", Some(0)),
            (b"\xE0\x9F\xBF", Some(1)),
            (b"\xED\xA0\x80", Some(1)),
            (b"\xF4\x90\x80\x80", Some(1)),
            (b"\xF5", Some(0)),
            (b"a\xE2\x82", Some(3)),
            (b"\xE2\x82a", Some(2)),
            (b"\xFE", Some(0)),
        ] {
            assert_eq!(first_error(bytes), at, "{bytes:02x?}");
            let mut validator = Utf8Validator::new();
            let whole = validator.check(bytes).and_then(|()| validator.finish());
            assert_eq!(whole.is_err(), at.is_some(), "{bytes:02x?}");
        }
    }

    #[test]
    fn text_is_put_together_at_any_two_cuts() {
        let text = "aé€😀\u{10FFFF}z";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut validator = Utf8Validator::new();
                let mut joined = String::new();
                for piece in [
                    &text.as_bytes()[..first],
                    &text.as_bytes()[first..second],
                    &text.as_bytes()[second..],
                ] {
                    validator.append(piece, &mut joined).unwrap();
                }
                validator.finish().unwrap();
                assert_eq!(joined, text);
            }
        }
    }
}
