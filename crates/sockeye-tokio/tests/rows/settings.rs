//! Settings and names.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use sockeye_tokio::{
    Agreement, CloseCode, Config, Conn, HandshakeError, MessageKind, OriginPolicy, Parts, Role,
    Transport, UpgradeError, Upgrader,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    time::{Instant, sleep},
};

/// Notes how much is asked for in each read.
struct Asked(DuplexStream, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Asked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.1.lock().unwrap().push(buffer.remaining());
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Asked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn conn(transport: Transport, config: Config) -> Conn {
    Conn::from_parts(Parts {
        transport,
        role: Role::Server,
        agreement: Agreement::default(),
        unread: Vec::new(),
        config,
    })
}

#[tokio::test]
async fn row_03_read_buffer_size_is_a_setting() {
    let (stream, mut peer) = duplex(1 << 16);
    let asked = Arc::default();
    let mut config = Config::new(Role::Server);
    config.read_buffer_size = 3000;
    let mut conn = conn(Transport::new(Asked(stream, Arc::clone(&asked))), config);
    peer.write_all(b"\x82\x80\0\0\0\0").await.unwrap();
    assert_eq!(conn.next().await.unwrap().map(|got| got.len()), Some(0));
    assert_eq!(*asked.lock().unwrap(), [3000]);
}

#[tokio::test]
async fn row_03_write_buffer_size_is_a_setting() {
    let (stream, _peer) = duplex(64);
    let mut config = Config::new(Role::Server);
    config.write_buffer_size = 1000;
    let mut conn = conn(Transport::new(stream), config);
    let message = vec![0; 600];
    // A frame has a header of 4 bytes, and the stream takes 64 bytes.
    assert!(matches!(
        conn.send(message.clone()).now_or_never(),
        Some(Ok(()))
    ));
    assert_eq!(conn.sender().waiting(), 604 - 64);
    assert!(matches!(
        conn.send(message.clone()).now_or_never(),
        Some(Ok(()))
    ));
    assert_eq!(conn.sender().waiting(), 2 * 604 - 64);
    assert!(conn.send(message).now_or_never().is_none());
    assert_eq!(conn.sender().waiting(), 2 * 604 - 64);
}

#[tokio::test(start_paused = true)]
async fn row_02_handshake_timeout_bounds_reading_and_writing_together() {
    let (stream, mut peer) = duplex(64);
    let start = Instant::now();
    // The request comes late, and then nobody reads the response.
    let client = tokio::spawn(async move {
        sleep(Duration::from_secs(9)).await;
        peer.write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await
        .unwrap();
        peer
    });
    let refused = Upgrader::new().accept(Transport::new(stream)).await;
    assert!(matches!(
        refused,
        Err(UpgradeError::Handshake(HandshakeError::Timeout))
    ));
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(client.await.unwrap());
}

#[tokio::test]
async fn row_20_any_origin_is_a_visible_choice() {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://elsewhere.example\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for (upgrader, is_let_in) in [
        (Upgrader::new(), false),
        (Upgrader::new().origins(OriginPolicy::Any), true),
    ] {
        let (stream, mut peer) = duplex(1 << 16);
        peer.write_all(request).await.unwrap();
        match upgrader.accept(Transport::new(stream)).await {
            Ok(_) => assert!(is_let_in),
            Err(UpgradeError::Handshake(error)) => {
                assert!(!is_let_in);
                assert_eq!(error, HandshakeError::OriginNotAllowed);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn row_35_close_and_message_types_have_the_numbers_of_the_rfc() {
    let codes = [
        CloseCode::NORMAL,
        CloseCode::GOING_AWAY,
        CloseCode::PROTOCOL_ERROR,
        CloseCode::UNSUPPORTED_DATA,
        CloseCode::NO_STATUS,
        CloseCode::ABNORMAL,
        CloseCode::INVALID_PAYLOAD,
        CloseCode::POLICY_VIOLATION,
        CloseCode::MESSAGE_TOO_BIG,
        CloseCode::MANDATORY_EXTENSION,
        CloseCode::INTERNAL_ERROR,
        CloseCode::SERVICE_RESTART,
        CloseCode::TRY_AGAIN_LATER,
        CloseCode::BAD_GATEWAY,
        CloseCode::TLS_HANDSHAKE,
    ];
    assert_eq!(
        codes.map(CloseCode::get),
        [
            1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
            1015
        ]
    );
    assert_eq!(MessageKind::Text.opcode() as u8, 0x1);
    assert_eq!(MessageKind::Binary.opcode() as u8, 0x2);
}
