//! Frames of any bytes.

use sockeye::{FrameDecoder, FrameHeader, FramePiece, ProtocolError, RawFrameHeader};

use crate::{Digest, alloc, pieces};

/// The first two bytes say how the reads cut the rest.
pub fn frame_decoder(data: &[u8]) {
    let Some((&cuts, bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let whole = decode(bytes, &[]);
    assert_eq!(decode(bytes, &[1]), whole);
    assert_eq!(decode(bytes, &cuts), whole);
}

/// What came of a stream, and how many bytes the frame under way lacks.
fn decode(bytes: &[u8], cuts: &[u8]) -> (Digest, Option<u64>) {
    let mut buffer = bytes.to_vec();
    let mut rest = &mut buffer[..];
    let mut decoder = FrameDecoder::new();
    let mut digest = Digest::new();
    // Where the stream is by what was reported of it, the payload of the frame under way, and whether that is complete.
    let (mut at, mut payload, mut done) = (0, 0, true);
    let base = alloc::live();
    for piece in pieces(bytes, cuts) {
        let (mut input, after) = rest.split_at_mut(piece.len());
        rest = after;
        while let Some(piece) = decoder.decode(&mut input) {
            match piece {
                FramePiece::Header(header) => {
                    assert!(done);
                    assert_eq!(header.offset, at);
                    judge(&header, bytes, &mut digest);
                    at += u64::from(header.header_len);
                    (payload, done) = (header.payload_len, false);
                }
                FramePiece::Payload { data, last } => {
                    assert!(!done && (last || !data.is_empty()));
                    digest.bytes(data);
                    at += data.len() as u64;
                    payload -= data.len() as u64;
                    assert_eq!(last, payload == 0);
                    done = last;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(input.is_empty());
    }
    assert_eq!(alloc::peak(), base);
    assert_eq!(decoder.offset(), bytes.len() as u64);
    assert_eq!(at + decoder.held().len() as u64, decoder.offset());
    if !done {
        assert_eq!(decoder.remaining(), Some(payload));
    }
    (digest, decoder.remaining())
}

/// Holds a header against the bytes it was made of, and against the strict decoder.
fn judge(header: &RawFrameHeader, bytes: &[u8], digest: &mut Digest) {
    let (encoded, len) = header.encode();
    let rest = &bytes[header.offset as usize..];
    assert_eq!(encoded[..len], rest[..len]);
    digest.item(b'h', &encoded[..len]);
    let violations = header.violations(None);
    match FrameHeader::decode(rest) {
        Ok(Some((strict, strict_len))) => {
            assert_eq!((strict.encode(), strict_len), ((encoded, len), len));
            let rsv1 = strict.rsv1 && (header.is_control() || header.opcode == 0);
            let expected = rsv1.then_some(ProtocolError::ReservedBits);
            assert!(violations.iter().eq(expected));
        }
        Err(ProtocolError::ControlTooLong) if header.payload_len < 126 => {
            assert!(violations.contains(ProtocolError::LengthNotMinimal));
        }
        Err(error) => assert!(violations.contains(error)),
        Ok(None) => panic!("{header:?} is not complete"),
    }
}
