//! Literals and references, many at a time.

use super::{
    bits::Bits,
    codes::{BAD, Codes, END, LITERAL, LONGER, extended, total, value},
    window::{self, SIZE, Window},
};

/// Two times eight bytes are read without asking.
const INPUT: usize = 16;

/// Whether there is enough input for `inflate` to do anything.
pub(super) const fn is_possible(bits: &Bits<'_>) -> bool {
    bits.at + INPUT <= bits.input.len()
}

/// Inflates while nothing special happens: stops, before it, at the end of the block, at what is wrong, at a reference that begins before
/// `floor`, and near the end of the input or of the room. Where a reference is farther than `farthest`, it says how far and at which bit.
pub(super) fn inflate(
    bits: &mut Bits<'_>,
    codes: &Codes,
    window: &mut Window,
    floor: usize,
    mut farthest: u32,
) -> Option<(u32, u64)> {
    let mut farthest_at = None;
    let input = bits.input;
    let (mut at, mut buffer, mut count) = (bits.at, bits.buffer, bits.count);
    let mut end = window.end;
    let bytes = &mut *window.bytes;
    // The longest match, three literals, and what `copy` writes too much.
    while at + INPUT <= input.len() && end + 258 + 32 <= SIZE {
        refill(input, &mut at, &mut buffer, &mut count);
        let mut entry = codes.literal(buffer);
        if entry & LITERAL != 0 {
            bytes[end] = value(entry) as u8;
            end += 1;
            buffer >>= total(entry);
            count -= total(entry);
            entry = codes.literal(buffer);
            if entry & LITERAL != 0 {
                bytes[end] = value(entry) as u8;
                end += 1;
                buffer >>= total(entry);
                count -= total(entry);
                entry = codes.literal(buffer);
                if entry & LITERAL != 0 {
                    bytes[end] = value(entry) as u8;
                    end += 1;
                    buffer >>= total(entry);
                    count -= total(entry);
                    continue;
                }
            }
        }
        // Two literals of ten bits each are gone at most: 36 bits are left, and a length takes 20.
        let before = (at, buffer, count);
        if entry & (LONGER | END | BAD) != 0 {
            if entry & LONGER == 0 {
                break;
            }
            buffer >>= total(entry);
            count -= total(entry);
            entry = codes.long_literal(entry, buffer);
            if entry & (END | BAD) != 0 {
                (at, buffer, count) = before;
                break;
            }
            if entry & LITERAL != 0 {
                bytes[end] = value(entry) as u8;
                end += 1;
                buffer >>= total(entry);
                count -= total(entry);
                continue;
            }
        }
        let len = extended(entry, buffer);
        buffer >>= total(entry);
        count -= total(entry);
        refill(input, &mut at, &mut buffer, &mut count);
        let mut entry = codes.distance(buffer);
        if entry & (LONGER | BAD) != 0 {
            if entry & LONGER == 0 {
                (at, buffer, count) = before;
                break;
            }
            buffer >>= total(entry);
            count -= total(entry);
            entry = codes.long_distance(entry, buffer);
            if entry & BAD != 0 {
                (at, buffer, count) = before;
                break;
            }
        }
        let distance = extended(entry, buffer);
        if end - distance < floor {
            (at, buffer, count) = before;
            break;
        }
        if distance as u32 > farthest {
            farthest = distance as u32;
            farthest_at = Some((before.0, before.2));
        }
        buffer >>= total(entry);
        count -= total(entry);
        window::copy(bytes, end, distance, len);
        end += len;
    }
    (bits.at, bits.buffer, bits.count) = (at, buffer, count);
    window.end = end;
    farthest_at.map(|(at, count)| (farthest, bits.position_of(at, count)))
}

/// At least 56 bits are in `buffer` afterwards. There are eight bytes.
#[inline(always)]
fn refill(input: &[u8], at: &mut usize, buffer: &mut u64, count: &mut u32) {
    let next: [u8; 8] = input[*at..*at + 8].try_into().expect("eight bytes");
    *buffer |= u64::from_le_bytes(next) << *count;
    *at += ((63 - *count) / 8) as usize;
    *count |= 56;
}
