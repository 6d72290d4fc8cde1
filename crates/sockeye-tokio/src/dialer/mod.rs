//! The client: from a URL to a connection.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sockeye::{DialOptions, ExtraHeaders, InvalidOption, PerMessageDeflate};

use crate::Transport;

mod connect;
mod connector;
mod error;
mod handshake;
#[cfg(feature = "proxy")]
mod proxy;
mod redirect;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use self::url::InvalidUrl;
pub use connector::{Connecting, Connector};
pub use error::{ConnectAttempt, DialError, Phase};
#[cfg(feature = "proxy")]
pub use proxy::{ProxyError, ProxyPolicy, SocksReply};
pub use redirect::RedirectError;
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsRoots};

use self::url::Target;
use connect::{Deadline, TcpOptions};
use handshake::Opened;

/// Opens connections to servers: looks the name up, connects, through a proxy where one is set, speaks TLS for `wss://`, and does the
/// opening handshake ([RFC 6455 §4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
///
/// Set once, it dials any number of times. Clones share the cookie jar and the tickets that resume TLS sessions.
#[derive(Clone)]
pub struct Dialer {
    headers: ExtraHeaders,
    host: Option<String>,
    origin: Option<String>,
    subprotocols: Vec<String>,
    deflate: Option<PerMessageDeflate>,
    handshake_timeout: Option<Duration>,
    max_redirects: usize,
    allows_downgrade: bool,
    tcp: TcpOptions,
    connector: Option<Arc<dyn Connector>>,
    tls_connector: Option<Arc<dyn Connector>>,
    #[cfg(feature = "proxy")]
    proxy: ProxyPolicy,
    #[cfg(feature = "tls")]
    tls: tls::TlsSettings,
}

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
}

/// What is asked of which server.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    target: Target,
    headers: ExtraHeaders,
    host: Option<String>,
}

impl Dialer {
    /// The defaults: 45 s for everything, proxies as the environment says, no compression, no cookies, no redirects.
    #[must_use]
    pub fn new() -> Self {
        Self {
            headers: ExtraHeaders::new(),
            host: None,
            origin: None,
            subprotocols: Vec::new(),
            deflate: None,
            handshake_timeout: Some(Duration::from_secs(45)),
            max_redirects: 0,
            allows_downgrade: false,
            tcp: TcpOptions::default(),
            connector: None,
            tls_connector: None,
            #[cfg(feature = "proxy")]
            proxy: ProxyPolicy::environment(),
            #[cfg(feature = "tls")]
            tls: tls::TlsSettings::default(),
        }
    }

    /// Adds a header field to the request. `Origin` and `Host` replace what would be sent.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidHeader`]: the name or value is malformed, or the field is the handshake's own.
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, DialError>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let Ok(name) = name.try_into() else {
            return Err(DialError::InvalidHeader {
                name: String::new(),
                reason: InvalidOption::HeaderName,
            });
        };
        let refused = |reason| DialError::InvalidHeader {
            name: name.to_string(),
            reason,
        };
        let Ok(value) = value.try_into() else {
            return Err(refused(InvalidOption::HeaderValue));
        };
        if name == header::ORIGIN || name == header::HOST {
            let text = str::from_utf8(value.as_bytes())
                .map_err(|_| refused(InvalidOption::HeaderValue))?;
            if name == header::ORIGIN {
                return self
                    .origin(text)
                    .map_err(|_| refused(InvalidOption::Origin));
            }
            DialOptions::new(text, "/").map_err(refused)?;
            self.host = Some(text.into());
        } else {
            self.headers
                .push(name.as_str(), value.as_bytes())
                .map_err(refused)?;
        }
        Ok(self)
    }

    /// Adds header fields to the request, as [`header`](Self::header) does.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidHeader`] at the first that is not allowed.
    pub fn headers(self, headers: &HeaderMap) -> Result<Self, DialError> {
        headers.iter().try_fold(self, |dialer, (name, value)| {
            dialer.header(name.clone(), value.clone())
        })
    }

    /// Sets the subprotocols to offer, in order of preference. Default none. A server that chooses another is refused.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidOption`]: one is not a token, or is there twice.
    pub fn subprotocols<S: Into<String>>(
        mut self,
        subprotocols: impl IntoIterator<Item = S>,
    ) -> Result<Self, DialError> {
        let subprotocols: Vec<String> = subprotocols.into_iter().map(Into::into).collect();
        sample_options()?.set_subprotocols(subprotocols.iter().map(String::as_str))?;
        self.subprotocols = subprotocols;
        Ok(self)
    }

    /// Sets the value of `Origin`, as `https://example.com`. Default none: only browsers need to send one.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidOption`]: it is not an origin.
    pub fn origin(mut self, origin: impl Into<String>) -> Result<Self, DialError> {
        let origin = origin.into();
        sample_options()?.set_origin(Some(origin.clone()))?;
        self.origin = Some(origin);
        Ok(self)
    }

    /// Offers compression, or does not. Default `None`.
    #[must_use]
    pub fn deflate(mut self, deflate: impl Into<Option<PerMessageDeflate>>) -> Self {
        self.deflate = deflate.into();
        self
    }

    /// Bounds the whole dial: lookup, connecting, proxy, TLS, the opening handshake, and all of that again for each redirect.
    /// Default 45 s. `None`: as long as it takes.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.handshake_timeout = timeout.into();
        self
    }

    /// Follows at most this many redirects, one after the other. Default 0: a redirect is a refusal.
    ///
    /// Another origin (scheme, host, port) gets neither `Authorization` nor `Cookie` of the application's, nor user and password of the
    /// URL. User and password in a `Location` are never used.
    #[must_use]
    pub const fn follow_redirects(mut self, max: usize) -> Self {
        self.max_redirects = max;
        self
    }

    /// Follows redirects from `wss://` to `ws://` too. Default false.
    #[must_use]
    pub const fn allow_redirects_without_tls(mut self, allow: bool) -> Self {
        self.allows_downgrade = allow;
        self
    }

    /// Connects from this address. Default: the operating system chooses.
    #[must_use]
    pub fn local_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        self.tcp.local_address = address.into();
        self
    }

    /// Sends each write at once (`TCP_NODELAY`). Default true: messages are gathered before they are written.
    #[must_use]
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.tcp.delay = !nodelay;
        self
    }

    /// Sets which proxy to go through. Default [`ProxyPolicy::environment`]. There is none on the way to Unix sockets.
    #[cfg(feature = "proxy")]
    #[must_use]
    pub fn proxy(mut self, policy: ProxyPolicy) -> Self {
        self.proxy = policy;
        self
    }

    /// Has all connections, to servers and to proxies, made by the application. TLS and proxies are still spoken on its streams.
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// Has encrypted connections, to `wss://` servers and to `https://` proxies, made by the application: TLS is its business then. To a
    /// `wss://` server behind a proxy, TLS is spoken here.
    #[must_use]
    pub fn tls_connector(mut self, connector: impl Connector) -> Self {
        self.tls_connector = Some(Arc::new(connector));
        self
    }

    /// Sets which certificates are trusted.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_roots(mut self, roots: TlsRoots) -> Self {
        self.tls.set_roots(roots);
        self
    }

    /// Sets the certificate that says who we are, with the chain to its authority behind it, and its private key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`DialError::TlsSettings`]: one of them is malformed, or they do not belong together.
    #[cfg(feature = "tls")]
    pub fn client_certificate(
        mut self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, DialError> {
        self.tls.set_identity(chain.as_ref(), key.as_ref())?;
        Ok(self)
    }

    /// Accepts whatever certificate a server shows: anybody on the way can read and change everything. For tests only.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn dangerous_accept_any_certificate(mut self) -> Self {
        self.tls.accept_any_certificate();
        self
    }

    /// Sets everything about TLS, in place of the other settings. ALPN is always `http/1.1`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls.set_config(config);
        self
    }

    /// Only connects: to do the opening handshake oneself on the stream. Redirects are not followed.
    ///
    /// Dropping the future ends all that it began.
    ///
    /// # Errors
    ///
    /// Each [`DialError`] that is not about the handshake.
    pub async fn connect(&self, url: &str) -> Result<Dialed, DialError> {
        let request = self.request(url, None)?;
        let options = self.options(&request)?;
        let deadline = Deadline::after(self.handshake_timeout);
        let transport = self.connect_to(&request.target, deadline).await?;
        Ok(Dialed {
            transport,
            options,
            url: request.target.to_websocket_url(),
        })
    }

    #[expect(dead_code, reason = "for the connection, which is next")]
    async fn dial_opened(&self, url: &str, unix: Option<&Path>) -> Result<Opened, DialError> {
        self.open(self.request(url, unix)?, None).await
    }

    fn request(&self, url: &str, unix: Option<&Path>) -> Result<Request, DialError> {
        let (mut target, authorization) = Target::parse(url)?;
        if let Some(path) = unix {
            target.unix = Some(PathBuf::from(path));
        }
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
        options.headers = request.headers.clone();
        options.timeout = self.handshake_timeout;
        Ok(options)
    }

    /// Connects and shakes hands, again and again while redirects are followed. On a given stream there is only one try.
    async fn open(
        &self,
        mut request: Request,
        mut stream: Option<Transport>,
    ) -> Result<Opened, DialError> {
        let deadline = Deadline::after(self.handshake_timeout);
        let max_redirects = if stream.is_some() {
            0
        } else {
            self.max_redirects
        };
        let mut redirects = 0;
        loop {
            let options = self.options(&request)?;
            let transport = match stream.take() {
                Some(stream) => self.secure(stream, &request.target, deadline).await?,
                None => self.connect_to(&request.target, deadline).await?,
            };
            let peer = request.target.peer();
            let outcome = handshake::open(transport, &options, &peer, deadline).await;
            let (error, response) = match outcome {
                Err(DialError::Handshake {
                    error,
                    response: Some(response),
                }) if max_redirects > 0 && redirect::is_redirect(&response) => (error, response),
                outcome => return outcome,
            };
            drop(error);
            if redirects == max_redirects {
                let reason = RedirectError::TooMany {
                    limit: max_redirects,
                };
                return Err(DialError::Redirect { reason, response });
            }
            redirects += 1;
            request = match request.redirected(&response, self.allows_downgrade) {
                Ok(request) => request,
                Err(reason) => return Err(DialError::Redirect { reason, response }),
            };
        }
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("headers", &self.headers)
            .field("origin", &self.origin)
            .field("subprotocols", &self.subprotocols)
            .field("deflate", &self.deflate)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("max_redirects", &self.max_redirects)
            .finish_non_exhaustive()
    }
}

/// Something to check settings with.
fn sample_options() -> Result<DialOptions, InvalidOption> {
    DialOptions::new("localhost", "/")
}

fn contains(headers: &ExtraHeaders, name: &HeaderName) -> bool {
    (headers.iter()).any(|(other, _)| other.eq_ignore_ascii_case(name.as_str()))
}
