//! The variables of the environment that name proxies.

use std::{env, net::IpAddr};

use ipnet::IpNet;

use super::{Proxy, invalid};
use crate::DialError;

/// The variables that are about proxies.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    http: Option<Setting>,
    https: Option<Setting>,
    all: Option<Setting>,
    except: Exceptions,
}

#[derive(Clone, Debug)]
struct Setting {
    name: String,
    proxy: Result<Proxy, crate::InvalidUrl>,
}

/// Those of this process.
pub(super) fn system() -> impl Iterator<Item = (String, String)> {
    env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.to_string_lossy().into_owned()))
    })
}

impl Variables {
    pub(super) fn collect<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        const NAMES: [&str; 9] = [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "NO_PROXY",
            "no_proxy",
            "REQUEST_METHOD",
        ];
        let mut values: [Option<String>; 9] = Default::default();
        for (name, value) in variables {
            let place = NAMES.iter().position(|known| *known == name.as_ref());
            if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                *slot = Some(value.into()).filter(|value: &String| !value.is_empty());
            }
        }
        let [
            upper_http,
            lower_http,
            upper_https,
            lower_https,
            upper_all,
            lower_all,
            upper_no,
            lower_no,
            method,
        ] = values;
        // CVE-2016-5385: a CGI server turns a request's header `Proxy` into this variable.
        let upper_http = upper_http.filter(|_| method.is_none());
        Self {
            http: setting(["HTTP_PROXY", "http_proxy"], [upper_http, lower_http]),
            https: setting(["HTTPS_PROXY", "https_proxy"], [upper_https, lower_https]),
            all: setting(["ALL_PROXY", "all_proxy"], [upper_all, lower_all]),
            except: Exceptions::parse(&upper_no.or(lower_no).unwrap_or_default()),
        }
    }

    pub(super) fn proxy_for(
        &self,
        is_secure: bool,
        host: &str,
        port: u16,
    ) -> Result<Option<Proxy>, DialError> {
        if is_local(host) || self.except.contains(host, port) {
            return Ok(None);
        }
        let setting = if is_secure { &self.https } else { &self.http };
        match setting.as_ref().or(self.all.as_ref()) {
            None => Ok(None),
            Some(Setting { name, proxy }) => match proxy {
                Ok(proxy) => Ok(Some(proxy.clone())),
                Err(reason) => Err(invalid(name, reason.clone())),
            },
        }
    }
}

/// The first of the two that is set.
fn setting(names: [&str; 2], values: [Option<String>; 2]) -> Option<Setting> {
    let (name, value) = names
        .into_iter()
        .zip(values)
        .find_map(|(name, value)| Some((name, value?)))?;
    Some(Setting {
        name: name.into(),
        proxy: Proxy::parse(value.trim()),
    })
}

/// Whether this is the local host, as Go sees it.
fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_loopback = (host.parse::<IpAddr>()).is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

/// The hosts that no proxy is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    /// Any, if none is there.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// The addresses of this network, or one alone.
    Network(IpNet),
    /// Names that end so. With a dot in front, only subdomains.
    Suffix(String),
}

impl Exceptions {
    /// Reads a list with commas or spaces.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t']).map(str::trim);
        Self(entries.filter_map(Exception::parse).collect())
    }

    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.0.iter().any(|exception| {
            exception.port.is_none_or(|other| other == port) && exception.hosts.contains(host)
        })
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::network(entry) {
            return Some(Self { hosts, port: None });
        }
        let with_port = entry
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = match with_port {
            Some((host, port)) => (host, Some(port)),
            None => (entry, None),
        };
        let hosts = Hosts::network(host).or_else(|| Hosts::names(host))?;
        Some(Self { hosts, port })
    }
}

impl Hosts {
    fn network(text: &str) -> Option<Self> {
        let text = text.trim_matches(['[', ']']);
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| address()).ok()?;
        Some(Self::Network(network))
    }

    fn names(text: &str) -> Option<Self> {
        let name = text.strip_prefix('*').unwrap_or(text);
        match name.strip_prefix('.').unwrap_or(name) {
            "" if text.starts_with('*') => Some(Self::All),
            "" => None,
            _ => Some(Self::Suffix(
                name.trim_end_matches('.').to_ascii_lowercase(),
            )),
        }
    }

    fn contains(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Network(network) => (host.parse::<IpAddr>())
                .is_ok_and(|address| network.contains(&address.to_canonical())),
            Self::Suffix(suffix) => match suffix.strip_prefix('.') {
                // curl and most others let `.example.com` mean example.com too; Go does not. The wider one sends less through the proxy.
                Some(name) => host == name || host.ends_with(suffix.as_str()),
                None => (host.strip_suffix(suffix.as_str()))
                    .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ProxyPolicy, dialer::url::Target};

    /// The proxy for a URL with these variables.
    fn proxy(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let policy = ProxyPolicy::from_variables(variables.iter().copied());
        let (target, _) = Target::parse(url).unwrap();
        policy.proxy_for(&target).unwrap().map(|proxy| proxy.name())
    }

    const ALL: [(&str, &str); 3] = [
        ("HTTP_PROXY", "http://h:1"),
        ("HTTPS_PROXY", "http://s:2"),
        ("ALL_PROXY", "socks5://a:3"),
    ];

    #[test]
    fn row_12_each_scheme_has_its_variable() {
        let plain = |variables| proxy(variables, "ws://example.com/");
        let secure = |variables| proxy(variables, "wss://example.com/");
        assert_eq!(plain(&ALL).as_deref(), Some("http://h:1"));
        assert_eq!(secure(&ALL).as_deref(), Some("http://s:2"));
        assert_eq!(plain(&ALL[1..]).as_deref(), Some("socks5://a:3"));
        assert_eq!(secure(&ALL[..1]), None);
        assert_eq!(plain(&[]), None);
        assert_eq!(
            plain(&[("HTTP_PROXY", ""), ("http_proxy", "l")]).as_deref(),
            Some("http://l:80")
        );
        assert_eq!(
            plain(&[("http_proxy", "l"), ("HTTP_PROXY", "u")]).as_deref(),
            Some("http://u:80")
        );
        assert_eq!(
            secure(&[("https_proxy", "l:9")]).as_deref(),
            Some("http://l:9")
        );
        assert_eq!(
            secure(&[("all_proxy", "socks5h://[::1]")]).as_deref(),
            Some("socks5h://[::1]:1080")
        );
    }

    #[test]
    fn cgi_programs_take_no_proxy_from_a_request() {
        let cgi = |name| {
            let variables = [("REQUEST_METHOD", "GET"), (name, "http://evil:1")];
            proxy(&variables, "ws://example.com/")
        };
        assert_eq!(cgi("HTTP_PROXY"), None);
        assert_eq!(cgi("http_proxy").as_deref(), Some("http://evil:1"));
        assert_eq!(cgi("ALL_PROXY").as_deref(), Some("http://evil:1"));
    }

    #[test]
    fn local_host_is_never_behind_a_proxy() {
        for host in [
            "localhost",
            "a.localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
        ] {
            assert_eq!(proxy(&ALL, &format!("ws://{host}:8080/")), None, "{host}");
        }
        assert!(proxy(&ALL, "ws://localhost.example/").is_some());
    }

    #[test]
    fn no_proxy_excepts_names_addresses_networks_and_ports() {
        for (list, url, excepted) in [
            ("example.com", "ws://example.com/", true),
            ("EXAMPLE.com.", "ws://a.example.com/", true),
            ("example.com", "ws://notexample.com/", false),
            (".example.com", "ws://a.example.com/", true),
            (".example.com", "ws://example.com/", true),
            ("*.example.com", "ws://a.example.com/", true),
            ("a, example.com", "ws://example.com./", true),
            ("a example.com", "ws://example.com/", true),
            ("example.com:8080", "ws://example.com:8080/", true),
            ("example.com:8080", "ws://example.com/", false),
            ("example.com:443", "wss://example.com/", true),
            ("*", "ws://example.com/", true),
            (",", "ws://example.com/", false),
            ("com", "ws://example.com/", true),
            ("192.0.2.1", "ws://192.0.2.1/", true),
            ("192.0.2.1:81", "ws://192.0.2.1/", false),
            ("192.0.2.0/24", "ws://192.0.2.77/", true),
            ("192.0.2.0/24", "ws://192.0.3.77/", false),
            ("192.0.2.0/24", "ws://[::ffff:192.0.2.7]/", true),
            ("2001:db8::/32", "ws://[2001:db8::1]/", true),
            ("[2001:db8::1]:80", "ws://[2001:db8::1]/", true),
            ("2001:db8::1", "ws://[2001:db8::2]/", false),
        ] {
            let variables = [("ALL_PROXY", "http://p"), ("NO_PROXY", list)];
            assert_eq!(proxy(&variables, url).is_none(), excepted, "{list} {url}");
        }
        assert_eq!(
            proxy(&[("ALL_PROXY", "http://p"), ("no_proxy", "a")], "ws://a/"),
            None
        );
    }

    #[test]
    fn proxy_that_is_not_understood_is_an_error_without_its_password() {
        for (value, reason) in [
            (
                "socks4://u:secret@h",
                "its scheme is not http, https, socks5 or socks5h",
            ),
            ("http://u:secret@h:99999", "invalid port number"),
            ("http://u:secret@", "empty host"),
        ] {
            let policy = ProxyPolicy::from_variables([("ALL_PROXY", value)]);
            let (target, _) = Target::parse("ws://example.com/").unwrap();
            let error = policy.proxy_for(&target).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("ALL_PROXY is not a proxy: {reason}")
            );
            assert!(!format!("{error:?} {policy:?}").contains("secret"));
        }
    }

    #[test]
    fn explicit_proxy_is_for_every_host_that_is_not_excepted() {
        let policy = ProxyPolicy::url("https://u:p@proxy.example")
            .unwrap()
            .except("b.example");
        let name = |url| {
            let (target, _) = Target::parse(url).unwrap();
            policy.proxy_for(&target).unwrap().map(|proxy| proxy.name())
        };
        assert_eq!(
            name("ws://localhost/").as_deref(),
            Some("https://proxy.example:443")
        );
        assert_eq!(name("ws://a.b.example/"), None);
        let (target, _) = Target::parse("ws://a/").unwrap();
        assert!(ProxyPolicy::none().proxy_for(&target).unwrap().is_none());
    }

    #[test]
    fn explicit_port_443_is_not_taken_for_none() {
        for (url, name) in [
            ("http://p:443", "http://p:443"),
            ("http://p:443/", "http://p:443"),
            ("socks5://u:p@[::1]:443", "socks5://[::1]:443"),
            ("http://p", "http://p:80"),
        ] {
            assert_eq!(super::Proxy::parse(url).unwrap().name(), name);
        }
    }
}
