//! Base64 of either alphabet, in pieces.

/// Decodes base64 ([RFC 4648 §4 and §5](https://www.rfc-editor.org/rfc/rfc4648#section-4)) in pieces of any length. White space is passed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base64 {
    /// Sextets that do not make whole bytes yet.
    bits: u32,
    count: u8,
    /// Padding was seen: nothing but padding may follow, or a new text where several are joined.
    padded: bool,
}

impl Base64 {
    /// Appends to `out` what `text` stands for.
    ///
    /// # Errors
    ///
    /// The place in `text` of the first character that cannot stand there. What is before it is in `out`.
    pub(crate) fn decode(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
        out.reserve(text.len() / 4 * 3 + 3);
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if self.count == 0 && !self.padded {
                at += quads(&text[at..], out);
                if at == text.len() {
                    break;
                }
            }
            let byte = text.get(at).copied().unwrap_or(byte);
            match SEXTETS[usize::from(byte)] {
                SPACE => {}
                PADDING if self.count >= 2 || self.padded => {
                    self.padded = true;
                    (self.bits, self.count) = (0, 0);
                }
                sextet if sextet < 64 && !self.padded => {
                    self.bits = self.bits << 6 | u32::from(sextet);
                    self.count += 1;
                    if self.count > 1 {
                        let left = 6 - 2 * (self.count - 1);
                        out.push((self.bits >> left) as u8);
                    }
                    self.count %= 4;
                }
                _ => return Err(at),
            }
            at += 1;
        }
        Ok(())
    }

    /// Whether the text may end here: no lone character is left.
    pub(crate) const fn is_complete(&self) -> bool {
        self.count != 1
    }
}

/// Decodes whole groups of four characters up to the first that has another, and returns how many characters these are.
fn quads(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut done = 0;
    for quad in text.chunks_exact(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| SEXTETS[usize::from(quad[i])]);
        if (a | b | c | d) >= 64 {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
        done += 4;
    }
    done
}

/// Decodes a whole text; `None` where it is no base64.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut base64 = Base64::default();
    let mut out = Vec::new();
    base64.decode(text, &mut out).ok()?;
    base64.is_complete().then_some(out)
}

/// Whether `byte` can stand in base64, white space and padding included.
pub(crate) const fn is_base64(byte: u8) -> bool {
    SEXTETS[byte as usize] != OTHER
}

const SPACE: u8 = 64;
const PADDING: u8 = 65;
const OTHER: u8 = 66;

/// What each character stands for.
const SEXTETS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut at = 0;
    while at < 26 {
        table[b'A' as usize + at] = at as u8;
        table[b'a' as usize + at] = at as u8 + 26;
        at += 1;
    }
    at = 0;
    while at < 10 {
        table[b'0' as usize + at] = at as u8 + 52;
        at += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table[b'=' as usize] = PADDING;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc_are_decoded() {
        // RFC 4648 §10.
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9vYmE", "fooba"),
            ("Zm9v\r\nYmFy\n", "foobar"),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode(b"-_+/"), Some(vec![0xFB, 0xFF, 0xBF]));
    }

    #[test]
    fn what_is_no_base64_is_refused_at_its_place() {
        for (text, at) in [
            ("Zm9v!", 4),
            ("=", 0),
            ("Z=", 1),
            ("Zg==Zg==", 4),
            ("Z{", 1),
        ] {
            let mut out = Vec::new();
            assert_eq!(
                Base64::default().decode(text.as_bytes(), &mut out),
                Err(at),
                "{text}"
            );
        }
        assert_eq!(decode(b"Zm9vY"), None);
    }

    #[test]
    fn every_cut_gives_the_same() {
        let text = b"SGVs bG8s\nIHdvcmxkIQ==\n";
        for cut in 0..=text.len() {
            let (mut base64, mut out) = (Base64::default(), Vec::new());
            base64.decode(&text[..cut], &mut out).unwrap();
            base64.decode(&text[cut..], &mut out).unwrap();
            assert_eq!(out, b"Hello, world!");
            assert!(base64.is_complete());
        }
    }
}
