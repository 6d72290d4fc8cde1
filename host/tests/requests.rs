//! What an application can do about requests, and about peers that are slower or faster than it.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use common::{Client, PATIENCE, REQUEST, builder, engines, eventually, frame, unmasked};
use sockeye_host::{CloseFrame, Engine, Event, Initiator, Message, Page, Sender, UpgradeOptions};

fn for_both(test: impl Fn(Engine)) {
    for engine in engines() {
        test(engine);
    }
}

fn asking() -> UpgradeOptions {
    let mut options = UpgradeOptions::default();
    options.ask = true;
    options.subprotocols = vec!["b".into(), "a".into()];
    options
}

#[test]
fn request_is_reported_and_let_in() {
    for_both(|engine| {
        let (sender, events) = mpsc::channel();
        let options = asking();
        let chooser = options.clone();
        let server = builder(engine)
            .options(options)
            .on_event(move |event, peer| {
                if let Event::Request(request) = &event {
                    let subprotocol = chooser.choose_subprotocol(request);
                    peer.admit(subprotocol, vec![("X-Seat".into(), "12".into())]);
                }
                let _ = sender.send((event, peer.address()));
            })
            .start()
            .expect("it starts");
        let mut client = Client::connect(&server);
        let fields =
            "Sec-WebSocket-Protocol: a, b\r\nOrigin: http://localhost\r\nX-Name: caf\u{e9}";
        let mut bytes = REQUEST
            .replace("\r\n\r\n", &format!("\r\n{fields}\r\n\r\n"))
            .into_bytes();
        // Messages behind the request wait for the answer to it.
        bytes.extend(frame(0x81, b"early"));
        client.send(bytes);
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("\r\nX-Seat: 12\r\n"), "{head}");
        assert!(head.contains("\r\nSec-WebSocket-Protocol: b\r\n"), "{head}");
        let (event, address) = events.recv_timeout(PATIENCE).expect("a request");
        assert_eq!(address, client.stream.local_addr().ok());
        let Event::Request(request) = event else {
            panic!("{event:?}");
        };
        assert_eq!(request.target, "/chat");
        assert_eq!(request.subprotocols, ["a", "b"]);
        assert_eq!(request.origin.as_deref(), Some("http://localhost"));
        assert_eq!(request.headers[0], ("host".into(), "localhost".into()));
        assert_eq!(
            request.headers.last(),
            Some(&("x-name".into(), "caf\u{e9}".into()))
        );
        let (event, _) = events.recv_timeout(PATIENCE).expect("it is open");
        assert!(matches!(event, Event::Opened(_)), "{event:?}");
        let (event, _) = events.recv_timeout(PATIENCE).expect("a message");
        assert!(
            matches!(&event, Event::Message(message) if message.data == b"early"),
            "{event:?}"
        );
    });
}

#[test]
fn request_is_refused_with_a_status_and_a_reason() {
    for_both(|engine| {
        let (sender, events) = mpsc::channel();
        let server = builder(engine)
            .options(asking())
            .on_event(move |event, peer| match event {
                Event::Request(_) => peer.refuse(503, "Full.\n"),
                event => sender.send(event).expect("the test listens"),
            })
            .start()
            .expect("it starts");
        let mut client = Client::connect(&server);
        client.send(REQUEST);
        let head = client.head();
        assert!(
            head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
            "{head}"
        );
        assert_eq!(client.read_to_end().expect("no reset"), b"Full.\n");
        let event = events.recv_timeout(PATIENCE).expect("an end");
        assert!(matches!(event, Event::Closed(_)), "{event:?}");
    });
}

#[test]
fn answers_that_cannot_be_sent_become_status_500() {
    for_both(|engine| {
        let server = builder(engine)
            .options(asking())
            .on_event(|event, peer| {
                if let Event::Request(request) = event {
                    match &*request.target {
                        "/1" => peer.admit(Some("not offered"), Vec::new()),
                        "/2" => peer.admit(None, vec![("bad name".into(), "x".into())]),
                        _ => peer.refuse(200, "fine"),
                    }
                }
            })
            .start()
            .expect("it starts");
        for target in ["/1", "/2", "/3"] {
            let mut client = Client::connect(&server);
            client.send(REQUEST.replace("/chat", target));
            let head = client.head();
            assert!(head.starts_with("HTTP/1.1 500 "), "{target}: {head}");
            assert_eq!(
                client.read_to_end().expect("no reset"),
                b"The application behind this server made a mistake.\n"
            );
        }
    });
}

#[test]
fn connection_that_the_server_gives_up_is_reported_as_closed() {
    for_both(|engine| {
        let (sender, events) = mpsc::channel();
        let server = builder(engine)
            .on_event(move |event, _| sender.send(event).expect("the test listens"))
            .start()
            .expect("it starts");
        let _client = Client::open(&server);
        let event = events.recv_timeout(PATIENCE).expect("it is open");
        assert!(matches!(event, Event::Opened(_)), "{event:?}");
        drop(server);
        let Ok(Event::Closed(closed)) = events.recv_timeout(PATIENCE) else {
            panic!("no end is reported");
        };
        assert_eq!((closed.code, closed.initiator), (1006, Initiator::Local));
        assert!(events.recv().is_err(), "more than one end is reported");
    });
}

#[test]
fn paused_peer_is_not_read_from_until_resumed() {
    for_both(|engine| {
        let (sender, senders) = mpsc::channel::<Sender>();
        let heard = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&heard);
        let server = builder(engine)
            .on_event(move |event, peer| match event {
                Event::Opened(_) => {
                    peer.sender().pause();
                    sender.send(peer.sender()).expect("the test listens");
                }
                Event::Message(message) => {
                    count.fetch_add(message.data.len(), Ordering::Relaxed);
                }
                _ => {}
            })
            .start()
            .expect("it starts");
        let mut client = Client::open(&server);
        let peer = senders.recv_timeout(PATIENCE).expect("it is open");
        client.stream.set_nonblocking(true).expect("it can be");
        let message = frame(0x82, &[7; 65_536]);
        let (mut sent, mut refused) = (0, 0);
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
        assert_eq!(heard.load(Ordering::Relaxed), 0);
        peer.resume();
        let whole = sent / message.len() * 65_536;
        eventually("everything is heard", || {
            heard.load(Ordering::Relaxed) == whole
        });
    });
}

#[test]
fn peer_that_is_given_up_gets_the_close_frame_and_nothing_that_waited() {
    for_both(|engine| {
        let server = builder(engine)
            .on_event(|event, peer| {
                if let Event::Message(_) = event {
                    let sender = peer.sender();
                    assert!(sender.send(Message::text("waits")));
                    assert!(sender.waiting() >= 5);
                    assert!(sender.abandon(Some(CloseFrame {
                        code: 1008,
                        reason: "slow".into(),
                    })));
                    assert_eq!(sender.waiting(), 0);
                    assert!(!sender.send(Message::text("too late")));
                }
            })
            .start()
            .expect("it starts");
        let mut client = Client::open(&server);
        client.says("go");
        assert_eq!(client.frame(), (0x88, b"\x03\xf0slow".to_vec()));
    });
}

#[test]
fn peer_that_is_given_up_and_does_not_read_is_dropped() {
    for_both(|engine| {
        let (sender, events) = mpsc::channel();
        let mut options = UpgradeOptions::default();
        options.ping_interval = None;
        let server = builder(engine)
            .options(options)
            .on_event(move |event, peer| {
                let _ = sender.send((event, peer.sender()));
            })
            .start()
            .expect("it starts");
        let _client = Client::open(&server);
        let (_, peer) = events.recv_timeout(PATIENCE).expect("it is open");
        let start = Instant::now();
        // Until the kernel's buffers are full, and the server's.
        while peer.waiting() < 8 << 20 {
            assert!(peer.send(Message::binary(vec![0; 65_536])));
            assert!(start.elapsed() < PATIENCE, "somebody reads");
        }
        assert!(peer.abandon(None));
        let (event, _) = events.recv_timeout(PATIENCE).expect("an end");
        let Event::Closed(closed) = event else {
            panic!("{event:?}");
        };
        assert_eq!((closed.code, closed.clean), (1006, false));
    });
}

#[test]
fn drained_waits_until_the_connection_has_taken_everything() {
    for_both(|engine| {
        let place = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&place);
        let server = builder(engine)
            .on_event(move |event, peer| {
                if let Event::Opened(_) = event {
                    *keep.lock().expect("no panic") = Some(peer.sender());
                }
            })
            .start()
            .expect("it starts");
        let mut client = Client::open(&server);
        eventually("it is open", || place.lock().expect("no panic").is_some());
        let peer = place.lock().expect("no panic").take().expect("it is open");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let reader = thread::spawn(move || {
            for _ in 0..1000 {
                assert_eq!(client.read_exact(7), unmasked(0x81, b"Hello"));
            }
            client
        });
        for _ in 0..1000 {
            assert!(peer.send(Message::text("Hello")));
            runtime.block_on(peer.drained());
            assert_eq!(peer.waiting(), 0);
        }
        let client = reader.join().expect("all came");
        // Nor does it wait for a connection that is gone.
        drop(client);
        eventually("it is gone", || !peer.send(Message::text("Hello")));
        runtime.block_on(peer.drained());
    });
}

#[test]
fn pages_are_served_beside_an_echo() {
    for_both(|engine| {
        let server = builder(engine)
            .pages(|path| (path == "/").then(|| Page::new("text/plain", b"Hello".as_slice())))
            .start()
            .expect("it starts");
        let mut client = Client::connect(&server);
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(client.read_to_end().expect("no reset"), b"Hello");
        Client::open(&server).echoes(b"Hello");
    });
}
