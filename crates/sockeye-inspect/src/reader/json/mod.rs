//! A scanner for JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)) that takes bytes as they come and holds no more than one string.

mod string;

use string::{Text, Unescaped};

/// A place in a document: for each level an index of the scanner's table of names, [`OTHER`] or [`ITEM`].
pub(crate) type Path = [u8];

/// A key that is not in the table.
pub(crate) const OTHER: u8 = 0xFF;
/// An element of an array.
pub(crate) const ITEM: u8 = 0xFE;

/// A value that is neither object nor array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A wanted string, unescaped. `verbatim`: it stands in the capture like this, from the value's offset + 1 on.
    String {
        text: &'a [u8],
        verbatim: bool,
    },
    /// A string that was not wanted.
    Unwanted,
    /// A wanted string that is longer than [`Scanner::LONGEST_STRING`].
    TooLong,
    /// A number as it is written.
    Number(&'a [u8]),
    Boolean(bool),
    Null,
}

impl Value<'_> {
    /// The number, also one within a string.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(text) | Self::String { text, .. } => {
                str::from_utf8(text).ok()?.trim().parse().ok()
            }
            _ => None,
        }
    }

    /// The number if it is one without a fraction and fits.
    pub(crate) fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Number(text) | Self::String { text, .. } => {
                if let Ok(number) = str::from_utf8(text).ok()?.parse() {
                    return Some(number);
                }
                // Chrome writes lengths as doubles.
                let number = self.number()?;
                (number >= 0.0 && number.fract() == 0.0 && number < 9.0e15).then_some(number as u64)
            }
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::String { text, .. } => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }
}

/// What takes the values of a document.
pub(crate) trait Visitor {
    /// Whether the text of the string at `path` is wanted.
    fn wants(&self, path: &Path) -> bool;
    /// A value at `path` that began at `offset`. `key` is its key, empty in an array.
    fn value(&mut self, path: &Path, key: &[u8], value: Value<'_>, offset: u64);
    /// An object or array at `path` begins at `offset`.
    fn begin(&mut self, path: &Path, offset: u64);
    /// An object or array at `path` ends.
    fn end(&mut self, path: &Path);
}

/// Why a document cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) why: &'static str,
    pub(crate) offset: u64,
}

/// Takes a document in pieces of any length.
#[derive(Debug)]
pub(crate) struct Scanner {
    names: &'static [&'static str],
    state: State,
    /// For each open object or array whether it is an array.
    open: Vec<bool>,
    /// The place of the value that is read or expected.
    path: Vec<u8>,
    /// The last key, for [`Visitor::value`].
    key: Vec<u8>,
    text: Text,
    /// How much was read.
    offset: u64,
    /// Where the value began that is read.
    began: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the document: a byte order mark may come.
    Start,
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    String,
    Word,
    Done,
    Failed,
}

impl Scanner {
    /// Longest string that is held. A longer one is [`Value::TooLong`].
    pub(crate) const LONGEST_STRING: usize = 256 << 20;
    /// How deep objects and arrays may be nested.
    pub(crate) const DEPTH: usize = 256;
    const LONGEST_KEY: usize = 512;
    const LONGEST_WORD: usize = 64;

    /// A scanner whose paths tell these names apart: fewer than 254.
    pub(crate) const fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            state: State::Start,
            open: Vec::new(),
            path: Vec::new(),
            key: Vec::new(),
            text: Text::new(),
            offset: 0,
            began: 0,
        }
    }

    /// Whether the document is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// How many objects and arrays are open.
    pub(crate) const fn depth(&self) -> usize {
        self.open.len()
    }

    /// Takes more of the document. After an error, and after the document, nothing is taken any more.
    ///
    /// # Errors
    ///
    /// Where it is not JSON, once.
    pub(crate) fn push(&mut self, bytes: &[u8], visitor: &mut impl Visitor) -> Result<(), Fault> {
        let start = self.offset;
        let mut at = 0;
        while at < bytes.len() && self.state != State::Failed {
            self.offset = start + at as u64;
            let taken = self.step(&bytes[at..], visitor);
            match taken {
                Ok(taken) => at += taken,
                Err(why) => {
                    self.state = State::Failed;
                    return Err(Fault {
                        why,
                        offset: self.offset,
                    });
                }
            }
        }
        self.offset = start + bytes.len() as u64;
        Ok(())
    }

    /// Takes at least one byte and says how many.
    fn step(&mut self, bytes: &[u8], visitor: &mut impl Visitor) -> Result<usize, &'static str> {
        let byte = bytes[0];
        match self.state {
            State::String | State::Key => return self.string(bytes, visitor),
            State::Word => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
                    if self.text.bytes.len() == Self::LONGEST_WORD {
                        return Err("a number of more than 64 digits");
                    }
                    self.text.bytes.push(byte);
                    return Ok(1);
                }
                self.word(visitor)?;
            }
            _ => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(1);
        }
        match (self.state, byte) {
            (State::Start, 0xEF | 0xBB | 0xBF) => {}
            (State::Start | State::Value | State::ValueOrEnd, b'{' | b'[') => {
                if self.open.len() == Self::DEPTH {
                    return Err("objects and arrays are nested deeper than 256 levels");
                }
                visitor.begin(&self.path, self.offset);
                let array = byte == b'[';
                self.open.push(array);
                self.path.push(if array { ITEM } else { OTHER });
                self.key.clear();
                self.state = if array {
                    State::ValueOrEnd
                } else {
                    State::KeyOrEnd
                };
            }
            (State::Value | State::ValueOrEnd, b'"') => {
                self.began = self.offset;
                self.text
                    .begin(visitor.wants(&self.path), Self::LONGEST_STRING);
                self.state = State::String;
            }
            (State::Value | State::ValueOrEnd, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.began = self.offset;
                self.text.begin(true, Self::LONGEST_WORD);
                self.text.bytes.push(byte);
                self.state = State::Word;
            }
            (State::KeyOrEnd, b'"') => {
                self.text.begin(true, Self::LONGEST_KEY);
                self.state = State::Key;
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::CommaOrEnd, b',') => self.after_comma(),
            // What is written line by line has a comma at the end that nothing follows.
            (State::KeyOrEnd | State::CommaOrEnd, b'}') if self.open.last() == Some(&false) => {
                self.close(visitor);
            }
            (State::ValueOrEnd | State::CommaOrEnd, b']') if self.open.last() == Some(&true) => {
                self.close(visitor);
            }
            (State::Start, _) => return Err("it does not begin as JSON does"),
            (State::Value | State::ValueOrEnd, _) => return Err("a value of JSON is missing"),
            (State::KeyOrEnd, _) => return Err("a key of JSON is missing"),
            (State::Colon, _) => return Err("a colon of JSON is missing"),
            (State::CommaOrEnd, _) => return Err("a comma of JSON is missing"),
            (_, _) => return Err("something follows behind the JSON"),
        }
        Ok(1)
    }

    fn after_comma(&mut self) {
        self.state = if self.open.last() == Some(&true) {
            State::ValueOrEnd
        } else {
            State::KeyOrEnd
        };
    }

    fn close(&mut self, visitor: &mut impl Visitor) {
        self.open.pop();
        self.path.pop();
        self.key.clear();
        visitor.end(&self.path);
        self.after_value();
    }

    fn after_value(&mut self) {
        self.state = if self.open.is_empty() {
            State::Done
        } else {
            State::CommaOrEnd
        };
    }

    /// Within a key or string.
    fn string(&mut self, bytes: &[u8], visitor: &mut impl Visitor) -> Result<usize, &'static str> {
        let (taken, ended) = self.text.push(bytes)?;
        match ended {
            Unescaped::More => {}
            Unescaped::End if self.state == State::Key => {
                let name = self
                    .names
                    .iter()
                    .position(|name| name.as_bytes() == self.text.bytes && !self.text.too_long);
                if let Some(last) = self.path.last_mut() {
                    *last = name.map_or(OTHER, |name| name as u8);
                }
                core::mem::swap(&mut self.key, &mut self.text.bytes);
                self.state = State::Colon;
            }
            Unescaped::End => {
                let value = if self.text.too_long {
                    Value::TooLong
                } else if self.text.wanted {
                    Value::String {
                        text: &self.text.bytes,
                        verbatim: self.text.verbatim,
                    }
                } else {
                    Value::Unwanted
                };
                visitor.value(&self.path, &self.key, value, self.began);
                self.text.shrink();
                self.after_value();
            }
        }
        Ok(taken)
    }

    /// A number or `true`, `false`, `null` ends.
    fn word(&mut self, visitor: &mut impl Visitor) -> Result<(), &'static str> {
        let value = match &self.text.bytes[..] {
            b"true" => Value::Boolean(true),
            b"false" => Value::Boolean(false),
            b"null" => Value::Null,
            number if matches!(number[0], b'-' | b'0'..=b'9') => Value::Number(number),
            _ => return Err("a word that JSON does not have"),
        };
        visitor.value(&self.path, &self.key, value, self.began);
        self.after_value();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
