//! What a request must have to open a connection ([RFC 6455 §4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1)).

use core::ops::Range;

use crate::handshake::{
    HandshakeError, Headers, head::HeadReader, key, list, origin, start_line::StartLine,
};

/// Where in the head the checked values lie.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Path and query.
    pub(super) target: Range<usize>,
    pub(super) host: Range<usize>,
    pub(super) key: Range<usize>,
    pub(super) origin: Option<Range<usize>>,
}

impl Places {
    /// Checks a complete head, more or less in the order of [RFC 6455 §4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1).
    pub(crate) fn find(reader: &HeadReader) -> Result<Self, HandshakeError> {
        let headers = reader.headers();
        let Some(start) = reader.start() else {
            return Err(HandshakeError::RequestLine);
        };
        if start.version.0 != 1 || start.version.1 == 0 {
            return Err(HandshakeError::HttpVersion);
        }
        let found = Found::find(headers)?;
        let method = headers.slice(&start.method);
        if !matches!(method, b"GET" | b"HEAD") {
            return Err(HandshakeError::Method);
        }
        let (authority, target) = split_target(start, headers)?;
        let Some(host) = found.host else {
            return Err(HandshakeError::HostMissing);
        };
        if !origin::is_host_and_port(headers.str(&host)) {
            return Err(HandshakeError::HostInvalid);
        }
        if !found.upgrade && (found.key.is_none() || method != b"GET") {
            return Err(HandshakeError::NotAnUpgrade);
        }
        if method != b"GET" {
            return Err(HandshakeError::Method);
        }
        if !found.upgrade {
            return Err(HandshakeError::UpgradeMissing);
        }
        if !found.connection {
            return Err(HandshakeError::ConnectionMissing);
        }
        if found.body {
            return Err(HandshakeError::BodyUnexpected);
        }
        // Before the key: a client of another version may do without one.
        let Some(version) = found.version else {
            return Err(HandshakeError::VersionMissing);
        };
        if headers.slice(&version) != b"13" {
            return Err(HandshakeError::VersionUnsupported);
        }
        let Some(key) = found.key else {
            return Err(HandshakeError::KeyMissing);
        };
        if !key::is_valid(headers.slice(&key)) {
            return Err(HandshakeError::KeyInvalid);
        }
        if found.subprotocols_invalid {
            return Err(HandshakeError::SubprotocolsInvalid);
        }
        if found.extensions_invalid {
            return Err(HandshakeError::ExtensionsInvalid);
        }
        Ok(Self {
            target,
            // RFC 9112 §3.2.2: the host of an absolute URL replaces that of `Host`.
            host: authority.unwrap_or(host),
            key,
            origin: found.origin,
        })
    }
}

/// The header fields that a handshake has, found in one pass.
#[derive(Default)]
struct Found {
    host: Option<Range<usize>>,
    key: Option<Range<usize>>,
    version: Option<Range<usize>>,
    origin: Option<Range<usize>>,
    upgrade: bool,
    connection: bool,
    body: bool,
    subprotocols_invalid: bool,
    extensions_invalid: bool,
}

impl Found {
    fn find(headers: &Headers) -> Result<Self, HandshakeError> {
        let mut found = Self::default();
        for (name, place) in headers.ranges() {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let value = headers.slice(place);
            // The length first: most fields of a browser are none of these.
            let only = match name.len() {
                4 if is("host") => Some((&mut found.host, "Host")),
                6 if is("origin") => Some((&mut found.origin, "Origin")),
                17 if is("sec-websocket-key") => Some((&mut found.key, "Sec-WebSocket-Key")),
                21 if is("sec-websocket-version") => {
                    Some((&mut found.version, "Sec-WebSocket-Version"))
                }
                7 if is("upgrade") => {
                    found.upgrade |= list::contains_token(value, b"websocket");
                    None
                }
                10 if is("connection") => {
                    found.connection |= list::contains_token(value, b"upgrade");
                    None
                }
                14 if is("content-length") => {
                    found.body |= value != b"0";
                    None
                }
                17 if is("transfer-encoding") => {
                    found.body = true;
                    None
                }
                22 if is("sec-websocket-protocol") => {
                    found.subprotocols_invalid |= list::tokens(value).any(|token| token.is_err());
                    None
                }
                24 if is("sec-websocket-extensions") => {
                    found.extensions_invalid |=
                        list::extensions(value).any(|extension| extension.is_err());
                    None
                }
                _ => None,
            };
            if let Some((slot, name)) = only
                && slot.replace(place.clone()).is_some()
            {
                return Err(HandshakeError::HeaderRepeated { name });
            }
        }
        Ok(found)
    }
}

/// Splits the request target into authority, if it has one, and path with query.
fn split_target(
    start: &StartLine,
    headers: &Headers,
) -> Result<(Option<Range<usize>>, Range<usize>), HandshakeError> {
    let place = &start.target;
    let target = headers.str(place);
    if target.bytes().any(|byte| byte == b'#') {
        return Err(HandshakeError::RequestTarget);
    }
    if target.starts_with("/") {
        return Ok((None, place.clone()));
    }
    let Some((scheme, rest)) = origin::split_scheme(target) else {
        return Err(HandshakeError::RequestTarget);
    };
    let is_known = ["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let path = rest.bytes().position(|byte| byte == b'/');
    let path = path.unwrap_or(rest.len());
    let authority = rest.get(..path).unwrap_or_default();
    if !is_known || !origin::is_host_and_port(authority) {
        return Err(HandshakeError::RequestTarget);
    }
    let authority_start = place.start + scheme.len() + 3;
    let path_start = authority_start + path;
    Ok((Some(authority_start..path_start), path_start..place.end))
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use super::*;
    use crate::Request;

    /// The fields of RFC 6455 §1.2, without the one of this name, and with these.
    fn fields(
        without: &str,
        with: &[(&'static str, &'static str)],
    ) -> Vec<(&'static str, &'static str)> {
        let mut fields = vec![
            ("Host", "server.example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", "http://server.example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Version", "13"),
        ];
        fields.retain(|(name, _)| *name != without);
        fields.extend(with);
        fields
    }

    fn get(
        without: &str,
        with: &[(&'static str, &'static str)],
    ) -> Result<Request, HandshakeError> {
        Request::from_parts("GET", "/chat", fields(without, with))
    }

    fn error(without: &str, with: &[(&'static str, &'static str)]) -> HandshakeError {
        get(without, with).unwrap_err()
    }

    #[test]
    fn each_rule_of_rfc_6455_section_4_2_1_has_its_error() {
        use HandshakeError as E;
        for (without, with, expected) in [
            ("Host", &[][..], E::HostMissing),
            ("", &[("Host", "a")], E::HeaderRepeated { name: "Host" }),
            ("Host", &[("Host", "a/b")], E::HostInvalid),
            ("Host", &[("Host", "")], E::HostInvalid),
            ("Upgrade", &[], E::UpgradeMissing),
            ("Upgrade", &[("Upgrade", "h2c")], E::UpgradeMissing),
            ("Connection", &[], E::ConnectionMissing),
            (
                "Connection",
                &[("Connection", "keep-alive")],
                E::ConnectionMissing,
            ),
            ("Sec-WebSocket-Key", &[], E::KeyMissing),
            (
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", "short")],
                E::KeyInvalid,
            ),
            (
                "",
                &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
                E::HeaderRepeated {
                    name: "Sec-WebSocket-Key",
                },
            ),
            ("Sec-WebSocket-Version", &[], E::VersionMissing),
            (
                "Sec-WebSocket-Version",
                &[("Sec-WebSocket-Version", "8")],
                E::VersionUnsupported,
            ),
            (
                "Sec-WebSocket-Version",
                &[("Sec-WebSocket-Version", "13, 8")],
                E::VersionUnsupported,
            ),
            (
                "",
                &[("Sec-WebSocket-Version", "13")],
                E::HeaderRepeated {
                    name: "Sec-WebSocket-Version",
                },
            ),
            (
                "",
                &[("Origin", "http://server.example.com")],
                E::HeaderRepeated { name: "Origin" },
            ),
            (
                "",
                &[("Sec-WebSocket-Protocol", "a b")],
                E::SubprotocolsInvalid,
            ),
            (
                "",
                &[("Sec-WebSocket-Extensions", "a;")],
                E::ExtensionsInvalid,
            ),
            ("", &[("Content-Length", "1")], E::BodyUnexpected),
            ("", &[("Transfer-Encoding", "chunked")], E::BodyUnexpected),
        ] {
            assert_eq!(error(without, with), expected, "{without} {with:?}");
        }
        assert!(get("", &[("Content-Length", "0")]).is_ok());
        for method in ["POST", "get", "CONNECT", "OPTIONS", "HEAD"] {
            let request = Request::from_parts(method, "/", fields("", &[]));
            assert_eq!(request.unwrap_err(), E::Method, "{method}");
        }
    }

    #[test]
    fn plain_requests_are_not_upgrades() {
        for method in ["GET", "HEAD"] {
            let request =
                Request::from_parts(method, "/", [("Host", "example.com"), ("Accept", "*/*")]);
            assert_eq!(request.unwrap_err(), HandshakeError::NotAnUpgrade);
        }
        let request = Request::from_parts("POST", "/", [("Host", "example.com")]);
        assert_eq!(request.unwrap_err(), HandshakeError::Method);
    }

    #[test]
    fn lists_may_have_any_case_and_several_lines() {
        let request = get(
            "Connection",
            &[
                ("Connection", "keep-alive"),
                ("CONNECTION", ",foo ,\tUPGRADE,"),
                ("Upgrade", "h2c, WebSocket"),
                ("sec-websocket-protocol", ",third,"),
            ],
        )
        .unwrap();
        assert!(request.subprotocols().eq(["chat", "superchat", "third"]));
    }

    #[test]
    fn target_may_be_an_absolute_url() {
        let read = |target: &str| {
            let request = Request::from_parts("GET", target, fields("", &[]))?;
            Ok((request.host().to_string(), request.target().to_string()))
        };
        assert_eq!(
            read("/a?b=c"),
            Ok(("server.example.com".into(), "/a?b=c".into()))
        );
        assert_eq!(
            read("http://Other:80/a?b"),
            Ok(("Other:80".into(), "/a?b".into()))
        );
        assert_eq!(read("wss://other"), Ok(("other".into(), "/".into())));
        for target in [
            "*",
            "a",
            "example.com:80",
            "ftp://a/",
            "http://",
            "http:///a",
            "http://a?b",
            "http://a@b/",
            "/a#b",
        ] {
            assert_eq!(read(target), Err(HandshakeError::RequestTarget), "{target}");
        }
    }
}
