//! What the load generator looks at of the answers: their frame headers.

/// Counts frames in a byte stream that is cut anywhere.
#[derive(Default)]
pub struct Answers {
    /// Bytes of the payload under way that are still to come.
    rest: u64,
    /// Whether that payload is a Ping's, which a server may send at any time.
    is_ping: bool,
    header: [u8; 14],
    /// How much of the header has come.
    len: usize,
}

impl Answers {
    /// Bytes of a payload under way that are still to come.
    pub fn rest(&self) -> usize {
        usize::try_from(self.rest).unwrap_or(usize::MAX)
    }

    /// Returns how many messages ended in `bytes`, and how many headers were wrong.
    pub fn count(&mut self, mut bytes: &[u8], expected: Option<u64>) -> (u64, u64) {
        let (mut messages, mut wrong) = (0, 0);
        while !bytes.is_empty() {
            if self.rest == 0 {
                let Some((len, mask)) = self.take_header(&mut bytes) else {
                    break;
                };
                self.rest = len + mask;
                self.is_ping = self.header[0] == 0x89;
                // FIN, and text or binary; RSV1 says that the answer is compressed.
                let is_data = matches!(self.header[0] & !0x40, 0x81 | 0x82);
                let is_right = is_data && expected.is_none_or(|expected| expected == len);
                wrong += u64::from(!is_right && !self.is_ping);
            }
            let here = self.rest.min(bytes.len() as u64);
            bytes = &bytes[here as usize..];
            self.rest -= here;
            messages += u64::from(self.rest == 0 && !self.is_ping);
        }
        (messages, wrong)
    }

    /// Counts `len` bytes that nobody has seen, all of them part of the payload under way: 1 if the message ended there.
    pub fn skip(&mut self, len: usize) -> u64 {
        self.rest = self.rest.saturating_sub(len as u64);
        u64::from(self.rest == 0 && !self.is_ping)
    }

    /// The length of the payload and of the masking key: the echo of raw bytes is still masked.
    fn take_header(&mut self, bytes: &mut &[u8]) -> Option<(u64, u64)> {
        loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            self.header[self.len] = byte;
            self.len += 1;
            let extended = match self.header[1] & 0x7F {
                _ if self.len < 2 => continue,
                126 => 2,
                127 => 8,
                _ => 0,
            };
            if self.len < 2 + extended {
                continue;
            }
            self.len = 0;
            let number = self.header[2..2 + extended]
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            let len = if extended == 0 {
                u64::from(self.header[1] & 0x7F)
            } else {
                number
            };
            return Some((len, if self.header[1] & 0x80 != 0 { 4 } else { 0 }));
        }
    }
}
