//! Proxies: which one, and the way through it.

use std::{fmt, sync::Arc};

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    DialError, Dialer, Phase, Transport,
    dialer::{
        connect::{Deadline, peer, resolve},
        url::{InvalidUrl, Target, basic_credentials},
    },
};

mod env;
mod error;
mod socks;
mod tunnel;

pub use error::{ProxyError, SocksReply};

use env::{Exceptions, Variables};

/// Which proxy a [`Dialer`] goes through.
///
/// A proxy is a URL: `http://` and `https://` are asked with the CONNECT method
/// ([RFC 9110 §9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)), without and with TLS on the way to them; `socks5://` and
/// `socks5h://` speak SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)): the first is given an address that is looked up here,
/// the second the name. User and password in it are shown to the proxy. The ports are 80, 443 and 1080 unless it has one.
#[derive(Clone, Debug)]
pub struct ProxyPolicy(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Direct,
    Environment(Arc<Variables>),
    Always { proxy: Proxy, except: Exceptions },
}

impl ProxyPolicy {
    /// No proxy.
    #[must_use]
    pub const fn none() -> Self {
        Self(Rule::Direct)
    }

    /// What the environment says now: `HTTP_PROXY` is for `ws://`, `HTTPS_PROXY` for `wss://`, `ALL_PROXY` for both where they are not
    /// set; each also in lower case. A proxy that is not understood is an error of the dial, which must not go another way.
    ///
    /// `NO_PROXY` excepts hosts: a list with commas of names (their subdomains too), of addresses and networks as `10.0.0.0/8`, each
    /// with a port or without, or `*`. The local host and its addresses are never dialled through a proxy.
    ///
    /// Where `REQUEST_METHOD` is set, `HTTP_PROXY` is ignored: in a CGI program it comes from a request's `Proxy` header (CVE-2016-5385).
    #[must_use]
    pub fn environment() -> Self {
        Self::from_variables(env::system())
    }

    /// The same with these variables, each a name and a value.
    #[must_use]
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        Self(Rule::Environment(Arc::new(Variables::collect(variables))))
    }

    /// This proxy for every server, the local host included.
    ///
    /// # Errors
    ///
    /// [`DialError::InvalidProxy`]: it is not such a URL.
    pub fn url(url: &str) -> Result<Self, DialError> {
        Ok(Self(Rule::Always {
            proxy: Proxy::parse(url).map_err(|reason| invalid("the proxy URL", reason))?,
            except: Exceptions::default(),
        }))
    }

    /// Excepts hosts from the proxy of [`url`](Self::url), written as in `NO_PROXY`. Without effect on the others.
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        if let Rule::Always { except, .. } = &mut self.0 {
            *except = Exceptions::parse(hosts);
        }
        self
    }

    /// The proxy to this server.
    fn proxy_for(&self, target: &Target) -> Result<Option<Proxy>, DialError> {
        let (host, port) = (target.host(), target.port());
        match &self.0 {
            Rule::Direct => Ok(None),
            Rule::Environment(variables) => variables.proxy_for(target.is_secure(), &host, port),
            Rule::Always { except, .. } if except.contains(&host, port) => Ok(None),
            Rule::Always { proxy, .. } => Ok(Some(proxy.clone())),
        }
    }
}

/// What a proxy's URL says.
#[derive(Clone, PartialEq, Eq)]
struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    user: Option<(String, String)>,
    authorization: Option<HeaderValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Https,
    /// Names are looked up here.
    Socks5,
    /// Names are looked up by the proxy.
    Socks5h,
}

impl Proxy {
    /// Reads a proxy's URL. Without a scheme it is HTTP.
    fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" => (Kind::Socks5, 1080),
            "socks5h" => (Kind::Socks5h, 1080),
            _ => {
                return Err(InvalidUrl::new(
                    "its scheme is not http, https, socks5 or socks5h",
                ));
            }
        };
        // Read as https, the host is checked; its default port is then the only one that is not told from none.
        let rest = rest.trim_end_matches('/');
        let url = Url::parse(&format!("https://{rest}"))
            .map_err(|error| InvalidUrl::new(error.to_string()))?;
        let port = match url.port() {
            None if rest.ends_with(":443") => 443,
            port => port.unwrap_or(default_port),
        };
        let host = url.host_str().unwrap_or_default();
        let user = (!url.username().is_empty()).then(|| {
            let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
            (
                decode(url.username()),
                decode(url.password().unwrap_or_default()),
            )
        });
        Ok(Self {
            kind,
            host: host.trim_matches(['[', ']']).into(),
            port,
            user,
            authorization: basic_credentials(&url),
        })
    }

    /// The URL without user and password.
    fn name(&self) -> String {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks5 => "socks5",
            Kind::Socks5h => "socks5h",
        };
        format!("{scheme}://{}", peer(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Dialer {
    /// Connects to a server through the proxy that is for it. `None`: there is none.
    pub(super) async fn connect_through_proxy(
        &self,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Option<Transport>, DialError> {
        let Some(proxy) = self.proxy.proxy_for(target)? else {
            return Ok(None);
        };
        let name = proxy.name();
        let failed = |source| DialError::Proxy {
            proxy: name.clone(),
            source,
        };
        let mut stream = self
            .connect_to_proxy(&proxy, deadline)
            .await
            .map_err(|error| failed(ProxyError::Unreachable(Box::new(error))))?;
        let (host, port) = (target.host(), target.port());
        let peer = format!("{} through {name}", target.peer());
        // RFC 1928 §4 knows addresses too. Which of several one is reachable, only the proxy could find out.
        let address = match proxy.kind {
            Kind::Socks5 => {
                let resolve = resolve(&host, port);
                let addresses = deadline.within(Phase::Resolve, &peer, resolve).await?;
                addresses.first().copied()
            }
            _ => None,
        };
        let ask = async {
            match proxy.kind {
                Kind::Http | Kind::Https => {
                    tunnel::open(&mut stream, &host, port, proxy.authorization.as_ref()).await
                }
                Kind::Socks5 | Kind::Socks5h => {
                    let target = socks::Address::new(&host, port, address);
                    socks::open(&mut stream, target, proxy.user.as_ref()).await
                }
            }
            .map_err(failed)
        };
        deadline.within(Phase::Proxy, &peer, ask).await?;
        Ok(Some(stream))
    }

    async fn connect_to_proxy(
        &self,
        proxy: &Proxy,
        deadline: Deadline,
    ) -> Result<Transport, DialError> {
        let (host, port) = (proxy.host.as_str(), proxy.port);
        if proxy.kind != Kind::Https {
            return self.connect_plain(host, port, deadline).await;
        }
        if let Some(connector) = self.tls_connector.as_deref() {
            return super::stream::connect_with(connector, host, port, deadline).await;
        }
        let stream = self.connect_plain(host, port, deadline).await?;
        self.speak_tls(stream, host, &peer(host, port), deadline)
            .await
    }
}

/// The error of a proxy that is not understood. It does not repeat the URL, which may have a password in it.
fn invalid(what: &str, reason: InvalidUrl) -> DialError {
    DialError::InvalidProxy {
        setting: what.into(),
        reason,
    }
}
