//! How a dialer dials.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sockeye::{DialOptions, InvalidOption, PerMessageDeflate};

#[cfg(feature = "cookies")]
use crate::CookieJar;
#[cfg(feature = "proxy")]
use crate::ProxyPolicy;
#[cfg(feature = "tls")]
use crate::TlsRoots;
use crate::{Config, Connector, DialError, Dialer};

impl Dialer {
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

    /// Sets how connections behave after the handshake: limits, keepalive, buffers. Default: that of [`Config::new`] for a client. What
    /// [`deflate`](Self::deflate) offers counts more than what is in here.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the longest message in bytes, after inflation. Default 1 MiB. Above it the connection fails with 1009.
    #[must_use]
    pub const fn message_size(mut self, size: usize) -> Self {
        self.config.limits.message_size = size;
        self.config.limits.frame_size = size as u64;
        self
    }

    /// Sends and keeps cookies. Default: none are. A header `Cookie` is sent with them, in front. The jar is shared: keep a clone to save it.
    #[cfg(feature = "cookies")]
    #[must_use]
    pub fn cookie_jar(mut self, jar: impl Into<Option<CookieJar>>) -> Self {
        self.jar = jar.into();
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
}

/// Something to check settings with.
fn sample_options() -> Result<DialOptions, InvalidOption> {
    DialOptions::new("localhost", "/")
}
