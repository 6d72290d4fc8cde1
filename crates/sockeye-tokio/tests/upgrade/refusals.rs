//! What clients are told that break a rule, over HTTP/1.1.

use std::net::SocketAddr;

use sockeye_tokio::Upgrader;

use crate::common::{Wire, exchange, request, serve_echo};

async fn refusal(address: SocketAddr, request: String, status: u16, reason: &str) -> Wire {
    let wire = exchange(address, request.as_bytes()).await;
    assert_eq!(wire.status, status, "{reason}");
    let stop = if reason.ends_with('?') { "" } else { "." };
    assert_eq!(
        wire.body,
        format!("This WebSocket server refuses the request: {reason}{stop}\n")
    );
    assert_eq!(
        wire.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        wire.field("content-length"),
        Some(wire.body.len().to_string().as_str())
    );
    wire
}

#[tokio::test]
async fn row_01_wrong_method_is_told_the_right_one() {
    let address = serve_echo(Upgrader::new()).await;
    for method in ["POST", "PUT", "OPTIONS", "DELETE"] {
        let request = request(&format!("{method} / HTTP/1.1"), "", &[]);
        let reason = "the method of a WebSocket handshake must be GET";
        let wire = refusal(address, request, 405, reason).await;
        assert_eq!(wire.field("allow"), Some("GET"));
        assert_eq!(wire.field("connection"), Some("close"));
        assert_eq!(wire.field("upgrade"), None);
    }
}

#[tokio::test]
async fn row_01_wrong_version_is_told_the_right_one() {
    let address = serve_echo(Upgrader::new()).await;
    for (version, reason) in [
        (
            &[("Sec-WebSocket-Version", "8")][..],
            "the Sec-WebSocket-Version header is not 13",
        ),
        (
            &[],
            "the Sec-WebSocket-Version header is missing: it must be 13",
        ),
    ] {
        let request = request("GET / HTTP/1.1", "Sec-WebSocket-Version", version);
        let wire = refusal(address, request, 426, reason).await;
        assert_eq!(wire.field("sec-websocket-version"), Some("13"));
        assert_eq!(wire.field("upgrade"), Some("websocket"));
        assert_eq!(wire.field("connection"), Some("Upgrade, close"));
    }
}

#[tokio::test]
async fn row_01_plain_request_is_asked_to_upgrade() {
    let address = serve_echo(Upgrader::new()).await;
    let plain = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned();
    let reason = "the request does not ask for a WebSocket";
    let wire = refusal(address, plain, 426, reason).await;
    assert_eq!(wire.field("upgrade"), Some("websocket"));
    assert_eq!(wire.field("connection"), Some("Upgrade, close"));
    assert_eq!(wire.field("sec-websocket-version"), None);
    let head = "HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let wire = exchange(address, head.as_bytes()).await;
    assert_eq!((wire.status.as_u16(), wire.body.as_str()), (426, ""));
}

#[tokio::test]
async fn row_01_each_broken_rule_has_its_status_and_reason() {
    let address = serve_echo(Upgrader::new()).await;
    for (without, with, status, reason) in [
        (
            "Upgrade",
            &[("Upgrade", "h2c")][..],
            426,
            "the Upgrade header does not name websocket: does a proxy on the way remove it?",
        ),
        (
            "Connection",
            &[("Connection", "keep-alive")],
            400,
            "the Connection header does not name upgrade: does a proxy on the way remove it?",
        ),
        ("Host", &[], 400, "the Host header is missing"),
        (
            "Sec-WebSocket-Key",
            &[],
            400,
            "the Sec-WebSocket-Key header is missing",
        ),
        (
            "Sec-WebSocket-Key",
            &[("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==")],
            400,
            "the Sec-WebSocket-Key header is not 16 bytes in base64",
        ),
        (
            "",
            &[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
            400,
            "there is more than one Sec-WebSocket-Key header",
        ),
        (
            "",
            &[("Sec-WebSocket-Protocol", "a b")],
            400,
            "the Sec-WebSocket-Protocol header is not a list of tokens",
        ),
        (
            "",
            &[("Sec-WebSocket-Extensions", "a;")],
            400,
            "the Sec-WebSocket-Extensions header is malformed",
        ),
        (
            "",
            &[("Content-Length", "5")],
            400,
            "a WebSocket handshake has no body",
        ),
        (
            "",
            &[("Origin", "http://evil.test")],
            403,
            "the origin is not allowed to connect",
        ),
    ] {
        let request = request("GET / HTTP/1.1", without, with);
        let wire = refusal(address, request, status, reason).await;
        if status != 426 {
            assert_eq!(wire.field("connection"), Some("close"));
        }
        assert_eq!(wire.field("allow"), None);
    }
}

#[tokio::test]
async fn row_01_http_1_0_is_refused() {
    let address = serve_echo(Upgrader::new()).await;
    let request = request("GET / HTTP/1.0", "", &[]);
    refusal(address, request, 505, "the HTTP version is not 1.1").await;
}

/// They would be taken for the next request.
#[tokio::test]
async fn frames_behind_a_refused_request_are_not_answered() {
    let address = serve_echo(Upgrader::new()).await;
    let request = request("GET / HTTP/1.1", "", &[("Origin", "http://evil.test")]);
    let smuggled = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let wire = exchange(address, (request + smuggled).as_bytes()).await;
    assert_eq!(wire.status, 403);
    assert_eq!(
        wire.body,
        "This WebSocket server refuses the request: the origin is not allowed to connect.\n"
    );
}
