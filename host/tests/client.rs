//! The client that its owner drives, over a stream of any kind, on both engines.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::future::Future;

use common::{builder, engines, port};
use sockeye_host::{Client, CloseFrame, DialOptions, Engine, Event, Initiator, Message};
use sockeye_tokio::Transport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::TcpStream,
    runtime::{Builder, LocalOptions},
};

fn run<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("there can be a runtime")
        .block_on(future)
}

async fn open(engine: &Engine, stream: impl Into<Transport>) -> Client {
    let mut options = DialOptions::new("localhost", "/chat");
    options.origin = Some("http://localhost".into());
    let mut client =
        Client::open(engine, stream.into(), &options).expect("nothing is wrong with it");
    match client.next().await {
        Some(Event::Opened(_)) => client,
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_go_out_and_events_come_in() {
    for engine in engines() {
        let server = builder(Engine::native()).start().expect("it starts");
        run(async {
            let stream = TcpStream::connect(port(&server)).await.expect("it listens");
            let mut client = open(&engine, stream).await;
            let heads = client.heads();
            assert!(heads.request.starts_with(b"GET /chat HTTP/1.1\r\n"));
            let request = String::from_utf8_lossy(&heads.request).into_owned();
            assert!(
                request.contains("Origin: http://localhost\r\n"),
                "{request}"
            );
            assert!(request.ends_with("\r\n\r\n"), "{request}");
            assert!(heads.response.starts_with(b"HTTP/1.1 101 "));
            assert!(heads.response.ends_with(b"\r\n\r\n"));
            let sender = client.sender().clone();
            assert!(sender.send(Message::text("Hello")));
            assert!(sender.ping(b"ping".to_vec()));
            assert!(sender.pong(b"pong".to_vec()));
            assert!(sender.ready(1).await);
            match client.next().await {
                Some(Event::Message(message)) => assert_eq!(message.data, b"Hello"),
                other => panic!("{other:?}"),
            }
            match client.next().await {
                Some(Event::Pong(payload)) => assert_eq!(payload, b"ping"),
                other => panic!("{other:?}"),
            }
            let reason = String::new();
            assert!(sender.close(Some(CloseFrame { code: 4000, reason })));
            match client.next().await {
                Some(Event::Closed(closed)) => {
                    assert_eq!((closed.code, closed.clean), (4000, true));
                    assert_eq!(closed.initiator, Initiator::Local);
                }
                other => panic!("{other:?}"),
            }
            client.finish().await;
            assert!(client.next().await.is_none());
            assert!(!sender.send(Message::text("late")));
            assert!(!sender.ready(1).await);
        });
    }
}

#[test]
fn nothing_is_read_while_events_wait() {
    for engine in engines() {
        run(async {
            let (near, mut far) = duplex(4096);
            let server = tokio::task::spawn_local(async move {
                let mut handshake = sockeye::ServerHandshake::new();
                let options = sockeye::UpgradeOptions::new();
                let mut bytes = vec![0; 4096];
                let request = loop {
                    let count = far.read(&mut bytes).await.expect("it is open");
                    if let Ok(Some(request)) = handshake.receive(&mut &bytes[..count], &options) {
                        break request;
                    }
                };
                let head = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {}\r\n\r\n",
                    request.accept_key()
                );
                far.write_all(head.as_bytes()).await.expect("it is open");
                let mut frame = vec![0x82, 126, 0xff, 0xff];
                frame.resize(4 + 65_535, b'x');
                let mut sent = 0;
                // Long enough for a client that reads to take everything.
                let stalled = tokio::time::Duration::from_millis(500);
                while sent < FRAMES {
                    let write = tokio::time::timeout(stalled, far.write_all(&frame));
                    if write.await.is_err() {
                        return (sent, far);
                    }
                    sent += 1;
                }
                (sent, far)
            });
            let mut client = open(&engine, Transport::new(near)).await;
            let (sent, far) = server.await.expect("it does not panic");
            // 1 MiB of events, and what one read brings.
            assert!((15..40).contains(&sent), "{sent} frames were taken");
            drop(far);
            for _ in 0..sent {
                match client.next().await {
                    Some(Event::Message(message)) => assert_eq!(message.data.len(), 65_535),
                    other => panic!("{other:?}"),
                }
            }
            match client.next().await {
                Some(Event::Closed(closed)) => assert_eq!(closed.initiator, Initiator::Transport),
                other => panic!("{other:?}"),
            }
        });
    }
}

const FRAMES: usize = 200;
