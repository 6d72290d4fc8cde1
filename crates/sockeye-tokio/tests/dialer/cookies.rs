//! Cookies over several dials.

use sockeye_tokio::{CookieJar, Dialer};

use crate::peer::{header, listen, serve_each};

#[tokio::test]
async fn row_15_cookies_of_one_dial_are_sent_at_the_next() {
    let (listener, address) = listen().await;
    let refusal = "HTTP/1.1 401 x\r\nSet-Cookie: a=1; HttpOnly\r\nSet-Cookie: s=2; Secure\r\n\
        Set-Cookie: b=3; Path=/other\r\nContent-Length: 0\r\n\r\n";
    let server = serve_each(
        listener,
        vec![refusal.into(), "accept".into(), "accept".into()],
    );
    let jar = CookieJar::new();
    let dialer = Dialer::new().cookie_jar(jar.clone());
    let url = format!("ws://{address}/chat");
    assert_eq!(
        (dialer.dial(&url).await.unwrap_err().response())
            .unwrap()
            .status(),
        401
    );
    assert!(dialer.dial(&url).await.is_ok());
    let dialer = dialer.header("Cookie", "mine=0").unwrap();
    assert!(dialer.dial(&url).await.is_ok());
    let requests = server.await.unwrap();
    let cookies: Vec<_> = requests
        .iter()
        .map(|request| header(request, "Cookie"))
        .collect();
    assert_eq!(cookies, [None, Some("a=1"), Some("mine=0; a=1")]);
    assert_eq!(
        jar.cookies(&format!("ws://{address}/other")).unwrap(),
        Some("b=3; a=1".into())
    );
}

#[tokio::test]
async fn row_15_cookies_of_a_redirect_are_kept() {
    let (listener, address) = listen().await;
    let redirect = "HTTP/1.1 302 x\r\nSet-Cookie: a=1; Path=/\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    let server = serve_each(listener, vec![redirect.into(), "accept".into()]);
    let dialer = Dialer::new()
        .cookie_jar(CookieJar::new())
        .follow_redirects(1);
    assert!(dialer.dial(&format!("ws://{address}/here")).await.is_ok());
    let requests = server.await.unwrap();
    assert!(requests[1].starts_with("GET /there HTTP/1.1\r\n"));
    assert_eq!(header(&requests[1], "Cookie"), Some("a=1"));
}

#[tokio::test]
async fn without_a_jar_no_cookie_is_kept() {
    let (listener, address) = listen().await;
    let refusal = "HTTP/1.1 401 x\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n";
    let server = serve_each(listener, vec![refusal.into(), "accept".into()]);
    let dialer = Dialer::new();
    let url = format!("ws://{address}/");
    assert!(dialer.dial(&url).await.is_err());
    assert!(dialer.dial(&url).await.is_ok());
    assert_eq!(header(&server.await.unwrap()[1], "Cookie"), None);
}
