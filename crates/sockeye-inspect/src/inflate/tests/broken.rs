//! Each way to break a message, with the place.

use super::*;
use crate::inflate::{BitOffset, InflateCause};

/// Writes bits, lowest first; a Huffman code is given with its first bit highest, and its length.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(mut self, value: u32, bits: usize) -> Self {
        for i in 0..bits {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("pushed") |= ((value >> i & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }

    fn code(self, code: u32, bits: usize) -> Self {
        self.put(code.reverse_bits() >> (32 - bits), bits)
    }

    /// A dynamic block with codes for 257 literals and lengths and one distance, and these lengths of the codes for code lengths, in the
    /// order of RFC 1951 §3.2.7.
    fn dynamic(self, lengths: &[u32]) -> Self {
        let begun = self
            .put(0b100, 3)
            .put(0, 5)
            .put(0, 5)
            .put(lengths.len() as u32 - 4, 4);
        lengths
            .iter()
            .fold(begun, |bits, &length| bits.put(length, 3))
    }
}

/// The lengths of codes for code lengths: 18 has one bit, and 0 and 1 have two.
const ORDINARY: [u32; 18] = [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// As it is, and cut byte by byte.
#[track_caller]
fn fails(bits: Bits, byte: u64, bit: u8, cause: InflateCause) {
    let mut input = bits.bytes;
    for padding in [0, 40] {
        input.extend(vec![0; padding]);
        let mut inflater = Inflater::new();
        let (_, result) = message(&mut inflater, true, &input);
        let error = result.expect_err("it is broken");
        assert_eq!(error.cause, cause);
        assert_eq!(error.at, BitOffset { byte, bit });

        inflater.begin_message(true);
        let mut out = |_: &[u8]| ControlFlow::Continue(());
        let results: Vec<_> = input
            .iter()
            .map(|&byte| inflater.inflate(&[byte], &mut out))
            .collect();
        assert_eq!(results.last(), Some(&Err(error)));
        assert_eq!(inflater.end_message(), Err(error));
    }
}

#[test]
fn a_block_of_type_three() {
    fails(Bits::default().put(0b110, 3), 0, 0, InflateCause::BlockType);
}

#[test]
fn a_stored_length_and_a_wrong_complement() {
    let bits = Bits::default().put(0, 8).put(5, 16).put(0xfffb, 16);
    let cause = InflateCause::StoredLength {
        len: 5,
        complement: 0xfffb,
    };
    fails(bits, 1, 0, cause);
}

#[test]
fn the_reserved_length_codes_of_a_fixed_block() {
    for (code, symbol) in [(0b1100_0110, 286), (0b1100_0111, 287)] {
        // Behind one literal.
        let bits = Bits::default().put(0b010, 3).code(0x30, 8).code(code, 8);
        fails(bits, 1, 3, InflateCause::LengthReserved { symbol });
    }
}

#[test]
fn the_reserved_distance_codes_of_a_fixed_block() {
    for symbol in [30, 31] {
        let bits = Bits::default().put(0b010, 3).code(1, 7).code(symbol, 5);
        let symbol = symbol as u16;
        fails(bits, 1, 2, InflateCause::DistanceReserved { symbol });
    }
}

#[test]
fn more_codes_than_there_are_symbols() {
    let bits = Bits::default().put(0b100, 3).put(30, 5).put(0, 9);
    fails(bits, 0, 3, InflateCause::TooManyLengths { count: 287 });
    let bits = Bits::default().put(0b100, 3).put(0, 5).put(31, 5).put(0, 4);
    fails(bits, 1, 0, InflateCause::TooManyDistances { count: 32 });
}

#[test]
fn codes_for_code_lengths_that_are_too_many_or_too_few() {
    let over = Bits::default().dynamic(&[1, 1, 1, 0]);
    fails(over, 0, 0, InflateCause::CodeLengthsOverSubscribed);
    for too_few in [[0, 0, 1, 0], [0, 0, 0, 0], [1, 2, 0, 0]] {
        let bits = Bits::default().dynamic(&too_few);
        fails(bits, 0, 0, InflateCause::CodeLengthsIncomplete);
    }
}

#[test]
fn repetitions_of_nothing_and_beyond_the_end() {
    // 16 has the code 0: the first thing is to repeat.
    let bits = Bits::default().dynamic(&[1, 1, 0, 0]).code(0, 1).put(0, 2);
    fails(bits, 3, 5, InflateCause::RepeatWithoutLength);
    // Two times 138 zeros are more than 258.
    let bits = Bits::default()
        .dynamic(&ORDINARY)
        .code(0, 1)
        .put(127, 7)
        .code(0, 1)
        .put(127, 7);
    fails(bits, 9, 7, InflateCause::RepeatTooLong);
}

#[test]
fn a_dynamic_block_without_an_end() {
    let bits = Bits::default()
        .dynamic(&ORDINARY)
        .code(0, 1)
        .put(127, 7)
        .code(0, 1)
        .put(109, 7);
    fails(bits, 0, 0, InflateCause::EndOfBlockMissing);
}

/// Lengths for a dynamic block: `literals` of one bit first, zeros, one bit for 256, then one for the distance.
fn one_bit_codes(literals: u32, distance: bool) -> Bits {
    let mut bits = Bits::default().dynamic(&ORDINARY);
    for _ in 0..literals {
        bits = bits.code(0b11, 2);
    }
    let zeros = 256 - literals;
    bits = bits
        .code(0, 1)
        .put(127, 7)
        .code(0, 1)
        .put(zeros - 138 - 11, 7);
    bits.code(0b11, 2)
        .code(if distance { 0b11 } else { 0b10 }, 2)
}

#[test]
fn literal_codes_that_are_too_many_and_bits_that_stand_for_none() {
    fails(
        one_bit_codes(2, false),
        0,
        0,
        InflateCause::LengthsOverSubscribed,
    );
    // One code, for the end: the bit 1 stands for nothing. 3+14+54+16+4 bits before it.
    fails(
        one_bit_codes(0, false).put(1, 1),
        11,
        3,
        InflateCause::LengthUnused,
    );
}

#[test]
fn a_lone_code_of_one_bit_is_taken() {
    // 256 alone, then an empty stored block.
    let bits = one_bit_codes(0, true).code(0, 1).put(0, 3);
    let (out, facts) = message(&mut Inflater::new(), true, &bits.bytes);
    assert_eq!(out, b"");
    assert!(facts.is_ok());
}

#[test]
fn a_message_that_ends_within_a_block() {
    let inputs: [&[u8]; 5] = [
        &[0xf2],                               // after part of a literal
        &[0xf2, 0x48, 0xcd],                   // among literals
        &[0x00, 0x05],                         // in LEN
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48], // in stored bytes
        &[0x04],                               // in HLIT
    ];
    for input in inputs {
        let (_, result) = message(&mut Inflater::new(), true, input);
        let error = result.expect_err("it is cut");
        assert_eq!(error.cause, InflateCause::EndsInBlock);
        assert_eq!((error.at.byte, error.at.bit), (input.len() as u64, 0));
    }
}

#[test]
fn an_error_says_where_in_words() {
    let (_, result) = message(&mut Inflater::new(), true, &[0x06]);
    assert_eq!(
        result.expect_err("it is broken").to_string(),
        "a block of type 3, which does not exist (at byte 0, bit 0)"
    );
}
