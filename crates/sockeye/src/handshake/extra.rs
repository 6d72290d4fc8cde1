//! Header fields that the application adds to a request or response.

use alloc::vec::Vec;
use core::fmt;

use crate::handshake::{InvalidOption, headers::debug_fields, list};

/// Header fields of the application's own for a request or a response, in order.
///
/// Whatever is in here may be sent: [`push`](Self::push) refuses what could change the meaning of the head
/// (CVE-2026-1527 was such an injection).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders {
    /// As they go on the wire, each with its CRLF.
    wire: Vec<u8>,
}

impl ExtraHeaders {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { wire: Vec::new() }
    }

    /// Adds a field.
    ///
    /// # Errors
    ///
    /// - [`HeaderName`](InvalidOption::HeaderName): the name is not a token.
    /// - [`HeaderProtected`](InvalidOption::HeaderProtected): the handshake itself writes this field: `Connection`, `Upgrade`, `Host`,
    ///   `Origin`, `Content-Length`, `Transfer-Encoding` and everything that begins with `Sec-WebSocket-`.
    /// - [`HeaderValue`](InvalidOption::HeaderValue): the value has a control character, or space at an end.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidOption> {
        let value = value.as_ref();
        if !list::is_token(name.as_bytes()) {
            return Err(InvalidOption::HeaderName);
        }
        if is_protected(name) {
            return Err(InvalidOption::HeaderProtected);
        }
        if !list::is_value(value) || list::trim(value).len() != value.len() {
            return Err(InvalidOption::HeaderValue);
        }
        self.wire.extend_from_slice(name.as_bytes());
        self.wire.extend_from_slice(b": ");
        self.wire.extend_from_slice(value);
        self.wire.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    /// The fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        list::split(&self.wire, b'\n').filter_map(|line| {
            let (name, rest) =
                line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
            let value = rest.strip_prefix(b": ")?.strip_suffix(b"\r")?;
            Some((core::str::from_utf8(name).ok()?, value))
        })
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    pub(crate) fn as_wire(&self) -> &[u8] {
        &self.wire
    }
}

impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_fields(self.iter(), f)
    }
}

/// Whether the handshake alone writes this field, or it would say where the message ends.
fn is_protected(name: &str) -> bool {
    const PREFIX: &str = "sec-websocket-";
    const NAMES: [&str; 6] = [
        "connection",
        "upgrade",
        "host",
        "origin",
        "content-length",
        "transfer-encoding",
    ];
    (name.get(..PREFIX.len())).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        || NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_on_the_wire_in_order() {
        let mut headers = ExtraHeaders::new();
        assert!(headers.is_empty());
        assert_eq!(headers.push("Set-Cookie", "a=b"), Ok(()));
        assert_eq!(headers.push("Set-Cookie", b"c=\xff: d"), Ok(()));
        assert_eq!(headers.push("X-Empty", ""), Ok(()));
        assert_eq!(
            headers.as_wire(),
            b"Set-Cookie: a=b\r\nSet-Cookie: c=\xff: d\r\nX-Empty: \r\n"
        );
        assert!(headers.iter().eq([
            ("Set-Cookie", &b"a=b"[..]),
            ("Set-Cookie", b"c=\xff: d"),
            ("X-Empty", b"")
        ]));
        assert!(headers.contains("set-cookie") && !headers.contains("cookie"));
    }

    /// CVE-2026-1527.
    #[test]
    fn header_injection_is_refused() {
        let mut headers = ExtraHeaders::new();
        for name in ["", "a b", "a:", "a\r\nb", "a\n", "\u{e9}", "a\0"] {
            assert_eq!(
                headers.push(name, "x"),
                Err(InvalidOption::HeaderName),
                "{name:?}"
            );
        }
        for value in [
            "a\r\nb: c",
            "a\rb",
            "a\nb",
            "a\0",
            "a\u{7f}",
            "\r\n",
            " a",
            "a\t",
        ] {
            assert_eq!(
                headers.push("a", value),
                Err(InvalidOption::HeaderValue),
                "{value:?}"
            );
        }
        assert_eq!(headers, ExtraHeaders::new());
    }

    #[test]
    fn fields_of_the_handshake_are_protected() {
        let mut headers = ExtraHeaders::new();
        for name in [
            "Connection",
            "UPGRADE",
            "host",
            "Origin",
            "Content-Length",
            "Transfer-Encoding",
            "Sec-WebSocket-Accept",
            "sec-websocket-key",
            "SEC-WEBSOCKET-PROTOCOL",
            "Sec-WebSocket-Extensions",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-",
        ] {
            assert_eq!(
                headers.push(name, "x"),
                Err(InvalidOption::HeaderProtected),
                "{name}"
            );
        }
        assert_eq!(headers.push("Sec-WebSocket", "x"), Ok(()));
    }

    #[test]
    fn debug_output_hides_credentials() {
        let mut headers = ExtraHeaders::new();
        headers.push("Authorization", "Basic YTpi").unwrap();
        headers.push("A", "b").unwrap();
        assert_eq!(
            alloc::format!("{headers:?}"),
            r#"{"Authorization": ..., "A": b}"#
        );
    }
}
