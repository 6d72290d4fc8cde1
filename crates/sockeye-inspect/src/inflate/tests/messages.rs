//! What is said of a message: RFC 7692's examples, ends, windows, stops.

use core::ops::ControlFlow;

use super::*;
use crate::inflate::{BitOffset, Checkpoint};

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn at(byte: u64, bit: u8) -> Option<BitOffset> {
    Some(BitOffset { byte, bit })
}

#[test]
fn the_examples_of_the_rfc_inflate() {
    // RFC 7692 §7.2.3.1 and §7.2.3.2: the second "Hello" is a reference into the first.
    let mut inflater = Inflater::new();
    let (out, facts) = message(&mut inflater, true, &HELLO);
    assert_eq!(
        (&out[..], facts.expect("valid").farthest),
        (&b"Hello"[..], 0)
    );
    let (out, facts) = message(&mut inflater, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let facts = facts.expect("valid");
    assert_eq!(out, b"Hello");
    // The literal H is eight bits, behind the three of the header.
    assert_eq!(
        (facts.farthest, facts.farthest_at),
        (5, at(1, 3).expect("a place"))
    );
    assert_eq!((facts.kept, facts.unknown), (None, None));

    // §7.2.3.3: stored. §7.2.3.5: two blocks.
    let stored = [
        0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
    ];
    let (out, facts) = message(&mut inflater, true, &stored);
    assert_eq!(out, b"Hello");
    assert!(facts.is_ok());
    let two = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    let (out, facts) = message(&mut inflater, true, &two);
    assert_eq!(out, b"Hello");
    assert!(!facts.expect("valid").tail_present);
}

#[test]
fn after_a_final_block_decoding_goes_on_with_the_window_kept() {
    // RFC 7692 §7.2.3.4: BFINAL, with an empty block behind it; then without one.
    for last in [
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00][..],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        let mut inflater = Inflater::new();
        let (out, facts) = message(&mut inflater, true, last);
        let facts = facts.expect("valid");
        assert_eq!(out, b"Hello");
        assert_eq!(facts.final_block, at(0, 0));
        assert!(!facts.flush_missing);
        let (out, facts) = message(&mut inflater, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
        assert_eq!(out, b"Hello");
        assert_eq!(facts.expect("valid").final_block, None);
    }
    // Two streams in one message.
    let mut inflater = Inflater::new();
    let twice = [
        0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf3, 0x00, 0x11, 0x00, 0x00,
    ];
    assert_eq!(message(&mut inflater, true, &twice).0, b"HelloHello");
}

#[test]
fn a_tail_that_was_not_taken_away_is_told_and_does_no_harm() {
    let mut inflater = Inflater::new();
    let whole = [&HELLO[..], &[0, 0, 0xff, 0xff]].concat();
    let (out, facts) = message(&mut inflater, true, &whole);
    let facts = facts.expect("valid");
    assert_eq!(out, b"Hello");
    assert!(facts.tail_present && !facts.flush_missing);
    let (out, facts) = message(&mut inflater, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(out, b"Hello");
    assert!(!facts.expect("valid").tail_present);
}

#[test]
fn a_message_without_an_empty_block_at_its_end_is_read_and_told() {
    let stored = [0x00, 0x02, 0x00, 0xfd, 0xff, 0x48, 0x69];
    let (out, facts) = message(&mut Inflater::new(), true, &stored);
    let facts = facts.expect("readable");
    assert_eq!(out, b"Hi");
    assert!(facts.flush_missing && !facts.tail_present);
}

#[test]
fn an_empty_message_is_complete() {
    for input in [&[][..], &[0x00], &[0x02, 0x00]] {
        let (out, facts) = message(&mut Inflater::new(), true, input);
        assert_eq!(out, b"");
        assert!(!facts.expect("valid").flush_missing);
    }
}

#[test]
fn a_reference_into_an_earlier_message_is_kept_without_takeover() {
    let mut inflater = Inflater::new();
    message(&mut inflater, false, &HELLO).1.expect("valid");
    let (out, facts) = message(&mut inflater, false, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let facts = facts.expect("readable");
    assert_eq!(out, b"Hello");
    assert_eq!((facts.kept, facts.unknown), (at(1, 3), None));
    // The next one begins anew.
    let (_, facts) = message(&mut inflater, false, &HELLO);
    assert_eq!(facts.expect("valid").kept, None);
}

#[test]
fn a_reference_to_what_was_never_there_yields_zeros_and_is_told() {
    let (out, facts) = message(&mut Inflater::new(), true, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let facts = facts.expect("readable");
    assert_eq!(out, b"H\0\0\0\0");
    assert_eq!((facts.unknown, facts.kept), (at(1, 3), None));
}

#[test]
fn after_what_is_lost_or_broken_references_to_before_yield_zeros() {
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let broken = |inflater: &mut Inflater| {
        message(inflater, true, &HELLO).1.expect("valid");
        assert!(message(inflater, true, &[0x06]).1.is_err());
    };
    let lost = |inflater: &mut Inflater| {
        message(inflater, true, &HELLO).1.expect("valid");
        inflater.forget();
    };
    let given_up = |inflater: &mut Inflater| {
        inflater.begin_message(true);
        let mut out = |_: &[u8]| ControlFlow::Continue(());
        inflater.inflate(&HELLO, &mut out).expect("valid");
    };
    let stopped = |inflater: &mut Inflater| {
        inflater.begin_message(true);
        let mut out = |_: &[u8]| ControlFlow::Break(());
        inflater.inflate(&HELLO, &mut out).expect("valid");
        inflater.inflate(b"anything", &mut out).expect("skipped");
        let facts = inflater.end_message().expect("skipped");
        assert!(facts.stopped);
        assert_eq!((facts.compressed_len, facts.inflated_len), (15, 5));
    };
    for before in [
        &broken as &dyn Fn(&mut Inflater),
        &lost,
        &given_up,
        &stopped,
    ] {
        let mut inflater = Inflater::new();
        before(&mut inflater);
        let (out, facts) = message(&mut inflater, true, &second);
        assert_eq!(out, b"H\0\0\0\0");
        assert_eq!(facts.expect("readable").unknown, at(1, 3));
        let (_, facts) = message(&mut inflater, true, &HELLO);
        assert_eq!(facts.expect("valid").unknown, None);
    }
}

#[test]
fn a_bomb_is_stopped_after_the_piece_that_is_too_much() {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let bomb = differential::deflate(
        &mut compress,
        &vec![0; 10_000_000],
        flate2::FlushCompress::Sync,
    );
    let mut inflater = Inflater::new();
    let mut had = 0;
    inflater.begin_message(true);
    let mut out = |piece: &[u8]| {
        had += piece.len();
        if had < 100_000 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    inflater.inflate(&bomb, &mut out).expect("valid");
    let facts = inflater.end_message().expect("valid");
    assert!(facts.stopped);
    assert!((100_000..140_000).contains(&had), "{had}");
    assert_eq!(facts.compressed_len, bomb.len() as u64);
}

#[test]
fn every_cut_and_a_checkpoint_at_it_make_no_difference() {
    let mut noise = differential::Noise(3);
    let mut compress = flate2::Compress::new(flate2::Compression::new(6), false);
    let mut at_begin: Checkpoint = Inflater::new().checkpoint();
    for content in differential::contents(&mut noise) {
        let whole = differential::deflate(&mut compress, &content, flate2::FlushCompress::Sync);
        let input = &whole[..whole.len() - 4];
        let mut inflater = Inflater::restore(&at_begin);
        let (expected, facts) = message(&mut inflater, true, input);
        assert!(expected == content);
        let step = input.len() / 150 + 1;
        for cut in (0..=input.len()).step_by(step) {
            let mut out = Vec::new();
            let mut take = |piece: &[u8]| {
                out.extend_from_slice(piece);
                ControlFlow::Continue(())
            };
            let mut inflater = Inflater::restore(&at_begin);
            inflater.begin_message(true);
            inflater.inflate(&input[..cut], &mut take).expect("valid");
            let checkpoint = inflater.checkpoint();
            assert!(checkpoint.memory() < 34_000);
            let mut inflater = Inflater::restore(&checkpoint);
            inflater.inflate(&input[cut..], &mut take).expect("valid");
            assert_eq!(inflater.end_message(), facts, "cut at {cut}");
            assert!(out == content, "cut at {cut}");
        }
        if content.len() < 1_000 {
            let mut inflater = Inflater::restore(&at_begin);
            let mut out = Vec::new();
            inflater.begin_message(true);
            for byte in input {
                let mut take = |piece: &[u8]| {
                    out.extend_from_slice(piece);
                    ControlFlow::Continue(())
                };
                inflater.inflate(&[*byte], &mut take).expect("valid");
            }
            assert_eq!(inflater.end_message(), facts);
            assert!(out == content);
        }
        at_begin = inflater.checkpoint();
        assert!(
            at_begin
                .history()
                .ends_with(&content[content.len().saturating_sub(32_768)..])
        );
    }
}
