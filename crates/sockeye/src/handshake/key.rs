//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` ([RFC 6455 §1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3)).

use super::sha1;
use crate::Entropy;

/// A nonce of 16 bytes in base64.
pub(crate) type Key = [u8; 24];

/// A fresh key.
pub(crate) fn generate(entropy: Entropy) -> Key {
    let mut nonce = [0; 16];
    entropy(&mut nonce);
    let mut key = [0; 24];
    encode(&nonce, &mut key);
    key
}

/// Whether the value is base64 of exactly 16 bytes.
pub(crate) fn is_valid(value: &[u8]) -> bool {
    // Of the last digit, two bits are data, and the others must be zero (RFC 4648 §3.5).
    let [digits @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'='] = value else {
        return false;
    };
    let is_digit = |&digit: &u8| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/');
    digits.len() == 21 && digits.iter().all(is_digit)
}

/// The value of `Sec-WebSocket-Accept` that answers this key.
pub(crate) fn accept(key: &Key) -> [u8; 28] {
    let mut message = [0; 60];
    let (start, end) = message.split_at_mut(key.len());
    start.copy_from_slice(key);
    end.copy_from_slice(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let mut accept = [0; 28];
    encode(&sha1::digest(&message), &mut accept);
    accept
}

/// Writes the bytes in base64 ([RFC 4648 §4](https://www.rfc-editor.org/rfc/rfc4648#section-4)), padded. Here and not from a crate: these two lengths
/// are all that is needed, and an encoder and decoder for any would be a tenth of the WebAssembly that edge workers load.
fn encode(bytes: &[u8], out: &mut [u8]) {
    for (bytes, out) in bytes.chunks(3).zip(out.chunks_exact_mut(4)) {
        let byte = |at: usize| u32::from(bytes.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (at, out) in out.iter_mut().enumerate() {
            *out = if at <= bytes.len() {
                DIGITS[(bits >> (18 - 6 * at)) as usize % 64]
            } else {
                b'='
            };
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn base64_is_that_of_the_crate() {
        let mut state = 1_u32;
        let mut bytes = [0_u8; 20];
        for round in 0..1000_u32 {
            for byte in &mut bytes {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
            for len in [16, 18, 20] {
                let mut out = [0; 28];
                let out = &mut out[..STANDARD.encode(&bytes[..len]).len()];
                encode(&bytes[..len], out);
                assert_eq!(out, STANDARD.encode(&bytes[..len]).as_bytes());
            }
            // Every byte at every place of a key, and whether it is one.
            let mut key = STANDARD.encode(&bytes[..16]).into_bytes();
            key[round as usize % 24] = (round / 3) as u8;
            assert_eq!(
                is_valid(&key),
                STANDARD.decode(&key).is_ok_and(|nonce| nonce.len() == 16),
                "{key:?}"
            );
        }
    }

    #[test]
    fn accept_of_the_rfc_6455_section_1_3_key_is_as_printed() {
        assert_eq!(
            &accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn key_is_the_base64_of_what_entropy_gave() {
        // RFC 6455 §4.1: the bytes 01 to 10 give this key.
        let key = generate(|bytes| {
            for (byte, value) in bytes.iter_mut().zip(1..) {
                *byte = value;
            }
        });
        assert_eq!(&key, b"AQIDBAUGBwgJCgsMDQ4PEA==");
        assert!(is_valid(&key));
    }

    #[test]
    fn key_must_be_canonical_base64_of_sixteen_bytes() {
        assert!(is_valid(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in [
            &b""[..],
            b"dGhlIHNhbXBsZSBub25jZQ",   // no padding
            b"dGhlIHNhbXBsZSBub25jZR==", // bits after the sixteenth byte
            b"dGhlIHNhbXBsZSBub25jZQ==\n",
            b" dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZTE=", // 17 bytes
            b"dGhlIHNhbXBsZSBub25jZTEy", // 18 bytes
            b"dGhlIHNhbXBsZSBub25j",     // 15 bytes
            b"dGhlIHNhbXBsZS_ub25jZQ==", // the URL alphabet
            b"dGhlIHNhbXBs\xffSBub25jZQ==",
            b"========================",
        ] {
            assert!(!is_valid(key), "{key:?}");
        }
    }
}
