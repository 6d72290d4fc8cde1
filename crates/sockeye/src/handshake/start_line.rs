//! The first line of an HTTP/1.1 message ([RFC 9112 §3, §4](https://www.rfc-editor.org/rfc/rfc9112#section-3)).

use core::ops::Range;

use crate::handshake::list;

/// The first line, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StartLine {
    /// Of a request.
    pub(crate) method: Range<usize>,
    /// Of a request.
    pub(crate) target: Range<usize>,
    /// Of a response.
    pub(crate) status: u16,
    /// The digits of `HTTP/1.1`.
    pub(crate) version: (u8, u8),
}

impl StartLine {
    /// Reads `METHOD target HTTP/1.1`, which lies at `start`.
    pub(super) fn request(line: &[u8], start: usize) -> Option<Self> {
        let mut parts = list::split(line, b' ');
        let (method, target, protocol) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !list::is_token(method) || !list::is_visible(target) {
            return None;
        }
        let target_start = start + method.len() + 1;
        Some(Self {
            method: start..start + method.len(),
            target: target_start..target_start + target.len(),
            status: 0,
            version: version(protocol)?,
        })
    }

    /// Reads `HTTP/1.1 101 Switching Protocols`.
    pub(super) fn response(line: &[u8]) -> Option<Self> {
        let (protocol, rest) = line.split_at_checked(8)?;
        let (status, reason) = match rest {
            // RFC 9112 §4: the reason may be empty, and some servers leave out the space before it too.
            [
                b' ',
                a @ b'1'..=b'9',
                b @ b'0'..=b'9',
                c @ b'0'..=b'9',
                reason @ ..,
            ] => {
                let digits = [a, b, c].map(|digit| u16::from(digit - b'0'));
                (digits[0] * 100 + digits[1] * 10 + digits[2], reason)
            }
            _ => return None,
        };
        if !matches!(reason, [] | [b' ', ..]) || !list::is_value(reason) {
            return None;
        }
        Some(Self {
            status,
            version: version(protocol)?,
            ..Self::default()
        })
    }
}

fn version(protocol: &[u8]) -> Option<(u8, u8)> {
    match protocol.strip_prefix(b"HTTP/")? {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_line_is_read_where_it_lies() {
        assert_eq!(
            StartLine::request(b"GET /chat HTTP/1.1", 2),
            Some(StartLine {
                method: 2..5,
                target: 6..11,
                status: 0,
                version: (1, 1),
            })
        );
        for line in [
            &b""[..],
            b" ",
            b"  ",
            b"GET",
            b"GET / HTTP/1.1 ",
            b" / HTTP/1.1",
            b"GET  HTTP/1.1",
        ] {
            assert_eq!(StartLine::request(line, 0), None, "{line:?}");
        }
    }

    #[test]
    fn status_line_may_lack_a_reason() {
        for line in [
            &b"HTTP/1.0 404"[..],
            b"HTTP/1.0 404 ",
            b"HTTP/1.0 404 Not Found",
        ] {
            let start = StartLine::response(line);
            assert_eq!(
                start.map(|start| (start.status, start.version)),
                Some((404, (1, 0)))
            );
        }
        for line in [
            &b""[..],
            b"HTTP/1.1",
            b"HTTP/1.1 40",
            b"HTTP/1.1 4040",
            b"HTTP/1.1 404x",
            b"HTTP/1.1 404 \n",
        ] {
            assert_eq!(StartLine::response(line), None, "{line:?}");
        }
    }
}
