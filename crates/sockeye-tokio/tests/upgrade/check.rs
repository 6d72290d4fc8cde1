//! Requests of any server that hands out the byte stream itself.

use http::{HeaderMap, Method, Request, Response, Version, request::Parts};
use sockeye_tokio::{
    Config, Conn, HandshakeError, Message, OriginPolicy, Refusal, Role, Transport, UpgradeError,
    Upgrader,
};

use crate::common::{echo, frames, within};

/// The request of RFC 6455 §1.2.
fn parts() -> Parts {
    let request = Request::get("/chat")
        .header("Host", "server.example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Origin", "http://server.example.com")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Version", "13")
        .body(());
    request.unwrap().into_parts().0
}

/// An extended CONNECT over HTTP/2.
fn connect() -> Parts {
    let request = Request::connect("https://server.example.com/chat?room=1")
        .version(Version::HTTP_2)
        .header("Origin", "https://server.example.com")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Version", "13")
        .body(());
    request.unwrap().into_parts().0
}

fn fields(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let mut fields: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    fields.sort_unstable();
    fields
}

fn handshake_error(refusal: &Refusal) -> HandshakeError {
    match refusal.error() {
        UpgradeError::Handshake(error) => error.clone(),
        other => panic!("{other}"),
    }
}

#[test]
fn row_01_request_is_answered_as_in_rfc_6455_section_1_2() {
    let upgrader = Upgrader::new().subprotocols(["chat"]).unwrap();
    let accepted = upgrader.check(&parts()).unwrap();
    assert_eq!(accepted.agreement().subprotocol.as_deref(), Some("chat"));
    let response: Response<()> = accepted.response();
    assert_eq!(response.status(), 101);
    assert_eq!(
        fields(response.headers()),
        [
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "chat"),
            ("upgrade", "websocket"),
        ]
    );
}

#[tokio::test]
async fn row_01_connection_begins_with_what_was_read_behind_the_request() {
    let accepted = Upgrader::new().check(&parts()).unwrap();
    let (client, server) = tokio::io::duplex(1 << 10);
    let unread = frames(&[Message::text("early"), Message::text("bird")]);
    let conn = accepted.into_conn(Transport::new(server), unread);
    tokio::spawn(echo(conn));
    let mut client = Conn::from_parts(sockeye_tokio::Parts {
        transport: Transport::new(client),
        role: Role::Client,
        agreement: sockeye_tokio::Agreement::default(),
        unread: Vec::new(),
        config: Config::new(Role::Client),
    });
    for text in ["early", "bird"] {
        assert_eq!(
            within(client.next()).await.unwrap(),
            Some(Message::text(text))
        );
    }
}

#[test]
fn row_01_absolute_url_in_the_request_line_replaces_the_host() {
    let mut parts = parts();
    parts.uri = "http://other.example.com/chat".parse().unwrap();
    let refusal = Upgrader::new().check(&parts).unwrap_err();
    assert_eq!(handshake_error(&refusal), HandshakeError::OriginNotAllowed);
    parts.headers.insert("host", "evil.test".parse().unwrap());
    parts
        .headers
        .insert("origin", "http://other.example.com".parse().unwrap());
    assert!(Upgrader::new().check(&parts).is_ok());
}

#[test]
fn http_2_request_is_answered_as_in_rfc_8441_section_5() {
    let upgrader = Upgrader::new()
        .subprotocols(["superchat"])
        .unwrap()
        .header("Set-Cookie", "a=b")
        .unwrap();
    let accepted = upgrader.check_connect(&connect(), "websocket").unwrap();
    let response: Response<()> = accepted.response();
    assert_eq!(response.status(), 200);
    assert_eq!(
        fields(response.headers()),
        [
            ("sec-websocket-protocol", "superchat"),
            ("set-cookie", "a=b")
        ]
    );
}

#[test]
fn http_2_request_is_for_the_host_of_its_authority() {
    let mut parts = connect();
    parts.headers.insert("host", "evil.test".parse().unwrap());
    parts
        .headers
        .insert("origin", "https://evil.test".parse().unwrap());
    let refusal = Upgrader::new()
        .check_connect(&parts, "websocket")
        .unwrap_err();
    assert_eq!(handshake_error(&refusal), HandshakeError::OriginNotAllowed);
    assert_eq!(refusal.status(), 403);
    parts.uri = "/chat".parse().unwrap();
    assert!(Upgrader::new().check_connect(&parts, "websocket").is_ok());
    parts.headers.remove("host");
    let any = Upgrader::new().origins(OriginPolicy::Any);
    let refusal = any.check_connect(&parts, "websocket").unwrap_err();
    assert_eq!(handshake_error(&refusal), HandshakeError::HostMissing);
}

/// RFC 8441 §5: the key is not used, so that there is none to be wrong.
#[test]
fn http_2_request_may_have_fields_of_http_1_1() {
    let mut parts = connect();
    for (name, value) in [
        ("sec-websocket-key", "nonsense"),
        ("upgrade", "h2c"),
        ("connection", "close"),
    ] {
        parts.headers.insert(name, value.parse().unwrap());
    }
    assert!(Upgrader::new().check_connect(&parts, "WebSocket").is_ok());
}

#[test]
fn http_2_refusals_have_no_fields_of_http_1_1() {
    let text = ("content-type", "text/plain; charset=utf-8");
    let check = |parts: &Parts, protocol: Option<&str>| {
        let checked = match protocol {
            Some(protocol) => Upgrader::new().check_connect(parts, protocol),
            None => Upgrader::new().check(parts),
        };
        checked.unwrap_err()
    };
    let mut version = connect();
    version
        .headers
        .insert("sec-websocket-version", "8".parse().unwrap());
    let refusal = check(&version, Some("websocket"));
    assert_eq!(
        handshake_error(&refusal),
        HandshakeError::VersionUnsupported
    );
    assert_eq!(refusal.status(), 400);
    assert_eq!(
        fields(&refusal.headers()),
        [text, ("sec-websocket-version", "13")]
    );

    let refusal = check(&connect(), Some("connect-udp"));
    assert_eq!(handshake_error(&refusal), HandshakeError::NotAnUpgrade);
    assert_eq!(
        (refusal.status().as_u16(), fields(&refusal.headers())),
        (501, vec![text])
    );

    let refusal = check(&connect(), None);
    assert_eq!(handshake_error(&refusal), HandshakeError::NotAnUpgrade);
    assert_eq!(
        (refusal.status().as_u16(), fields(&refusal.headers())),
        (400, vec![text])
    );

    let mut page = connect();
    page.method = Method::GET;
    let refusal = check(&page, None);
    assert_eq!(handshake_error(&refusal), HandshakeError::NotAnUpgrade);
    assert_eq!(
        (refusal.status().as_u16(), fields(&refusal.headers())),
        (400, vec![text])
    );

    page.method = Method::POST;
    let refusal = check(&page, None);
    assert_eq!(handshake_error(&refusal), HandshakeError::Method);
    assert_eq!(refusal.status(), 405);
    assert_eq!(fields(&refusal.headers()), [("allow", "CONNECT"), text]);
    assert_eq!(
        refusal.response::<String>().into_body(),
        "This WebSocket server refuses the request: over HTTP/2 the method must be CONNECT, with :protocol websocket (RFC 8441).\n"
    );
}

#[test]
fn row_05_refusal_becomes_the_error_it_is_about() {
    let mut parts = parts();
    parts.headers.remove("sec-websocket-key");
    let refusal = Upgrader::new().check(&parts).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the Sec-WebSocket-Key header is missing"
    );
    let error = UpgradeError::from(refusal);
    assert_eq!(error.status(), Some(400));
    assert!(matches!(
        error,
        UpgradeError::Handshake(HandshakeError::KeyMissing)
    ));
}
