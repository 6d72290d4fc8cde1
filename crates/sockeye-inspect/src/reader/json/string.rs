//! Strings of JSON.

/// The string that is read, unescaped.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// Whether `bytes` is kept at all.
    pub(super) wanted: bool,
    /// More than the limit: `bytes` is empty.
    pub(super) too_long: bool,
    /// There was no escape up to now.
    pub(super) verbatim: bool,
    limit: usize,
    escape: Escape,
    /// The first half of a surrogate pair, while the second may come.
    high: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Escape {
    None,
    /// Behind the backslash.
    Letter,
    /// Behind `\u` and this many digits.
    Unicode {
        digits: u8,
        unit: u16,
    },
}

/// Whether the string goes on.
pub(super) enum Unescaped {
    More,
    End,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            wanted: false,
            too_long: false,
            verbatim: true,
            limit: 0,
            escape: Escape::None,
            high: None,
        }
    }

    /// A string of at most `limit` bytes begins.
    pub(super) fn begin(&mut self, wanted: bool, limit: usize) {
        self.bytes.clear();
        (self.wanted, self.limit) = (wanted, limit);
        (self.too_long, self.verbatim) = (false, true);
        (self.escape, self.high) = (Escape::None, None);
    }

    /// Gives back the memory of an unusually long string.
    pub(super) fn shrink(&mut self) {
        if self.bytes.capacity() > 1 << 20 {
            self.bytes = Vec::new();
        }
    }

    /// Takes at least one of `bytes` and says how many, and whether the closing quote was among them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Unescaped), &'static str> {
        let byte = bytes[0];
        match self.escape {
            Escape::None => {
                let plain = bytes
                    .iter()
                    .position(|&byte| byte == b'"' || byte == b'\\')
                    .unwrap_or(bytes.len());
                if plain > 0 {
                    self.lone_surrogate();
                    self.append(&bytes[..plain]);
                    return Ok((plain, Unescaped::More));
                }
                if byte == b'"' {
                    self.lone_surrogate();
                    return Ok((1, Unescaped::End));
                }
                self.verbatim = false;
                self.escape = Escape::Letter;
            }
            Escape::Letter => {
                let character = match byte {
                    b'"' | b'\\' | b'/' => byte,
                    b'b' => 0x08,
                    b'f' => 0x0C,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'u' => {
                        self.escape = Escape::Unicode { digits: 0, unit: 0 };
                        return Ok((1, Unescaped::More));
                    }
                    _ => return Err("an escape that JSON does not have"),
                };
                self.lone_surrogate();
                self.append(&[character]);
                self.escape = Escape::None;
            }
            Escape::Unicode { digits, unit } => {
                let digit = (byte as char)
                    .to_digit(16)
                    .ok_or("an escape \\u without four hexadecimal digits")?;
                let unit = unit << 4 | digit as u16;
                if digits < 3 {
                    let digits = digits + 1;
                    self.escape = Escape::Unicode { digits, unit };
                } else {
                    self.escape = Escape::None;
                    self.unit(unit);
                }
            }
        }
        Ok((1, Unescaped::More))
    }

    /// A UTF-16 code unit that was escaped.
    fn unit(&mut self, unit: u16) {
        if let Some(high) = self.high
            && (0xDC00..0xE000).contains(&unit)
        {
            self.high = None;
            let code = 0x1_0000 + (u32::from(high & 0x3FF) << 10 | u32::from(unit & 0x3FF));
            self.character(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            return;
        }
        self.lone_surrogate();
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
        } else {
            let code = u32::from(unit);
            self.character(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }

    /// A first half that no second half follows stands for nothing.
    fn lone_surrogate(&mut self) {
        if self.high.take().is_some() {
            self.character(char::REPLACEMENT_CHARACTER);
        }
    }

    fn character(&mut self, character: char) {
        self.append(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn append(&mut self, bytes: &[u8]) {
        if !self.wanted || self.too_long {
            return;
        }
        if self.bytes.len() + bytes.len() > self.limit {
            self.too_long = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}
