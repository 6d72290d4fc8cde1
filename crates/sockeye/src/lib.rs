//! WebSocket protocol core without IO ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455),
//! [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod close;
mod connection;
mod deflate;
mod error;
mod event;
mod frame;
mod handshake;
mod limits;
mod mask;
mod message;
mod options;
mod prepared;
mod utf8;

pub use close::{CloseCode, CloseFrame};
pub use connection::{Connection, Initiator, State};
pub use deflate::{DeflateParameters, PerMessageDeflate, WindowBits};
pub use error::{ProtocolError, SendError};
pub use event::Event;
pub use frame::{FrameHeader, Opcode};
pub use handshake::{
    Agreement, ClientHandshake, DialOptions, ExtraHeaders, HandshakeError, Headers, InvalidOption,
    OriginPattern, OriginPolicy, Request, Response, ServerHandshake, UpgradeOptions,
    is_websocket_upgrade, subprotocols,
};
pub use limits::{Limits, Timeouts};
pub use mask::MaskingKey;
pub use message::{Message, MessageKind, Part};
pub use options::{Delivery, Options};
pub use prepared::PreparedMessage;

/// Which side of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 knows two roles")]
pub enum Role {
    /// Opened the connection: masks what it sends.
    Client,
    /// Accepted the connection: never masks.
    Server,
}

/// Where random bytes come from: fills the slice from a cryptographically secure source.
///
/// The core has no entropy of its own; masking keys and handshake keys are drawn through this function
/// ([RFC 6455 §10.3](https://www.rfc-editor.org/rfc/rfc6455#section-10.3)).
pub type Entropy = fn(&mut [u8]);
