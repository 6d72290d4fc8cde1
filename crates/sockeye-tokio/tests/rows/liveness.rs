//! What was sent is delivered without any further call, in as few writes as that allows.

use std::{future::pending, sync::atomic::Ordering, time::Duration};

use sockeye_tokio::{Agreement, CloseCode, Config, Message, Role};
use tokio::time::timeout;

use crate::common::*;

/// Longer than anything takes, in paused time.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn row_27_automatic_pong_leaves_although_the_application_is_busy_elsewhere() {
    for after_ping in [masked(0x81, b"x"), masked(0x01, b"x")] {
        let (mut conn, mut peer) = server();
        let mut read = masked(0x89, b"are you there");
        read.extend(after_ping);
        write(&mut peer, &read).await;
        tokio::spawn(async move {
            conn.next_reader().await.unwrap().unwrap();
            pending::<()>().await;
        });
        let pong = timeout(LONG, next_frame(&mut peer)).await;
        assert_eq!(
            pong.expect("a Pong comes"),
            (0x8A, b"are you there".to_vec())
        );
    }
    let (mut conn, mut peer) = server();
    let mut read = masked(0x89, b"1");
    read.extend(masked(0x81, b"x"));
    read.extend(masked(0x89, b"2"));
    read.extend(masked(0x81, b"y"));
    write(&mut peer, &read).await;
    tokio::spawn(async move {
        conn.next().await.unwrap().unwrap();
        conn.next().await.unwrap().unwrap();
        pending::<()>().await;
    });
    for payload in [b"1", b"2"] {
        let pong = timeout(LONG, next_frame(&mut peer)).await;
        assert_eq!(pong.expect("a Pong comes"), (0x8A, payload.to_vec()));
    }
}

#[tokio::test(start_paused = true)]
async fn row_27_automatic_pong_leaves_although_the_application_only_reads() {
    let (mut conn, mut peer) = server();
    let reading = tokio::spawn(async move { conn.next().await });
    write(&mut peer, &masked(0x89, b"p")).await;
    let pong = timeout(LONG, next_frame(&mut peer)).await;
    assert_eq!(pong.expect("a Pong comes"), (0x8A, b"p".to_vec()));
    write(&mut peer, &masked(0x82, b"m")).await;
    assert_eq!(
        reading.await.unwrap().unwrap(),
        Some(Message::binary(&b"m"[..]))
    );
}

async fn burst_arrives() {
    for size in [1, 100, 20_000, 300_000] {
        let (client, mut server) = pair();
        let sending = tokio::spawn(async move {
            for i in 0..3_u8 {
                client.sender().send(vec![i; size]).await.unwrap();
            }
            pending::<()>().await;
        });
        for i in 0..3_u8 {
            let message = timeout(LONG, server.next()).await.expect("it arrives");
            assert_eq!(message.unwrap(), Some(Message::binary(vec![i; size])));
        }
        sending.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn burst_arrives_without_a_further_call_on_one_thread() {
    burst_arrives().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn burst_arrives_without_a_further_call_on_several_threads() {
    burst_arrives().await;
}

#[tokio::test(start_paused = true)]
async fn burst_arrives_when_the_transport_takes_more_again() {
    let (near, mut peer) = wire(0, FAIR);
    let remote = near.remote();
    let conn = conn(near, Role::Server);
    tokio::spawn(async move {
        conn.sender().send("a").await.unwrap();
        conn.sender().send("b").await.unwrap();
        pending::<()>().await;
    });
    settle().await;
    assert!(peer.take().is_empty());
    remote.set_capacity(1);
    let mut frames = Vec::new();
    for _ in 0..2 {
        frames.push(
            timeout(LONG, next_frame(&mut peer))
                .await
                .expect("it arrives"),
        );
    }
    assert_eq!(frames, [(0x81, b"a".to_vec()), (0x81, b"b".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_arrives_when_the_connection_is_dropped_at_once() {
    for capacity in [1, 100, 1 << 20] {
        let (near, mut peer) = wire(capacity, FAIR);
        let mut conn = conn(near, Role::Server);
        for i in 0..20_u8 {
            conn.send(vec![i; 1_000 * usize::from(i)]).await.unwrap();
            if conn.sender().waiting() > 60_000 {
                break;
            }
        }
        let mut sent = 0;
        drop(conn);
        while let Some(frame) = timeout(LONG, read_frame(&mut peer)).await.expect("it ends") {
            assert_eq!(
                (frame.first, frame.payload),
                (0x82, vec![sent; 1_000 * usize::from(sent)])
            );
            sent += 1;
        }
        assert!(sent >= 11, "{sent}");
        assert!(peer.is_ended());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn row_37_messages_of_many_tasks_arrive_whole_while_the_receiver_waits() {
    let (client, mut server) = pair();
    let (mut receiver, sender) = client.split();
    let waiting = tokio::spawn(async move { receiver.next().await });
    const TASKS: u8 = 16;
    const EACH: usize = 50;
    for task in 0..TASKS {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..EACH {
                let len = (usize::from(task) * 997 + i * 411) % 30_000;
                if i % 10 == 3 {
                    use tokio::io::AsyncWriteExt;
                    let kind = sockeye_tokio::MessageKind::Binary;
                    let mut writer = sender.writer(kind).await.unwrap();
                    for piece in vec![task; len + 1].chunks(len / 3 + 1) {
                        writer.write_all(piece).await.unwrap();
                        writer.flush().await.unwrap();
                    }
                    writer.finish().await.unwrap();
                } else {
                    sender.send(vec![task; len + 1]).await.unwrap();
                }
                if i % 7 == 0 {
                    sender.ping([task]).await.unwrap();
                }
            }
        });
    }
    let mut seen = [0; TASKS as usize];
    for _ in 0..usize::from(TASKS) * EACH {
        let message = timeout(LONG, server.next()).await.expect("it arrives");
        let data = message.unwrap().unwrap();
        let data = data.as_bytes();
        let task = usize::from(data[0]);
        let len = (task * 997 + seen[task] * 411) % 30_000 + 1;
        assert_eq!(data.len(), len, "in order, and whole");
        assert!(data.iter().all(|byte| usize::from(*byte) == task));
        seen[task] += 1;
    }
    assert_eq!(seen, [EACH; TASKS as usize]);
    server.send("done").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Some(Message::text("done")));
}

#[tokio::test(start_paused = true)]
async fn no_wake_up_is_lost_where_reading_takes_the_place_of_writing() {
    // As TLS does that has to write in order to read, on a socket that wakes who asked last.
    let (near, mut peer) = wire(0, FAIR);
    let remote = near.remote();
    let (mut receiver, sender) = conn(near.writing_to_read(), Role::Server).split();
    let waiting = tokio::spawn(async move { receiver.next().await });
    settle().await;
    sender.send("first").await.unwrap();
    sender.send("second").await.unwrap();
    settle().await;
    // The receiver looks for bytes again, and is the one to be woken now.
    peer.put(&masked(0x8A, b""));
    settle().await;
    remote.set_capacity(3);
    for text in [&b"first"[..], b"second"] {
        let frame = timeout(LONG, next_frame(&mut peer)).await;
        assert_eq!(frame.expect("it arrives"), (0x81, text.to_vec()));
    }
    peer.put(&masked(0x81, b"x"));
    assert_eq!(waiting.await.unwrap().unwrap(), Some(Message::text("x")));
}

#[tokio::test(start_paused = true)]
async fn answers_to_what_one_read_brought_leave_in_one_write() {
    let (near, mut peer) = wire(1 << 20, FAIR);
    let writes = near.writes();
    let mut conn = conn(near, Role::Server);
    tokio::spawn(async move {
        while let Some(message) = conn.next().await.unwrap() {
            conn.send(message).await.unwrap();
        }
    });
    // One alone goes at once.
    for round in 1..4 {
        peer.put(&masked(0x81, b"one"));
        settle().await;
        assert_eq!(writes.load(Ordering::Relaxed), round);
        assert_eq!(peer.take(), plain(0x81, b"one"));
    }
    for round in 4..7 {
        let mut read = Vec::new();
        let mut answer = Vec::new();
        for i in 0..100_u8 {
            read.extend(masked(0x82, &[i; 10]));
            answer.extend(plain(0x82, &[i; 10]));
            if i % 10 == 0 {
                read.extend(masked(0x89, &[i]));
                answer.extend(plain(0x8A, &[i]));
            }
        }
        peer.put(&read);
        settle().await;
        assert_eq!(peer.take(), answer);
        assert_eq!(writes.load(Ordering::Relaxed), round);
    }
}

#[tokio::test(start_paused = true)]
async fn first_message_of_a_burst_leaves_at_once_and_the_rest_together() {
    let (near, mut peer) = wire(1 << 20, FAIR);
    let writes = near.writes();
    let mut conn = conn(near, Role::Server);
    for _ in 0..50 {
        conn.send("x").await.unwrap();
    }
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    settle().await;
    assert_eq!(writes.load(Ordering::Relaxed), 2);
    assert_eq!(peer.take(), plain(0x81, b"x").repeat(50));
    conn.send("y").await.unwrap();
    settle().await;
    assert_eq!(peer.take(), plain(0x81, b"y"));
}

#[tokio::test(start_paused = true)]
async fn close_frame_follows_what_was_sent_before_it() {
    let (near, mut peer) = wire(7, FAIR);
    let config = Config::new(Role::Server);
    let conn = conn_with(near, Role::Server, config, Agreement::default());
    let (mut receiver, sender) = conn.split();
    for text in ["a", "b", "c"] {
        sender.send(text.repeat(100)).await.unwrap();
    }
    let closing = tokio::spawn(async move { sender.close(CloseCode::GOING_AWAY, "bye").await });
    let receiving = tokio::spawn(async move { (receiver.next().await, receiver.closed()) });
    for text in [b"a", b"b", b"c"] {
        assert_eq!(next_frame(&mut peer).await, (0x81, text.repeat(100)));
    }
    assert_eq!(next_frame(&mut peer).await, (0x88, b"\x03\xE9bye".to_vec()));
    closing.await.unwrap().unwrap();
    peer.put(&masked(0x88, &[0x03, 0xE9]));
    let (received, closed) = receiving.await.unwrap();
    assert_eq!(received.unwrap(), None);
    assert!(closed.unwrap().clean);
}
