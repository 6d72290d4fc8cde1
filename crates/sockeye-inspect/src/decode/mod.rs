//! Decodes what applications put into messages: JSON, MessagePack, MQTT and others.
//!
//! A decoder gives a flat list of [`Node`]s, each with its depth and the bytes of the message that it stands for, and one line that says what
//! the message is. All of them work on any bytes, give what could be decoded before an error, and are bounded in depth and in nodes.

mod cursor;
pub(crate) mod json;
mod preview;
pub(crate) mod tree;

use core::ops::Range;

pub use preview::preview;
use tree::Tree;

use crate::Direction;

/// What is known of a message beside its content.
#[derive(Clone, Copy, Debug)]
pub struct Hints<'a> {
    /// The opcode of its first frame: 1 for text, 2 for binary.
    pub opcode: u8,
    /// Where it goes.
    pub direction: Direction,
    /// The subprotocol of its connection.
    pub subprotocol: Option<&'a str>,
    /// The target of its connection's request, such as `/socket.io/?EIO=4&transport=websocket`.
    pub target: Option<&'a str>,
}

impl Hints<'_> {
    /// Nothing is known but the opcode and the direction.
    #[must_use]
    pub const fn new(opcode: u8, direction: Direction) -> Self {
        Self {
            opcode,
            direction,
            subprotocol: None,
            target: None,
        }
    }
}

/// A message that was decoded, or what of it could be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// As what.
    pub decoder: Decoder,
    /// What it is, in one line of at most 120 characters, such as `EVENT chat:message ["hi"]`.
    pub summary: String,
    /// Its parts, each before those within it.
    pub nodes: Vec<Node>,
    /// What is wrong with it, and at which byte: `nodes` has what comes before.
    pub error: Option<String>,
    /// Whether there are more parts than are given.
    pub truncated: bool,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// How many nodes it is within.
    pub depth: u16,
    /// Its name: the key in an object, the index in an array, the field of a protocol; may be empty for the outermost.
    pub label: String,
    /// Its value for people: a string without quotes and escapes, a number with the name it has in the protocol, how many members.
    pub value: String,
    /// What it is.
    pub kind: NodeKind,
    /// Which bytes of the content it stands for; empty where it was derived (inflated, or within an escaped string).
    pub bytes: Range<usize>,
}

/// What a [`Node`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeKind {
    /// Named parts.
    Object,
    /// Parts in order.
    Array,
    /// Text.
    String,
    /// A number, or a field of bits.
    Number,
    /// True or false.
    Boolean,
    /// Nothing.
    Null,
    /// Bytes without a meaning: the value is hex, cut when long.
    Bytes,
    /// Something said about the message that it does not hold itself.
    Note,
}

impl NodeKind {
    /// `object`, `array`, `string`, `number`, `boolean`, `null`, `bytes` or `note`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Null => "null",
            Self::Bytes => "bytes",
            Self::Note => "note",
        }
    }
}

/// What a message can be decoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decoder {
    /// JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
    Json,
    /// Text without further meaning.
    Text,
}

impl Decoder {
    const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// Every decoder.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &Self::ALL
    }

    /// Its name for people, such as `Socket.IO`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Text => "Text",
        }
    }

    /// The decoder with this name; case, spaces and punctuation do not matter: `socketio` is `Socket.IO`.
    #[must_use]
    pub fn with_name(name: &str) -> Option<Self> {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|char| char.to_ascii_lowercase())
                .collect()
        };
        let wanted = plain(name);
        Self::ALL
            .into_iter()
            .find(|decoder| plain(decoder.name()) == wanted)
    }
}

/// Decodes as what is likely; `None`: nothing fits, or there is nothing to decode.
#[must_use]
pub fn decode(content: &[u8], hints: &Hints<'_>) -> Option<Decoded> {
    candidates(content, hints).into_iter().next()
}

/// Decodes as `decoder`, likely or not: [`Decoded::error`] says where it does not fit.
#[must_use]
pub fn decode_as(decoder: Decoder, content: &[u8], hints: &Hints<'_>) -> Decoded {
    let _ = hints;
    let mut tree = Tree::new();
    let result = match decoder {
        Decoder::Json => json::decode(&mut tree, content),
        Decoder::Text => preview::decode(&mut tree, content),
    };
    tree.finish(decoder, result)
}

/// Decodes as everything that fits, the likeliest first.
#[must_use]
pub fn candidates(content: &[u8], hints: &Hints<'_>) -> Vec<Decoded> {
    Decoder::ALL
        .into_iter()
        .map(|decoder| decode_as(decoder, content, hints))
        .filter(|decoded| decoded.error.is_none())
        .collect()
}
