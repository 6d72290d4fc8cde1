//! Literals of C, Python, Rust, JavaScript: `b'\x81\x05Hello'`.

use super::{Fault, Out};
use crate::Timestamp;

/// Decodes what stands between quotes; what stands between two literals (names, `+`, commas, line breaks) is passed over.
#[derive(Debug, Default)]
pub(super) struct Literal {
    /// The quote that ends the literal; `None`: between literals.
    quote: Option<u8>,
    escape: Escape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// Behind the backslash.
    Letter,
    /// Behind `\x` and this many digits.
    Hex { digits: u8, value: u8 },
    /// Behind a backslash and this many digits.
    Octal { digits: u8, value: u16 },
}

/// Whether the text is a literal: a quote comes, perhaps behind a name, and a backslash within.
pub(super) fn is_literal(text: &[u8]) -> bool {
    let Some(quote) = text.iter().position(|&byte| matches!(byte, b'"' | b'\'')) else {
        return false;
    };
    let before = text[..quote]
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b" \t\r\n_=:;*()[]&,.$".contains(byte));
    before && text[quote + 1..].contains(&b'\\')
}

impl Literal {
    pub(super) fn push(&mut self, text: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut result = Ok(());
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            // A number ends at the first character that is none, which is looked at again.
            match self.step(byte, &mut bytes) {
                Ok(true) => at += 1,
                Ok(false) => {}
                Err(why) => {
                    result = Err(Fault { at, why });
                    break;
                }
            }
        }
        out.say(false, 0, Timestamp::UNKNOWN, &mut bytes);
        result
    }

    /// Looks at `byte`, and says whether it was used.
    fn step(&mut self, byte: u8, bytes: &mut Vec<u8>) -> Result<bool, String> {
        let Some(quote) = self.quote else {
            if matches!(byte, b'"' | b'\'') {
                self.quote = Some(byte);
            }
            return Ok(true);
        };
        match self.escape {
            Escape::None if byte == quote => self.quote = None,
            Escape::None if byte == b'\\' => self.escape = Escape::Letter,
            Escape::None => bytes.push(byte),
            Escape::Letter => {
                self.escape = Escape::None;
                bytes.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    b'v' => 0x0B,
                    b'f' => 0x0C,
                    b'e' => 0x1B,
                    b'\\' | b'\'' | b'"' | b'?' => byte,
                    // A line that goes on.
                    b'\n' | b'\r' => return Ok(true),
                    b'x' => {
                        self.escape = Escape::Hex {
                            digits: 0,
                            value: 0,
                        };
                        return Ok(true);
                    }
                    b'0'..=b'7' => {
                        let value = u16::from(byte - b'0');
                        self.escape = Escape::Octal { digits: 1, value };
                        return Ok(true);
                    }
                    _ => {
                        return Err(format!(
                            "\\{} is no escape that stands for a byte",
                            byte.escape_ascii()
                        ));
                    }
                });
            }
            Escape::Hex { digits, value } => {
                let Some(digit) = (byte as char).to_digit(16) else {
                    return Err("an escape \\x without two hexadecimal digits".to_owned());
                };
                let value = value << 4 | digit as u8;
                if digits == 0 {
                    self.escape = Escape::Hex { digits: 1, value };
                } else {
                    self.escape = Escape::None;
                    bytes.push(value);
                }
            }
            Escape::Octal { digits, value } => {
                if digits < 3 && matches!(byte, b'0'..=b'7') {
                    self.escape = Escape::Octal {
                        digits: digits + 1,
                        value: value << 3 | u16::from(byte - b'0'),
                    };
                } else {
                    self.escape = Escape::None;
                    let Ok(value) = u8::try_from(value) else {
                        return Err(format!("\\{value:o} is no byte"));
                    };
                    bytes.push(value);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.quote.is_none()
    }
}
