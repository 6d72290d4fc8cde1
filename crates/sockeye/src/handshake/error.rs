//! Why an opening handshake failed, and which options are not valid.

use alloc::{borrow::Cow, boxed::Box};
use core::fmt;

use crate::{
    error::{variant_name, with_number, with_text},
    handshake::Response,
};

/// Why the opening handshake failed.
///
/// A server answers with [`ServerHandshake::refuse`](crate::ServerHandshake::refuse) or [`Request::refuse`](crate::Request::refuse).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    // Reading a head (RFC 9112).
    /// The first bytes cannot begin an HTTP message: TLS on a plain port, or another protocol.
    NotHttp,
    /// The first line is not `METHOD target HTTP/1.1` (RFC 9112 §3).
    RequestLine,
    /// The first line is not `HTTP/1.1 status reason` (RFC 9112 §4).
    StatusLine,
    /// A line ends without a carriage return (RFC 9112 §2.2).
    BareLineFeed,
    /// A header line begins with space (RFC 9112 §5.2).
    HeaderFolded,
    /// The name of a header field is not a token directly before a colon (RFC 9112 §5.1).
    HeaderName,
    /// The value of a header field has a control character (RFC 9110 §5.5).
    HeaderValue,
    /// The head is longer than `head_size`.
    HeadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The request line alone is longer than `head_size`.
    TargetTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The head has more header fields than `max_headers`.
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// A header field that may come only once came again.
    HeaderRepeated {
        /// Its name.
        name: &'static str,
    },

    // Checking a request (RFC 6455 §4.2.1).
    /// The message is not HTTP/1.1.
    HttpVersion,
    /// The request target is neither a path nor an absolute URL, or has a fragment (RFC 6455 §3).
    RequestTarget,
    /// There is no `Host` (RFC 9112 §3.2).
    HostMissing,
    /// The value of `Host` is not a host and a port (RFC 9112 §3.2).
    HostInvalid,
    /// The method is not GET.
    Method,
    /// A plain HTTP request: it does not ask for a WebSocket.
    NotAnUpgrade,
    /// The request has a body, which would be taken for frames.
    BodyUnexpected,
    /// `Upgrade` does not name `websocket`.
    UpgradeMissing,
    /// `Connection` does not name `upgrade`.
    ConnectionMissing,
    /// There is no `Sec-WebSocket-Key`.
    KeyMissing,
    /// `Sec-WebSocket-Key` is not 16 bytes in base64.
    KeyInvalid,
    /// There is no `Sec-WebSocket-Version`.
    VersionMissing,
    /// `Sec-WebSocket-Version` is not 13.
    VersionUnsupported,
    /// `Sec-WebSocket-Protocol` is not a list of tokens.
    SubprotocolsInvalid,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (RFC 6455 §9.1).
    ExtensionsInvalid,
    /// The origin may not connect (RFC 6455 §10.2).
    OriginNotAllowed,
    /// The application chose a subprotocol that the client did not offer.
    SubprotocolNotOffered,

    // Checking a response (RFC 6455 §4.1).
    /// The server answered with another status than 101. Here is its response.
    Refused(Box<Response>),
    /// There is no `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// `Sec-WebSocket-Accept` does not answer the key that was sent.
    AcceptMismatch,
    /// The server chose a subprotocol that was not offered.
    SubprotocolUnexpected,
    /// The server chose an extension that was not offered, or one twice.
    ExtensionUnexpected,
    /// The server answered with parameters of permessage-deflate that the offer does not allow (RFC 7692 §7.1).
    ExtensionParameters,

    // The byte stream.
    /// The handshake took longer than `timeout`.
    Timeout,
    /// The byte stream ended before the handshake was done.
    UnexpectedEnd,
}

impl HandshakeError {
    /// The name of the variant, as `KeyInvalid`: what stays the same for logs and other languages, whatever the sentence says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        variant_name!(
            self,
            NotHttp RequestLine StatusLine BareLineFeed HeaderFolded HeaderName HeaderValue HeadTooLarge
            TargetTooLong TooManyHeaders HeaderRepeated HttpVersion RequestTarget HostMissing HostInvalid
            Method NotAnUpgrade BodyUnexpected UpgradeMissing ConnectionMissing KeyMissing KeyInvalid
            VersionMissing VersionUnsupported SubprotocolsInvalid ExtensionsInvalid OriginNotAllowed
            SubprotocolNotOffered Refused AcceptMissing AcceptMismatch SubprotocolUnexpected
            ExtensionUnexpected ExtensionParameters Timeout UnexpectedEnd
        )
    }

    /// The HTTP status that a server answers with; `None` for what only happens to clients, and when nobody is left to answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        Some(match self {
            Self::OriginNotAllowed => 403,
            Self::Method => 405,
            Self::Timeout => 408,
            Self::TargetTooLong { .. } => 414,
            Self::NotAnUpgrade
            | Self::UpgradeMissing
            | Self::VersionMissing
            | Self::VersionUnsupported => 426,
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } => 431,
            Self::SubprotocolNotOffered => 500,
            Self::HttpVersion => 505,
            Self::StatusLine
            | Self::Refused(_)
            | Self::AcceptMissing
            | Self::AcceptMismatch
            | Self::SubprotocolUnexpected
            | Self::ExtensionUnexpected
            | Self::ExtensionParameters
            | Self::UnexpectedEnd => return None,
            _ => 400,
        })
    }

    /// The header fields that belong to an answer with [`status`](Self::status), beside `Content-Type` and `Content-Length`.
    #[must_use]
    pub const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Method => &[("Connection", "close"), ("Allow", "GET")],
            Self::VersionMissing | Self::VersionUnsupported => &[
                ("Connection", "Upgrade, close"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
            ],
            Self::NotAnUpgrade | Self::UpgradeMissing => {
                &[("Connection", "Upgrade, close"), ("Upgrade", "websocket")]
            }
            _ => &[("Connection", "close")],
        }
    }

    /// The server's response, when there was one other than 101.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Self::Refused(response) => Some(response),
            _ => None,
        }
    }

    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub fn sentence(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NotHttp => "the first bytes are not HTTP: is this TLS, or another protocol?",
            Self::RequestLine => "the request line is malformed",
            Self::StatusLine => "the status line is malformed",
            Self::BareLineFeed => "a line of the head does not end in CR LF",
            Self::HeaderFolded => "a header line begins with space",
            Self::HeaderName => "the name of a header field is malformed",
            Self::HeaderValue => "the value of a header field has a control character",
            Self::HeadTooLarge { limit } => {
                return with_number("the head is longer than ", *limit as u64, " bytes");
            }
            Self::TargetTooLong { limit } => {
                return with_number("the request line is longer than ", *limit as u64, " bytes");
            }
            Self::TooManyHeaders { limit } => {
                return with_number("the head has more than ", *limit as u64, " header fields");
            }
            Self::HeaderRepeated { name } => {
                return with_text("there is more than one ", name, " header");
            }
            Self::HttpVersion => "the HTTP version is not 1.1",
            Self::RequestTarget => {
                "the request target is not a path or an absolute URL without fragment"
            }
            Self::HostMissing => "the Host header is missing",
            Self::HostInvalid => "the Host header is not a host with an optional port",
            Self::Method => "the method of a WebSocket handshake must be GET",
            Self::NotAnUpgrade => "the request does not ask for a WebSocket",
            Self::BodyUnexpected => "a WebSocket handshake has no body",
            Self::UpgradeMissing => {
                "the Upgrade header does not name websocket: does a proxy on the way remove it?"
            }
            Self::ConnectionMissing => {
                "the Connection header does not name upgrade: does a proxy on the way remove it?"
            }
            Self::KeyMissing => "the Sec-WebSocket-Key header is missing",
            Self::KeyInvalid => "the Sec-WebSocket-Key header is not 16 bytes in base64",
            Self::VersionMissing => "the Sec-WebSocket-Version header is missing: it must be 13",
            Self::VersionUnsupported => "the Sec-WebSocket-Version header is not 13",
            Self::SubprotocolsInvalid => {
                "the Sec-WebSocket-Protocol header is not a list of tokens"
            }
            Self::ExtensionsInvalid => "the Sec-WebSocket-Extensions header is malformed",
            Self::OriginNotAllowed => "the origin is not allowed to connect",
            Self::SubprotocolNotOffered => "the chosen subprotocol was not offered by the client",
            Self::Refused(response) => {
                return with_number(
                    "the server answered with status ",
                    response.status().into(),
                    " instead of 101",
                );
            }
            Self::AcceptMissing => "the Sec-WebSocket-Accept header is missing",
            Self::AcceptMismatch => {
                "the Sec-WebSocket-Accept header does not answer our key: is a cache on the way?"
            }
            Self::SubprotocolUnexpected => "the server chose a subprotocol that was not offered",
            Self::ExtensionUnexpected => "the server chose an extension that was not offered",
            Self::ExtensionParameters => {
                "the server answered with permessage-deflate parameters that were not offered"
            }
            Self::Timeout => "the handshake took too long",
            Self::UnexpectedEnd => "the connection ended during the handshake",
        })
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl core::error::Error for HandshakeError {}

/// Why an option was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidOption {
    /// The name of a header field is not a token.
    HeaderName,
    /// The handshake itself writes this header field.
    HeaderProtected,
    /// The value of a header field has a control character, or space at an end.
    HeaderValue,
    /// The host is not a host with an optional port.
    Host,
    /// The origin is not `scheme://host`, with an optional port, or `null`.
    Origin,
    /// The pattern is not `scheme://host`, with an optional port.
    OriginPattern,
    /// The status is not 300 to 599.
    Status,
    /// The subprotocol is not a token.
    Subprotocol,
    /// The subprotocol is in the list already.
    SubprotocolRepeated,
    /// The request target does not begin with a slash, or has space, a fragment or bytes outside ASCII.
    Target,
}

impl InvalidOption {
    /// The name of the variant, as `HeaderName`: what stays the same for logs and other languages, whatever the sentence says.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        variant_name!(
            self,
            HeaderName HeaderProtected HeaderValue Host Origin OriginPattern Status Subprotocol
            SubprotocolRepeated Target
        )
    }

    /// What [`Display`](fmt::Display) writes. In WebAssembly, formatting is larger than all the sentences.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::HeaderName => {
                "a header name must be a token: letters, digits and !#$%&'*+-.^_`|~"
            }
            Self::HeaderProtected => "this header is written by the handshake itself",
            Self::HeaderValue => {
                "a header value must have no control characters, and no space at its ends"
            }
            Self::Host => "the host must be a host with an optional port, as example.com:8080",
            Self::Origin => {
                "the origin must be a scheme and a host, as https://example.com, or null"
            }
            Self::OriginPattern => {
                "an origin pattern must be as https://example.com, https://*.example.com or http://localhost:*, in ASCII"
            }
            Self::Status => "the status of a refusal must be 300 to 599",
            Self::Subprotocol => {
                "a subprotocol must be a token: letters, digits and !#$%&'*+-.^_`|~"
            }
            Self::SubprotocolRepeated => "a subprotocol must be in the list only once",
            Self::Target => {
                "the request target must begin with a slash and be visible ASCII without #, as /chat?room=1"
            }
        }
    }
}

impl fmt::Display for InvalidOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for InvalidOption {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::Headers;

    #[test]
    fn status_tells_whose_fault_it_was() {
        for (error, status) in [
            (HandshakeError::NotHttp, Some(400)),
            (HandshakeError::KeyInvalid, Some(400)),
            (HandshakeError::OriginNotAllowed, Some(403)),
            (HandshakeError::Method, Some(405)),
            (HandshakeError::Timeout, Some(408)),
            (HandshakeError::TargetTooLong { limit: 1 }, Some(414)),
            (HandshakeError::NotAnUpgrade, Some(426)),
            (HandshakeError::VersionUnsupported, Some(426)),
            (HandshakeError::HeadTooLarge { limit: 1 }, Some(431)),
            (HandshakeError::TooManyHeaders { limit: 1 }, Some(431)),
            (HandshakeError::SubprotocolNotOffered, Some(500)),
            (HandshakeError::HttpVersion, Some(505)),
            (HandshakeError::AcceptMismatch, None),
            (HandshakeError::UnexpectedEnd, None),
        ] {
            assert_eq!(error.status(), status, "{error}");
        }
    }

    #[test]
    fn names_are_those_of_the_variants() {
        assert_eq!(HandshakeError::NotHttp.name(), "NotHttp");
        assert_eq!(
            HandshakeError::HeaderRepeated { name: "Host" }.name(),
            "HeaderRepeated"
        );
        let response = Response::new(404, Headers::default());
        assert_eq!(
            HandshakeError::Refused(Box::new(response)).name(),
            "Refused"
        );
        assert_eq!(InvalidOption::Target.name(), "Target");
    }

    #[test]
    fn sentences_name_what_is_wrong() {
        assert_eq!(
            HandshakeError::HeadTooLarge { limit: 16_384 }.to_string(),
            "the head is longer than 16384 bytes"
        );
        assert_eq!(
            HandshakeError::HeaderRepeated { name: "Host" }.to_string(),
            "there is more than one Host header"
        );
        assert_eq!(
            InvalidOption::HeaderProtected.to_string(),
            "this header is written by the handshake itself"
        );
    }
}
