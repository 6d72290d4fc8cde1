//! Dials that take too long, in virtual time and over streams in memory.

use std::{future::pending, time::Duration};

use sockeye_tokio::{DialError, Dialer, Phase, ProxyPolicy, Transport};
use tokio::{
    io::{AsyncReadExt, duplex},
    time::{Instant, sleep},
};

use crate::peer::unproxied;

/// Which phase was too long, and how long the dial took.
async fn dial(dialer: Dialer, url: &str) -> (Phase, String, Duration) {
    let start = Instant::now();
    let error = dialer.dial(url).await.unwrap_err();
    assert!(error.is_timeout());
    let text = error.to_string();
    match error {
        DialError::Timeout { phase, .. } => (phase, text, start.elapsed()),
        other => panic!("{other:?}"),
    }
}

/// Streams whose other end says nothing, after so many seconds each.
fn silent(dialer: Dialer, delay: u64) -> Dialer {
    dialer.connector(move |_: String, _: u16| async move {
        sleep(Duration::from_secs(delay)).await;
        let (client, server) = duplex(4096);
        tokio::spawn(async move {
            let mut server = server;
            let mut buffer = Vec::new();
            // Ends with the client.
            let _ = server.read_to_end(&mut buffer).await;
        });
        Ok(Transport::new(client))
    })
}

#[tokio::test(start_paused = true)]
async fn row_14_default_is_45_seconds_for_the_whole_dial() {
    assert_eq!(
        dial(silent(unproxied(), 30), "ws://a.test/").await,
        (
            Phase::Handshake,
            "no connection to a.test:80 within 45s: the server has not answered the opening handshake".into(),
            Duration::from_secs(45)
        )
    );
}

#[tokio::test(start_paused = true)]
async fn row_14_each_phase_has_its_error() {
    let limit = Duration::from_secs(5);
    let dialer = || unproxied().handshake_timeout(limit);
    let never = dialer().connector(|_: String, _: u16| pending());
    assert_eq!(
        dial(never, "ws://a.test:81/").await,
        (
            Phase::Connect,
            "no connection to a.test:81 within 5s: nothing has answered: does a firewall drop the packets?".into(),
            limit
        )
    );
    assert_eq!(
        dial(silent(dialer(), 1), "wss://a.test/").await,
        (
            Phase::Tls,
            "no connection to a.test:443 within 5s: the TLS handshake was under way".into(),
            limit
        )
    );
    for proxy in ["http://p.test:3128", "socks5h://p.test"] {
        let policy = ProxyPolicy::url(proxy).unwrap();
        let (phase, text, passed) = dial(silent(dialer(), 1).proxy(policy), "ws://a.test/").await;
        assert_eq!((phase, passed), (Phase::Proxy, limit));
        assert!(
            text.starts_with("no connection to a.test:80 through ")
                && text.ends_with(" within 5s: the proxy has not answered"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn proxy_that_does_not_let_us_connect_is_named() {
    let dialer = Dialer::new()
        .proxy(ProxyPolicy::url("http://u:secret@p.test:3128").unwrap())
        .connector(|_: String, _: u16| pending());
    let error = dialer.dial("ws://a.test/").await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "the proxy http://p.test:3128 is not reachable: no connection to p.test:3128 within 45s: \
        nothing has answered: does a firewall drop the packets?"
    );
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_dial_waits_on() {
    let dialer = silent(unproxied().handshake_timeout(None), 0);
    let hour = Duration::from_secs(3600);
    let outcome = tokio::time::timeout(hour, dialer.dial("ws://a.test/")).await;
    assert!(outcome.is_err());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_dial_ends_its_stream() {
    let (client, mut server) = duplex(4096);
    let dialer = Dialer::new();
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let outcome = tokio::time::timeout(Duration::from_secs(1), dial).await;
    assert!(outcome.is_err());
    let mut request = Vec::new();
    server.read_to_end(&mut request).await.unwrap();
    assert!(request.starts_with(b"GET / HTTP/1.1\r\nHost: a\r\n"));
}
