//! Beside zlib-rs, which is zlib's inflater in Rust: the same bytes and the same verdict.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::*;
use crate::inflate::InflateCause;

/// Repeatable noise.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub(super) fn bytes(&mut self, len: usize, kinds: u64) -> Vec<u8> {
        (0..len).map(|_| self.below(kinds) as u8).collect()
    }
}

/// Messages of all kinds: empty, short, text, noise of few and many kinds of bytes, runs, and long ones.
pub(super) fn contents(noise: &mut Noise) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new(), b"Hello".to_vec(), b"Hello".to_vec()];
    for i in 0..12_u32 {
        let text = format!(
            r#"{{"type":"tick","symbol":"SKY{}","price":{},"sizes":[{},{}],"text":"{}"}}"#,
            i % 4,
            noise.below(100_000),
            noise.below(100),
            noise.below(100),
            "lorem ipsum dolor sit amet ".repeat(noise.below(20) as usize),
        );
        all.push(text.into_bytes());
    }
    for (len, kinds) in [
        (1, 256),
        (300, 256),
        (1_000, 4),
        (5_000, 20),
        (70_000, 256),
        (100_000, 3),
    ] {
        all.push(noise.bytes(len, kinds));
    }
    all.push(vec![7; 200_000]);
    all.push(noise.bytes(33_000, 256).repeat(3));
    all
}

/// Compresses as permessage-deflate does, without stripping.
pub(super) fn deflate(compress: &mut Compress, content: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() * 2 + 1_000);
    let before = compress.total_in();
    loop {
        let rest = &content[(compress.total_in() - before) as usize..];
        let status = compress
            .compress_vec(rest, &mut out, flush)
            .expect("it compresses");
        if status == Status::StreamEnd
            || out.len() < out.capacity() && compress.total_in() - before == content.len() as u64
        {
            return out;
        }
        out.reserve(content.len() + 1_000);
    }
}

#[test]
fn messages_of_every_level_and_window_inflate_to_what_they_were() {
    let mut noise = Noise(1);
    for bits in 9..=15 {
        for level in [0, 1, 6, 9] {
            for take_over in [true, false] {
                let mut compress =
                    Compress::new_with_window_bits(Compression::new(level), false, bits);
                let mut inflater = Inflater::new();
                for content in contents(&mut noise) {
                    let mut compressed = deflate(&mut compress, &content, FlushCompress::Sync);
                    assert_eq!(compressed.split_off(compressed.len() - 4), [0, 0, 255, 255]);
                    let (out, facts) = message(&mut inflater, take_over, &compressed);
                    assert!(out == content, "level {level}, {bits} bits");
                    let facts = facts.expect("it is valid");
                    assert_eq!(facts.compressed_len, compressed.len() as u64);
                    assert_eq!(facts.inflated_len, content.len() as u64);
                    assert!(facts.farthest <= 1 << bits);
                    assert_eq!(
                        (facts.kept, facts.unknown, facts.final_block),
                        (None, None, None)
                    );
                    assert!(!facts.tail_present && !facts.flush_missing && !facts.stopped);
                    if !take_over {
                        compress.reset();
                    }
                }
            }
        }
    }
}

/// What zlib-rs makes of a stream of blocks: the output, and whether it found no fault.
fn oracle(input: &[u8], limit: usize) -> (Vec<u8>, bool) {
    let mut decompress = Decompress::new(false);
    let mut out = Vec::with_capacity(limit);
    let status = decompress.decompress_vec(input, &mut out, FlushDecompress::Sync);
    (out, status.is_ok())
}

#[test]
fn a_broken_stream_gets_the_verdict_of_zlib() {
    let mut noise = Noise(2);
    let (mut valid, mut broken) = (0, 0);
    for round in 0..6_000 {
        let kinds = 1 + noise.below(60);
        let len = noise.below(600) as usize;
        let content = noise.bytes(len, kinds);
        let level = Compression::new(noise.below(10) as u32);
        let mut compress = Compress::new(level, false);
        let mut input = deflate(&mut compress, &content, FlushCompress::Sync);
        for _ in 0..noise.below(4) {
            let at = noise.below(input.len() as u64 * 8);
            input[at as usize / 8] ^= 1 << (at % 8);
        }
        if noise.below(8) == 0 {
            let at = noise.below(input.len() as u64) as usize;
            input.truncate(at);
        }
        compare(&input, round, &mut valid, &mut broken);
    }
    // Pure noise gets far less deep, but everywhere.
    for round in 0..20_000 {
        let len = 1 + noise.below(60) as usize;
        let mut input = noise.bytes(len, 256);
        // Dynamic blocks, most of them.
        input[0] = (input[0] & !5) | 4;
        compare(&input, round, &mut valid, &mut broken);
    }
    assert!(
        valid > 1_000 && broken > 2_000,
        "{valid} valid, {broken} broken"
    );
}

fn compare(input: &[u8], round: u32, valid: &mut u32, broken: &mut u32) {
    let mut inflater = Inflater::new();
    let mut out = Vec::new();
    inflater.begin_message(true);
    let result = inflater.inflate(input, &mut |piece: &[u8]| {
        out.extend_from_slice(piece);
        ControlFlow::Continue(())
    });
    let (expected, accepted) = oracle(input, out.len() + 1_000);
    let facts = inflater.facts();
    if facts.final_block.is_some() {
        // zlib is done there, and does not look at what follows.
        assert_eq!(
            out[..expected.len().min(out.len())],
            expected[..expected.len().min(out.len())]
        );
        return;
    }
    if facts.unknown.is_some() {
        // zlib fails there.
        assert!(!accepted, "round {round}");
        assert!(out.starts_with(&expected), "round {round}");
        return;
    }
    assert!(out.starts_with(&expected), "round {round}");
    match result {
        Ok(()) => {
            assert!(accepted, "round {round}");
            assert_eq!(out, expected, "round {round}");
            *valid += 1;
        }
        Err(error) if accepted => {
            // zlib takes a code for code lengths without any code, and fails at what comes of it.
            assert_eq!(error.cause, InflateCause::CodeLengthsIncomplete);
            assert!(!oracle(&[input, &[0; 100]].concat(), 1_000).1);
        }
        Err(_) => {
            *broken += 1;
        }
    }
}
