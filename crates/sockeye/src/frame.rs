//! Frame headers (RFC 6455 §5.2).

use core::fmt;

use crate::{MaskingKey, ProtocolError};

/// What a frame is ([RFC 6455 §5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2), "Opcode").
///
/// The reserved opcodes have no variant: a header that carries one is [`ProtocolError::ReservedOpcode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the registry of opcodes is closed without an extension"
)]
pub enum Opcode {
    /// A further frame of the message under way.
    Continuation = 0x0,
    /// The first frame of a text message.
    Text = 0x1,
    /// The first frame of a binary message.
    Binary = 0x2,
    /// Begins or answers the closing handshake.
    Close = 0x8,
    /// Asks for a [`Self::Pong`] with the same payload.
    Ping = 0x9,
    /// Answers a [`Self::Ping`], or is a one-way heartbeat.
    Pong = 0xA,
}

impl Opcode {
    /// Returns the opcode with this number (its low four bits), `None` when it is reserved.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0x0F {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it is a control frame's (RFC 6455 §5.5).
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

/// The header of one frame ([RFC 6455 §5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// Whether the message is compressed, on its first frame ([RFC 7692 §6](https://www.rfc-editor.org/rfc/rfc7692#section-6)).
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key its payload is masked with: always in frames from a client, never in those from a server.
    pub mask: Option<MaskingKey>,
    /// Length of the payload in bytes, below 2^63.
    pub payload_len: u64,
}

impl FrameHeader {
    /// Longest encoding in bytes: two, eight of length, four of masking key.
    pub const MAX_LEN: usize = 14;

    /// A header of a final, uncompressed, unmasked frame.
    #[inline]
    #[must_use]
    pub const fn new(opcode: Opcode, payload_len: u64) -> Self {
        Self {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            payload_len,
        }
    }

    /// Reads a header off the front of `bytes`. Returns it with its length in bytes, or `None` when `bytes` ends within it.
    ///
    /// Whatever is wrong is reported at the first byte that shows it, before the rest has come.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::ReservedBits`] (RSV2 and RSV3; RSV1 is for the caller to judge), [`ProtocolError::ReservedOpcode`],
    /// [`ProtocolError::ControlFragmented`], [`ProtocolError::ControlTooLong`], [`ProtocolError::LengthNotMinimal`],
    /// [`ProtocolError::LengthTooBig`].
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let &[first, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        // RFC 6455 §5.2: RSV2 and RSV3 must be 0 unless an extension defines them, and none here does.
        if first & 0x30 != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let Some(opcode) = Opcode::from_bits(first) else {
            return Err(ProtocolError::ReservedOpcode {
                opcode: first & 0x0F,
            });
        };
        let fin = first & 0x80 != 0;
        // RFC 6455 §5.5: a control frame is never fragmented.
        if opcode.is_control() && !fin {
            return Err(ProtocolError::ControlFragmented);
        }
        let &[second, ref rest @ ..] = rest else {
            return Ok(None);
        };
        let (payload_len, rest, length_len) = match second & 0x7F {
            126 | 127 if opcode.is_control() => return Err(ProtocolError::ControlTooLong),
            126 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u16::from_be_bytes(*length);
                if length < 126 {
                    return Err(ProtocolError::LengthNotMinimal);
                }
                (u64::from(length), rest, 2)
            }
            127 => {
                // RFC 6455 §5.2: the most significant bit must be 0. Checked before any arithmetic.
                if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                    return Err(ProtocolError::LengthTooBig);
                }
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let length = u64::from_be_bytes(*length);
                if length <= 0xFFFF {
                    return Err(ProtocolError::LengthNotMinimal);
                }
                (length, rest, 8)
            }
            length => (u64::from(length), rest, 0),
        };
        let (mask, mask_len) = if second & 0x80 != 0 {
            let Some((key, _)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (Some(MaskingKey::new(*key)), 4)
        } else {
            (None, 0)
        };
        let header = Self {
            fin,
            rsv1: first & 0x40 != 0,
            opcode,
            mask,
            payload_len,
        };
        Ok(Some((header, 2 + length_len + mask_len)))
    }

    /// Writes the header to the front of a buffer. Returns the buffer with the number of bytes that count.
    #[inline]
    #[must_use]
    pub fn encode(&self) -> ([u8; Self::MAX_LEN], usize) {
        let mut bytes = [0; Self::MAX_LEN];
        bytes[0] = u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode as u8;
        let mut len = 2;
        bytes[1] = if self.payload_len < 126 {
            self.payload_len as u8
        } else if let Ok(length) = u16::try_from(self.payload_len) {
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            len = 4;
            126
        } else {
            bytes[2..10].copy_from_slice(&self.payload_len.to_be_bytes());
            len = 10;
            127
        };
        if let Some(mask) = self.mask {
            bytes[1] |= 0x80;
            bytes[len..len + 4].copy_from_slice(&mask.to_bytes());
            len += 4;
        }
        (bytes, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        for cut in 0..bytes.len() {
            if let decided @ (Ok(Some(_)) | Err(_)) = FrameHeader::decode(&bytes[..cut]) {
                return decided;
            }
        }
        FrameHeader::decode(bytes)
    }

    #[test]
    fn rfc_examples_decode_and_encode() {
        // RFC 6455 §5.7.
        let key = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);
        let new = FrameHeader::new;
        for (bytes, expected) in [
            (&[0x81, 0x05][..], new(Opcode::Text, 5)),
            (
                &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                FrameHeader {
                    mask: Some(key),
                    ..new(Opcode::Text, 5)
                },
            ),
            (
                &[0x01, 0x03],
                FrameHeader {
                    fin: false,
                    ..new(Opcode::Text, 3)
                },
            ),
            (&[0x80, 0x02], new(Opcode::Continuation, 2)),
            (&[0x89, 0x05], new(Opcode::Ping, 5)),
            (&[0x82, 0x7E, 0x01, 0x00], new(Opcode::Binary, 256)),
            (
                &[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0],
                new(Opcode::Binary, 65_536),
            ),
            // RFC 7692 §7.2.3.1.
            (
                &[0xc1, 0x07],
                FrameHeader {
                    rsv1: true,
                    ..new(Opcode::Text, 7)
                },
            ),
        ] {
            assert_eq!(header(bytes), Ok(Some((expected, bytes.len()))));
            let (encoded, len) = expected.encode();
            assert_eq!(&encoded[..len], bytes);
        }
    }

    #[test]
    fn violation_is_reported_at_its_first_byte() {
        use ProtocolError::*;
        for (bytes, error) in [
            (&[0xA1][..], ReservedBits),
            (&[0x91], ReservedBits),
            (&[0x83], ReservedOpcode { opcode: 3 }),
            (&[0x8F], ReservedOpcode { opcode: 15 }),
            (&[0x09], ControlFragmented),
            (&[0x89, 0x7E], ControlTooLong),
            (&[0x88, 0xFF], ControlTooLong),
            (&[0x82, 0x7E, 0x00, 0x7D], LengthNotMinimal),
            (
                &[0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
                LengthNotMinimal,
            ),
            (&[0x82, 0x7F, 0x80], LengthTooBig),
            (&[0x82, 0xFF, 0xFF], LengthTooBig),
        ] {
            assert_eq!(header(bytes), Err(error), "{bytes:02x?}");
        }
    }

    #[test]
    fn lengths_at_every_boundary_survive_a_round_trip() {
        for payload_len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u64::MAX >> 1] {
            let header = FrameHeader::new(Opcode::Binary, payload_len);
            let (bytes, len) = header.encode();
            assert_eq!(FrameHeader::decode(&bytes[..len]), Ok(Some((header, len))));
        }
    }
}
