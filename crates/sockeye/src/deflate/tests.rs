//! Both directions of permessage-deflate, with whichever backend is in use.

use alloc::vec;
use alloc::vec::Vec;

use super::reference::Reference;
use super::{Deflater, InflateError, Inflater, WindowBits};

const MIB: usize = 1 << 20;

// RFC 7692 §7.2.3.1
#[test]
fn message_in_one_fixed_block_inflates() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
}

// RFC 7692 §7.2.3.2
#[test]
fn message_inflates_with_the_window_of_the_one_before() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(message(&mut inflater, &again), Ok(b"Hello".to_vec()));
    assert_eq!(message(&mut inflater, &again), Ok(b"Hello".to_vec()));
}

#[test]
fn message_is_refused_when_it_needs_a_window_that_was_forgotten() {
    let mut inflater = Inflater::new(WindowBits::MAX, false);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(message(&mut inflater, &again), Err(InflateError::Invalid));
}

// RFC 7692 §7.2.3.3
#[test]
fn message_in_a_stored_block_inflates() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ];
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
}

// RFC 7692 §7.2.3.4
#[test]
fn final_block_ends_neither_message_nor_window() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    assert_eq!(message(&mut inflater, &last), Ok(b"Hello".to_vec()));
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(message(&mut inflater, &again), Ok(b"Hello".to_vec()));
    // Twice in one message, and the second refers to the first.
    let mut inflater = Inflater::new(WindowBits::MAX, false);
    let both = [last[..7].to_vec(), again.to_vec()].concat();
    assert_eq!(message(&mut inflater, &both), Ok(b"HelloHello".to_vec()));
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    for _ in 0..100 {
        assert_eq!(message(&mut inflater, &last), Ok(b"Hello".to_vec()));
    }
}

#[test]
fn final_block_without_the_empty_block_after_it_ends_the_message() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(message(&mut inflater, &last), Ok(b"Hello".to_vec()));
    // A final stored block whose length is the tail.
    assert_eq!(message(&mut inflater, &[0x01]), Ok(Vec::new()));
    // An empty final block with a bit set in its padding: yawc#41.
    assert_eq!(message(&mut inflater, &[0x03, 0x80]), Ok(Vec::new()));
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(message(&mut inflater, &again), Ok(b"Hello".to_vec()));
}

// RFC 7692 §7.2.3.5
#[test]
fn message_in_two_blocks_inflates() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(message(&mut inflater, &hello), Ok(b"Hello".to_vec()));
}

// RFC 7692 §7.2.3.6
#[test]
fn empty_message_is_a_single_zero_byte() {
    for level in 0..=9 {
        let mut deflater = Deflater::new(WindowBits::MAX, true, level);
        let mut inflater = Inflater::new(WindowBits::MAX, true);
        for text in [&b""[..], b"Hello", b"", b"", b"Hello"] {
            let mut out = Vec::new();
            deflater.deflate(text, &mut out);
            deflater.finish(&mut out);
            assert_eq!(out == [0], text.is_empty());
            assert_eq!(message(&mut inflater, &out), Ok(text.to_vec()));
        }
    }
}

#[test]
fn message_of_no_bytes_at_all_is_empty() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    assert_eq!(message(&mut inflater, &[]), Ok(Vec::new()));
    assert_eq!(message(&mut inflater, &[0]), Ok(Vec::new()));
    assert_eq!(message(&mut inflater, &[]), Ok(Vec::new()));
}

#[test]
fn short_message_compresses_to_the_example_of_the_rfc() {
    let mut deflater = Deflater::new(WindowBits::MAX, true, 6);
    let mut out = Vec::new();
    deflater.message(b"Hello", &mut out);
    assert_eq!(out, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
}

#[test]
fn message_that_ends_inside_a_block_is_refused() {
    let examples: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &deflated(&[&json(7, 5000)], WindowBits::MAX, true, 6)[0],
    ];
    for example in examples {
        // The first byte of the stored block is a whole message: the empty one.
        for cut in 1 + usize::from(example[0] == 0)..example.len() {
            let mut inflater = Inflater::new(WindowBits::MAX, true);
            assert_eq!(
                message(&mut inflater, &example[..cut]),
                Err(InflateError::Invalid),
                "cut at {cut} of {}",
                example.len()
            );
        }
    }
}

#[test]
fn message_with_the_tail_that_should_be_left_out_is_refused() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    let hello = [
        0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff,
    ];
    assert_eq!(message(&mut inflater, &hello), Err(InflateError::Invalid));
}

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
fn every_cut_inflates_to_the_same() {
    let texts = [json(1, 700), random(2, 300), json(3, 900), vec![7; 2000]];
    let parts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
    for bits in [8, 9, 12, 15] {
        let window = WindowBits::new(bits).unwrap();
        for level in [0, 1, 6] {
            let messages = deflated(&parts, window, true, level);
            for cut in 0..messages[0].len().max(messages[2].len()) {
                let mut inflater = Inflater::new(window, true);
                for (deflated, text) in messages.iter().zip(&texts) {
                    let (a, b) = deflated.split_at(cut.min(deflated.len()));
                    let mut out = Vec::new();
                    inflater.inflate(a, &mut out, MIB).unwrap();
                    inflater.inflate(b, &mut out, MIB).unwrap();
                    inflater.finish().unwrap();
                    assert_eq!(&out, text);
                }
            }
            let mut inflater = Inflater::new(window, true);
            for (deflated, text) in messages.iter().zip(&texts) {
                let mut out = Vec::new();
                for byte in deflated {
                    inflater
                        .inflate(core::slice::from_ref(byte), &mut out, MIB)
                        .unwrap();
                }
                inflater.finish().unwrap();
                assert_eq!(&out, text);
            }
        }
    }
}

#[test]
fn final_blocks_inflate_to_the_same_at_every_cut() {
    let both = [
        0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf3, 0x00, 0x11, 0x00, 0xf2, 0x00, 0x11, 0x00,
        0x00,
    ];
    for cut in 0..both.len() {
        let mut inflater = Inflater::new(WindowBits::MAX, true);
        let mut out = Vec::new();
        inflater.inflate(&both[..cut], &mut out, MIB).unwrap();
        inflater.inflate(&both[cut..], &mut out, MIB).unwrap();
        inflater.finish().unwrap();
        assert_eq!(out, b"HelloHelloHello");
    }
}

#[test]
fn pieces_deflate_to_the_same_text() {
    let text = json(4, 20_000);
    for bits in 8..=15 {
        let window = WindowBits::new(bits).unwrap();
        for size in [1, 100, 255, 256, 257, 4096, 20_000] {
            let mut deflater = Deflater::new(window, true, 6);
            let mut out = Vec::new();
            for piece in text.chunks(size) {
                deflater.deflate(piece, &mut out);
            }
            deflater.finish(&mut out);
            let mut inflater = Inflater::new(window, true);
            assert_eq!(message(&mut inflater, &out).as_ref(), Ok(&text));
        }
    }
}

#[test]
fn no_distance_is_longer_than_the_window() {
    for bits in 8..=15 {
        let window = WindowBits::new(bits).unwrap();
        let mut texts: Vec<_> = [10, 200, 255, 256, 257, 511, 3000, window.size() + 999]
            .iter()
            .enumerate()
            .map(|(seed, len)| json(seed as u32, *len))
            .collect();
        // Noise that comes again after distances around the size of the window.
        for gap in [0, 6, 20, 100, 250]
            .map(|less| window.size() - less)
            .iter()
            .chain(&[
                window.size() * 2 / 3,
                window.size() + 1,
                window.size() * 3 / 2,
            ])
        {
            let noise = random(99, 64);
            texts.push(
                [
                    &noise[..],
                    &random(*gap as u32, gap.saturating_sub(64)),
                    &noise,
                ]
                .concat(),
            );
        }
        let parts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        for takeover in [false, true] {
            let mut longest = 0;
            for level in 0..=9 {
                let mut reference = Reference::default();
                let mut inflater = Inflater::new(window, takeover);
                for (deflated, text) in deflated(&parts, window, takeover, level).iter().zip(&texts)
                {
                    if !takeover {
                        reference.out.clear();
                    }
                    let start = reference.out.len();
                    reference
                        .inflate(&[deflated, &[0, 0, 0xff, 0xff][..]].concat())
                        .unwrap();
                    assert!(
                        reference.out[start..] == *text,
                        "{bits} bits, level {level}"
                    );
                    assert!(message(&mut inflater, deflated).as_ref() == Ok(text));
                }
                assert!(
                    reference.distance <= window.size(),
                    "{bits} bits, level {level}: distance {}",
                    reference.distance
                );
                longest = longest.max(reference.distance);
            }
            // The window is used, not avoided.
            assert!(longest >= window.size() / 3, "{bits} bits: {longest}");
        }
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

/// Inflates a whole message.
fn message(inflater: &mut Inflater, input: &[u8]) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    inflater.inflate(input, &mut out, MIB)?;
    inflater.finish()?;
    Ok(out)
}

/// Deflates messages, one after the other.
fn deflated(texts: &[&[u8]], window: WindowBits, takeover: bool, level: u8) -> Vec<Vec<u8>> {
    let mut deflater = Deflater::new(window, takeover, level);
    texts
        .iter()
        .map(|text| {
            let mut out = Vec::new();
            deflater.message(text, &mut out);
            out
        })
        .collect()
}

fn random(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11) as u8
        })
        .collect()
}

/// Text with the redundancy of JSON.
pub(super) fn json(seed: u32, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, byte) in random(seed, len).into_iter().enumerate() {
        if out.len() >= len {
            break;
        }
        let words = ["symbol", "price", "quantity", "buyer", "seller"];
        out.extend_from_slice(
            alloc::format!(
                "{{\"id\":{i},\"{}\":{byte},\"time\":{}}},",
                words[usize::from(byte) % 5],
                u32::from(byte) * 7919
            )
            .as_bytes(),
        );
    }
    out.truncate(len);
    out
}
