//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` ([RFC 6455 §1.3](https://www.rfc-editor.org/rfc/rfc6455#section-1.3)).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1_smol::Sha1;

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
    let mut nonce = [0; 18];
    value.len() == 24 && STANDARD.decode_slice(value, &mut nonce) == Ok(16)
}

/// The value of `Sec-WebSocket-Accept` that answers this key.
pub(crate) fn accept(key: &[u8]) -> [u8; 28] {
    let mut sha1 = Sha1::new();
    sha1.update(key);
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let mut accept = [0; 28];
    encode(&sha1.digest().bytes(), &mut accept);
    accept
}

fn encode(bytes: &[u8], out: &mut [u8]) {
    let len = STANDARD.encode_slice(bytes, out);
    debug_assert_eq!(len, Ok(bytes.len().div_ceil(3) * 4));
}

#[cfg(test)]
mod tests {
    use super::*;

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
