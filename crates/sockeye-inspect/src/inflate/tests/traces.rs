//! A trace says the same as the inflater.

use flate2::{Compress, Compression, FlushCompress};

use super::*;
use crate::inflate::{BlockKind, Trace, trace};

/// What the tokens stand for: literals are taken from what was inflated, references from what the trace made of it.
fn replay(history: &[u8], content: &[u8], trace: &Trace) -> Vec<u8> {
    let mut out = history.to_vec();
    for token in &trace.tokens {
        let inflated = token.inflated.start as usize..token.inflated.end as usize;
        assert_eq!(out.len() - history.len(), inflated.start);
        if token.distance == 0 {
            out.extend_from_slice(&content[inflated]);
        } else {
            for _ in inflated {
                out.push(out[out.len() - token.distance as usize]);
            }
        }
    }
    out.split_off(history.len())
}

#[test]
fn tokens_reproduce_the_message() {
    let mut noise = differential::Noise(4);
    for level in [0, 1, 6, 9] {
        let mut compress = Compress::new(Compression::new(level), false);
        let mut history = Vec::new();
        for content in differential::contents(&mut noise) {
            let whole = differential::deflate(&mut compress, &content, FlushCompress::Sync);
            let input = &whole[..whole.len() - 4];
            let trace = trace(&history, input, usize::MAX);
            assert_eq!((&trace.error, trace.truncated), (&None, false));
            assert!(replay(&history, &content, &trace) == content);
            // Blocks and tokens lie one behind the other.
            let bits: Vec<_> = trace
                .blocks
                .iter()
                .map(|block| block.bits.clone())
                .collect();
            assert_eq!(bits.first().map(|first| first.start), Some(0));
            assert_eq!(
                bits.last().map(|last| last.end),
                Some(input.len() as u64 * 8)
            );
            assert!(bits.windows(2).all(|two| two[0].end == two[1].start));
            assert!(
                trace
                    .tokens
                    .windows(2)
                    .all(|two| two[0].bits.end <= two[1].bits.start)
            );
            let inflated = trace.blocks.last().map(|last| last.inflated.end);
            assert_eq!(inflated, Some(content.len() as u64));
            history.extend_from_slice(&content);
        }
    }
}

#[test]
fn the_second_hello_is_an_h_and_a_reference() {
    let trace = trace(b"Hello", &[0xf2, 0x00, 0x11, 0x00, 0x00], 100);
    let blocks: Vec<_> = trace
        .blocks
        .iter()
        .map(|block| {
            (
                block.kind,
                block.last,
                block.bits.clone(),
                block.inflated.clone(),
            )
        })
        .collect();
    // Three bits, H, length and distance, seven for the end; then the empty stored block to the end.
    assert_eq!(
        blocks,
        [
            (BlockKind::Fixed, false, 0..31, 0..5),
            (BlockKind::Stored, false, 31..40, 5..5)
        ]
    );
    let tokens: Vec<_> = trace
        .tokens
        .iter()
        .map(|token| (token.bits.clone(), token.inflated.clone(), token.distance))
        .collect();
    assert_eq!(tokens, [(3..11, 0..1, 0), (11..24, 1..5, 5)]);
}

#[test]
fn a_trace_ends_at_its_limit_and_says_so() {
    let mut noise = differential::Noise(5);
    let content = noise.bytes(5_000, 3);
    let mut compress = Compress::new(Compression::new(6), false);
    let whole = differential::deflate(&mut compress, &content, FlushCompress::Sync);
    let trace = trace(&[], &whole[..whole.len() - 4], 10);
    assert!(trace.truncated);
    assert_eq!(trace.tokens.len(), 10);
    let replayed = replay(&[], &content, &trace);
    assert!(content.starts_with(&replayed) && !replayed.is_empty());
}

#[test]
fn a_trace_of_a_broken_message_goes_to_the_error() {
    // An empty fixed block, a block with the literal H, a block of type 3.
    let trace = trace(&[], &[0x02, 0xc8, 0x03, 0x60], 10);
    let blocks: Vec<_> = trace
        .blocks
        .iter()
        .map(|block| block.bits.clone())
        .collect();
    assert_eq!(blocks, [0..10, 10..28]);
    assert_eq!(trace.tokens.len(), 1);
    let error = trace.error.expect("it is broken");
    assert_eq!((error.at.byte, error.at.bit), (3, 4));
}
