//! The layer for tower services.

use std::convert::Infallible;

use http::{Request, request::Parts};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use sockeye_tokio::{Conn, HandshakeError, Message, Upgrader, WebSocketLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{Answer, dial, exchange, listen, request, within};

/// A server that tells the path to WebSockets at `/ws`, and others that there is none.
async fn serve() -> std::net::SocketAddr {
    let layer = WebSocketLayer::new(Upgrader::new(), greet).path("/ws");
    let inner = service_fn(async |request: Request<Incoming>| {
        let text = format!("plain {}", request.uri());
        Ok::<_, Infallible>(Answer::new(Full::from(text)))
    });
    let service = layer.layer(inner);
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(served.with_upgrades());
        }
    });
    address
}

async fn greet(mut conn: Conn, request: Parts) {
    let cookie = request
        .headers
        .get("cookie")
        .map(|value| value.to_str().unwrap());
    let text = format!("{} {cookie:?}", request.uri);
    conn.send(text).await.unwrap();
    assert_eq!(conn.next().await.unwrap(), None);
}

#[tokio::test]
async fn row_01_layer_lets_websockets_in() {
    let address = serve().await;
    let (mut conn, _) = dial(address, &[("Cookie", "a=b")]).await.unwrap();
    let greeting = Message::text("/ws Some(\"a=b\")");
    assert_eq!(within(conn.next()).await.unwrap(), Some(greeting));
    let closed = within(conn.close(sockeye_tokio::CloseCode::NORMAL, "")).await;
    assert!(closed.unwrap().clean);
}

#[tokio::test]
async fn row_21_layer_passes_on_what_is_not_for_it() {
    let address = serve().await;
    let plain = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let wire = exchange(address, plain.as_bytes()).await;
    assert_eq!(
        (wire.status.as_u16(), wire.body.as_str()),
        (200, "plain /ws")
    );
    let connection = [("Connection", "upgrade, close")];
    let other = request("GET /other HTTP/1.1", "Connection", &connection);
    let wire = exchange(address, other.as_bytes()).await;
    assert_eq!(
        (wire.status.as_u16(), wire.body.as_str()),
        (200, "plain /other")
    );
}

#[tokio::test]
async fn row_01_layer_answers_a_broken_rule_itself() {
    let address = serve().await;
    let broken = request("GET /ws HTTP/1.1", "Sec-WebSocket-Version", &[]);
    let wire = exchange(address, broken.as_bytes()).await;
    assert_eq!(wire.status, 426);
    assert_eq!(wire.field("sec-websocket-version"), Some("13"));
    let mut options = sockeye::DialOptions::new("a", "/ws").unwrap();
    options.set_origin(Some("http://b".into())).unwrap();
    let Err(HandshakeError::Refused(response)) = crate::common::dial_with(address, &options).await
    else {
        panic!("the origin is not allowed");
    };
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn layer_without_a_path_is_for_every_path() {
    let inner =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(http::Response::new(String::new())));
    let service = WebSocketLayer::new(Upgrader::new(), greet).layer(inner);
    let request = Request::get("/any")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .body(())
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.body(),
        "This WebSocket server refuses the request: the Host header is missing.\n"
    );
}
