//! Rows 23, 26 and 33: messages written piece by piece, and what goes between and after them.

use std::time::Duration;

use sockeye_tokio::{CloseCode, Error, Message, MessageKind, PreparedMessage, SendError};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::common::*;

#[tokio::test]
async fn row_23_each_flush_is_a_fragment_and_finish_the_last() {
    let (mut conn, mut peer) = server();
    let mut writer = conn.writer(MessageKind::Text).await.unwrap();
    assert_eq!(writer.kind(), MessageKind::Text);
    // A character may be cut between fragments.
    writer.write_all(b"gr\xC3").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x01, b"gr\xC3".to_vec()));
    writer.flush().await.unwrap();
    writer.write_all(b"\xBC\xC3\x9Fe").await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(
        next_frame(&mut peer).await,
        (0x80, b"\xBC\xC3\x9Fe".to_vec())
    );
    conn.send("next").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x81, b"next".to_vec()));
}

#[tokio::test]
async fn row_23_writer_that_is_shut_down_and_then_finished_sends_one_last_frame() {
    let (mut conn, mut peer) = server();
    let other = conn.sender();
    let mut writer = conn.writer(MessageKind::Binary).await.unwrap();
    writer.write_all(b"one").await.unwrap();
    writer.shutdown().await.unwrap();
    assert!(writer.write_all(b"more").await.is_err());
    // Another message is under way by now: nothing may come into it.
    let mut second = other.writer(MessageKind::Binary).await.unwrap();
    second.write_all(b"t").await.unwrap();
    second.flush().await.unwrap();
    writer.shutdown().await.unwrap();
    writer.finish().await.unwrap();
    second.write_all(b"wo").await.unwrap();
    second.finish().await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x82, b"one".to_vec()));
    assert_eq!(next_frame(&mut peer).await, (0x02, b"t".to_vec()));
    assert_eq!(next_frame(&mut peer).await, (0x80, b"wo".to_vec()));
}

#[tokio::test]
async fn row_23_writer_dropped_unfinished_is_an_error_of_every_later_message() {
    for has_begun in [false, true] {
        let (mut conn, mut peer) = server();
        let mut writer = conn.writer(MessageKind::Binary).await.unwrap();
        writer.write_all(b"half").await.unwrap();
        if has_begun {
            writer.flush().await.unwrap();
        }
        drop(writer);
        let prepared = PreparedMessage::new("prepared");
        for _ in 0..2 {
            for sent in [
                conn.send("next").await,
                conn.send_prepared(&prepared).await,
                conn.send_json("next").await,
                conn.writer(MessageKind::Binary).await.map(drop),
            ] {
                assert!(
                    matches!(sent, Err(Error::Send(SendError::MessageUnfinished))),
                    "begun: {has_begun}, {sent:?}"
                );
            }
        }
        // Control frames still go, and so does the Close frame.
        conn.ping("still here").await.unwrap();
        conn.sender()
            .close(CloseCode::INTERNAL_ERROR, "")
            .await
            .unwrap();
        // RFC 6455 §5.5.1: nothing follows a Close frame.
        for sent in [conn.send("late").await, conn.send_prepared(&prepared).await] {
            assert!(
                matches!(sent, Err(Error::Send(SendError::CloseSent))),
                "begun: {has_begun}, {sent:?}"
            );
        }
        if has_begun {
            assert_eq!(next_frame(&mut peer).await, (0x02, b"half".to_vec()));
        }
        assert_eq!(next_frame(&mut peer).await, (0x89, b"still here".to_vec()));
        assert_eq!(next_frame(&mut peer).await, (0x88, vec![0x03, 0xF3]));
    }
}

#[tokio::test]
async fn row_23_text_that_ends_within_a_character_is_not_finished() {
    let (mut conn, mut peer) = server();
    let mut writer = conn.writer(MessageKind::Text).await.unwrap();
    writer.write_all(b"\xE2\x82").await.unwrap();
    let finished = writer.finish().await;
    assert!(matches!(finished, Err(Error::Send(SendError::InvalidUtf8))));
    let sent = conn.send("next").await;
    assert!(matches!(
        sent,
        Err(Error::Send(SendError::MessageUnfinished))
    ));
    conn.ping("").await.unwrap();
    // Nothing of the text has gone out.
    assert_eq!(next_frame(&mut peer).await, (0x89, vec![]));
}

#[tokio::test]
async fn row_26_control_frames_go_between_the_frames_of_a_message() {
    let (conn, mut peer) = server();
    let (mut receiver, sender) = conn.split();
    let mut writer = sender.writer(MessageKind::Binary).await.unwrap();
    writer.write_all(b"one").await.unwrap();
    writer.flush().await.unwrap();
    sender.ping("a").await.unwrap();
    sender.pong("b").await.unwrap();
    write(&mut peer, &masked(0x89, b"c")).await;
    write(&mut peer, &masked(0x81, b"d")).await;
    assert_eq!(receiver.next().await.unwrap(), Some(Message::text("d")));
    writer.write_all(b"two").await.unwrap();
    writer.finish().await.unwrap();
    let mut frames = Vec::new();
    for _ in 0..5 {
        frames.push(next_frame(&mut peer).await);
    }
    assert_eq!(
        frames,
        [
            (0x02, b"one".to_vec()),
            (0x89, b"a".to_vec()),
            (0x8A, b"b".to_vec()),
            (0x8A, b"c".to_vec()),
            (0x80, b"two".to_vec()),
        ]
    );
}

#[tokio::test]
async fn row_26_more_than_125_bytes_are_an_error_before_anything_is_written() {
    let (mut conn, mut peer) = server();
    let long = [b'x'; 126];
    let reason = "r".repeat(124);
    for sent in [
        conn.ping(long).await,
        conn.pong(long).await,
        conn.sender().close(CloseCode::NORMAL, &reason).await,
        conn.close(CloseCode::NORMAL, &reason).await.map(drop),
    ] {
        assert!(
            matches!(sent, Err(Error::Send(SendError::ControlTooLong))),
            "{sent:?}"
        );
    }
    for code in [
        CloseCode::ABNORMAL,
        CloseCode::TLS_HANDSHAKE,
        CloseCode::new(999),
    ] {
        let closed = conn.close(code, "").await;
        assert!(matches!(
            closed,
            Err(Error::Send(SendError::InvalidCloseCode))
        ));
    }
    conn.ping(&long[..125]).await.unwrap();
    let (first, payload) = next_frame(&mut peer).await;
    assert_eq!((first, payload.len()), (0x89, 125));
    // The connection is open.
    conn.send("hello").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x81, b"hello".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn row_28_finish_of_a_writer_is_bounded_by_the_timeout_of_sending() {
    let (wire, mut peer) = wire(16, FAIR);
    let mut conn = conn(wire, sockeye_tokio::Role::Server);
    conn.set_send_timeout(Some(Duration::from_secs(3)));
    let other = conn.sender();
    let writer = conn.writer(MessageKind::Binary).await.unwrap();
    other.ping(vec![0; 100]).await.unwrap();
    while other.waiting() < 65_536 {
        other.pong(vec![0; 125]).await.unwrap();
    }
    let finished = timeout(Duration::from_secs(60), writer.finish()).await;
    assert!(matches!(
        finished.expect("it gives up"),
        Err(Error::Timeout)
    ));
    peer.take();
}
