//! The heads of requests, on their way to the server: `Host` names it, and nothing else changes.

/// Where requests go, as their heads have it.
#[derive(Clone, Debug)]
pub(super) struct Rewrite {
    /// The value of `Host`; `None` leaves that of the client.
    pub(super) host: Option<String>,
    /// Path and query that stand for `/`.
    pub(super) target: String,
}

/// Rewrites what a client sends, while it comes. Whatever is no request is passed on as it is, and so is all that follows it.
///
/// Bodies are passed over by `Content-Length`; behind any other body, and behind a request for an upgrade, nothing is looked at.
#[derive(Debug)]
pub(super) struct Heads {
    rewrite: Rewrite,
    state: State,
    /// A line that has not ended yet.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A request line comes next.
    Request,
    /// A field, or the empty line; what the fields so far say of the bytes behind it.
    Field(Rest),
    Body(u64),
    /// Everything is passed on.
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Length(u64),
    Unknown,
}

impl Heads {
    pub(super) fn new(rewrite: Rewrite) -> Self {
        Self {
            rewrite,
            state: State::Request,
            line: Vec::new(),
        }
    }

    /// Whether everything that comes is passed on as it is: [`Self::receive`] need not be called any more.
    pub(super) fn is_raw(&self) -> bool {
        self.state == State::Raw
    }

    /// Takes bytes, and appends to `out` what is to be sent.
    pub(super) fn receive(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            match self.state {
                State::Raw => {
                    out.extend_from_slice(bytes);
                    return;
                }
                State::Body(left) => {
                    let take =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    out.extend_from_slice(&bytes[..take]);
                    bytes = &bytes[take..];
                    self.state = match left - take as u64 {
                        0 => State::Request,
                        left => State::Body(left),
                    };
                }
                State::Request | State::Field(_) => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let take = end.map_or(bytes.len(), |end| end + 1);
                    self.line.extend_from_slice(&bytes[..take]);
                    bytes = &bytes[take..];
                    if end.is_some() {
                        self.end_line(out);
                    } else if self.is_hopeless() {
                        self.give_up(out);
                    }
                }
            }
        }
    }

    /// The client ends: what is held back goes out.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.give_up(out);
    }

    /// Whether the line so far cannot be one of a head.
    fn is_hopeless(&self) -> bool {
        self.line.len() > LINE_LEN
            || (self.state == State::Request
                && !self
                    .line
                    .first()
                    .is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b'\r'))
    }

    fn give_up(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.line);
        self.state = State::Raw;
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let is_empty = matches!(self.line.as_slice(), b"\n" | b"\r\n");
        match self.state {
            // RFC 9112 §2.2: empty lines may come in front of a request.
            State::Request if is_empty => out.append(&mut self.line),
            State::Request => match request_line(&self.line) {
                Some(target) => {
                    self.state = State::Field(Rest::Length(0));
                    let (before, behind) = (&self.line[..target.start], &self.line[target.end..]);
                    out.extend_from_slice(before);
                    out.extend_from_slice(&self.rewrite.target(&self.line[target.clone()]));
                    out.extend_from_slice(behind);
                    self.line.clear();
                }
                None => self.give_up(out),
            },
            State::Field(rest) if is_empty => {
                out.append(&mut self.line);
                self.state = match rest {
                    Rest::Length(0) => State::Request,
                    Rest::Length(len) => State::Body(len),
                    Rest::Unknown => State::Raw,
                };
            }
            State::Field(rest) => {
                self.state = State::Field(rest_behind(&self.line, rest));
                match (&self.rewrite.host, is_field(&self.line, "host")) {
                    (Some(host), true) => {
                        let text = self.line.trim_ascii_end().len();
                        out.extend_from_slice(&self.line[.."host:".len()]);
                        out.push(b' ');
                        out.extend_from_slice(host.as_bytes());
                        out.extend_from_slice(&self.line[text..]);
                        self.line.clear();
                    }
                    _ => out.append(&mut self.line),
                }
            }
            State::Body(_) | State::Raw => out.append(&mut self.line),
        }
    }
}

impl Rewrite {
    /// The target for this one of a client.
    fn target(&self, asked: &[u8]) -> Vec<u8> {
        let mut target = self.target.clone().into_bytes();
        match asked {
            b"/" => target,
            [b'/', b'?', query @ ..] => {
                target.push(if self.target.contains('?') {
                    b'&'
                } else {
                    b'?'
                });
                target.extend_from_slice(query);
                target
            }
            asked => asked.to_vec(),
        }
    }
}

/// Where the target is in a request line that a head may follow.
fn request_line(line: &[u8]) -> Option<core::ops::Range<usize>> {
    let text = line.trim_ascii_end();
    let method = text.iter().position(|byte| *byte == b' ')?;
    let version = text.iter().rposition(|byte| *byte == b' ')?;
    let is_method =
        text[..method].iter().all(u8::is_ascii_uppercase) && &text[..method] != b"CONNECT";
    (is_method && method < version && text[version + 1..].starts_with(b"HTTP/1."))
        .then_some(method + 1..version)
}

/// What comes behind a head, if this is one of its fields.
fn rest_behind(line: &[u8], rest: Rest) -> Rest {
    if is_field(line, "upgrade") || is_field(line, "transfer-encoding") {
        return Rest::Unknown;
    }
    if is_field(line, "content-length") && rest != Rest::Unknown {
        let value = &line["content-length:".len()..];
        let len = str::from_utf8(value)
            .ok()
            .and_then(|value| value.trim().parse().ok());
        return len.map_or(Rest::Unknown, Rest::Length);
    }
    rest
}

fn is_field(line: &[u8], name: &str) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name.as_bytes())
}

/// A longer line is none of a head that anybody would take.
const LINE_LEN: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(target: &str) -> Heads {
        Heads::new(Rewrite {
            host: Some("example.com".into()),
            target: target.into(),
        })
    }

    /// What comes out in the end, and whether the rest is passed on unseen; the same at every cut.
    fn rewritten(target: &str, input: &[u8]) -> (String, bool) {
        let mut whole = (heads(target), Vec::new());
        whole.0.receive(input, &mut whole.1);
        let is_raw = whole.0.is_raw();
        whole.0.finish(&mut whole.1);
        for cut in 0..=input.len() {
            let (mut heads, mut out) = (heads(target), Vec::new());
            heads.receive(&input[..cut], &mut out);
            heads.receive(&input[cut..], &mut out);
            assert_eq!(heads.is_raw(), is_raw, "cut at {cut}");
            heads.finish(&mut out);
            assert_eq!(out, whole.1, "cut at {cut}");
        }
        let text = whole.1.iter().map(|byte| char::from(*byte)).collect();
        (text, is_raw)
    }

    #[test]
    fn host_is_rewritten_and_all_else_is_kept() {
        let head = "GET /a HTTP/1.1\r\nhOST:127.0.0.1:9000 \r\nX:  y\nUpgrade: websocket\r\n folded\r\n\r\n\u{81}\u{5}Host: a\r\n";
        let bytes: Vec<u8> = head.chars().map(|char| char as u8).collect();
        let expected = head.replace("hOST:127.0.0.1:9000 \r\n", "hOST: example.com \r\n");
        assert_eq!(rewritten("/", &bytes), (expected, true));
    }

    #[test]
    fn root_is_mapped_to_the_path() {
        for (path, asked, expected) in [
            ("/chat", "/", "/chat"),
            ("/chat", "/?a=b", "/chat?a=b"),
            ("/chat?x", "/?a=b", "/chat?x&a=b"),
            ("/chat", "/other", "/other"),
            ("/chat", "//", "//"),
            ("/", "/", "/"),
        ] {
            let line = |target| format!("GET {target} HTTP/1.1\r\n");
            assert_eq!(
                rewritten(path, line(asked).as_bytes()),
                (line(expected), false)
            );
        }
    }

    #[test]
    fn requests_behind_a_body_are_rewritten_too() {
        let input = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\nHost: b\r\n\r\n";
        assert_eq!(
            rewritten("/", input.as_bytes()),
            (input.replace("Host: b", "Host: example.com"), false)
        );
    }

    #[test]
    fn nothing_is_looked_at_behind_what_is_not_understood() {
        for input in [
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "\u{16}\u{3}\u{1}\nHost: a\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/2\r\nHost: a\r\n",
            "GET HTTP/1.1\r\nHost: a\r\n",
        ] {
            assert_eq!(
                rewritten("/chat", input.as_bytes()),
                (input.replace("POST / ", "POST /chat "), true)
            );
        }
    }

    #[test]
    fn line_without_end_is_not_held_for_ever() {
        let mut heads = heads("/");
        let mut out = Vec::new();
        heads.receive(b"GET /", &mut out);
        assert_eq!(out, b"");
        heads.receive(&vec![b'a'; LINE_LEN], &mut out);
        assert_eq!((out.len(), heads.is_raw()), (LINE_LEN + 5, true));
    }
}
