//! Rows 37 and 38: halves, streams and sinks, addresses, and the byte stream beneath.

use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use sockeye_tokio::{
    Agreement, CloseCode, Config, Conn, Error, Message, MessageKind, Parts, Role, SendError,
    Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::*;

#[tokio::test]
async fn row_37_halves_work_in_different_tasks_and_go_together_again() {
    let mut agreement = deflated();
    agreement.subprotocol = Some("chat".into());
    let (client, mut server) = pair_with(|_| {}, agreement.clone());
    let (mut receiver, sender) = client.split();
    let sending = tokio::spawn(async move {
        for i in 0..100_u32 {
            sender.send(i.to_string()).await.unwrap();
        }
        sender
    });
    let echoing = tokio::spawn(async move {
        for _ in 0..100 {
            let message = server.next().await.unwrap().unwrap();
            server.send(message).await.unwrap();
        }
        server
    });
    for i in 0..100_u32 {
        let message = receiver.next().await.unwrap();
        assert_eq!(message, Some(Message::text(i.to_string())));
    }
    let (sender, server) = (sending.await.unwrap(), echoing.await.unwrap());
    let (other_receiver, other_sender) = server.split();
    assert!(!sender.is_same_connection(&other_sender));
    let (receiver, other_sender) = Conn::unsplit(receiver, other_sender).unwrap_err();
    let client = Conn::unsplit(receiver, sender.clone()).unwrap();
    assert!(sender.is_same_connection(&client.sender()));
    assert_eq!(client.role(), Role::Client);
    // What the handshake agreed on is still known.
    assert_eq!(client.subprotocol(), Some("chat"));
    assert_eq!(client.agreement(), Some(&agreement));
    let server = Conn::unsplit(other_receiver, other_sender).unwrap();
    assert_eq!(server.subprotocol(), Some("chat"));
}

#[tokio::test]
async fn row_38_stream_comes_back_with_unread_bytes_and_everything_sent() {
    let (near, mut peer) = wire(10, FAIR);
    let mut conn = conn(near, Role::Server);
    let mut other = conn.sender();
    let mut bytes = masked(0x81, b"last");
    bytes.extend(b"not WebSocket any more");
    peer.put(&bytes);
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("last")));
    conn.send("bye").await.unwrap();
    conn.send("b".repeat(50)).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut frames = Vec::new();
        for _ in 0..2 {
            frames.push(next_frame(&mut peer).await);
        }
        (frames, peer)
    });
    let (mut transport, unread) = conn.into_transport().await.unwrap();
    let (frames, mut peer) = reading.await.unwrap();
    assert_eq!(frames, [(0x81, b"bye".to_vec()), (0x81, vec![b'b'; 50])]);
    assert_eq!(unread, b"not WebSocket any more");
    // A sender that is still there does not pretend.
    for sent in [
        other.send("lost").await,
        other.ping("").await,
        SinkExt::send(&mut other, Message::text("lost")).await,
        other.close(CloseCode::NORMAL, "").await,
    ] {
        assert!(
            matches!(sent, Err(Error::Send(SendError::CloseSent))),
            "{sent:?}"
        );
    }
    assert!(other.closed().is_some());
    transport.write_all(b"raw").await.unwrap();
    let mut raw = [0; 3];
    peer.read_exact(&mut raw).await.unwrap();
    assert_eq!(&raw, b"raw");
}

#[tokio::test]
async fn row_38_stream_does_not_come_back_in_the_middle_of_a_message() {
    // One that comes.
    for begun in [&masked(0x01, b"x")[..], &masked(0x81, b"xyz")[..5], &[0x81]] {
        let (mut conn, mut peer) = server();
        write(&mut peer, begun).await;
        assert!(poll_times(conn.next(), 3).is_none());
        let taken = conn.into_transport().await;
        assert!(matches!(
            taken,
            Err(Error::Send(SendError::MessageUnfinished))
        ));
    }
    // One that goes.
    for has_begun in [false, true] {
        let (conn, _peer) = server();
        let sender = conn.sender();
        let mut writer = sender.writer(MessageKind::Text).await.unwrap();
        writer.write_all(b"x").await.unwrap();
        if has_begun {
            writer.flush().await.unwrap();
        }
        let taken = conn.into_transport().await;
        assert!(
            matches!(taken, Err(Error::Send(SendError::MessageUnfinished))),
            "begun: {has_begun}"
        );
    }
}

#[tokio::test]
async fn row_38_addresses_are_those_of_the_socket() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    let (near, (far, near_address)) = (near.unwrap(), far.unwrap());
    let open = |stream: tokio::net::TcpStream, role| {
        Conn::from_parts(Parts {
            transport: Transport::from(stream),
            role,
            agreement: Agreement::default(),
            unread: Vec::new(),
            config: Config::new(role),
        })
    };
    let (client, mut server) = (open(near, Role::Client), open(far, Role::Server));
    assert_eq!(server.local_addr().unwrap(), address);
    assert_eq!(server.peer_addr().unwrap(), near_address);
    assert_eq!(client.local_addr().unwrap(), near_address);
    client.abort();
    assert!(server.next().await.is_err());
    assert_eq!(
        server.peer_addr().unwrap_err().kind(),
        std::io::ErrorKind::NotConnected
    );
}

#[tokio::test]
async fn connection_is_a_stream_and_a_sink() {
    let (mut client, server) = pair();
    let echoing = tokio::spawn(async move {
        let (sink, stream) = StreamExt::split(server);
        stream.forward(sink).await
    });
    let messages: Vec<_> = (0..500).map(|i| Message::text(i.to_string())).collect();
    let mut all = stream::iter(messages.clone()).map(Ok);
    client.send_all(&mut all).await.unwrap();
    let back: Vec<_> = (&mut client).take(500).try_collect().await.unwrap();
    assert_eq!(back, messages);
    client.feed(Message::text("a")).await.unwrap();
    SinkExt::flush(&mut client).await.unwrap();
    let message = StreamExt::next(&mut client).await;
    assert_eq!(message.unwrap().unwrap(), Message::text("a"));
    SinkExt::close(&mut client).await.unwrap();
    let closed = client.closed().unwrap();
    assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
    assert!(StreamExt::next(&mut client).await.is_none());
    echoing.await.unwrap().unwrap();
    let late = SinkExt::send(&mut client, Message::text("late")).await;
    assert!(matches!(late, Err(Error::Send(SendError::CloseSent))));
}

#[tokio::test]
async fn halves_are_a_stream_and_a_sink() {
    let (client, server) = pair();
    let (receiver, sender) = server.split();
    let echoing = tokio::spawn(receiver.forward(sender));
    let (mut receiver, mut sender) = client.split();
    SinkExt::send(&mut sender, Message::binary(vec![7; 100_000]))
        .await
        .unwrap();
    let message = StreamExt::next(&mut receiver).await;
    assert_eq!(message.unwrap().unwrap(), Message::binary(vec![7; 100_000]));
    SinkExt::close(&mut sender).await.unwrap();
    assert!(StreamExt::next(&mut receiver).await.is_none());
    assert!(receiver.closed().unwrap().clean);
    echoing.await.unwrap().unwrap();
}

#[tokio::test]
async fn stream_ends_after_an_error() {
    let (mut conn, mut peer) = server();
    write(&mut peer, &plain(0x81, b"not masked")).await;
    assert!(StreamExt::next(&mut conn).await.unwrap().is_err());
    assert!(StreamExt::next(&mut conn).await.is_none());
    assert!(StreamExt::next(&mut conn).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn sink_that_was_ready_keeps_its_turn_while_another_task_writes() {
    let (mut conn, mut peer) = server();
    let other = conn.sender();
    futures_util::future::poll_fn(|cx| conn.poll_ready_unpin(cx))
        .await
        .unwrap();
    let mut writer = other.writer(MessageKind::Binary).await.unwrap();
    writer.write_all(b"one").await.unwrap();
    writer.flush().await.unwrap();
    conn.start_send_unpin(Message::text("two")).unwrap();
    let flushing = tokio::spawn(async move {
        SinkExt::flush(&mut conn).await.unwrap();
        conn
    });
    settle().await;
    writer.finish().await.unwrap();
    let _conn = flushing.await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x02, b"one".to_vec()));
    assert_eq!(next_frame(&mut peer).await, (0x80, vec![]));
    assert_eq!(next_frame(&mut peer).await, (0x81, b"two".to_vec()));
}
