//! Header fields as they were received.

use alloc::vec::Vec;
use core::{fmt, ops::Range};

use crate::handshake::HandshakeError;

/// The header fields of a request or a response, in the order received.
///
/// Names are compared without regard to case. Values are bytes, trimmed of space: they may have bytes that are not UTF-8
/// ([RFC 9110 §5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The whole head as it came.
    pub(super) bytes: Vec<u8>,
    pub(super) fields: Vec<Field>,
}

/// Where a field lies in the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

impl Headers {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Each field: its name, then its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields
            .iter()
            .map(|field| (self.str(&field.name), self.slice(&field.value)))
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The value of the first field of this name, if it is UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.get(name)?).ok()
    }

    /// The values of all fields of this name.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let mut fields = self.fields.iter();
        core::iter::from_fn(move || {
            loop {
                let field = fields.next()?;
                let other = self.slice(&field.name);
                if other.eq_ignore_ascii_case(name.as_bytes()) {
                    return Some(self.slice(&field.value));
                }
            }
        })
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of the only field of this name.
    pub(crate) fn only(&self, name: &'static str) -> Result<Option<&[u8]>, HandshakeError> {
        let mut values = self.get_all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(HandshakeError::HeaderRepeated { name });
        }
        Ok(value)
    }

    /// Each field with the place of its value.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (&[u8], &Range<usize>)> {
        (self.fields.iter()).map(|field| (self.slice(&field.name), &field.value))
    }

    pub(crate) fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// What lies there, if it is UTF-8, as tokens and targets are.
    pub(crate) fn str(&self, range: &Range<usize>) -> &str {
        core::str::from_utf8(self.slice(range)).unwrap_or_default()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_fields(self.iter(), f)
    }
}

/// Prints fields without what must not end up in logs.
pub(super) fn debug_fields<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    const SECRET: [&str; 4] = [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
    ];
    let mut map = f.debug_map();
    for (name, value) in fields {
        let is_secret = SECRET.iter().any(|other| name.eq_ignore_ascii_case(other));
        let value = if is_secret { b"..." } else { value };
        map.entry(&name, &format_args!("{}", value.escape_ascii()));
    }
    map.finish()
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    /// The fields of `A: b`, `a: \xff` and `Cookie: c=d`.
    fn headers() -> Headers {
        Headers {
            bytes: b"A: b\r\na: \xff\r\nCookie: c=d\r\n\r\n".to_vec(),
            fields: vec![
                Field {
                    name: 0..1,
                    value: 3..4,
                },
                Field {
                    name: 6..7,
                    value: 9..10,
                },
                Field {
                    name: 12..18,
                    value: 20..23,
                },
            ],
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        let headers = headers();
        assert_eq!(headers.get("a"), Some(&b"b"[..]));
        assert_eq!(headers.get_str("COOKIE"), Some("c=d"));
        assert!(headers.get_all("A").eq([&b"b"[..], b"\xff"]));
        assert_eq!(headers.get("b"), None);
        assert!(
            headers
                .iter()
                .eq([("A", &b"b"[..]), ("a", b"\xff"), ("Cookie", b"c=d")])
        );
        assert_eq!((headers.len(), headers.is_empty()), (3, false));
        assert!(Headers::new().is_empty());
    }

    #[test]
    fn field_that_may_come_once_is_refused_twice() {
        let headers = headers();
        assert_eq!(headers.only("Cookie"), Ok(Some(&b"c=d"[..])));
        assert_eq!(headers.only("B"), Ok(None));
        assert_eq!(
            headers.only("A"),
            Err(HandshakeError::HeaderRepeated { name: "A" })
        );
    }

    #[test]
    fn value_that_is_not_utf_8_is_only_bytes() {
        let mut headers = headers();
        headers.fields.remove(0);
        assert_eq!(headers.get_str("a"), None);
        assert_eq!(headers.get("a"), Some(&b"\xff"[..]));
    }

    #[test]
    fn debug_output_hides_credentials() {
        assert_eq!(
            format!("{:?}", headers()),
            r#"{"A": b, "a": \xff, "Cookie": ...}"#
        );
    }
}
