//! Which web pages may connect ([RFC 6455 §10.2](https://www.rfc-editor.org/rfc/rfc6455#section-10.2)).

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::handshake::InvalidOption;

/// Which origins may connect.
///
/// A browser says in `Origin` which page a connection comes from, and lets any page connect anywhere, with cookies: the server must check.
/// A request without `Origin` is not from a browser and is let in. Repeated `Origin` headers are refused under every policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Those whose host and port are those of the `Host` header. The default.
    ///
    /// Hosts are compared in ASCII without regard to case; a port that is not written is the default one of the origin's scheme, because
    /// behind a TLS proxy the server cannot know its own.
    #[default]
    SameHost,
    /// Those that match one of these patterns.
    Allow(Vec<OriginPattern>),
    /// All of them. Only for servers that use no cookies and no other ambient authority, or that check the origin on their own.
    Any,
}

impl OriginPolicy {
    /// The policy that allows what matches one of these patterns: see [`OriginPattern`].
    ///
    /// # Errors
    ///
    /// [`InvalidOption::OriginPattern`] for a pattern that could never match.
    pub fn allow<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Self, InvalidOption> {
        let patterns = patterns.into_iter().map(|pattern| pattern.as_ref().parse());
        Ok(Self::Allow(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether a page of this origin may connect to this host, given as the values of `Origin` and `Host`.
    #[must_use]
    pub fn allows(&self, origin: &[u8], host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::SameHost => Origin::parse(origin).is_some_and(|origin| origin.is_same_host(host)),
            Self::Allow(patterns) => Origin::parse(origin)
                .is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(&origin))),
        }
    }
}

/// A pattern for origins.
///
/// - `https://example.com`: this scheme and host, at the default port of the scheme.
/// - `https://example.com:8443`: at this port.
/// - `http://localhost:*`: at any port.
/// - `https://*.example.com`: every host below `example.com`, at any depth, but not `example.com` itself.
///
/// Case does not matter. Names outside ASCII are written as browsers send them, in punycode: `https://xn--bcher-kva.example`. No pattern
/// matches `null`, which any page can send from a sandboxed frame.
///
/// ```
/// use sockeye::OriginPolicy;
///
/// let policy = OriginPolicy::allow(["https://*.example.com", "http://localhost:*"])?;
/// assert!(policy.allows(b"https://chat.example.com", "ws.example.net"));
/// assert!(!policy.allows(b"https://example.com.evil.test", "ws.example.net"));
/// # Ok::<(), sockeye::InvalidOption>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    text: String,
}

impl OriginPattern {
    fn matches(&self, origin: &Origin<'_>) -> bool {
        Parts::parse(&self.text).is_some_and(|pattern| {
            let host = match pattern.host.strip_prefix("*") {
                // The suffix keeps its dot: it is matched from a label's start, with a label before it.
                Some(suffix) => origin
                    .0
                    .host
                    .len()
                    .checked_sub(suffix.len())
                    .filter(|&at| at > 0)
                    .and_then(|at| origin.0.host.get(at..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(suffix)),
                None => pattern.host.eq_ignore_ascii_case(origin.0.host),
            };
            let port = match pattern.port {
                Port::Any => true,
                port => {
                    port.or_default(pattern.scheme) == origin.0.port.or_default(origin.0.scheme)
                }
            };
            host && port && pattern.scheme.eq_ignore_ascii_case(origin.0.scheme)
        })
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidOption;

    fn from_str(text: &str) -> Result<Self, InvalidOption> {
        let parts = Parts::parse(text).ok_or(InvalidOption::OriginPattern)?;
        let host = parts.host.strip_prefix("*.").unwrap_or(parts.host);
        if !is_host(host) || host.bytes().any(|byte| byte == b'*') {
            return Err(InvalidOption::OriginPattern);
        }
        Ok(Self { text: text.into() })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether the value may be sent as `Origin`.
pub(crate) fn is_origin(value: &str) -> bool {
    value == "null" || Origin::parse(value.as_bytes()).is_some()
}

/// Whether the value is a host with an optional port, as in `Host`.
pub(crate) fn is_host_and_port(value: &str) -> bool {
    split_port(value).is_some_and(|(host, port)| is_host(host) && port != Port::Any)
}

/// An origin as browsers write it ([RFC 6454 §6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)). `null` is none.
struct Origin<'a>(Parts<'a>);

impl<'a> Origin<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let parts = Parts::parse(core::str::from_utf8(value).ok()?)?;
        (is_host(parts.host) && parts.port != Port::Any).then_some(Self(parts))
    }

    fn is_same_host(&self, host: &str) -> bool {
        let Some((host, port)) = split_port(host) else {
            return false;
        };
        let scheme = self.0.scheme;
        // Pages of other schemes, such as browser extensions, have no host that could be this one.
        default_port(scheme).is_some()
            && self.0.host.eq_ignore_ascii_case(host)
            && self.0.port.or_default(scheme) == port.or_default(scheme)
    }
}

/// `scheme://host:port`.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Port,
}

impl<'a> Parts<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = split_scheme(text)?;
        let is_scheme = (scheme.bytes().next()).is_some_and(|first| first.is_ascii_alphabetic())
            && (scheme.bytes())
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let (host, port) = split_port(rest)?;
        is_scheme.then_some(Self { scheme, host, port })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Default,
    Number(u16),
    Any,
}

impl Port {
    fn or_default(self, scheme: &str) -> Option<u16> {
        match self {
            Self::Number(port) => Some(port),
            Self::Default | Self::Any => default_port(scheme),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    let is = |other: &str| scheme.eq_ignore_ascii_case(other);
    if is("https") || is("wss") {
        Some(443)
    } else if is("http") || is("ws") {
        Some(80)
    } else {
        None
    }
}

/// Splits off the scheme. Neither part is checked. Here and below byte by byte: searching for a text or a character takes an algorithm.
pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let at = text.as_bytes().windows(3).position(|end| end == b"://")?;
    Some((text.get(..at)?, text.get(at + 3..)?))
}

/// Splits off the port. The host is not checked.
fn split_port(text: &str) -> Option<(&str, Port)> {
    // The colons of an IPv6 address are inside its brackets.
    let host_len = if text.starts_with("[") {
        text.bytes().position(|byte| byte == b']')? + 1
    } else {
        let colon = text.bytes().position(|byte| byte == b':');
        colon.unwrap_or(text.len())
    };
    let (host, port) = text.split_at_checked(host_len)?;
    let port = match port.strip_prefix(":") {
        // RFC 3986 §3.2.3: an empty port is the default one.
        None if port.is_empty() => Port::Default,
        None => return None,
        Some("") => Port::Default,
        Some("*") => Port::Any,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Port::Number(digits.parse::<u64>().ok()?.try_into().ok()?)
        }
        Some(_) => return None,
    };
    Some((host, port))
}

/// Whether this is a name, an IPv4 address or an IPv6 address in brackets. Names may have underscores: some internal ones do.
fn is_host(host: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%');
    match host.strip_prefix("[") {
        Some(rest) => rest.strip_suffix("]").is_some_and(|address| {
            address.bytes().any(|byte| byte == b':')
                && (address.bytes())
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }),
        None => !host.is_empty() && host.bytes().all(is_name_byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_host(origin: &str, host: &str) -> bool {
        OriginPolicy::SameHost.allows(origin.as_bytes(), host)
    }

    #[test]
    fn same_host_compares_host_and_port() {
        for (origin, host) in [
            ("https://example.com", "example.com"),
            ("http://EXAMPLE.com", "Example.COM"),
            ("http://example.com:8080", "example.com:8080"),
            ("https://example.com", "example.com:443"),
            ("http://example.com:80", "example.com"),
            ("http://example.com", "example.com:"),
            ("wss://example.com:443", "example.com"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://[2001:DB8::a]", "[2001:db8::A]"),
            ("https://127.0.0.1", "127.0.0.1"),
            ("https://xn--bcher-kva.example", "XN--BCHER-KVA.example"),
        ] {
            assert!(same_host(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "null"),
            ("null", "example.com"),
            ("", "example.com"),
            ("example.com", "example.com"),
            ("https://evil.test", "example.com"),
            ("https://example.com.evil.test", "example.com"),
            ("https://evilexample.com", "example.com"),
            ("https://sub.example.com", "example.com"),
            ("https://example.com.", "example.com"),
            ("https://example.com:8443", "example.com"),
            ("https://example.com", "example.com:8443"),
            ("http://example.com", "example.com:443"),
            ("http://[::1]", "[::2]"),
            ("http://::1", "::1"),
            ("http://[::1", "[::1"),
            ("https://b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("https://b\u{fc}cher.example", "b\u{fc}cher.example"),
            ("https://example.com/", "example.com"),
            ("https://user@example.com", "example.com"),
            ("https://example.com https://evil.test", "example.com"),
            ("https://example.com:99999", "example.com:99999"),
            ("https://example.com:*", "example.com:*"),
            ("chrome-extension://abcdef", "abcdef"),
            ("file://", ""),
            ("http://", ""),
        ] {
            assert!(!same_host(origin, host), "{origin} {host}");
        }
        assert!(!OriginPolicy::SameHost.allows(b"https://\xff", "\u{fffd}"));
    }

    #[test]
    fn patterns_match_hosts_ports_and_what_is_below_a_domain() {
        for (pattern, origin, matches) in [
            ("https://example.com", "https://example.com", true),
            ("HTTPS://Example.com", "https://example.COM:443", true),
            ("https://example.com:443", "https://example.com", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://a.example.com", false),
            ("https://*.example.com", "https://a.example.com", true),
            ("https://*.example.com", "https://a.b.EXAMPLE.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://.example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            (
                "https://*.example.com",
                "https://a.example.com.evil.test",
                false,
            ),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "https://localhost", false),
            ("http://*.localhost:*", "http://a.localhost:1", true),
            ("http://[::1]:*", "http://[::1]:3000", true),
            (
                "chrome-extension://abcdef",
                "chrome-extension://abcdef",
                true,
            ),
            (
                "chrome-extension://abcdef",
                "chrome-extension://abcdeg",
                false,
            ),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
                true,
            ),
            ("https://example.com", "null", false),
            ("https://example.com", "", false),
        ] {
            let policy = OriginPolicy::allow(["https://other.test", pattern]).unwrap();
            assert_eq!(
                policy.allows(origin.as_bytes(), "ignored"),
                matches,
                "{pattern} {origin}"
            );
        }
    }

    #[test]
    fn patterns_that_could_never_match_are_refused() {
        for pattern in [
            "",
            "*",
            "null",
            "example.com",
            "https://",
            "https://*",
            "https://*.",
            "https://*example.com",
            "https://a.*.com",
            "https://*.*.com",
            "https://example.com/",
            "https://example.com:x",
            "https://b\u{fc}cher.example",
            "://a",
            "1://a",
            "https://[::1",
            "https://a b",
            "https://user@a",
        ] {
            assert_eq!(
                pattern.parse::<OriginPattern>(),
                Err(InvalidOption::OriginPattern),
                "{pattern}"
            );
        }
        assert_eq!(
            OriginPolicy::allow(["https://a", "b"]),
            Err(InvalidOption::OriginPattern)
        );
    }

    #[test]
    fn any_allows_everything() {
        assert!(OriginPolicy::Any.allows(b"null", "example.com"));
        assert!(OriginPolicy::Any.allows(b"\xff", ""));
        assert!(!OriginPolicy::Allow(Vec::new()).allows(b"https://example.com", "example.com"));
    }

    #[test]
    fn hosts_are_checked() {
        for host in [
            "example.com",
            "a",
            "a:1",
            "127.0.0.1:80",
            "[::1]",
            "[::ffff:1.2.3.4]:8080",
            "my_service",
            "a:",
        ] {
            assert!(is_host_and_port(host), "{host}");
        }
        for host in [
            "", ":80", "a b", "a/b", "a@b", "a,b", "a:b", "a:*", "a:65536", "[::1", "[]", "::1",
            "a\"", "<a>", "a\r\n", "\u{e9}",
        ] {
            assert!(!is_host_and_port(host), "{host}");
        }
    }
}
