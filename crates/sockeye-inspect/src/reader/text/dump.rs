//! Dumps: lines of an offset, bytes in hexadecimal, and the same as characters. With marks of who sent them, as of `socat -x`, `nc -o` and
//! Wireshark's "Follow stream".

use super::{Fault, Out};
use crate::{Timestamp, analysis::Problem, reader::time};

/// Decodes lines. One is held back, as the offset of the next one can say that it is shorter, or repeated.
#[derive(Debug, Default)]
pub(super) struct Dump {
    /// The line that is read.
    line: Vec<u8>,
    held: Option<Held>,
    second: bool,
    /// Turns up to now: whenever the other side sends, or `socat` says that something was sent.
    turn: u32,
    time: Timestamp,
    /// The base of the offsets, once two lines told.
    radix: Option<u32>,
    /// A line of `*` came: the held one is repeated up to the next offset.
    squeezed: bool,
    /// Lines that say nothing.
    other: u32,
}

#[derive(Debug)]
struct Held {
    offset: Option<String>,
    bytes: Vec<u8>,
    second: bool,
    turn: u32,
    time: Timestamp,
}

/// What a line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    /// `<`, a tab or four spaces at its beginning.
    second: bool,
    offset: Option<String>,
    bytes: Vec<u8>,
}

/// A line that announces bytes: whether of the second side, and when they were sent.
type Header = (bool, Timestamp);

/// Whether the first of these lines that say something are lines of a dump.
pub(super) fn is_dump(text: &[u8]) -> bool {
    if text.starts_with(b"===") {
        return text.windows(4).any(|window| window == b",hex");
    }
    let mut lines = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    lines.next().is_some_and(|first| {
        // Digits in groups have no offset, and then the first is hardly 0.
        let marked = first.iter().any(|byte| b":|<>[#".contains(byte));
        let begins = |offset: &str| marked || offset.bytes().all(|byte| byte == b'0');
        let is_line =
            |line: &Line| !line.bytes.is_empty() && line.offset.as_deref().is_some_and(begins);
        header(first).is_some() || parse(first).is_some_and(|line| is_line(&line))
    })
}

impl Dump {
    /// Longest line that is looked at.
    const LINE: usize = 16 << 10;
    /// How much may be left out by one `*`.
    const SQUEEZED: u64 = 64 << 20;

    pub(super) fn push(&mut self, text: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        for piece in text.split_inclusive(|&byte| byte == b'\n') {
            let room = Self::LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                self.end_line(&line, out).map_err(|why| Fault {
                    // The end of the line, as its beginning may have come before.
                    at: at + piece.len() - 1,
                    why,
                })?;
                self.line = line;
                self.line.clear();
            }
            at += piece.len();
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Out<'_>) {
        let line = core::mem::take(&mut self.line);
        if let Err(why) = self.end_line(&line, out) {
            out.intake.problem(Problem::Invalid { why, offset: 0 });
        }
        self.say_held(out);
        if self.other > 0 {
            out.intake.problem(Problem::Skipped {
                what: format!("{} lines that have no bytes", self.other),
            });
        }
    }

    fn end_line(&mut self, line: &[u8], out: &mut Out<'_>) -> Result<(), String> {
        let trimmed = line.trim_ascii();
        if trimmed == b"*" {
            self.squeezed = true;
            return Ok(());
        }
        if let Some((second, time)) = header(line) {
            self.say_held(out);
            (self.second, self.time) = (second, time);
            self.turn = self.turn.saturating_add(1);
            return Ok(());
        }
        let Some(line) = parse(line) else {
            let known = trimmed.is_empty()
                || [&b"--"[..], b"===", b"Follow:", b"Filter:", b"Node "]
                    .iter()
                    .any(|start| trimmed.starts_with(start));
            self.other += u32::from(!known);
            return Ok(());
        };
        let (second, time) = if self.time.is_known() {
            (self.second, self.time)
        } else {
            (line.second, Timestamp::UNKNOWN)
        };
        self.reach(line.offset.as_deref(), second)?;
        self.fill(line.offset.as_deref(), out)?;
        self.say_held(out);
        if !self.time.is_known() && (second != self.second || self.turn == 0) {
            self.second = second;
            self.turn = self.turn.saturating_add(1);
        }
        self.held = Some(Held {
            offset: line.offset,
            bytes: line.bytes,
            second,
            turn: self.turn,
            time,
        });
        Ok(())
    }

    /// With the offset of the next line: finds out the base of offsets, and cuts the held line where it is shorter than it looks.
    fn reach(&mut self, next: Option<&str>, second: bool) -> Result<(), String> {
        let Some(held) = self.held.as_mut().filter(|held| held.second == second) else {
            return Ok(());
        };
        let (Some(offset), Some(next)) = (held.offset.as_deref(), next) else {
            return Ok(());
        };
        let distance = |radix| {
            let [from, to] = [offset, next].map(|text| u64::from_str_radix(text, radix).ok());
            to?.checked_sub(from?)
        };
        let len = held.bytes.len() as u64;
        if self.radix.is_none() && !self.squeezed {
            self.radix = [16, 8, 10]
                .into_iter()
                .find(|&radix| distance(radix) == Some(len));
        }
        let Some(distance) = distance(self.radix.unwrap_or(16)) else {
            return Ok(());
        };
        // `hexdump` fills the last word.
        if distance + 1 == len {
            held.bytes.pop();
        }
        Ok(())
    }

    /// Says the held line as often as `*` says that it was left out.
    fn fill(&mut self, next: Option<&str>, out: &mut Out<'_>) -> Result<(), String> {
        if !core::mem::take(&mut self.squeezed) {
            return Ok(());
        }
        let Some((held, next)) = self.held.as_ref().zip(next) else {
            return Ok(());
        };
        let Some(offset) = held.offset.as_deref() else {
            return Ok(());
        };
        // `od` writes offsets of seven octal digits.
        let octal =
            offset.len() == 7 && [offset, next].iter().all(|text| !text.contains(['8', '9']));
        let radix = self.radix.unwrap_or(if octal { 8 } else { 16 });
        let [from, to] =
            [offset, next].map(|text| u64::from_str_radix(text, radix).unwrap_or_default());
        let len = held.bytes.len() as u64;
        let mut left = to.saturating_sub(from).saturating_sub(len);
        if left > Self::SQUEEZED {
            return Err("a * stands for more than 64 MiB".to_owned());
        }
        let (second, turn, time) = (held.second, held.turn, held.time);
        let piece = held.bytes.repeat(1 + 4_096 / held.bytes.len().max(1));
        self.say_held(out);
        while left > 0 && !piece.is_empty() {
            let take = left.min(piece.len() as u64);
            let mut bytes = piece[..take as usize].to_vec();
            out.say(second, turn, time, &mut bytes);
            left -= take;
        }
        Ok(())
    }

    fn say_held(&mut self, out: &mut Out<'_>) {
        if let Some(mut held) = self.held.take() {
            out.say(held.second, held.turn, held.time, &mut held.bytes);
        }
    }
}

/// `> 2026/11/23 01:50:00.000123  length=5 from=0 to=4`, as `socat` writes it.
fn header(line: &[u8]) -> Option<Header> {
    let text = str::from_utf8(line).ok()?.trim();
    let second = match text.as_bytes().first()? {
        b'>' => false,
        b'<' => true,
        _ => return None,
    };
    let (time, _) = text[1..].split_once("length=")?;
    Some((second, time::parse(time)?))
}

/// A line with an offset or bytes; `None` for any other.
fn parse(line: &[u8]) -> Option<Line> {
    let mut parsed = Line::default();
    let mut rest = line.trim_ascii_end();
    let indent = rest.len() - rest.trim_ascii_start().len();
    parsed.second = rest.starts_with(b"\t") || indent >= 4;
    rest = &rest[indent..];
    if let [mark @ (b'<' | b'>'), b' ', after @ ..] = rest {
        parsed.second = *mark == b'<';
        rest = after.trim_ascii_start();
    }
    // The offset: `00000010:`, `[0010]`, or four digits and more.
    let end = rest
        .iter()
        .position(|&byte| byte == b' ')
        .unwrap_or(rest.len());
    let (first, after) = rest.split_at(end);
    let colon = first.ends_with(b":");
    let inner = first.strip_suffix(b":").unwrap_or(first);
    let brackets = inner
        .strip_prefix(b"[")
        .and_then(|inner| inner.strip_suffix(b"]"));
    let inner = brackets.unwrap_or(inner);
    let is_hex = !inner.is_empty() && inner.iter().all(u8::is_ascii_hexdigit);
    if is_hex && (4..=16).contains(&inner.len()) {
        parsed.offset = Some(String::from_utf8_lossy(inner).into_owned());
        rest = after;
    }
    // Behind the bytes stand the characters: after a mark, or after more room than between bytes.
    let room = if colon { 2 } else { 3 };
    while !rest.is_empty() {
        let spaces = rest
            .iter()
            .take_while(|&&byte| byte == b' ' || byte == b'\t')
            .count();
        if spaces >= room && !parsed.bytes.is_empty() {
            break;
        }
        rest = &rest[spaces..];
        let end = rest
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let digits = word.len().is_multiple_of(2) && word.iter().all(u8::is_ascii_hexdigit);
        if word.is_empty() || !digits {
            break;
        }
        let from = parsed.bytes.len();
        let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
        let values = word
            .chunks_exact(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]));
        parsed.bytes.extend(values);
        // Words of `hexdump` and `od -x` are in the order of a little-endian machine, those of `xxd` in that of the file.
        if !colon && parsed.offset.is_some() && matches!(word.len(), 4 | 8 | 16) {
            parsed.bytes[from..].reverse();
        }
        rest = after;
    }
    (parsed.offset.is_some() || !parsed.bytes.is_empty()).then_some(parsed)
}
