//! The opening handshake, its deadline, and what it leads to.

use crate::*;

#[test]
fn server_opens_however_the_request_is_cut() {
    let bytes = [REQUEST, &to(Role::Server, 0x81, b"Hello")].concat();
    for cut in 0..=bytes.len() {
        let mut server = Peer::accept(|_| ());
        let mut events = server.read(1, &bytes[..cut]);
        events.extend(server.read(2, &bytes[cut..]));
        let SessionEvent::Opened(agreement) = events.remove(0) else {
            panic!("{events:?}");
        };
        assert_eq!(agreement.subprotocol, None);
        assert_eq!(messages(&events), [b"Hello"]);
        assert!(server.out.starts_with(b"HTTP/1.1 101 "));
        assert!(server.out.ends_with(b"\r\n\r\n"));
    }
}

#[test]
fn client_opens_however_the_response_is_cut() {
    let bytes = [RESPONSE, &to(Role::Client, 0x81, b"Hello")].concat();
    for cut in 0..=bytes.len() {
        let mut client = Peer::dial(|_| ());
        let mut events = client.read(1, &bytes[..cut]);
        events.extend(client.read(2, &bytes[cut..]));
        assert!(matches!(events.remove(0), SessionEvent::Opened(_)));
        assert_eq!(messages(&events), [b"Hello"]);
        assert!(client.out.is_empty());
    }
}

#[test]
fn refused_request_is_answered_once_and_reported() {
    for (from, to, error) in [
        ("websocket\r\n", "h2c\r\n", HandshakeError::UpgradeMissing),
        ("http://", "http://not.", HandshakeError::OriginNotAllowed),
    ] {
        let request = str::from_utf8(REQUEST).unwrap().replace(from, to);
        let mut server = Peer::accept(|_| ());
        let (closed, out) = server.end(1, request.as_bytes());
        assert_failed(&closed, Initiator::Local, error.clone());
        let status = format!("HTTP/1.1 {} ", error.status().unwrap());
        assert!(out.starts_with(status.as_bytes()));
        let responses = out.windows(9).filter(|bytes| bytes == b"HTTP/1.1 ");
        assert_eq!(responses.count(), 1);
        assert!(server.is_dead());
    }
}

#[test]
fn bad_response_ends_a_client_that_sends_nothing_more() {
    let response = str::from_utf8(RESPONSE).unwrap().replace("ICX", "ICx");
    let mut client = Peer::dial(|_| ());
    let (closed, out) = client.end(1, response.as_bytes());
    assert_failed(&closed, Initiator::Local, HandshakeError::AcceptMismatch);
    assert!(out.is_empty());
    assert!(client.is_dead());
}

#[test]
fn handshake_that_takes_too_long_is_given_up() {
    let mut server = Peer::accept(|_| ());
    assert_eq!(server.due(), Some(10));
    assert!(server.read(9, &REQUEST[..50]).is_empty());
    assert_eq!(server.due(), Some(10));
    let (closed, out) = server.end(10, &[]);
    assert_failed(&closed, Initiator::Local, HandshakeError::Timeout);
    assert!(out.starts_with(b"HTTP/1.1 408 "));
    assert!(server.is_dead());

    let mut client = Peer::dial(|_| ());
    assert_eq!(client.due(), Some(45));
    assert!(client.read(44, &RESPONSE[..50]).is_empty());
    // What comes too late does not count.
    let (closed, out) = client.end(45, &RESPONSE[50..]);
    assert_failed(&closed, Initiator::Local, HandshakeError::Timeout);
    assert!(out.is_empty());
    assert!(client.is_dead());
}

#[test]
fn handshake_without_a_timeout_may_take_for_ever() {
    let mut server = Peer::accept(|settings| settings.handshake.timeout = None);
    assert_eq!(server.due(), None);
    assert_eq!(server.read(1_000_000, REQUEST).len(), 1);
}

#[test]
fn deadlines_of_the_open_connection_follow_those_of_the_handshake() {
    let mut server = Peer::open(Role::Server);
    assert_eq!(server.due(), Some(20));
    assert!(server.read(20, &[]).is_empty());
    assert_eq!(server.out, [0x89, 0x00]);
    server.out.clear();
    let (closed, out) = server.end(40, &[]);
    assert_failed(&closed, Initiator::Local, ProtocolError::PongTimeout);
    assert_eq!(
        out,
        common::failure(Role::Server, 1011, ProtocolError::PongTimeout)
    );
    assert!(server.is_dead());
    assert_eq!(Peer::open(Role::Client).due(), None);
}

#[test]
fn response_is_kept_when_it_is_wanted() {
    for is_wanted in [false, true] {
        let mut settings = DialSettings::new(DialOptions::new("localhost", "/").unwrap());
        settings.keep_response = is_wanted;
        let mut request = Vec::new();
        let mut client = Session::dial(Duration::ZERO, Arc::new(settings), entropy, &mut request);
        let accept = AcceptSettings::new(UpgradeOptions::new());
        let mut server = Session::accept(Duration::ZERO, Arc::new(accept), entropy);
        let (mut response, mut out) = (Vec::new(), Vec::new());
        server.receive_batch(Duration::ZERO, &mut request, &mut response, |_| {});
        client.receive_batch(Duration::ZERO, &mut response, &mut out, |_| {});
        let status = client.take_response().map(|response| response.status());
        assert_eq!(status, is_wanted.then_some(101));
        assert_eq!(client.take_response(), None);
    }
}
