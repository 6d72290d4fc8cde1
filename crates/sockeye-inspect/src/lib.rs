//! Finds the WebSocket connections in a capture, shows every frame of them, and checks it against
//! [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) and [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692).
//!
//! An [`Inspector`] takes the bytes of a capture as they are read; its [`Capture`] has the connections, an index of their frames, and the
//! findings, while it grows. Payloads are not kept: what is in a frame is read again from the capture ([`ReadAt`]).
//!
//! ```
//! use sockeye_inspect::{Inspector, Options};
//!
//! // A stream as `nc` records it: "Hello" of a client that forgot to mask (RFC 6455 §5.7).
//! let capture = b"GET /chat HTTP/1.1\r\n\r\n".to_vec();
//! let mut inspector = Inspector::new(Options::default());
//! for mut chunk in capture.chunks(4_096).map(<[u8]>::to_vec) {
//!     inspector.push(&mut chunk);
//! }
//! let capture = inspector.finish();
//! for finding in capture.findings() {
//!     println!("{} RFC {} §{}", finding.rule.id(), finding.rule.rfc(), finding.rule.section());
//! }
//! ```
#![forbid(unsafe_code)]
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the whole crate needs std"
)]

mod analysis;
mod capture;
mod connection;
pub mod decode;
pub mod export;
pub mod filter;
mod finding;
mod frame;
pub mod inflate;
mod inspector;
mod reader;
mod rule;
mod source;
mod timestamp;
#[cfg(feature = "tls")]
mod tls;
pub mod write;

pub use capture::{Bytes, Capture, MessageBytes, MessageReader, OpenError, Origin, Piece};
pub use connection::{
    Check, Close, Connection, End, Handshake, RoundTrip, Security, Summary, Traffic,
};
pub use finding::{Finding, Place};
pub use frame::{Direction, Frame, OnRecord};
pub use inspector::{Inspector, Options, Preset};
pub use reader::Format;
pub use rule::{Rule, Severity};
pub use source::ReadAt;
pub use timestamp::Timestamp;
