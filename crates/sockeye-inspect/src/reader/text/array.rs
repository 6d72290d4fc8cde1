//! Arrays of C, Rust, Go, JavaScript and others, and plain lists of numbers.

use super::{Fault, Out};
use crate::Timestamp;

/// Decodes numbers of one byte. Names, brackets and types around them are passed over; `peer1_...` names the second side, and
/// `Packet 7` in a comment its packet, as Wireshark writes them.
#[derive(Debug)]
pub(super) struct Array {
    /// Whether numbers without `0x` are hexadecimal.
    hex: bool,
    /// The word that is read.
    word: Vec<u8>,
    comment: Comment,
    second: bool,
    packet: u32,
    /// The word in a comment before this one was `Packet`.
    numbered: bool,
    /// Whether a name came last.
    name: bool,
    /// Within `[16]` behind a name, or behind the type in `[u8; 16]`.
    in_length: bool,
    /// How many brackets of lists are open; `None`: there was none, and every number counts.
    depth: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comment {
    None,
    /// Behind a slash.
    Slash,
    Line,
    Block,
    /// Behind a star within a block.
    Star,
}

/// Whether it is a list of numbers, and whether those without `0x` are hexadecimal.
pub(super) fn is_array(text: &[u8]) -> Option<bool> {
    let open = text.iter().position(|&byte| byte == b'{');
    let open = open.or_else(|| text.iter().position(|&byte| byte == b'['));
    let list = open.map_or(text, |open| &text[open + 1..]);
    let mut first = list.trim_ascii_start();
    while let Some(comment) = first.strip_prefix(b"/*") {
        let end = comment.windows(2).position(|pair| pair == b"*/")?;
        first = comment[end + 2..].trim_ascii_start();
    }
    let mut digits = 0;
    let mut letters = false;
    for &byte in first
        .iter()
        .take_while(|byte| !matches!(byte, b'}' | b']' | b'/'))
    {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' | b'A'..=b'F' => letters = true,
            b'x' | b'X' | b'u' | b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b')' => {}
            _ => return None,
        }
    }
    let commas = first.contains(&b',') || first.contains(&b'}') || first.contains(&b']');
    let prefixed = first.windows(2).any(|pair| pair == b"0x" || pair == b"0X");
    (digits > 0 && (commas || prefixed)).then_some(letters && !prefixed)
}

impl Array {
    /// Longest word that is looked at.
    const WORD: usize = 64;

    pub(super) const fn new(hex: bool) -> Self {
        Self {
            hex,
            word: Vec::new(),
            comment: Comment::None,
            second: false,
            packet: 0,
            numbered: false,
            name: false,
            in_length: false,
            depth: None,
        }
    }

    pub(super) fn push(&mut self, text: &[u8], out: &mut Out<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        let mut result = Ok(());
        for (at, &byte) in text.iter().enumerate() {
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                if self.word.len() < Self::WORD {
                    self.word.push(byte);
                }
                if self.comment == Comment::Star {
                    self.comment = Comment::Block;
                }
                continue;
            }
            if let Err(why) = self.end_word(&mut bytes, out) {
                result = Err(Fault { at, why });
                break;
            }
            self.comment = match (self.comment, byte) {
                (Comment::None, b'/') => Comment::Slash,
                (Comment::Slash, b'/') => Comment::Line,
                (Comment::Slash, b'*') => Comment::Block,
                (Comment::None | Comment::Slash, _) => Comment::None,
                (Comment::Line, b'\n') => Comment::None,
                (Comment::Line, _) => Comment::Line,
                (Comment::Star, b'/') => Comment::None,
                (Comment::Block | Comment::Star, b'*') => Comment::Star,
                (Comment::Block | Comment::Star, _) => Comment::Block,
            };
            if self.comment == Comment::None {
                match byte {
                    b'[' | b';' if self.name => self.in_length = true,
                    b']' if self.in_length => self.in_length = false,
                    b'[' | b'{' => self.depth = Some(self.depth.unwrap_or(0).saturating_add(1)),
                    b']' | b'}' => self.depth = self.depth.map(|depth| depth.saturating_sub(1)),
                    b'=' => self.in_length = false,
                    _ => {}
                }
                self.name &= byte.is_ascii_whitespace();
            }
        }
        out.say(self.second, self.packet, Timestamp::UNKNOWN, &mut bytes);
        result
    }

    /// A word ends.
    fn end_word(&mut self, bytes: &mut Vec<u8>, out: &mut Out<'_>) -> Result<(), String> {
        if self.word.is_empty() {
            return Ok(());
        }
        let word = core::mem::take(&mut self.word);
        let word = str::from_utf8(&word).unwrap_or_default();
        if self.comment != Comment::None {
            let number = word.parse().ok().filter(|_| self.numbered);
            if let Some(packet) = number {
                self.say_so_far(bytes, out);
                self.packet = packet;
            }
            self.numbered = word.eq_ignore_ascii_case("packet");
            return Ok(());
        }
        let declared = word
            .strip_prefix("peer")
            .and_then(|rest| rest.split_once('_'));
        if let Some((peer, _)) = declared {
            self.say_so_far(bytes, out);
            (self.second, self.name) = (peer != "0", true);
            return Ok(());
        }
        self.name = !(word.as_bytes()[0].is_ascii_digit() || self.hex && word.len() <= 2);
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let number = match digits {
            Some(digits) => u32::from_str_radix(digits.trim_end_matches('u'), 16).ok(),
            None if self.hex && word.len() <= 2 => u32::from_str_radix(word, 16).ok(),
            None if self.name => return Ok(()),
            None => word
                .trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .parse()
                .ok(),
        };
        // Outside stand lengths, as those of `xxd -i`.
        if self.in_length || self.depth == Some(0) {
            return Ok(());
        }
        match number.and_then(|number| u8::try_from(number).ok()) {
            Some(byte) => {
                bytes.push(byte);
                Ok(())
            }
            None => Err(format!("{word} is no byte")),
        }
    }

    fn say_so_far(&self, bytes: &mut Vec<u8>, out: &mut Out<'_>) {
        out.say(self.second, self.packet, Timestamp::UNKNOWN, bytes);
        bytes.clear();
    }

    pub(super) fn finish(&mut self, out: &mut Out<'_>) {
        let mut bytes = Vec::new();
        let _ = self.end_word(&mut bytes, out);
        self.say_so_far(&mut bytes, out);
    }
}
