//! What is sent to a peer.

use alloc::vec::Vec;

use super::{deflated, json, message, random};
use crate::deflate::reference::Reference;
use crate::deflate::{Deflater, Inflater, WindowBits};

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
fn short_message_compresses_to_the_example_of_the_rfc() {
    let mut deflater = Deflater::new(WindowBits::MAX, true, 6);
    let mut out = Vec::new();
    deflater.message(b"Hello", &mut out);
    assert_eq!(out, [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
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
