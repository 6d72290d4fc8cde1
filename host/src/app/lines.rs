//! Bytes into lines.

/// Cuts a stream of bytes into lines, each without its line break, `\n` or `\r\n`.
///
/// A line longer than the limit comes in pieces, cut between characters. What is not UTF-8 is replaced by U+FFFD.
#[derive(Debug)]
pub(super) struct Lines {
    partial: Vec<u8>,
    limit: usize,
}

impl Lines {
    /// With lines of at most this many bytes, and at least [`MIN_LIMIT`].
    pub(super) fn new(limit: usize) -> Self {
        Self {
            partial: Vec::new(),
            limit: limit.max(MIN_LIMIT),
        }
    }

    /// Takes what follows, and gives `emit` each line that it completes.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(String)) {
        while !bytes.is_empty() {
            let wanted = self.limit + LINE_BREAK - self.partial.len();
            let piece = &bytes[..bytes.len().min(wanted)];
            if let Some(end) = piece.iter().position(|&byte| byte == b'\n') {
                if self.partial.is_empty() {
                    emit(text(without_return(&piece[..end])));
                } else {
                    self.partial.extend_from_slice(&piece[..end]);
                    emit(text(without_return(&self.partial)));
                    self.partial.clear();
                }
                bytes = &bytes[end + 1..];
                continue;
            }
            self.partial.extend_from_slice(piece);
            bytes = &bytes[piece.len()..];
            if self.partial.len() >= self.limit + LINE_BREAK {
                let cut = cut(&self.partial, self.limit);
                emit(text(&self.partial[..cut]));
                self.partial.drain(..cut);
            }
        }
    }

    /// Returns the last line, if it lacks a line break.
    pub(super) fn finish(self) -> Option<String> {
        (!self.partial.is_empty()).then(|| text(&self.partial))
    }
}

/// Where to cut a line so that at most `limit` bytes are before: not within a character.
pub(super) fn cut(line: &[u8], limit: usize) -> usize {
    let limit = limit.min(line.len());
    let continues = |&at: &usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A character has at most three bytes that continue it; what has more is not UTF-8.
    (limit.saturating_sub(3)..=limit)
        .rev()
        .find(|at| !continues(at))
        .filter(|&at| at > 0)
        .unwrap_or(limit)
}

/// The line, without the `\r` that a line break may begin with.
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub(super) fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// A line may be this much longer than the limit while its break has not been seen.
const LINE_BREAK: usize = 2;

/// The longest character has four bytes.
pub(super) const MIN_LIMIT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `input`, in pieces of every length.
    fn lines(input: &[u8], limit: usize) -> Vec<String> {
        let mut all = Vec::new();
        for step in 1..=input.len() {
            let mut lines = Lines::new(limit);
            let mut found = Vec::new();
            for piece in input.chunks(step) {
                lines.push(piece, |line| found.push(line));
            }
            found.extend(lines.finish());
            all.push(found);
        }
        let first = all.swap_remove(0);
        assert!(all.iter().all(|found| *found == first), "{all:?}");
        first
    }

    #[test]
    fn lines_lose_their_breaks() {
        assert_eq!(lines(b"a\n\r\nbc\r\n\nd", 100), ["a", "", "bc", "", "d"]);
        assert_eq!(lines(b"a\rb\n", 100), ["a\rb"]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(lines(b"abcdefgh\nij\n", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("abc€€\n".as_bytes(), 4), ["abc", "€", "€"]);
        assert_eq!(lines("𝄞𝄞".as_bytes(), 4), ["𝄞", "𝄞"]);
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        assert_eq!(lines(b"a\xffb\n", 100), ["a\u{fffd}b"]);
        assert_eq!(lines(&[0x80; 7], 4).concat(), "\u{fffd}".repeat(7));
    }
}
