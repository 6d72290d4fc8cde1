//! Peers that mean harm, and applications that give up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::SinkExt;
use sockeye_tokio::{CloseCode, Conn, Error, Initiator, ProtocolError, Role};
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
