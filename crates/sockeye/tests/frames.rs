//! Frame headers (RFC 6455 §5.2): every violation at the first byte that shows it, and every length.

mod common;

use common::*;
use sockeye::{ProtocolError, Role};

#[test]
fn reserved_opcode_fails_at_the_first_byte() {
    for role in ROLES {
        for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            // FIN set and not.
            for first in [0x80 | opcode, opcode] {
                let error = ProtocolError::ReservedOpcode { opcode };
                assert_failed(role, &[first], &[], 1002, error);
            }
        }
    }
}

#[test]
fn reserved_bit_fails_at_the_first_byte() {
    for role in ROLES {
        // RSV1, RSV2, RSV3 and all their combinations.
        for bits in (0x10..=0x70).step_by(0x10) {
            for opcode in [0x0, 0x1, 0x2, 0x8, 0x9, 0xA] {
                assert_failed(
                    role,
                    &[0x80 | bits | opcode],
                    &[],
                    1002,
                    ProtocolError::ReservedBits,
                );
            }
            let between = [to(role, 0x01, b"frag"), vec![0x80 | bits]].concat();
            assert_failed(role, &between, &[], 1002, ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn good_frame_before_a_reserved_bit_is_still_delivered() {
    for role in ROLES {
        let bytes = [
            to(role, 0x81, b"Hello"),
            to(role, 0x89, b"p"),
            vec![0xD1], // FIN, RSV1, RSV3
        ]
        .concat();
        let events = [text("Hello"), ping(b"p")];
        assert_failed(role, &bytes, &events, 1002, ProtocolError::ReservedBits);
    }
}

#[test]
fn frame_without_a_mask_fails_a_server_at_its_second_byte() {
    for first in [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8A] {
        for length in [0, 1, 125] {
            assert_failed(
                Role::Server,
                &[first, length],
                &[],
                1002,
                ProtocolError::MaskMissing,
            );
        }
    }
    assert_failed(
        Role::Server,
        &[0x82, 0x7F],
        &[],
        1002,
        ProtocolError::MaskMissing,
    );
}

#[test]
fn masked_frame_fails_a_client_at_its_second_byte() {
    for first in [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8A] {
        for length in [0x80, 0x81, 0xFD] {
            assert_failed(
                Role::Client,
                &[first, length],
                &[],
                1002,
                ProtocolError::MaskUnexpected,
            );
        }
    }
}

#[test]
fn message_of_every_boundary_length_arrives() {
    for role in ROLES {
        for (len, header_len) in [
            (0, 2),
            (1, 2),
            (125, 2),
            (126, 4),
            (127, 4),
            (128, 4),
            (255, 4),
            (256, 4),
            (65_534, 4),
            (65_535, 4),
            (65_536, 10),
            (65_537, 10),
        ] {
            let data: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let bytes = to(role, 0x82, &data);
            let mask_len = if role == Role::Server { 4 } else { 0 };
            assert_eq!(bytes.len(), header_len + mask_len + len);
            if len < 1000 {
                assert_received(role, &bytes, &[binary(&data)], &[]);
            } else {
                for cut in [0, 1, 3, 5, 9, 13, 14, 15, len / 2, bytes.len()] {
                    let (head, tail) = bytes.split_at(cut);
                    let outcome = feed(&mut connection(role), [head, tail]);
                    assert!(outcome.events == [binary(&data)], "length {len}, cut {cut}");
                }
            }
        }
    }
}

#[test]
fn length_of_16_bits_that_fits_in_7_fails() {
    for role in ROLES {
        for len in [0_u8, 1, 124, 125] {
            let bytes = [
                0x82,              // FIN, binary
                second(role, 126), // 16 bits of length follow
                0x00,
                len,
            ];
            assert_failed(role, &bytes, &[], 1002, ProtocolError::LengthNotMinimal);
        }
    }
}

#[test]
fn length_of_64_bits_that_fits_in_16_fails() {
    for role in ROLES {
        for len in [0_u16, 125, 126, 65_535] {
            let mut bytes = vec![
                0x82,              // FIN, binary
                second(role, 127), // 64 bits of length follow
                0x00,
                0x00,
                0x00,
                0x00,
                0x00,
                0x00,
            ];
            bytes.extend(len.to_be_bytes());
            assert_failed(role, &bytes, &[], 1002, ProtocolError::LengthNotMinimal);
        }
    }
}

#[test]
fn length_with_its_highest_bit_fails_at_that_byte() {
    for role in ROLES {
        for top in [0x80, 0xC0, 0xFF] {
            let bytes = [0x82, second(role, 127), top];
            assert_failed(role, &bytes, &[], 1002, ProtocolError::LengthTooBig);
        }
    }
}

#[test]
fn control_frame_of_125_bytes_is_the_longest() {
    for role in ROLES {
        let payload = [0x61; 125];
        assert_received(
            role,
            &to(role, 0x89, &payload),
            &[ping(&payload)],
            &from(role, 0x8A, &payload),
        );
        assert_received(role, &to(role, 0x8A, &payload), &[pong(&payload)], &[]);
        for first in [0x88, 0x89, 0x8A] {
            for length in [126, 127] {
                let bytes = [first, second(role, length)];
                assert_failed(role, &bytes, &[], 1002, ProtocolError::ControlTooLong);
            }
        }
    }
}

#[test]
fn fragmented_control_frame_fails_at_its_first_byte() {
    for role in ROLES {
        for first in [0x08, 0x09, 0x0A] {
            assert_failed(role, &[first], &[], 1002, ProtocolError::ControlFragmented);
        }
    }
}

/// Which error is told depends on the order of the bytes, never on how much of them one read brought.
#[test]
fn first_of_several_violations_is_the_one_reported() {
    use ProtocolError::*;
    for (bytes, error, at) in [
        // RSV1 in the first byte, a length that is not minimal after it.
        (&[0xC2, 0xFE, 0x00, 0x01, 0, 0, 0, 0][..], ReservedBits, 1),
        // Nothing to continue, and the highest bit of the length.
        (&[0x80, 0xFF, 0xFF], ContinuationUnexpected, 1),
        // No mask, and a length that is not minimal.
        (&[0x82, 0x7E, 0x00, 0x01], MaskMissing, 2),
        (&[0x82, 0x7F, 0xFF], MaskMissing, 2),
        // A Ping with RSV1 that is too long.
        (&[0xC9, 0xFE], ReservedBits, 1),
    ] {
        let outcome = feed_everywhere(|| connection(Role::Server), bytes);
        assert_eq!(outcome.error, Some(error), "{bytes:02x?}");
        let outcome = feed(&mut connection(Role::Server), [&bytes[..at]]);
        assert_eq!(outcome.error, Some(error), "{bytes:02x?} cut at {at}");
    }
}

#[test]
fn masking_key_of_zero_is_a_masking_key() {
    let bytes = [
        0x81, 0x85, // FIN, text, masked, 5 bytes
        0x00, 0x00, 0x00, 0x00, // masking key
        0x48, 0x65, 0x6C, 0x6C, 0x6F, // "Hello"
    ];
    assert_received(Role::Server, &bytes, &[text("Hello")], &[]);
}
