//! The opening handshake ([RFC 6455 §4](https://www.rfc-editor.org/rfc/rfc6455#section-4)): bytes in, bytes out, for both roles.
//!
//! A server makes a [`ServerHandshake`] for each connection, gives it what it reads until it has a [`Request`], and answers with
//! [`Request::accept`] or [`Request::refuse`]. A client makes a [`ClientHandshake`], which writes the request, and gives it what it
//! reads until it has an [`Agreement`]. Bytes that follow a head stay in the input: they are frames already.
//!
//! Work is linear in the bytes received, however they are cut. A handshake holds a buffer of at most twice `head_size` bytes and `max_headers`
//! ranges into it, a client also 1 KiB of a refusal's body.

mod check;
mod client;
mod error;
mod extra;
mod head;
mod headers;
mod key;
pub(crate) mod list;
mod options;
mod origin;
mod refusal;
mod request;
mod response;
mod server;
mod sha1;
mod start_line;

use alloc::string::String;

pub use client::ClientHandshake;
pub use error::{HandshakeError, InvalidOption};
pub use extra::ExtraHeaders;
pub use headers::Headers;
pub use options::{DialOptions, UpgradeOptions};
pub use origin::{OriginPattern, OriginPolicy};
pub use request::Request;
pub use response::Response;
pub use server::ServerHandshake;

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

/// The subprotocols that a request with these values of `Sec-WebSocket-Protocol` offers, in its order of preference. What is not a token is
/// left out.
///
/// ```
/// let offered = sockeye::subprotocols([&b"chat, superchat"[..], b"mqtt"]);
/// assert!(offered.eq(["chat", "superchat", "mqtt"]));
/// ```
pub fn subprotocols<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
) -> impl Iterator<Item = &'a str> {
    let mut values = values.into_iter();
    let mut tokens = None;
    core::iter::from_fn(move || {
        loop {
            while let Some(token) = tokens.as_mut().and_then(Iterator::next) {
                if let Ok(token) = token {
                    return Some(token);
                }
            }
            tokens = Some(list::tokens(values.next()?));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrade_needs_both_fields_in_any_case_and_place() {
        assert!(is_websocket_upgrade([
            ("CONNECTION", "a,  UPGRADE"),
            ("uPGRADE", "h2c, WebSocket")
        ]));
        assert!(is_websocket_upgrade([
            ("connection", "keep-alive"),
            ("connection", "upgrade"),
            ("upgrade", "websocket")
        ]));
        for fields in [
            [("connection", "upgrade"), ("upgrade", "h2c")],
            [("connection", "close"), ("upgrade", "websocket")],
            [("connection", "websocket"), ("upgrade", "upgrade")],
            [("connection", "upgrade"), ("x", "websocket")],
        ] {
            assert!(!is_websocket_upgrade(fields), "{fields:?}");
        }
    }
}
