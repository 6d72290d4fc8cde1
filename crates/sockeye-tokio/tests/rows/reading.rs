//! Rows 22 to 25 and 27 to 29: what is received.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sockeye_tokio::{CloseCode, Error, Limits, Message, MessageKind, ProtocolError, Role};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use crate::common::*;

#[tokio::test]
async fn row_22_read_message_write_message_carry_whole_messages_both_ways() {
    for compressed in [false, true] {
        let agreement = if compressed {
            deflated()
        } else {
            Default::default()
        };
        let (mut client, mut server) = pair_with(|_| {}, agreement);
        for len in [0, 1, 125, 126, 127, 8_191, 8_192, 65_535, 65_536, 1 << 20] {
            for message in [
                Message::text("\u{20AC}".repeat(len / 3)),
                Message::binary(vec![3; len]),
            ] {
                let (sent, received) = tokio::join!(client.send(message.clone()), server.next());
                sent.unwrap();
                assert_eq!(received.unwrap(), Some(message.clone()));
                let (sent, received) = tokio::join!(server.send(message.clone()), client.next());
                sent.unwrap();
                assert_eq!(received.unwrap(), Some(message));
            }
        }
    }
}

#[tokio::test]
async fn row_22_text_fails_at_its_first_bad_byte() {
    let (mut conn, mut peer) = server();
    let mut frame = masked(0x81, b"abc\xC0 and much more that does not have to come");
    frame.truncate(6 + 4);
    write(&mut peer, &frame).await;
    let received = conn.next().await;
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::InvalidUtf8))
    ));
    let (first, payload) = next_frame(&mut peer).await;
    assert_eq!((first, &payload[..2]), (0x88, &[0x03, 0xEF][..]));
    let closed = conn.closed().unwrap();
    assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
}

#[tokio::test]
async fn row_23_next_message_discards_the_rest_of_the_one_before() {
    for compressed in [false, true] {
        for through_reader in [false, true] {
            let agreement = if compressed {
                deflated()
            } else {
                Default::default()
            };
            let (client, mut server) = pair_with(|_| {}, agreement);
            let sender = client.sender();
            sender.send("first ".repeat(3_000)).await.unwrap();
            let mut writer = sender.writer(MessageKind::Binary).await.unwrap();
            for piece in 0..50 {
                writer.write_all(&[piece; 700]).await.unwrap();
                writer.flush().await.unwrap();
            }
            writer.finish().await.unwrap();
            sender.send("third").await.unwrap();

            let mut reader = server.next_reader().await.unwrap().unwrap();
            let mut beginning = [0; 6];
            reader.read_exact(&mut beginning).await.unwrap();
            assert_eq!((reader.kind(), &beginning), (MessageKind::Text, b"first "));
            let mut reader = server.next_reader().await.unwrap().unwrap();
            let mut beginning = [9; 701];
            reader.read_exact(&mut beginning).await.unwrap();
            assert_eq!(reader.kind(), MessageKind::Binary);
            assert_eq!((beginning[0], beginning[699], beginning[700]), (0, 0, 1));
            if through_reader {
                let mut reader = server.next_reader().await.unwrap().unwrap();
                let mut text = String::new();
                reader.read_to_string(&mut text).await.unwrap();
                assert_eq!(text, "third");
                // At the end it stays at the end.
                assert_eq!(reader.read(&mut beginning).await.unwrap(), 0);
            } else {
                assert_eq!(server.next().await.unwrap(), Some(Message::text("third")));
            }
        }
    }
}

#[tokio::test]
async fn row_23_reader_takes_over_a_message_whose_next_was_given_up() {
    for compressed in [false, true] {
        let agreement = if compressed {
            deflated()
        } else {
            Default::default()
        };
        let (client, mut server) = pair_with(|_| {}, agreement);
        let sender = client.sender();
        let mut writer = sender.writer(MessageKind::Text).await.unwrap();
        writer.write_all(b"one \xE2\x82").await.unwrap();
        writer.flush().await.unwrap();
        assert!(poll_times(server.next(), 5).is_none());
        writer.write_all(b"\xAC two").await.unwrap();
        writer.finish().await.unwrap();
        let mut text = String::new();
        let mut reader = server.next_reader().await.unwrap().unwrap();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one \u{20AC} two");
    }
}

#[tokio::test]
async fn row_23_reader_is_not_bounded_by_the_length_of_messages() {
    let (client, mut server) = pair_with(|config| config.limits.message_size = 5_000, deflated());
    let sender = client.sender();
    let sending = tokio::spawn(async move {
        let mut writer = sender.writer(MessageKind::Binary).await.unwrap();
        for _ in 0..300 {
            writer.write_all(&[1; 1_000]).await.unwrap();
        }
        writer.finish().await.unwrap();
        sender.send("small").await.unwrap();
    });
    let mut reader = server.next_reader().await.unwrap().unwrap();
    let mut data = Vec::new();
    reader.read_to_end(&mut data).await.unwrap();
    assert_eq!(data, vec![1; 300_000]);
    assert_eq!(server.next().await.unwrap(), Some(Message::text("small")));
    sending.await.unwrap();
}

#[tokio::test]
async fn row_23_message_that_breaks_off_is_an_error_of_its_reader() {
    for ending in [&masked(0x88, &[0x03, 0xE8])[..], &[]] {
        let (mut conn, mut peer) = server();
        write(&mut peer, &masked(0x01, b"half")).await;
        write(&mut peer, ending).await;
        drop(peer);
        let mut reader = conn.next_reader().await.unwrap().unwrap();
        let mut text = String::new();
        let read = reader.read_to_string(&mut text).await.unwrap_err();
        assert_eq!(read.kind(), std::io::ErrorKind::UnexpectedEof);
        assert_eq!(
            reader.read_u8().await.unwrap_err().kind(),
            std::io::ErrorKind::UnexpectedEof
        );
    }
}

#[tokio::test]
async fn row_24_join_messages_gives_one_stream_of_bytes() {
    let (client, mut server) = pair();
    let sender = client.sender();
    for text in ["a", "", "bc"] {
        sender.send(text).await.unwrap();
    }
    sender.send(&b"\x00\xFF"[..]).await.unwrap();
    sender.close(CloseCode::NORMAL, "").await.unwrap();
    let mut joined = Vec::new();
    let mut reader = server.join(Bytes::from_static(b"\n"));
    reader.read_to_end(&mut joined).await.unwrap();
    assert_eq!(joined, b"a\n\nbc\n\x00\xFF\n");

    let (client, mut server) = pair();
    client.sender().send("a").await.unwrap();
    client.sender().send("b").await.unwrap();
    drop(client);
    let mut joined = Vec::new();
    let read = server.join(Bytes::new()).read_to_end(&mut joined).await;
    // A connection that breaks is not the end of the stream.
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(joined, b"ab");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
}

#[tokio::test]
async fn row_25_json_errors_keep_the_connection_usable() {
    let (mut client, mut server) = pair();
    client.send_json(&Point { x: 1 }).await.unwrap();
    assert_eq!(
        server.next().await.unwrap(),
        Some(Message::text("{\"x\":1}"))
    );
    client.send("{\"x\":").await.unwrap();
    client.send("{\"y\":2}").await.unwrap();
    client.send(&b"{\"x\":3}"[..]).await.unwrap();
    for _ in 0..2 {
        let received = server.next_json::<Point>().await;
        assert!(matches!(received, Err(Error::Json(_))), "{received:?}");
    }
    assert_eq!(server.next_json().await.unwrap(), Some(Point { x: 3 }));
    // A key that is not a string has no JSON.
    let nameless = std::collections::HashMap::from([([1, 2], 3)]);
    let sent = client.send_json(&nameless).await;
    assert!(matches!(sent, Err(Error::Json(_))), "{sent:?}");
    client.send_json("next").await.unwrap();
    assert_eq!(
        server.next_json().await.unwrap(),
        Some(String::from("next"))
    );
    client.sender().close(CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(server.next_json::<Point>().await.unwrap(), None);
}

#[tokio::test]
async fn row_27_observers_see_control_frames_that_are_answered_by_themselves() {
    let (mut conn, mut peer) = server();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let seen = Arc::clone(&seen);
        move |payload: Bytes| seen.lock().unwrap().push((name, payload.to_vec()))
    };
    conn.on_ping(note("ping"));
    conn.on_pong(note("pong"));
    let on_close = note("close");
    conn.on_close(move |frame| on_close(Bytes::from(frame.unwrap().reason.into_owned())));
    for frame in [
        masked(0x89, b"1"),
        masked(0x01, b"a"),
        masked(0x8A, b"2"),
        masked(0x80, b"b"),
        masked(0x89, b""),
        masked(0x88, b"\x03\xE9bye"),
    ] {
        write(&mut peer, &frame).await;
    }
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("ab")));
    assert_eq!(conn.next().await.unwrap(), None);
    let seen = seen.lock().unwrap().clone();
    let expected = [
        ("ping", b"1".to_vec()),
        ("pong", b"2".to_vec()),
        ("ping", vec![]),
        ("close", b"bye".to_vec()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(next_frame(&mut peer).await, (0x8A, b"1".to_vec()));
    assert_eq!(next_frame(&mut peer).await, (0x8A, vec![]));
    assert_eq!(next_frame(&mut peer).await, (0x88, vec![0x03, 0xE9]));
}

#[tokio::test]
async fn row_27_application_takes_over_pongs_and_the_close_frame() {
    let (mut conn, mut peer) = server_with(|config| {
        config.automatic_pong = false;
        config.automatic_close = false;
    });
    let (pings, mut pinged) = tokio::sync::mpsc::unbounded_channel();
    conn.on_ping(move |payload| pings.send(payload).unwrap());
    let (closes, mut closed) = tokio::sync::mpsc::unbounded_channel();
    conn.on_close(move |frame| closes.send(frame).unwrap());
    let sender = conn.sender();
    let receiving = tokio::spawn(async move {
        let received = conn.next().await;
        (received, conn.closed().unwrap())
    });
    write(&mut peer, &masked(0x89, b"p")).await;
    assert_eq!(pinged.recv().await.unwrap(), &b"p"[..]);
    settle().await;
    assert_eq!(sender.waiting(), 0);
    sender.pong("mine").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x8A, b"mine".to_vec()));
    write(&mut peer, &masked(0x88, b"")).await;
    assert_eq!(closed.recv().await.unwrap(), None);
    sender.send("one more").await.unwrap();
    sender.close(CloseCode::NORMAL, "done").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x81, b"one more".to_vec()));
    assert_eq!(
        next_frame(&mut peer).await,
        (0x88, b"\x03\xE8done".to_vec())
    );
    let (received, closed) = receiving.await.unwrap();
    assert_eq!(received.unwrap(), None);
    assert_eq!((closed.code, closed.clean), (CloseCode::NO_STATUS, true));
}

#[tokio::test(start_paused = true)]
async fn row_28_read_timeout_leaves_the_connection_usable() {
    let (mut conn, mut peer) = client();
    conn.set_receive_timeout(Some(Duration::from_secs(2)));
    let frame = plain(0x81, b"whole");
    for cut in 0..frame.len() {
        let start = Instant::now();
        write(&mut peer, &frame[..cut]).await;
        assert!(matches!(conn.next().await, Err(Error::Timeout)));
        assert!(matches!(conn.next_json::<u8>().await, Err(Error::Timeout)));
        // A reader is there as soon as something is.
        if cut <= 2 {
            assert!(matches!(conn.next_reader().await, Err(Error::Timeout)));
        }
        assert_eq!(start.elapsed().as_secs(), if cut <= 2 { 6 } else { 4 });
        write(&mut peer, &frame[cut..]).await;
        assert_eq!(
            conn.next().await.unwrap(),
            Some(Message::text("whole")),
            "{cut}"
        );
    }
    conn.send("and back").await.unwrap();
    assert_eq!(read_frame(&mut peer).await.unwrap().payload, b"and back");
}

#[tokio::test]
async fn row_29_read_limit_is_1009_and_judged_after_inflation() {
    for compressed in [false, true] {
        let agreement = if compressed {
            deflated()
        } else {
            Default::default()
        };
        let (mut client, mut server) =
            pair_with(|config| config.limits.message_size = 10_000, agreement);
        client.send(vec![0; 10_000]).await.unwrap();
        assert_eq!(
            server.next().await.unwrap(),
            Some(Message::binary(vec![0; 10_000]))
        );
        client.send(vec![0; 10_001]).await.unwrap();
        let received = server.next().await;
        let limit = Err(ProtocolError::MessageTooBig { limit: 10_000 });
        assert_eq!(received.map_err(protocol), limit);
        assert_eq!(client.next().await.unwrap(), None);
        let closed = client.closed().unwrap();
        assert_eq!(
            (closed.code, closed.clean),
            (CloseCode::MESSAGE_TOO_BIG, true)
        );
        // RFC 6455 §7.1.7: nothing is sent after that.
        assert!(matches!(server.send("x").await, Err(Error::Send(_))));
    }
    // Finite by default, and changed while the connection is open.
    let (mut conn, mut peer) = server();
    let mut limits = Limits::default();
    limits.message_size = 3;
    conn.set_limits(limits);
    write(&mut peer, &masked(0x82, b"abc")).await;
    write(&mut peer, &masked(0x82, b"abcd")).await;
    assert_eq!(
        conn.next().await.unwrap(),
        Some(Message::binary(&b"abc"[..]))
    );
    let received = conn.next().await.map_err(protocol);
    assert_eq!(received, Err(ProtocolError::MessageTooBig { limit: 3 }));
}

fn protocol(error: Error) -> ProtocolError {
    match error {
        Error::Protocol(error) => error,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn row_34_errors_of_reads_are_permanent() {
    let (near, mut peer) = wire(1 << 20, FAIR);
    let remote = near.remote();
    let mut broken = conn(near, Role::Server);
    peer.put(&masked(0x01, b"x"));
    remote.reset();
    let (mut violated, mut peer) = server();
    write(&mut peer, &masked(0x83, b"")).await;
    for _ in 0..2_000 {
        let error = violated.next().await.map_err(protocol);
        assert_eq!(error, Err(ProtocolError::ReservedOpcode { opcode: 3 }));
        let error = violated.next_reader().await.map(drop).map_err(protocol);
        assert_eq!(error, Err(ProtocolError::ReservedOpcode { opcode: 3 }));
        let Err(Error::Io(error)) = broken.next().await else {
            panic!("the stream broke");
        };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    // And the end in order is the end.
    let (mut conn, mut peer) = server();
    write(&mut peer, &masked(0x88, b"")).await;
    for _ in 0..2_000 {
        assert_eq!(conn.next().await.unwrap(), None);
        assert!(conn.next_reader().await.unwrap().is_none());
    }
}
