//! The header of a frame as it is, lawful or not (RFC 6455 §5.2).

use super::Violations;
use crate::{FrameHeader, MaskingKey, Role};

/// The header of one frame as it is on the wire, lawful or not
/// ([RFC 6455 §5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawFrameHeader {
    /// Where it begins in the stream, in bytes.
    pub offset: u64,
    /// Length of the header itself in bytes: 2 to 14.
    pub header_len: u8,
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The first reserved bit: with permessage-deflate, the message is compressed.
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// The opcode's four bits: [`Opcode::from_bits`](crate::Opcode::from_bits) says what they mean.
    pub opcode: u8,
    /// The key its payload is masked with.
    pub mask: Option<MaskingKey>,
    /// Length of the payload in bytes, however it is written, the highest bit included.
    pub payload_len: u64,
}

impl RawFrameHeader {
    /// Reads a header off the front of `bytes`, which begins at `offset` in its stream. Returns `None` when `bytes` ends within it.
    ///
    /// No header is refused: [`Self::violations`] says what is wrong with it.
    #[inline]
    #[must_use]
    pub fn decode(bytes: &[u8], offset: u64) -> Option<Self> {
        let &[first, second, ..] = bytes else {
            return None;
        };
        let header = bytes.get(..len(second))?;
        let payload_len = match second & 0x7F {
            126 => u64::from(u16::from_be_bytes(*header[2..].first_chunk()?)),
            127 => u64::from_be_bytes(*header[2..].first_chunk()?),
            length => u64::from(length),
        };
        let mask = if second & 0x80 != 0 {
            Some(MaskingKey::new(*header.last_chunk()?))
        } else {
            None
        };
        Some(Self {
            offset,
            header_len: header.len() as u8,
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            rsv2: first & 0x20 != 0,
            rsv3: first & 0x10 != 0,
            opcode: first & 0x0F,
            mask,
            payload_len,
        })
    }

    /// Writes the header as it was to the front of a buffer, a length that is not minimal included. Returns the buffer with the number of
    /// bytes that count.
    #[must_use]
    pub fn encode(&self) -> ([u8; FrameHeader::MAX_LEN], usize) {
        let mut bytes = [0; FrameHeader::MAX_LEN];
        bytes[0] = u8::from(self.fin) << 7
            | u8::from(self.rsv1) << 6
            | u8::from(self.rsv2) << 5
            | u8::from(self.rsv3) << 4
            | self.opcode & 0x0F;
        let mut len = 2 + self.length_len();
        match self.length_len() {
            0 => bytes[1] = self.payload_len as u8 & 0x7F,
            2 => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(self.payload_len as u16).to_be_bytes());
            }
            _ => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&self.payload_len.to_be_bytes());
            }
        }
        if let Some(mask) = self.mask {
            bytes[1] |= 0x80;
            bytes[len..len + 4].copy_from_slice(&mask.to_bytes());
            len += 4;
        }
        (bytes, len)
    }

    /// What is wrong with this frame by itself, coming from this role where it is known.
    ///
    /// RSV1 is judged only where it cannot be right: on control frames and continuations
    /// ([RFC 7692 §6.1](https://www.rfc-editor.org/rfc/rfc7692#section-6.1)).
    #[inline]
    #[must_use]
    pub const fn violations(&self, sender: Option<Role>) -> Violations {
        Violations::of(self, sender)
    }

    /// Whether it is a control frame's, a reserved one's included (RFC 6455 §5.5).
    #[inline]
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }

    /// Offset in the stream of the first byte behind the frame, `u64::MAX` where it is more than that.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset
            .saturating_add(self.header_len as u64)
            .saturating_add(self.payload_len)
    }

    /// How many bytes follow the second one to tell the length: 0, 2 or 8.
    pub(super) const fn length_len(&self) -> usize {
        let mask_len = if self.mask.is_some() { 4 } else { 0 };
        match self.header_len.saturating_sub(mask_len) {
            4 => 2,
            10 => 8,
            _ => 0,
        }
    }
}

/// Length of the header that has this second byte.
#[inline]
pub(super) const fn len(second: u8) -> usize {
    let length_len = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length_len + if second & 0x80 != 0 { 4 } else { 0 }
}
