//! Pages: what a browser gets that asks for one on the port of a WebSocket server.

use std::{borrow::Cow, sync::Arc};

/// What is called with the path of a request that is no WebSocket handshake.
pub(crate) type Pages = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;

/// A document, or something that a document uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The value of `Content-Type`, as `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// The content.
    pub body: Cow<'static, [u8]>,
}

impl Page {
    /// A page with this `Content-Type` and content.
    pub fn new(content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            content_type,
            body: body.into(),
        }
    }
}

/// Reads the head of a request before the protocol does, which then gets the same bytes, unless a page is what is asked for.
#[derive(Debug, Default)]
pub(crate) struct Front(Vec<u8>);

/// What to do with the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Wait for more.
    More,
    /// All bytes so far are the protocol's, and all that follow.
    Protocol(Vec<u8>),
    /// Send this response and end the connection.
    Respond(Vec<u8>),
}

impl Front {
    /// Takes what has been read.
    pub(crate) fn receive(&mut self, bytes: &[u8], pages: &Pages) -> Verdict {
        let seen = self.0.len().saturating_sub(3);
        self.0.extend_from_slice(bytes);
        let head = &self.0;
        // Whatever is no plain GET or HEAD, the protocol knows better how to refuse.
        let may_be_page = METHODS
            .iter()
            .any(|method| head.starts_with(method) || method.starts_with(head));
        if !may_be_page || head.len() > HEAD_SIZE {
            return Verdict::Protocol(std::mem::take(&mut self.0));
        }
        let Some(end) = head[seen..].windows(4).position(|four| four == END) else {
            return Verdict::More;
        };
        match respond(&head[..seen + end], pages) {
            Some(response) => Verdict::Respond(response),
            None => Verdict::Protocol(std::mem::take(&mut self.0)),
        }
    }

    /// What has been read so far: the stream has ended.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The response to this head, unless it is the protocol's to answer.
fn respond(head: &[u8], pages: &Pages) -> Option<Vec<u8>> {
    let head = str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let (method, rest) = lines.next()?.split_once(' ')?;
    let (target, version) = rest.split_once(' ')?;
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !target.starts_with('/') {
        return None;
    }
    for line in lines {
        let (name, _) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("upgrade") {
            return None;
        }
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let found = pages(path);
    let (status, page) = match found {
        Some(page) => ("200 OK", page),
        None => (
            "404 Not Found",
            Page::new(TEXT, b"There is no such page.\n".as_slice()),
        ),
    };
    let mut response = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n{HEADERS}\r\n",
        page.content_type,
        page.body.len(),
    )
    .into_bytes();
    if method == "GET" {
        response.extend_from_slice(&page.body);
    }
    Some(response)
}

const METHODS: [&[u8]; 2] = [b"GET ", b"HEAD "];

const END: &[u8] = b"\r\n\r\n";

/// A longer head is left to the protocol, which refuses it.
const HEAD_SIZE: usize = 16 << 10;

const TEXT: &str = "text/plain; charset=utf-8";

/// A page may load from, and connect to, the server that it came from, and nothing else; nor may another page frame it.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
    X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-cache\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        Arc::new(|path| (path == "/").then(|| Page::new(TEXT, b"Hello".as_slice())))
    }

    fn response(request: &str) -> Option<String> {
        match Front::default().receive(request.as_bytes(), &pages()) {
            Verdict::Respond(response) => Some(String::from_utf8(response).expect("text")),
            Verdict::Protocol(bytes) => {
                assert_eq!(bytes, request.as_bytes());
                None
            }
            Verdict::More => panic!("more is wanted"),
        }
    }

    #[test]
    fn get_is_answered_with_head_and_body() {
        let expected = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {TEXT}\r\nContent-Length: 5\r\n{HEADERS}\r\n"
        );
        let get = "GET /?room=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(response(get), Some(format!("{expected}Hello")));
        let head = "HEAD / HTTP/1.0\r\n\r\n";
        assert_eq!(response(head), Some(expected));
    }

    #[test]
    fn unknown_path_is_404() {
        let response = response("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a page");
        assert!(
            response.starts_with("HTTP/1.1 404 Not Found\r\n"),
            "{response}"
        );
    }

    #[test]
    fn what_is_no_page_goes_to_the_protocol_unchanged() {
        for request in [
            "GET / HTTP/1.1\r\nHost: localhost\r\nuPgrade: websocket\r\n\r\n\u{1}\u{2}",
            "POST / HTTP/1.1\r\n",
            "\u{16}\u{3}\u{1}",
            "GET / HTTP/2\r\n\r\n",
            "GET  HTTP/1.1\r\n\r\n",
            "GET http://localhost/ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        ] {
            assert_eq!(response(request), None, "{request:?}");
        }
    }

    #[test]
    fn head_may_come_byte_by_byte() {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut front = Front::default();
        for byte in &request[..request.len() - 1] {
            assert_eq!(front.receive(&[*byte], &pages()), Verdict::More);
        }
        assert!(matches!(
            front.receive(b"\n", &pages()),
            Verdict::Respond(_)
        ));
    }

    #[test]
    fn head_without_end_is_given_to_the_protocol() {
        let mut front = Front::default();
        assert_eq!(
            front.receive(b"GET / HTTP/1.1\r\nX: ", &pages()),
            Verdict::More
        );
        let Verdict::Protocol(bytes) = front.receive(&[b'a'; HEAD_SIZE], &pages()) else {
            panic!("it is held for ever");
        };
        assert_eq!(bytes.len(), HEAD_SIZE + 19);
    }
}
