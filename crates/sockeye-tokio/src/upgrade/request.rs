//! The check of a request, whatever it came over.

use http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Uri, Version, header};
use sockeye::{HandshakeError, Request};

use super::{Accepted, Refusal};
use crate::{
    Upgrader,
    http::{is_websocket, protocol},
};

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Http1,
    /// Or 3.
    Http2,
}

/// What is checked of a request.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
    /// The value of `:protocol`.
    pub(crate) protocol: Option<&'a str>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(
        method: &'a Method,
        uri: &'a Uri,
        version: Version,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self {
            method,
            uri,
            version,
            headers,
            protocol: protocol(extensions),
        }
    }

    const fn wire(&self) -> Wire {
        match self.version {
            Version::HTTP_2 | Version::HTTP_3 => Wire::Http2,
            _ => Wire::Http1,
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&'a HeaderName, &'a [u8])> + use<'a> {
        (self.headers.iter()).map(|(name, value)| (name, value.as_bytes()))
    }
}

impl<'a> From<&'a http::request::Parts> for Head<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        Self::new(
            &parts.method,
            &parts.uri,
            parts.version,
            &parts.headers,
            &parts.extensions,
        )
    }
}

impl<'a, B> From<&'a http::Request<B>> for Head<'a> {
    fn from(request: &'a http::Request<B>) -> Self {
        Self::new(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
            request.extensions(),
        )
    }
}

/// A request in which only the origin is left to check.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) request: Request,
    pub(crate) wire: Wire,
}

impl Checked {
    pub(crate) fn new(head: &Head<'_>) -> Result<Self, Refusal> {
        let wire = head.wire();
        let request = match wire {
            Wire::Http1 => check(head).map_err(|error| Refusal::new(error, wire))?,
            Wire::Http2 => check_connect(head)?,
        };
        Ok(Self { request, wire })
    }

    pub(crate) fn accept(&self, upgrader: &Upgrader) -> Result<Accepted, Refusal> {
        Accepted::new(self, upgrader).map_err(|error| Refusal::new(error, self.wire))
    }
}

fn check(head: &Head<'_>) -> Result<Request, HandshakeError> {
    if head.version != Version::HTTP_11 {
        return Err(HandshakeError::HttpVersion);
    }
    let target = head.uri.to_string();
    Request::from_parts(head.method.as_str(), &target, head.fields())
}

/// RFC 8441 §5: subprotocols, extensions, version and origin are those of HTTP/1.1; `:protocol` does what `Upgrade` and `Connection` do, and
/// there is no key. With these put in its place, an extended CONNECT is checked by the same code.
fn check_connect(head: &Head<'_>) -> Result<Request, Refusal> {
    let refuse = |error| Refusal::new(error, Wire::Http2);
    if matches!(*head.method, Method::GET | Method::HEAD) {
        return Err(refuse(HandshakeError::NotAnUpgrade));
    }
    if head.method != Method::CONNECT {
        return Err(refuse(HandshakeError::Method));
    }
    let protocol = (head.protocol).ok_or_else(|| refuse(HandshakeError::NotAnUpgrade))?;
    if !is_websocket(protocol) {
        // RFC 9220 §3: the status for a protocol that is not known here.
        return Err(refuse(HandshakeError::NotAnUpgrade).with_status(StatusCode::NOT_IMPLEMENTED));
    }
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    // RFC 9113 §8.3.1: `:authority` goes before `Host`.
    let authority = head.uri.authority().map(|authority| authority.as_str());
    let is_replaced = |name: &HeaderName| match name {
        &header::CONNECTION | &header::UPGRADE | &header::SEC_WEBSOCKET_KEY => true,
        &header::HOST => authority.is_some(),
        _ => false,
    };
    let added = [
        (header::HOST, authority),
        (header::CONNECTION, Some("Upgrade")),
        (header::UPGRADE, Some("websocket")),
        (header::SEC_WEBSOCKET_KEY, Some("AAAAAAAAAAAAAAAAAAAAAA==")),
    ];
    let added = added
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?.as_bytes())));
    let fields = (head.fields().filter(|(name, _)| !is_replaced(name))).chain(added);
    Request::from_parts("GET", target, fields).map_err(refuse)
}
