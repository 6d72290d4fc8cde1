//! A server's HTTP response, as a client sees it.

use alloc::vec::Vec;
use core::mem;

use crate::handshake::Headers;

/// A server's answer to the opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

impl Response {
    /// The longest start of a body that is kept.
    pub const MAX_BODY_LEN: usize = 1024;

    pub(crate) const fn new(status: u16, headers: Headers) -> Self {
        Self {
            status,
            headers,
            body: Vec::new(),
        }
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, or its first [`MAX_BODY_LEN`](Self::MAX_BODY_LEN) bytes. Empty with status 101.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Appends to the body what there is room for. True when it is full.
    pub(crate) fn push_body(&mut self, bytes: &[u8]) -> bool {
        let room = Self::MAX_BODY_LEN - self.body.len();
        self.body
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.body.len() == Self::MAX_BODY_LEN
    }
}

/// How a body is told from what follows ([RFC 9112 §6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// This many bytes are left.
    Sized(u64),
    Chunked(Chunk),
    /// Until the byte stream ends.
    Open,
}

/// What comes next of a chunked body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chunk {
    /// The digits of a chunk's size. So far, it is this.
    Size(u64),
    /// The rest of the line that has the size.
    Extension(u64),
    /// This many bytes of data.
    Data(u64),
    /// The line break after the data.
    End,
}

impl Body {
    /// How the body of this response ends.
    pub(crate) fn of(response: &Response) -> Self {
        let headers = response.headers();
        let chunked = |value: &[u8]| {
            let end = value.last_chunk::<7>();
            end.is_some_and(|end| end.eq_ignore_ascii_case(b"chunked"))
        };
        if matches!(response.status(), 204 | 304) {
            Self::Sized(0)
        } else if headers.get_all("transfer-encoding").any(chunked) {
            Self::Chunked(Chunk::Size(0))
        } else {
            // A length that is no number is no help; the body is only read for a log.
            let len = headers
                .get_str("content-length")
                .and_then(|len| len.parse().ok());
            len.map_or(Self::Open, Self::Sized)
        }
    }

    /// Moves bytes of the body from the input to the response. True when it is complete, or as much as is kept.
    pub(crate) fn receive(&mut self, input: &mut &[u8], response: &mut Response) -> bool {
        match self {
            Self::Sized(left) => {
                let full = response.push_body(take(input, left));
                full || *left == 0
            }
            Self::Open => response.push_body(mem::take(input)),
            Self::Chunked(chunk) => {
                while !input.is_empty() {
                    if let Chunk::Data(left) = chunk {
                        if response.push_body(take(input, left)) {
                            return true;
                        }
                        if *left == 0 {
                            *chunk = Chunk::End;
                        }
                        continue;
                    }
                    let Some((&byte, rest)) = input.split_first() else {
                        return false;
                    };
                    *input = rest;
                    *chunk = match (*chunk, byte) {
                        (Chunk::Size(0) | Chunk::Extension(0), b'\n') => return true,
                        (Chunk::Size(size) | Chunk::Extension(size), b'\n') => Chunk::Data(size),
                        (Chunk::Size(size), digit) if digit.is_ascii_hexdigit() => {
                            let digit = char::from(digit).to_digit(16).unwrap_or_default();
                            Chunk::Size(size.saturating_mul(16).saturating_add(digit.into()))
                        }
                        (Chunk::Size(size) | Chunk::Extension(size), _) => Chunk::Extension(size),
                        (Chunk::End, b'\n') => Chunk::Size(0),
                        (other, _) => other,
                    };
                }
                false
            }
        }
    }
}

/// Takes at most this many bytes off the front of the input.
fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let len = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
    let (taken, rest) = input.split_at(len);
    *input = rest;
    *left -= len as u64;
    taken
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;
    use crate::handshake::head::{HeadKind, HeadLimits, HeadReader};

    /// Reads a body in chunks of this size. With it comes whether its end was found.
    fn read(head: &str, body: &[u8], chunk: usize) -> (Vec<u8>, bool) {
        let mut reader = HeadReader::new(HeadKind::Response);
        let limits = HeadLimits {
            size: 1000,
            headers: 10,
        };
        let head = format!("HTTP/1.1 {head}\r\n\r\n");
        assert_eq!(reader.receive(&mut head.as_bytes(), limits), Ok(true));
        let (start, headers) = reader.into_parts();
        let mut response = Response::new(start.status, headers);
        let mut state = Body::of(&response);
        let mut done = false;
        for mut input in body.chunks(chunk) {
            assert!(!done);
            done = state.receive(&mut input, &mut response);
            assert!(done || input.is_empty());
            if done {
                break;
            }
        }
        (response.body, done)
    }

    fn check(head: &str, body: &[u8], expected: &[u8], done: bool) {
        for chunk in 1..=body.len() {
            let outcome = read(head, body, chunk);
            assert_eq!(
                outcome,
                (expected.to_vec(), done),
                "{head:?} in chunks of {chunk}"
            );
        }
    }

    #[test]
    fn body_of_known_length_ends_there() {
        check("403 x\r\nContent-Length: 3", b"abcdef", b"abc", true);
        check("403 x\r\nContent-Length: 4", b"abc", b"abc", false);
        check(
            "403 x\r\nContent-Length: 99999999999999999999",
            b"abc",
            b"abc",
            false,
        );
        check("204 x\r\nContent-Length: 3", b"abc", b"", true);
    }

    #[test]
    fn body_of_unknown_length_goes_on() {
        check("403 x", b"abc", b"abc", false);
        check("403 x\r\nContent-Length: -3", b"abc", b"abc", false);
    }

    #[test]
    fn chunks_are_joined() {
        let head = "403 x\r\nTransfer-Encoding: gzip, Chunked";
        check(
            head,
            b"3\r\nabc\r\n00a;x=1\r\n0123456789\r\n0\r\n",
            b"abc0123456789",
            true,
        );
        check(head, b"3\r\nab", b"ab", false);
        check(head, b"ffffffffffffffffffff\r\nab", b"ab", false);
        check(head, b"x\r\n", b"", true);
    }

    #[test]
    fn first_kibibyte_of_a_body_is_kept() {
        let body = vec![b'x'; 2000];
        let chunked = [&b"7d0\r\n"[..], &body].concat();
        for (head, body) in [
            ("500 x", &body),
            ("500 x\r\nContent-Length: 2000", &body),
            ("500 x\r\nTransfer-Encoding: chunked", &chunked),
        ] {
            for chunk in [1, 7, 1023, 1024, 1025, 3000] {
                assert_eq!(
                    read(head, body, chunk),
                    (vec![b'x'; 1024], true),
                    "{head:?} {chunk}"
                );
            }
        }
    }

    #[test]
    fn header_fields_of_a_response_can_be_looked_up() {
        let mut reader = HeadReader::new(HeadKind::Response);
        let limits = HeadLimits {
            size: 1000,
            headers: 10,
        };
        let mut head = &b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic\r\n\r\n"[..];
        assert_eq!(reader.receive(&mut head, limits), Ok(true));
        let (start, headers) = reader.into_parts();
        let response = Response::new(start.status, headers);
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers().get_str("www-authenticate"),
            Some("Basic")
        );
        assert_eq!(response.body(), b"");
    }
}
