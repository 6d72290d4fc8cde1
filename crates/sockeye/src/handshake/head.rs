//! The head of an HTTP/1.1 message ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)), read as it comes.

use crate::handshake::{HandshakeError, Headers, headers::Field, list, start_line::StartLine};

/// Bounds on a head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    pub(crate) size: usize,
    pub(crate) headers: usize,
}

/// Which first line to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadKind {
    Request,
    Response,
}

/// Reads a head and stops directly behind it.
///
/// A byte is looked at when it comes and once more when its line is complete, so that the work is linear in the bytes received however
/// they are cut (CVE-2023-43669 was a head parsed anew at each read).
#[derive(Clone, Debug)]
pub(crate) struct HeadReader {
    kind: HeadKind,
    headers: Headers,
    start: Option<StartLine>,
    /// Where the line under way begins.
    line: usize,
    /// Whether the first bytes have been found to look like HTTP.
    plausible: bool,
    /// How many empty lines came before the first line.
    empty_lines: u8,
}

impl HeadReader {
    pub(crate) const fn new(kind: HeadKind) -> Self {
        Self {
            kind,
            headers: Headers::new(),
            start: None,
            line: 0,
            plausible: false,
            empty_lines: 0,
        }
    }

    /// Takes bytes up to the end of the head off the front of the input. True once the head is complete.
    pub(crate) fn receive(
        &mut self,
        input: &mut &[u8],
        limits: HeadLimits,
    ) -> Result<bool, HandshakeError> {
        if self.headers.bytes.is_empty() {
            self.headers.bytes.reserve(input.len().min(limits.size));
        }
        while !input.is_empty() {
            let room = limits.size.saturating_sub(self.headers.bytes.len());
            let window = input.get(..room).unwrap_or(input);
            let end = find_line_feed(window);
            let taken = end.map_or(window.len(), |end| end + 1);
            let (chunk, rest) = input.split_at(taken);
            if !self.plausible {
                self.check_first_bytes(chunk)?;
            }
            if end.is_none() && chunk.len() < input.len() {
                return Err(self.too_large(limits.size));
            }
            self.headers.bytes.extend_from_slice(chunk);
            *input = rest;
            if end.is_some() && self.end_line(limits.headers)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many bytes have been read.
    pub(crate) fn len(&self) -> usize {
        self.headers.bytes.len()
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The first line, once it is complete.
    pub(crate) fn start(&self) -> Option<&StartLine> {
        self.start.as_ref()
    }

    /// The complete head.
    pub(crate) fn into_parts(self) -> (StartLine, Headers) {
        (self.start.unwrap_or_default(), self.headers)
    }

    /// Finds out at the first bytes that this is not HTTP, so that nobody waits for the line of a TLS handshake to end.
    fn check_first_bytes(&mut self, chunk: &[u8]) -> Result<(), HandshakeError> {
        const VERSION: &[u8] = b"HTTP/";
        // No method that anybody uses comes near.
        const LONGEST_METHOD: usize = 32;
        let before = self.headers.bytes.get(self.line..).unwrap_or_default();
        let first = before.first().or_else(|| chunk.first());
        for (at, &byte) in (before.len()..).zip(chunk) {
            // An empty line before the first one, or a bare line feed: for `end_line` to judge.
            if first == Some(&b'\n')
                || (first == Some(&b'\r') && matches!((at, byte), (0, _) | (1, b'\n')))
            {
                continue;
            }
            let (is_plausible, is_last) = match self.kind {
                HeadKind::Request => (
                    first != Some(&b'\r')
                        && ((byte == b' ' && at > 0)
                            || (list::is_token_byte(byte) && at < LONGEST_METHOD)),
                    byte == b' ',
                ),
                HeadKind::Response => (VERSION.get(at) == Some(&byte), at + 1 == VERSION.len()),
            };
            if !is_plausible {
                return Err(HandshakeError::NotHttp);
            }
            if is_last {
                self.plausible = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the line that just became complete. True if it ends the head.
    fn end_line(&mut self, max_headers: usize) -> Result<bool, HandshakeError> {
        let bytes = &self.headers.bytes;
        let start = self.line;
        self.line = bytes.len();
        let line = bytes.get(start..).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err(HandshakeError::BareLineFeed);
        };
        if self.start.is_none() {
            if line.is_empty() {
                // RFC 9112 §2.2: a server ignores an empty line before the request line.
                if self.kind == HeadKind::Response || self.empty_lines == MAX_EMPTY_LINES {
                    return Err(HandshakeError::NotHttp);
                }
                self.empty_lines += 1;
                return Ok(false);
            }
            self.start = match self.kind {
                HeadKind::Request => StartLine::request(line, start),
                HeadKind::Response => StartLine::response(line),
            };
            return match (&self.start, self.kind) {
                (Some(_), _) => Ok(false),
                (None, HeadKind::Request) => Err(HandshakeError::RequestLine),
                (None, HeadKind::Response) => Err(HandshakeError::StatusLine),
            };
        }
        if line.is_empty() {
            return Ok(true);
        }
        if self.headers.fields.len() >= max_headers {
            return Err(HandshakeError::TooManyHeaders { limit: max_headers });
        }
        let field = field(line, start)?;
        if self.headers.fields.is_empty() {
            // What a browser sends fits, so that it is one allocation.
            self.headers.fields.reserve(max_headers.min(16));
        }
        self.headers.fields.push(field);
        Ok(false)
    }

    fn too_large(&self, limit: usize) -> HandshakeError {
        if self.kind == HeadKind::Request && self.start.is_none() {
            HandshakeError::TargetTooLong { limit }
        } else {
            HandshakeError::HeadTooLarge { limit }
        }
    }
}

/// Where the first line feed is. Looks at blocks without a branch, so that compilers vectorise it.
fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<16>();
    let has_none =
        |block: &&[u8; 16]| !block.iter().fold(false, |any, &byte| any | (byte == b'\n'));
    let skipped = blocks.iter().take_while(has_none).count() * 16;
    let at = bytes.get(skipped..)?.iter().position(|&byte| byte == b'\n');
    Some(skipped + at?)
}

/// Reads `name: value`, which lies at `start`.
fn field(line: &[u8], start: usize) -> Result<Field, HandshakeError> {
    if matches!(line, [b' ' | b'\t', ..]) {
        return Err(HandshakeError::HeaderFolded);
    }
    // RFC 9112 §5.1: no space before the colon. It has been used to smuggle fields past a proxy.
    let colon = match line.iter().position(|&byte| !list::is_token_byte(byte)) {
        Some(at) if at > 0 && line.get(at) == Some(&b':') => at,
        _ => return Err(HandshakeError::HeaderName),
    };
    let padded = line.get(colon + 1..).unwrap_or_default();
    if !list::is_value(padded) {
        return Err(HandshakeError::HeaderValue);
    }
    let value = list::trim(padded);
    let leading = padded.len() - padded.trim_ascii_start().len();
    let value_start = start + colon + 1 + leading;
    Ok(Field {
        name: start..start + colon,
        value: value_start..value_start + value.len(),
    })
}

/// Empty lines before a request that are ignored.
const MAX_EMPTY_LINES: u8 = 4;

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        size: 16_384,
        headers: 100,
    };

    type Outcome = Result<Option<(StartLine, Headers, usize)>, HandshakeError>;

    /// Feeds the bytes in chunks of this size. With the head comes how many bytes were left.
    fn read(kind: HeadKind, bytes: &[u8], chunk: usize) -> Outcome {
        let mut reader = HeadReader::new(kind);
        let mut left = bytes.len();
        for mut input in bytes.chunks(chunk) {
            left -= input.len();
            if reader.receive(&mut input, LIMITS)? {
                let (start, headers) = reader.into_parts();
                return Ok(Some((start, headers, left + input.len())));
            }
            assert!(input.is_empty());
        }
        Ok(None)
    }

    /// The outcome, which must be the same for every size of chunk.
    fn read_all_ways(kind: HeadKind, bytes: &[u8]) -> Outcome {
        let outcome = read(kind, bytes, usize::MAX);
        for chunk in 1..bytes.len().min(300) {
            assert_eq!(read(kind, bytes, chunk), outcome, "chunks of {chunk} bytes");
        }
        outcome
    }

    fn request_error(bytes: impl AsRef<[u8]>) -> HandshakeError {
        match read_all_ways(HeadKind::Request, bytes.as_ref()) {
            Err(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn head_is_taken_up_to_the_blank_line_however_it_is_cut() {
        let bytes = b"\r\nGET /chat?a=b HTTP/1.1\r\nHost:example.com\r\nX-A: \t b c\xe9 \t\r\nx-a:\r\n\r\n\x81\x80\r\n\r\n";
        let (start, headers, left) = read_all_ways(HeadKind::Request, bytes).unwrap().unwrap();
        assert_eq!(left, 6);
        assert_eq!(headers.str(&start.method), "GET");
        assert_eq!(headers.str(&start.target), "/chat?a=b");
        assert_eq!(start.version, (1, 1));
        assert!(headers.iter().eq([
            ("Host", &b"example.com"[..]),
            ("X-A", b"b c\xe9"),
            ("x-a", b""),
        ]));
        assert_eq!(headers.get("x-A"), Some(&b"b c\xe9"[..]));
        assert_eq!(headers.get_str("x-A"), None);
        assert_eq!(headers.get_str("HOST"), Some("example.com"));
        assert_eq!(headers.get_all("x-a").count(), 2);
        assert_eq!(headers.get("Y"), None);
        assert_eq!((headers.len(), headers.is_empty()), (3, false));
    }

    #[test]
    fn response_head_is_taken_however_it_is_cut() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n\x81\x00";
        let (start, headers, left) = read_all_ways(HeadKind::Response, bytes).unwrap().unwrap();
        assert_eq!((start.status, start.version, left), (101, (1, 1), 2));
        assert!(headers.iter().eq([("A", &b"b"[..])]));
        for line in [
            "HTTP/1.0 404",
            "HTTP/1.1 404 ",
            "HTTP/1.1 404 Not\tFound \u{e9}",
        ] {
            let head = read_all_ways(HeadKind::Response, format!("{line}\r\n\r\n").as_bytes());
            assert_eq!(head.unwrap().unwrap().0.status, 404, "{line}");
        }
    }

    #[test]
    fn malformed_status_lines_are_refused() {
        for line in [
            "HTTP/1.1",
            "HTTP/1.1 ",
            "HTTP/1.1 10",
            "HTTP/1.1 1010",
            "HTTP/1.1  101",
            "HTTP/1.1 012",
            "HTTP/11 101 x",
            "HTTP/1.1 101 a\0",
            "HTTP/x.1 101",
            "HTTP/1.1\t101",
        ] {
            let outcome = read_all_ways(HeadKind::Response, format!("{line}\r\n").as_bytes());
            assert_eq!(outcome, Err(HandshakeError::StatusLine), "{line}");
        }
        for bytes in [
            "\r\nHTTP/1.1 101 x\r\n",
            "HTTQ",
            "SSH-2.0",
            "\u{16}\u{3}",
            "http/1.1 101",
        ] {
            let outcome = read_all_ways(HeadKind::Response, bytes.as_bytes());
            assert_eq!(outcome, Err(HandshakeError::NotHttp), "{bytes}");
        }
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_bytes() {
        for bytes in [
            &b"\x16\x03\x01\x02\x00\x01"[..], // TLS
            b"\x00",
            b"\x05\x01\x00", // SOCKS
            b" GET / HTTP/1.1",
            b"GET\t/",
            b"GET\r\n",
            b"\rGET / HTTP/1.1",
            b"\r\r\n",
            b"\r\n\x16\x03",
            b"caf\xc3\xa9",
            b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            b"\r\n\r\n\r\n\r\n\r\n",
        ] {
            assert_eq!(request_error(bytes), HandshakeError::NotHttp, "{bytes:?}");
        }
        let mut reader = HeadReader::new(HeadKind::Request);
        assert_eq!(
            reader.receive(&mut &b"\x16"[..], LIMITS),
            Err(HandshakeError::NotHttp)
        );
    }

    #[test]
    fn malformed_request_lines_are_refused() {
        for line in [
            "GET /",
            "GET / ",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET / HTTP/1.1 x",
            "GET /a\u{e9} HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "GET / HTTP/1",
            "GET / HTTP/1.10",
            "GET / http/1.1",
            "GET / HTTP/a.1",
            "GET /\r/ HTTP/1.1",
            "GET /\t HTTP/1.1",
            "GET / HTTPS/1.1",
        ] {
            assert_eq!(
                request_error(format!("{line}\r\n")),
                HandshakeError::RequestLine,
                "{line}"
            );
        }
    }

    #[test]
    fn each_way_to_break_a_header_line_has_its_error() {
        for (lines, error) in [
            ("A: b\n", HandshakeError::BareLineFeed),
            ("\n", HandshakeError::BareLineFeed),
            ("A: b\nC: d\r\n", HandshakeError::BareLineFeed),
            (" A: b\r\n", HandshakeError::HeaderFolded),
            ("A: b\r\n c\r\n", HandshakeError::HeaderFolded),
            ("A: b\r\n\tc\r\n", HandshakeError::HeaderFolded),
            ("A : b\r\n", HandshakeError::HeaderName),
            (": b\r\n", HandshakeError::HeaderName),
            ("A\r\n", HandshakeError::HeaderName),
            ("\r\r\n", HandshakeError::HeaderName),
            ("A(: b\r\n", HandshakeError::HeaderName),
            ("\u{e9}: b\r\n", HandshakeError::HeaderName),
            ("A\0: b\r\n", HandshakeError::HeaderName),
            ("A: b\rc\r\n", HandshakeError::HeaderValue),
            ("A: b\r\r\n", HandshakeError::HeaderValue),
            ("A: \0\r\n", HandshakeError::HeaderValue),
            ("A: \u{7f}\r\n", HandshakeError::HeaderValue),
            ("A: \u{1}b\r\n", HandshakeError::HeaderValue),
        ] {
            assert_eq!(
                request_error(format!("GET / HTTP/1.1\r\n{lines}")),
                error,
                "{lines:?}"
            );
        }
        assert_eq!(
            request_error("GET / HTTP/1.1\n"),
            HandshakeError::BareLineFeed
        );
    }

    #[test]
    fn head_may_be_as_long_as_the_limit_and_no_longer() {
        let head = |len: usize| {
            let fixed = "GET / HTTP/1.1\r\nA: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(len - fixed))
        };
        assert!(
            read_all_ways(HeadKind::Request, (head(16_384) + "frames").as_bytes())
                .unwrap()
                .is_some()
        );
        assert_eq!(
            request_error(head(16_385)),
            HandshakeError::HeadTooLarge { limit: 16_384 }
        );
    }

    #[test]
    fn mebibyte_without_a_newline_is_refused_at_the_limit() {
        let mut reader = HeadReader::new(HeadKind::Request);
        let bytes = [&b"GET / HTTP/1.1\r\nA: "[..], &vec![b'x'; 1 << 20]].concat();
        let mut taken = 0;
        let error = bytes.chunks(1000).find_map(|mut input| {
            taken += input.len();
            reader.receive(&mut input, LIMITS).err()
        });
        assert_eq!(error, Some(HandshakeError::HeadTooLarge { limit: 16_384 }));
        assert_eq!(taken, 17_000);
        assert!(reader.headers.bytes.capacity() <= 2 * 16_384);
        assert_eq!(
            request_error(format!("GET /{}", "x".repeat(1 << 15))),
            HandshakeError::TargetTooLong { limit: 16_384 }
        );
    }

    #[test]
    fn header_fields_are_counted() {
        let head = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
        let (_, headers, _) = read_all_ways(HeadKind::Request, head(100).as_bytes())
            .unwrap()
            .unwrap();
        assert_eq!(headers.len(), 100);
        assert_eq!(
            request_error(head(101)),
            HandshakeError::TooManyHeaders { limit: 100 }
        );
    }

    #[test]
    fn line_feeds_are_found_wherever_they_are() {
        for len in 0..70 {
            let mut bytes = vec![b'x'; len];
            assert_eq!(find_line_feed(&bytes), None);
            for at in (0..len).rev() {
                bytes[at] = b'\n';
                assert_eq!(find_line_feed(&bytes), Some(at));
            }
        }
    }

    /// CVE-2023-43669: the line under way never moves back, and each line is read once, when it is complete.
    #[test]
    fn head_that_comes_byte_by_byte_is_never_read_again() {
        let bytes = format!(
            "GET / HTTP/1.1\r\n{}",
            format!("A: {}\r\n", "x".repeat(155)).repeat(100)
        );
        let mut reader = HeadReader::new(HeadKind::Request);
        let (mut line, mut read_lines) = (0, 0);
        for byte in bytes.as_bytes() {
            assert_eq!(
                reader.receive(&mut core::slice::from_ref(byte), LIMITS),
                Ok(false)
            );
            if reader.line != line {
                assert_eq!(reader.line, reader.len());
                read_lines += reader.line - line;
                line = reader.line;
            }
        }
        assert_eq!(read_lines, bytes.len());
        assert_eq!(reader.headers.len(), 100);
        assert!(reader.headers.bytes.capacity() <= 2 * 16_384);
    }
}
