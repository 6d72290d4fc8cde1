//! From a URL to a connection.

use std::path::Path;

use bytes::Bytes;
use http::{HeaderName, header};
use sockeye::{DialOptions, ExtraHeaders, Role};

use crate::{
    Conn, DialError, Dialer, InvalidUrl, Parts, Redirects, Transport,
    dialer::{
        connect::Deadline,
        handshake::{self, Opened},
        redirect,
        url::Target,
    },
};

/// A byte stream on which the opening handshake comes next: what [`Dialer::connect`] gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dialed {
    /// The stream, with TLS on it where the URL asks for it.
    pub transport: Transport,
    /// What to ask for on it: give it to [`sockeye::ClientHandshake`].
    pub options: DialOptions,
    /// The URL with the scheme `ws` or `wss`, and without user and password.
    pub url: String,
    /// What [`Dialer::follow`] needs beside the response.
    pub redirects: Redirects,
}

impl Dialed {
    fn new(transport: Transport, options: DialOptions, redirects: Redirects) -> Self {
        Self {
            transport,
            options,
            url: redirects.request.target.to_websocket_url(),
            redirects,
        }
    }
}

/// What is asked of which server.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) target: Target,
    pub(super) headers: ExtraHeaders,
    pub(super) host: Option<String>,
}

impl Dialer {
    /// Opens a connection: `ws://` or `wss://`, or `http://` and `https://` for the same. User and password in the URL are shown to the
    /// server (Basic authentication), unless there is a header `Authorization`. A fragment is refused
    /// ([RFC 6455 §3](https://www.rfc-editor.org/rfc/rfc6455#section-3)). `ws+unix:/path/of/socket:/request/path` goes to a Unix socket.
    ///
    /// With the connection comes the server's response, for its header fields.
    ///
    /// Dropping the future ends all that it began; only a lookup of a name, which the system's resolver does on a thread, runs out.
    ///
    /// # Errors
    ///
    /// Each [`DialError`]. What the server answered is in [`DialError::response`].
    pub async fn dial(&self, url: &str) -> Result<(Conn, http::Response<Bytes>), DialError> {
        let request = self.request(url)?;
        // In a box, which goes when the handshake is done: the task of the connection stays small.
        Box::pin(async { self.open(self.connect_request(request).await?).await }).await
    }

    /// Opens a connection through the Unix socket at this path. The URL says what to ask for there; with `wss://`, TLS is spoken on it.
    ///
    /// # Errors
    ///
    /// Those of [`dial`](Self::dial).
    pub async fn dial_unix(
        &self,
        path: impl AsRef<Path>,
        url: &str,
    ) -> Result<(Conn, http::Response<Bytes>), DialError> {
        let mut request = self.request(url)?;
        request.target.unix = Some(path.as_ref().to_owned());
        Box::pin(async { self.open(self.connect_request(request).await?).await }).await
    }

    /// Opens a connection on a stream that is connected to the server already. With `wss://`, TLS is spoken on it; for a stream that has
    /// TLS see [`tls_connector`](Self::tls_connector). Redirects are not followed.
    ///
    /// # Errors
    ///
    /// Those of [`dial`](Self::dial).
    pub async fn dial_over(
        &self,
        stream: impl Into<Transport>,
        url: &str,
    ) -> Result<(Conn, http::Response<Bytes>), DialError> {
        let (request, stream) = (self.request(url)?, stream.into());
        let open = async {
            let options = self.options(&request)?;
            let deadline = Deadline::after(self.handshake_timeout);
            let stream = self.secure(stream, &request.target, deadline).await?;
            let follow = Redirects {
                request,
                deadline,
                followed: 0,
                limit: 0,
            };
            self.open(Dialed::new(stream, options, follow)).await
        };
        Box::pin(open).await
    }

    /// Only connects: to do the opening handshake oneself on the stream. Give the response to [`follow`](Self::follow) where redirects
    /// are to be followed and cookies to be kept.
    ///
    /// Dropping the future ends all that it began.
    ///
    /// # Errors
    ///
    /// Each [`DialError`] that is not about the handshake.
    pub async fn connect(&self, url: &str) -> Result<Dialed, DialError> {
        self.connect_request(self.request(url)?).await
    }

    /// Takes the response to a handshake that was done on what [`connect`](Self::connect) gave: keeps its cookies, and connects to where it
    /// redirects. `None`: it does not redirect, or [no redirect is to be followed](Self::follow_redirects).
    ///
    /// # Errors
    ///
    /// [`DialError::Redirect`], and those of [`connect`](Self::connect).
    pub async fn follow(
        &self,
        redirects: Redirects,
        response: &http::Response<Bytes>,
    ) -> Result<Option<Dialed>, DialError> {
        #[cfg(feature = "cookies")]
        if let Some(jar) = &self.jar {
            jar.store_from(redirects.request.target.http_url(), response.headers());
        }
        if redirects.limit == 0 || !redirect::is_redirect(response) {
            return Ok(None);
        }
        let follow = redirects.next(response, self.allows_downgrade);
        let follow = follow.map_err(|reason| DialError::Redirect {
            reason,
            response: Box::new(response.clone()),
        })?;
        self.connect_again(follow).await.map(Some)
    }

    async fn connect_request(&self, request: Request) -> Result<Dialed, DialError> {
        let deadline = Deadline::after(self.handshake_timeout);
        let follow = Redirects {
            request,
            deadline,
            followed: 0,
            limit: self.max_redirects,
        };
        self.connect_again(follow).await
    }

    async fn connect_again(&self, redirects: Redirects) -> Result<Dialed, DialError> {
        let Redirects {
            request, deadline, ..
        } = &redirects;
        let options = self.options(request)?;
        let transport = self.connect_to(&request.target, *deadline).await?;
        Ok(Dialed::new(transport, options, redirects))
    }

    /// Shakes hands, and connects again while redirects are followed.
    async fn open(&self, mut dialed: Dialed) -> Result<(Conn, http::Response<Bytes>), DialError> {
        loop {
            let Dialed {
                transport,
                options,
                redirects,
                ..
            } = dialed;
            let peer = redirects.request.target.peer();
            let outcome = handshake::open(transport, &options, &peer, redirects.deadline).await;
            let response = match &outcome {
                Ok(opened) => Some(&opened.response),
                Err(error) => error.response(),
            };
            if let Some(response) = response
                && let Some(next) = self.follow(redirects, response).await?
            {
                dialed = next;
                continue;
            }
            let Opened {
                transport,
                unread,
                agreement,
                response,
            } = outcome?;
            let mut config = self.config.clone();
            if let Some(deflate) = self.deflate {
                config.deflate = deflate;
            }
            let conn = Conn::from_parts(Parts {
                transport,
                role: Role::Client,
                agreement,
                unread,
                config,
            });
            return Ok((conn, response));
        }
    }

    fn request(&self, url: &str) -> Result<Request, DialError> {
        let (target, authorization) = Target::parse(url)?;
        let mut headers = self.headers.clone();
        if let Some(value) = authorization
            && !contains(&headers, &header::AUTHORIZATION)
        {
            headers.push("Authorization", value)?;
        }
        Ok(Request {
            target,
            headers,
            host: self.host.clone(),
        })
    }

    /// What to ask for in the handshake.
    fn options(&self, request: &Request) -> Result<DialOptions, DialError> {
        let target = &request.target;
        let host = request.host.clone();
        let host = host.unwrap_or_else(|| target.host_header());
        let options = DialOptions::new(host, target.request_target());
        let mut options = options.map_err(|error| InvalidUrl::new(error.to_string()))?;
        options.set_subprotocols(self.subprotocols.iter().map(String::as_str))?;
        options.set_origin(self.origin.clone())?;
        options.deflate = self.deflate;
        options.headers = self.headers_with_cookies(request)?;
        options.timeout = self.handshake_timeout;
        Ok(options)
    }

    /// The header fields, with one `Cookie` for all cookies (RFC 6265 §5.4): the application's, then those of the jar.
    fn headers_with_cookies(&self, request: &Request) -> Result<ExtraHeaders, DialError> {
        let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
        let (mut headers, mut cookies) = (ExtraHeaders::new(), Vec::new());
        for (name, value) in request.headers.iter() {
            if is_cookie(name) {
                cookies.push(value.to_vec());
            } else {
                headers.push(name, value)?;
            }
        }
        #[cfg(feature = "cookies")]
        if let Some(jar) = &self.jar {
            let cookie = jar.cookies_for(request.target.http_url());
            cookies.extend(cookie.map(String::into_bytes));
        }
        if !cookies.is_empty() {
            headers.push("Cookie", cookies.join(&b"; "[..]))?;
        }
        Ok(headers)
    }
}

/// Whether there is such a field.
fn contains(headers: &ExtraHeaders, name: &HeaderName) -> bool {
    (headers.iter()).any(|(other, _)| other.eq_ignore_ascii_case(name.as_str()))
}
