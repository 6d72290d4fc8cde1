//! The server as a client sees it, on both engines.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    fs, io,
    io::Write,
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use common::{Client, PATIENCE, REQUEST, builder, close, engines, frame, port, unmasked};
use sockeye_host::{
    Address, CloseFrame, DialOptions, Event, Message, MessageKind, Server, UpgradeOptions, dial,
};

fn for_both(test: impl Fn(sockeye_host::Engine)) {
    for engine in engines() {
        test(engine);
    }
}

#[test]
fn frames_that_come_with_the_request_are_answered() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::connect(&server);
        let mut bytes = REQUEST.as_bytes().to_vec();
        bytes.extend(frame(0x81, b"Hello"));
        client.send(&bytes);
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(client.read_exact(7), unmasked(0x81, b"Hello"));
    });
}

#[test]
fn bytes_that_come_one_by_one_are_answered() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::connect(&server);
        let mut bytes = REQUEST.as_bytes().to_vec();
        bytes.extend(frame(0x81, b"Hello"));
        for byte in bytes {
            client.send([byte]);
        }
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(client.read_exact(7), unmasked(0x81, b"Hello"));
    });
}

#[test]
fn messages_of_every_size_come_back() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::open(&server);
        for size in [0, 1, 125, 126, 65_535, 65_536, 131_073, 1 << 20] {
            let payload: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            client.echoes(&payload);
        }
    });
}

#[test]
fn many_messages_in_one_write_come_back_in_order() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::open(&server);
        let mut expected = Vec::new();
        let mut bytes = Vec::new();
        for index in 0..5000_u32 {
            bytes.extend(frame(0x82, &index.to_be_bytes()));
            expected.extend(unmasked(0x82, &index.to_be_bytes()));
        }
        client.send(&bytes);
        assert!(client.read_exact(expected.len()) == expected);
    });
}

#[test]
fn message_beyond_the_limit_is_refused_with_1009() {
    for_both(|engine| {
        let mut options = UpgradeOptions::default();
        options.message_size = 1000;
        let server = builder(engine).options(options).start().expect("it starts");
        let mut client = Client::open(&server);
        client.echoes(&[1; 1000]);
        client.send(frame(0x82, &[1; 1001]));
        let reason = b"\x03\xf1a frame is longer than 1000 bytes";
        assert_eq!(
            client.read_to_end().expect("no reset"),
            unmasked(0x88, reason)
        );
    });
}

#[test]
fn plain_http_request_gets_a_page_with_status_426() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::connect(&server);
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let page = String::from_utf8(client.read_to_end().expect("no reset")).expect("text");
        assert!(
            page.starts_with("HTTP/1.1 426 Upgrade Required\r\n"),
            "{page}"
        );
        assert!(page.contains("\r\nUpgrade: websocket\r\n"), "{page}");
        assert!(page.contains("WebSocket"), "{page}");
    });
}

#[test]
fn last_answer_is_not_lost_to_a_reset() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::open(&server);
        // An unmasked frame is a violation (RFC 6455 §5.1); what follows it is never read by the protocol.
        let mut bytes = unmasked(0x81, b"Hello");
        bytes.resize(50_000, 0);
        client.send(&bytes);
        thread::sleep(Duration::from_millis(50));
        let reason = b"\x03\xeaa frame from a client is not masked";
        assert_eq!(
            client.read_to_end().expect("no reset"),
            unmasked(0x88, reason)
        );
    });
}

#[test]
fn client_beyond_the_maximum_is_closed_until_another_leaves() {
    for_both(|engine| {
        let server = builder(engine)
            .max_connections(2)
            .start()
            .expect("it starts");
        let first = Client::open(&server);
        let mut second = Client::open(&server);
        assert!(Client::connect(&server).is_closed());
        second.echoes(b"still here");
        drop(first);
        let start = Instant::now();
        loop {
            let mut next = Client::connect(&server);
            // The server may close before or after the request arrives.
            let _ = next.stream.write_all(REQUEST.as_bytes());
            if !next.is_closed() {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "no place was freed");
            thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn slow_handshake_is_given_up() {
    for_both(|engine| {
        let mut options = UpgradeOptions::default();
        options.handshake_timeout = Some(Duration::from_millis(200));
        let server = builder(engine).options(options).start().expect("it starts");
        let start = Instant::now();
        let mut client = Client::connect(&server);
        client.send(&REQUEST[..40]);
        let answer = client.read_to_end().expect("no reset");
        assert!(
            answer.starts_with(b"HTTP/1.1 408 "),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(200), "{took:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
    });
}

#[test]
fn silent_client_is_sent_a_ping() {
    for_both(|engine| {
        let mut options = UpgradeOptions::default();
        options.ping_interval = Some(Duration::from_millis(200));
        let server = builder(engine).options(options).start().expect("it starts");
        let mut client = Client::open(&server);
        let start = Instant::now();
        assert_eq!(client.read_exact(2), [0x89, 0]);
        assert!(start.elapsed() >= Duration::from_millis(150));
        client.send(frame(0x8a, b""));
        client.echoes(b"still here");
    });
}

#[test]
fn peer_that_does_not_read_is_not_read_from() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::open(&server);
        client.stream.set_nonblocking(true).expect("it can be");
        let message = frame(0x82, &[7; 65_536]);
        let mut sent = 0_usize;
        let mut refused = 0;
        // The server stops reading when its output waits, so a send of ours blocks once the kernel's buffers are full.
        while refused < 20 {
            match client.stream.write(&message[sent % message.len()..]) {
                Ok(count) => {
                    sent += count;
                    refused = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    refused += 1;
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("{error}"),
            }
            assert!(sent < 64 << 20, "the server takes without end");
        }
        client.stream.set_nonblocking(false).expect("it can be");
        // Nothing was lost.
        let expected = unmasked(0x82, &[7; 65_536]);
        for _ in 0..sent / message.len() {
            assert!(client.read_exact(expected.len()) == expected);
        }
    });
}

#[test]
fn shutdown_says_1001_and_waits_for_the_answer() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut clients: Vec<_> = (0..5).map(|_| Client::open(&server)).collect();
        let _unfinished = Client::connect(&server);
        let address = port(&server);
        let waiting = thread::spawn(move || server.shutdown(PATIENCE));
        for client in &mut clients {
            assert_eq!(client.read_exact(4), close(1001));
        }
        for client in &mut clients {
            client.send(frame(0x88, &1001_u16.to_be_bytes()));
            assert_eq!(client.read_to_end().expect("no reset"), b"");
        }
        drop((clients, _unfinished));
        assert!(
            waiting.join().expect("no panic"),
            "every connection has ended"
        );
        assert!(std::net::TcpStream::connect(address).is_err());
    });
}

#[test]
fn shutdown_gives_up_on_clients_that_do_not_answer() {
    for_both(|engine| {
        let server = builder(engine).start().expect("it starts");
        let mut client = Client::open(&server);
        let start = Instant::now();
        assert!(!server.shutdown(Duration::from_millis(300)));
        assert!(start.elapsed() < Duration::from_secs(3));
        assert_eq!(client.read_exact(4), close(1001));
    });
}

#[test]
fn unix_socket_serves_and_its_file_comes_and_goes() {
    for_both(|engine| {
        let path = std::env::temp_dir().join(format!("sockeye-{}.sock", std::process::id()));
        // What a server that died leaves behind.
        drop(UnixListener::bind(&path).expect("nothing is in the way"));
        let server = Server::builder(engine.clone())
            .listen(Address::Unix(path.clone()))
            .start()
            .expect("a stale socket is replaced");
        let second = Server::builder(engine)
            .listen(Address::Unix(path.clone()))
            .start();
        assert_eq!(
            second.expect_err("it is in use").to_string(),
            format!(
                "cannot listen on unix:{}: another program does already",
                path.display()
            )
        );
        let mut client = Client::new(UnixStream::connect(&path).expect("it listens"));
        client.handshake();
        client.echoes(b"Hello");
        drop(server);
        assert!(!path.exists());
    });
}

#[test]
fn file_that_is_no_socket_is_left_alone() {
    let path = std::env::temp_dir().join(format!("sockeye-{}.txt", std::process::id()));
    fs::write(&path, "precious").expect("it can be written");
    let result = Server::builder(sockeye_host::Engine::native())
        .listen(Address::Unix(path.clone()))
        .start();
    assert!(result.is_err());
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "precious");
    fs::remove_file(&path).expect("it is there");
}

#[test]
fn connections_spread_over_threads() {
    for_both(|engine| {
        let (sender, threads) = mpsc::channel();
        let server = builder(engine)
            .threads(3.try_into().expect("not zero"))
            .on_event(move |event, _| {
                if let Event::Opened(_) = event {
                    let name = thread::current().name().map(str::to_owned);
                    sender.send(name).expect("somebody listens");
                }
            })
            .start()
            .expect("it starts");
        let _clients: Vec<_> = (0..9).map(|_| Client::open(&server)).collect();
        let mut names: Vec<_> = threads.iter().take(9).flatten().collect();
        names.sort();
        let expected: Vec<_> = (0..9)
            .map(|index| format!("sockeye-{}", index / 3))
            .collect();
        assert_eq!(names, expected);
    });
}

#[test]
fn application_answers_and_sends_from_other_threads() {
    for_both(|engine| {
        let (events, seen) = mpsc::channel();
        let server = builder(engine)
            .on_event(move |event, peer| {
                if let Event::Message(message) = &event {
                    peer.send(Message::text(format!("got {} bytes", message.data.len())));
                    peer.send(Message::binary([1, 2, 3]));
                }
                events
                    .send((event, peer.sender()))
                    .expect("somebody listens");
            })
            .start()
            .expect("it starts");
        let mut client = Client::open(&server);
        let (event, sender) = seen.recv().expect("opened");
        assert!(matches!(event, Event::Opened(_)), "{event:?}");
        assert!(sender.send(Message::text("welcome")));
        assert_eq!(client.read_exact(9), unmasked(0x81, b"welcome"));
        client.send(frame(0x81, b"Hello"));
        assert_eq!(client.read_exact(13), unmasked(0x81, b"got 5 bytes"));
        assert_eq!(client.read_exact(5), [0x82, 3, 1, 2, 3]);
        let (event, _) = seen.recv().expect("a message");
        assert!(
            matches!(&event, Event::Message(message) if message.kind == MessageKind::Text && message.data == b"Hello"),
            "{event:?}"
        );
        assert!(sender.close(Some(CloseFrame {
            code: 4000,
            reason: "enough".into(),
        })));
        assert_eq!(client.read_exact(10), unmasked(0x88, b"\x0f\xa0enough"));
        client.send(frame(0x88, &4000_u16.to_be_bytes()));
        assert_eq!(client.read_to_end().expect("no reset"), b"");
        let (event, _) = seen.recv().expect("the end");
        let Event::Closed(closed) = event else {
            panic!("{event:?}")
        };
        assert!(closed.clean);
        assert_eq!(closed.code, 4000);
    });
}

#[test]
fn client_role_opens_sends_and_closes() {
    for_both(|engine| {
        let server = builder(engine.clone()).start().expect("it starts");
        let stream = std::net::TcpStream::connect(port(&server)).expect("it listens");
        let (events, seen) = mpsc::channel();
        let options = DialOptions::new("localhost", "/");
        dial(&engine, stream, &options, move |event, peer| {
            match &event {
                Event::Opened(_) => peer.send(Message::text("Hello")),
                Event::Message(_) => peer.close(Some(CloseFrame {
                    code: 1000,
                    reason: String::new(),
                })),
                _ => {}
            }
            events.send(event).expect("somebody listens");
        })
        .expect("it runs");
        let seen: Vec<_> = seen.iter().collect();
        let [
            Event::Opened(_),
            Event::Message(message),
            Event::Closed(closed),
        ] = &seen[..]
        else {
            panic!("{seen:?}")
        };
        assert_eq!(message.data, b"Hello");
        assert!(closed.clean);
        assert_eq!(closed.code, 1000);
    });
}

#[test]
fn bad_option_is_refused_with_a_sentence() {
    for_both(|engine| {
        let mut options = UpgradeOptions::default();
        options.subprotocols = vec!["not a token".into()];
        let error = builder(engine.clone())
            .options(options)
            .start()
            .expect_err("a subprotocol is a token");
        assert!(error.to_string().contains("subprotocol"), "{error}");
        let server = builder(engine.clone()).start().expect("it starts");
        let stream = std::net::TcpStream::connect(port(&server)).expect("it listens");
        let error = dial(
            &engine,
            stream,
            &DialOptions::new("localhost", "no slash"),
            |_, _| {},
        )
        .expect_err("a target begins with a slash");
        assert!(error.to_string().contains("target"), "{error}");
    });
}
