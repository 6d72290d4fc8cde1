//! `sockeye serve chat`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "tests need std anyway"
)]

mod common;

use std::net::SocketAddr;

use common::{Client, binary::Sockeye, frame, unmasked};

fn for_both(test: impl Fn(SocketAddr)) {
    for engine in ["native", "component"] {
        let mut sockeye = Sockeye::serve(&["chat", "--engine", engine, "--threads", "2"]);
        test(sockeye.address());
    }
}

/// What a plain request gets: head and body.
fn fetch(address: SocketAddr, request: &str) -> (String, String) {
    let mut client = Client::connect_to(address);
    client.send(request);
    let head = client.head();
    let body = client.read_to_end().expect("no reset");
    (head, String::from_utf8(body).expect("text"))
}

#[test]
fn everybody_in_a_room_hears_what_is_said_there() {
    for_both(|address| {
        let mut tea: Vec<_> = (0..3)
            .map(|_| Client::open_at(address, "/room/tea"))
            .collect();
        let mut coffee = Client::open_at(address, "/room/coffee");
        let mut lobby = [
            Client::open_at(address, "/"),
            Client::open_at(address, "/ws?name=ada"),
        ];
        tea[0].says("Ada: is it ready?");
        coffee.says("Bob: hello");
        lobby[1].send(frame(0x82, &[0, 1, 2]));
        for client in &mut tea {
            assert_eq!(client.text(), "Ada: is it ready?");
        }
        assert_eq!(coffee.text(), "Bob: hello");
        for client in &mut lobby {
            assert_eq!(client.frame(), (0x82, vec![0, 1, 2]));
        }
        // What was said elsewhere would have come before.
        tea[2].says("Cem: yes");
        for client in &mut tea {
            assert_eq!(client.text(), "Cem: yes");
        }
        coffee.says("Bob: anybody?");
        assert_eq!(coffee.text(), "Bob: anybody?");
    });
}

#[test]
fn room_goes_on_without_those_who_leave() {
    for_both(|address| {
        let mut stays = Client::open_at(address, "/room/tea");
        let mut leaves = Client::open_at(address, "/room/tea");
        leaves.send(frame(0x88, &1000_u16.to_be_bytes()));
        assert_eq!(leaves.read_to_end().expect("no reset"), common::close(1000));
        stays.says("alone");
        assert_eq!(stays.text(), "alone");
    });
}

#[test]
fn path_that_is_no_room_is_refused_with_404() {
    for_both(|address| {
        let mut client = Client::connect_to(address);
        client.send(common::REQUEST);
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
        assert_eq!(
            client.read_to_end().expect("no reset"),
            b"There is no such room: connect to / or /room/NAME.\n"
        );
    });
}

#[test]
fn subprotocol_is_agreed_to_as_in_an_echo() {
    for engine in ["native", "component"] {
        let mut sockeye = Sockeye::serve(&[
            "--subprotocol",
            "v2",
            "chat",
            "--subprotocol",
            "v1",
            "--engine",
            engine,
        ]);
        let mut client = Client::connect_to(sockeye.address());
        let request = common::REQUEST.replace("/chat", "/");
        client.send(request.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: v1, v2\r\n\r\n"));
        let head = client.head();
        assert!(
            head.contains("\r\nSec-WebSocket-Protocol: v2\r\n"),
            "{head}"
        );
    }
}

#[test]
fn page_is_served_on_the_port_of_the_rooms() {
    for_both(|address| {
        for (path, content_type, beginning) in [
            ("/", "text/html", "<!doctype html>\n"),
            ("/room/tea?x=1", "text/html", "<!doctype html>\n"),
            ("/chat.js", "text/javascript", "// "),
            ("/chat.css", "text/css", ":root {\n"),
        ] {
            let request = format!("{path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
            let (head, body) = fetch(address, &format!("GET {request}"));
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
            for field in [
                format!("\r\nContent-Type: {content_type}; charset=utf-8\r\n"),
                format!("\r\nContent-Length: {}\r\n", body.len()),
                "\r\nConnection: close\r\n".into(),
                "\r\nContent-Security-Policy: default-src 'none'; connect-src 'self'; ".into(),
            ] {
                assert!(head.contains(&field), "{path}: {field}: {head}");
            }
            assert!(body.starts_with(beginning), "{path}: {body}");
            assert_eq!(
                fetch(address, &format!("HEAD {request}")),
                (head, String::new())
            );
        }
        let (head, body) = fetch(
            address,
            "GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n",
        );
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
        assert_eq!(body, "There is no such page.\n");
        // The protocol refuses the rest, and takes handshakes that come in pieces.
        let (head, _) = fetch(address, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
        let mut client = Client::connect_to(address);
        let mut bytes = common::REQUEST.replace("/chat", "/").into_bytes();
        bytes.extend(frame(0x81, b"Hello"));
        for byte in bytes {
            client.send([byte]);
        }
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(client.read_exact(7), unmasked(0x81, b"Hello"));
    });
}

#[test]
fn request_for_a_page_that_does_not_end_is_given_up() {
    for engine in ["native", "component"] {
        let mut sockeye =
            Sockeye::serve(&["chat", "--engine", engine, "--handshake-timeout", "200ms"]);
        let address = sockeye.address();
        let (head, _) = fetch(address, "GET / HTTP/1.1\r\nHost: local");
        assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
        let (head, _) = fetch(
            address,
            &format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(17_000)),
        );
        assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    }
}

#[test]
fn member_who_does_not_read_is_closed_and_the_others_go_on() {
    for_both(|address| {
        let mut slow = Client::open_at(address, "/");
        let mut speaker = Client::open_at(address, "/");
        let message = vec![7; 65_536];
        let masked = frame(0x82, &message);
        let sent = 1024;
        for _ in 0..sent {
            speaker.send(&masked);
            assert!(speaker.frame() == (0x82, message.clone()));
        }
        let mut heard = 0;
        let (first, payload) = loop {
            match slow.frame() {
                (0x82, payload) => assert!(payload == message),
                close => break close,
            }
            heard += 1;
        };
        assert_eq!(
            (first, &payload[..]),
            (0x88, &b"\x03\xf0too slow to read what the room says"[..])
        );
        // The memory of the server held no more than a part of it.
        assert!(heard < sent / 2, "{heard} of {sent}");
        speaker.says("still here");
        assert_eq!(speaker.text(), "still here");
    });
}
