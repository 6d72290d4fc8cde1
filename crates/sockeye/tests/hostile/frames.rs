//! Frames and messages.

use sockeye::{
    CloseCode, Delivery, Event, Message, Options, ProtocolError, Role, SendError, State,
};

use crate::{SMALL, alloc::measure, common::*, first_event, receive_measured};

fn unlimited(options: &mut Options) {
    options.limits.frame_size = u64::MAX;
    options.limits.message_size = usize::MAX;
    options.limits.fragments = u32::MAX;
}

#[test]
fn cve_2020_27813_cve_2026_1528_cve_2026_43678_length_with_its_top_bit_is_refused_at_that_byte() {
    for role in ROLES {
        for length in [1 << 63, u64::MAX, (1 << 63) | 126] {
            let mut bytes = header_to(role, 0x82, length);
            // FIN and binary, 127, and the first byte of the length.
            bytes.truncate(3);
            for set in [unlimited, |_: &mut Options| ()] {
                let error = ProtocolError::LengthTooBig;
                assert_failed_with(role, set, &bytes, &[], 1002, error);
            }
        }
    }
}

#[test]
fn cve_2020_27813_largest_lawful_length_overflows_nothing() {
    for role in ROLES {
        // 2^63 - 1, alone and on top of a message that holds something already.
        for before in [vec![], to(role, 0x01, b"held")] {
            let first = if before.is_empty() { 0x82 } else { 0x80 };
            let bytes = [&before[..], &header_to(role, first, u64::MAX >> 1), b"more"].concat();
            let mut peer = connection_with(role, unlimited);
            let outcome = feed(&mut peer, bytes.chunks(1));
            // Where sizes have 32 bits, no message may be that long.
            let error =
                (usize::BITS < 64).then_some(ProtocolError::MessageTooBig { limit: usize::MAX });
            assert_eq!((outcome.events, outcome.error), (vec![], error));
            // With the default limits it is too big, and that is known at the header.
            let error = ProtocolError::FrameTooBig { limit: 1 << 20 };
            let header = [&before[..], &header_to(role, first, u64::MAX >> 1)].concat();
            assert_failed(role, &header, &[], 1009, error);
        }
    }
}

#[test]
fn cve_2022_35922_memory_is_not_reserved_for_the_announced_length() {
    for role in ROLES {
        for first in [0x81, 0x82, 0x01, 0x02] {
            for delivery in [Delivery::Messages, Delivery::Parts] {
                let mut peer = connection_with(role, |options| {
                    unlimited(options);
                    options.delivery = delivery;
                });
                let announced = usize::MAX as u64 / 2;
                let mut bytes = [&header_to(role, first, announced)[..], b"ten bytes."].concat();
                let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut Vec::new());
                assert_eq!(events, Ok(usize::from(delivery == Delivery::Parts)));
                assert!(usage.peak < 256, "{usage:?}");
            }
        }
    }
}

#[test]
fn cve_2022_35922_memory_grows_with_what_came() {
    for role in ROLES {
        for first in [0x81, 0x82] {
            let mut peer = connection(role);
            let mut bytes = [header_to(role, first, 1 << 20), vec![0x61; 1 << 20]].concat();
            let whole = bytes.len();
            let mut received = 0;
            let (_, usage) = measure(|| {
                for read in bytes.chunks_mut(1000) {
                    received += read.len();
                    let (events, usage) = receive_measured(&mut peer, read, &mut Vec::new());
                    assert_eq!(events, Ok(usize::from(received == whole)));
                    // A read never asks for more than four times what has come.
                    assert!(usage.peak <= 4 * received, "{usage:?} after {received}");
                }
            });
            assert!(usage.peak <= (2 << 20) + SMALL, "{usage:?}");
            assert!(usage.kept < SMALL as isize, "{usage:?}");
            assert!(usage.calls < 40, "{usage:?}");
        }
    }
}

#[test]
fn cve_2026_48779_many_tiny_fragments_cost_no_more_than_their_payload() {
    for role in ROLES {
        let mut peer = connection_with(role, unlimited);
        let mut bytes = to(role, 0x02, b"x");
        for _ in 1..131_000 {
            bytes.extend(to(role, 0x00, b"x"));
        }
        let mut out = Vec::new();
        let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut out);
        assert_eq!(events, Ok(0));
        assert!(usage.peak <= 2 * 131_000 + SMALL, "{usage:?}");
        assert!(usage.calls < 40, "{usage:?}");
        let event = first_event(&mut peer, &to(role, 0x80, b""));
        assert_eq!(event, Some(binary(&vec![b'x'; 131_000])));
    }
}

#[test]
fn ws_2331_empty_fragments_are_counted_and_cost_nothing() {
    for role in ROLES {
        let mut bytes = to(role, 0x01, b"");
        for _ in 1..132_000 {
            bytes.extend(to(role, 0x00, b""));
        }
        let mut out = Vec::new();
        let mut peer = connection_with(role, unlimited);
        let (events, usage) = receive_measured(&mut peer, &mut bytes.clone(), &mut out);
        assert_eq!(events, Ok(0));
        assert_eq!((usage.peak, usage.kept), (0, 0));
        // The default limit stops it at the 131,073rd.
        let error = ProtocolError::TooManyFragments { limit: 131_072 };
        let (outcome, usage) = receive_measured(&mut connection(role), &mut bytes, &mut out);
        assert_eq!(outcome, Err(error));
        assert_eq!(out, failure(role, 1008, error));
        assert!(usage.peak < SMALL, "{usage:?}");
    }
}

#[test]
fn ws_2331_unfinished_message_has_a_maximum_age() {
    use core::time::Duration;
    let mut server = connection(Role::Server);
    let mut out = Vec::new();
    server
        .handle_timeout(Duration::from_secs(9), &mut out)
        .unwrap();
    let mut outcome = Ok(());
    // A fragment a second; 30 s is the default age.
    for second in 9..=39 {
        outcome = server.handle_timeout(Duration::from_secs(second), &mut out);
        let first = if second == 9 { 0x01 } else { 0x00 };
        feed(&mut server, [&to(Role::Server, first, b".")[..]]);
    }
    let error = ProtocolError::MessageTimeout;
    assert_eq!(outcome, Err(error));
    assert_eq!(out, failure(Role::Server, 1008, error));
}

#[test]
fn fastwebsockets_100_limit_is_on_the_message_not_on_the_frame() {
    for role in ROLES {
        // Every frame is far below the limit of 1 MiB.
        let mut bytes = to(role, 0x02, &vec![0; 65_536]);
        for _ in 0..15 {
            bytes.extend(to(role, 0x00, &vec![0; 65_536]));
        }
        let full = bytes.len();
        bytes.extend(to(role, 0x00, b"one more"));
        let mut peer = connection(role);
        let mut out = Vec::new();
        let (head, tail) = bytes.split_at_mut(full);
        let (events, usage) = receive_measured(&mut peer, head, &mut out);
        assert_eq!(events, Ok(0));
        assert!(usage.peak <= 2 << 20, "{usage:?}");
        let error = ProtocolError::MessageTooBig { limit: 1 << 20 };
        let (outcome, usage) = receive_measured(&mut peer, tail, &mut out);
        assert_eq!(outcome, Err(error));
        assert_eq!(out, failure(role, 1009, error));
        // What the message held is gone with the failure.
        assert!(usage.kept <= SMALL as isize - (1 << 20), "{usage:?}");
    }
}

#[test]
fn fastwebsockets_new_message_does_not_replace_the_one_under_way() {
    for role in ROLES {
        let bytes = [to(role, 0x01, b"first"), vec![0x02]].concat();
        assert_failed(role, &bytes, &[], 1002, ProtocolError::ContinuationMissing);
    }
}

#[test]
fn cve_2026_45736_nothing_stale_is_sent() {
    for role in ROLES {
        let mut peer = connection(role);
        // The buffer that holds a cut Ping has held a longer one, and a header.
        for (secret, short) in [
            (&b"secret".repeat(20), &b"abc"[..]),
            (&vec![0xFF; 125], b""),
        ] {
            let long = to(role, 0x89, secret);
            let outcome = feed(&mut peer, long.chunks(7));
            assert_eq!(outcome.out, from(role, 0x8A, secret));
            let outcome = feed(&mut peer, to(role, 0x89, short).chunks(1));
            assert_eq!(outcome.out, from(role, 0x8A, short));
        }
        let close = to(role, 0x88, &close_payload(1000, ""));
        let outcome = feed(&mut peer, close.chunks(1));
        assert_eq!(outcome.out, from(role, 0x88, &close_payload(1000, "")));
    }
}

#[test]
fn rustsec_2020_0043_flood_of_pings_is_answered_one_for_one_and_held_nowhere() {
    for role in ROLES {
        let mut bytes = to(role, 0x89, &[0x55; 125]).repeat(10_000);
        let mut peer = connection(role);
        let limit = 65_536;
        let mut out = Vec::with_capacity(limit + 256);
        let mut answered = 0;
        let mut input = &mut bytes[..];
        let ((), usage) = measure(|| {
            // What a caller does: while its output is over the limit, it does not receive.
            while out.len() < limit {
                match peer.receive(&mut input, &mut out) {
                    Ok(Some(Event::Ping(_))) => answered += 1,
                    other => panic!("{other:?}"),
                }
            }
        });
        let pong = from(role, 0x8A, &[0x55; 125]);
        assert_eq!(out.len(), answered * pong.len());
        assert!(out.len() < limit + pong.len());
        // The rest is still in the caller's hands.
        assert_eq!(input.len() % to(role, 0x89, &[0x55; 125]).len(), 0);
        assert!(input.len() > 1_000_000);
        assert_eq!((usage.peak, usage.kept), (0, 0));
        // And the connection is as good as before.
        out.clear();
        let Ok(Some(Event::Ping(_))) = peer.receive(&mut input, &mut out) else {
            panic!();
        };
        assert_eq!(out, pong);
    }
}

#[test]
fn ws_rs_pongs_and_closes_have_no_side_effect_on_memory() {
    for role in ROLES {
        let mut peer = connection(role);
        let mut bytes = to(role, 0x8A, &[0; 125]).repeat(10_000);
        let mut out = Vec::new();
        let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut out);
        assert_eq!(events, Ok(10_000));
        assert_eq!((usage.peak, out.len()), (0, 0));
    }
}

#[test]
fn fastwebsockets_42_connections_share_nothing() {
    for role in ROLES {
        let mut one = connection(role);
        let mut two = connection(role);
        let to_one = [
            to(role, 0x01, b"for one"),
            to(role, 0x89, b"1"),
            to(role, 0x80, b"!"),
        ];
        let to_two = [
            to(role, 0x02, b"for two"),
            to(role, 0x89, b"2"),
            to(role, 0x80, b"?"),
        ];
        let (mut at_one, mut at_two) = (Vec::new(), Vec::new());
        for (a, b) in to_one.concat().chunks(1).zip(to_two.concat().chunks(1)) {
            at_one.extend(feed(&mut one, [a]).events);
            at_two.extend(feed(&mut two, [b]).events);
        }
        assert_eq!(at_one, [ping(b"1"), text("for one!")]);
        assert_eq!(at_two, [ping(b"2"), binary(b"for two?")]);
    }
}

#[test]
fn fastwebsockets_43_nothing_is_lost_however_a_read_is_cut() {
    for role in ROLES {
        let bytes = [
            to(role, 0x89, b"ping"),
            to(role, 0x81, b"whole"),
            to(role, 0x01, b"in "),
            to(role, 0x80, b"fragments"),
            to(role, 0x82, &[0x5A; 200]),
        ]
        .concat();
        let events = [
            ping(b"ping"),
            text("whole"),
            text("in fragments"),
            binary(&[0x5A; 200]),
        ];
        assert_received(role, &bytes, &events, &from(role, 0x8A, b"ping"));
        // Empty reads change nothing.
        let mut peer = connection(role);
        let pieces = bytes.chunks(1).flat_map(|byte| [&[][..], byte, &[]]);
        assert_eq!(feed(&mut peer, pieces).events, events);
    }
}

#[test]
fn data_after_a_close_is_ignored_and_takes_no_memory() {
    for role in ROLES {
        let mut peer = connection_with(role, unlimited);
        feed(&mut peer, [&to(role, 0x88, &close_payload(1000, ""))[..]]);
        let mut bytes = [to(role, 0x01, &[b'x'; 1000]), vec![0xFF; 1 << 20]].concat();
        let mut out = Vec::new();
        let (events, usage) = receive_measured(&mut peer, &mut bytes, &mut out);
        assert_eq!((events, out.len()), (Ok(0), 0));
        assert_eq!(usage.peak, 0);
    }
}

#[test]
fn reset_in_the_middle_of_a_frame_is_reported_once_as_an_unexpected_end() {
    for role in ROLES {
        let frame = to(role, 0x82, &[7; 300]);
        for end in 0..frame.len() {
            let mut peer = connection(role);
            assert_eq!(feed(&mut peer, [&frame[..end]]).events, []);
            let error = ProtocolError::UnexpectedEnd;
            assert_eq!(peer.receive_end(), Err(error));
            // 1006 is what the application is told: there is nothing to be sent.
            assert_eq!(error.close_code(), None);
            assert!(!CloseCode::ABNORMAL.is_sendable());
            assert_eq!(peer.state(), State::Closed);
            let mut out = Vec::new();
            let sent = peer.send(Message::text("x"), &mut out);
            assert_eq!((sent, out.len()), (Err(SendError::CloseSent), 0));
        }
    }
}

#[test]
fn half_close_lets_what_came_before_it_be_answered_and_ends_the_rest() {
    let mut server = connection(Role::Server);
    let bytes = [
        to(Role::Server, 0x81, b"last words"),
        to(Role::Server, 0x01, b"cut"),
    ]
    .concat();
    let outcome = feed(&mut server, [&bytes[..]]);
    assert_eq!(outcome.events, [text("last words")]);
    let mut out = Vec::new();
    server.send("answer".into(), &mut out).unwrap();
    assert_eq!(server.receive_end(), Err(ProtocolError::UnexpectedEnd));
    assert_eq!(out, from(Role::Server, 0x81, b"answer"));
}

#[test]
fn idle_connection_owns_no_heap() {
    for role in ROLES {
        let (mut peer, usage) = measure(|| connection(role));
        assert_eq!((usage.peak, usage.kept), (0, 0));
        // Nor does one that has had messages, whole and cut.
        let mut out = Vec::with_capacity(1024);
        let mut bytes = [
            to(role, 0x81, b"whole"),
            to(role, 0x89, b"ping"),
            to(role, 0x01, &[b'a'; 300]),
            to(role, 0x80, &[b'b'; 300]),
        ]
        .concat();
        let (head, tail) = bytes.split_at_mut(500);
        let ((), usage) = measure(|| {
            for read in [head, tail] {
                receive_measured(&mut peer, read, &mut out).0.unwrap();
            }
        });
        assert_eq!(usage.kept, 0);
    }
}

#[test]
fn work_is_linear_however_small_the_reads_are() {
    for role in ROLES {
        // Characters of four bytes, a byte at a time: every read ends within one, or makes one whole.
        let payload = "😀".repeat(16_384);
        let mut bytes = to(role, 0x81, payload.as_bytes());
        let mut peer = connection(role);
        let (events, usage) = measure(|| {
            let mut events = 0;
            for read in bytes.chunks_mut(1) {
                events += receive_measured(&mut peer, read, &mut Vec::new())
                    .0
                    .unwrap();
            }
            events
        });
        assert_eq!(events, 1);
        // The message doubles its buffer; nothing else asks for memory.
        assert!(usage.calls <= 20, "{usage:?}");
        assert!(usage.peak <= 2 * payload.len(), "{usage:?}");
    }
}
