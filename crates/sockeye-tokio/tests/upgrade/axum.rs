//! The extractor for axum.

use std::{future::pending, io::ErrorKind, net::SocketAddr, sync::Arc};

use axum::{
    Extension, Router,
    body::Body,
    response::{AppendHeaders, IntoResponse, Response},
    routing::{any, get},
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use sockeye::DialOptions;
use sockeye_tokio::{
    CloseCode, HandshakeError, Message, OriginPolicy, PerMessageDeflate, Role, UpgradeError,
    Upgrader, WebSocketUpgrade,
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Notify, mpsc},
};
use tower::ServiceExt;

use crate::common::{dial, dial_with, echo, exchange, listen, request, within};

async fn serve(app: Router) -> SocketAddr {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

async fn websocket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(echo)
}

#[tokio::test]
async fn row_01_request_of_axum_becomes_a_connection() {
    let address = serve(Router::new().route("/ws", get(websocket))).await;
    let (mut conn, _) = dial(address, &[]).await.unwrap();
    let large = Message::binary(vec![3; 500_000]);
    conn.send(large.clone()).await.unwrap();
    assert_eq!(within(conn.next()).await.unwrap(), Some(large));
    let ours = conn.local_addr().unwrap().to_string();
    conn.send("peer").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text(ours))
    );
    let closed = within(conn.close(CloseCode::NORMAL, "")).await.unwrap();
    assert!(closed.clean);
}

#[tokio::test]
async fn row_01_rejections_tell_the_reason() {
    let address = serve(Router::new().route("/ws", any(websocket))).await;
    for (line, without, with, status, field) in [
        (
            "GET /ws HTTP/1.1",
            "Sec-WebSocket-Version",
            &[("Sec-WebSocket-Version", "7")][..],
            426,
            ("sec-websocket-version", "13"),
        ),
        ("POST /ws HTTP/1.1", "", &[], 405, ("allow", "GET")),
        (
            "GET /ws HTTP/1.1",
            "Sec-WebSocket-Key",
            &[],
            400,
            ("connection", "close"),
        ),
        (
            "GET /ws HTTP/1.1",
            "",
            &[("Origin", "http://evil.test")],
            403,
            ("connection", "close"),
        ),
    ] {
        let wire = exchange(address, request(line, without, with).as_bytes()).await;
        assert_eq!(wire.status, status);
        assert_eq!(wire.field(field.0), Some(field.1));
        assert!(
            wire.body
                .starts_with("This WebSocket server refuses the request: "),
            "{}",
            wire.body
        );
    }
}

#[tokio::test]
async fn row_04_handler_sets_its_own_subprotocols_origins_and_compression() {
    async fn chat(upgrade: WebSocketUpgrade) -> Response {
        let request = upgrade.request();
        assert_eq!(request.target(), "/ws");
        assert!(request.subprotocols().eq(["mqtt", "chat"]));
        let upgrade = upgrade
            .subprotocols(["chat"])
            .unwrap()
            .origins(OriginPolicy::Any)
            .deflate(PerMessageDeflate::new(Role::Server));
        let response = upgrade.on_upgrade(echo);
        (
            AppendHeaders([("set-cookie", "a=b"), ("set-cookie", "c=d")]),
            response,
        )
            .into_response()
    }
    let address = serve(Router::new().route("/ws", any(chat))).await;
    let mut options = DialOptions::new("example.com", "/ws").unwrap();
    options.set_subprotocols(["mqtt", "chat"]).unwrap();
    options
        .set_origin(Some("https://other.test".into()))
        .unwrap();
    options.deflate = Some(PerMessageDeflate::new(Role::Client));
    let (mut conn, response) = dial_with(address, &options).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=b", "c=d"]);
    assert!(conn.agreement().unwrap().deflate.is_some());
    conn.send("subprotocol").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text("chat"))
    );
}

#[tokio::test]
async fn settings_come_from_the_extension_unless_the_handler_replaces_them() {
    async fn replaced(upgrade: WebSocketUpgrade) -> Response {
        upgrade.with(Upgrader::new()).on_upgrade(echo)
    }
    let upgrader = Upgrader::new().header("X-From", "extension").unwrap();
    let app = Router::new()
        .route("/ws", any(websocket))
        .route("/replaced", any(replaced))
        .layer(Extension(upgrader));
    let address = serve(app).await;
    let (_conn, response) = dial(address, &[]).await.unwrap();
    assert_eq!(response.headers()["x-from"], "extension");
    let options = DialOptions::new("example.com", "/replaced").unwrap();
    let (_conn, response) = dial_with(address, &options).await.unwrap();
    assert_eq!(response.headers().get("x-from"), None);
}

#[tokio::test]
async fn row_21_optional_extractor_is_for_pages_and_websockets() {
    async fn both(upgrade: Option<WebSocketUpgrade>) -> Response {
        match upgrade {
            Some(upgrade) => upgrade.on_upgrade(echo),
            None => "a page".into_response(),
        }
    }
    let address = serve(Router::new().route("/ws", any(both))).await;
    let plain = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let wire = exchange(address, plain.as_bytes()).await;
    assert_eq!((wire.status.as_u16(), wire.body.as_str()), (200, "a page"));
    assert!(dial(address, &[]).await.is_ok());
    // One that asks, and breaks a rule, is told.
    let broken = request("GET /ws HTTP/1.1", "Sec-WebSocket-Key", &[]);
    let wire = exchange(address, broken.as_bytes()).await;
    assert_eq!(wire.status, 400);
}

#[tokio::test]
async fn row_05_handler_shapes_the_error_response() {
    async fn shaped(upgrade: Result<WebSocketUpgrade, sockeye_tokio::Refusal>) -> Response {
        let upgraded = upgrade.and_then(WebSocketUpgrade::upgrade);
        match upgraded {
            Ok((response, _)) => response,
            Err(refusal) => (StatusCode::IM_A_TEAPOT, refusal.to_string()).into_response(),
        }
    }
    let address = serve(Router::new().route("/ws", any(shaped))).await;
    let mut options = DialOptions::new("example.com", "/ws").unwrap();
    options
        .set_origin(Some("https://other.test".into()))
        .unwrap();
    let Err(HandshakeError::Refused(response)) = dial_with(address, &options).await else {
        panic!("the origin is not allowed");
    };
    assert_eq!(response.status(), 418);
    assert_eq!(response.body(), b"the origin is not allowed to connect");
}

/// As in a unit test of an application, without a server.
fn upgrade_request() -> Request<Body> {
    Request::get("/ws")
        .header("Host", "example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn request_that_no_server_received_is_refused() {
    let app = Router::new().route("/ws", any(websocket));
    let response = app.oneshot(upgrade_request()).await.unwrap();
    assert_eq!(response.status(), 500);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        body,
        "This WebSocket server refuses the request: the HTTP server does not hand over the byte stream: was the request upgraded before?\n"
    );
}

#[tokio::test]
async fn client_that_leaves_before_the_response_is_reported() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let called = Arc::new(Notify::new());
    let is_called = Arc::clone(&called);
    let handler = move |upgrade: WebSocketUpgrade| async move {
        let _response = upgrade
            .on_error(move |error| sender.send(error).unwrap())
            .on_upgrade(echo);
        is_called.notify_one();
        pending::<Response>().await
    };
    let address = serve(Router::new().route("/ws", any(handler))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let bytes = request("GET /ws HTTP/1.1", "", &[]);
    stream.write_all(bytes.as_bytes()).await.unwrap();
    within(called.notified()).await;
    drop(stream);
    let UpgradeError::Io(error) = within(receiver.recv()).await.unwrap() else {
        panic!("the stream ended");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}
