//! Messages received in parts, as they come.

mod common;

use core::time::Duration;
use std::borrow::Cow;

use common::*;
use sockeye::{Connection, Delivery, Event, MessageKind, Options, Part, ProtocolError, Role};

fn in_parts(options: &mut Options) {
    options.delivery = Delivery::Parts;
}

fn part(kind: MessageKind, data: &[u8], fin: bool) -> Event<'static> {
    Event::Part(Part::new(kind, data.to_vec(), fin))
}

#[test]
fn message_in_one_read_is_one_final_part() {
    for role in ROLES {
        let bytes = [to(role, 0x81, b"Hello"), to(role, 0x82, b"")].concat();
        let events = [
            part(MessageKind::Text, b"Hello", true),
            part(MessageKind::Binary, b"", true),
        ];
        assert_received_with(role, in_parts, &bytes, &events, &[]);
    }
}

#[test]
fn part_is_what_a_read_brought_of_a_frame() {
    for role in ROLES {
        let frames = [to(role, 0x02, b"abcdef"), to(role, 0x80, b"gh")];
        let (head, tail) = frames[0].split_at(frames[0].len() - 2);
        let mut peer = connection_with(role, in_parts);
        let outcome = feed(&mut peer, [head, tail, &frames[1]]);
        let parts = [
            part(MessageKind::Binary, b"abcd", false),
            part(MessageKind::Binary, b"ef", false),
            part(MessageKind::Binary, b"gh", true),
        ];
        assert_eq!(outcome.events, parts);
    }
}

#[test]
fn empty_frame_is_reported_only_where_it_ends_a_message() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b""),
            to(role, 0x00, b""),
            to(role, 0x00, b"x"),
            to(role, 0x00, b""),
            to(role, 0x80, b""),
        ]
        .concat();
        let outcome = feed(&mut connection_with(role, in_parts), [&bytes[..]]);
        let parts = [
            part(MessageKind::Text, b"x", false),
            part(MessageKind::Text, b"", true),
        ];
        assert_eq!(outcome.events, parts);
    }
}

#[test]
fn control_frames_are_reported_between_parts() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b"a"),
            to(role, 0x89, b"now"),
            to(role, 0x80, b"b"),
        ]
        .concat();
        let events = [
            part(MessageKind::Text, b"a", false),
            ping(b"now"),
            part(MessageKind::Text, b"b", true),
        ];
        let pong = from(role, 0x8A, b"now");
        assert_received_with(role, in_parts, &bytes, &events, &pong);
    }
}

#[test]
fn character_may_be_cut_between_parts_of_a_text() {
    for role in ROLES {
        let bytes = [to(role, 0x01, b"\xE2\x82"), to(role, 0x80, b"\xAC")].concat();
        let outcome = feed(&mut connection_with(role, in_parts), [&bytes[..]]);
        let parts = [
            part(MessageKind::Text, b"\xE2\x82", false),
            part(MessageKind::Text, b"\xAC", true),
        ];
        assert_eq!(outcome.events, parts);
        let bytes = [to(role, 0x01, b"\xE2\x82"), to(role, 0x80, b"")].concat();
        let outcome = feed(&mut connection_with(role, in_parts), [&bytes[..]]);
        assert_eq!(outcome.error, Some(ProtocolError::InvalidUtf8));
        assert_eq!(outcome.events, parts[..1]);
    }
}

#[test]
fn parts_lie_in_the_input() {
    for role in ROLES {
        let mut peer = connection_with(role, in_parts);
        let mut bytes = [to(role, 0x02, b"abc"), to(role, 0x80, b"def")].concat();
        let end = bytes.as_ptr_range().end;
        let mut input = &mut bytes[..];
        let mut out = Vec::new();
        for fin in [false, true] {
            let event = peer.receive(&mut input, &mut out).unwrap();
            let Some(Event::Part(part)) = event else {
                panic!("{event:?}");
            };
            assert!(matches!(part.data, Cow::Borrowed(_)));
            assert_eq!(part.fin, fin);
            if fin {
                assert_eq!(part.data.as_ptr_range().end, end);
            }
        }
    }
}

#[test]
fn message_far_above_the_limit_passes() {
    for role in ROLES {
        let set = |options: &mut Options| {
            in_parts(options);
            options.limits.message_size = 1000;
            options.limits.frame_size = 1 << 20;
            options.limits.fragments = 40;
        };
        let mut peer = connection_with(role, set);
        let mut out = Vec::new();
        let mut received = 0_u64;
        for frame in 0..40_u8 {
            let first = match frame {
                0 => 0x02,
                39 => 0x80,
                _ => 0x00,
            };
            let mut bytes = to(role, first, &vec![frame; 1 << 20]);
            for read in bytes.chunks_mut(16_384) {
                let mut input = read;
                while let Some(event) = peer.receive(&mut input, &mut out).unwrap() {
                    let Event::Part(part) = event else {
                        panic!("{event:?}");
                    };
                    assert!(part.data.iter().all(|byte| *byte == frame));
                    received += part.data.len() as u64;
                    assert_eq!(part.fin, received == 40 << 20);
                }
            }
        }
        assert_eq!(received, 40 << 20);
        assert_eq!(out, []);
    }
}

#[test]
fn age_of_a_message_in_parts_is_the_time_since_the_last_part() {
    let seconds = Duration::from_secs;
    let mut options = Options::new(Role::Client);
    in_parts(&mut options);
    options.timeouts.message = Some(seconds(30));
    let mut client = Connection::new(Role::Client, &options, None, entropy);
    let mut out = Vec::new();
    client.handle_timeout(seconds(100), &mut out).unwrap();
    feed(&mut client, [&to(Role::Client, 0x02, b"a")[..]]);
    assert_eq!(client.poll_timeout(), Some(seconds(130)));
    client.handle_timeout(seconds(120), &mut out).unwrap();
    feed(&mut client, [&to(Role::Client, 0x00, b"b")[..]]);
    assert_eq!(client.poll_timeout(), Some(seconds(150)));
    // A Ping is not a part.
    client.handle_timeout(seconds(140), &mut out).unwrap();
    feed(&mut client, [&to(Role::Client, 0x89, b"")[..]]);
    assert_eq!(client.poll_timeout(), Some(seconds(150)));
    // Nor is an empty frame.
    feed(&mut client, [&to(Role::Client, 0x00, b"")[..]]);
    assert_eq!(client.poll_timeout(), Some(seconds(150)));
    feed(&mut client, [&to(Role::Client, 0x80, b"c")[..]]);
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn message_of_which_no_part_was_handed_over_comes_whole_after_all() {
    for role in ROLES {
        let bytes = [to(role, 0x01, b""), to(role, 0x80, b"abc")].concat();
        for cut in 0..=bytes.len() - 3 {
            let mut peer = connection_with(role, in_parts);
            assert_eq!(feed(&mut peer, [&bytes[..cut]]).events, []);
            assert_eq!(peer.set_delivery(Delivery::Messages), None);
            let outcome = feed(&mut peer, [&bytes[cut..]]);
            let message = Event::Message(sockeye::Message::text("abc"));
            assert_eq!(outcome.events, [message], "cut at {cut}");
        }
        // After a part the rest is dropped, also when parts were asked for in between.
        let mut peer = connection_with(role, in_parts);
        let first = bytes.len() - 2;
        assert_eq!(feed(&mut peer, [&bytes[..first]]).events.len(), 1);
        assert_eq!(peer.set_delivery(Delivery::Messages), None);
        assert_eq!(peer.set_delivery(Delivery::Parts), None);
        assert_eq!(peer.set_delivery(Delivery::Messages), None);
        assert_eq!(feed(&mut peer, [&bytes[first..]]).events, []);
    }
}

#[test]
fn message_that_comes_whole_after_all_is_bounded() {
    for role in ROLES {
        let set = |options: &mut Options| {
            in_parts(options);
            options.limits.message_size = 1000;
        };
        let bytes = to(role, 0x02, &[7; 1001]);
        let header = bytes.len() - 1001;
        let mut peer = connection_with(role, set);
        feed(&mut peer, [&bytes[..header]]);
        peer.set_delivery(Delivery::Messages);
        // Its frame has announced its length by then: not one byte is held.
        let outcome = feed(&mut peer, [&bytes[header..=header]]);
        let error = ProtocolError::MessageTooBig { limit: 1000 };
        assert_eq!((outcome.events, outcome.error), (vec![], Some(error)));
    }
}

fn bounded(limit: u64) -> impl Fn(&mut Options) {
    move |options| {
        in_parts(options);
        options.limits.message_size = 1;
        options.limits.parts_size = limit;
    }
}

#[test]
fn message_in_parts_of_exactly_its_limit_passes() {
    for role in ROLES {
        let bytes = [
            to(role, 0x01, b"abcd"),
            to(role, 0x00, b"ef"),
            to(role, 0x89, b"not counted"),
            to(role, 0x80, b""),
            // And it starts anew.
            to(role, 0x82, b"ghijkl"),
        ]
        .concat();
        let outcome = feed_everywhere(|| connection_with(role, bounded(6)), &bytes);
        let events = [
            part(MessageKind::Text, b"abcdef", false),
            ping(b"not counted"),
            part(MessageKind::Text, b"", true),
            part(MessageKind::Binary, b"ghijkl", true),
        ];
        assert_eq!((outcome.events, outcome.error), (events.to_vec(), None));
    }
}

#[test]
fn message_in_parts_above_its_limit_fails_at_the_header_that_says_so() {
    for role in ROLES {
        let error = ProtocolError::MessageTooBig { limit: 6 };
        for (first, len) in [(0x01, 7), (0x82, 7), (0x02, 1 << 20)] {
            let bytes = header_to(role, first, len);
            assert_failed_with(role, bounded(6), &bytes, &[], 1009, error);
        }
        for (held, next) in [(6, 1), (5, 2), (1, 1 << 20)] {
            let bytes = [
                to(role, 0x02, &vec![7; held]),
                to(role, 0x00, b""),
                header_to(role, 0x00, next),
            ]
            .concat();
            let events = [part(MessageKind::Binary, &vec![7; held], false)];
            assert_failed_with(role, bounded(6), &bytes, &events, 1009, error);
        }
        let none = ProtocolError::MessageTooBig { limit: 0 };
        assert_failed_with(role, bounded(0), &header_to(role, 0x82, 1), &[], 1009, none);
        let huge = header_to(role, 0x82, u64::MAX >> 1);
        let set = |options: &mut Options| {
            bounded(u64::MAX)(options);
            options.limits.frame_size = u64::MAX;
        };
        assert_eq!(
            feed(&mut connection_with(role, set), [&huge[..]]).error,
            None
        );
    }
}

#[test]
fn limit_of_parts_does_not_bound_whole_messages() {
    for role in ROLES {
        let set = |options: &mut Options| options.limits.parts_size = 0;
        let bytes = [to(role, 0x01, b"ab"), to(role, 0x80, b"c")].concat();
        assert_received_with(role, set, &bytes, &[text("abc")], &[]);
    }
}

#[test]
fn limit_of_parts_counts_across_changes_of_delivery() {
    for role in ROLES {
        let set = |options: &mut Options| options.limits.parts_size = 6;
        let error = Some(ProtocolError::MessageTooBig { limit: 6 });
        let frames = [
            to(role, 0x02, b"abcd"),
            to(role, 0x00, b"ef"),
            to(role, 0x80, b"g"),
        ];
        // What was held counts once it is handed over.
        let mut peer = connection_with(role, set);
        feed(&mut peer, [&frames[0][..]]);
        let first = peer.set_delivery(Delivery::Parts);
        assert_eq!(first, Some(Part::new(MessageKind::Binary, b"abcd", false)));
        let outcome = feed(&mut peer, [&frames[1][..], &frames[2]]);
        assert_eq!(outcome.events, [part(MessageKind::Binary, b"ef", false)]);
        assert_eq!(outcome.error, error);
        // So does what is dropped.
        let mut peer = connection_with(role, set);
        peer.set_delivery(Delivery::Parts);
        feed(&mut peer, [&frames[0][..]]);
        peer.set_delivery(Delivery::Messages);
        assert_eq!(feed(&mut peer, [&frames[1][..]]).error, None);
        let outcome = feed(&mut peer, [&frames[2][..]]);
        assert_eq!((outcome.events, outcome.error), (vec![], error));
        // A frame that began as that of a whole message is judged by what it has left.
        for len in [6, 7] {
            let bytes = to(role, 0x82, &[7; 7][..len]);
            let cut = bytes.len() - 3;
            let mut peer = connection_with(role, set);
            feed(&mut peer, [&bytes[..cut]]);
            let first = peer.set_delivery(Delivery::Parts).unwrap();
            assert_eq!(first.data.len(), len - 3);
            let outcome = feed(&mut peer, [&bytes[cut..=cut], &bytes[cut + 1..]]);
            assert_eq!(outcome.error, error.filter(|_| len > 6));
            let parts = [(&[7][..], false), (&[7, 7], true)];
            let parts = parts.map(|(data, fin)| part(MessageKind::Binary, data, fin));
            let expected = if len > 6 { &[][..] } else { &parts };
            assert_eq!(outcome.events, expected);
        }
    }
}

#[test]
fn whole_message_in_one_read_is_one_part() {
    let mut server = connection_with(Role::Server, |options| {
        options.delivery = Delivery::Parts;
        options.limits.parts_size = 5;
    });
    let mut out = Vec::new();
    let mut read = to(Role::Server, 0x81, b"Hello");
    let mut input = &mut read[..];
    let event = server.receive(&mut input, &mut out);
    assert_eq!(
        event,
        Ok(Some(Event::Part(Part::new(
            MessageKind::Text,
            b"Hello",
            true
        ))))
    );
    let mut read = to(Role::Server, 0x82, b"Hello!");
    let mut input = &mut read[..];
    let event = server.receive(&mut input, &mut out);
    assert_eq!(event, Err(ProtocolError::MessageTooBig { limit: 5 }));
}
