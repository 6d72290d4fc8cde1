//! The message under way.

use alloc::{string::String, vec::Vec};

use crate::{
    Delivery, Limits, MaskingKey, Message, MessageKind, ProtocolError, deflate::Compression,
    utf8::Utf8Validator,
};

/// A message of which a part has come.
#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) kind: MessageKind,
    pub(super) compressed: bool,
    /// Frames so far, empty ones included.
    pub(super) fragments: u32,
    /// The limit that the frame under way was judged by: of messages, or of those in parts.
    pub(super) judged_for: Delivery,
    /// Bytes of it that were handed over in parts, or dropped.
    pub(super) handed_over: u64,
    /// Parts of it were handed over, and nobody wants the rest.
    pub(super) is_skipped: bool,
    utf8: Utf8Validator,
    /// What came, except in parts delivery.
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Uncompressed text: validated while it is copied, so that it never has to be again.
    Text(String),
    Bytes(Vec<u8>),
}

impl Assembly {
    pub(super) const fn new(kind: MessageKind, compressed: bool) -> Self {
        let content = match kind {
            MessageKind::Text if !compressed => Content::Text(String::new()),
            _ => Content::Bytes(Vec::new()),
        };
        Self {
            kind,
            compressed,
            fragments: 0,
            judged_for: Delivery::Messages,
            handed_over: 0,
            is_skipped: false,
            utf8: Utf8Validator::new(),
            content,
        }
    }

    /// Bytes held, after inflation.
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.len() + self.utf8.pending_len(),
            Content::Bytes(bytes) => bytes.len(),
        }
    }

    /// Judges `len` further bytes of payload by the limit of `judged_for`. Compressed ones are judged as they inflate.
    #[inline]
    pub(super) fn check_len(&self, len: u64, limits: &Limits) -> Result<(), ProtocolError> {
        if self.compressed {
            return Ok(());
        }
        match self.judged_for {
            Delivery::Messages
                if len > (limits.message_size as u64).saturating_sub(self.len() as u64) =>
            {
                Err(ProtocolError::MessageTooBig {
                    limit: limits.message_size,
                })
            }
            Delivery::Parts if len > limits.parts_size.saturating_sub(self.handed_over) => {
                Err(limits.parts_too_big())
            }
            _ => Ok(()),
        }
    }

    /// Takes what has come, a cut character at the end included.
    pub(super) fn take_content(&mut self) -> Vec<u8> {
        match &mut self.content {
            Content::Text(text) => {
                let mut bytes = core::mem::take(text).into_bytes();
                bytes.extend_from_slice(self.utf8.pending());
                bytes
            }
            Content::Bytes(bytes) => core::mem::take(bytes),
        }
    }

    /// Makes room for a piece of `len` bytes in a frame that has announced `announced` more, this piece included.
    ///
    /// A large message is moved as it grows, so that it grows in big steps: to four times what has come, but never beyond what was
    /// announced. What was only announced is never reserved.
    #[inline]
    pub(super) fn reserve(&mut self, len: usize, announced: u64) {
        let (held, capacity) = match &self.content {
            Content::Text(text) => (text.len(), text.capacity()),
            Content::Bytes(bytes) => (bytes.len(), bytes.capacity()),
        };
        if self.compressed || capacity - held >= len {
            return;
        }
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let additional = announced.min(len + 3 * (held + len));
        match &mut self.content {
            Content::Text(text) => text.reserve(additional),
            Content::Bytes(bytes) => bytes.reserve(additional),
        }
    }

    /// Unmasks and appends a piece in one go, where it is appended as it is: uncompressed bytes. Returns whether it was.
    pub(super) fn append_masked(&mut self, mask: MaskingKey, data: &[u8]) -> bool {
        match &mut self.content {
            Content::Bytes(bytes) if !self.compressed => mask.append(data, bytes),
            _ => return false,
        }
        true
    }

    /// Appends a piece of payload, unmasked. `limit` bounds the whole message.
    pub(super) fn append(
        &mut self,
        data: &[u8],
        compression: Option<&mut Compression>,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        match &mut self.content {
            Content::Text(text) => self.utf8.append(data, text),
            Content::Bytes(bytes) => {
                let Some(compression) = compression.filter(|_| self.compressed) else {
                    bytes.extend_from_slice(data);
                    return Ok(());
                };
                let before = bytes.len();
                let inflated = compression.inflate(data, bytes, limit);
                // What was inflated before a fault lies before it: of several violations, the first is reported however the input
                // was cut.
                if self.kind == MessageKind::Text {
                    self.utf8.check(&bytes[before..])?;
                }
                inflated
            }
        }
    }

    /// The message, now that its last frame has come.
    pub(super) fn finish(
        self,
        compression: Option<&mut Compression>,
    ) -> Result<Message<'static>, ProtocolError> {
        match self.content {
            Content::Text(text) => self.utf8.finish().map(|()| Message::text(text)),
            Content::Bytes(bytes) => {
                if let Some(compression) = compression.filter(|_| self.compressed) {
                    compression.finish_inflate()?;
                    self.utf8.finish()?;
                }
                match self.kind {
                    // Without unsafe code the standard library has to look once more.
                    MessageKind::Text => String::from_utf8(bytes)
                        .map(Message::text)
                        .map_err(|_| ProtocolError::InvalidUtf8),
                    MessageKind::Binary => Ok(Message::binary(bytes)),
                }
            }
        }
    }

    /// Inflates and checks a piece that is handed over at once, in parts delivery: appends it to `part`.
    pub(super) fn inflate_part(
        &mut self,
        data: &[u8],
        part: &mut Vec<u8>,
        compression: &mut Compression,
        limit: usize,
    ) -> Result<(), ProtocolError> {
        let before = part.len();
        let inflated = compression.inflate(data, part, limit);
        self.check_part(&part[before..], false)?;
        inflated
    }

    /// Checks a piece that is handed over at once, in parts delivery.
    pub(super) fn check_part(&mut self, data: &[u8], last: bool) -> Result<(), ProtocolError> {
        if self.kind == MessageKind::Text {
            self.utf8.check(data)?;
            if last {
                self.utf8.finish()?;
            }
        }
        Ok(())
    }
}
