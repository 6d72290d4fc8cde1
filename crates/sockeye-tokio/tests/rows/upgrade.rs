//! Rows 1 to 8: the opening handshake on a raw stream.

use std::time::Duration;

use sockeye_tokio::{
    ExtraHeaders, HandshakeError, InvalidOption, Message, OriginPolicy, PerMessageDeflate, Role,
    Transport, UpgradeError, Upgrader,
};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    time::{Instant, timeout},
};

use crate::common::*;

const REQUEST: &str = "GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A request with these further fields.
fn request(fields: &str) -> Vec<u8> {
    format!("{REQUEST}{fields}\r\n").into_bytes()
}

async fn response(peer: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await.expect("a response comes"));
    }
    String::from_utf8(head).unwrap()
}

/// Everything until the server ends the stream.
async fn answer(peer: &mut DuplexStream) -> String {
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    text
}

fn streams() -> (Transport, DuplexStream) {
    let (near, far) = duplex(1 << 16);
    (Transport::new(near), far)
}

#[tokio::test]
async fn row_1_upgrade_from_a_raw_stream_and_what_lies_behind_the_request() {
    let (near, mut peer) = streams();
    let mut bytes = request("");
    bytes.extend(masked(0x81, b"early"));
    write(&mut peer, &bytes).await;
    let mut conn = Upgrader::new().accept(near).await.unwrap();
    let response = response(&mut peer).await;
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    assert!(
        response.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{response}"
    );
    assert!(
        !response.contains("Sec-WebSocket-Protocol")
            && !response.contains("Sec-WebSocket-Extensions")
    );
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("early")));
    assert_eq!((conn.subprotocol(), conn.agreement()), (None, None));
    conn.send("hello").await.unwrap();
    assert_eq!(next_frame(&mut peer).await, (0x81, b"hello".to_vec()));
}

#[tokio::test]
async fn row_1_request_is_seen_before_it_is_answered() {
    let (near, mut peer) = streams();
    write(
        &mut peer,
        &request("Sec-WebSocket-Protocol: a, b\r\nX-Token: secret\r\n"),
    )
    .await;
    let incoming = Upgrader::new().receive(near).await.unwrap();
    assert_eq!(incoming.request().target(), "/chat?room=1");
    let mut headers = ExtraHeaders::default();
    headers.push("Set-Cookie", "a=1").unwrap();
    let conn = incoming.accept_with(Some("b"), &headers).await.unwrap();
    assert_eq!(conn.subprotocol(), Some("b"));
    let response = response(&mut peer).await;
    assert!(
        response.contains("Sec-WebSocket-Protocol: b\r\n"),
        "{response}"
    );
    assert!(response.contains("Set-Cookie: a=1\r\n"), "{response}");
}

#[tokio::test]
async fn row_1_bad_requests_are_told_why() {
    let get = REQUEST;
    for (request, status) in [
        (get.replace("Version: 13", "Version: 8"), 426),
        (get.replace("GET", "POST"), 405),
        (get.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (get.replace("Connection: Upgrade", "Connection: close"), 400),
        (get.replace("HTTP/1.1", "HTTP/1.0"), 505),
        (String::from("not HTTP at all\r\n"), 400),
    ] {
        let (near, mut peer) = streams();
        write(&mut peer, format!("{request}\r\n").as_bytes()).await;
        let error = Upgrader::new().accept(near).await.unwrap_err();
        let answer = answer(&mut peer).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(error.status(), Some(status));
        assert!(matches!(error, UpgradeError::Handshake(_)));
        if status == 426 {
            assert!(answer.contains("Sec-WebSocket-Version: 13\r\n"), "{answer}");
        }
        // Never a silent close.
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(!body.is_empty(), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_2_handshake_timeout_bounds_reading() {
    for drip in [0, 1] {
        let (near, mut peer) = streams();
        let start = Instant::now();
        let accepting = tokio::spawn(async move {
            let accepted = Upgrader::new().accept(near).await;
            (accepted.map(drop), start.elapsed().as_secs())
        });
        for byte in request("X-Drip: ") {
            if drip == 0 || accepting.is_finished() {
                break;
            }
            write(&mut peer, &[byte]).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let (accepted, seconds) = accepting.await.unwrap();
        assert!(matches!(
            accepted,
            Err(UpgradeError::Handshake(HandshakeError::Timeout))
        ));
        assert_eq!(seconds, 10);
        let answer = answer(&mut peer).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_2_handshake_timeout_bounds_writing() {
    let (near, mut far) = wire(400, FAIR);
    let mut upgrader = Upgrader::new().handshake_timeout(Some(Duration::from_secs(3)));
    upgrader = upgrader.header("X-Long", "x".repeat(1_000)).unwrap();
    far.put(&request(""));
    let start = Instant::now();
    let accepted = timeout(
        Duration::from_secs(60),
        upgrader.accept(Transport::new(near)),
    )
    .await;
    let error = accepted.expect("it gives up").unwrap_err();
    assert!(matches!(
        error,
        UpgradeError::Handshake(HandshakeError::Timeout)
    ));
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn row_2_head_that_does_not_end_is_refused() {
    let (near, mut peer) = duplex(1 << 20);
    let mut bytes = request("");
    bytes.truncate(bytes.len() - 2);
    bytes.extend(b"X-Flood: x\r\n".repeat(64 << 10));
    write(&mut peer, &bytes).await;
    let error = Upgrader::new()
        .accept(Transport::new(near))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(431));
    let answer = response(&mut peer).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn row_2_stream_that_ends_or_breaks_is_an_error() {
    let (near, mut peer) = streams();
    write(&mut peer, &request("")[..50]).await;
    drop(peer);
    let error = Upgrader::new().accept(near).await.unwrap_err();
    assert!(matches!(
        error,
        UpgradeError::Handshake(HandshakeError::UnexpectedEnd)
    ));
    let (near, _far) = wire(100, FAIR);
    near.remote().reset();
    let error = Upgrader::new()
        .accept(Transport::new(near))
        .await
        .unwrap_err();
    assert!(matches!(error, UpgradeError::Io(_)));
    assert_eq!(error.status(), None);
}

#[tokio::test]
async fn row_4_first_subprotocol_of_the_server_that_the_client_offers() {
    for (offer, chosen) in [
        ("Sec-WebSocket-Protocol: c, b\r\n", Some("b")),
        (
            "Sec-WebSocket-Protocol: c\r\nSec-WebSocket-Protocol: a,b\r\n",
            Some("a"),
        ),
        ("Sec-WebSocket-Protocol: d\r\n", None),
        ("", None),
    ] {
        let (near, mut peer) = streams();
        write(&mut peer, &request(offer)).await;
        let upgrader = Upgrader::new().subprotocols(["a", "b"]).unwrap();
        let conn = upgrader.accept(near).await.unwrap();
        assert_eq!(conn.subprotocol(), chosen);
        let response = response(&mut peer).await;
        assert_eq!(
            response.contains("Sec-WebSocket-Protocol"),
            chosen.is_some()
        );
    }
}

#[tokio::test]
async fn row_5_caller_shapes_the_refusal() {
    let (near, mut peer) = streams();
    write(&mut peer, &request("")).await;
    let incoming = Upgrader::new().receive(near).await.unwrap();
    let mut headers = ExtraHeaders::default();
    headers.push("Retry-After", "30").unwrap();
    incoming.refuse(503, &headers, "later").unwrap();
    let answer = answer(&mut peer).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("Retry-After: 30\r\n") && answer.ends_with("\r\n\r\nlater"),
        "{answer}"
    );

    let (near, mut peer) = streams();
    write(&mut peer, &request("")).await;
    let incoming = Upgrader::new().receive(near).await.unwrap();
    let refused = incoming.refuse(101, &ExtraHeaders::default(), "");
    assert!(matches!(refused, Err(InvalidOption::Status)), "{refused:?}");
}

#[tokio::test]
async fn row_6_origins_are_of_the_same_host_unless_others_are_allowed() {
    let patterns = || OriginPolicy::allow(["https://*.example.org"]).unwrap();
    for (policy, origin, is_let_in) in [
        (None, "", true),
        (None, "Origin: http://example.com\r\n", true),
        (None, "Origin: http://EXAMPLE.com\r\n", true),
        (None, "Origin: http://example.com.evil.test\r\n", false),
        (None, "Origin: http://example.com:8080\r\n", false),
        (None, "Origin: null\r\n", false),
        (Some(patterns()), "Origin: https://a.example.org\r\n", true),
        (Some(patterns()), "Origin: https://evil.test\r\n", false),
        (
            Some(OriginPolicy::Any),
            "Origin: https://evil.test\r\n",
            true,
        ),
    ] {
        let (near, mut peer) = streams();
        write(&mut peer, &request(origin)).await;
        let mut upgrader = Upgrader::new();
        if let Some(policy) = policy {
            upgrader = upgrader.origins(policy);
        }
        let accepted = upgrader.accept(near).await;
        assert_eq!(accepted.is_ok(), is_let_in, "{origin}");
        if let Err(error) = accepted {
            assert_eq!(error.status(), Some(403));
            let answer = answer(&mut peer).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn row_7_compression_is_agreed_on_and_used() {
    let (near, mut peer) = streams();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\"; server_no_context_takeover\r\n";
    write(&mut peer, &request(offer)).await;
    let upgrader = Upgrader::new().deflate(PerMessageDeflate::new(Role::Server));
    let mut conn = upgrader.accept(near).await.unwrap();
    let agreed = conn.agreement().unwrap().deflate.unwrap();
    assert_eq!(agreed.server_max_window_bits.get(), 10);
    assert!(agreed.server_no_context_takeover);
    let response = response(&mut peer).await;
    assert!(
        response.contains("Sec-WebSocket-Extensions: permessage-deflate"),
        "{response}"
    );
    conn.send("aaaa".repeat(1_000)).await.unwrap();
    let (first, payload) = next_frame(&mut peer).await;
    assert!(first == 0xC1 && payload.len() < 100, "{first:#x}");
    // RFC 7692 §7.2.3.1.
    write(
        &mut peer,
        &masked(0xC1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
    )
    .await;
    assert_eq!(conn.next().await.unwrap(), Some(Message::text("Hello")));
    // Not offered, not used.
    let (near, mut peer) = streams();
    write(&mut peer, &request("")).await;
    let conn = upgrader.accept(near).await.unwrap();
    assert_eq!(conn.agreement(), None);
}

#[tokio::test]
async fn row_8_fields_of_the_response_are_the_callers_but_for_those_of_the_handshake() {
    let upgrader = Upgrader::new().header("Set-Cookie", "a=1").unwrap();
    let upgrader = upgrader.header("Set-Cookie", "b=2").unwrap();
    let (near, mut peer) = streams();
    write(&mut peer, &request("")).await;
    upgrader.accept(near).await.unwrap();
    let response = response(&mut peer).await;
    assert!(
        response.contains("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
        "{response}"
    );
    for (name, value) in [
        ("Sec-WebSocket-Accept", "x"),
        ("Connection", "close"),
        ("Upgrade", "h2c"),
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X A", "a"),
    ] {
        assert!(
            Upgrader::new().header(name, value).is_err(),
            "{name}: {value}"
        );
    }
}
