//! Responses that lead elsewhere ([RFC 9110 §15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{StatusCode, header};
use sockeye::ExtraHeaders;

use crate::{
    DialError,
    dialer::{connect::Deadline, dial::Request, url::InvalidUrl},
};

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

/// Where a dial was, for where it is redirected to: a part of [`Dialed`](crate::Dialed).
#[derive(Clone, Debug)]
pub struct Redirects {
    pub(super) request: Request,
    /// The end of the whole dial.
    pub(super) deadline: Deadline,
    /// How many were followed, of at most how many.
    pub(super) followed: usize,
    pub(super) limit: usize,
}

impl Redirects {
    /// What the response leads to, with the rules of [fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch): another origin does not
    /// get to see credentials.
    pub(super) fn next(
        mut self,
        response: &http::Response<Bytes>,
        allows_downgrade: bool,
    ) -> Result<Self, RedirectError> {
        let request = &mut self.request;
        let location = response.headers().get(header::LOCATION);
        let location = location.ok_or(RedirectError::LocationMissing)?;
        let location = str::from_utf8(location.as_bytes()).map_err(|_| {
            RedirectError::LocationInvalid(InvalidUrl::new("the Location header is not UTF-8"))
        })?;
        let target = request.target.join(location).map_err(|error| match error {
            DialError::UnsupportedScheme { scheme } => RedirectError::UnsupportedScheme { scheme },
            DialError::InvalidUrl(reason) => RedirectError::LocationInvalid(reason),
            error => RedirectError::LocationInvalid(InvalidUrl::new(error.to_string())),
        })?;
        if request.target.is_secure() && !target.is_secure() && !allows_downgrade {
            let host = target.peer();
            return Err(RedirectError::Downgrade { host });
        }
        if self.followed == self.limit {
            return Err(RedirectError::TooMany { limit: self.limit });
        }
        self.followed += 1;
        if !request.target.is_same_origin(&target) {
            request.headers = without_credentials(&request.headers);
            request.host = None;
        }
        request.target = target;
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
