//! Messages that are shared and never copied.

use std::borrow::Cow;

use bytes::Bytes;
use sockeye::{MessageKind, MessageRef};

use crate::Utf8Bytes;

/// A whole message ([RFC 6455 §5.6](https://www.rfc-editor.org/rfc/rfc6455#section-5.6)). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 knows two kinds")]
// A tag of one byte would have the other 39 moved at odd offsets, which stalls.
#[repr(usize)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The payload, without copying.
    #[must_use]
    #[inline]
    pub const fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) => data,
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Length of the payload in bytes.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// As the protocol takes it.
    #[inline]
    pub(crate) fn borrowed(&self) -> sockeye::Message<'_> {
        match self {
            Self::Text(text) => sockeye::Message::Text(Cow::Borrowed(text)),
            Self::Binary(data) => sockeye::Message::Binary(Cow::Borrowed(data)),
        }
    }
}

impl From<sockeye::Message<'_>> for Message {
    /// Copies what is borrowed.
    #[inline]
    fn from(message: sockeye::Message<'_>) -> Self {
        match message {
            sockeye::Message::Text(Cow::Borrowed(text)) => {
                Self::Text(Utf8Bytes::copy_from_str(text))
            }
            sockeye::Message::Text(Cow::Owned(text)) => Self::Text(text.into()),
            sockeye::Message::Binary(data) => Self::Binary(shared(data)),
        }
    }
}

impl From<MessageRef<'_>> for Message {
    /// Copies.
    #[inline]
    fn from(message: MessageRef<'_>) -> Self {
        match message {
            MessageRef::Text(text) => Self::Text(Utf8Bytes::copy_from_str(text)),
            MessageRef::Binary(data) => Self::Binary(Bytes::copy_from_slice(data)),
        }
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => text.into(),
            Message::Binary(data) => data,
        }
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Message {
    /// Copies.
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

impl From<Vec<u8>> for Message {
    fn from(data: Vec<u8>) -> Self {
        Self::binary(data)
    }
}

impl From<&[u8]> for Message {
    /// Copies.
    fn from(data: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(data))
    }
}

/// As it is where it is owned, else copied.
#[inline]
pub(crate) fn shared(data: Cow<'_, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::copy_from_slice(data),
        Cow::Owned(data) => data.into(),
    }
}
