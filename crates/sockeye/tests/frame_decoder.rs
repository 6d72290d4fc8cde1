//! The decoder for inspection: it splits any bytes into frames, and says what is wrong with each by itself.

mod common;
#[path = "common/random.rs"]
mod random;

use common::*;
use random::Random;
use sockeye::{
    FrameDecoder, FrameHeader, FramePiece, MaskingKey, Opcode, ProtocolError, RawFrameHeader, Role,
};

/// A frame with what came of its payload, and whether that was all of it.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    header: RawFrameHeader,
    payload: Vec<u8>,
    is_complete: bool,
}

/// Decodes pieces of a stream, and asserts that nothing is left behind and that pieces come in order.
#[track_caller]
fn decode<'a>(
    decoder: &mut FrameDecoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while let Some(piece) = decoder.decode(&mut input) {
            match (piece, frames.last_mut()) {
                (FramePiece::Header(header), last) => {
                    assert!(last.is_none_or(|last| last.is_complete));
                    frames.push(Frame {
                        header,
                        payload: Vec::new(),
                        is_complete: false,
                    });
                }
                (FramePiece::Payload { data, last }, Some(frame)) => {
                    assert!(!frame.is_complete);
                    assert!(last || !data.is_empty());
                    frame.payload.extend_from_slice(data);
                    frame.is_complete = last;
                }
                piece => panic!("{piece:?}"),
            }
        }
        assert!(input.is_empty());
    }
    frames
}

/// The header of bytes that hold nothing else.
#[track_caller]
fn header(bytes: &[u8]) -> RawFrameHeader {
    for cut in 0..bytes.len() {
        assert_eq!(RawFrameHeader::decode(&bytes[..cut], 7), None);
    }
    let header = RawFrameHeader::decode(bytes, 7).unwrap();
    assert_eq!(usize::from(header.header_len), bytes.len());
    assert_eq!(header.offset, 7);
    let (encoded, len) = header.encode();
    assert_eq!(&encoded[..len], bytes);
    header
}

#[track_caller]
fn violations(bytes: &[u8], sender: Option<Role>) -> Vec<ProtocolError> {
    let violations = header(bytes).violations(sender);
    let list: Vec<ProtocolError> = violations.iter().collect();
    assert_eq!(violations.is_empty(), list.is_empty());
    assert!(list.iter().all(|error| violations.contains(*error)));
    list
}

#[test]
fn examples_of_rfc_6455_section_5_7_decode_at_every_cut() {
    let hello = b"Hello";
    let key = Some(MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]));
    let long: Vec<u8> = (0..65_536_u32).map(|at| at as u8).collect();
    let examples: [(&[u8], &[u8], Option<MaskingKey>); 8] = [
        (&[0x81, 0x05], hello, None),
        (&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], hello, key),
        (&[0x01, 0x03], b"Hel", None),
        (&[0x80, 0x02], b"lo", None),
        (&[0x89, 0x05], hello, None),
        (&[0x8A, 0x85, 0x37, 0xfa, 0x21, 0x3d], hello, key),
        (&[0x82, 0x7E, 0x01, 0x00], &long[..256], None),
        (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], &long, None),
    ];
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for (encoded, payload, mask) in examples {
        let header = RawFrameHeader::decode(encoded, bytes.len() as u64).unwrap();
        assert_eq!(header.payload_len, payload.len() as u64);
        assert_eq!(header.mask, mask);
        let (again, len) = header.encode();
        assert_eq!(&again[..len], encoded);
        let sender = match mask {
            Some(_) => Role::Client,
            None => Role::Server,
        };
        assert!(header.violations(Some(sender)).is_empty());
        bytes.extend_from_slice(encoded);
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        if let Some(mask) = mask {
            mask.apply(&mut bytes[start..]);
        }
        assert_eq!(header.end(), bytes.len() as u64);
        expected.push(Frame {
            header,
            payload: payload.to_vec(),
            is_complete: true,
        });
    }
    for len in [1, 2, 3, 7, 1000, bytes.len()] {
        let frames = decode(&mut FrameDecoder::new(), bytes.chunks(len));
        assert_eq!(frames, expected, "in pieces of {len}");
    }
    for cut in 0..400 {
        let (head, tail) = bytes.split_at(cut);
        let mut decoder = FrameDecoder::new();
        let frames = decode(&mut decoder, [head, tail]);
        assert_eq!(frames, expected, "cut at {cut}");
        assert_eq!(decoder.offset(), bytes.len() as u64);
        assert_eq!(decoder.remaining(), None);
    }
}

#[test]
fn each_violation_of_a_frame_by_itself_is_told() {
    use ProtocolError::*;
    let reserved = |opcode| ReservedOpcode { opcode };
    for (bytes, expected) in [
        (&[0x81, 0x00][..], &[][..]),
        // RSV1 is right where a compressed message may begin, and of no known meaning with a reserved opcode.
        (&[0xC1, 0x00], &[]),
        (&[0x42, 0x00], &[]),
        (&[0xC3, 0x00], &[reserved(3)]),
        (&[0xC0, 0x00], &[ReservedBits]),
        (&[0xC8, 0x00], &[ReservedBits]),
        (&[0xC9, 0x00], &[ReservedBits]),
        (&[0xCA, 0x00], &[ReservedBits]),
        (&[0xCB, 0x00], &[ReservedBits, reserved(11)]),
        (&[0xA1, 0x00], &[ReservedBits]),
        (&[0x91, 0x00], &[ReservedBits]),
        (&[0x83, 0x00], &[reserved(3)]),
        (&[0x07, 0x00], &[reserved(7)]),
        (&[0x8F, 0x00], &[reserved(15)]),
        (&[0x09, 0x00], &[ControlFragmented]),
        (&[0x0B, 0x00], &[reserved(11), ControlFragmented]),
        (&[0x89, 0x7D], &[]),
        (&[0x89, 0x7E, 0x00, 0x7E], &[ControlTooLong]),
        // Written in two bytes, but not too long.
        (&[0x88, 0x7E, 0x00, 0x02], &[LengthNotMinimal]),
        (&[0x82, 0x7E, 0x00, 0x7E], &[]),
        (&[0x82, 0x7E, 0x00, 0x7D], &[LengthNotMinimal]),
        (
            &[0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            &[LengthNotMinimal],
        ),
        (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], &[]),
        (&[0x82, 0x7F, 0x7F, 0, 0, 0, 0, 0, 0, 0], &[]),
        (&[0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], &[LengthTooBig]),
        (
            &[0x7F, 0x7F, 255, 255, 255, 255, 255, 255, 255, 255],
            &[
                ReservedBits,
                reserved(15),
                ControlFragmented,
                ControlTooLong,
                LengthTooBig,
            ],
        ),
    ] {
        assert_eq!(violations(bytes, None), expected, "{bytes:02x?}");
        assert_eq!(violations(bytes, Some(Role::Server)), expected);
        // The same of a client, which masks.
        let mut masked = [bytes, &[1, 2, 3, 4]].concat();
        masked[1] |= 0x80;
        assert_eq!(violations(&masked, None), expected, "{masked:02x?}");
        assert_eq!(violations(&masked, Some(Role::Client)), expected);
    }
}

#[test]
fn mask_is_judged_where_the_sender_is_known() {
    let (plain, masked) = (&[0x81, 0x00][..], &[0x81, 0x80, 1, 2, 3, 4][..]);
    let missing = [ProtocolError::MaskMissing];
    let unexpected = [ProtocolError::MaskUnexpected];
    assert_eq!(violations(plain, Some(Role::Client)), missing);
    assert_eq!(violations(plain, Some(Role::Server)), []);
    assert_eq!(violations(masked, Some(Role::Client)), []);
    assert_eq!(violations(masked, Some(Role::Server)), unexpected);
    assert_eq!(violations(plain, None), []);
    assert_eq!(violations(masked, None), []);
}

#[test]
fn sets_of_violations_compare_by_what_is_in_them() {
    let of = |bytes: &[u8]| header(bytes).violations(None);
    assert_eq!(of(&[0x81, 0x00]), of(&[0x89, 0x00]));
    assert_eq!(of(&[0x81, 0x00]), sockeye::Violations::default());
    assert_eq!(of(&[0xA1, 0x00]), of(&[0x90, 0x00]));
    assert_ne!(of(&[0x83, 0x00]), of(&[0x84, 0x00]));
    assert_eq!(
        format!("{:?}", of(&[0x04, 0x7E, 0, 0])),
        "{ReservedOpcode { opcode: 4 }, LengthNotMinimal}"
    );
    assert!(!of(&[0x83, 0x00]).contains(ProtocolError::ReservedOpcode { opcode: 4 }));
}

#[test]
fn frames_go_on_after_every_violation() {
    let bytes = [
        &[0xF3, 0x02][..],
        b"ab",
        &[0x09, 0xFE, 0x00, 0x80, 1, 2, 3, 4],
        &[0; 128],
        &[0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0, 3],
        b"cde",
        &[0x80, 0x00],
        &[0x81, 0x01],
        b"f",
    ]
    .concat();
    let frames = decode(&mut FrameDecoder::new(), bytes.chunks(5));
    let payloads: Vec<&[u8]> = frames.iter().map(|frame| &frame.payload[..]).collect();
    let unmasked = [1, 2, 3, 4].repeat(32);
    assert_eq!(payloads, [&b"ab"[..], &unmasked, b"cde", b"", b"f"]);
    let offsets: Vec<u64> = frames.iter().map(|frame| frame.header.offset).collect();
    assert_eq!(offsets, [0, 4, 140, 153, 155]);
    assert!(frames.iter().all(|frame| frame.is_complete));
}

#[test]
fn payload_lies_in_the_input() {
    let mut bytes = to(Role::Server, 0x81, b"Hello");
    let end = bytes.as_ptr_range().end;
    let mut input = &mut bytes[..];
    let mut decoder = FrameDecoder::new();
    assert!(matches!(
        decoder.decode(&mut input),
        Some(FramePiece::Header(_))
    ));
    let Some(FramePiece::Payload { data, last: true }) = decoder.decode(&mut input) else {
        panic!("no payload");
    };
    assert_eq!(data, b"Hello");
    assert_eq!(data.as_ptr_range().end, end);
    assert_eq!(decoder.decode(&mut input), None);
}

#[test]
fn end_of_a_stream_says_what_is_missing() {
    let bytes = [0x82, 0xFE, 0x01, 0x00, 1, 2, 3, 4, 0xAA, 0xBB];
    // What is known to be missing after so many bytes: until the second one, at least a header of two.
    for (cut, remaining) in [
        (0, None),
        (1, Some(1)),
        (2, Some(6)),
        (3, Some(5)),
        (7, Some(1)),
        (8, Some(256)),
        (9, Some(255)),
        (10, Some(254)),
    ] {
        let mut decoder = FrameDecoder::starting_at(1 << 40);
        decode(&mut decoder, [&bytes[..cut]]);
        assert_eq!(decoder.remaining(), remaining, "after {cut} bytes");
        let held = if cut < 8 { cut } else { 0 };
        assert_eq!(decoder.held(), &bytes[..held]);
        assert_eq!(decoder.offset(), (1 << 40) + cut as u64);
    }
    // An empty frame is complete with its header.
    let mut decoder = FrameDecoder::new();
    assert!(decode(&mut decoder, [&[0x81, 0x00][..]])[0].is_complete);
    assert_eq!(decoder.remaining(), None);
}

#[test]
fn longest_frame_of_all_costs_nothing() {
    for len in [u64::MAX, 1 << 63, u64::MAX >> 1] {
        let mut decoder = FrameDecoder::new();
        let mut bytes = vec![0x82, 0x7F];
        bytes.extend(len.to_be_bytes());
        bytes.extend([7; 1000]);
        let frames = decode(&mut decoder, [&bytes[..]]);
        assert_eq!(frames[0].header.payload_len, len);
        assert_eq!(frames[0].header.end(), len.saturating_add(10));
        assert_eq!(frames[0].payload, [7; 1000]);
        assert_eq!(decoder.remaining(), Some(len - 1000));
        assert!(decoder.skip(len - 1001));
        let mut last = [1, 0x81, 0x00];
        let mut input = &mut last[..];
        let piece = decoder.decode(&mut input);
        let expected = FramePiece::Payload {
            data: &[1],
            last: true,
        };
        assert_eq!(piece, Some(expected));
        let frames = decode(&mut decoder, [&*input]);
        assert_eq!(frames[0].header.offset, len.saturating_add(10));
    }
}

#[test]
fn hole_inside_a_payload_is_skipped() {
    let bytes = [
        to(Role::Server, 0x82, b"0123456789"),
        to(Role::Server, 0x81, b"next"),
    ]
    .concat();
    for start in 6..=16 {
        for end in start..=16 {
            let mut decoder = FrameDecoder::new();
            let mut frames = decode(&mut decoder, [&bytes[..start]]);
            assert!(decoder.skip((end - start) as u64));
            assert_eq!(decoder.offset(), end as u64);
            // The first piece still belongs to the frame that has begun.
            let mut rest = bytes[end..].to_vec();
            let mut input = &mut rest[..];
            if !frames[0].is_complete {
                let Some(FramePiece::Payload { data, last: true }) = decoder.decode(&mut input)
                else {
                    panic!("no end of the payload");
                };
                frames[0].payload.extend_from_slice(data);
            }
            let mut expected = b"0123456789".to_vec();
            expected.drain(start - 6..end - 6);
            assert_eq!(frames[0].payload, expected, "{start}..{end}");
            let next = decode(&mut decoder, [&*input]);
            assert_eq!(next[0].payload, b"next");
            assert_eq!(next[0].header.offset, 16);
        }
    }
    // Beyond the end of the payload, and in a header, nobody knows where the next frame begins.
    let mut decoder = FrameDecoder::new();
    decode(&mut decoder, [&bytes[..10]]);
    assert!(!decoder.skip(7));
    assert_eq!(decoder.remaining(), Some(6));
    let mut decoder = FrameDecoder::new();
    decode(&mut decoder, [&bytes[..1]]);
    assert!(decoder.skip(0));
    assert!(!decoder.skip(1));
    assert!(!FrameDecoder::new().skip(1));
}

/// Asserts that the lenient header and the strict one say the same of the same bytes.
fn assert_agrees_with_strict(bytes: &[u8]) {
    let lenient = RawFrameHeader::decode(bytes, 0);
    match (FrameHeader::decode(bytes), lenient) {
        (Ok(None), None) => (),
        (Ok(Some((strict, len))), Some(lenient)) => {
            assert_eq!(usize::from(lenient.header_len), len);
            assert_eq!(lenient.fin, strict.fin);
            assert_eq!(lenient.rsv1, strict.rsv1);
            assert_eq!(Opcode::from_bits(lenient.opcode), Some(strict.opcode));
            assert_eq!(lenient.mask, strict.mask);
            assert_eq!(lenient.payload_len, strict.payload_len);
            // RSV1 is left to the caller there.
            let rsv1 = strict.rsv1 && !matches!(strict.opcode, Opcode::Text | Opcode::Binary);
            let expected = rsv1.then_some(ProtocolError::ReservedBits);
            assert!(lenient.violations(None).iter().eq(expected));
            assert_eq!(lenient.encode(), strict.encode());
        }
        (Err(error), Some(lenient)) => {
            let violations = lenient.violations(None);
            let same = violations.contains(error);
            // The strict decoder does not wait for the length of a control frame that is not written in one byte.
            let unread = error == ProtocolError::ControlTooLong && lenient.payload_len < 126;
            assert!(
                same || unread && violations.contains(ProtocolError::LengthNotMinimal),
                "{error:?} of {violations:?}, {bytes:02x?}"
            );
        }
        // Reported before the header is complete.
        (Err(_), None) => (),
        other => panic!("{other:?} of {bytes:02x?}"),
    }
}

#[test]
fn lenient_and_strict_decoders_agree() {
    let mut random = Random::new(1);
    for first in 0..=255 {
        for second in 0..=255 {
            for _ in 0..4 {
                let mut bytes = [0; 14];
                bytes[0] = first;
                bytes[1] = second;
                // Lengths on both sides of each border.
                let zeros = 2 + random.below(9);
                for byte in &mut bytes[zeros..] {
                    *byte = random.next() as u8;
                }
                let cut = 1 + random.below(14);
                let len = random.choose(&[14, 14, cut]);
                assert_agrees_with_strict(&bytes[..len]);
            }
        }
    }
}

#[test]
fn any_bytes_are_frames_and_cuts_do_not_matter() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let role = random.choose(&ROLES);
        let parameters = random.once_in(2).then(|| random.parameters());
        let mut bytes = random.stream(role, parameters);
        if random.once_in(2) {
            random.mutate(&mut bytes);
        }
        if random.once_in(4) {
            bytes = (0..1000).map(|_| random.next() as u8).collect();
        }
        let mut decoder = FrameDecoder::new();
        let whole = decode(&mut decoder, [&bytes[..]]);
        let one_by_one = decode(&mut FrameDecoder::new(), bytes.chunks(1));
        assert_eq!(one_by_one, whole, "seed {seed}");
        let pieces = random.pieces(&bytes);
        assert_eq!(decode(&mut FrameDecoder::new(), pieces), whole);

        // Frames lie one behind the other, and their bytes are those of the stream.
        let mut again = Vec::new();
        for frame in &whole {
            assert_eq!(frame.header.offset, again.len() as u64, "seed {seed}");
            let (header, len) = frame.header.encode();
            again.extend_from_slice(&header[..len]);
            let start = again.len();
            again.extend_from_slice(&frame.payload);
            if let Some(mask) = frame.header.mask {
                mask.apply(&mut again[start..]);
            }
            assert_agrees_with_strict(&header[..len]);
        }
        again.extend_from_slice(decoder.held());
        assert_eq!(again, bytes, "seed {seed}");
        let is_cut = whole.last().is_some_and(|frame| !frame.is_complete);
        assert_eq!(
            decoder.remaining().is_some(),
            is_cut || !decoder.held().is_empty()
        );
    }
}
