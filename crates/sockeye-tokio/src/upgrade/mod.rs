//! Requests that an HTTP server has read already.

mod refusal;
mod request;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use sockeye::{Agreement, HandshakeError, Role};

pub use self::refusal::Refusal;
pub(crate) use self::request::{Checked, Head, Wire};
use crate::{Config, Conn, Transport, Upgrader};

impl Upgrader {
    /// Checks a request that an HTTP server has read, and says what to answer. For servers that hand out the byte stream themselves; with
    /// hyper, `Upgrader::upgrade` does the rest, too.
    ///
    /// It may be HTTP/1.1, or what hyper has received as an extended CONNECT over HTTP/2, with the feature `http2`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye_tokio::Upgrader;
    ///
    /// let (parts, ()) = http::Request::builder()
    ///     .uri("/chat")
    ///     .header("Host", "example.com")
    ///     .header("Connection", "Upgrade")
    ///     .header("Upgrade", "websocket")
    ///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    ///     .header("Sec-WebSocket-Version", "13")
    ///     .body(())?
    ///     .into_parts();
    /// let accepted = Upgrader::new().check(&parts)?;
    /// let response: http::Response<()> = accepted.response();
    /// assert_eq!(response.status(), 101);
    /// assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /// // Once that is written: accepted.into_conn(stream, unread).
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks ([RFC 6455 §4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)), with the response
    /// that tells the client.
    pub fn check(&self, parts: &Parts) -> Result<Accepted, Refusal> {
        Checked::new(&Head::from(parts))?.accept(self)
    }

    /// Checks an extended CONNECT ([RFC 8441 §5](https://www.rfc-editor.org/rfc/rfc8441#section-5) for HTTP/2,
    /// [RFC 9220](https://www.rfc-editor.org/rfc/rfc9220) for HTTP/3) with this value of `:protocol`, from any server.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`].
    pub fn check_connect(&self, parts: &Parts, protocol: &str) -> Result<Accepted, Refusal> {
        let head = Head {
            protocol: Some(protocol),
            ..Head::from(parts)
        };
        Checked::new(&head)?.accept(self)
    }
}

/// A request that may become a connection, and the answer to it.
///
/// Write the [`response`](Self::response), then call [`into_conn`](Self::into_conn).
#[derive(Clone, Debug)]
pub struct Accepted {
    status: StatusCode,
    headers: HeaderMap,
    agreement: Agreement,
    config: Config,
}

impl Accepted {
    fn new(checked: &Checked, upgrader: &Upgrader) -> Result<Self, HandshakeError> {
        let agreement = checked.request.agree(&upgrader.options)?;
        let mut headers = HeaderMap::new();
        let status = match checked.wire {
            Wire::Http1 => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                let accept = checked.request.accept_key();
                insert(&mut headers, header::SEC_WEBSOCKET_ACCEPT, &accept)?;
                StatusCode::SWITCHING_PROTOCOLS
            }
            // RFC 8441 §5: a 2xx status does what 101 does, and there is no key to answer.
            Wire::Http2 => StatusCode::OK,
        };
        if let Some(subprotocol) = &agreement.subprotocol {
            insert(&mut headers, header::SEC_WEBSOCKET_PROTOCOL, subprotocol)?;
        }
        if let Some(extensions) = &agreement.extensions {
            insert(&mut headers, header::SEC_WEBSOCKET_EXTENSIONS, extensions)?;
        }
        for (name, value) in upgrader.options.headers.iter() {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value);
            headers
                .try_append(
                    name.map_err(|_| HandshakeError::HeaderName)?,
                    value.map_err(|_| HandshakeError::HeaderValue)?,
                )
                .map_err(|_| HandshakeError::TooManyHeaders { limit: MAX_HEADERS })?;
        }
        Ok(Self {
            status,
            headers,
            agreement,
            config: upgrader.config.clone(),
        })
    }

    /// The response that lets the client in: 101, or 200 over HTTP/2. Header fields of your own may be added to it, `Set-Cookie` among them.
    #[must_use]
    pub fn response<B: Default>(&self) -> http::Response<B> {
        let mut response = http::Response::new(B::default());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }

    /// What the response agrees to.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// The connection, once the response is written: on this byte stream, of which these bytes were read already behind the request.
    #[must_use]
    pub fn into_conn(self, transport: impl Into<Transport>, unread: impl Into<Vec<u8>>) -> Conn {
        Conn::from_parts(crate::Parts {
            transport: transport.into(),
            role: Role::Server,
            agreement: self.agreement,
            unread: unread.into(),
            config: self.config,
        })
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), HandshakeError> {
    let value = HeaderValue::try_from(value).map_err(|_| HandshakeError::HeaderValue)?;
    headers.insert(name, value);
    Ok(())
}

/// What a `HeaderMap` holds.
const MAX_HEADERS: usize = 24_576;
