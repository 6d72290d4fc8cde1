//! What is received when receiving is given up and taken up again.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sockeye::{Connection, MessageKind, Options, Part};
use sockeye_tokio::{Agreement, CloseCode, Config, Conn, Error, Message, Role};
use tokio::io::AsyncReadExt;

use crate::{MANY, STREAMS, common::*};

/// Five messages, with whatever may come between, and a Close frame.
fn script(compressed: bool) -> (Vec<u8>, Vec<Message>) {
    fn entropy(key: &mut [u8]) {
        key.fill(0x5A);
    }
    let deflate = if compressed { deflated().deflate } else { None };
    let options = Options::new(Role::Client);
    let mut client = Connection::new(Role::Client, &options, deflate, entropy);
    let mut bytes = Vec::new();
    let out = &mut bytes;
    client
        .send(sockeye::Message::text("first \u{20AC}"), out)
        .unwrap();
    for (data, fin) in [
        (&b""[..], false),
        (b"gr\xC3", false),
        (b"", false),
        (b"\xBC\xC3\x9Fe", false),
        (b"", true),
    ] {
        client.ping(b"p", out).unwrap();
        client
            .send_part(&Part::new(MessageKind::Text, data, fin), out)
            .unwrap();
    }
    client
        .send(sockeye::Message::binary(&b""[..]), out)
        .unwrap();
    client
        .send(sockeye::Message::binary(&[9; 40][..]), out)
        .unwrap();
    client.send(sockeye::Message::text("7"), out).unwrap();
    let close = sockeye::CloseFrame::new(CloseCode::NORMAL, "");
    client.close(Some(close), out).unwrap();
    let messages = vec![
        Message::text("first \u{20AC}"),
        Message::text("gr\u{FC}\u{DF}e"),
        Message::binary(Bytes::new()),
        Message::binary(vec![9; 40]),
        Message::text("7"),
    ];
    (bytes, messages)
}

/// For each stream and script, a server that is sent it, and what it has to receive.
async fn each(mut test: impl AsyncFnMut(Conn, Wire, &[Message])) {
    for manners in STREAMS {
        for compressed in [false, true] {
            let (bytes, messages) = script(compressed);
            let (near, mut peer) = wire(1 << 20, manners);
            peer.put(&bytes);
            let agreement = if compressed {
                deflated()
            } else {
                Agreement::default()
            };
            let config = Config::new(Role::Server);
            test(
                conn_with(near, Role::Server, config, agreement),
                peer,
                &messages,
            )
            .await;
        }
    }
}

/// Drops `next` after this many polls, as often as it takes.
async fn next_after(conn: &mut Conn, polls: usize) -> Result<Option<Message>, Error> {
    for _ in 0..MANY {
        if let Some(received) = poll_times(conn.next(), polls) {
            return received;
        }
    }
    panic!("nothing comes");
}

#[tokio::test]
async fn next_loses_nothing() {
    for polls in 1..40 {
        each(async |mut conn, _peer, messages| {
            for message in messages {
                let received = next_after(&mut conn, polls).await.unwrap();
                assert_eq!(received.as_ref(), Some(message), "{polls} polls");
            }
            assert_eq!(next_after(&mut conn, polls).await.unwrap(), None);
            assert!(conn.closed().unwrap().clean);
        })
        .await;
    }
}

#[tokio::test]
async fn stream_loses_nothing() {
    for polls in 1..40 {
        each(async |mut conn, _peer, messages| {
            for message in messages {
                let mut received = None;
                for _ in 0..MANY {
                    received = poll_times(StreamExt::next(&mut conn), polls);
                    if received.is_some() {
                        break;
                    }
                }
                assert_eq!(received.unwrap().unwrap().unwrap(), *message);
            }
        })
        .await;
    }
}

/// Reads the next message through a reader that is asked for, and read from, with cancelled attempts.
async fn read_after(conn: &mut Conn, polls: usize, size: usize) -> Option<Message> {
    for _ in 0..MANY {
        let Some(reader) = poll_times(conn.next_reader(), polls) else {
            continue;
        };
        let mut reader = reader.unwrap()?;
        let kind = reader.kind();
        let mut data = BytesMut::new();
        for _ in 0..MANY {
            let mut piece = vec![0; size];
            match poll_times(reader.read(&mut piece), polls) {
                None => {}
                Some(Ok(0)) => {
                    let text = || String::from_utf8(data.to_vec()).unwrap();
                    return Some(match kind {
                        MessageKind::Text => Message::text(text()),
                        MessageKind::Binary => Message::binary(data.freeze()),
                    });
                }
                Some(count) => data.extend_from_slice(&piece[..count.unwrap()]),
            }
        }
    }
    panic!("nothing comes");
}

#[tokio::test]
async fn next_reader_and_its_reads_lose_nothing() {
    for polls in 1..20 {
        for size in [1, 100] {
            each(async |mut conn, _peer, messages| {
                for message in messages {
                    let received = read_after(&mut conn, polls, size).await;
                    assert_eq!(received.as_ref(), Some(message), "{polls} polls");
                }
                assert_eq!(read_after(&mut conn, polls, size).await, None);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn next_and_next_reader_given_up_in_turns_lose_nothing() {
    for polls in 1..60 {
        each(async |mut conn, _peer, messages| {
            for (index, message) in messages.iter().enumerate() {
                // One is given up, the other goes on.
                if index % 2 == 0 {
                    // If nothing is given up, what comes next is the next message.
                    if poll_times(conn.next_reader(), polls).is_none() {
                        let received = next_after(&mut conn, MANY).await.unwrap();
                        assert_eq!(received.as_ref(), Some(message), "{polls} polls");
                    }
                } else if let Some(received) = poll_times(conn.next(), polls) {
                    assert_eq!(received.unwrap().as_ref(), Some(message));
                } else {
                    let received = read_after(&mut conn, MANY, 7).await;
                    assert_eq!(received.as_ref(), Some(message), "{polls} polls");
                }
            }
            assert_eq!(next_after(&mut conn, MANY).await.unwrap(), None);
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_dropped_reader_left_is_not_seen_whoever_is_given_up_next() {
    for polls in 1..60 {
        each(async |mut conn, _peer, messages| {
            for index in 0..messages.len() - 1 {
                if index % 2 == 1 {
                    continue;
                }
                // The beginning of one message,
                let reader = poll_times(conn.next_reader(), MANY).unwrap().unwrap();
                let mut reader = reader.expect("there is one");
                let mut piece = [0; 1];
                poll_times(reader.read(&mut piece), MANY).unwrap().unwrap();
                // two attempts that are given up, if it takes that long,
                let message = &messages[index + 1];
                if let Some(received) = poll_times(conn.next(), polls) {
                    assert_eq!(received.unwrap().as_ref(), Some(message));
                    continue;
                }
                let is_given_up = poll_times(conn.next_reader(), polls / 2).is_none();
                if !is_given_up {
                    continue;
                }
                // and all of the next.
                let received = next_after(&mut conn, MANY).await.unwrap();
                assert_eq!(received.as_ref(), Some(message), "{polls} polls");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn next_json_loses_nothing() {
    for polls in 1..40 {
        each(async |mut conn, _peer, messages| {
            let mut received = 0;
            for _ in 0..MANY {
                match poll_times(conn.next_json::<u32>(), polls) {
                    None => {}
                    Some(Ok(Some(number))) => {
                        received += 1;
                        assert_eq!((received, number), (messages.len(), 7));
                    }
                    Some(Ok(None)) => break,
                    Some(Err(Error::Json(_))) => received += 1,
                    Some(Err(error)) => panic!("{error}"),
                }
            }
            assert_eq!(received, messages.len());
        })
        .await;
    }
}

#[tokio::test]
async fn reads_of_joined_messages_lose_nothing() {
    for polls in 1..40 {
        each(async |mut conn, _peer, messages| {
            let mut expected = Vec::new();
            for message in messages {
                expected.extend_from_slice(message.as_bytes());
                expected.extend_from_slice(b"\r\n");
            }
            let mut reader = conn.join(Bytes::from_static(b"\r\n"));
            let mut joined = Vec::new();
            for _ in 0..MANY {
                let mut piece = [0; 5];
                match poll_times(reader.read(&mut piece), polls) {
                    None => {}
                    Some(Ok(0)) => break,
                    Some(count) => joined.extend_from_slice(&piece[..count.unwrap()]),
                }
            }
            assert_eq!(joined, expected);
        })
        .await;
    }
}
