//! Hexadecimal digits, with or without something between the bytes.

use super::{Fault, Out};
use crate::Timestamp;

/// Decodes digits. Where lines begin with a tab, as when `tshark` follows a stream, these are the second side's.
#[derive(Debug, Default)]
pub(super) struct Hex {
    /// The first digit of a byte.
    high: Option<u8>,
    /// Whether the line is the second side's.
    second: bool,
    in_line: bool,
    /// Turns up to now, where the sides take turns.
    turns: u32,
    /// The line says something about what follows.
    header: bool,
}

/// Whether these lines are digits with what may stand between them, at least two.
pub(super) fn is_hex(text: &[u8]) -> bool {
    if text.starts_with(b"===") {
        return text.windows(4).any(|window| window == b",raw");
    }
    let digits = text.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let others = text
        .iter()
        .all(|&byte| byte.is_ascii_hexdigit() || is_between(byte));
    // Numbers with commas between them are a list.
    digits >= 2 && others && !(text.contains(&b',') && has_odd_word(text))
}

/// Whether digits stand in words that are not whole bytes.
fn has_odd_word(text: &[u8]) -> bool {
    text.split(|byte| !byte.is_ascii_hexdigit())
        .any(|word| !word.len().is_multiple_of(2))
}

const fn is_between(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b'-' | b'"' | b'\'' | b'.' | b';'
    )
}

impl Hex {
    pub(super) fn push(&mut self, text: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::with_capacity(text.len() / 2 + 1);
        for (at, &byte) in text.iter().enumerate() {
            if byte == b'\n' {
                (self.in_line, self.header) = (false, false);
                continue;
            }
            if self.header {
                continue;
            }
            if !self.in_line {
                self.in_line = true;
                if matches!(byte, b'=' | b'F' | b'N') && self.is_header(&text[at..]) {
                    self.header = true;
                    continue;
                }
                let second = byte == b'\t';
                if second != self.second {
                    self.say(&mut bytes, out);
                    self.second = second;
                    self.turns += 1;
                }
            }
            match (byte as char).to_digit(16) {
                Some(digit) => match self.high.take() {
                    Some(high) => bytes.push(high << 4 | digit as u8),
                    None => self.high = Some(digit as u8),
                },
                None if is_between(byte) => {}
                None => {
                    self.say(&mut bytes, out);
                    return Err(Fault {
                        at,
                        why: format!("{:?} is no hexadecimal digit", byte as char),
                    });
                }
            }
        }
        self.say(&mut bytes, out);
        Ok(())
    }

    /// `=====`, `Follow: tcp,raw`, `Filter: ...`, `Node 0: ...`
    fn is_header(&self, line: &[u8]) -> bool {
        match line[0] {
            b'=' | b'N' => true,
            // `F` is a digit as well; the second letter may come later only where a chunk ends.
            _ => line.get(1).is_some_and(|&byte| matches!(byte, b'o' | b'i')),
        }
    }

    fn say(&self, bytes: &mut Vec<u8>, out: &mut Out<'_>) {
        let packet = if self.turns == 0 { 0 } else { self.turns };
        out.say(self.second, packet, Timestamp::UNKNOWN, bytes);
        bytes.clear();
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.high.is_none()
    }
}
