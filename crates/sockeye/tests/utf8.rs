//! Text is UTF-8 (RFC 6455 §8.1), judged byte by byte as it arrives.

mod common;

use common::*;
use sockeye::{Delivery, Event, MessageKind, ProtocolError};

/// Texts that are valid, with the borders of every class of character (Autobahn 6.2, 6.5–6.7, 6.9, 6.11, 6.13, 6.22, 6.23).
const VALID: &[&[u8]] = &[
    b"",
    b"Hello",
    "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(),
    b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5", // κόσμε
    b"\x00",                                         // U+0000
    b"\x7F",                                         // U+007F
    b"\xC2\x80",                                     // U+0080
    b"\xDF\xBF",                                     // U+07FF
    b"\xE0\xA0\x80",                                 // U+0800
    b"\xED\x9F\xBF",                                 // U+D7FF
    b"\xEE\x80\x80",                                 // U+E000
    b"\xEF\xBF\xBD",                                 // U+FFFD
    b"\xEF\xBF\xBE",                                 // U+FFFE
    b"\xEF\xBF\xBF",                                 // U+FFFF
    b"\xF0\x90\x80\x80",                             // U+10000
    b"\xF0\x9F\x98\x80",                             // U+1F600
    b"\xF4\x8F\xBF\xBE",                             // U+10FFFE
    b"\xF4\x8F\xBF\xBF",                             // U+10FFFF
];

/// Texts that are not valid, with the index of the first byte that shows it; the length where only the end does
/// (Autobahn 6.3, 6.8, 6.10, 6.12, 6.14–6.21).
const INVALID: &[(&[u8], usize)] = &[
    // A surrogate within a text, and more text after it.
    (b"\xCE\xBA\xE1\xBD\xB9\xED\xA0\x80\x65\x64", 6),
    // Beyond U+10FFFF.
    (b"\xCE\xBA\xF4\x90\x80\x80\x65", 3),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xF7\xBF\xBF\xBF", 0),
    // Five and six bytes.
    (b"\xF8\x88\x80\x80\x80", 0),
    (b"\xFC\x84\x80\x80\x80\x80", 0),
    (b"\xFE", 0),
    (b"\xFF", 0),
    // Continuations of nothing.
    (b"\x80", 0),
    (b"\xBF", 0),
    (b"a\x80\xBF", 1),
    (b"\xC2\x80\x80", 2),
    // Characters whose end does not come.
    (b"\xC2 ", 1),
    (b"\xE2\x82 ", 2),
    (b"\xF0\x9F\x98 ", 3),
    (b"\xE2\xE2", 1),
    // The same at the end of the text.
    (b"\xC2", 1),
    (b"ab\xE2\x82", 4),
    (b"\xF0\x9F\x98", 3),
    (b"\xF4\x8F\xBF", 3),
    // Overlong: the solidus, the longest of each class, U+0000.
    (b"\xC0\xAF", 0),
    (b"\xC1\xBF", 0),
    (b"\xE0\x80\xAF", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xF0\x80\x80\xAF", 1),
    (b"\xF0\x8F\xBF\xBF", 1),
    (b"\xC0\x80", 0),
    (b"\xE0\x80\x80", 1),
    (b"\xF0\x80\x80\x80", 1),
    // Surrogates: the first, the last, a pair.
    (b"\xED\xA0\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xED\xA0\xBD\xED\xB8\x80", 1),
];

/// Text before the vector, so that it lies at every place of a word, and beyond what a fast path looks at in one go.
const PREFIXES: [usize; 6] = [0, 1, 3, 7, 61, 130];

#[test]
fn valid_text_arrives_wherever_it_is_cut() {
    for role in ROLES {
        for valid in VALID {
            for prefix in PREFIXES {
                let payload = [&vec![b'.'; prefix][..], valid].concat();
                let expected = text(core::str::from_utf8(&payload).unwrap());
                assert_received(role, &to(role, 0x81, &payload), &[expected], &[]);
            }
        }
    }
}

#[test]
fn valid_text_arrives_wherever_it_is_fragmented() {
    for role in ROLES {
        for valid in VALID {
            for first in 0..=valid.len() {
                for second in first..=valid.len() {
                    let bytes = [
                        to(role, 0x01, &valid[..first]),
                        to(role, 0x00, &valid[first..second]),
                        to(role, 0x89, b""),
                        to(role, 0x80, &valid[second..]),
                    ]
                    .concat();
                    let expected = text(core::str::from_utf8(valid).unwrap());
                    let outcome = feed(&mut connection(role), bytes.chunks(1));
                    assert_eq!(outcome.events, [ping(b""), expected.clone()]);
                    let outcome = feed(&mut connection(role), [&bytes[..]]);
                    assert_eq!(outcome.events, [ping(b""), expected]);
                }
            }
        }
    }
}

#[test]
fn invalid_text_fails_at_its_first_offending_byte_inside_a_frame() {
    for role in ROLES {
        for (invalid, at) in INVALID {
            for prefix in PREFIXES {
                let text = [&vec![b'.'; prefix][..], invalid].concat();
                let frame = to(role, 0x81, &text);
                let header_len = frame.len() - text.len();
                // The frame fails at that byte, and a frame of another length that has the same beginning does too: the end has
                // not been seen.
                let failing = header_len + (prefix + at + 1).min(text.len());
                assert_failed(
                    role,
                    &frame[..failing],
                    &[],
                    1007,
                    ProtocolError::InvalidUtf8,
                );
                let outcome = feed_everywhere(|| connection(role), &frame);
                assert_eq!(outcome.error, Some(ProtocolError::InvalidUtf8));
            }
        }
    }
}

#[test]
fn invalid_text_fails_in_fragments_too() {
    for role in ROLES {
        for (invalid, at) in INVALID {
            for cut in 0..=invalid.len() {
                let bytes = [
                    to(role, 0x01, &invalid[..cut]),
                    to(role, 0x8A, b""),
                    to(role, 0x80, &invalid[cut..]),
                ]
                .concat();
                let outcome = feed_everywhere(|| connection(role), &bytes);
                assert_eq!(outcome.error, Some(ProtocolError::InvalidUtf8));
                // The offending byte lies before the Pong, or behind it.
                let pongs = if *at < cut { vec![] } else { vec![pong(b"")] };
                assert_eq!(outcome.events, pongs, "{invalid:02x?} cut at {cut}");
            }
        }
    }
}

#[test]
fn text_cut_at_the_end_of_a_fragment_is_not_yet_invalid() {
    for role in ROLES {
        let bytes = [to(role, 0x01, b"\xF0\x9F\x98"), to(role, 0x00, b"")].concat();
        let outcome = feed_everywhere(|| connection(role), &bytes);
        assert_eq!(outcome.error, None);
        let bytes = [bytes, to(role, 0x80, b"")].concat();
        assert_failed(role, &bytes, &[], 1007, ProtocolError::InvalidUtf8);
    }
}

#[test]
fn character_cut_by_the_end_of_a_message_does_not_touch_the_next() {
    for role in ROLES {
        let bytes = [to(role, 0x82, b"\xF0\x9F"), to(role, 0x81, b"ok")].concat();
        let events = [binary(b"\xF0\x9F"), text("ok")];
        assert_received(role, &bytes, &events, &[]);
    }
}

#[test]
fn binary_messages_hold_any_bytes() {
    for role in ROLES {
        for (data, _) in INVALID {
            assert_received(role, &to(role, 0x82, data), &[binary(data)], &[]);
        }
    }
}

#[test]
fn text_in_parts_is_judged_alike() {
    let parts = |options: &mut sockeye::Options| options.delivery = Delivery::Parts;
    for role in ROLES {
        for (invalid, at) in INVALID {
            let frame = to(role, 0x81, invalid);
            let failing = frame.len() - invalid.len() + (at + 1).min(invalid.len());
            for bytes in [&frame[..], &frame[..failing]] {
                let mut peer = connection_with(role, parts);
                let outcome = feed(&mut peer, bytes.chunks(1));
                assert_eq!(outcome.error, Some(ProtocolError::InvalidUtf8));
                // What was handed over before is a beginning that valid text can have.
                let before = outcome.events.iter().flat_map(|event| match event {
                    Event::Part(part) if part.kind == MessageKind::Text => part.data.to_vec(),
                    other => panic!("{other:?}"),
                });
                assert_eq!(
                    before.collect::<Vec<u8>>(),
                    invalid[..*at.min(&(invalid.len() - 1))]
                );
            }
        }
    }
}

#[test]
fn every_pair_of_bytes_is_judged_like_the_standard_library_does() {
    let role = sockeye::Role::Client;
    for first in 0x7F..=0xFF_u8 {
        for next in 0..=0xFF_u8 {
            for text in [
                vec![first, next],
                vec![first, next, 0x80],
                vec![b'a', first, next, 0x80, 0x80],
            ] {
                let bytes = to(role, 0x81, &text);
                let valid = core::str::from_utf8(&text).is_ok();
                for cut in [0, 3, 4] {
                    let (head, tail) = bytes.split_at(cut);
                    let outcome = feed(&mut connection(role), [head, tail]);
                    assert_eq!(outcome.error.is_none(), valid, "{text:02x?} cut at {cut}");
                }
            }
        }
    }
}
