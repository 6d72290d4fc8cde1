//! The HTTP responses of a server that does not upgrade.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::{
    error::{decimal, with_text},
    handshake::{ExtraHeaders, HandshakeError, Headers, list, start_line::StartLine},
};

/// What of a request shapes the answer to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    /// The method is HEAD: the answer has no body.
    head: bool,
    /// The client shows HTML: it is a browser that was pointed here.
    html: bool,
    /// The value of `Host`, if it is one.
    host: Option<&'a str>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(start: &StartLine, headers: &'a Headers) -> Self {
        let accepts_html = |value: &[u8]| {
            list::split(value, b',').any(|range| {
                let media_type = list::split(range, b';').next().unwrap_or_default();
                list::trim(media_type).eq_ignore_ascii_case(b"text/html")
            })
        };
        Self {
            head: headers.slice(&start.method) == b"HEAD",
            html: headers.get_all("accept").any(accepts_html),
            host: headers
                .get_str("host")
                .filter(|host| super::origin::is_host_and_port(host)),
        }
    }
}

/// Appends the response that tells the client about this error. Nothing, if there is nobody to tell.
pub(crate) fn write_error(error: &HandshakeError, context: Context<'_>, out: &mut Vec<u8>) {
    let Some(status) = error.status() else {
        return;
    };
    let (content_type, body) = match error {
        HandshakeError::NotAnUpgrade => page(context),
        _ => {
            let mut body = String::from("This WebSocket server refuses the request: ");
            body.push_str(&error.sentence());
            // Some reasons end in a question.
            body.push_str(if body.ends_with('?') { "\n" } else { ".\n" });
            (TEXT, body.into())
        }
    };
    write_status(status, out);
    for (name, value) in error.headers() {
        write_field(name, value.as_bytes(), out);
    }
    write_field("Content-Type", content_type.as_bytes(), out);
    write_body(body.as_bytes(), context.head, out);
}

/// Appends a response of the application's own. Its connection closes.
pub(crate) fn write_response(status: u16, headers: &ExtraHeaders, body: &str, out: &mut Vec<u8>) {
    write_status(status, out);
    write_field("Connection", b"close", out);
    if !headers.contains("content-type") {
        write_field("Content-Type", TEXT.as_bytes(), out);
    }
    out.extend_from_slice(headers.as_wire());
    write_body(body.as_bytes(), false, out);
}

pub(crate) fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    debug_assert!(list::is_token(name.as_bytes()) && list::is_value(value));
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_status(status: u16, out: &mut Vec<u8>) {
    for part in [
        "HTTP/1.1 ",
        &*decimal(status.into()),
        " ",
        reason(status),
        "\r\n",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn write_body(body: &[u8], head: bool, out: &mut Vec<u8>) {
    write_field("Content-Length", decimal(body.len() as u64).as_bytes(), out);
    out.extend_from_slice(b"\r\n");
    if !head {
        out.extend_from_slice(body);
    }
}

/// What somebody sees who opens a WebSocket endpoint in a browser or with curl.
fn page(context: Context<'_>) -> (&'static str, Cow<'static, str>) {
    // A host has no characters that mean something in HTML or in a string: see `is_host_and_port`.
    let host = context.host.unwrap_or("example.com");
    let (content_type, before, after) = if context.html {
        (
            HTML,
            "<!doctype html>\n<meta charset=\"utf-8\">\n<title>WebSocket endpoint</title>\n<h1>This is a WebSocket endpoint</h1>\n\
             <p>It speaks RFC 6455, not plain HTTP. Connect to it from JavaScript with\n\
             <pre><code>new WebSocket(\"ws://",
            "/\")</code></pre>\n<p>or with <code>wss://</code> where it is served over TLS.\n",
        )
    } else {
        (
            TEXT,
            "This is a WebSocket endpoint: it speaks RFC 6455, not plain HTTP.\n\
             Connect to it from JavaScript with\n\n    new WebSocket(\"ws://",
            "/\")\n\nor with wss:// where it is served over TLS.\n",
        )
    };
    (content_type, with_text(before, host, after))
}

fn reason(status: u16) -> &'static str {
    let known = REASONS.iter().find(|(known, _)| *known == status);
    // RFC 9112 §4: the reason may be empty.
    known.map_or("", |(_, reason)| reason)
}

const REASONS: [(u16, &str); 23] = [
    (301, "Moved Permanently"),
    (302, "Found"),
    (303, "See Other"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (408, "Request Timeout"),
    (409, "Conflict"),
    (410, "Gone"),
    (414, "URI Too Long"),
    (421, "Misdirected Request"),
    (426, "Upgrade Required"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (500, "Internal Server Error"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Gateway Timeout"),
    (505, "HTTP Version Not Supported"),
];
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::{Request, ServerHandshake, UpgradeOptions};

    /// The head and the body of the answer to this request.
    fn answer(request: &str) -> (String, String) {
        let mut handshake = ServerHandshake::new();
        let error = handshake
            .receive(&mut request.as_bytes(), &UpgradeOptions::new())
            .unwrap_err();
        let mut out = Vec::new();
        handshake.refuse(&error, &mut out);
        split(out)
    }

    fn split(out: Vec<u8>) -> (String, String) {
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.into(), body.into())
    }

    #[test]
    fn plain_request_is_told_how_to_connect() {
        let (head, body) =
            answer("GET / HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\n\r\n");
        assert_eq!(
            head,
            format!(
                "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
                 Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}",
                body.len()
            )
        );
        assert!(
            body.contains("new WebSocket(\"ws://example.com:8080/\")"),
            "{body}"
        );
    }

    #[test]
    fn reason_that_is_a_question_ends_like_one() {
        let (_, body) = answer(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        assert!(body.ends_with(" on the way remove it?\n"), "{body}");
    }

    #[test]
    fn browser_is_shown_a_page() {
        let (head, body) = answer(
            "GET / HTTP/1.1\r\nHost: example.com\r\nAccept: image/png , Text/HTML;q=0.9,*/*\r\n\r\n",
        );
        assert!(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"));
        assert!(body.starts_with("<!doctype html>"));
        assert!(
            body.contains("<code>new WebSocket(\"ws://example.com/\")</code>"),
            "{body}"
        );
    }

    #[test]
    fn head_request_gets_no_body() {
        let request = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
        let (head, _) = answer(request);
        assert_eq!(
            answer(&request.replace("GET", "HEAD")),
            (head, String::new())
        );
    }

    #[test]
    fn host_that_is_none_is_not_reflected() {
        let (head, body) =
            answer("GET / HTTP/1.1\r\nHost: \"><script>\r\nAccept: text/html\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"));
        assert_eq!(
            body,
            "This WebSocket server refuses the request: the Host header is not a host with an optional port.\n"
        );
    }

    #[test]
    fn answers_have_the_fields_that_belong_to_their_status() {
        let (head, _) = answer("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(
            head.starts_with(
                "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n"
            )
        );
        let (head, _) = answer(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n",
        );
        assert!(head.starts_with(
            "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        ));
        let (head, body) = answer("\u{16}\u{3}\u{1}");
        assert!(head.starts_with(
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain"
        ));
        assert!(body.contains("not HTTP"));
    }

    #[test]
    fn application_shapes_its_own_refusal() {
        let request = Request::from_parts(
            "GET",
            "/",
            [
                ("host", "a"),
                ("upgrade", "websocket"),
                ("connection", "upgrade"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
        )
        .unwrap();
        let mut headers = ExtraHeaders::new();
        headers.push("WWW-Authenticate", "Basic").unwrap();
        let mut out = Vec::new();
        assert_eq!(
            request.refuse_with(401, &headers, "who are you?", &mut out),
            Ok(())
        );
        assert_eq!(
            str::from_utf8(&out),
            Ok(
                "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
                WWW-Authenticate: Basic\r\nContent-Length: 12\r\n\r\nwho are you?"
            )
        );
        headers.push("content-type", "application/json").unwrap();
        let mut out = Vec::new();
        assert_eq!(request.refuse_with(599, &headers, "{}", &mut out), Ok(()));
        assert_eq!(
            str::from_utf8(&out),
            Ok(
                "HTTP/1.1 599 \r\nConnection: close\r\nWWW-Authenticate: Basic\r\ncontent-type: application/json\r\n\
                Content-Length: 2\r\n\r\n{}"
            )
        );
        let mut out = Vec::new();
        for status in [0, 101, 200, 299, 600, 1000] {
            let refused = request.refuse_with(status, &headers, "", &mut out);
            assert_eq!(refused, Err(crate::InvalidOption::Status));
        }
        assert!(out.is_empty());
        request.refuse(&HandshakeError::OriginNotAllowed, &mut out);
        let (head, body) = split(out);
        assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"));
        assert_eq!(
            body,
            "This WebSocket server refuses the request: the origin is not allowed to connect.\n"
        );
    }
}
