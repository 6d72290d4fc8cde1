//! Rows 30 to 33, 36 and 39: what is sent, and how connections end.

use std::collections::HashSet;

use sockeye_tokio::{
    Agreement, CloseCode, Config, Error, Initiator, Message, PreparedMessage, ProtocolError, Role,
    SendError, SessionError,
};

use crate::common::*;

#[tokio::test]
async fn row_30_compression_is_chosen_for_each_message() {
    let (near, mut peer) = wire(1 << 20, FAIR);
    let config = Config::new(Role::Server);
    let mut conn = conn_with(near, Role::Server, config, deflated());
    let text = "compress me ".repeat(100);
    let mut lengths = Vec::new();
    for level in [0, 1, 9] {
        conn.set_compression_level(level);
        conn.send(text.clone()).await.unwrap();
        settle().await;
        let (first, payload) = next_frame(&mut peer).await;
        assert_eq!(first, 0xC1);
        lengths.push(payload.len());
    }
    assert!(
        lengths[0] > text.len() && lengths[1] < 100 && lengths[2] <= lengths[1],
        "{lengths:?}"
    );
    conn.set_compression(false);
    conn.send(text.clone()).await.unwrap();
    assert_eq!(
        next_frame(&mut peer).await,
        (0x81, text.clone().into_bytes())
    );
    conn.set_compression(true);
    conn.send(text.clone()).await.unwrap();
    assert_eq!(next_frame(&mut peer).await.0, 0xC1);
    // Below the threshold a message goes out plain.
    conn.send("").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x81, vec![]));
}

#[tokio::test]
async fn row_31_prepared_messages_go_between_ordinary_ones_of_many_connections() {
    let mut no_takeover = deflated();
    let deflate = no_takeover.deflate.as_mut().unwrap();
    deflate.server_no_context_takeover = true;
    deflate.server_max_window_bits = sockeye_tokio::WindowBits::new(9).unwrap();
    let mut pairs = Vec::new();
    for agreement in [deflated(), deflated(), no_takeover, Agreement::default()] {
        pairs.push(pair_with(|_| {}, agreement));
    }
    let large = Message::text("all the news that is fit to print, ".repeat(1_000));
    let news = [
        PreparedMessage::new("all the news that is fit to print, today"),
        PreparedMessage::new(large.clone()),
        PreparedMessage::new(vec![5; 3_000]),
    ];
    for round in 0..20 {
        for (index, (client, server)) in pairs.iter_mut().enumerate() {
            let own = format!("all the news that is fit to print, for {index} in {round}");
            for message in &news {
                server.send_prepared(message).await.unwrap();
                server.send(own.clone()).await.unwrap();
            }
            client.send_prepared(&news[0]).await.unwrap();
            for message in [
                Message::text("all the news that is fit to print, today"),
                large.clone(),
                Message::binary(vec![5; 3_000]),
            ] {
                assert_eq!(client.next().await.unwrap(), Some(message));
                assert_eq!(
                    client.next().await.unwrap(),
                    Some(Message::text(own.clone()))
                );
            }
            assert!(server.next().await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn row_32_close_is_typed() {
    // By this side.
    let (mut client, mut server) = pair();
    let closing = tokio::spawn(async move { client.close(CloseCode::new(4_000), "enough").await });
    assert_eq!(server.next().await.unwrap(), None);
    let theirs = server.closed().unwrap();
    assert_eq!(
        (
            theirs.code,
            theirs.reason.as_str(),
            theirs.initiator,
            theirs.clean,
            theirs.error
        ),
        (CloseCode::new(4_000), "enough", Initiator::Peer, true, None)
    );
    let ours = closing.await.unwrap().unwrap();
    assert_eq!(
        (ours.code, ours.initiator, ours.clean),
        (CloseCode::new(4_000), Initiator::Local, true)
    );
    // Closing again says the same.
    assert_eq!(
        server.close(CloseCode::NORMAL, "").await.unwrap(),
        server.closed().unwrap()
    );

    // Without a code.
    let (mut client, mut server) = pair();
    let closing = tokio::spawn(async move { client.close(CloseCode::NO_STATUS, "").await });
    assert_eq!(server.next().await.unwrap(), None);
    assert_eq!(server.closed().unwrap().code, CloseCode::NO_STATUS);
    assert_eq!(closing.await.unwrap().unwrap().code, CloseCode::NO_STATUS);

    // Both at once.
    let (mut client, mut server) = pair();
    let (a, b) = tokio::join!(
        client.close(CloseCode::NORMAL, "a"),
        server.close(CloseCode::GOING_AWAY, "b")
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(a.clean && b.clean);

    // Not at all.
    let (mut client, server) = pair();
    drop(server);
    let received = client.next().await;
    assert!(matches!(
        received,
        Err(Error::Protocol(ProtocolError::UnexpectedEnd))
    ));
    let closed = client.closed().unwrap();
    assert_eq!(
        (closed.code, closed.initiator, closed.clean, closed.error),
        (
            CloseCode::ABNORMAL,
            Initiator::Transport,
            false,
            Some(SessionError::Protocol(ProtocolError::UnexpectedEnd))
        )
    );
}

#[tokio::test]
async fn row_32_codes_of_the_registry_go_both_ways_and_others_do_not() {
    for code in (1000..=1015).chain([2999, 3000, 4999, 5000]) {
        let (mut conn, mut peer) = server();
        let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let sent = conn.sender().close(CloseCode::new(code), "").await;
        if sendable {
            sent.unwrap();
            assert_eq!(
                next_frame(&mut peer).await,
                (0x88, code.to_be_bytes().to_vec())
            );
        } else if code == 1005 {
            sent.unwrap();
            assert_eq!(next_frame(&mut peer).await, (0x88, vec![]));
        } else {
            assert!(matches!(
                sent,
                Err(Error::Send(SendError::InvalidCloseCode))
            ));
        }
        write(&mut peer, &masked(0x88, &u16::to_be_bytes(code))).await;
        let received = conn.next().await;
        if sendable {
            assert_eq!(received.unwrap(), None);
            assert_eq!(conn.closed().unwrap().code.get(), code);
        } else {
            let code = CloseCode::new(code);
            assert!(matches!(
                received,
                Err(Error::Protocol(ProtocolError::InvalidCloseCode { code: found })) if found == code
            ));
        }
    }
}

#[tokio::test]
async fn row_33_sending_after_close_is_close_sent_and_receiving_goes_on() {
    let (mut conn, mut peer) = server();
    let sender = conn.sender();
    sender.close(CloseCode::NORMAL, "").await.unwrap();
    let prepared = PreparedMessage::new("x");
    for sent in [
        sender.send("x").await,
        sender.send_prepared(&prepared).await,
        sender.send_json(&1).await,
        sender.ping("x").await,
        sender.pong("x").await,
        sender.close(CloseCode::NORMAL, "").await,
        sender
            .writer(sockeye_tokio::MessageKind::Text)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(sent, Err(Error::Send(SendError::CloseSent))),
            "{sent:?}"
        );
    }
    sender.flush().await.unwrap();
    write(&mut peer, &masked(0x81, b"still")).await;
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("still")));
    write(&mut peer, &masked(0x88, &[0x03, 0xE8])).await;
    assert_eq!(conn.next().await.unwrap(), None);
    assert_eq!(conn.closed().unwrap().initiator, Initiator::Local);
    assert!(matches!(
        sender.send("x").await,
        Err(Error::Send(SendError::CloseSent))
    ));
}

#[tokio::test]
async fn row_36_abort_ends_without_a_close_frame() {
    let (conn, mut peer) = server();
    let sender = conn.sender();
    conn.abort();
    assert_eq!(read_frame(&mut peer).await, None);
    assert!(matches!(
        sender.send("x").await,
        Err(Error::Send(SendError::CloseSent))
    ));
    let closed = sender.closed().unwrap();
    assert_eq!((closed.code, closed.clean), (CloseCode::ABNORMAL, false));
}

#[tokio::test]
async fn row_36_server_ends_the_stream_first_and_a_client_waits_for_that() {
    // RFC 6455 §7.1.1.
    let (mut conn, mut peer) = server();
    write(&mut peer, &masked(0x88, b"")).await;
    assert_eq!(conn.next().await.unwrap(), None);
    assert_eq!(next_frame(&mut peer).await, (0x88, vec![]));
    assert_eq!(read_frame(&mut peer).await, None);

    let (near, mut peer) = wire(1 << 20, FAIR);
    let mut client = crate::common::conn(near, Role::Client);
    peer.put(&plain(0x88, b""));
    assert_eq!(client.next().await.unwrap(), None);
    settle().await;
    assert_eq!(next_frame(&mut peer).await, (0x88, vec![]));
    assert!(!peer.is_ended());
}

#[tokio::test]
async fn row_39_masking_key_is_fresh_for_each_frame() {
    let (mut conn, mut peer) = client();
    let sender = conn.sender();
    let mut keys = HashSet::new();
    for round in 0..500 {
        match round % 4 {
            0 => conn.send("x").await.unwrap(),
            1 => conn.send(vec![0; 10_000]).await.unwrap(),
            2 => sender.ping("x").await.unwrap(),
            _ => conn
                .send_prepared(&PreparedMessage::new("x"))
                .await
                .unwrap(),
        }
        let frame = read_frame(&mut peer).await.unwrap();
        keys.insert(frame.key.expect("a client masks"));
    }
    // Two of 500 are the same by chance once in 34,000 runs; three never.
    assert!(keys.len() >= 499, "{}", keys.len());
    // A server never masks.
    let (mut conn, mut peer) = server();
    conn.send("x").await.unwrap();
    assert_eq!(read_frame(&mut peer).await.unwrap().key, None);
}
