//! Peers that mean harm, and applications that give up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::SinkExt;
use sockeye_tokio::{
    CloseCode, Conn, Error, Initiator, Message, MessageKind, PreparedMessage, ProtocolError, Role,
    SendError,
};
use tokio::time::{Instant, timeout};

use crate::common::*;

#[tokio::test(start_paused = true)]
async fn abort_from_another_task_wakes_the_receiver() {
    let (conn, _peer) = client();
    let (mut receiver, sender) = conn.split();
    let waiting = tokio::spawn(async move { receiver.next().await });
    settle().await;
    sender.abort();
    let received = timeout(Duration::from_secs(60), waiting).await;
    assert!(
        matches!(
            received.expect("the receiver is woken").unwrap(),
            Err(Error::Protocol(ProtocolError::UnexpectedEnd))
        ),
        "the error of an abort"
    );
}

#[tokio::test(start_paused = true)]
async fn close_from_another_task_times_out_in_the_receiver_after_5_s() {
    let (conn, mut peer) = client();
    let (mut receiver, sender) = conn.split();
    let waiting = tokio::spawn(async move {
        let received = receiver.next().await;
        (received, receiver.closed())
    });
    settle().await;
    let start = Instant::now();
    sender.close(CloseCode::NORMAL, "").await.unwrap();
    let (received, closed) = timeout(Duration::from_secs(60), waiting)
        .await
        .expect("the receiver is woken")
        .unwrap();
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::CloseTimeout))
    ));
    assert_eq!(start.elapsed().as_secs(), 5);
    let closed = closed.unwrap();
    assert_eq!(
        (closed.code, closed.initiator, closed.clean),
        (CloseCode::ABNORMAL, Initiator::Local, false)
    );
    assert_eq!(next_frame(&mut peer).await, (0x88, vec![0x03, 0xE8]));
}

#[tokio::test(start_paused = true)]
async fn close_answered_from_another_task_ends_the_receiver() {
    let (conn, mut peer) = server_with(|config| config.automatic_close = false);
    let (mut receiver, sender) = conn.split();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    receiver.on_close(move |frame| {
        assert_eq!(frame.unwrap().code, CloseCode::GOING_AWAY);
        count.fetch_add(1, Ordering::Relaxed);
    });
    let waiting = tokio::spawn(async move { (receiver.next().await, receiver.closed()) });
    write(&mut peer, &masked(0x88, &[0x03, 0xE9])).await;
    settle().await;
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    sender.send("last words").await.unwrap();
    sender.close(CloseCode::GOING_AWAY, "").await.unwrap();
    let (received, closed) = timeout(Duration::from_secs(60), waiting)
        .await
        .expect("the receiver is woken")
        .unwrap();
    assert_eq!(received.unwrap(), None);
    let closed = closed.unwrap();
    assert_eq!(
        (closed.code, closed.initiator, closed.clean),
        (CloseCode::GOING_AWAY, Initiator::Peer, true)
    );
    assert_eq!(next_frame(&mut peer).await, (0x81, b"last words".to_vec()));
    assert_eq!(next_frame(&mut peer).await, (0x88, vec![0x03, 0xE9]));
}

/// A client whose output is full and whose peer reads nothing.
async fn stuck() -> (Conn, Wire) {
    let (wire, peer) = wire(16, FAIR);
    let conn = conn(wire, Role::Client);
    conn.sender().send(vec![1; 100_000]).await.unwrap();
    (conn, peer)
}

#[tokio::test(start_paused = true)]
async fn close_gives_up_after_5_s_on_a_peer_that_never_reads() {
    let (mut conn, _peer) = stuck().await;
    let start = Instant::now();
    let closed = timeout(Duration::from_secs(60), conn.close(CloseCode::NORMAL, "")).await;
    assert!(matches!(
        closed.expect("close gives up"),
        Err(Error::Protocol(ProtocolError::CloseTimeout))
    ));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn sink_gives_up_after_5_s_on_a_peer_that_never_reads() {
    let (mut conn, _peer) = stuck().await;
    let start = Instant::now();
    let closed = timeout(Duration::from_secs(60), SinkExt::close(&mut conn)).await;
    assert!(matches!(
        closed.expect("close gives up"),
        Err(Error::Protocol(ProtocolError::CloseTimeout))
    ));
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn peer_has_5_s_to_answer_however_old_the_connection_is() {
    for by_sink in [false, true] {
        let (mut conn, peer) = client();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let start = Instant::now();
        let closed = if by_sink {
            timeout(Duration::from_secs(60), SinkExt::close(&mut conn)).await
        } else {
            let closed = conn.close(CloseCode::NORMAL, "");
            let closed = timeout(Duration::from_secs(60), closed).await;
            closed.map(|closed| closed.map(drop))
        };
        assert!(matches!(
            closed.expect("close gives up"),
            Err(Error::Protocol(ProtocolError::CloseTimeout))
        ));
        assert_eq!(start.elapsed().as_secs(), 5, "sink: {by_sink}");
        drop(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn abort_and_timeouts_wake_everybody_with_an_error() {
    let (conn, peer) = stuck().await;
    let sender = conn.sender();
    let mut waiting = Vec::new();
    for kind in 0..6 {
        let sender = sender.clone();
        waiting.push(tokio::spawn(async move {
            match kind {
                0 => sender.send("x").await,
                1 => sender.ping("x").await,
                2 => sender.writer(MessageKind::Text).await.map(drop),
                3 => sender.flush().await,
                4 => SinkExt::send(&mut sender.clone(), Message::text("x")).await,
                _ => sender.send_prepared(&PreparedMessage::new("x")).await,
            }
        }));
    }
    settle().await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    sender.abort();
    for (kind, task) in waiting.into_iter().enumerate() {
        let sent = timeout(Duration::from_secs(1), task).await;
        let error = sent.expect("it is woken").unwrap().unwrap_err();
        if kind == 3 {
            // What was sent has not arrived.
            assert!(matches!(error, Error::Io(_)), "{error:?}");
        } else {
            assert!(
                matches!(error, Error::Send(SendError::CloseSent)),
                "{error:?}"
            );
        }
    }
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn send_to_a_peer_that_never_reads_waits_is_bounded_and_can_be_given_up() {
    let (near, mut peer) = wire(1_000, FAIR);
    let conn = conn(near, Role::Server);
    let mut sender = conn.sender();
    sender.set_timeout(Some(Duration::from_secs(7)));
    let mut sent = 0;
    loop {
        let start = Instant::now();
        match sender.send(vec![0; 1_000]).await {
            Ok(()) => sent += 1,
            Err(Error::Timeout) => {
                assert_eq!(start.elapsed().as_secs(), 7);
                break;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sender.waiting() < 65_536 + 1_004, "{}", sender.waiting());
    }
    assert_eq!(sent, 67);
    for _ in 0..2 {
        assert!(matches!(sender.ping("x").await, Err(Error::Timeout)));
        assert!(matches!(sender.flush().await, Err(Error::Timeout)));
        assert!(matches!(
            sender.writer(MessageKind::Text).await,
            Err(Error::Timeout)
        ));
        assert!(matches!(sender.send_json(&1).await, Err(Error::Timeout)));
    }
    // Once the peer reads, it goes on, and nothing that was given up arrives.
    let reading = tokio::spawn(async move {
        let mut frames = Vec::new();
        for _ in 0..68 {
            frames.push(next_frame(&mut peer).await);
        }
        frames
    });
    sender.send("last").await.unwrap();
    let frames = reading.await.unwrap();
    assert!(frames[..67].iter().all(|frame| frame.1.len() == 1_000));
    assert_eq!(frames[67], (0x81, b"last".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn ping_flood_of_a_peer_that_never_reads_is_bounded() {
    for is_observed in [false, true] {
        let (near, mut peer) = wire(1_000, FAIR);
        let mut conn = conn(near, Role::Server);
        let sender = conn.sender();
        if is_observed {
            conn.on_ping(|_| {});
        }
        let ping = masked(0x89, &[0; 125]);
        for _ in 0..40 {
            peer.put(&ping.repeat(1_000));
        }
        assert!(poll_times(conn.next(), 1_000).is_none());
        // The limit, and the answers to one read.
        assert!(sender.waiting() >= 65_536, "{}", sender.waiting());
        assert!(sender.waiting() < 2 * 65_536, "{}", sender.waiting());
        // It is not read on.
        assert!(peer.pending_reads() > 4_000_000);
    }
}

#[tokio::test]
async fn ping_flood_is_bounded_after_writing_has_failed() {
    let (near, mut peer) = wire(1_000, FAIR);
    near.remote().break_writes();
    let mut conn = conn(near, Role::Server);
    let sender = conn.sender();
    // It is found to have failed while the first message is written.
    sender.send("x").await.unwrap();
    peer.put(&masked(0x89, &[0; 125]).repeat(40_000));
    for _ in 0..4 {
        assert!(poll_times(conn.next(), 1).is_none());
        assert!(sender.waiting() < 2 * 65_536, "{}", sender.waiting());
    }
    assert_eq!(peer.pending_reads(), 0);
    assert!(matches!(sender.send("x").await, Err(Error::Io(_))));
    assert!(matches!(sender.flush().await, Err(Error::Io(_))));
}

#[tokio::test(start_paused = true)]
async fn message_that_drips_fails_after_30_s() {
    let (near, mut peer) = wire(1 << 20, FAIR);
    let mut conn = conn(near, Role::Server);
    let start = Instant::now();
    let receiving = tokio::spawn(async move { (conn.next().await, start.elapsed().as_secs()) });
    for byte in masked(0x81, &[b'x'; 100]) {
        peer.put(&[byte]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        if receiving.is_finished() {
            break;
        }
    }
    let (received, seconds) = receiving.await.unwrap();
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::MessageTimeout))
    ));
    assert_eq!(seconds, 30);
    let (first, payload) = next_frame(&mut peer).await;
    assert_eq!((first, &payload[..2]), (0x88, &[0x03, 0xF0][..]));
}

#[tokio::test]
async fn fragments_are_bounded() {
    let (near, mut peer) = wire(usize::MAX, FAIR);
    let mut conn = conn(near, Role::Server);
    let mut flood = masked(0x01, b"");
    flood.extend(masked(0x00, b"").repeat(131_072));
    peer.put(&flood);
    let received = conn.next().await;
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::TooManyFragments {
            limit: 131_072
        }))
    ));
    settle().await;
    assert_eq!(next_frame(&mut peer).await.1[..2], [0x03, 0xF0]);
}

#[tokio::test(start_paused = true)]
async fn reset_is_an_error_in_every_state() {
    for state in 0..5 {
        let (near, mut peer) = wire(if state == 3 { 10 } else { 1 << 20 }, FAIR);
        let remote = near.remote();
        let mut conn = conn(near, Role::Server);
        let sender = conn.sender();
        match state {
            // Idle, in the middle of a message, of one that is written, with a full output, while closing.
            1 => peer.put(&masked(0x01, b"half")),
            2 => {
                let mut writer = sender.writer(MessageKind::Text).await.unwrap();
                tokio::io::AsyncWriteExt::write_all(&mut writer, b"x")
                    .await
                    .unwrap();
                drop(writer);
            }
            3 => sender.send(vec![0; 100_000]).await.unwrap(),
            4 => sender.close(CloseCode::NORMAL, "").await.unwrap(),
            _ => {}
        }
        let other = sender.clone();
        let sending = tokio::spawn(async move { other.send("x").await });
        let receiving =
            tokio::spawn(async move { (conn.next().await, conn.next().await, conn.closed()) });
        settle().await;
        remote.reset();
        let (received, again, closed) = timeout(Duration::from_secs(1), receiving)
            .await
            .expect("it is woken")
            .unwrap();
        for received in [received, again] {
            let Err(Error::Io(error)) = received else {
                panic!("{state}: {received:?}");
            };
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        let closed = closed.unwrap();
        assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
        let sent = timeout(Duration::from_secs(1), sending)
            .await
            .expect("it is woken");
        assert_eq!(sent.unwrap().is_ok(), matches!(state, 0 | 1), "{state}");
        assert!(sender.send("x").await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn row_40_and_beyond_server_pings_after_20_s_of_silence_and_gives_up_20_s_later() {
    let (mut conn, mut peer) = server();
    let start = Instant::now();
    let receiving = tokio::spawn(async move { (conn.next().await, conn.closed()) });
    assert_eq!(next_frame(&mut peer).await, (0x89, vec![]));
    assert_eq!(start.elapsed().as_secs(), 20);
    let (received, closed) = receiving.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 40);
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::PongTimeout))
    ));
    assert_eq!(closed.unwrap().initiator, Initiator::Local);
    assert_eq!(next_frame(&mut peer).await.1[..2], [0x03, 0xF3]);
}

#[tokio::test(start_paused = true)]
async fn peer_that_answers_pings_stays() {
    let (mut conn, mut peer) = server();
    let start = Instant::now();
    let receiving = tokio::spawn(async move { conn.next().await });
    for round in 1..100 {
        assert_eq!(next_frame(&mut peer).await, (0x89, vec![]));
        assert_eq!(start.elapsed().as_secs(), round * 20);
        write(&mut peer, &masked(0x8A, b"")).await;
    }
    assert!(!receiving.is_finished());
    // A client sends none.
    let (mut conn, mut peer) = client();
    tokio::spawn(async move { conn.next().await });
    assert!(
        timeout(Duration::from_secs(1_000), read_frame(&mut peer))
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn peer_is_not_given_up_because_the_application_was_away() {
    let (mut conn, mut peer) = server();
    for round in 0..5_u8 {
        // A Ping is on its way, and so is its answer;
        assert!(timeout(Duration::from_secs(21), conn.next()).await.is_err());
        assert_eq!(next_frame(&mut peer).await, (0x89, vec![]));
        write(&mut peer, &masked(0x8A, b"")).await;
        write(&mut peer, &masked(0x82, &[round])).await;
        // and the application is away for minutes.
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(
            conn.next().await.unwrap(),
            Some(Message::binary(vec![round]))
        );
    }
    // A peer that is gone is given up all the same, counted from when the application came back.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let start = Instant::now();
    let received = conn.next().await;
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::PongTimeout))
    ));
    let seconds = start.elapsed().as_secs();
    assert!((20..=40).contains(&seconds), "{seconds}");
}
