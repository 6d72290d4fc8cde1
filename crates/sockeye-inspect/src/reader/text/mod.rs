//! Bytes of a stream that are written as text: dumps of `xxd`, `hexdump`, `od`, `socat -x`, `nc -o` and Wireshark, hexadecimal digits, base64,
//! arrays of C and others, literals of C and Python.

mod array;
mod dump;
mod hex;
mod literal;

use self::{array::Array, dump::Dump, hex::Hex, literal::Literal};
use super::{
    base64::{self, Base64},
    raw::{Conversation, Opening, Voice},
    sniff,
};
use crate::{
    Timestamp,
    analysis::{Intake, Problem, Provenance},
};

/// So many bytes of a text tell what kind it is.
pub(super) const ENOUGH: usize = 1_024;

/// A way to write bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dump,
    Hex,
    Array { hex: bool },
    Literal,
    Base64,
}

/// Reads one text.
#[derive(Debug)]
pub(crate) struct TextReader {
    /// The first bytes, until they say what kind of text it is.
    held: Vec<u8>,
    decoder: Option<Decoder>,
    /// How much was decoded.
    offset: u64,
}

#[derive(Debug)]
enum Decoder {
    Dump(Box<Dump>),
    Hex(Hex),
    Array(Array),
    Literal(Literal),
    Base64 {
        base64: Base64,
        /// Before the comma of a `data:` URL.
        in_prefix: bool,
    },
    Failed,
}

/// Where decoded bytes go.
struct Out<'a> {
    voice: Voice,
    conversation: &'a mut Conversation,
    intake: &'a mut dyn Intake,
}

/// What makes a text unreadable from a place on.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// Within what was pushed.
    at: usize,
    why: String,
}

impl Out<'_> {
    /// Says bytes of the first or second side of the text.
    fn say(&mut self, second: bool, packet: u32, time: Timestamp, bytes: &mut [u8]) {
        let voice = match (self.voice, second) {
            (Voice::One, false) | (Voice::Other, true) => Voice::One,
            _ => Voice::Other,
        };
        let provenance = Provenance {
            offset: None,
            packet,
            time,
        };
        if !bytes.is_empty() {
            self.conversation.say(voice, provenance, bytes, self.intake);
        }
    }
}

impl TextReader {
    pub(crate) const fn new() -> Self {
        Self {
            held: Vec::new(),
            decoder: None,
            offset: 0,
        }
    }

    pub(crate) fn push(
        &mut self,
        voice: Voice,
        chunk: &[u8],
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) {
        let mut out = Out {
            voice,
            conversation,
            intake,
        };
        if self.decoder.is_some() {
            self.decode(chunk, &mut out);
            return;
        }
        self.held.extend_from_slice(chunk);
        let text = self
            .held
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.held);
        // White space before it is not counted, but not held for ever either.
        if text.trim_ascii_start().len() >= ENOUGH || self.held.len() >= sniff::HELD {
            self.begin(false, &mut out);
        }
    }

    pub(crate) fn finish(
        &mut self,
        voice: Voice,
        conversation: &mut Conversation,
        intake: &mut dyn Intake,
    ) {
        let mut out = Out {
            voice,
            conversation,
            intake,
        };
        if self.decoder.is_none() {
            self.begin(true, &mut out);
        }
        let cut = match &mut self.decoder {
            Some(Decoder::Dump(dump)) => {
                dump.finish(&mut out);
                false
            }
            Some(Decoder::Hex(hex)) => !hex.is_complete(),
            Some(Decoder::Array(array)) => {
                array.finish(&mut out);
                false
            }
            Some(Decoder::Literal(literal)) => !literal.is_complete(),
            Some(Decoder::Base64 { base64, .. }) => !base64.is_complete(),
            Some(Decoder::Failed) | None => false,
        };
        if cut {
            out.intake.problem(Problem::Truncated {
                what: "text".to_owned(),
                offset: self.offset,
            });
        }
    }

    /// Finds out the kind, and decodes what is held.
    fn begin(&mut self, ended: bool, out: &mut Out<'_>) {
        let held = core::mem::take(&mut self.held);
        let text = held.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&held);
        self.offset = (held.len() - text.len()) as u64;
        let start = text.trim_ascii_start();
        // However much comes at once, the same bytes decide.
        let decides = &start[..start.len().min(ENOUGH)];
        let ended = ended && decides.len() == start.len();
        self.decoder = Some(match detect(decides, ended) {
            Some(Kind::Dump) => Decoder::Dump(Box::default()),
            Some(Kind::Hex) => Decoder::Hex(Hex::default()),
            Some(Kind::Array { hex }) => Decoder::Array(Array::new(hex)),
            Some(Kind::Literal) => Decoder::Literal(Literal::default()),
            Some(Kind::Base64) => Decoder::Base64 {
                base64: Base64::default(),
                in_prefix: start.starts_with(b"data:"),
            },
            None => {
                out.intake.problem(Problem::Invalid {
                    why: "this is no text that stands for bytes: hex, a dump, base64, an array or a literal"
                        .to_owned(),
                    offset: 0,
                });
                Decoder::Failed
            }
        });
        self.decode(text, out);
    }

    fn decode(&mut self, text: &[u8], out: &mut Out<'_>) {
        let result = match &mut self.decoder {
            Some(Decoder::Dump(dump)) => dump.push(text, out),
            Some(Decoder::Hex(hex)) => hex.push(text, out),
            Some(Decoder::Array(array)) => array.push(text, out),
            Some(Decoder::Literal(literal)) => literal.push(text, out),
            Some(Decoder::Base64 { base64, in_prefix }) => {
                decode_base64(base64, in_prefix, text, out)
            }
            Some(Decoder::Failed) | None => Ok(()),
        };
        if let Err(fault) = result {
            out.intake.problem(Problem::Invalid {
                why: fault.why,
                offset: self.offset + fault.at as u64,
            });
            self.decoder = Some(Decoder::Failed);
        }
        self.offset += text.len() as u64;
    }
}

fn decode_base64(
    base64: &mut Base64,
    in_prefix: &mut bool,
    text: &[u8],
    out: &mut Out<'_>,
) -> Result<(), Fault> {
    let mut from = 0;
    if *in_prefix {
        let Some(comma) = text.iter().position(|&byte| byte == b',') else {
            return Ok(());
        };
        *in_prefix = false;
        from = comma + 1;
    }
    // Somebody's quotes around it.
    for part in text[from..].split_inclusive(|&byte| matches!(byte, b'"' | b'\'')) {
        let inner = part.strip_suffix(b"\"").or_else(|| part.strip_suffix(b"'"));
        let mut bytes = Vec::new();
        let result = base64.decode(inner.unwrap_or(part), &mut bytes);
        out.say(false, 0, Timestamp::UNKNOWN, &mut bytes);
        if let Err(at) = result {
            let at = from + at;
            return Err(Fault {
                at,
                why: format!("{:?} cannot stand in base64", text[at] as char),
            });
        }
        from += part.len();
    }
    Ok(())
}

/// Whether `byte` can stand in such a text.
pub(super) const fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// What kind of text begins so, without white space before it; `ended`: and is no longer.
pub(super) fn detect(text: &[u8], ended: bool) -> Option<Kind> {
    let whole_lines = match text.iter().rposition(|&byte| byte == b'\n') {
        Some(end) if !ended => &text[..end],
        _ => text,
    };
    if dump::is_dump(whole_lines) {
        return Some(Kind::Dump);
    }
    if text.starts_with(b"data:") {
        let comma = text.iter().position(|&byte| byte == b',')?;
        return text[..comma].ends_with(b";base64").then_some(Kind::Base64);
    }
    if literal::is_literal(text) {
        return Some(Kind::Literal);
    }
    if hex::is_hex(whole_lines) {
        return Some(Kind::Hex);
    }
    if let Some(hex) = array::is_array(text) {
        return Some(Kind::Array { hex });
    }
    // Any word could be base64, so it has to stand for something that can be read.
    let words = |&byte: &u8| base64::is_base64(byte) && byte != b' ' && byte != b'\t';
    let inner: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'"' | b'\''))
        .collect();
    if inner.iter().all(words) {
        let mut bytes = Vec::new();
        let _ = Base64::default().decode(&inner, &mut bytes);
        if sniff::is_frame(&bytes) || Opening::of(&bytes) != Opening::Frames {
            return Some(Kind::Base64);
        }
    }
    None
}

#[cfg(test)]
mod tests;
