//! The client: from a URL to a connection.

use std::{fmt, sync::Arc, time::Duration};

use sockeye::{ExtraHeaders, PerMessageDeflate, Role};

use crate::Config;

mod connect;
mod connector;
#[cfg(feature = "cookies")]
mod cookies;
mod dial;
mod error;
mod handshake;
#[cfg(feature = "proxy")]
mod proxy;
mod redirect;
mod settings;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod url;

use connect::TcpOptions;
pub use connector::{Connecting, Connector};
#[cfg(feature = "cookies")]
pub use cookies::CookieJar;
pub use dial::Dialed;
pub use error::{ConnectAttempt, DialError, Phase};
#[cfg(feature = "proxy")]
pub use proxy::{ProxyError, ProxyPolicy, SocksReply};
pub use redirect::{RedirectError, Redirects};
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsRoots};

pub use self::url::InvalidUrl;

/// Opens connections to servers: looks the name up, connects, through a proxy where one is set, speaks TLS for `wss://`, and does the
/// opening handshake ([RFC 6455 §4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
///
/// Set once, it dials any number of times. Clones share the cookie jar and the tickets that resume TLS sessions.
///
/// ```no_run
/// use sockeye_tokio::Dialer;
///
/// # async fn dial() -> Result<(), Box<dyn std::error::Error>> {
/// let dialer = Dialer::new().subprotocols(["chat"])?.header("X-Room", "1")?;
/// let (mut conn, response) = dialer.dial("wss://user:password@example.com/chat").await?;
/// assert_eq!(response.status(), 101);
/// conn.send("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Dialer {
    headers: ExtraHeaders,
    host: Option<String>,
    origin: Option<String>,
    subprotocols: Vec<String>,
    deflate: Option<PerMessageDeflate>,
    config: Config,
    handshake_timeout: Option<Duration>,
    max_redirects: usize,
    allows_downgrade: bool,
    tcp: TcpOptions,
    connector: Option<Arc<dyn Connector>>,
    tls_connector: Option<Arc<dyn Connector>>,
    #[cfg(feature = "cookies")]
    jar: Option<CookieJar>,
    #[cfg(feature = "proxy")]
    proxy: ProxyPolicy,
    #[cfg(feature = "tls")]
    tls: tls::TlsSettings,
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
            config: Config::new(Role::Client),
            handshake_timeout: Some(Duration::from_secs(45)),
            max_redirects: 0,
            allows_downgrade: false,
            tcp: TcpOptions::default(),
            connector: None,
            tls_connector: None,
            #[cfg(feature = "cookies")]
            jar: None,
            #[cfg(feature = "proxy")]
            proxy: ProxyPolicy::environment(),
            #[cfg(feature = "tls")]
            tls: tls::TlsSettings::default(),
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
