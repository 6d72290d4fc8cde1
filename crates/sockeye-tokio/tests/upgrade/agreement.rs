//! What a hyper server and its clients agree on.

use http::Response;
use http_body_util::Full;
use sockeye::DialOptions;
use sockeye_tokio::{
    HandshakeError, Message, OriginPolicy, PerMessageDeflate, Role, UpgradeError, Upgrader,
};

use crate::common::{Answer, dial, dial_with, echo, serve, serve_echo, spawn_echo, within};

#[tokio::test]
async fn row_04_first_of_our_subprotocols_that_was_offered_is_chosen() {
    let address = serve_echo(Upgrader::new().subprotocols(["a", "b"]).unwrap()).await;
    for (offered, chosen) in [
        (&["b", "a"][..], Some("a")),
        (&["c", "b"], Some("b")),
        (&["c"], None),
        (&[], None),
    ] {
        let mut options = DialOptions::new(address.to_string(), "/").unwrap();
        options.set_subprotocols(offered.iter().copied()).unwrap();
        let (mut conn, response) = dial_with(address, &options).await.unwrap();
        assert_eq!(conn.subprotocol(), chosen);
        let field = response.headers().get("sec-websocket-protocol");
        assert_eq!(field.map(|value| value.to_str().unwrap()), chosen);
        conn.send("subprotocol").await.unwrap();
        let theirs = Message::text(chosen.unwrap_or_default());
        assert_eq!(within(conn.next()).await.unwrap(), Some(theirs));
    }
}

#[tokio::test]
async fn row_05_application_shapes_the_error_response() {
    let address = serve(async |mut request| {
        let refusal = Upgrader::new().upgrade::<_, ()>(&mut request).unwrap_err();
        let UpgradeError::Handshake(HandshakeError::OriginNotAllowed) = refusal.error() else {
            return refusal.response();
        };
        let page = Full::from(format!("No: {refusal}."));
        Response::builder().status(404).body(page).unwrap()
    })
    .await;
    let mut options = DialOptions::new("example.com", "/").unwrap();
    options
        .set_origin(Some("https://evil.test".into()))
        .unwrap();
    let Err(HandshakeError::Refused(response)) = dial_with(address, &options).await else {
        panic!("the origin is not allowed");
    };
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.body(),
        b"No: the origin is not allowed to connect."
    );
}

#[tokio::test]
async fn row_06_page_of_another_host_is_not_let_in() {
    let same_host = serve_echo(Upgrader::new()).await;
    let policy = OriginPolicy::allow(["https://*.example.com"]).unwrap();
    let allow = serve_echo(Upgrader::new().origins(policy)).await;
    let any = serve_echo(Upgrader::new().origins(OriginPolicy::Any)).await;
    for (origin, expected) in [
        (None, [true, true, true]),
        (Some("http://ws.test:81"), [true, false, true]),
        (Some("http://ws.test"), [false, false, true]),
        (Some("https://a.example.com"), [false, true, true]),
        (Some("null"), [false, false, true]),
    ] {
        for (address, expected) in [same_host, allow, any].into_iter().zip(expected) {
            let mut options = DialOptions::new("ws.test:81", "/").unwrap();
            options.set_origin(origin.map(Into::into)).unwrap();
            match dial_with(address, &options).await {
                Ok(_) => assert!(expected, "{origin:?}"),
                Err(HandshakeError::Refused(response)) => {
                    assert!(!expected, "{origin:?}");
                    assert_eq!(response.status(), 403);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test]
async fn row_07_compression_is_agreed_on_and_used() {
    let upgrader = Upgrader::new().deflate(PerMessageDeflate::new(Role::Server));
    let address = serve_echo(upgrader).await;
    let mut options = DialOptions::new("localhost", "/").unwrap();
    options.deflate = Some(PerMessageDeflate::new(Role::Client));
    let (mut conn, response) = dial_with(address, &options).await.unwrap();
    let extensions = response.headers()["sec-websocket-extensions"].to_str();
    assert_eq!(
        extensions.unwrap(),
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
    );
    let deflate = conn.agreement().unwrap().deflate.unwrap();
    assert_eq!(deflate.server_max_window_bits.get(), 12);
    for len in [0, 1, 100_000] {
        let text = Message::text("abc".repeat(len));
        conn.send(text.clone()).await.unwrap();
        assert_eq!(within(conn.next()).await.unwrap(), Some(text));
    }
    // A server that may compress does not where the client does not offer it.
    let (conn, response) = dial(address, &[]).await.unwrap();
    assert!(!response.headers().contains_key("sec-websocket-extensions"));
    assert_eq!(conn.agreement(), None);
}

#[tokio::test]
async fn row_08_response_has_the_fields_of_the_application() {
    let upgrader = Upgrader::new()
        .header("Set-Cookie", "a=b; Secure")
        .unwrap()
        .header("Set-Cookie", "c=d")
        .unwrap();
    let address = serve(move |mut request| {
        let (mut response, upgrade): (Answer, _) = upgrader.upgrade(&mut request).unwrap();
        response
            .headers_mut()
            .append("set-cookie", "e=f".parse().unwrap());
        spawn_echo(upgrade);
        async { response }
    })
    .await;
    let (_conn, response) = dial(address, &[]).await.unwrap();
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=b; Secure", "c=d", "e=f"]);
}

#[tokio::test]
async fn upgrade_says_what_was_agreed_on() {
    let upgrader = Upgrader::new().subprotocols(["chat"]).unwrap();
    let address = serve(move |mut request| {
        let (response, upgrade): (Answer, _) = upgrader.upgrade(&mut request).unwrap();
        let subprotocol = upgrade.agreement().unwrap().subprotocol.clone();
        assert_eq!(subprotocol.as_deref(), Some("chat"));
        tokio::spawn(async { echo(upgrade.await.unwrap()).await });
        async { response }
    })
    .await;
    let mut options = DialOptions::new("localhost", "/").unwrap();
    options.set_subprotocols(["chat"]).unwrap();
    let (conn, _) = dial_with(address, &options).await.unwrap();
    assert_eq!(conn.subprotocol(), Some("chat"));
}
