//! permessage-deflate on the wire (RFC 7692).
#![cfg(feature = "deflate")]

mod common;

use common::*;
use sockeye::{
    Connection, DeflateParameters, Delivery, Event, FrameHeader, Message, MessageKind, Options,
    Part, PreparedMessage, ProtocolError, Role, SendError, WindowBits,
};

/// A connection with windows of 15 bits that last, or with these parameters and options.
fn deflating(role: Role, set: impl FnOnce(&mut DeflateParameters, &mut Options)) -> Connection {
    let mut parameters = DeflateParameters::default();
    let mut options = Options::new(role);
    options.deflate.threshold = 0;
    set(&mut parameters, &mut options);
    Connection::new(role, &options, Some(parameters), entropy)
}

fn default(role: Role) -> Connection {
    deflating(role, |_, _| ())
}

#[track_caller]
fn assert_inflated(role: Role, bytes: &[u8], events: &[Event<'static>]) {
    let outcome = feed_everywhere(|| default(role), bytes);
    assert_eq!(outcome.events, events);
    assert_eq!((outcome.out, outcome.error), (vec![], None));
}

/// RFC 7692 §7.2.3.1: "Hello" with fixed codes.
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn examples_of_rfc_7692_section_7_2_3_inflate() {
    for role in ROLES {
        let hello = [text("Hello")];
        // §7.2.3.1, in one frame and in two.
        assert_inflated(role, &to(role, 0xC1, HELLO), &hello);
        let fragments = [to(role, 0x41, &HELLO[..3]), to(role, 0x80, &HELLO[3..])].concat();
        assert_inflated(role, &fragments, &hello);
        // §7.2.3.2: the second "Hello" refers to the first.
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let both = [to(role, 0xC1, HELLO), to(role, 0xC1, &again)].concat();
        assert_inflated(role, &both, &[text("Hello"), text("Hello")]);
        // §7.2.3.3: a stored block.
        let stored = [
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ];
        assert_inflated(role, &to(role, 0xC1, &stored), &hello);
        // §7.2.3.4: BFINAL is set.
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_inflated(role, &to(role, 0xC1, &last), &hello);
        // §7.2.3.5: two blocks.
        let two = [
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ];
        assert_inflated(role, &to(role, 0xC1, &two), &hello);
        // §7.2.3.6: an empty message.
        assert_inflated(role, &to(role, 0xC1, &[0x00]), &[text("")]);
    }
}

#[test]
fn compressed_and_uncompressed_messages_mix() {
    for role in ROLES {
        let bytes = [
            to(role, 0xC1, HELLO),
            to(role, 0x81, b"plain"),
            to(role, 0x42, HELLO),
            to(role, 0x8A, b"between"),
            to(role, 0x80, b""),
            to(role, 0x01, b"pl"),
            to(role, 0x80, b"ain"),
        ]
        .concat();
        let events = [
            text("Hello"),
            text("plain"),
            pong(b"between"),
            binary(b"Hello"),
            text("plain"),
        ];
        assert_inflated(role, &bytes, &events);
    }
}

#[test]
fn rsv1_is_for_first_frames_of_messages_only() {
    for role in ROLES {
        let make = || default(role);
        for bytes in [
            vec![0xC9],
            vec![0xC8],
            vec![0xCA],
            vec![0xC0],
            [to(role, 0x41, HELLO), vec![0xC0]].concat(),
            [to(role, 0x01, b"plain"), vec![0x40]].concat(),
            vec![0xA1],
            vec![0xD1],
        ] {
            let outcome = feed_everywhere(make, &bytes);
            assert_eq!(outcome.error, Some(ProtocolError::ReservedBits));
            assert_eq!(
                outcome.out,
                failure(role, 1002, ProtocolError::ReservedBits)
            );
        }
    }
}

#[test]
fn message_that_does_not_inflate_fails_with_1007() {
    for role in ROLES {
        for payload in [
            &[0x06][..],                     // A block of the reserved type 3.
            &[0x00, 0x05, 0x00, 0x00, 0x00], // A stored block whose length is not complemented.
            &[0xf2, 0x48, 0xcd],             // The end of a block is missing.
            &[0x62, 0x00, 0x02, 0x00],       // A distance before the beginning.
            &[0xff; 20],
        ] {
            let outcome = feed_everywhere(|| default(role), &to(role, 0xC2, payload));
            let error = ProtocolError::InvalidDeflate;
            assert_eq!(outcome.error, Some(error), "{payload:02x?}");
            assert_eq!(outcome.events, []);
            assert_eq!(outcome.out, failure(role, 1007, error));
        }
    }
}

#[test]
fn limit_is_on_the_inflated_message_and_exact() {
    for role in ROLES {
        let peer = |limit: usize| {
            move || deflating(role, |_, options| options.limits.message_size = limit)
        };
        let bytes = to(role, 0xC1, HELLO);
        let outcome = feed_everywhere(peer(5), &bytes);
        assert_eq!(outcome.events, [text("Hello")]);
        for limit in 0..5 {
            let outcome = feed_everywhere(peer(limit), &bytes);
            let error = ProtocolError::MessageTooBig { limit };
            assert_eq!(outcome.error, Some(error));
            assert_eq!(outcome.out, failure(role, 1009, error));
        }
        // The total of fragments, too.
        let bytes = [to(role, 0x41, &HELLO[..4]), to(role, 0x80, &HELLO[4..])].concat();
        let outcome = feed_everywhere(peer(4), &bytes);
        assert_eq!(
            outcome.error,
            Some(ProtocolError::MessageTooBig { limit: 4 })
        );
    }
}

#[test]
fn limit_of_parts_is_on_the_inflated_message_and_exact() {
    for role in ROLES {
        let peer = |limit: u64| {
            move || {
                deflating(role, |_, options| {
                    options.delivery = Delivery::Parts;
                    options.limits.message_size = 0;
                    options.limits.parts_size = limit;
                })
            }
        };
        let bytes = to(role, 0xC1, HELLO);
        let outcome = feed_everywhere(peer(5), &bytes);
        let hello = Event::Part(Part::new(MessageKind::Text, b"Hello", true));
        assert_eq!((&outcome.events[..], outcome.error), (&[hello][..], None));
        for limit in 0..5 {
            let error = ProtocolError::MessageTooBig { limit };
            // Not even the part that holds the last byte within the limit, when one beyond it came with it.
            let outcome = feed(&mut peer(limit as u64)(), [&bytes[..]]);
            assert_eq!((outcome.events, outcome.error), (vec![], Some(error)));
            assert_eq!(outcome.out, failure(role, 1009, error));
            let outcome = feed(&mut peer(limit as u64)(), bytes.chunks(1));
            assert_eq!(outcome.error, Some(error));
        }
        // A mebibyte of zeros in a kibibyte: handed over is at most the limit, and no more is inflated.
        let mut sender = deflating(
            match role {
                Role::Server => Role::Client,
                Role::Client => Role::Server,
            },
            |_, _| (),
        );
        let mut bomb = Vec::new();
        let zeros = Message::binary(vec![0; 1 << 20]);
        sender.send(zeros, &mut bomb).unwrap();
        assert!(bomb.len() < 4096);
        for limit in [10_000, 1 << 19, (1 << 20) - 1] {
            let outcome = feed(&mut peer(limit as u64)(), [&bomb[..]]);
            let error = ProtocolError::MessageTooBig { limit };
            assert_eq!(outcome.error, Some(error));
            let len: usize = outcome
                .events
                .iter()
                .map(|event| match event {
                    Event::Part(part) => part.data.len(),
                    other => panic!("{other:?}"),
                })
                .sum();
            assert!(len <= limit && len + 4 * 1032 >= limit, "{len} of {limit}");
        }
        assert_eq!(feed(&mut peer(1 << 20)(), [&bomb[..]]).error, None);
    }
}

#[test]
fn compressed_text_fails_at_the_frame_that_shows_it() {
    for role in ROLES {
        for invalid in [
            &b"abc\xFFabcabc"[..],
            b"abc\xED\xA0\x80",
            b"\xC3\xC3 and more",
        ] {
            // Stored, so that each byte of the frame is a byte of the message.
            let len = invalid.len() as u8;
            let payload = [&[0x00, len, 0x00, !len, 0xFF], invalid].concat();
            let frame = to(role, 0x41, &payload);
            let at = core::str::from_utf8(invalid).unwrap_err();
            // Its first byte, then those that could begin a character.
            let failing = frame.len() - invalid.len() + at.valid_up_to() + at.error_len().unwrap();
            let outcome = feed(&mut default(role), frame[..failing + 1].chunks(1));
            let error = ProtocolError::InvalidUtf8;
            assert_eq!(outcome.error, Some(error), "{invalid:02x?}");
            assert_eq!(outcome.out, failure(role, 1007, error));
            let outcome = feed_everywhere(|| default(role), &frame);
            assert_eq!(outcome.error, Some(error));
        }
        // Cut at the end of the message.
        let payload = [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xE2, 0x82, 0x00];
        let outcome = feed_everywhere(|| default(role), &to(role, 0xC1, &payload));
        assert_eq!(outcome.error, Some(ProtocolError::InvalidUtf8));
    }
}

#[test]
fn no_context_takeover_is_required_of_the_peer() {
    for role in ROLES {
        // RFC 7692 §7.2.3.2: refers to the message before it.
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let bytes = [to(role, 0xC1, HELLO), to(role, 0xC1, &again)].concat();
        let make = || {
            deflating(role, |parameters, _| match role {
                Role::Server => parameters.client_no_context_takeover = true,
                Role::Client => parameters.server_no_context_takeover = true,
            })
        };
        let outcome = feed_everywhere(make, &bytes);
        assert_eq!(outcome.events, [text("Hello")]);
        assert_eq!(outcome.error, Some(ProtocolError::InvalidDeflate));
    }
}

#[test]
fn parts_are_inflated_as_they_come() {
    for role in ROLES {
        let make = || deflating(role, |_, options| options.delivery = Delivery::Parts);
        let bytes = [
            to(role, 0x41, &HELLO[..4]),
            to(role, 0x8A, b""),
            to(role, 0x80, &HELLO[4..]),
        ]
        .concat();
        let outcome = feed_everywhere(make, &bytes);
        assert_eq!(outcome.error, None);
        let mut joined = Vec::new();
        for event in outcome.events {
            match event {
                Event::Part(part) => joined.extend_from_slice(&part.data),
                other => assert_eq!(other, pong(b"")),
            }
        }
        assert_eq!(joined, b"Hello");
    }
}

#[test]
fn message_below_the_threshold_goes_out_uncompressed() {
    for role in ROLES {
        let mut peer = deflating(role, |_, options| options.deflate.threshold = 10);
        let mut out = Vec::new();
        peer.send(Message::binary(vec![b'a'; 9]), &mut out).unwrap();
        peer.send_part(
            &Part::new(MessageKind::Binary, &b"aaaaaaaaa"[..], true),
            &mut out,
        )
        .unwrap();
        let mut prepared = PreparedMessage::new(Message::binary(vec![b'a'; 9]));
        peer.send_prepared(&mut prepared, &mut out).unwrap();
        assert_eq!(out, from(role, 0x82, b"aaaaaaaaa").repeat(3));
        out.clear();
        peer.send(Message::binary(vec![b'a'; 10]), &mut out)
            .unwrap();
        assert_eq!(out[0], 0xC2); // FIN, RSV1, binary
        // A first part says nothing about the length of the message.
        out.clear();
        peer.send_part(&Part::new(MessageKind::Text, &b"a"[..], false), &mut out)
            .unwrap();
        assert_eq!(out[0], 0x41); // RSV1, text
    }
}

#[test]
fn empty_message_is_compressed_as_one_zero_byte() {
    for role in ROLES {
        let mut peer = default(role);
        let mut out = Vec::new();
        peer.send("".into(), &mut out).unwrap();
        peer.send_prepared(&mut PreparedMessage::new("".into()), &mut out)
            .unwrap();
        // RFC 7692 §7.2.3.6.
        assert_eq!(out, from(role, 0xC1, &[0x00]).repeat(2));
    }
}

#[test]
fn control_frames_are_never_compressed() {
    for role in ROLES {
        let mut peer = default(role);
        let mut out = Vec::new();
        peer.ping(&[b'a'; 100], &mut out).unwrap();
        peer.pong(&[b'a'; 100], &mut out).unwrap();
        let expected = [
            from(role, 0x89, &[b'a'; 100]),
            from(role, 0x8A, &[b'a'; 100]),
        ];
        assert_eq!(out, expected.concat());
    }
}

#[test]
fn parts_carry_rsv1_on_the_first_frame_only() {
    let mut server = default(Role::Server);
    let mut out = Vec::new();
    for (data, fin) in [("Hel", false), ("", false), ("lo", true)] {
        let part = Part::new(MessageKind::Text, data.as_bytes(), fin);
        server.send_part(&part, &mut out).unwrap();
    }
    let mut firsts = Vec::new();
    let mut rest = &out[..];
    while let Some((header, len)) = FrameHeader::decode(rest).unwrap() {
        firsts.push(rest[0]);
        rest = &rest[len + header.payload_len as usize..];
    }
    assert_eq!(firsts, [0x41, 0x00, 0x80]);
    let outcome = feed_everywhere(|| default(Role::Client), &out);
    assert_eq!(outcome.events, [text("Hello")]);
}

#[test]
fn refused_part_leaves_the_compressor_as_it_was() {
    let mut server = default(Role::Server);
    let mut out = Vec::new();
    let part = |data: &'static [u8], fin| Part::new(MessageKind::Text, data, fin);
    server
        .send_part(&part(b"Hello, ", false), &mut out)
        .unwrap();
    let before = out.clone();
    assert_eq!(
        server.send_part(&part(b"\xFF", true), &mut out),
        Err(SendError::InvalidUtf8)
    );
    assert_eq!(
        server.send("x".into(), &mut out),
        Err(SendError::MessageUnfinished)
    );
    assert_eq!(out, before);
    server.send_part(&part(b"world", true), &mut out).unwrap();
    server.send("Hello, world".into(), &mut out).unwrap();
    let outcome = feed(&mut default(Role::Client), [&out[..]]);
    assert_eq!(outcome.events, [text("Hello, world"), text("Hello, world")]);
}

#[test]
fn prepared_messages_fit_between_others_whatever_the_windows() {
    for bits in 8..=15 {
        for no_context_takeover in [false, true] {
            let set = |parameters: &mut DeflateParameters, _: &mut Options| {
                parameters.server_max_window_bits = WindowBits::new(bits).unwrap();
                parameters.server_no_context_takeover = no_context_takeover;
            };
            let mut server = deflating(Role::Server, set);
            let mut client = deflating(Role::Client, set);
            let words = "the quick brown fox jumps over the lazy dog ".repeat(20);
            let mut prepared = PreparedMessage::new(Message::text(&*words));
            let mut out = Vec::new();
            for _ in 0..3 {
                server.send(Message::text(&*words), &mut out).unwrap();
                server.send_prepared(&mut prepared, &mut out).unwrap();
                server.send_prepared(&mut prepared, &mut out).unwrap();
                let part = Part::new(MessageKind::Text, words.as_bytes(), true);
                server.send_part(&part, &mut out).unwrap();
            }
            let outcome = feed(&mut client, [&out[..]]);
            assert_eq!(outcome.error, None);
            assert_eq!(outcome.events, vec![text(&words); 12]);
        }
    }
}

#[test]
fn context_takeover_makes_the_second_message_smaller() {
    for role in ROLES {
        let len = |no_context_takeover: bool| {
            let mut peer = deflating(role, |parameters, _| {
                parameters.server_no_context_takeover = no_context_takeover;
                parameters.client_no_context_takeover = no_context_takeover;
            });
            let (mut first, mut next) = (Vec::new(), Vec::new());
            let message = "no two of these words are the same";
            peer.send(message.into(), &mut first).unwrap();
            peer.send(message.into(), &mut next).unwrap();
            (first.len(), next.len())
        };
        let (first, next) = len(false);
        assert!(next < first / 2, "{first}, {next}");
        let (first, next) = len(true);
        assert_eq!(first, next);
    }
}
