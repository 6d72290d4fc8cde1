//! What a hostile peer may send, and what it costs.

use alloc::vec;
use alloc::vec::Vec;

use super::{MIB, deflated, json, message, random};
use crate::deflate::reference::Reference;
use crate::deflate::{InflateError, Inflater, WindowBits};

#[test]
fn invalid_blocks_are_refused() {
    let examples: [&[u8]; 6] = [
        &[0x06, 0x00],                         // block type 3
        &[0x00, 0x05, 0x00, 0xfa, 0xfe],       // a length that its complement does not match
        &[0xfa, 0xff, 0xff, 0xff, 0xff, 0x00], // a literal or length that does not exist
        &[0x02, 0x02, 0x00],                   // a match before any byte
        &[0x04, 0x00, 0x00, 0x00, 0x00, 0x00], // a dynamic block without codes
        &[0xff, 0xff, 0xff, 0xff],
    ];
    for example in examples {
        let mut inflater = Inflater::new(WindowBits::MAX, true);
        assert_eq!(
            message(&mut inflater, example),
            Err(InflateError::Invalid),
            "{example:x?}"
        );
    }
}

#[test]
fn distance_beyond_what_was_inflated_is_refused() {
    // "Hello", then a match of length 3 at distance 5, and at distance 6.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for (match_, outcome) in [
        ([0x02, 0x12, 0x00, 0x00], Ok(b"Hel".to_vec())),
        ([0x02, 0x92, 0x00, 0x00], Err(InflateError::Invalid)),
    ] {
        let mut inflater = Inflater::new(WindowBits::new(9).unwrap(), true);
        assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
        assert_eq!(message(&mut inflater, &match_), outcome);
    }
}

#[test]
fn distance_beyond_the_negotiated_window_never_reaches_other_data() {
    let noise = random(6, 600);
    let text = [&noise[..], &noise[..]].concat();
    let deflated = &deflated(&[&text], WindowBits::MAX, true, 6)[0];
    let mut inflater = Inflater::new(WindowBits::new(9).unwrap(), true);
    let outcome = message(&mut inflater, deflated);
    if cfg!(feature = "zlib-rs") {
        // Its window is 15 bits: more than the peer may use, and the peer's own.
        assert!(outcome == Ok(text));
    } else {
        assert_eq!(outcome, Err(InflateError::Invalid));
    }
}

#[test]
fn bomb_costs_no_more_than_the_limit() {
    const LIMIT: usize = 65_536;
    let bomb = &deflated(&[&vec![0; MIB]], WindowBits::MAX, true, 9)[0];
    for takeover in [false, true] {
        for size in [1, 7, bomb.len()] {
            let mut inflater = Inflater::new(WindowBits::MAX, takeover);
            let mut out = Vec::new();
            let outcome = bomb
                .chunks(size)
                .try_for_each(|piece| inflater.inflate(piece, &mut out, LIMIT));
            assert_eq!(outcome, Err(InflateError::TooBig));
            assert!(out.len() <= LIMIT);
            assert!(out.capacity() <= LIMIT, "{}", out.capacity());
        }
    }
}

#[test]
fn message_of_exactly_the_limit_is_accepted() {
    for text in [json(1, 1000), vec![0; 70_000], random(3, 5000)] {
        let deflated = &deflated(&[&text], WindowBits::MAX, true, 6)[0];
        for size in [1, deflated.len()] {
            for (limit, fits) in [(text.len(), true), (text.len() - 1, false), (0, false)] {
                let mut inflater = Inflater::new(WindowBits::MAX, true);
                let mut out = Vec::new();
                let outcome = deflated
                    .chunks(size)
                    .try_for_each(|piece| inflater.inflate(piece, &mut out, limit));
                if fits {
                    assert_eq!(outcome, Ok(()));
                    assert_eq!(inflater.finish(), Ok(()));
                    assert!(out == text);
                } else {
                    assert_eq!(outcome, Err(InflateError::TooBig));
                    assert!(out.len() <= limit);
                }
            }
        }
    }
}

#[test]
fn limit_counts_what_was_in_the_buffer() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut out = b"before".to_vec();
    inflater.inflate(&hello, &mut out, 11).unwrap();
    inflater.finish().unwrap();
    assert_eq!(out, b"beforeHello");
    assert_eq!(
        inflater.inflate(&hello, &mut out, 11),
        Err(InflateError::TooBig)
    );
}

#[test]
fn flood_of_final_blocks_is_refused() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let mut out = Vec::new();
    let flood = [0x03, 0x00].repeat(10_000);
    assert_eq!(
        inflater.inflate(&flood, &mut out, MIB),
        Err(InflateError::Invalid)
    );
}

#[test]
fn tiny_flushed_fragments_are_never_refused() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let mut out = Vec::new();
    for _ in 0..50_000 {
        // "a" in a fixed block, then the empty stored block of a flush.
        let fragment = [0x4a, 0x04, 0x00, 0x00, 0x00, 0xff, 0xff];
        inflater.inflate(&fragment, &mut out, MIB).unwrap();
    }
    assert_eq!(out, [b'a'].repeat(50_000));
}

#[test]
fn small_messages_of_final_blocks_are_never_refused() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    for _ in 0..10_000 {
        assert_eq!(
            message(&mut inflater, &[0x4b, 0x04, 0x00]),
            Ok(b"a".to_vec())
        );
        assert_eq!(
            message(&mut inflater, &[0x4a, 0x04, 0x00]),
            Ok(b"a".to_vec())
        );
    }
}

#[test]
fn what_inflates_is_what_the_reference_inflates() {
    let valid = &deflated(&[&json(8, 2000)], WindowBits::MAX, true, 6)[0];
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..20_000 {
        let noise = random(seed, 12);
        let input = match seed % 3 {
            0 => {
                let mut input = valid.clone();
                let at = usize::from(noise[0]) << 8 | usize::from(noise[1]);
                let len = input.len();
                input[at % len] ^= 1 << (noise[2] % 8);
                input
            }
            // A fixed block, final or not, and what may follow it.
            1 => [&[noise[0] & !6 | 2], &noise[1..4], &[0; 3]].concat(),
            _ => [&[0x4b, 0x04, 0x00, noise[0] & !6 | 2], &noise[1..], &[0; 3]].concat(),
        };
        let mut inflater = Inflater::new(WindowBits::MAX, true);
        match message(&mut inflater, &input) {
            Ok(out) => {
                accepted += 1;
                let mut whole = Reference::default();
                let with_tail = [&input, &[0, 0, 0xff, 0xff][..]].concat();
                if whole.inflate(&with_tail).is_none() {
                    whole = Reference::default();
                    assert_eq!(whole.inflate(&input), Some(true), "{input:x?}");
                }
                assert_eq!(out, whole.out, "{input:x?}");
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error, InflateError::Invalid);
            }
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} {refused}");
}

#[test]
fn garbage_neither_panics_nor_loops() {
    let valid = &deflated(&[&json(5, 3000)], WindowBits::MAX, true, 6)[0];
    let mut outcomes = [0; 3];
    for seed in 0..3000 {
        let mut input = if seed % 2 == 0 {
            random(seed, 1 + seed as usize % 200)
        } else {
            valid.clone()
        };
        if seed % 2 == 1 {
            let noise = random(seed, 4);
            let at = (usize::from(noise[0]) << 8 | usize::from(noise[1])) % input.len();
            input[at] ^= 1 << (noise[2] % 8);
        }
        let window = WindowBits::new(8 + (seed % 8) as u8).unwrap();
        let mut inflater = Inflater::new(window, true);
        let mut out = Vec::new();
        // Goes on after an error too.
        for _ in 0..3 {
            let outcome = inflater
                .inflate(&input, &mut out, 100_000)
                .and_then(|()| inflater.finish());
            outcomes[match outcome {
                Ok(()) => 0,
                Err(InflateError::Invalid) => 1,
                Err(InflateError::TooBig) => 2,
            }] += 1;
        }
        assert!(out.len() <= 100_000);
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
}
