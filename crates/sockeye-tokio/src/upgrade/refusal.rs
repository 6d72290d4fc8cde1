//! Requests that are not upgraded.

use std::{error, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sockeye::HandshakeError;

use super::Wire;
use crate::UpgradeError;

/// Why a request was not upgraded, and the response that tells the client, who has not been told yet.
///
/// Send [`response`](Self::response), or one of your own made from [`error`](Self::error).
#[derive(Debug)]
pub struct Refusal {
    error: UpgradeError,
    wire: Wire,
    /// Where it is not that of the error.
    status: Option<StatusCode>,
}

impl Refusal {
    pub(crate) fn new(error: impl Into<UpgradeError>, wire: Wire) -> Self {
        Self {
            error: error.into(),
            wire,
            status: None,
        }
    }

    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// The response: status, header fields, and the reason as plain text.
    #[must_use]
    pub fn response<B: From<String>>(&self) -> http::Response<B> {
        let mut response = http::Response::new(B::from(self.text()));
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers();
        response
    }

    /// The reason.
    #[must_use]
    pub const fn error(&self) -> &UpgradeError {
        &self.error
    }

    /// The status of the response: 400 to 505.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if let Some(status) = self.status {
            return status;
        }
        let status = self
            .error
            .status()
            .and_then(|status| StatusCode::from_u16(status).ok());
        match (status, self.wire) {
            // RFC 9110 §15.5.22: 426 comes with `Upgrade`, which HTTP/2 does not have.
            (Some(StatusCode::UPGRADE_REQUIRED), Wire::Http2) => StatusCode::BAD_REQUEST,
            (Some(status), _) => status,
            (None, _) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The header fields that belong to the response: `Sec-WebSocket-Version: 13` when the client speaks another version
    /// ([RFC 6455 §4.4](https://www.rfc-editor.org/rfc/rfc6455#section-4.4)), `Allow` with 405, `Content-Type`. Over HTTP/1.1 the connection closes:
    /// a client that was sure to be let in may have sent frames already, which are not the next request.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let fields = match &self.error {
            UpgradeError::Handshake(error) => error.headers(),
            _ => &[("Connection", "close")],
        };
        for &(name, value) in fields {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        if self.wire == Wire::Http2 {
            // RFC 9113 §8.2.2: HTTP/2 does not have them.
            headers.remove(header::CONNECTION);
            headers.remove(header::UPGRADE);
            if headers.contains_key(header::ALLOW) {
                headers.insert(header::ALLOW, HeaderValue::from_static("CONNECT"));
            }
        }
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, text);
        headers
    }

    fn text(&self) -> String {
        match (&self.error, self.wire) {
            (UpgradeError::Handshake(HandshakeError::Method), Wire::Http2) => {
                "This WebSocket server refuses the request: over HTTP/2 the method must be CONNECT, with :protocol websocket (RFC 8441).\n".into()
            }
            (error, _) => {
                let mut text = format!("This WebSocket server refuses the request: {error}");
                if !text.ends_with('?') {
                    text.push('.');
                }
                text.push('\n');
                text
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl error::Error for Refusal {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.error.source()
    }
}

impl From<Refusal> for UpgradeError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}
