//! Decodes what applications put into messages: JSON, MessagePack, MQTT and others.
//!
//! A decoder gives a flat list of [`Node`]s, each with its depth and the bytes of the message that it stands for, and one line that says what
//! the message is. All of them work on any bytes, give what could be decoded before an error, and are bounded in depth and in nodes.

mod actioncable;
mod cbor;
mod compressed;
mod cursor;
mod detect;
mod graphql;
pub(crate) mod json;
mod mqtt;
mod msgpack;
mod number;
mod ocpp;
mod phoenix;
mod preview;
mod protobuf;
mod signalr;
mod socketio;
mod sockjs;
mod stomp;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod value;
mod wamp;

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

impl Node {
    /// Whether nothing can be within it.
    const fn is_scalar(&self) -> bool {
        !matches!(self.kind, NodeKind::Object | NodeKind::Array)
    }
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
    /// MessagePack.
    MessagePack,
    /// CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)).
    Cbor,
    /// Protocol Buffers, without a schema.
    Protobuf,
    /// Engine.IO, and what is in its messages as it is.
    EngineIo,
    /// Socket.IO in Engine.IO.
    SocketIo,
    /// STOMP 1.0 to 1.2.
    Stomp,
    /// SignalR, with its hub protocols in JSON and MessagePack.
    SignalR,
    /// GraphQL: `graphql-transport-ws`, and `graphql-ws` before it.
    GraphQlWs,
    /// MQTT 3.1.1 and 5.
    Mqtt,
    /// WAMP v2 in JSON, MessagePack and CBOR.
    Wamp,
    /// SockJS, and what is in its messages.
    SockJs,
    /// Action Cable of Ruby on Rails.
    ActionCable,
    /// OCPP-J 1.6 to 2.1, of charging stations.
    Ocpp,
    /// Phoenix channels, versions 1 and 2.
    Phoenix,
    /// gzip ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
    Gzip,
    /// zlib ([RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)).
    Zlib,
    /// Zstandard ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)), named only.
    Zstd,
    /// Text without further meaning.
    Text,
}

impl Decoder {
    const ALL: [Self; 19] = [
        Self::Json,
        Self::MessagePack,
        Self::Cbor,
        Self::Protobuf,
        Self::EngineIo,
        Self::SocketIo,
        Self::Stomp,
        Self::SignalR,
        Self::GraphQlWs,
        Self::Mqtt,
        Self::Wamp,
        Self::SockJs,
        Self::ActionCable,
        Self::Ocpp,
        Self::Phoenix,
        Self::Gzip,
        Self::Zlib,
        Self::Zstd,
        Self::Text,
    ];

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
            Self::MessagePack => "MessagePack",
            Self::Cbor => "CBOR",
            Self::Protobuf => "Protobuf",
            Self::EngineIo => "Engine.IO",
            Self::SocketIo => "Socket.IO",
            Self::Stomp => "STOMP",
            Self::SignalR => "SignalR",
            Self::GraphQlWs => "GraphQL-WS",
            Self::Mqtt => "MQTT",
            Self::Wamp => "WAMP",
            Self::SockJs => "SockJS",
            Self::ActionCable => "Action Cable",
            Self::Ocpp => "OCPP",
            Self::Phoenix => "Phoenix",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "Zstandard",
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
///
/// The subprotocol counts most, then the request's target, then what the message looks like. Where it could be several things, the plain notation
/// (JSON, MessagePack) is preferred to a protocol that uses it.
#[must_use]
pub fn decode(content: &[u8], hints: &Hints<'_>) -> Option<Decoded> {
    detect::best(content, hints, true)
}

/// Decodes as `decoder`, likely or not: [`Decoded::error`] says where it does not fit.
#[must_use]
pub fn decode_as(decoder: Decoder, content: &[u8], hints: &Hints<'_>) -> Decoded {
    attempt(decoder, content, hints, true).1
}

/// Decodes as everything that fits, the likeliest first. Guesses are among them that [`decode`] does not make.
#[must_use]
pub fn candidates(content: &[u8], hints: &Hints<'_>) -> Vec<Decoded> {
    detect::ranked(content, hints, true)
        .into_iter()
        .map(|(_, decoded)| decoded)
        .collect()
}

/// How sure a decoder is that a message is its own, when nothing else is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It does not fit.
    Wrong,
    /// It fits, as many other things would.
    Possible,
    /// It fits, and few other things would.
    Likely,
    /// Nothing else looks like this.
    Sure,
}

impl Fit {
    const fn sure_if(sure: bool) -> Self {
        if sure { Self::Sure } else { Self::Possible }
    }
}

fn attempt(decoder: Decoder, content: &[u8], hints: &Hints<'_>, inflates: bool) -> (Fit, Decoded) {
    let mut tree = Tree::new();
    let it = &mut tree;
    let result = match decoder {
        Decoder::Json => json::decode(it, content).map(|()| Fit::Likely),
        Decoder::MessagePack => msgpack::decode(it, content).map(|()| detect::binary_fit(it)),
        Decoder::Cbor => cbor::decode(it, content).map(|()| detect::binary_fit(it)),
        Decoder::Protobuf => protobuf::decode(it, content).map(|()| detect::binary_fit(it)),
        Decoder::EngineIo => socketio::decode(it, content, hints, false),
        Decoder::SocketIo => socketio::decode(it, content, hints, true),
        Decoder::Stomp => stomp::decode(it, content),
        Decoder::SignalR => signalr::decode(it, content),
        Decoder::GraphQlWs => graphql::decode(it, content),
        Decoder::Mqtt => mqtt::decode(it, content),
        Decoder::Wamp => wamp::decode(it, content, hints),
        Decoder::SockJs => sockjs::decode(it, content, hints),
        Decoder::ActionCable => actioncable::decode(it, content),
        Decoder::Ocpp => ocpp::decode(it, content),
        Decoder::Phoenix => phoenix::decode(it, content, hints),
        Decoder::Gzip => compressed::gzip(it, content, hints, inflates),
        Decoder::Zlib => compressed::zlib(it, content, hints, inflates),
        Decoder::Zstd => compressed::zstd(it, content),
        Decoder::Text => preview::decode(it, content).map(|()| Fit::Likely),
    };
    let fit = result.unwrap_or(Fit::Wrong);
    (fit, tree.finish(decoder, result.map(drop)))
}
