//! What a peer may send.

use alloc::vec;
use alloc::vec::Vec;

use super::{MIB, deflated, json, message, random};
use crate::deflate::{InflateError, Inflater, WindowBits};

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

#[test]
fn message_of_no_bytes_at_all_is_empty() {
    let mut inflater = Inflater::new(WindowBits::MAX, true);
    assert_eq!(message(&mut inflater, &[]), Ok(Vec::new()));
    assert_eq!(message(&mut inflater, &[0]), Ok(Vec::new()));
    assert_eq!(message(&mut inflater, &[]), Ok(Vec::new()));
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
