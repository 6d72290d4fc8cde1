//! Checks text that comes in pieces.

/// Checks UTF-8 over any cut ([RFC 6455 §8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character that was cut.
    held: [u8; 4],
    held_len: u8,
}

impl Utf8 {
    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// The place in `bytes` of the first byte that cannot stand there.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let from = if self.held_len > 0 {
            self.complete(bytes)?
        } else {
            0
        };
        let Err(error) = str::from_utf8(&bytes[from..]) else {
            return Ok(());
        };
        let bad = from + error.valid_up_to();
        if let Some(len) = error.error_len() {
            // What comes before the byte that shows it may begin a character.
            let begins = matches!(bytes[bad], 0xC2..=0xF4);
            return Err(bad + if begins { len } else { 0 });
        }
        let cut = &bytes[bad..];
        self.held[..cut.len()].copy_from_slice(cut);
        self.held_len = cut.len() as u8;
        Ok(())
    }

    /// Whether the text may end here: no character is cut.
    pub(super) const fn is_complete(&self) -> bool {
        self.held_len == 0
    }

    /// Takes the rest of the character that was cut. Returns how many bytes that were.
    fn complete(&mut self, bytes: &[u8]) -> Result<usize, usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            let len = usize::from(self.held_len);
            let Some(free) = self.held.get_mut(len) else {
                return Err(at);
            };
            *free = byte;
            match str::from_utf8(&self.held[..=len]) {
                Ok(_) => {
                    self.held_len = 0;
                    return Ok(at + 1);
                }
                Err(error) if error.error_len().is_some() => return Err(at),
                Err(_) => self.held_len += 1,
            }
        }
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_judged_alike_at_every_cut() {
        for (text, bad) in [
            (&b"gr\xC3\xBC\xC3\x9Fe \xF0\x9F\x90\x9F"[..], None),
            (b"a\xED\xA0\x80", Some(2)),
            (b"\xF4\x90\x80\x80", Some(1)),
            (b"ok\xFF", Some(2)),
            (b"\xC3(", Some(1)),
        ] {
            for cut in 0..=text.len() {
                let mut utf8 = Utf8::default();
                let (one, two) = text.split_at(cut);
                let found = match utf8.push(one) {
                    Err(at) => Some(at),
                    Ok(()) => utf8.push(two).err().map(|at| cut + at),
                };
                assert_eq!(found, bad, "{text:?} cut at {cut}");
                assert!(bad.is_some() || utf8.is_complete());
            }
        }
    }

    #[test]
    fn cut_character_is_not_complete() {
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.push(b"\xF0\x9F"), Ok(()));
        assert!(!utf8.is_complete());
    }
}
