//! Both directions of permessage-deflate, with whichever backend is in use.

mod deflate;
mod hostile;
mod inflate;

use alloc::vec::Vec;

use super::{Deflater, InflateError, Inflater, WindowBits};

const MIB: usize = 1 << 20;

/// Inflates a whole message.
fn message(inflater: &mut Inflater, input: &[u8]) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    inflater.inflate(input, &mut out, MIB)?;
    inflater.finish()?;
    Ok(out)
}

/// Deflates messages, one after the other.
fn deflated(texts: &[&[u8]], window: WindowBits, takeover: bool, level: u8) -> Vec<Vec<u8>> {
    let mut deflater = Deflater::new(window, takeover, level);
    texts
        .iter()
        .map(|text| {
            let mut out = Vec::new();
            deflater.message(text, &mut out);
            out
        })
        .collect()
}

fn random(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11) as u8
        })
        .collect()
}

/// Text with the redundancy of JSON.
fn json(seed: u32, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, byte) in random(seed, len).into_iter().enumerate() {
        if out.len() >= len {
            break;
        }
        let words = ["symbol", "price", "quantity", "buyer", "seller"];
        out.extend_from_slice(
            alloc::format!(
                "{{\"id\":{i},\"{}\":{byte},\"time\":{}}},",
                words[usize::from(byte) % 5],
                u32::from(byte) * 7919
            )
            .as_bytes(),
        );
    }
    out.truncate(len);
    out
}
