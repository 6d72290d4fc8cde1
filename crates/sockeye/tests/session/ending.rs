//! Every way to end.

use crate::*;

#[test]
fn server_ends_the_stream_after_the_closing_handshake() {
    let mut server = Peer::open(Role::Server);
    let frame = to(Role::Server, 0x88, &close_payload(4000, "bye"));
    let (closed, out) = server.end(1, &frame);
    assert_eq!((closed.code.get(), &*closed.reason), (4000, "bye"));
    assert_eq!((closed.initiator, closed.clean), (Initiator::Peer, true));
    assert_eq!(closed.error, None);
    assert_eq!(out, from(Role::Server, 0x88, &close_payload(4000, "")));
    assert!(server.is_dead());
}

#[test]
fn client_waits_for_the_server_to_end_the_stream() {
    for ended in [false, true] {
        let mut client = Peer::open(Role::Client);
        let (closed, out) = client.end(1, &to(Role::Client, 0x88, &[]));
        assert_eq!((closed.code, &*closed.reason), (CloseCode::NO_STATUS, ""));
        assert_eq!((closed.initiator, closed.clean), (Initiator::Peer, true));
        assert_eq!(out, from(Role::Client, 0x88, &[]));
        // RFC 6455 §7.1.1: the server closes the TCP connection first.
        assert!(!client.session.is_finished());
        assert_eq!(client.due(), Some(6));
        assert_eq!(
            client.session.send(Message::text("x"), &mut client.out),
            Err(SendError::CloseSent)
        );
        assert!(client.read(5, &to(Role::Client, 0x81, b"late")).is_empty());
        assert!(!client.session.is_finished());
        if ended {
            assert_eq!(client.session.receive_end(None), None);
        } else {
            assert!(client.read(6, &[]).is_empty());
        }
        assert!(client.is_dead());
    }
}

#[test]
fn client_waits_as_long_as_for_an_answer_to_its_close_frame() {
    let mut client = Peer::dial(|settings| settings.connection.timeouts.close = None);
    client.read(0, RESPONSE);
    let (closed, _) = client.end(1, &to(Role::Client, 0x88, &[]));
    assert!(closed.clean);
    assert_eq!(client.due(), None);
    assert!(client.read(1_000_000, &[]).is_empty());
    assert!(!client.session.is_finished());
}

#[test]
fn this_side_closes_and_still_hears_messages() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        let Peer { session, out } = &mut peer;
        let frame = CloseFrame::new(CloseCode::NORMAL, "done");
        assert_eq!(session.close(at(1), Some(frame), out), Ok(None));
        assert_eq!(*out, from(role, 0x88, &close_payload(1000, "done")));
        assert_eq!(session.close(at(1), None, out), Err(SendError::CloseSent));
        assert_eq!(peer.due(), Some(6));
        assert_eq!(messages(&peer.read(2, &to(role, 0x81, b"late"))), [b"late"]);
        peer.out.clear();
        let (closed, out) = peer.end(3, &to(role, 0x88, &close_payload(1000, "ok")));
        assert_eq!((closed.code.get(), &*closed.reason), (1000, "ok"));
        assert_eq!((closed.initiator, closed.clean), (Initiator::Local, true));
        assert!(out.is_empty());
        assert_eq!(peer.session.is_finished(), role == Role::Server);
    }
}

#[test]
fn close_frame_that_may_not_be_sent_closes_nothing() {
    let mut server = Peer::open(Role::Server);
    let Peer { session, out } = &mut server;
    let frame = CloseFrame::new(CloseCode::ABNORMAL, "");
    assert_eq!(
        session.close(at(1), Some(frame), out),
        Err(SendError::InvalidCloseCode)
    );
    assert!(out.is_empty());
    assert_eq!(session.send(Message::text("x"), out), Ok(()));
}

#[test]
fn unanswered_close_frame_is_given_up() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        assert_eq!(peer.session.close(at(1), None, &mut peer.out), Ok(None));
        peer.out.clear();
        assert_eq!(peer.due(), Some(6));
        let (closed, out) = peer.end(6, &[]);
        assert_failed(&closed, Initiator::Local, ProtocolError::CloseTimeout);
        assert!(out.is_empty());
        assert!(peer.is_dead());
    }
}

#[test]
fn closing_during_the_handshake_ends_it_at_once() {
    for mut peer in [Peer::accept(|_| ()), Peer::dial(|_| ()), Peer::asking()] {
        let closed = peer.session.close(at(2), None, &mut peer.out).unwrap();
        assert_failed(
            &closed.unwrap(),
            Initiator::Local,
            SessionError::ClosedEarly,
        );
        assert!(peer.out.is_empty());
        assert!(peer.is_dead());
    }
}

#[test]
fn timeout_that_runs_out_while_closing_is_reported() {
    let mut server = Peer::open(Role::Server);
    assert!(server.read(20, &[]).is_empty());
    let closed = server.session.close(at(40), None, &mut server.out);
    let closed = closed.unwrap().unwrap();
    assert_failed(&closed, Initiator::Local, ProtocolError::PongTimeout);
    server.out.clear();
    assert!(server.is_dead());
}

#[test]
fn stream_that_ends_in_the_handshake_is_reported_as_such() {
    for (mut peer, bytes) in [
        (Peer::accept(|_| ()), &REQUEST[..40]),
        (Peer::dial(|_| ()), &RESPONSE[..40]),
        (Peer::asking(), b"early"),
    ] {
        assert!(peer.read(2, bytes).is_empty());
        let closed = peer.session.receive_end(None).unwrap();
        assert_failed(&closed, Initiator::Transport, HandshakeError::UnexpectedEnd);
        assert!(peer.is_dead());
    }
}

#[test]
fn stream_that_ends_in_the_body_of_a_refusal_leaves_the_refusal() {
    let mut client = Peer::dial(|_| ());
    let response = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nsorry";
    assert!(client.read(1, response).is_empty());
    let closed = client.session.receive_end(None).unwrap();
    assert_eq!(closed.initiator, Initiator::Transport);
    let Some(SessionError::Handshake(HandshakeError::Refused(response))) = &closed.error else {
        panic!("{closed:?}");
    };
    assert_eq!((response.status(), response.body()), (403, &b"sorry"[..]));
    assert_eq!(
        closed.error.unwrap().to_string(),
        "the server answered with status 403 instead of 101"
    );
}

#[test]
fn stream_that_ends_without_a_close_frame_is_nobodys_wish() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        let closed = peer.session.receive_end(None).unwrap();
        assert_failed(&closed, Initiator::Transport, ProtocolError::UnexpectedEnd);
        assert!(peer.is_dead());
    }
}

#[test]
fn stream_that_ends_behind_our_close_frame_was_closed_by_us() {
    let mut server = Peer::open(Role::Server);
    assert_eq!(server.session.close(at(1), None, &mut server.out), Ok(None));
    server.out.clear();
    let closed = server.session.receive_end(None).unwrap();
    assert_failed(&closed, Initiator::Local, ProtocolError::UnexpectedEnd);
    assert!(server.is_dead());
}

#[test]
fn broken_stream_is_reported_in_the_words_of_who_saw_it() {
    for mut peer in [
        Peer::accept(|_| ()),
        Peer::dial(|_| ()),
        Peer::asking(),
        Peer::open(Role::Server),
        Peer::open(Role::Client),
    ] {
        let closed = peer.session.receive_end(Some("cable cut".into())).unwrap();
        let error = SessionError::Transport("cable cut".into());
        assert_eq!(error.to_string(), "cable cut");
        assert_failed(&closed, Initiator::Transport, error);
        assert!(peer.is_dead());
    }
}

#[test]
fn violation_is_answered_reported_and_ends_the_session() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        let error = ProtocolError::ReservedOpcode { opcode: 0x3 };
        let bytes = [to(role, 0x83, b"x"), to(role, 0x81, b"dropped")].concat();
        let (closed, out) = peer.end(1, &bytes);
        assert_failed(&closed, Initiator::Local, error);
        assert_eq!(out, common::failure(role, 1002, error));
        assert!(peer.is_dead());
    }
}

#[test]
fn messages_before_a_violation_are_reported() {
    let mut server = Peer::open(Role::Server);
    let bytes = [to(Role::Server, 0x81, b"good"), b"\x81\x03bad".to_vec()].concat();
    let mut events = server.read(1, &bytes);
    let Some(SessionEvent::Closed(closed)) = events.pop() else {
        panic!("{events:?}");
    };
    assert_failed(&closed, Initiator::Local, ProtocolError::MaskMissing);
    assert_eq!(messages(&events), [b"good"]);
}
