//! The closing handshake (RFC 6455 §5.5.1, §7), and the end of the byte stream at every point.

mod common;

use common::*;
use sockeye::{CloseCode, CloseFrame, Initiator, Message, ProtocolError, Role, SendError, State};

/// Feeds a Close frame with this payload to a connection of `role`, wherever it is cut.
fn receive_close(role: Role, payload: &[u8]) -> Outcome {
    feed_everywhere(|| connection(role), &to(role, 0x88, payload))
}

#[test]
fn close_with_any_permitted_code_is_echoed() {
    for role in ROLES {
        for code in (1000..=1003)
            .chain(1007..=1014)
            .chain([3000, 3999, 4000, 4999])
        {
            let outcome = receive_close(role, &close_payload(code, "why"));
            let expected = Outcome {
                events: vec![closed(code, "why")],
                // The code comes back, the reason does not.
                out: from(role, 0x88, &close_payload(code, "")),
                error: None,
                state: State::Closed,
                initiator: Some(Initiator::Peer),
            };
            assert_eq!(outcome, expected, "{role:?} {code}");
        }
    }
}

#[test]
fn close_with_a_forbidden_code_fails_with_1002() {
    for role in ROLES {
        for code in [
            0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65_535,
        ] {
            let bytes = to(role, 0x88, &close_payload(code, ""));
            let error = ProtocolError::InvalidCloseCode {
                code: CloseCode::new(code),
            };
            assert_failed(role, &bytes, &[], 1002, error);
        }
    }
}

#[test]
fn every_close_code_is_either_echoed_or_refused() {
    for code in 0..=u16::MAX {
        let mut server = connection(Role::Server);
        let bytes = to(Role::Server, 0x88, &close_payload(code, ""));
        let outcome = feed(&mut server, [&bytes[..]]);
        let permitted = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        assert_eq!(outcome.error.is_none(), permitted, "{code}");
        let echoed = if permitted { code } else { 1002 };
        assert_eq!(outcome.out[2..4], echoed.to_be_bytes(), "{code}");
        assert_eq!(server.is_clean(), permitted);
    }
}

#[test]
fn close_without_a_code_is_answered_without_one() {
    for role in ROLES {
        let outcome = receive_close(role, b"");
        let expected = Outcome {
            events: vec![sockeye::Event::Close(None)],
            out: from(role, 0x88, b""),
            error: None,
            state: State::Closed,
            initiator: Some(Initiator::Peer),
        };
        assert_eq!(outcome, expected);
    }
}

#[test]
fn close_with_half_a_code_fails_with_1002() {
    for role in ROLES {
        for byte in [0x00, 0x03, 0xFF] {
            let bytes = to(role, 0x88, &[byte]);
            assert_failed(role, &bytes, &[], 1002, ProtocolError::CloseTruncated);
        }
    }
}

#[test]
fn close_reason_may_fill_the_frame() {
    for role in ROLES {
        // 61 characters of two bytes and one of one: 123 bytes.
        let reason = "ä".repeat(61) + "!";
        let outcome = receive_close(role, &close_payload(4999, &reason));
        assert_eq!(outcome.events, [closed(4999, &reason)]);
    }
}

#[test]
fn close_reason_that_is_not_utf8_fails_with_1007() {
    for role in ROLES {
        for reason in [
            &b"\xFF"[..],
            b"cut \xE2\x82",         // The euro sign lacks its last byte.
            b"\xED\xA0\x80",         // A surrogate.
            b"\xF4\x90\x80\x80 far", // Beyond U+10FFFF.
            b"\xC0\xAF",             // An overlong solidus.
        ] {
            let bytes = to(role, 0x88, &[&[0x03, 0xE8], reason].concat());
            assert_failed(role, &bytes, &[], 1007, ProtocolError::InvalidUtf8);
        }
    }
}

#[test]
fn whatever_follows_a_close_is_ignored() {
    for role in ROLES {
        for after in [
            to(role, 0x81, b"late"),
            to(role, 0x89, b"late"),
            to(role, 0x88, &close_payload(1001, "again")),
            vec![0xFF; 100],
            vec![0x81],
        ] {
            let bytes = [to(role, 0x88, &close_payload(1000, "")), after].concat();
            let outcome = feed_everywhere(|| connection(role), &bytes);
            assert_eq!(outcome.events, [closed(1000, "")]);
            assert_eq!(outcome.out, from(role, 0x88, &close_payload(1000, "")));
            assert_eq!(outcome.error, None);
        }
    }
}

#[test]
fn whatever_follows_a_violation_is_ignored() {
    for role in ROLES {
        let bytes = [vec![0x83], to(role, 0x88, &close_payload(1000, ""))].concat();
        let outcome = feed_everywhere(|| connection(role), &bytes);
        let error = ProtocolError::ReservedOpcode { opcode: 3 };
        assert_eq!(outcome.events, []);
        assert_eq!(outcome.error, Some(error));
        assert_eq!(outcome.out, failure(role, 1002, error));
    }
}

#[test]
fn close_begun_here_waits_for_the_answer() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        peer.close(Some(CloseFrame::new(CloseCode::NORMAL, "bye")), &mut out)
            .unwrap();
        assert_eq!(out, from(role, 0x88, &close_payload(1000, "bye")));
        assert_eq!(
            (peer.state(), peer.initiator(), peer.is_clean()),
            (State::Closing, Some(Initiator::Local), false)
        );
        // Messages still come, and a Ping needs no answer any more.
        let bytes = [
            to(role, 0x81, b"late"),
            to(role, 0x89, b"late"),
            to(role, 0x88, &close_payload(1000, "")),
        ]
        .concat();
        let outcome = feed(&mut peer, [&bytes[..]]);
        let expected = Outcome {
            events: vec![text("late"), ping(b"late"), closed(1000, "")],
            out: vec![],
            error: None,
            state: State::Closed,
            initiator: Some(Initiator::Local),
        };
        assert_eq!(outcome, expected);
        assert!(peer.is_clean());
        assert_eq!(peer.receive_end(), Ok(()));
    }
}

#[test]
fn answer_to_our_close_may_carry_any_code() {
    for role in ROLES {
        for (payload, event) in [
            (vec![], sockeye::Event::Close(None)),
            (close_payload(4321, "mine"), closed(4321, "mine")),
        ] {
            let mut peer = connection(role);
            let mut out = Vec::new();
            peer.close(None, &mut out).unwrap();
            let outcome = feed(&mut peer, [&to(role, 0x88, &payload)[..]]);
            assert_eq!((outcome.events, outcome.out), (vec![event], vec![]));
            assert!(peer.is_clean());
        }
    }
}

#[test]
fn crossing_close_frames_close_both_sides_cleanly() {
    let mut server = connection(Role::Server);
    let mut client = connection(Role::Client);
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let frame = |code| Some(CloseFrame::new(CloseCode::new(code), "crossing"));
    server.close(frame(1001), &mut to_client).unwrap();
    client.close(frame(1000), &mut to_server).unwrap();
    let at_server = feed(&mut server, [&to_server[..]]);
    let at_client = feed(&mut client, [&to_client[..]]);
    assert_eq!(at_server.events, [closed(1000, "crossing")]);
    assert_eq!(at_client.events, [closed(1001, "crossing")]);
    for (peer, outcome) in [(server, at_server), (client, at_client)] {
        assert_eq!(outcome.out, []);
        assert_eq!(outcome.state, State::Closed);
        assert_eq!(outcome.initiator, Some(Initiator::Local));
        assert!(peer.is_clean());
    }
}

#[test]
fn violation_while_closing_ends_without_a_second_close_frame() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        peer.close(None, &mut out).unwrap();
        let outcome = feed(&mut peer, [&[0xFF][..]]);
        assert_eq!(outcome.error, Some(ProtocolError::ReservedBits));
        assert_eq!(outcome.out, []);
        assert_eq!(outcome.state, State::Closed);
        assert!(!peer.is_clean());
    }
}

#[test]
fn nothing_can_be_sent_once_a_close_frame_has_been() {
    for role in ROLES {
        let mut closing = connection(role);
        closing.close(None, &mut Vec::new()).unwrap();
        let mut closed = connection(role);
        feed(&mut closed, [&to(role, 0x88, b"")[..]]);
        let mut failed = connection(role);
        feed(&mut failed, [&[0xFF][..]]);
        let mut ended = connection(role);
        ended.receive_end().unwrap_err();
        for mut peer in [closing, closed, failed, ended] {
            let mut out = Vec::new();
            let state = peer.state();
            assert_eq!(
                peer.send(Message::text("x"), &mut out),
                Err(SendError::CloseSent)
            );
            assert_eq!(peer.ping(b"", &mut out), Err(SendError::CloseSent));
            assert_eq!(peer.pong(b"", &mut out), Err(SendError::CloseSent));
            assert_eq!(peer.close(None, &mut out), Err(SendError::CloseSent));
            assert_eq!(out, []);
            assert_eq!(peer.state(), state);
        }
    }
}

#[test]
fn invalid_close_frame_is_not_sent_and_changes_nothing() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut out = Vec::new();
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            let frame = CloseFrame::new(CloseCode::new(code), "");
            assert_eq!(
                peer.close(Some(frame), &mut out),
                Err(SendError::InvalidCloseCode)
            );
        }
        let long = CloseFrame::new(CloseCode::NORMAL, "x".repeat(124));
        assert_eq!(
            peer.close(Some(long), &mut out),
            Err(SendError::ControlTooLong)
        );
        assert_eq!(out, []);
        assert_eq!((peer.state(), peer.initiator()), (State::Open, None));
        assert_eq!(peer.poll_timeout(), connection(role).poll_timeout());
        let reason = "x".repeat(123);
        let longest = CloseFrame::new(CloseCode::NORMAL, reason.as_str());
        peer.close(Some(longest), &mut out).unwrap();
        assert_eq!(out, from(role, 0x88, &close_payload(1000, &reason)));
    }
}

#[test]
fn end_of_the_stream_without_a_close_frame_is_unexpected_at_every_point() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b"ab"),
            to(role, 0x89, b"ping"),
            to(role, 0x80, b"cd"),
            to(role, 0x88, &close_payload(1000, "bye")),
        ]
        .concat();
        for end in 0..bytes.len() {
            let mut peer = connection(role);
            feed(&mut peer, [&bytes[..end]]);
            let error = ProtocolError::UnexpectedEnd;
            assert_eq!(peer.receive_end(), Err(error), "cut at {end}");
            assert_eq!(error.close_code(), None); // 1006 is for the application, never for the wire.
            assert_eq!(peer.state(), State::Closed);
            assert_eq!(peer.initiator(), Some(Initiator::Transport));
            assert!(!peer.is_clean());
            // Once ended, always ended.
            assert_eq!(peer.receive_end(), Err(error));
            let outcome = feed(&mut peer, [&bytes[end..]]);
            assert_eq!((outcome.error, outcome.out), (Some(error), vec![]));
        }
        let mut peer = connection(role);
        feed(&mut peer, [&bytes[..]]);
        assert_eq!(peer.receive_end(), Ok(()));
        assert!(peer.is_clean());
    }
}

#[test]
fn end_of_the_stream_instead_of_the_answer_to_our_close_is_unexpected() {
    for role in ROLES {
        let mut peer = connection(role);
        peer.close(None, &mut Vec::new()).unwrap();
        assert_eq!(peer.receive_end(), Err(ProtocolError::UnexpectedEnd));
        assert_eq!(peer.initiator(), Some(Initiator::Local));
        assert_eq!(peer.state(), State::Closed);
        assert!(!peer.is_clean());
    }
}

#[test]
fn reason_that_tells_of_a_violation_fits_into_the_frame() {
    use ProtocolError::*;
    for error in [
        ReservedBits,
        ReservedOpcode { opcode: 15 },
        LengthNotMinimal,
        LengthTooBig,
        MaskMissing,
        MaskUnexpected,
        ContinuationUnexpected,
        ContinuationMissing,
        ControlFragmented,
        ControlTooLong,
        CloseTruncated,
        InvalidCloseCode {
            code: CloseCode::new(65_535),
        },
        InvalidUtf8,
        InvalidDeflate,
        FrameTooBig { limit: u64::MAX },
        MessageTooBig { limit: usize::MAX },
        TooManyFragments { limit: u32::MAX },
        MessageTimeout,
        PongTimeout,
    ] {
        let reason = error.to_string();
        assert!(reason.len() <= CloseFrame::MAX_REASON_LEN, "{reason}");
        assert!(error.close_code().is_some_and(CloseCode::is_sendable));
    }
}
