//! The opening handshake ([RFC 6455 §4](https://www.rfc-editor.org/rfc/rfc6455#section-4)): bytes in, bytes out, for both roles.
//!
//! A server makes a [`ServerHandshake`] for each connection, gives it what it reads until it has a [`Request`], and answers with
//! [`Request::accept`] or [`Request::refuse`]. A client makes a [`ClientHandshake`], which writes the request, and gives it what it
//! reads until it has an [`Agreement`]. Bytes that follow a head stay in the input: they are frames already.
//!
//! Work is linear in the bytes received, however they are cut. A handshake holds at most `head_size` bytes of head and `max_headers`
//! ranges into it, a client also 1 KiB of a refusal's body.

mod client;
mod error;
mod extra;
mod head;
mod key;
pub(crate) mod list;
mod origin;
mod refusal;
mod request;
mod response;
mod server;

use alloc::string::String;

pub use client::{ClientHandshake, DialOptions};
pub use error::{HandshakeError, InvalidOption};
pub use extra::ExtraHeaders;
pub use head::Headers;
pub use origin::{OriginPattern, OriginPolicy};
pub use request::Request;
pub use response::Response;
pub use server::{ServerHandshake, UpgradeOptions};

use crate::DeflateParameters;

/// What both sides agreed on in the opening handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreement {
    /// The subprotocol in use.
    pub subprotocol: Option<String>,
    /// The parameters of permessage-deflate, when it is in use.
    pub deflate: Option<DeflateParameters>,
    /// The value of the response's `Sec-WebSocket-Extensions`, when it has one.
    pub extensions: Option<String>,
}

/// Whether a request with these header fields asks for a WebSocket: `Connection` names `upgrade` and `Upgrade` names `websocket`.
///
/// Use it to route a request; [`ServerHandshake`] and [`Request::from_parts`] check everything else.
///
/// ```
/// let fields = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
/// assert!(sockeye::is_websocket_upgrade(fields));
/// assert!(!sockeye::is_websocket_upgrade([("connection", "keep-alive")]));
/// ```
pub fn is_websocket_upgrade<N, V>(fields: impl IntoIterator<Item = (N, V)>) -> bool
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let (mut connection, mut upgrade) = (false, false);
    for (name, value) in fields {
        if name.as_ref().eq_ignore_ascii_case(b"connection") {
            connection |= list::contains_token(value.as_ref(), b"upgrade");
        } else if name.as_ref().eq_ignore_ascii_case(b"upgrade") {
            upgrade |= list::contains_token(value.as_ref(), b"websocket");
        }
    }
    connection && upgrade
}
