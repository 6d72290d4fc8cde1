//! Heads of HTTP messages, read as they are: nothing is refused that can be shown.

use core::ops::Range;

/// Longest head that is waited for, in bytes.
pub(super) const MAX_HEAD: usize = 65_536;

/// A head of HTTP/1: a start line and fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'b> {
    bytes: &'b [u8],
}

/// A field, and which bytes of the head its line is.
#[derive(Clone, Debug)]
pub(super) struct Field<'b> {
    pub(super) name: &'b str,
    pub(super) value: &'b str,
    pub(super) line: Range<u32>,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    Length(u64),
    Chunked,
    UntilEnd,
}

/// Length of the head at the front of the bytes with its empty line; `None` when it is not complete.
pub(super) fn len(bytes: &[u8]) -> Option<usize> {
    len_beyond(bytes, 0)
}

/// As [`len`], where it is known that no head ends within the first `seen` bytes.
pub(super) fn len_beyond(bytes: &[u8], seen: usize) -> Option<usize> {
    let within = &bytes[..bytes.len().min(MAX_HEAD)];
    // The line before the empty one may have ended before.
    let mut from = seen.saturating_sub(3).min(within.len());
    while let Some(at) = within[from..].iter().position(|&byte| byte == b'\n') {
        let end = from + at + 1;
        match within[end..] {
            [b'\r', b'\n', ..] => return Some(end + 2),
            [b'\n', ..] => return Some(end + 1),
            _ => from = end,
        }
    }
    None
}

impl<'b> Head<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// The words of the start line, at most three; the last may contain spaces.
    pub(super) fn start_line(&self) -> [&'b str; 3] {
        let line = self.bytes.split(|&byte| byte == b'\n').next();
        let line = line.map_or("", |line| text(line.trim_ascii_end()));
        let mut words = line.splitn(3, ' ');
        core::array::from_fn(|_| words.next().unwrap_or_default())
    }

    /// Which bytes the start line is.
    pub(super) fn start_line_range(&self) -> Range<u32> {
        let len = self
            .bytes
            .iter()
            .position(|&byte| byte == b'\r' || byte == b'\n')
            .unwrap_or(self.bytes.len());
        0..len as u32
    }

    /// The status of a response.
    pub(super) fn status(&self) -> Option<u16> {
        let [version, status, _] = self.start_line();
        version.starts_with("HTTP/").then_some(())?;
        status.parse().ok()
    }

    /// The fields in order. What is no field is left out.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'b>> {
        let mut at = 0;
        self.bytes
            .split_inclusive(|&byte| byte == b'\n')
            .filter_map(move |line| {
                let start = at;
                at += line.len();
                let content = line.trim_ascii_end();
                let colon = content.iter().position(|&byte| byte == b':')?;
                if start == 0 {
                    return None;
                }
                let (name, value) = content.split_at(colon);
                Some(Field {
                    name: text(name),
                    value: text(value[1..].trim_ascii()),
                    line: start as u32..(start + content.len()) as u32,
                })
            })
    }

    /// The fields of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = Field<'b>> {
        self.fields()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The first field of this name.
    pub(super) fn get(&self, name: &str) -> Option<Field<'b>> {
        self.all(name).next()
    }

    /// The elements of the lists in all fields of this name, commas within quotes aside.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = (&'b str, Range<u32>)> {
        self.all(name).flat_map(|field| {
            let line = field.line;
            split(field.value, ',')
                .filter(|element| !element.is_empty())
                .map(move |element| (element, line.clone()))
        })
    }

    /// Whether a list of tokens has this one, in any case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .any(|(element, _)| element.eq_ignore_ascii_case(token))
    }

    /// Whether it asks for a WebSocket, or tries to.
    pub(super) fn asks_for_websocket(&self) -> bool {
        self.has_token("upgrade", "websocket")
            || self.get("sec-websocket-key").is_some()
            || self.get("sec-websocket-version").is_some()
    }

    /// What follows this request.
    pub(super) fn request_body(&self) -> Body {
        self.body().unwrap_or(Body::Nothing)
    }

    /// What follows this response to a request with this method.
    pub(super) fn response_body(&self, method: &str) -> Body {
        match self.status() {
            Some(100..=199 | 204 | 304) => Body::Nothing,
            _ if method == "HEAD" => Body::Nothing,
            _ => self.body().unwrap_or(Body::UntilEnd),
        }
    }

    fn body(&self) -> Option<Body> {
        if self.has_token("transfer-encoding", "chunked") {
            return Some(Body::Chunked);
        }
        let length = self.get("content-length")?;
        Some(Body::Length(length.value.parse().ok()?))
    }
}

/// Splits at a separator that is not within quotes, and trims what is between.
pub(super) fn split(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    list.split(move |character| {
        if is_escaped {
            is_escaped = false;
        } else if character == '"' {
            is_quoted = !is_quoted;
        } else if is_quoted && character == '\\' {
            is_escaped = true;
        } else {
            return character == separator && !is_quoted;
        }
        false
    })
    .map(str::trim)
}

/// The text of these bytes as far as it is UTF-8.
fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// Whether these bytes begin a request, or may when there is more.
pub(super) fn may_be_request(bytes: &[u8]) -> bool {
    let method = bytes
        .iter()
        .take(17)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match bytes.get(method) {
        None => method <= 16,
        Some(byte) => (3..=16).contains(&method) && *byte == b' ',
    }
}

/// Whether these bytes begin a response, or may when there is more.
pub(super) fn may_be_response(bytes: &[u8]) -> bool {
    let version = b"HTTP/";
    let len = bytes.len().min(version.len());
    bytes[..len] == version[..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_with_the_bytes_of_their_lines() {
        let head = b"GET /a b HTTP/1.1\r\nHost: x\r\nno field\r\nA:\"p,q\", r\r\n\r\n";
        let head = Head::new(head);
        assert_eq!(head.start_line(), ["GET", "/a", "b HTTP/1.1"]);
        assert_eq!(head.start_line_range(), 0..17);
        let fields: Vec<_> = head
            .fields()
            .map(|field| (field.name, field.value, field.line))
            .collect();
        assert_eq!(fields, [("Host", "x", 19..26), ("A", "\"p,q\", r", 38..48)]);
        let list: Vec<_> = head.list("a").map(|(element, _)| element).collect();
        assert_eq!(list, ["\"p,q\"", "r"]);
    }

    #[test]
    fn head_ends_at_its_empty_line() {
        assert_eq!(len(b"GET / HTTP/1.1\r\n\r\nrest"), Some(18));
        assert_eq!(len(b"GET / HTTP/1.1\nA: b\n\nrest"), Some(21));
        assert_eq!(len(b"GET / HTTP/1.1\r\n\r"), None);
        assert_eq!(len(&[b'a'; 70_000]), None);
        for head in [
            &b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"[..],
            b"GET / HTTP/1.1\nA: b\n\nrest",
        ] {
            let end = len(head).expect("it is complete");
            for seen in 0..end {
                assert_eq!(len_beyond(&head[..seen], seen), None);
                assert_eq!(len_beyond(head, seen), Some(end), "{seen}");
            }
        }
    }

    #[test]
    fn bodies_are_told_by_the_head() {
        let response = |head: &'static [u8]| Head::new(head).response_body("GET");
        assert_eq!(
            response(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"),
            Body::Nothing
        );
        assert_eq!(
            response(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            Body::Length(5)
        );
        assert_eq!(response(b"HTTP/1.1 200 OK\r\n\r\n"), Body::UntilEnd);
        assert_eq!(
            response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            Body::Chunked
        );
        assert_eq!(
            Head::new(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").response_body("HEAD"),
            Body::Nothing
        );
    }

    #[test]
    fn beginnings_are_told_apart() {
        assert!(may_be_request(b"GET / HTTP/1.1"));
        assert!(may_be_request(b"GE"));
        assert!(may_be_request(b""));
        assert!(!may_be_request(b"GE/"));
        assert!(!may_be_request(b"\x81\x05Hello"));
        assert!(may_be_response(b"HTT"));
        assert!(!may_be_response(b"HTTQ"));
    }
}
