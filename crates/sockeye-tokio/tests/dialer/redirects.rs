//! Redirects, which are followed only when asked for.

use std::net::SocketAddr;

use sockeye_tokio::{DialError, Dialer, RedirectError, Transport};
use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
};

use crate::peer::{answer, header, listen, serve_each, unproxied};

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// The reason why a redirect was not followed.
fn reason(error: DialError) -> RedirectError {
    assert!(error.response().is_some());
    match error {
        DialError::Redirect { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// Two servers, of which the first redirects to the second.
async fn across(dialer: Dialer) -> (Vec<String>, Vec<String>) {
    let (first, first_address) = listen().await;
    let (second, second_address) = listen().await;
    let location = format!("ws://x:y@{second_address}/b");
    let first = serve_each(first, vec![redirect(307, &location)]);
    let second = serve_each(second, vec!["accept".into()]);
    let url = format!("ws://user:password@{first_address}/a");
    assert!(dialer.dial(&url).await.is_ok());
    (first.await.unwrap(), second.await.unwrap())
}

#[tokio::test]
async fn row_09_each_status_that_redirects_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (listener, address) = listen().await;
        let location = format!("http://{address}/b");
        let server = serve_each(listener, vec![redirect(status, &location), "accept".into()]);
        let dialer = Dialer::new().follow_redirects(1);
        assert!(dialer.dial(&format!("ws://{address}/a")).await.is_ok());
        assert!(server.await.unwrap()[1].starts_with("GET /b HTTP/1.1\r\n"));
    }
    let (listener, address) = listen().await;
    let server = serve_each(listener, vec![redirect(304, "/b")]);
    let dialer = Dialer::new().follow_redirects(1);
    let error = dialer.dial(&format!("ws://{address}/")).await.unwrap_err();
    assert!(matches!(error, DialError::Handshake { .. }));
    assert_eq!(server.await.unwrap().len(), 1);
}

#[tokio::test]
async fn row_09_credentials_stay_with_their_origin() {
    let dialer = Dialer::new()
        .follow_redirects(5)
        .header("Cookie", "a=1")
        .unwrap()
        .header("Host", "other.example")
        .unwrap()
        .header("X-A", "b")
        .unwrap()
        .subprotocols(["chat"])
        .unwrap();
    let (first, second) = across(dialer).await;
    assert_eq!(
        header(&first[0], "Authorization"),
        Some("Basic dXNlcjpwYXNzd29yZA==")
    );
    assert_eq!(header(&first[0], "Cookie"), Some("a=1"));
    assert_eq!(header(&first[0], "Host"), Some("other.example"));
    assert_eq!(header(&second[0], "Authorization"), None);
    assert_eq!(header(&second[0], "Cookie"), None);
    assert_ne!(header(&second[0], "Host"), Some("other.example"));
    assert_eq!(header(&second[0], "X-A"), Some("b"));
    assert_eq!(header(&second[0], "Sec-WebSocket-Protocol"), Some("chat"));
    assert_ne!(
        header(&first[0], "Sec-WebSocket-Key"),
        header(&second[0], "Sec-WebSocket-Key")
    );
}

#[tokio::test]
async fn credentials_go_on_within_their_origin() {
    let (listener, address) = listen().await;
    let server = serve_each(listener, vec![redirect(302, "b?c=d#e"), "accept".into()]);
    let dialer = Dialer::new().follow_redirects(1);
    let url = format!("ws://user:password@{address}/x/a");
    assert!(dialer.dial(&url).await.is_ok());
    let requests = server.await.unwrap();
    assert!(requests[1].starts_with("GET /x/b?c=d HTTP/1.1\r\n"));
    assert_eq!(
        header(&requests[1], "Authorization"),
        Some("Basic dXNlcjpwYXNzd29yZA==")
    );
}

#[tokio::test]
async fn redirects_have_an_end() {
    let (listener, address) = listen().await;
    let server = serve_each(listener, vec![redirect(302, "/"); 3]);
    let dialer = Dialer::new().follow_redirects(2);
    let error = dialer.dial(&format!("ws://{address}/")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server redirected more than 2 times: does it redirect in a circle?"
    );
    assert_eq!(reason(error), RedirectError::TooMany { limit: 2 });
    assert_eq!(server.await.unwrap().len(), 3);
}

#[tokio::test]
async fn each_redirect_that_leads_nowhere_has_its_error() {
    for (response, text) in [
        (
            "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n".into(),
            "the server redirects, but its response has no Location header",
        ),
        (
            redirect(302, "mailto:a@b"),
            "the server redirects to a URL with the scheme \"mailto\": there is no WebSocket",
        ),
        (
            redirect(302, "ws://a:99999/"),
            "the server redirects to what cannot be dialled: invalid port number",
        ),
    ] {
        let (listener, address) = listen().await;
        let server = serve_each(listener, vec![response]);
        let dialer = Dialer::new().follow_redirects(9);
        let error = dialer.dial(&format!("ws://{address}/")).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(server.await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn location_in_utf_8_is_followed_as_browsers_do() {
    let (listener, address) = listen().await;
    let server = serve_each(listener, vec![redirect(302, "/\u{e9}"), "accept".into()]);
    let dialer = Dialer::new().follow_redirects(1);
    assert!(dialer.dial(&format!("ws://{address}/")).await.is_ok());
    assert!(server.await.unwrap()[1].starts_with("GET /%C3%A9 HTTP/1.1\r\n"));
}

/// Servers for `wss://a.test/`, which redirects to `ws://a.test/`, with no TLS in between.
fn downgrading(first: SocketAddr, second: SocketAddr) -> Dialer {
    unproxied()
        .follow_redirects(1)
        .tls_connector(move |_: String, _: u16| async move {
            Ok(Transport::from(TcpStream::connect(first).await?))
        })
        .connector(move |_: String, _: u16| async move {
            Ok(Transport::from(TcpStream::connect(second).await?))
        })
}

#[tokio::test]
async fn redirect_away_from_tls_is_not_followed_unless_allowed() {
    let servers = |first: TcpListener, second: TcpListener| {
        (
            serve_each(first, vec![redirect(302, "ws://a.test/")]),
            serve_each(second, vec!["accept".into()]),
        )
    };
    let ((first, first_address), (second, second_address)) = (listen().await, listen().await);
    let (first, second) = servers(first, second);
    let dialer = downgrading(first_address, second_address);
    let error = dialer.dial("wss://u:p@a.test/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server redirects from an encrypted connection to a.test:80 without encryption: allow that, or use the new URL"
    );
    let host = "a.test:80".into();
    assert_eq!(reason(error), RedirectError::Downgrade { host });
    assert_eq!(first.await.unwrap().len(), 1);
    second.abort();

    let ((first, first_address), (second, second_address)) = (listen().await, listen().await);
    let (first, second) = servers(first, second);
    let dialer = downgrading(first_address, second_address).allow_redirects_without_tls(true);
    assert!(dialer.dial("wss://u:p@a.test/").await.is_ok());
    assert_eq!(
        header(&first.await.unwrap()[0], "Authorization"),
        Some("Basic dTpw")
    );
    assert_eq!(header(&second.await.unwrap()[0], "Authorization"), None);
}

#[tokio::test]
async fn given_stream_is_not_left_for_a_redirect() {
    let (client, mut server) = duplex(4096);
    let serve = answer(&mut server, |_| redirect(302, "/b"));
    let dialer = Dialer::new().follow_redirects(1);
    let dial = dialer.dial_over(Transport::new(client), "ws://a/");
    let (outcome, _) = tokio::join!(dial, serve);
    assert!(matches!(outcome, Err(DialError::Handshake { .. })));
}

#[tokio::test]
async fn redirects_are_followed_for_handshakes_done_elsewhere() {
    let (listener, address) = listen().await;
    let dialer = Dialer::new().follow_redirects(1);
    let dialed = dialer
        .connect(&format!("ws://u:p@{address}/a"))
        .await
        .unwrap();
    let mut response = http::Response::new(bytes::Bytes::new());
    *response.status_mut() = http::StatusCode::FOUND;
    let location = format!("ws://localhost:{}/b", address.port());
    response
        .headers_mut()
        .insert("location", location.parse().unwrap());
    let next = dialer.follow(dialed.redirects, &response).await.unwrap();
    let next = next.unwrap();
    assert_eq!(next.url, location);
    assert_eq!(next.options.target(), "/b");
    assert!(next.options.headers.is_empty());
    let error = dialer.follow(next.redirects.clone(), &response).await;
    assert_eq!(
        reason(error.unwrap_err()),
        RedirectError::TooMany { limit: 1 }
    );
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    let opened = dialer.follow(next.redirects, &response).await.unwrap();
    assert!(opened.is_none());
    drop(listener);
}
