//! SHA-1 ([FIPS 180-4](https://csrc.nist.gov/pubs/fips/180-4/upd1/final)) of what `Sec-WebSocket-Accept` is made of, which always has the same length.
//!
//! Not from a crate: those are made for speed on long input, and unrolled they are 5 KB of the 85 KB that edge workers load. This one is a
//! tenth of that. It guards nothing: RFC 6455 only asks whether the peer has read it.

/// The digest of 60 bytes.
pub(super) fn digest(message: &[u8; 60]) -> [u8; 20] {
    let mut padded = [0; 128];
    padded[..60].copy_from_slice(message);
    padded[60] = 0x80;
    padded[120..].copy_from_slice(&(60_u64 * 8).to_be_bytes());
    let mut state = [
        0x6745_2301,
        0xEFCD_AB89,
        0x98BA_DCFE,
        0x1032_5476,
        0xC3D2_E1F0,
    ];
    for block in padded.as_chunks().0 {
        compress(&mut state, block);
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// FIPS 180-4 §6.1.2.
fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
    let mut schedule = [0_u32; 80];
    for (word, bytes) in schedule.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for t in 16..80 {
        let word = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
        schedule[t] = word.rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (t, word) in schedule.into_iter().enumerate() {
        let (f, k) = match t / 20 {
            0 => ((b & c) ^ (!b & d), 0x5A82_7999),
            1 => (b ^ c ^ d, 0x6ED9_EBA1),
            2 => ((b & c) ^ (b & d) ^ (c & d), 0x8F1B_BCDC),
            _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
        };
        let next = (a.rotate_left(5).wrapping_add(f))
            .wrapping_add(e)
            .wrapping_add(k)
            .wrapping_add(word);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}

#[cfg(test)]
mod tests {
    use sha1_smol::Sha1;

    use super::*;

    #[test]
    fn digest_is_that_of_the_crate() {
        let mut state = 1_u32;
        let mut message = [0_u8; 60];
        for _ in 0..1000 {
            for byte in &mut message {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
            assert_eq!(digest(&message), Sha1::from(message).digest().bytes());
        }
    }
}
