//! Responses that lead elsewhere ([RFC 9110 §15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{StatusCode, header};
use sockeye::ExtraHeaders;

use crate::dialer::{Request, url::InvalidUrl};

/// Why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were too many, one after the other.
    TooMany {
        /// How many were allowed.
        limit: usize,
    },
    /// The response does not say where to.
    LocationMissing,
    /// Where to is not a URL that can be dialled.
    LocationInvalid(InvalidUrl),
    /// It leads to something other than a WebSocket or HTTP.
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// It leads from an encrypted connection to one that is not.
    Downgrade {
        /// Where it leads.
        host: String,
    },
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(
                f,
                "the server redirected more than {limit} times: does it redirect in a circle?"
            ),
            Self::LocationMissing => {
                f.write_str("the server redirects, but its response has no Location header")
            }
            Self::LocationInvalid(reason) => {
                write!(
                    f,
                    "the server redirects to what cannot be dialled: {reason}"
                )
            }
            Self::UnsupportedScheme { scheme } => {
                write!(
                    f,
                    "the server redirects to a URL with the scheme {scheme:?}: there is no WebSocket"
                )
            }
            Self::Downgrade { host } => write!(
                f,
                "the server redirects from an encrypted connection to {host} without encryption: allow that, or use the new URL"
            ),
        }
    }
}

impl Error for RedirectError {}

/// Whether the response asks to be followed.
pub(crate) fn is_redirect(response: &http::Response<Bytes>) -> bool {
    matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

impl Request {
    /// The request that the response leads to, with the rules of
    /// [fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch): another origin does not get to see credentials.
    pub(crate) fn redirected(
        mut self,
        response: &http::Response<Bytes>,
        allows_downgrade: bool,
    ) -> Result<Self, RedirectError> {
        let location = response.headers().get(header::LOCATION);
        let location = location.ok_or(RedirectError::LocationMissing)?;
        let location = str::from_utf8(location.as_bytes()).map_err(|_| {
            RedirectError::LocationInvalid(InvalidUrl::new("the Location header is not UTF-8"))
        })?;
        let target = self.target.join(location).map_err(|error| match error {
            crate::DialError::UnsupportedScheme { scheme } => {
                RedirectError::UnsupportedScheme { scheme }
            }
            crate::DialError::InvalidUrl(reason) => RedirectError::LocationInvalid(reason),
            error => RedirectError::LocationInvalid(InvalidUrl::new(error.to_string())),
        })?;
        if self.target.is_secure() && !target.is_secure() && !allows_downgrade {
            let host = target.peer();
            return Err(RedirectError::Downgrade { host });
        }
        if !self.target.is_same_origin(&target) {
            self.headers = without_credentials(&self.headers);
            self.host = None;
        }
        self.target = target;
        Ok(self)
    }
}

/// The fields that any server may see.
fn without_credentials(headers: &ExtraHeaders) -> ExtraHeaders {
    let mut kept = ExtraHeaders::new();
    for (name, value) in headers.iter() {
        let is_secret = CREDENTIALS
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret.as_str()));
        if !is_secret {
            // They were accepted once.
            let _ = kept.push(name, value);
        }
    }
    kept
}

const CREDENTIALS: [http::HeaderName; 3] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
];
