//! Sessions that begin after an opening handshake done elsewhere, and what can be changed once a session is open.

use crate::*;

/// A session of this role on a connection that has just been agreed on elsewhere, at second 0.
fn opened(role: Role, agreement: &Agreement) -> Peer {
    let session = match role {
        Role::Server => {
            let mut settings = AcceptSettings::new(UpgradeOptions::new());
            settings.ask = true;
            Session::accepted(at(0), Arc::new(settings), agreement, entropy)
        }
        Role::Client => {
            let options = DialOptions::new("server.example.com", "/chat").unwrap();
            let settings = DialSettings::new(options);
            Session::dialled(at(0), Arc::new(settings), agreement, entropy)
        }
    };
    assert_eq!(session.role(), role);
    Peer {
        session,
        out: Vec::new(),
    }
}

#[test]
fn session_after_a_handshake_elsewhere_is_open_at_once() {
    for role in ROLES {
        let mut peer = opened(role, &Agreement::default());
        assert_eq!(peer.session.state(), Some(State::Open));
        // The timeouts of the connection count from now; the deadline of the handshake is not due.
        let due = match role {
            Role::Server => Some(20),
            Role::Client => None,
        };
        assert_eq!(peer.due(), due);
        peer.session
            .send(Message::text("Hello"), &mut peer.out)
            .unwrap();
        assert_eq!(peer.out, from(role, 0x81, b"Hello"));
        let events = peer.read(1, &to(role, 0x82, b"first"));
        assert_eq!(messages(&events), [b"first"]);
        assert_eq!(events.len(), 1);

        let bytes = to(role, 0x88, &close_payload(1000, ""));
        let (closed, _) = peer.end(2, &bytes);
        assert!(closed.clean);
        assert_eq!(closed.initiator, Initiator::Peer);
    }
}

#[cfg(feature = "deflate")]
#[test]
fn agreement_made_elsewhere_says_whether_messages_are_compressed() {
    for role in ROLES {
        let other = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let mut agreement = Agreement::default();
        agreement.deflate = Some(sockeye::DeflateParameters::default());
        let mut sender = opened(role, &agreement);
        let mut receiver = opened(other, &agreement);
        let message = || Message::text("again and ".repeat(100));
        let mut lens = Vec::new();
        for compress in [true, false, true] {
            sender.session.set_compression(compress);
            sender.session.set_compression_level(1);
            sender.out.clear();
            sender.session.send(message(), &mut sender.out).unwrap();
            assert_eq!(sender.out[0] & 0x40 != 0, compress);
            lens.push(sender.out.len());
            let events = receiver.read(1, &sender.out);
            assert_eq!(messages(&events), [message().as_bytes()]);
        }
        assert!(lens[0] < 100 && lens[1] > 1000, "{lens:?}");
        // What was not agreed on fails.
        let mut peer = opened(role, &Agreement::default());
        let (closed, _) = peer.end(1, &to(role, 0xC1, b"\x00"));
        assert_failed(&closed, Initiator::Local, ProtocolError::ReservedBits);
    }
}

#[test]
fn limits_and_delivery_change_while_a_session_is_open() {
    for role in ROLES {
        let mut peer = Peer::open(role);
        assert!(!peer.session.is_amid_message());
        assert!(peer.read(1, &to(role, 0x01, b"ab")).is_empty());
        assert!(peer.session.is_amid_message());
        let part = peer.session.set_delivery(Delivery::Parts);
        assert_eq!(part, Some(Part::new(MessageKind::Text, b"ab", false)));
        let mut limits = Limits::default();
        limits.parts_size = 3;
        peer.session.set_limits(limits);
        let events = peer.read(1, &to(role, 0x00, b"c"));
        let [SessionEvent::Part(part)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((&*part.data, part.fin), (&b"c"[..], false));
        let (closed, _) = peer.end(1, &to(role, 0x80, b"d"));
        let error = ProtocolError::MessageTooBig { limit: 3 };
        assert_failed(&closed, Initiator::Local, error);
        assert!(!peer.session.is_amid_message());
    }
}

#[test]
fn state_follows_a_session_from_its_handshake_to_its_end() {
    for role in ROLES {
        let mut peer = match role {
            Role::Server => Peer::accept(|_| ()),
            Role::Client => Peer::dial(|_| ()),
        };
        assert_eq!(peer.session.state(), None);
        assert!(!peer.session.is_amid_message());
        // There is no connection to change yet.
        assert_eq!(peer.session.set_delivery(Delivery::Parts), None);
        peer.session.set_limits(Limits::default());
        peer.session.set_compression(false);
        peer.session.set_compression_level(9);
        peer.read(0, opening(role));
        assert_eq!(peer.session.state(), Some(State::Open));
        let events = peer.read(0, &to(role, 0x82, b"whole"));
        assert_eq!(messages(&events), [b"whole"]);
        peer.session.close(at(0), None, &mut peer.out).unwrap();
        assert_eq!(peer.session.state(), Some(State::Closing));
        peer.read(0, &to(role, 0x88, b""));
        assert_eq!(peer.session.state(), Some(State::Closed));
        peer.session.receive_end(None);
        assert_eq!(peer.session.state(), Some(State::Closed));
    }
    assert_eq!(Peer::asking().session.state(), None);
}
