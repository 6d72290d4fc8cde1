//! Heads of HTTP/1.1 and addresses, built from what sources have of them.

use core::net::{IpAddr, SocketAddr};

/// The parts of an address such as `wss://example.com:8443/chat?room=1#top`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// Whether the scheme is `wss` or `https`.
    pub(crate) secure: bool,
    /// Whether the scheme is `ws` or `wss`.
    pub(crate) websocket: bool,
    /// The port, or that of the scheme.
    pub(crate) port: u16,
    /// The host with its port, as the URL has it.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

impl Url {
    /// Takes apart what a browser wrote, so nothing is refused.
    pub(crate) fn new(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let secure = scheme.eq_ignore_ascii_case("wss") || scheme.eq_ignore_ascii_case("https");
        let websocket = scheme.eq_ignore_ascii_case("wss") || scheme.eq_ignore_ascii_case("ws");
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let port = authority
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        Self {
            secure,
            websocket,
            port: port.unwrap_or(if secure { 443 } else { 80 }),
            authority: authority.to_owned(),
            target: match target.as_bytes().first() {
                None => "/".to_owned(),
                Some(b'?') => format!("/{target}"),
                Some(_) => target.to_owned(),
            },
        }
    }
}

/// The fields of a head in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// More than this is not taken.
    const MOST: usize = 1_000;

    /// One more. The pseudo-fields of HTTP/2 are left out.
    pub(crate) fn push(&mut self, name: Vec<u8>, value: Vec<u8>) {
        if self.0.len() < Self::MOST && !name.is_empty() && !name.starts_with(b":") {
            self.0.push((name, value));
        }
    }

    /// Whether a field has a value that contains `token`, both in any case.
    pub(crate) fn contains(&self, name: &str, token: &str) -> bool {
        self.0.iter().any(|(n, v)| {
            n.eq_ignore_ascii_case(name.as_bytes())
                && v.to_ascii_lowercase()
                    .windows(token.len())
                    .any(|window| window == token.as_bytes())
        })
    }

    /// A head with this first line. What cannot stand in a line is replaced by a space.
    pub(crate) fn head(&self, first: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut line = |parts: &[&[u8]]| {
            for part in parts {
                out.extend(part.iter().map(|&byte| match byte {
                    b'\r' | b'\n' => b' ',
                    byte => byte,
                }));
            }
            out.extend_from_slice(b"\r\n");
        };
        line(&[first.as_bytes()]);
        for (name, value) in &self.0 {
            line(&[name, b": ", value]);
        }
        line(&[]);
        out
    }
}

/// `HTTP/1.1` for `http/1.1`, `1.1` and where nothing is said.
pub(crate) fn version(version: &str) -> String {
    let upper = version.trim().to_ascii_uppercase();
    match upper.strip_prefix("HTTP/") {
        Some(number) if !number.is_empty() => upper,
        _ if matches!(upper.as_str(), "1.0" | "1.1") => format!("HTTP/{upper}"),
        _ => "HTTP/1.1".to_owned(),
    }
}

/// An address that may stand in brackets.
pub(crate) fn address(ip: &str, port: u16) -> Option<SocketAddr> {
    let ip = ip.trim().trim_start_matches('[').trim_end_matches(']');
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_taken_apart() {
        let url = Url::new("wss://user@example.com/chat?room=1#top");
        assert_eq!((url.secure, url.websocket, url.port), (true, true, 443));
        assert_eq!(
            (&*url.authority, &*url.target),
            ("example.com", "/chat?room=1")
        );
        let url = Url::new("http://[::1]:8080?a");
        assert_eq!((url.secure, url.websocket, url.port), (false, false, 8080));
        assert_eq!((&*url.authority, &*url.target), ("[::1]:8080", "/?a"));
        assert_eq!(Url::new("").target, "/");
    }

    #[test]
    fn head_is_built_without_pseudo_fields_and_line_breaks() {
        let mut fields = Fields::default();
        fields.push(b":method".to_vec(), b"GET".to_vec());
        fields.push(b"Upgrade".to_vec(), b"WebSocket".to_vec());
        fields.push(b"X".to_vec(), b"a\r\nb".to_vec());
        assert_eq!(
            fields.head("GET / HTTP/1.1"),
            b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nX: a  b\r\n\r\n"
        );
        assert!(fields.contains("upgrade", "websocket"));
        assert!(!fields.contains("connection", "websocket"));
    }

    #[test]
    fn versions_and_addresses_are_normal() {
        for (given, normal) in [
            ("http/1.1", "HTTP/1.1"),
            ("HTTP/2.0", "HTTP/2.0"),
            ("1.0", "HTTP/1.0"),
            ("h2", "HTTP/1.1"),
            ("", "HTTP/1.1"),
        ] {
            assert_eq!(version(given), normal);
        }
        assert_eq!(address("[::1]", 80), "[::1]:80".parse().ok());
        assert_eq!(address("localhost", 80), None);
    }
}
