//! Bounds on what a peer may send: exact, and judged by the header where a header says it.

mod common;

use common::*;
use sockeye::{Delivery, Limits, Message, Options, ProtocolError};

fn limited(set: impl Fn(&mut Limits)) -> impl Fn(&mut Options) {
    move |options| set(&mut options.limits)
}

#[test]
fn message_of_exactly_the_limit_arrives() {
    for role in ROLES {
        let set = limited(|limits| limits.message_size = 300);
        for first in [0x81, 0x82] {
            let data = vec![b'x'; 300];
            let outcome = feed_everywhere(|| connection_with(role, &set), &to(role, first, &data));
            assert_eq!(outcome.events.len(), 1);
            assert_eq!(outcome.error, None);
            // And in fragments, with an empty one where nothing more would fit.
            let bytes = [
                to(role, first & 0x0F, &data[..100]),
                to(role, 0x00, &data[100..]),
                to(role, 0x80, b""),
            ]
            .concat();
            let outcome = feed_everywhere(|| connection_with(role, &set), &bytes);
            assert_eq!(outcome.events.len(), 1);
            assert_eq!(outcome.error, None);
        }
    }
}

#[test]
fn message_above_the_limit_fails_at_its_header() {
    for role in ROLES {
        let set = limited(|limits| limits.message_size = 300);
        for (first, len) in [(0x81, 301), (0x82, 301), (0x01, 302), (0x02, 1 << 20)] {
            let error = ProtocolError::MessageTooBig { limit: 300 };
            let bytes = header_to(role, first, len);
            assert_failed_with(role, &set, &bytes, &[], 1009, error);
        }
    }
}

#[test]
fn running_total_is_judged_at_the_header_of_each_fragment() {
    for role in ROLES {
        let set = limited(|limits| limits.message_size = 300);
        let error = ProtocolError::MessageTooBig { limit: 300 };
        for (held, next) in [(300, 1), (299, 2), (1, 300), (200, 1 << 20)] {
            let bytes = [
                to(role, 0x02, &vec![0; held]),
                to(role, 0x00, b""),
                header_to(role, 0x00, next),
            ]
            .concat();
            assert_failed_with(role, &set, &bytes, &[], 1009, error);
        }
    }
}

#[test]
fn total_of_a_text_counts_the_character_that_is_cut() {
    for role in ROLES {
        let set = limited(|limits| limits.message_size = 10);
        // Nine bytes, of which three belong to a character that has not ended; two more are one too many.
        let bytes = [
            to(role, 0x01, b"abcdef\xF0\x9F\x98"),
            header_to(role, 0x80, 2),
        ]
        .concat();
        let error = ProtocolError::MessageTooBig { limit: 10 };
        assert_failed_with(role, &set, &bytes, &[], 1009, error);
        let bytes = [
            to(role, 0x01, b"abcdef\xF0\x9F\x98"),
            to(role, 0x80, b"\x80"),
        ]
        .concat();
        assert_received_with(role, &set, &bytes, &[text("abcdef😀")], &[]);
    }
}

#[test]
fn limit_starts_anew_with_each_message() {
    for role in ROLES {
        let set = limited(|limits| limits.message_size = 4);
        let bytes = [
            to(role, 0x01, b"ab"),
            to(role, 0x80, b"cd"),
            to(role, 0x82, b"efgh"),
            to(role, 0x01, b"ijk"),
            to(role, 0x80, b"l"),
        ]
        .concat();
        let events = [text("abcd"), binary(b"efgh"), text("ijkl")];
        assert_received_with(role, &set, &bytes, &events, &[]);
    }
}

#[test]
fn frame_above_its_limit_fails_at_its_header() {
    for role in ROLES {
        let set = limited(|limits| limits.frame_size = 125);
        let error = ProtocolError::FrameTooBig { limit: 125 };
        for first in [0x81, 0x82, 0x01, 0x02] {
            for len in [126, 127, 65_536, u64::MAX >> 1] {
                let bytes = header_to(role, first, len);
                assert_failed_with(role, &set, &bytes, &[], 1009, error);
            }
        }
        let bytes = [to(role, 0x01, &[b'a'; 125]), header_to(role, 0x80, 126)].concat();
        assert_failed_with(role, &set, &bytes, &[], 1009, error);
        let bytes = to(role, 0x82, &[1; 125]);
        assert_received_with(role, &set, &bytes, &[binary(&[1; 125])], &[]);
    }
}

#[test]
fn control_frames_do_not_count() {
    for role in ROLES {
        let set = limited(|limits| {
            limits.message_size = 2;
            limits.frame_size = 1;
            limits.fragments = 2;
        });
        let mut bytes = to(role, 0x01, b"a");
        let mut events = Vec::new();
        for _ in 0..5 {
            bytes.extend(to(role, 0x8A, &[0; 125]));
            events.push(pong(&[0; 125]));
        }
        bytes.extend(to(role, 0x80, b"b"));
        events.push(text("ab"));
        assert_received_with(role, &set, &bytes, &events, &[]);
    }
}

#[test]
fn fragments_above_the_limit_fail_with_1008() {
    for role in ROLES {
        for payload in [&b""[..], b"x"] {
            let set = limited(|limits| limits.fragments = 3);
            let three = [
                to(role, 0x02, payload),
                to(role, 0x00, payload),
                to(role, 0x80, payload),
            ]
            .concat();
            assert_received_with(role, &set, &three, &[binary(&payload.repeat(3))], &[]);
            let four = [
                to(role, 0x02, payload),
                to(role, 0x00, payload),
                to(role, 0x00, payload),
                header_to(role, 0x80, payload.len() as u64),
            ]
            .concat();
            let error = ProtocolError::TooManyFragments { limit: 3 };
            assert_failed_with(role, &set, &four, &[], 1008, error);
        }
    }
}

#[test]
fn default_limit_on_fragments_counts_empty_ones() {
    for role in ROLES {
        let mut bytes = to(role, 0x01, b"");
        for _ in 1..131_072 {
            bytes.extend(to(role, 0x00, b""));
        }
        let mut peer = connection(role);
        assert_eq!(feed(&mut peer, [&bytes[..]]).error, None);
        let outcome = feed(&mut peer, [&to(role, 0x80, b"")[..]]);
        let error = ProtocolError::TooManyFragments { limit: 131_072 };
        assert_eq!(outcome.error, Some(error));
        assert_eq!(outcome.out, failure(role, 1008, error));
    }
}

#[test]
fn fragments_are_counted_in_parts_delivery_too() {
    for role in ROLES {
        let set = |options: &mut Options| {
            options.delivery = Delivery::Parts;
            options.limits.fragments = 3;
        };
        let bytes = [
            to(role, 0x02, b""),
            to(role, 0x00, b""),
            to(role, 0x00, b""),
            header_to(role, 0x00, 0),
        ]
        .concat();
        let error = ProtocolError::TooManyFragments { limit: 3 };
        assert_failed_with(role, set, &bytes, &[], 1008, error);
    }
}

#[test]
fn frame_limit_holds_in_parts_delivery() {
    for role in ROLES {
        let set = |options: &mut Options| {
            options.delivery = Delivery::Parts;
            options.limits.frame_size = 1000;
        };
        let error = ProtocolError::FrameTooBig { limit: 1000 };
        assert_failed_with(role, set, &header_to(role, 0x02, 1001), &[], 1009, error);
    }
}

#[test]
fn default_limits_are_one_mebibyte_and_131072_fragments() {
    let limits = Limits::default();
    assert_eq!(
        (limits.message_size, limits.frame_size, limits.fragments),
        (1 << 20, 1 << 20, 131_072)
    );
    assert_eq!(limits.parts_size, u64::MAX);
    for role in ROLES {
        let options = Options::new(role);
        assert_eq!(options.limits, limits);
        let data = vec![7; 1 << 20];
        let mut peer = connection(role);
        let outcome = feed(&mut peer, [&to(role, 0x82, &data)[..]]);
        assert_eq!(outcome.events, [binary(&data)]);
        let outcome = feed(&mut peer, [&header_to(role, 0x82, (1 << 20) + 1)[..]]);
        let error = ProtocolError::FrameTooBig { limit: 1 << 20 };
        assert_eq!(outcome.error, Some(error));
    }
}

#[test]
fn what_is_sent_has_no_limit() {
    for role in ROLES {
        let mut peer = connection_with(role, limited(|limits| limits.message_size = 0));
        let mut out = Vec::new();
        peer.send(Message::binary(vec![1; 70_000]), &mut out)
            .unwrap();
        assert_eq!(out, from(role, 0x82, &vec![1; 70_000]));
        // Nothing but empty messages may come.
        let outcome = feed(&mut peer, [&to(role, 0x82, b"")[..], &to(role, 0x82, b"x")]);
        assert_eq!(outcome.events, [binary(b"")]);
        let error = ProtocolError::MessageTooBig { limit: 0 };
        assert_eq!(outcome.error, Some(error));
    }
}
