//! Requests that a hyper server has received.

use std::{io, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use sockeye::DialOptions;
use sockeye_tokio::{
    ByteStream, CloseCode, HandshakeError, Message, Transport, UpgradeError, Upgrader,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc};

use crate::common::{
    Answer, dial, dial_on, listen, read_to_end, request, serve, serve_echo, spawn_echo, within,
};

#[tokio::test]
async fn row_01_request_of_hyper_becomes_a_connection() {
    let address = serve_echo(Upgrader::new()).await;
    let (mut conn, response) = dial(address, &[]).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["connection"], "Upgrade");
    assert_eq!(response.headers()["upgrade"], "websocket");
    for message in [
        Message::text("hello"),
        Message::binary(vec![7; 300_000]),
        Message::text(""),
    ] {
        conn.send(message.clone()).await.unwrap();
        assert_eq!(within(conn.next()).await.unwrap(), Some(message));
    }
    let closed = within(conn.close(CloseCode::NORMAL, "bye")).await.unwrap();
    assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
}

/// The address is that of a socket: hyper's wrapping is gone.
#[tokio::test]
async fn row_01_connection_runs_on_the_socket_itself() {
    let address = serve_echo(Upgrader::new()).await;
    let (mut conn, _) = dial(address, &[]).await.unwrap();
    let ours = conn.local_addr().unwrap().to_string();
    conn.send("peer").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text(ours))
    );
}

#[tokio::test]
async fn row_01_server_for_both_versions_hands_over_the_socket_itself() {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(async |mut request: Request<Incoming>| {
            let (response, upgrade) = Upgrader::new().upgrade(&mut request)?;
            spawn_echo(upgrade);
            Ok::<Answer, UpgradeError>(response)
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        served.await.unwrap();
    });
    let (mut conn, _) = dial(address, &[]).await.unwrap();
    let ours = conn.local_addr().unwrap().to_string();
    conn.send("peer").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text(ours))
    );
}

#[tokio::test]
async fn row_01_stream_that_is_no_socket_is_upgraded_too() {
    let (client, server) = tokio::io::duplex(1 << 10);
    let service = service_fn(async |mut request: Request<Incoming>| {
        let (response, upgrade) = Upgrader::new().upgrade(&mut request)?;
        spawn_echo(upgrade);
        Ok::<Answer, UpgradeError>(response)
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    tokio::spawn(served.with_upgrades());
    let options = DialOptions::new("localhost", "/").unwrap();
    let (mut conn, _) = dial_on(Transport::new(client), &options).await.unwrap();
    let large = Message::binary(vec![1; 100_000]);
    for message in [Message::text("hello"), large] {
        conn.send(message.clone()).await.unwrap();
        assert_eq!(within(conn.next()).await.unwrap(), Some(message));
    }
    conn.send("peer").await.unwrap();
    assert_eq!(
        within(conn.next()).await.unwrap(),
        Some(Message::text("Unsupported"))
    );
}

/// Time stands still but for what everything waits for.
#[tokio::test(start_paused = true)]
async fn row_02_connection_that_is_not_handed_over_in_time_is_given_up() {
    let (client, server) = tokio::io::duplex(1 << 10);
    let (sender, mut receiver) = mpsc::channel(1);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let sender = sender.clone();
        async move {
            let upgrader = Upgrader::new().handshake_timeout(Some(Duration::from_secs(3)));
            let (_, upgrade) = upgrader.upgrade::<_, ()>(&mut request).unwrap();
            // It would take the response that this never gives.
            let start = tokio::time::Instant::now();
            let opened = upgrade.await.map(drop);
            sender.send((opened, start.elapsed())).await.unwrap();
            Ok::<Answer, UpgradeError>(Response::default())
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    tokio::spawn(served.with_upgrades());
    let mut client = client;
    let bytes = request("GET / HTTP/1.1", "", &[]);
    client.write_all(bytes.as_bytes()).await.unwrap();
    let (opened, elapsed) = receiver.recv().await.unwrap();
    let Err(UpgradeError::Handshake(HandshakeError::Timeout)) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(elapsed.as_secs(), 3);
}

#[tokio::test]
async fn dropped_upgrade_closes_the_stream_behind_the_response() {
    let address = serve(async |mut request| {
        let (response, upgrade) = Upgrader::new().upgrade(&mut request).unwrap();
        drop(upgrade);
        response
    })
    .await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let bytes = request("GET / HTTP/1.1", "", &[]);
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read_to_end(stream).await.unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn request_that_was_upgraded_before_is_refused() {
    let address = serve(async |mut request| {
        let (_, upgrade) = Upgrader::new().upgrade::<_, ()>(&mut request).unwrap();
        drop(upgrade);
        let again = Upgrader::new().upgrade::<_, ()>(&mut request);
        again.unwrap_err().response()
    })
    .await;
    let Err(HandshakeError::Refused(response)) = dial(address, &[]).await else {
        panic!("the stream went to the first upgrade");
    };
    assert_eq!(response.status(), 500);
    assert_eq!(
        str::from_utf8(response.body()).unwrap(),
        "This WebSocket server refuses the request: the HTTP server does not hand over the byte stream: was the request upgraded before?\n"
    );
}

/// What becomes of an upgrade in a server that is run like this.
async fn failure(with_upgrades: bool, leave: bool) -> io::Error {
    let (mut client, server) = tokio::io::duplex(1 << 10);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let left = Arc::new(tokio::sync::Notify::new());
    let wait = Arc::clone(&left);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (response, upgrade) = Upgrader::new().upgrade(&mut request).unwrap();
        let (sender, wait) = (sender.clone(), Arc::clone(&wait));
        tokio::spawn(async move { sender.send(upgrade.await.map(drop)).unwrap() });
        async move {
            if leave {
                wait.notified().await;
            }
            Ok::<Response<Full<Bytes>>, UpgradeError>(response)
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    if with_upgrades {
        tokio::spawn(served.with_upgrades());
    } else {
        tokio::spawn(served);
    }
    let bytes = request("GET / HTTP/1.1", "", &[]);
    client.write_all(bytes.as_bytes()).await.unwrap();
    if leave {
        drop(client);
        left.notify_one();
    }
    match within(receiver.recv()).await.unwrap() {
        Err(UpgradeError::Io(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn server_without_upgrades_is_told_so() {
    assert_eq!(
        failure(false, false).await.to_string(),
        "hyper does not hand it over: serve its connection with_upgrades()"
    );
}

#[tokio::test]
async fn client_that_leaves_before_the_response_is_an_error() {
    let error = failure(true, true).await;
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    assert_eq!(
        error.to_string(),
        "it ended before the response was written"
    );
}

/// What `Upgraded` was taken apart into.
async fn transport(stream: impl ByteStream, client: impl ByteStream) -> String {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (response, upgrade): (Answer, _) = Upgrader::new().upgrade(&mut request).unwrap();
        let sender = sender.clone();
        tokio::spawn(async move {
            let (transport, unread) = upgrade.await.unwrap().into_transport().await.unwrap();
            sender.send(format!("{transport:?} {unread:?}")).unwrap();
        });
        async { Ok::<_, UpgradeError>(response) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::spawn(served.with_upgrades());
    let options = DialOptions::new("localhost", "/").unwrap();
    let (_conn, _) = dial_on(Transport::new(client), &options).await.unwrap();
    within(receiver.recv()).await.unwrap()
}

#[tokio::test]
async fn row_38_sockets_come_out_of_the_wrapping_of_hyper() {
    let listener = listen().await;
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (server, _) = listener.accept().await.unwrap();
    assert_eq!(transport(server, client).await, "Transport(TCP) []");
    #[cfg(unix)]
    {
        let (server, client) = tokio::net::UnixStream::pair().unwrap();
        assert_eq!(transport(server, client).await, "Transport(Unix) []");
    }
    let (server, client) = tokio::io::duplex(1 << 10);
    assert_eq!(transport(server, client).await, "Transport(other) []");
}
