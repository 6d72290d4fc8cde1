//! Positions in text: JavaScript counts units of UTF-16, Rust bytes of UTF-8.

use core::ops::Range;

/// The byte at which this unit of UTF-16 begins, or its character; the end for one behind it.
pub(crate) fn to_bytes(text: &str, unit: usize) -> usize {
    let mut units = 0;
    text.char_indices()
        .find(|(_, char)| {
            units += char.len_utf16();
            units > unit
        })
        .map_or(text.len(), |(at, _)| at)
}

/// The units of UTF-16 before this byte.
pub(crate) fn from_bytes(text: &str, byte: usize) -> usize {
    text.char_indices()
        .take_while(|&(at, _)| at < byte)
        .map(|(_, char)| char.len_utf16())
        .sum()
}

/// The units of these bytes.
pub(crate) fn range(text: &str, bytes: &Range<usize>) -> Range<usize> {
    from_bytes(text, bytes.start)..from_bytes(text, bytes.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_there_and_back() {
        let text = "aé🐟z";
        for (unit, byte) in [(0, 0), (1, 1), (2, 3), (4, 7), (5, 8)] {
            assert_eq!(to_bytes(text, unit), byte, "{unit}");
            assert_eq!(from_bytes(text, byte), unit, "{byte}");
        }
        assert_eq!(to_bytes(text, 3), 3);
        assert_eq!(to_bytes(text, 99), 8);
        assert_eq!(from_bytes(text, 99), 5);
        assert_eq!(range(text, &(1..7)), 1..4);
    }
}
