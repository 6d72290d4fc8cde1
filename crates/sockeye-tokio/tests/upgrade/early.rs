//! Frames that come right behind the request.

use std::net::SocketAddr;

use axum::{Router, routing::any};
use sockeye_tokio::{Message, Upgrader, WebSocketUpgrade};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::common::{echo, frames, listen, request, serve_echo, within};

#[tokio::test]
async fn row_01_frames_behind_the_request_are_not_lost_in_hyper() {
    check(serve_echo(Upgrader::new()).await).await;
}

#[tokio::test]
async fn row_01_frames_behind_the_request_are_not_lost_in_axum() {
    let websocket = async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo);
    let app = Router::new().route("/", any(websocket));
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    check(address).await;
}

#[tokio::test]
async fn row_01_frames_behind_the_request_are_not_lost_on_a_raw_stream() {
    async fn serve(listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async { echo(Upgrader::new().accept(stream).await.unwrap()).await });
        }
    }
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener));
    check(address).await;
}

/// RFC 6455 §4.1 has the client wait, but one that was let in before may not, and hyper reads ahead.
async fn check(address: SocketAddr) {
    for (count, len) in [(1, 5), (100, 1), (7, 10_000), (3, 200_000)] {
        let messages: Vec<_> = (0..count)
            .map(|i: u8| Message::binary(vec![i; len]))
            .collect();
        let mut bytes = request("GET / HTTP/1.1", "", &[]).into_bytes();
        bytes.extend(frames(&messages));
        bytes.extend([0x88, 0x80, 0, 0, 0, 0]);
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut read, mut write) = stream.into_split();
        tokio::spawn(async move {
            write.write_all(&bytes).await.unwrap();
            // The server ends the stream.
            write
        });
        let answer = within(async {
            let mut answer = Vec::new();
            read.read_to_end(&mut answer).await.unwrap();
            answer
        })
        .await;
        let head = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let mut expected = Vec::new();
        for message in &messages {
            let payload = message.as_bytes();
            expected.push(0x82);
            match len {
                ..126 => expected.push(len as u8),
                126..65_536 => {
                    expected.push(126);
                    expected.extend((len as u16).to_be_bytes());
                }
                _ => {
                    expected.push(127);
                    expected.extend((len as u64).to_be_bytes());
                }
            }
            expected.extend(payload);
        }
        expected.extend([0x88, 0]);
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
        assert!(answer[head + 4..] == expected, "{count} of {len}");
    }
}
