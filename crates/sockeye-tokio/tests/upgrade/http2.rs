//! WebSockets over HTTP/2 (RFC 8441).

use std::{convert::Infallible, net::SocketAddr};

use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http2::SendRequest,
    ext::Protocol,
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sockeye_tokio::{
    Agreement, CloseCode, Config, Conn, Error, Initiator, Message, Parts, PerMessageDeflate, Role,
    Transport, Upgrader, WebSocketUpgrade,
};
use tokio::net::TcpStream;

use crate::common::{Answer, echo, listen, spawn_echo, within};

/// A server that echoes, and says to other requests that they are plain.
async fn serve(upgrader: Upgrader) -> SocketAddr {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let upgrader = upgrader.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                let upgraded = upgrader.upgrade(&mut request);
                async {
                    let response: Answer = match upgraded {
                        Ok((response, upgrade)) => {
                            spawn_echo(upgrade);
                            response
                        }
                        Err(refusal) => refusal.response(),
                    };
                    Ok::<_, Infallible>(response)
                }
            });
            let served = http2::Builder::new(TokioExecutor::new())
                .enable_connect_protocol()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(served);
        }
    });
    address
}

type Client = SendRequest<Empty<Bytes>>;

/// A client that knows that the server speaks HTTP/2.
async fn client(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(
    method: Method,
    protocol: Option<&'static str>,
    fields: &[(&str, &str)],
) -> Request<Empty<Bytes>> {
    let mut builder = Request::builder()
        .method(method)
        .version(Version::HTTP_2)
        .uri("http://server.example.com/ws");
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    if let Some(protocol) = protocol {
        builder = builder.extension(Protocol::from_static(protocol));
    }
    builder.body(Empty::new()).unwrap()
}

/// Opens a connection with these header fields.
async fn open(
    client: &mut Client,
    fields: &[(&str, &str)],
    agreement: Agreement,
) -> (Conn, Response<()>) {
    let fields = [&[("sec-websocket-version", "13")], fields].concat();
    let request = request(Method::CONNECT, Some("websocket"), &fields);
    let response = within(client.send_request(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let (parts, body) = response.into_parts();
    let response = Response::from_parts(parts.clone(), ());
    let upgraded = within(hyper::upgrade::on(Response::from_parts(parts, body)))
        .await
        .unwrap();
    let mut config = Config::new(Role::Client);
    config.limits.message_size = 8 << 20;
    config.limits.frame_size = 8 << 20;
    let conn = Conn::from_parts(Parts {
        transport: Transport::new(TokioIo::new(upgraded)),
        role: Role::Client,
        agreement,
        unread: Vec::new(),
        config,
    });
    (conn, response)
}

#[tokio::test]
async fn row_01_extended_connect_becomes_a_connection() {
    let address = serve(Upgrader::new()).await;
    let mut client = client(address).await;
    let (mut conn, response) = open(&mut client, &[], Agreement::default()).await;
    for name in [
        "connection",
        "upgrade",
        "sec-websocket-accept",
        "sec-websocket-extensions",
    ] {
        assert_eq!(response.headers().get(name), None);
    }
    for message in [Message::text("hello"), Message::binary(vec![7; 70_000])] {
        conn.send(message.clone()).await.unwrap();
        assert_eq!(within(conn.next()).await.unwrap(), Some(message));
    }
    let closed = within(conn.close(CloseCode::GOING_AWAY, "bye"))
        .await
        .unwrap();
    assert_eq!(
        (
            closed.code,
            closed.reason.as_str(),
            closed.initiator,
            closed.clean
        ),
        (CloseCode::GOING_AWAY, "", Initiator::Local, true)
    );
}

/// Both are far over HTTP/2's windows, and go both ways at once.
#[tokio::test]
async fn large_messages_go_both_ways_over_http_2() {
    let address = serve(Upgrader::new().message_size(8 << 20)).await;
    let mut client = client(address).await;
    let (conn, _) = open(&mut client, &[], Agreement::default()).await;
    let (mut receiver, sender) = conn.split();
    let messages: Vec<_> = (0..4_u8)
        .map(|i| {
            Message::binary(
                (0..4 << 20)
                    .map(|at: u32| (at % 251) as u8 ^ i)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let sent = messages.clone();
    let sending = tokio::spawn(async move {
        for message in sent {
            sender.send(message).await?;
        }
        sender.close(CloseCode::NORMAL, "done").await
    });
    for expected in messages {
        let received = within(receiver.next()).await.unwrap().unwrap();
        assert!(received == expected);
    }
    assert_eq!(within(receiver.next()).await.unwrap(), None);
    assert!(receiver.closed().unwrap().clean);
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_share_an_http_2_connection() {
    let address = serve(Upgrader::new()).await;
    let mut client = client(address).await;
    let (mut a, _) = open(&mut client, &[], Agreement::default()).await;
    let (mut b, _) = open(&mut client, &[], Agreement::default()).await;
    a.send("a").await.unwrap();
    b.send("b").await.unwrap();
    assert_eq!(within(b.next()).await.unwrap(), Some(Message::text("b")));
    // The end of one is not that of the other.
    within(b.close(CloseCode::NORMAL, "")).await.unwrap();
    assert_eq!(within(a.next()).await.unwrap(), Some(Message::text("a")));
    a.send("still").await.unwrap();
    assert_eq!(
        within(a.next()).await.unwrap(),
        Some(Message::text("still"))
    );
}

#[tokio::test]
async fn server_that_closes_over_http_2_is_heard() {
    let upgrader = Upgrader::new().message_size(10);
    let mut client = client(serve(upgrader).await).await;
    let (mut conn, _) = open(&mut client, &[], Agreement::default()).await;
    conn.send("more than ten bytes").await.unwrap();
    assert_eq!(within(conn.next()).await.unwrap(), None);
    let closed = conn.closed().unwrap();
    assert_eq!(
        (closed.code, closed.initiator),
        (CloseCode::MESSAGE_TOO_BIG, Initiator::Peer)
    );
}

#[tokio::test]
async fn client_that_resets_the_stream_is_an_error_of_the_connection() {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (response, upgrade): (Answer, _) = Upgrader::new().upgrade(&mut request).unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut conn = upgrade.await.unwrap();
                sender.send(conn.next().await).unwrap();
            });
            async { Ok::<_, Infallible>(response) }
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let served = builder
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(stream), service);
        served.await.unwrap();
    });
    let mut client = client(address).await;
    let (conn, _) = open(&mut client, &[], Agreement::default()).await;
    conn.abort();
    let received = within(ended.recv()).await.unwrap();
    assert!(
        matches!(received, Err(Error::Protocol(_) | Error::Io(_))),
        "{received:?}"
    );
}

#[tokio::test]
async fn row_04_and_07_subprotocol_and_compression_are_agreed_on_over_http_2() {
    let upgrader = Upgrader::new()
        .subprotocols(["chat"])
        .unwrap()
        .deflate(PerMessageDeflate::new(Role::Server));
    let mut client = client(serve(upgrader).await).await;
    let fields = [
        ("sec-websocket-protocol", "mqtt, chat"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let (mut conn, response) = open(&mut client, &fields, Agreement::default()).await;
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(
        response.headers()["sec-websocket-extensions"],
        "permessage-deflate; server_max_window_bits=12"
    );
    conn.send("subprotocol").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text("chat"))
    );
}

#[tokio::test]
async fn row_01_refusals_go_over_http_2() {
    let mut client = client(serve(Upgrader::new()).await).await;
    let version = ("sec-websocket-version", "13");
    for (method, protocol, fields, status, reason) in [
        (
            Method::CONNECT,
            Some("websocket"),
            &[("sec-websocket-version", "8")][..],
            400,
            "the Sec-WebSocket-Version header is not 13",
        ),
        (
            Method::CONNECT,
            Some("websocket"),
            &[version, ("origin", "https://evil.test")],
            403,
            "the origin is not allowed to connect",
        ),
        (
            Method::CONNECT,
            Some("connect-udp"),
            &[version],
            501,
            "the request does not ask for a WebSocket",
        ),
        (
            Method::GET,
            None,
            &[],
            400,
            "the request does not ask for a WebSocket",
        ),
        (
            Method::POST,
            None,
            &[],
            405,
            "over HTTP/2 the method must be CONNECT, with :protocol websocket (RFC 8441)",
        ),
    ] {
        let response = client.send_request(request(method, protocol, fields));
        let response = within(response).await.unwrap();
        assert_eq!(response.status(), status, "{reason}");
        assert_eq!(response.headers().get("connection"), None);
        assert_eq!(response.headers().get("upgrade"), None);
        let told = response.headers().get("sec-websocket-version");
        assert_eq!(told.is_some(), reason.contains("Version"));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            format!("This WebSocket server refuses the request: {reason}.\n")
        );
    }
}

#[tokio::test]
async fn row_01_axum_lets_websockets_in_over_http_2() {
    async fn websocket(upgrade: WebSocketUpgrade) -> axum::response::Response {
        assert_eq!(upgrade.request().host(), "server.example.com");
        upgrade.on_upgrade(echo)
    }
    let app = axum::Router::new().route("/ws", axum::routing::any(websocket));
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    let mut client = client(address).await;
    let (mut conn, _) = open(&mut client, &[], Agreement::default()).await;
    conn.send("hello").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text("hello"))
    );
}
