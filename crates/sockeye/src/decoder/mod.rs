//! Splits a byte stream into frames, whatever rules they break.

mod header;
mod violations;

use core::mem;

pub use header::RawFrameHeader;
pub use violations::Violations;

use crate::{FrameHeader, MaskingKey};

/// Splits the byte stream of one direction into frames, whatever rules they break: for inspection, where a
/// [`Connection`](crate::Connection) would fail.
///
/// Each frame is one [`FramePiece::Header`] and then its payload as it comes, of which the last piece says so. What is wrong with a frame
/// by itself, its header answers ([`RawFrameHeader::violations`]); the order of frames, and what is in them, is for the caller to judge.
///
/// ```
/// use sockeye::{FrameDecoder, FramePiece, ProtocolError, Role};
///
/// // RFC 6455 §5.7: "Hello", masked; then a Ping of a server that masks too, and that is cut off.
/// let mut read = [
///     0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0x89, 0x83, 0, 0, 0, 0, b'a',
/// ];
/// let mut decoder = FrameDecoder::new();
/// let mut input = &mut read[..];
/// let mut payloads = Vec::new();
/// let mut findings = Vec::new();
/// while let Some(piece) = decoder.decode(&mut input) {
///     match piece {
///         FramePiece::Header(header) => {
///             let violations = header.violations(Some(Role::Server));
///             findings.extend(violations.iter().map(|violation| (header.offset, violation)));
///         }
///         FramePiece::Payload { data, last } => payloads.push((data, last)),
///         _ => {}
///     }
/// }
/// assert_eq!(payloads, [(&b"Hello"[..], true), (b"a", false)]);
/// let masked = ProtocolError::MaskUnexpected;
/// assert_eq!(findings, [(0, masked), (11, masked)]);
/// assert_eq!(decoder.remaining(), Some(2));
/// ```
///
/// Memory: the struct itself. Nothing is kept but the beginning of a header that a read has cut, so that a frame of 2^63 bytes costs as
/// much as an empty one.
#[derive(Clone, Debug, Default)]
pub struct FrameDecoder {
    offset: u64,
    /// The beginning of a header that was cut.
    held: [u8; FrameHeader::MAX_LEN],
    held_len: u8,
    payload: Option<Payload>,
}

/// What a [`FrameDecoder`] found next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramePiece<'i> {
    /// A frame begins.
    Header(RawFrameHeader),
    /// Payload of the frame that began last.
    Payload {
        /// What has come of it, unmasked. May be empty in the last piece.
        data: &'i [u8],
        /// Whether it is the frame's last piece. Each frame that is complete has one.
        last: bool,
    },
}

/// The payload under way.
#[derive(Clone, Copy, Debug)]
struct Payload {
    /// The key for its next byte.
    mask: Option<MaskingKey>,
    remaining: u64,
}

impl FrameDecoder {
    /// A decoder for a stream that begins with a frame.
    #[must_use]
    pub const fn new() -> Self {
        Self::starting_at(0)
    }

    /// A decoder for a stream of which a frame begins at this offset, such as behind the head of the opening handshake.
    #[must_use]
    pub const fn starting_at(offset: u64) -> Self {
        Self {
            offset,
            held: [0; FrameHeader::MAX_LEN],
            held_len: 0,
            payload: None,
        }
    }

    /// Takes bytes off the front of `input` until a header is complete, or as much payload as there is, and returns it; `None` when there
    /// is nothing yet, and then `input` is empty. Call it until it returns `None`.
    ///
    /// Payload is unmasked where it lies, and borrowed from there.
    #[inline]
    pub fn decode<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<FramePiece<'i>> {
        let Some(payload) = &mut self.payload else {
            return self.decode_header(input).map(FramePiece::Header);
        };
        if input.is_empty() && payload.remaining > 0 {
            return None;
        }
        let len = usize::try_from(payload.remaining)
            .unwrap_or(usize::MAX)
            .min(input.len());
        let (data, rest) = mem::take(input).split_at_mut(len);
        *input = rest;
        if let Some(mask) = &mut payload.mask {
            mask.apply(data);
            *mask = mask.advanced(len);
        }
        payload.remaining -= len as u64;
        let last = payload.remaining == 0;
        if last {
            self.payload = None;
        }
        self.offset = self.offset.saturating_add(len as u64);
        Some(FramePiece::Payload { data, last })
    }

    /// Skips `len` bytes of the payload under way, which are missing from a recording, or of no interest. Returns whether it has so many
    /// left; otherwise nothing changes, and where the next frame begins is unknown: go on with a new decoder where one is thought to.
    ///
    /// The frame's last piece is reported all the same, if need be empty.
    pub const fn skip(&mut self, len: u64) -> bool {
        let Some(payload) = &mut self.payload else {
            return len == 0;
        };
        if len > payload.remaining {
            return false;
        }
        payload.remaining -= len;
        if let Some(mask) = payload.mask {
            payload.mask = Some(mask.advanced((len % 4) as usize));
        }
        self.offset = self.offset.saturating_add(len);
        true
    }

    /// Offset in the stream of the next byte to come.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The beginning of a header that is not complete. Empty when none has begun.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.held[..usize::from(self.held_len)]
    }

    /// How many bytes the frame under way lacks, at least: more where the rest of its header has yet to say how many. `None` between frames,
    /// where a stream may end.
    #[must_use]
    pub const fn remaining(&self) -> Option<u64> {
        match (&self.payload, self.held_len) {
            (Some(payload), _) => Some(payload.remaining),
            (None, 0) => None,
            (None, held) => Some((self.header_len() - held as usize) as u64),
        }
    }

    #[inline]
    fn decode_header(&mut self, input: &mut &mut [u8]) -> Option<RawFrameHeader> {
        let header = if self.held_len == 0
            && let Some(header) = RawFrameHeader::decode(input, self.offset)
        {
            *input = &mut mem::take(input)[usize::from(header.header_len)..];
            header
        } else {
            self.resume_header(input)?
        };
        self.offset = header.offset.saturating_add(header.header_len.into());
        self.payload = Some(Payload {
            mask: header.mask,
            remaining: header.payload_len,
        });
        Some(header)
    }

    /// Takes a header that a read has cut.
    #[cold]
    fn resume_header(&mut self, input: &mut &mut [u8]) -> Option<RawFrameHeader> {
        let begin = self.offset.saturating_sub(self.held_len.into());
        loop {
            if let Some(header) = RawFrameHeader::decode(self.held(), begin) {
                self.held_len = 0;
                return Some(header);
            }
            if input.is_empty() {
                return None;
            }
            let held = usize::from(self.held_len);
            let len = (self.header_len() - held).min(input.len());
            let (taken, rest) = mem::take(input).split_at_mut(len);
            *input = rest;
            self.held[held..held + len].copy_from_slice(taken);
            self.held_len += len as u8;
            self.offset = self.offset.saturating_add(len as u64);
        }
    }

    /// Length of the header that is held, as far as its second byte says.
    const fn header_len(&self) -> usize {
        if self.held_len < 2 {
            2
        } else {
            header::len(self.held[1])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoder_is_small() {
        assert!(size_of::<FrameDecoder>() <= 64);
        assert!(size_of::<FramePiece<'_>>() <= 48);
    }
}
