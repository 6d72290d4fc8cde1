//! What a URL says about a connection.

use std::{error::Error, fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::DialError;

/// Where to connect to, and what to ask for there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// With the scheme `http` or `https`, and without user, password and fragment.
    url: Url,
    /// The socket to connect to instead of the host.
    pub(crate) unix: Option<PathBuf>,
}

impl Target {
    /// Reads a URL. User and password come back as the value of `Authorization`.
    pub(crate) fn parse(url: &str) -> Result<(Self, Option<HeaderValue>), DialError> {
        let mut url = Url::parse(url).map_err(|error| InvalidUrl::new(error.to_string()))?;
        let unix = match url.scheme() {
            "ws+unix" => Some(split_unix(&mut url)?),
            _ => None,
        };
        // RFC 6455 §3: a fragment has no meaning, and must not be used.
        if url.fragment().is_some() {
            return Err(InvalidUrl::new("it has a fragment: write # as %23").into());
        }
        let (mut target, authorization) = Self::from_url(url)?;
        target.unix = unix;
        Ok((target, authorization))
    }

    /// Takes a URL that was read.
    pub(crate) fn from_url(mut url: Url) -> Result<(Self, Option<HeaderValue>), DialError> {
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            scheme => {
                let scheme = scheme.into();
                return Err(DialError::UnsupportedScheme { scheme });
            }
        };
        let authorization = basic_credentials(&url);
        let is_set = url.set_scheme(scheme).is_ok()
            && url.set_username("").is_ok()
            && url.set_password(None).is_ok();
        if !is_set || !url.has_host() {
            return Err(InvalidUrl::new("it has no host").into());
        }
        if url.port() == Some(0) {
            return Err(InvalidUrl::new("nothing listens on port 0").into());
        }
        url.set_fragment(None);
        let unix = None;
        Ok((Self { url, unix }, authorization))
    }

    /// Where this `Location` leads to. User and password in it are not used.
    pub(crate) fn join(&self, location: &str) -> Result<Self, DialError> {
        let url = self.url.join(location);
        let url = url.map_err(|error| InvalidUrl::new(error.to_string()))?;
        let (mut target, _) = Self::from_url(url)?;
        if target.url.origin() == self.url.origin() {
            target.unix = self.unix.clone();
        }
        Ok(target)
    }

    /// The URL with the scheme `http` or `https`: what cookies go by.
    #[cfg(feature = "cookies")]
    pub(crate) const fn http_url(&self) -> &Url {
        &self.url
    }

    /// The URL with the scheme `ws` or `wss`.
    pub(crate) fn to_websocket_url(&self) -> String {
        format!("ws{}", self.url.as_str().trim_start_matches("http"))
    }

    /// Whether it asks for TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The name or address, an IPv6 address without brackets.
    pub(crate) fn host(&self) -> String {
        match self.url.host() {
            Some(Host::Domain(name)) => name.into(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// The value of `Host`: with the port, unless it is the scheme's default.
    pub(crate) fn host_header(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.into(),
        }
    }

    /// The host with the port, for people.
    pub(crate) fn peer(&self) -> String {
        match &self.unix {
            Some(path) => path.display().to_string(),
            None => {
                let host = self.url.host_str().unwrap_or_default();
                format!("{host}:{}", self.port())
            }
        }
    }

    /// The path and the query.
    pub(crate) fn request_target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().into(),
        }
    }

    /// Whether both have the same scheme, host and port: credentials for one may be shown to the other.
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin() && self.unix == other.unix
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// Why a URL cannot be dialled. Does not repeat the URL, which may have a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUrl(String);

impl InvalidUrl {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidUrl {}

/// `user:password` of a URL as the value of `Authorization` ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
pub(crate) fn basic_credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Reads `ws+unix:/path/of/socket:/request/target`, as the `ws` package for Node writes it. The URL becomes that of the request.
fn split_unix(url: &mut Url) -> Result<PathBuf, DialError> {
    let (path, target) = url
        .path()
        .split_once(':')
        .unwrap_or_else(|| (url.path(), "/"));
    if path.is_empty() || !path.starts_with('/') || url.has_host() {
        let reason = "a Unix socket is written as ws+unix:/path/of/socket:/request/path";
        return Err(InvalidUrl::new(reason).into());
    }
    let path = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| InvalidUrl::new("the path of the Unix socket is not UTF-8"))?;
    let path = PathBuf::from(path.as_ref());
    let mut request = format!("ws://localhost{target}");
    if let Some(query) = url.query() {
        request = format!("{request}?{query}");
    }
    if let Some(fragment) = url.fragment() {
        request = format!("{request}#{fragment}");
    }
    *url = Url::parse(&request).map_err(|error| InvalidUrl::new(error.to_string()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> (Target, Option<HeaderValue>) {
        Target::parse(url).unwrap()
    }

    fn parts(url: &str) -> (bool, String, u16, String, String) {
        let (target, _) = parse(url);
        (
            target.is_secure(),
            target.host(),
            target.port(),
            target.host_header(),
            target.request_target(),
        )
    }

    fn expect(
        secure: bool,
        host: &str,
        port: u16,
        header: &str,
        target: &str,
    ) -> (bool, String, u16, String, String) {
        (secure, host.into(), port, header.into(), target.into())
    }

    #[test]
    fn row_09_ports_are_those_of_the_scheme() {
        assert_eq!(
            parts("ws://example.com"),
            expect(false, "example.com", 80, "example.com", "/")
        );
        assert_eq!(
            parts("wss://example.com:443/a?b=c"),
            expect(true, "example.com", 443, "example.com", "/a?b=c")
        );
        assert_eq!(
            parts("wss://example.com:80/"),
            expect(true, "example.com", 80, "example.com:80", "/")
        );
        assert_eq!(
            parts("http://example.com?"),
            expect(false, "example.com", 80, "example.com", "/?")
        );
        assert_eq!(
            parts("https://example.com/a"),
            expect(true, "example.com", 443, "example.com", "/a")
        );
    }

    #[test]
    fn hosts_are_written_as_they_go_on_the_wire() {
        assert_eq!(
            parts("ws://[::1]:8080/"),
            expect(false, "::1", 8080, "[::1]:8080", "/")
        );
        assert_eq!(
            parts("ws://B\u{fc}cher.example/\u{e9} \""),
            expect(
                false,
                "xn--bcher-kva.example",
                80,
                "xn--bcher-kva.example",
                "/%C3%A9%20%22"
            )
        );
        assert_eq!(
            parts("ws://127.1/"),
            expect(false, "127.0.0.1", 80, "127.0.0.1", "/")
        );
    }

    #[test]
    fn row_17_user_and_password_become_basic_authorization() {
        let (target, authorization) = parse("ws://Aladdin:open%20sesame@example.com/");
        // RFC 7617 §2 has this example.
        assert_eq!(authorization.unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(target.host_header(), "example.com");
        assert_eq!(format!("{target:?}"), "http://example.com/");
        assert_eq!(target.to_websocket_url(), "ws://example.com/");
        assert_eq!(parse("ws://a@example.com/").1.unwrap(), "Basic YTo=");
        assert_eq!(parse("ws://example.com/").1, None);
    }

    #[test]
    fn urls_that_cannot_be_dialled_say_why() {
        for (url, reason) in [
            (
                "example.com",
                "the URL cannot be dialled: relative URL without a base",
            ),
            (
                "ws://example.com/#a",
                "the URL cannot be dialled: it has a fragment: write # as %23",
            ),
            ("ws://", "the URL cannot be dialled: empty host"),
            (
                "ws://a:99999/",
                "the URL cannot be dialled: invalid port number",
            ),
            (
                "ws://a:0/",
                "the URL cannot be dialled: nothing listens on port 0",
            ),
            (
                "ftp://a/",
                "the scheme \"ftp\" is not known: use ws:// or wss://",
            ),
            (
                "localhost:8080",
                "the scheme \"localhost\" is not known: use ws:// or wss://",
            ),
            (
                "ws+unix:a",
                "the URL cannot be dialled: a Unix socket is written as ws+unix:/path/of/socket:/request/path",
            ),
        ] {
            let error = Target::parse(url).unwrap_err();
            assert_eq!(error.to_string(), reason, "{url}");
        }
    }

    #[test]
    fn passwords_are_in_no_error() {
        for url in [
            "ws://u:secret@a:99999/",
            "x://u:secret@a/",
            "ws://u:secret@",
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn unix_sockets_are_written_as_for_node() {
        for (url, path, target) in [
            (
                "ws+unix:/run/a%20b.sock:/chat?x=1",
                "/run/a b.sock",
                "/chat?x=1",
            ),
            ("ws+unix:///run/a.sock:/chat", "/run/a.sock", "/chat"),
            ("ws+unix:/run/a.sock", "/run/a.sock", "/"),
        ] {
            let (parsed, _) = parse(url);
            assert_eq!(parsed.unix, Some(PathBuf::from(path)));
            assert_eq!(parsed.request_target(), target);
            assert_eq!(parsed.host_header(), "localhost");
            assert_eq!(parsed.peer(), path);
        }
    }

    #[test]
    fn relative_locations_stay_on_the_unix_socket() {
        let (target, _) = parse("ws+unix:/run/a.sock:/chat");
        let next = target.join("/x").unwrap();
        assert_eq!(next.peer(), "/run/a.sock");
        assert!(target.is_same_origin(&next));
        assert_eq!(
            target.join("ws://a.example/").unwrap().peer(),
            "a.example:80"
        );
    }

    #[test]
    fn relative_locations_keep_the_origin() {
        let (target, _) = parse("wss://u:p@example.com:8443/a/b?c");
        for (location, url, same) in [
            ("d", "wss://example.com:8443/a/d", true),
            ("/d?e#f", "wss://example.com:8443/d?e", true),
            (
                "https://example.com:8443/d",
                "wss://example.com:8443/d",
                true,
            ),
            ("//x:y@other.example/d", "wss://other.example/d", false),
            ("wss://example.com/", "wss://example.com/", false),
            ("ws://example.com:8443/", "ws://example.com:8443/", false),
        ] {
            let next = target.join(location).unwrap();
            assert_eq!(next.to_websocket_url(), url);
            assert_eq!(target.is_same_origin(&next), same, "{location}");
        }
    }
}
