//! Messages there and back.
#![allow(clippy::std_instead_of_core, missing_docs, reason = "tests")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use sockeye_tokio::{Agreement, CloseCode, Config, Conn, Error, Message, Parts, Role, Transport};

fn pair() -> (Conn, Conn) {
    let (a, b) = tokio::io::duplex(1 << 16);
    let conn = |stream, role| {
        Conn::from_parts(Parts {
            transport: Transport::new(stream),
            role,
            agreement: Agreement::default(),
            unread: Vec::new(),
            config: Config::new(role),
        })
    };
    (conn(a, Role::Client), conn(b, Role::Server))
}

#[tokio::test]
async fn messages_come_back() {
    let (mut client, mut server) = pair();
    let echo = tokio::spawn(async move {
        while let Some(message) = server.next().await? {
            server.send(message).await?;
        }
        Ok::<_, Error>(server.closed())
    });
    for i in 0..10_000_u32 {
        client.send(i.to_be_bytes().to_vec()).await.unwrap();
        let text = (i % 7 == 0).then(|| Message::text("x".repeat(i as usize * 3)));
        if let Some(text) = &text {
            client.send(text.clone()).await.unwrap();
        }
        assert_eq!(
            client.next().await.unwrap(),
            Some(Message::binary(i.to_be_bytes().to_vec()))
        );
        if text.is_some() {
            assert_eq!(client.next().await.unwrap(), text);
        }
    }
    let closed = client.close(CloseCode::NORMAL, "bye").await.unwrap();
    assert_eq!((closed.code, closed.clean), (CloseCode::NORMAL, true));
    let theirs = echo.await.unwrap().unwrap().unwrap();
    assert_eq!(
        (theirs.code, theirs.reason.as_str()),
        (CloseCode::NORMAL, "bye")
    );
}

#[tokio::test]
async fn application_answers_a_close_frame_although_the_peer_has_ended_its_side() {
    let (stream, mut peer) = tokio::io::duplex(1 << 10);
    let mut config = Config::new(Role::Server);
    config.automatic_close = false;
    let conn = Conn::from_parts(Parts {
        transport: Transport::new(stream),
        role: Role::Server,
        agreement: Agreement::default(),
        unread: Vec::new(),
        config,
    });
    // Close, masked with zeros: 1001.
    peer.write_all(b"\x88\x82\0\0\0\0\x03\xe9").await.unwrap();
    peer.shutdown().await.unwrap();
    let (mut receiver, sender) = conn.split();
    let (told, heard) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    receiver.on_close(move |frame| {
        let _ = told
            .take()
            .unwrap()
            .send(frame.map(|frame| frame.code.get()));
    });
    let receiving = tokio::spawn(async move { receiver.next().await.map(|_| receiver.closed()) });
    assert_eq!(heard.await.unwrap(), Some(1001));
    sender.send("last").await.unwrap();
    sender.close(CloseCode::GOING_AWAY, "").await.unwrap();
    let closed = receiving.await.unwrap().unwrap().unwrap();
    assert_eq!((closed.code.get(), closed.clean), (1001, true));
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x81\x04last\x88\x02\x03\xe9");
}
