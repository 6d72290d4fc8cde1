//! Servers that refuse, or break a rule.

use std::time::Duration;

use sockeye_tokio::{DialError, Dialer, HandshakeError, Transport};
use tokio::{
    io::{AsyncWriteExt, duplex},
    time::Instant,
};

use crate::peer::{accept, answer, listen, read_head, serve_each};

/// Dials a server that answers so, and then ends the connection.
async fn dial(response: impl FnOnce(&str) -> String) -> DialError {
    let (client, mut server) = duplex(65_536);
    let serve = async move {
        answer(&mut server, response).await;
        server.shutdown().await.unwrap();
    };
    let dialer = Dialer::new();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    tokio::join!(dial, serve).0.unwrap_err()
}

fn rule(error: &DialError) -> &HandshakeError {
    match error {
        DialError::Handshake { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn row_10_refusal_has_the_response_in_it() {
    let (listener, address) = listen().await;
    let response = "HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 8\r\n\r\nnot here";
    let server = serve_each(listener, vec![response.into()]);
    let error = Dialer::new()
        .dial(&format!("ws://{address}/nowhere"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered with status 404 instead of 101: is the path right?"
    );
    let response = error.response().unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-a"], "b");
    assert_eq!(response.body(), "not here");
    assert_eq!(server.await.unwrap().len(), 1);
}

#[tokio::test]
async fn row_09_first_kibibyte_of_the_body_is_kept() {
    for head in ["", "Content-Length: 5000\r\n"] {
        let body = "x".repeat(5000);
        let error = dial(|_| format!("HTTP/1.1 500 x\r\n{head}\r\n{body}")).await;
        assert_eq!(error.response().unwrap().body(), &"x".repeat(1024));
    }
}

#[tokio::test]
async fn redirect_that_is_not_followed_is_a_refusal() {
    let error =
        dial(|_| "HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n".into()).await;
    assert_eq!(
        error.to_string(),
        "the server answered with status 302 instead of 101: it redirects, and following redirects was not asked for"
    );
    assert_eq!(error.response().unwrap().headers()["location"], "/b");
}

#[tokio::test]
async fn row_10_each_broken_rule_has_its_variant() {
    use HandshakeError as E;
    for (from, to, expected) in [
        ("HTTP/1.1", "HTTP/1.0", E::HttpVersion),
        ("HTTP/1.1", "SSH-2.0-", E::NotHttp),
        ("Upgrade: websocket", "Upgrade: h2c", E::UpgradeMissing),
        (
            "Connection: Upgrade",
            "Connection: close",
            E::ConnectionMissing,
        ),
        ("Sec-WebSocket-Accept", "X-Accept", E::AcceptMissing),
        (
            "Sec-WebSocket-Accept: ",
            "Sec-WebSocket-Accept: x",
            E::AcceptMismatch,
        ),
        (
            "Upgrade: websocket",
            "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate",
            E::ExtensionUnexpected,
        ),
        ("\r\n\r\n", "\r\n", E::UnexpectedEnd),
    ] {
        let error = dial(|request| {
            let response = accept(request, &[]);
            assert!(response.contains(from), "{response}");
            response.replacen(from, to, 1)
        })
        .await;
        assert_eq!(*rule(&error), expected);
        let has_head = !matches!(expected, E::NotHttp | E::UnexpectedEnd);
        assert_eq!(
            error.response().map(|response| response.status().as_u16()),
            has_head.then_some(101)
        );
    }
}

#[tokio::test]
async fn endless_head_is_cut_off() {
    let error = dial(|_| format!("HTTP/1.1 101 x\r\nA: {}", "x".repeat(20_000))).await;
    assert_eq!(
        *rule(&error),
        HandshakeError::HeadTooLarge { limit: 16_384 }
    );
}

#[tokio::test(start_paused = true)]
async fn body_that_never_ends_is_not_waited_for() {
    let (client, mut server) = duplex(4096);
    let serve = answer(&mut server, |_| "HTTP/1.1 403 x\r\n\r\nno entry".into());
    let dialer = Dialer::new();
    let start = Instant::now();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, _) = tokio::join!(dial, serve);
    let error = outcome.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!(error.response().unwrap().status(), 403);
    assert_eq!(error.response().unwrap().body(), "no entry");
}

#[tokio::test]
async fn server_that_only_closes_is_told_from_one_that_answers() {
    let (client, mut server) = duplex(4096);
    let serve = async move {
        read_head(&mut server).await;
    };
    let dialer = Dialer::new();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let error = tokio::join!(dial, serve).0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection ended during the handshake"
    );
    assert!(error.response().is_none());
}
