//! Messages there and back.
#![allow(clippy::std_instead_of_core, missing_docs, reason = "tests")]

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
