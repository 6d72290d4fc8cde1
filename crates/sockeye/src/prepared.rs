//! Messages sent to many connections.

use alloc::vec::Vec;

use crate::{Message, MessageKind, WindowBits, deflate::compress_once};

/// A message prepared for sending to many connections with
/// [`Connection::send_prepared`](crate::Connection::send_prepared): compressed at most once for each level and window that they negotiated.
#[derive(Clone, Debug)]
pub struct PreparedMessage {
    kind: MessageKind,
    data: Vec<u8>,
    /// By level and window, of which connections seldom have more than a few.
    compressed: Vec<((u8, WindowBits), Vec<u8>)>,
}

impl PreparedMessage {
    /// Prepares this message.
    #[must_use]
    pub fn new(message: Message<'_>) -> Self {
        Self {
            kind: message.kind(),
            data: message.into_bytes(),
            compressed: Vec::new(),
        }
    }

    /// Which kind of message it is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// The payload as a compressed message that refers to nothing before it.
    pub(crate) fn compressed(&mut self, level: u8, window: WindowBits) -> &[u8] {
        let key = (level, window);
        let found = self.compressed.iter().position(|(other, _)| *other == key);
        let at = found.unwrap_or(self.compressed.len());
        if found.is_none() {
            let payload = compress_once(level, window, &self.data);
            self.compressed.push((key, payload));
        }
        &self.compressed[at].1
    }
}
