//! Requests that the application answers.

use crate::*;

#[test]
fn asked_application_admits_with_its_choices() {
    let mut server = Peer::asking();
    // However long it thinks.
    assert_eq!(server.due(), None);
    let frame = to(Role::Server, 0x81, b"early");
    assert!(server.read(500, &frame[..3]).is_empty());
    assert!(server.read(501, &frame[3..]).is_empty());
    assert!(!server.session.has_more());
    assert_eq!(
        server.session.send(Message::text("x"), &mut server.out),
        Err(SendError::NotOpen)
    );

    let mut headers = ExtraHeaders::new();
    headers.push("X-Room", "7").unwrap();
    let Peer { session, out } = &mut server;
    assert_eq!(
        session.admit(at(502), Some("mqtt"), &headers, out),
        Err(AnswerError::Handshake(
            HandshakeError::SubprotocolNotOffered
        ))
    );
    assert!(out.is_empty());
    let agreement = session.admit(at(502), Some("superchat"), &headers, out);
    assert_eq!(agreement.unwrap().subprotocol.as_deref(), Some("superchat"));
    let response = str::from_utf8(out).unwrap();
    assert!(response.contains("\r\nSec-WebSocket-Protocol: superchat\r\nX-Room: 7\r\n"));
    assert!(server.session.has_more());
    assert_eq!(server.due(), Some(522));
    assert_eq!(messages(&server.read(502, &[])), [b"early"]);
    assert!(!server.session.has_more());
    let again = server
        .session
        .admit(at(503), None, &headers, &mut server.out);
    assert_eq!(again, Err(AnswerError::NoRequest));
}

#[test]
fn asked_application_refuses_with_a_response_of_its_own() {
    let mut server = Peer::asking();
    assert!(server.read(2, b"early").is_empty());
    let Peer { session, out } = &mut server;
    let headers = ExtraHeaders::new();
    assert_eq!(
        session.refuse(200, &headers, "", out),
        Err(AnswerError::InvalidOption(InvalidOption::Status))
    );
    assert!(out.is_empty());
    let closed = session.refuse(403, &headers, "no", out).unwrap();
    assert_failed(
        &closed,
        Initiator::Local,
        SessionError::Refused { status: 403 },
    );
    assert!(out.starts_with(b"HTTP/1.1 403 ") && out.ends_with(b"\r\n\r\nno"));
    assert_eq!(
        session.refuse(403, &headers, "no", out),
        Err(AnswerError::NoRequest)
    );
    out.clear();
    assert!(server.is_dead());
}

#[test]
fn origin_is_checked_before_asking() {
    let mut server = Peer::accept(|settings| {
        settings.ask = true;
        settings.handshake.origins = OriginPolicy::allow(["https://example.com"]).unwrap();
    });
    let events = server.read(1, REQUEST);
    let [SessionEvent::Closed(closed)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_failed(closed, Initiator::Local, HandshakeError::OriginNotAllowed);
    assert!(server.out.starts_with(b"HTTP/1.1 403 "));
    assert!(server.session.is_finished());
}

#[test]
fn nobody_answers_a_request_that_was_not_asked_about() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        let Peer { session, out } = &mut peer;
        let headers = ExtraHeaders::new();
        assert_eq!(
            session.admit(at(1), None, &headers, out),
            Err(AnswerError::NoRequest)
        );
        assert_eq!(
            session.refuse(403, &headers, "", out),
            Err(AnswerError::NoRequest)
        );
    }
}

#[test]
fn client_may_send_64_kib_before_its_request_is_answered() {
    const EARLY: usize = 65_536;
    let frame = to(Role::Server, 0x82, &vec![7; EARLY - 8]);
    assert_eq!(frame.len(), EARLY);
    // In one read with the request, and in many after it.
    for first in [0, EARLY] {
        for too_many in [false, true] {
            let mut server = Peer::accept(|settings| settings.ask = true);
            let mut events = server.read(1, &[REQUEST, &frame[..first]].concat());
            for piece in frame[first..].chunks(1000) {
                events.extend(server.read(2, piece));
            }
            assert_eq!(events.len(), 1);
            if too_many {
                let (closed, out) = server.end(3, b"x");
                let error = SessionError::EarlyData { limit: EARLY };
                assert_failed(&closed, Initiator::Local, error);
                assert!(out.is_empty());
                assert!(server.is_dead());
            } else {
                let Peer { session, out } = &mut server;
                let headers = ExtraHeaders::new();
                assert!(session.admit(at(3), None, &headers, out).is_ok());
                assert_eq!(messages(&server.read(3, &[]))[0].len(), EARLY - 8);
            }
        }
    }
}

#[test]
fn early_data_in_the_read_of_the_request_is_bounded_too() {
    let mut server = Peer::accept(|settings| settings.ask = true);
    let events = server.read(1, &[REQUEST, &[0; 65_537]].concat());
    let [SessionEvent::Request(_), SessionEvent::Closed(closed)] = &events[..] else {
        panic!("{events:?}");
    };
    let error = SessionError::EarlyData { limit: 65_536 };
    assert_eq!(
        error.to_string(),
        "the client sent 65536 bytes before its request was answered"
    );
    assert_failed(closed, Initiator::Local, error);
    assert!(server.is_dead());
}

#[test]
fn caller_that_keeps_the_input_gives_it_again_after_admitting() {
    let mut server = Peer::accept(|settings| settings.ask = true);
    let Peer { session, out } = &mut server;
    let frame = to(Role::Server, 0x81, b"early");
    let mut bytes = [REQUEST, &frame].concat();
    let mut input = &mut bytes[..];
    let asked = session.receive(&mut input, out);
    assert!(matches!(asked, Some(SessionEvent::Request(_))));
    assert!(session.receive(&mut input, out).is_none());
    assert_eq!(input, frame);
    assert!(
        session
            .admit(at(1), None, &ExtraHeaders::new(), out)
            .is_ok()
    );
    let event = session.receive(&mut input, out);
    assert_eq!(messages(event.as_slice()), [b"early"]);
    assert!(session.receive(&mut input, out).is_none() && input.is_empty());
}
