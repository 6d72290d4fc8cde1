//! Fragmentation and the control frames between fragments (RFC 6455 §5.4, §5.5).

mod common;

use common::*;
use sockeye::{Connection, Options, ProtocolError};

#[test]
fn fragments_become_one_message() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b"Hel"), // first fragment of a text
            to(role, 0x00, b"l"),   // continuation
            to(role, 0x80, b"o"),   // FIN, continuation
            to(role, 0x02, &[1]),   // first fragment of a binary message
            to(role, 0x80, &[2]),
        ]
        .concat();
        assert_received(role, &bytes, &[text("Hello"), binary(&[1, 2])], &[]);
    }
}

#[test]
fn empty_fragments_are_fragments() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b""),
            to(role, 0x00, b""),
            to(role, 0x80, b""),
            to(role, 0x02, b""),
            to(role, 0x00, b"x"),
            to(role, 0x80, b""),
            to(role, 0x81, b""),
        ]
        .concat();
        assert_received(role, &bytes, &[text(""), binary(b"x"), text("")], &[]);
    }
}

#[test]
fn control_frames_between_fragments_are_reported_where_they_come() {
    for role in ROLES {
        let bytes = [
            to(role, 0x89, b"0"),
            to(role, 0x01, b"a"),
            to(role, 0x89, b"1"),
            to(role, 0x8A, b"2"),
            to(role, 0x00, b"b"),
            to(role, 0x89, b""),
            to(role, 0x80, b"c"),
            to(role, 0x8A, b"3"),
        ]
        .concat();
        let events = [
            ping(b"0"),
            ping(b"1"),
            pong(b"2"),
            ping(b""),
            text("abc"),
            pong(b"3"),
        ];
        let pongs = [
            from(role, 0x8A, b"0"),
            from(role, 0x8A, b"1"),
            from(role, 0x8A, b""),
        ]
        .concat();
        assert_received(role, &bytes, &events, &pongs);
    }
}

#[test]
fn close_between_fragments_drops_the_message() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b"never finished"),
            to(role, 0x88, &close_payload(1000, "")),
            to(role, 0x80, b"ignored"),
        ]
        .concat();
        let outcome = feed_everywhere(|| connection(role), &bytes);
        assert_eq!(outcome.events, [closed(1000, "")]);
        assert_eq!(outcome.out, from(role, 0x88, &close_payload(1000, "")));
        assert_eq!(outcome.error, None);
    }
}

#[test]
fn continuation_of_nothing_fails_at_its_first_byte() {
    for role in ROLES {
        for first in [0x00, 0x80] {
            let error = ProtocolError::ContinuationUnexpected;
            assert_failed(role, &[first], &[], 1002, error);
            // After a whole message, and after a fragmented one.
            let bytes = [to(role, 0x81, b"a"), vec![first]].concat();
            assert_failed(role, &bytes, &[text("a")], 1002, error);
            let bytes = [to(role, 0x01, b"a"), to(role, 0x80, b"b"), vec![first]].concat();
            assert_failed(role, &bytes, &[text("ab")], 1002, error);
        }
    }
}

#[test]
fn message_within_a_message_fails_at_its_first_byte() {
    for role in ROLES {
        for first in [0x01, 0x02, 0x81, 0x82] {
            let bytes = [to(role, 0x01, b"a"), to(role, 0x89, b"ping"), vec![first]].concat();
            let error = ProtocolError::ContinuationMissing;
            assert_failed(role, &bytes, &[ping(b"ping")], 1002, error);
        }
    }
}

#[test]
fn ping_is_left_to_the_application_when_it_wants() {
    for role in ROLES {
        let make = || {
            let mut options = Options::new(role);
            options.automatic_pong = false;
            Connection::new(role, &options, None, entropy)
        };
        let outcome = feed_everywhere(make, &to(role, 0x89, b"yours"));
        assert_eq!(outcome.events, [ping(b"yours")]);
        assert_eq!(outcome.out, []);
    }
}

#[test]
fn every_ping_of_many_in_one_read_is_answered_in_order() {
    for role in ROLES {
        let mut bytes = Vec::new();
        let mut pongs = Vec::new();
        let mut events = Vec::new();
        for i in 0..10_u8 {
            bytes.extend(to(role, 0x89, &[i]));
            pongs.extend(from(role, 0x8A, &[i]));
            events.push(ping(&[i]));
        }
        assert_received(role, &bytes, &events, &pongs);
    }
}
