//! The WebSocket protocol without IO ([RFC 6455](https://www.rfc-editor.org/rfc/rfc6455),
//! [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)): bytes in, events and bytes out.
//!
//! The crate has the opening handshake of both roles ([`ServerHandshake`], [`ClientHandshake`]) and everything after it
//! ([`Connection`]): frames, masking, messages whole or in parts, UTF-8, control frames, the closing handshake, keepalive and
//! timeouts, limits, permessage-deflate. For inspection it splits any byte stream into frames ([`FrameDecoder`]). It leaves to its
//! caller the sockets, TLS, the clock (a [`Duration`](core::time::Duration) since an origin of the caller's choice) and the entropy (a
//! function, [`Entropy`]).
//!
//! No unsafe code, no panic on any input, work linear in the input. A violation is reported at the first byte that shows it.
//!
//! # The whole loop
//!
//! ```
//! use sockeye::{Connection, Event, Options, Role, ServerHandshake, UpgradeOptions};
//!
//! fn entropy(bytes: &mut [u8]) {
//!     bytes.fill(7); // A real one asks the operating system. Servers need none.
//! }
//!
//! // What one read from a socket returned: a request, and right behind it "Hello" (RFC 6455 §5.7).
//! let mut read = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
//!     \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec();
//! let mut out = Vec::new(); // What is to be written.
//!
//! // The opening handshake takes the head off the front, however many reads it came in.
//! let upgrade = UpgradeOptions::new();
//! let mut handshake = ServerHandshake::new();
//! let mut rest = &read[..];
//! let request = handshake.receive(&mut rest, &upgrade)?.expect("the head is complete");
//! let agreement = request.accept(&upgrade, &mut out)?; // On an error: `request.refuse(&error, &mut out)`.
//! assert!(out.starts_with(b"HTTP/1.1 101 "));
//!
//! // Then messages.
//! let mut connection = Connection::new(Role::Server, &Options::new(Role::Server), agreement.deflate, entropy);
//! let head = read.len() - rest.len();
//! let mut input = &mut read[head..];
//! out.clear();
//! while let Some(event) = connection.receive(&mut input, &mut out)? {
//!     match event {
//!         Event::Message(message) => connection.send(message, &mut out)?,
//!         Event::Close(_) => break, // The answer is in `out`: write it, then close the socket.
//!         _ => {}
//!     }
//! }
//! assert_eq!(out, b"\x81\x05Hello");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! Beside that, call [`Connection::handle_timeout`] with the time before each read and at [`Connection::poll_timeout`].
//!
//! # Memory
//!
//! A connection is a struct of less than 512 bytes. It owns no heap memory while it is idle, unless permessage-deflate was
//! negotiated with context takeover. While a message comes in, it holds at most four times what has come of it, and at most twice
//! [`Limits::message_size`]: nothing is reserved for what was only announced. What is to be sent goes straight into the caller's buffer.
//!
//! # Features
//!
//! - `deflate` (default): permessage-deflate on miniz_oxide.
//! - `zlib-rs`: permessage-deflate on zlib-rs instead: several times faster, and half the memory. zlib-rs needs the standard library.
//! - `simdutf8`: checks text with SIMD, several times faster where it is not ASCII.
//! - `std`: lets `simdutf8` ask the processor what it can do.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod close;
mod connection;
mod decoder;
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
mod session;
mod utf8;

pub use close::{CloseCode, CloseFrame};
pub use connection::{Connection, Initiator, State};
pub use decoder::{FrameDecoder, FramePiece, RawFrameHeader, Violations};
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
pub use message::{Message, MessageKind, MessageRef, Part};
pub use options::{Delivery, Options};
pub use prepared::PreparedMessage;
pub use session::{
    AcceptSettings, AnswerError, Closed, DialSettings, Session, SessionError, SessionEvent,
};

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
