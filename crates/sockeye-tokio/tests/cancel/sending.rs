//! What is sent when sending is given up: nothing, or all of it.

use futures_util::SinkExt;
use sockeye::{Connection, Event, MessageKind, Options};
use sockeye_tokio::{Agreement, CloseCode, Config, Conn, Message, PreparedMessage, Role, Sender};
use tokio::io::AsyncWriteExt;

use crate::{MANY, STREAMS, common::*};

/// A server whose output is full, and its client, which has not read anything.
fn full(manners: Manners, compressed: bool) -> (Conn, Peer) {
    let (near, far) = wire(20, manners);
    let agreement = if compressed {
        deflated()
    } else {
        Agreement::default()
    };
    let mut config = Config::new(Role::Server);
    config.write_buffer_size = 30;
    let deflate = agreement.deflate;
    let conn = conn_with(near, Role::Server, config, agreement);
    let sender = conn.sender();
    let mut filling = 0;
    while sender.waiting() < 30 {
        poll_times(sender.pong([1; 12]), 1)
            .expect("there is room")
            .unwrap();
        filling += 1;
        assert!(filling < 20);
    }
    let options = Options::new(Role::Client);
    let peer = Peer {
        wire: far,
        client: Connection::new(Role::Client, &options, deflate, |key| key.fill(1)),
        filling,
    };
    (conn, peer)
}

struct Peer {
    wire: Wire,
    client: Connection,
    /// Frames that filled the output.
    filling: usize,
}

impl Peer {
    /// Reads what is there and returns the events, without those that filled the output.
    fn read(&mut self) -> Vec<Event<'static>> {
        let mut bytes = self.wire.take();
        let mut input = &mut bytes[..];
        let mut events = Vec::new();
        while let Some(event) = self.client.receive(&mut input, &mut Vec::new()).unwrap() {
            if self.filling > 0 {
                assert_eq!(event, Event::Pong(vec![1; 12].into()));
                self.filling -= 1;
            } else {
                events.push(event.into_owned());
            }
        }
        events
    }

    /// Reads until this has come, and whatever comes right behind it.
    async fn read_through(&mut self, last: &Event<'static>) -> Vec<Event<'static>> {
        let mut events = Vec::new();
        for _ in 0..MANY {
            events.extend(self.read());
            tokio::task::yield_now().await;
            if events.last() == Some(last) {
                settle().await;
                events.extend(self.read());
                break;
            }
        }
        events
    }
}

fn message(message: impl Into<Message>) -> Event<'static> {
    let message = message.into();
    let data = message.as_bytes().to_vec();
    Event::Message(match message.kind() {
        MessageKind::Text => sockeye::Message::text(String::from_utf8(data).unwrap()),
        MessageKind::Binary => sockeye::Message::binary(data),
    })
}

/// Sends by `operation`, which is dropped after `polls` polls while the peer reads a little between them; then sends a last message. What
/// was reported as done has arrived, and nothing of what was not.
async fn all_or_nothing(
    operation: impl AsyncFn(&mut Conn) -> Result<(), sockeye_tokio::Error>,
    sent: Event<'static>,
) {
    for manners in STREAMS {
        for compressed in [false, true] {
            let (mut done, mut given_up) = (0, 0);
            for polls in 1..40 {
                let (mut conn, mut peer) = full(manners, compressed);
                let mut events = Vec::new();
                let mut expected = Vec::new();
                {
                    let mut future = std::pin::pin!(operation(&mut conn));
                    for _ in 0..polls {
                        if let std::task::Poll::Ready(result) = poll_once(future.as_mut()) {
                            result.unwrap();
                            expected.push(sent.clone());
                            break;
                        }
                        tokio::task::yield_now().await;
                        if polls > 3 {
                            events.extend(peer.read());
                        }
                    }
                }
                if expected.is_empty() {
                    given_up += 1;
                } else {
                    done += 1;
                }
                let last = tokio::spawn(async move {
                    conn.send("last").await.unwrap();
                    conn
                });
                events.extend(peer.read_through(&message("last")).await);
                let _conn = last.await.unwrap();
                expected.push(message("last"));
                assert_eq!(events, expected, "{manners:?}, {polls} polls");
            }
            assert!(done > 0 && given_up > 0, "{manners:?}: {done}, {given_up}");
        }
    }
}

#[tokio::test]
async fn send_sends_all_or_nothing() {
    all_or_nothing(
        async |conn| conn.send(vec![7; 100]).await,
        message(vec![7; 100]),
    )
    .await;
    // One that is not copied.
    all_or_nothing(
        async |conn| conn.send("x".repeat(9_000)).await,
        message("x".repeat(9_000)),
    )
    .await;
}

#[tokio::test]
async fn send_prepared_sends_all_or_nothing() {
    let prepared = PreparedMessage::new("prepared".repeat(20));
    all_or_nothing(
        async |conn| conn.send_prepared(&prepared).await,
        message("prepared".repeat(20)),
    )
    .await;
}

#[tokio::test]
async fn send_json_sends_all_or_nothing() {
    all_or_nothing(
        async |conn| conn.send_json(&[1, 2, 3]).await,
        message("[1,2,3]"),
    )
    .await;
}

#[tokio::test]
async fn ping_and_pong_send_all_or_nothing() {
    all_or_nothing(
        async |conn| conn.ping("now").await,
        Event::Ping(b"now".to_vec().into()),
    )
    .await;
    all_or_nothing(
        async |conn| conn.pong("then").await,
        Event::Pong(b"then".to_vec().into()),
    )
    .await;
}

#[tokio::test]
async fn feed_of_a_sink_sends_all_or_nothing() {
    all_or_nothing(
        async |conn| conn.feed(Message::text("fed")).await,
        message("fed"),
    )
    .await;
}

#[tokio::test]
async fn writer_that_is_given_up_has_begun_no_message() {
    // Then the last message would be refused.
    for manners in STREAMS {
        for polls in 1..40 {
            let (conn, mut peer) = full(manners, false);
            let sender = conn.sender();
            let mut events = Vec::new();
            let mut has_begun = false;
            {
                let mut future = std::pin::pin!(sender.writer(MessageKind::Text));
                for _ in 0..polls {
                    if let std::task::Poll::Ready(writer) = poll_once(future.as_mut()) {
                        let mut writer = writer.unwrap();
                        poll_times(writer.write_all(b"w"), MANY).unwrap().unwrap();
                        let mut finishing = std::pin::pin!(writer.finish());
                        while poll_once(finishing.as_mut()).is_pending() {
                            tokio::task::yield_now().await;
                            events.extend(peer.read());
                        }
                        has_begun = true;
                        break;
                    }
                    tokio::task::yield_now().await;
                    if polls > 3 {
                        events.extend(peer.read());
                    }
                }
            }
            let last = tokio::spawn(async move { sender.send("last").await });
            events.extend(peer.read_through(&message("last")).await);
            last.await.unwrap().unwrap();
            let mut expected = vec![message("last")];
            if has_begun {
                expected.insert(0, message("w"));
            }
            assert_eq!(events, expected, "{manners:?}, {polls} polls");
        }
    }
}

#[tokio::test]
async fn writes_and_flushes_that_are_given_up_neither_lose_nor_repeat_a_byte() {
    for manners in STREAMS {
        for polls in 1..30 {
            for compressed in [false, true] {
                let (conn, mut peer) = full(manners, compressed);
                let sender = conn.sender();
                let writing = async move {
                    let mut writer = sender.writer(MessageKind::Binary).await.unwrap();
                    for piece in 0..5_u8 {
                        let data = vec![piece; 10 * usize::from(piece)];
                        let mut rest = &data[..];
                        while !rest.is_empty() {
                            match given_up(writer.write(rest), polls).await {
                                Some(count) => rest = &rest[count.unwrap()..],
                                None => tokio::task::yield_now().await,
                            }
                        }
                        while given_up(writer.flush(), polls).await.is_none() {}
                    }
                    while given_up(writer.shutdown(), polls).await.is_none() {}
                    writer.finish().await.unwrap();
                    sender.send("last").await.unwrap();
                };
                let writing = tokio::spawn(writing);
                let events = peer.read_through(&message("last")).await;
                writing.await.unwrap();
                drop(conn);
                let whole: Vec<u8> = (0..5_u8)
                    .flat_map(|piece| vec![piece; 10 * usize::from(piece)])
                    .collect();
                assert_eq!(events, [message(whole), message("last")]);
            }
        }
    }
}

/// Polls this often, other tasks having a turn between, and drops the future unless it is done.
async fn given_up<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        if let std::task::Poll::Ready(output) = poll_once(future.as_mut()) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn flush_that_is_given_up_changes_nothing() {
    for manners in STREAMS {
        for polls in 1..30 {
            let (conn, mut peer) = full(manners, false);
            let sender = conn.sender();
            let flushing = tokio::spawn(async move {
                let mut attempts = 0;
                while given_up(sender.flush(), polls).await.is_none() {
                    attempts += 1;
                    assert!(attempts < MANY);
                }
                assert_eq!(sender.waiting(), 0);
                sender.send("last").await.unwrap();
            });
            assert_eq!(peer.read_through(&message("last")).await, [message("last")]);
            flushing.await.unwrap();
        }
    }
}

#[tokio::test]
async fn close_that_is_given_up_sends_one_close_frame() {
    async fn by_sender(sender: &Sender, polls: usize) {
        for _ in 0..MANY {
            match given_up(sender.close(CloseCode::GOING_AWAY, "bye"), polls).await {
                None => tokio::task::yield_now().await,
                Some(_) => return,
            }
        }
        panic!("it never closes");
    }
    let frame = sockeye::CloseFrame::new(CloseCode::GOING_AWAY, "bye");
    let close = Event::Close(Some(frame));
    for manners in STREAMS {
        for polls in 1..30 {
            let (conn, mut peer) = full(manners, false);
            let sender = conn.sender();
            let closing = tokio::spawn(async move { by_sender(&sender, polls).await });
            assert_eq!(
                peer.read_through(&close).await,
                std::slice::from_ref(&close)
            );
            closing.await.unwrap();

            let (mut conn, mut peer) = full(manners, false);
            let closing = tokio::spawn(async move {
                for _ in 0..MANY {
                    let closed = given_up(conn.close(CloseCode::GOING_AWAY, "bye"), polls).await;
                    if let Some(closed) = closed {
                        return closed.unwrap();
                    }
                }
                panic!("it never closes");
            });
            assert_eq!(
                peer.read_through(&close).await,
                std::slice::from_ref(&close)
            );
            peer.wire.put(&masked(0x88, b"\x03\xE9theirs"));
            let closed = closing.await.unwrap();
            assert_eq!((closed.reason.as_str(), closed.clean), ("theirs", true));
        }
    }
}
