//! Connections that open.

use std::{io, net::SocketAddr};

use sockeye::{PerMessageDeflate, Role, UpgradeOptions};
use sockeye_tokio::{DialError, Dialer, HandshakeError, Message, Transport, Upgrader};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpStream,
};

use crate::peer::{accept, accept_with, answer, header, listen, read_head, serve_one, unproxied};

#[tokio::test]
async fn row_09_dial_gives_the_connection_and_the_response() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[("X-Server", "yes")]);
    let (conn, response) = Dialer::new()
        .header("X-Client", "1")
        .unwrap()
        .dial(&format!("ws://{address}/chat?room=1"))
        .await
        .unwrap();
    assert_eq!(conn.peer_addr().unwrap(), address);
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["x-server"], "yes");
    assert!(response.body().is_empty());
    let (request, _) = server.await.unwrap();
    let key = header(&request, "Sec-WebSocket-Key").unwrap();
    assert_eq!(
        request,
        format!(
            "GET /chat?room=1 HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nx-client: 1\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn frames_directly_behind_the_response_are_not_lost() {
    let (client, mut server) = duplex(4096);
    let serve = async {
        let request = read_head(&mut server).await;
        let mut bytes = accept(&request, &[]).into_bytes();
        bytes.extend_from_slice(b"\x81\x05Hello");
        server.write_all(&bytes).await.unwrap();
    };
    let dialer = Dialer::new();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, ()) = tokio::join!(dial, serve);
    let (mut conn, _) = outcome.unwrap();
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("Hello")));
}

#[tokio::test]
async fn messages_go_both_ways_with_compression() {
    let (listener, address) = listen().await;
    let echo = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let upgrader = Upgrader::new().deflate(PerMessageDeflate::new(Role::Server));
        let mut conn = upgrader.accept(stream).await.unwrap();
        let message = conn.next().await.unwrap().unwrap();
        conn.send(message).await.unwrap();
    });
    let (mut conn, response) = Dialer::new()
        .deflate(PerMessageDeflate::new(Role::Client))
        .dial(&format!("http://{address}"))
        .await
        .unwrap();
    assert!(response.headers().contains_key("sec-websocket-extensions"));
    let text = "hello ".repeat(1000);
    conn.send(Message::text(text.as_str())).await.unwrap();
    assert_eq!(conn.next().await.unwrap(), Some(Message::text(text)));
    echo.await.unwrap();
}

#[tokio::test]
async fn row_11_connectors_make_the_streams() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let dialer = unproxied().connector(move |host: String, port: u16| async move {
        assert_eq!((host.as_str(), port), ("name.test", 8080));
        Ok(Transport::from(TcpStream::connect(address).await?))
    });
    let outcome = dialer.dial("ws://name.test:8080/").await;
    assert!(outcome.is_ok());
    let (request, _) = server.await.unwrap();
    assert_eq!(header(&request, "Host"), Some("name.test:8080"));
}

#[tokio::test]
async fn row_11_tls_connector_is_trusted_to_have_spoken_tls() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let dialer = unproxied()
        .connector(|_: String, _: u16| async { Err(io::ErrorKind::Unsupported.into()) })
        .tls_connector(move |host: String, port: u16| async move {
            assert_eq!((host.as_str(), port), ("name.test", 443));
            Ok(Transport::from(TcpStream::connect(address).await?))
        });
    assert!(dialer.dial("wss://name.test/").await.is_ok());
    assert_eq!(header(&server.await.unwrap().0, "Host"), Some("name.test"));
    let error = dialer.dial("ws://name.test/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connector gave no stream to name.test:80: unsupported"
    );
}

#[tokio::test]
async fn row_16_server_chooses_one_of_the_subprotocols() {
    let (client, mut server) = duplex(4096);
    let serve = answer(&mut server, |request| {
        let mut options = UpgradeOptions::new();
        options.set_subprotocols(["superchat", "chat"]).unwrap();
        accept_with(request, &options)
    });
    let dialer = Dialer::new().subprotocols(["chat", "superchat"]).unwrap();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, request) = tokio::join!(dial, serve);
    assert_eq!(
        header(&request, "Sec-WebSocket-Protocol"),
        Some("chat, superchat")
    );
    assert_eq!(outcome.unwrap().0.subprotocol(), Some("superchat"));
}

#[tokio::test]
async fn row_16_subprotocol_that_was_not_offered_fails_the_handshake() {
    let (client, mut server) = duplex(4096);
    let serve = answer(&mut server, |request| {
        let chosen = "101 Switching Protocols\r\nSec-WebSocket-Protocol: mqtt";
        accept(request, &[]).replace("101 Switching Protocols", chosen)
    });
    let dialer = Dialer::new().subprotocols(["chat"]).unwrap();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, _) = tokio::join!(dial, serve);
    let error = outcome.unwrap_err();
    assert!(matches!(
        error,
        DialError::Handshake {
            error: HandshakeError::SubprotocolUnexpected,
            ..
        }
    ));
}

#[tokio::test]
async fn row_17_user_and_password_of_the_url_are_shown_once() {
    for (dialer, authorization) in [
        (Dialer::new(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (
            Dialer::new().header("Authorization", "Bearer x").unwrap(),
            "Bearer x",
        ),
    ] {
        let (listener, address) = listen().await;
        let server = serve_one(listener, &[]);
        let url = format!("ws://Aladdin:open%20sesame@{address}/");
        assert!(dialer.dial(&url).await.is_ok());
        let (request, _) = server.await.unwrap();
        assert_eq!(header(&request, "Authorization"), Some(authorization));
        assert_eq!(header(&request, "Host"), Some(address.to_string().as_str()));
        assert!(!request.contains("Aladdin"));
    }
}

#[tokio::test]
async fn row_19_handshake_runs_over_a_given_stream() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let stream = TcpStream::connect(address).await.unwrap();
    let dialer = Dialer::new().origin("https://a.example").unwrap();
    let (conn, _) = dialer.dial_over(stream, "ws://b.example/x").await.unwrap();
    assert_eq!(conn.peer_addr().unwrap(), address);
    let (request, _) = server.await.unwrap();
    assert_eq!(header(&request, "Host"), Some("b.example"));
    assert_eq!(header(&request, "Origin"), Some("https://a.example"));
    assert!(request.starts_with("GET /x HTTP/1.1\r\n"));
}

#[tokio::test]
async fn headers_host_and_origin_replace_those_of_the_url() {
    let (client, mut server) = duplex(4096);
    let serve = answer(&mut server, |request| accept(request, &[]));
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("host", "other.example:81"),
        ("origin", "null"),
        ("x-a", "1"),
        ("cookie", "a=1"),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    headers.append("cookie", "b=2".parse().unwrap());
    let dialer = Dialer::new().headers(&headers).unwrap();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, request) = tokio::join!(dial, serve);
    assert!(outcome.is_ok());
    assert_eq!(header(&request, "Host"), Some("other.example:81"));
    assert_eq!(header(&request, "Origin"), Some("null"));
    assert_eq!(header(&request, "X-A"), Some("1"));
    assert_eq!(header(&request, "Cookie"), Some("a=1; b=2"));
}

#[test]
fn settings_that_are_not_allowed_are_found_at_once() {
    for (name, value, text) in [
        (
            "Upgrade",
            "x",
            "the header \"upgrade\" cannot be sent: this header is written by the handshake itself",
        ),
        (
            "Sec-WebSocket-Key",
            "x",
            "the header \"sec-websocket-key\" cannot be sent: this header is written by the handshake itself",
        ),
        (
            "X",
            "a\r\nb: c",
            "the header \"x\" cannot be sent: a header value must have no control characters, and no space at its ends",
        ),
        (
            "a b",
            "x",
            "the header \"\" cannot be sent: a header name must be a token: letters, digits and !#$%&'*+-.^_`|~",
        ),
        (
            "Host",
            "a/b",
            "the header \"host\" cannot be sent: the host must be a host with an optional port, as example.com:8080",
        ),
        (
            "Origin",
            "a",
            "the header \"origin\" cannot be sent: the origin must be a scheme and a host, as https://example.com, or null",
        ),
    ] {
        let error = Dialer::new().header(name, value).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let error = Dialer::new().subprotocols(["a", "a"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a subprotocol must be in the list only once"
    );
}

#[test]
fn debug_output_of_a_dialer_hides_credentials() {
    let dialer = Dialer::new()
        .header("Authorization", "Bearer secret")
        .unwrap();
    assert!(!format!("{dialer:?}").contains("secret"));
}

#[tokio::test]
async fn connect_leaves_the_handshake_to_the_caller() {
    let (listener, address) = listen().await;
    let dialer = Dialer::new().subprotocols(["chat"]).unwrap();
    let url = format!("http://u:p@{address}/x");
    let (dialed, accepted) = tokio::join!(dialer.connect(&url), listener.accept());
    let (mut dialed, (mut stream, _)) = (dialed.unwrap(), accepted.unwrap());
    assert_eq!(dialed.url, format!("ws://{address}/x"));
    assert_eq!(dialed.options.host(), address.to_string());
    assert_eq!(dialed.options.target(), "/x");
    assert_eq!(dialed.options.subprotocols(), ["chat"]);
    assert!((dialed.options.headers.iter()).eq([("Authorization", &b"Basic dTpw"[..])]));
    let tcp_peer: SocketAddr = dialed.transport.peer_addr().unwrap();
    assert_eq!(tcp_peer, address);
    dialed.transport.write_all(b"x").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
async fn dial_runs_in_a_task_of_its_own() {
    let (listener, address) = listen().await;
    let server = serve_one(listener, &[]);
    let dialer = Dialer::new();
    let dial = tokio::spawn(async move { dialer.dial(&format!("ws://{address}/")).await });
    assert_eq!(dial.await.unwrap().unwrap().1.status(), 101);
    server.await.unwrap();
}
