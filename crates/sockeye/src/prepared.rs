//! Messages sent to many connections.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{Message, MessageKind, WindowBits, deflate::compress_once};

/// A message prepared for sending to many connections with
/// [`Connection::send_prepared`](crate::Connection::send_prepared): compressed at most once for each level and window that they negotiated.
#[derive(Clone, Debug)]
pub struct PreparedMessage {
    kind: MessageKind,
    data: Vec<u8>,
    compressed: BTreeMap<(u8, WindowBits), Vec<u8>>,
}

impl PreparedMessage {
    /// Prepares this message.
    #[must_use]
    pub fn new(message: Message<'_>) -> Self {
        Self {
            kind: message.kind(),
            data: message.into_bytes(),
            compressed: BTreeMap::new(),
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
        self.compressed
            .entry((level, window))
            .or_insert_with(|| compress_once(level, window, &self.data))
    }
}
