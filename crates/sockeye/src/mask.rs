//! Masking (RFC 6455 §5.3).

use alloc::vec::Vec;

/// The key that a client's frame is masked with ([RFC 6455 §5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.3)).
///
/// Fresh for each frame and from a cryptographically secure source: a predictable key lets a script choose the bytes on the
/// wire, which is what masking exists to prevent ([RFC 6455 §10.3](https://www.rfc-editor.org/rfc/rfc6455#section-10.3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskingKey([u8; 4]);

impl MaskingKey {
    /// A key of these four bytes, in wire order.
    #[inline]
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes, in wire order.
    #[inline]
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// Masks or unmasks `data` in place, as the beginning of a payload. Applying it twice changes nothing.
    ///
    /// For a payload that comes in parts, continue with the key of [`Self::advanced`].
    #[inline]
    pub fn apply(self, data: &mut [u8]) {
        let key = u32::from_ne_bytes(self.0);
        let wide = u64::from(key) << 32 | u64::from(key);
        // Blocks of 64 bytes become four 16-byte operations each, on x86-64 and with WebAssembly's simd128 alike; compilers do not
        // unroll loops for WebAssembly by themselves.
        let (blocks, rest) = data.as_chunks_mut::<64>();
        for block in blocks {
            for word in block.as_chunks_mut::<8>().0 {
                *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
            }
        }
        let (words, rest) = rest.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        let (words, rest) = rest.as_chunks_mut::<4>();
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0) {
            *byte ^= key;
        }
    }

    /// Appends `data` masked or unmasked to `out`, as [`Self::apply`] would change it.
    ///
    /// In blocks that the compiler copies by itself: in WebAssembly a long `memory.copy` becomes the host's `memmove`, which on some processors
    /// takes thirty times as long for some distances of source and destination (1 to 15 bytes, modulo 4 KiB).
    pub(crate) fn append(self, data: &[u8], out: &mut Vec<u8>) {
        out.reserve(data.len());
        let (blocks, rest) = data.as_chunks::<64>();
        for block in blocks {
            let mut block = *block;
            self.apply(&mut block);
            out.extend_from_slice(&block);
        }
        let start = out.len();
        out.extend_from_slice(rest);
        self.apply(&mut out[start..]);
    }

    /// The key for the bytes that follow `len` bytes of payload.
    #[inline]
    #[must_use]
    pub const fn advanced(self, len: usize) -> Self {
        let [a, b, c, d] = self.0;
        Self(match len % 4 {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn rfc_example_unmasks() {
        // RFC 6455 §5.7: a single-frame masked text message, "Hello".
        let mut data = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]).apply(&mut data);
        assert_eq!(&data, b"Hello");
    }

    #[test]
    fn equals_the_definition_for_every_length_and_cut() {
        let key = MaskingKey::new([1, 2, 4, 128]);
        for len in 0..200 {
            let data: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let expected: Vec<u8> = data
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key.0[i % 4])
                .collect();
            for cut in [0, 1, 2, 3, 5, 64, 65, 67]
                .into_iter()
                .filter(|cut| *cut <= data.len())
            {
                let mut masked = data.clone();
                let (head, tail) = masked.split_at_mut(cut);
                key.apply(head);
                key.advanced(cut).apply(tail);
                assert_eq!(masked, expected, "length {len}, cut at {cut}");
                let mut appended = vec![];
                key.append(&data[..cut], &mut appended);
                key.advanced(cut).append(&data[cut..], &mut appended);
                assert_eq!(appended, expected, "length {len}, cut at {cut}");
            }
        }
    }
}
