//! JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), with the place of every value.

use super::{
    NodeKind,
    tree::{MAX_VALUE, Stop, Tree},
};

/// Decodes a message that is one JSON text.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<(), Stop> {
    let start = skip_space(content, 0);
    if start == content.len() {
        return Err(Stop::Wrong(start, "there is no value"));
    }
    let end = walk(tree, content, start, String::new())?;
    let end = skip_space(content, end);
    if end < content.len() {
        return Err(Stop::Wrong(end, "something follows the value"));
    }
    Ok(())
}

/// Appends the value at `at` with all within it. Returns the offset behind it.
pub(super) fn walk(tree: &mut Tree, bytes: &[u8], at: usize, label: String) -> Result<usize, Stop> {
    let at = skip_space(bytes, at);
    match bytes.get(at) {
        Some(b'{') => container(tree, bytes, at, label, NodeKind::Object),
        Some(b'[') => container(tree, bytes, at, label, NodeKind::Array),
        Some(b'"') => {
            let end = string_end(bytes, at)?;
            let value = unescape(bytes, at, end, MAX_VALUE)?;
            tree.push(label, value, NodeKind::String, at..end)?;
            Ok(end)
        }
        Some(b'-' | b'0'..=b'9') => {
            let end = number_end(bytes, at)?;
            let value = super::tree::text_value(&bytes[at..end]);
            tree.push(label, value, NodeKind::Number, at..end)?;
            Ok(end)
        }
        Some(_) => {
            for (word, kind) in [
                ("true", NodeKind::Boolean),
                ("false", NodeKind::Boolean),
                ("null", NodeKind::Null),
            ] {
                if bytes[at..].starts_with(word.as_bytes()) {
                    let end = at + word.len();
                    tree.push(label, word.to_owned(), kind, at..end)?;
                    return Ok(end);
                }
            }
            Err(Stop::Wrong(at, "no value begins like this"))
        }
        None => Err(Stop::Wrong(at, "a value is missing")),
    }
}

fn container(
    tree: &mut Tree,
    bytes: &[u8],
    start: usize,
    label: String,
    kind: NodeKind,
) -> Result<usize, Stop> {
    let is_object = kind == NodeKind::Object;
    let shut = if is_object { b'}' } else { b']' };
    let node = tree.open(label, kind, start)?;
    let mut count = 0;
    let mut at = skip_space(bytes, start + 1);
    let result = loop {
        if count == 0 && bytes.get(at) == Some(&shut) {
            break Ok(at + 1);
        }
        let member = if is_object {
            member(tree, bytes, at)
        } else {
            walk(tree, bytes, at, count.to_string())
        };
        at = match member {
            Ok(end) => skip_space(bytes, end),
            Err(stop) => break Err(stop),
        };
        count += 1;
        match bytes.get(at) {
            Some(b',') => at = skip_space(bytes, at + 1),
            Some(byte) if *byte == shut => break Ok(at + 1),
            Some(_) => break Err(Stop::Wrong(at, "a comma or the end is missing")),
            None => break Err(Stop::Wrong(at, "an object or array is not closed")),
        }
    };
    // What was walked stays, and says how much of it there was.
    tree.close_counted(node, *result.as_ref().unwrap_or(&at));
    result
}

fn member(tree: &mut Tree, bytes: &[u8], at: usize) -> Result<usize, Stop> {
    if bytes.get(at) != Some(&b'"') {
        return Err(Stop::Wrong(at, "a key in quotes is missing"));
    }
    let end = string_end(bytes, at)?;
    let key = unescape(bytes, at, end, MAX_VALUE)?;
    let colon = skip_space(bytes, end);
    if bytes.get(colon) != Some(&b':') {
        return Err(Stop::Wrong(colon, "a colon is missing"));
    }
    walk(tree, bytes, colon + 1, key)
}

/// The offset of the first byte from `at` that is no white space.
pub(crate) fn skip_space(bytes: &[u8], at: usize) -> usize {
    bytes
        .get(at..)
        .unwrap_or_default()
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        .map_or(bytes.len(), |skipped| at + skipped)
}

/// The offset behind the closing quote of the string at `start`.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(0..=0x1F) => return Err(Stop::Wrong(at, "a control character in a string")),
            Some(_) => at += 1,
            None => return Err(Stop::Wrong(start, "a string is not closed")),
        }
    }
}

/// The text of the string from quote to quote, cut with `…` when longer than `most` bytes.
pub(crate) fn unescape(
    bytes: &[u8],
    start: usize,
    end: usize,
    most: usize,
) -> Result<String, Stop> {
    let inner = &bytes[start + 1..end - 1];
    let mut out = String::new();
    let mut at = 0;
    while at < inner.len() {
        if out.len() >= most {
            out.push('…');
            break;
        }
        let run = inner[at..]
            .iter()
            .position(|&byte| byte == b'\\')
            .unwrap_or(inner.len() - at);
        let mut shown = run.min(most - out.len());
        while shown < run && shown > 0 && inner[at + shown] & 0xC0 == 0x80 {
            shown -= 1;
        }
        out.push_str(&String::from_utf8_lossy(&inner[at..at + shown]));
        if shown < run {
            out.push('…');
            break;
        }
        at += run;
        if at < inner.len() {
            let wrong = Stop::Wrong(start + 1 + at, "no such escape");
            let (char, len) = escape(&inner[at..]).ok_or(wrong)?;
            out.push(char);
            at += len;
        }
    }
    Ok(out)
}

/// The character of the escape at the beginning, and its length; a surrogate without the other is a replacement character.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let char = match *bytes.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(bytes)?;
            if first & 0xFC00 == 0xD800
                && let Some(second) = bytes.get(6..).and_then(unit)
                && second & 0xFC00 == 0xDC00
            {
                let code = 0x1_0000 + ((first & 0x3FF) << 10 | second & 0x3FF);
                return Some((char::from_u32(code)?, 12));
            }
            return Some((char::from_u32(first).unwrap_or('\u{FFFD}'), 6));
        }
        _ => return None,
    };
    Some((char, 2))
}

/// The number of `\uXXXX`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}

fn number_end(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let digits = |at: usize| -> Result<usize, Stop> {
        let count = bytes
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            return Err(Stop::Wrong(at, "a digit is missing"));
        }
        Ok(at + count)
    };
    let first = start + usize::from(bytes[start] == b'-');
    let mut at = digits(first)?;
    if bytes[first] == b'0' && at > first + 1 {
        return Err(Stop::Wrong(first, "a number begins with a zero too many"));
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(at + 1 + sign)?;
    }
    Ok(at)
}

/// The offset behind the value at `at`, which is nested at most `room` deep; `None`: this is no JSON.
pub(crate) fn skip(bytes: &[u8], at: usize, room: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'{' | b'[' => {
            let room = room.checked_sub(1)?;
            let mut members = Members::new(bytes, at, bytes[at] == b'{');
            while let Some((_, value)) = members.next()? {
                members.at = skip(bytes, value, room)?;
            }
            Some(members.at)
        }
        b'"' => string_end(bytes, at).ok(),
        b'-' | b'0'..=b'9' => number_end(bytes, at).ok(),
        _ => ["true", "false", "null"]
            .into_iter()
            .find(|word| bytes[at..].starts_with(word.as_bytes()))
            .map(|word| at + word.len()),
    }
}

/// Goes through an object or array without keeping anything.
pub(crate) struct Members<'a> {
    bytes: &'a [u8],
    /// The offset behind the last value: set it before asking for the next one.
    pub(crate) at: usize,
    is_object: bool,
    is_first: bool,
}

impl<'a> Members<'a> {
    /// Goes through what begins with a brace or bracket at `at`.
    pub(crate) const fn new(bytes: &'a [u8], at: usize, is_object: bool) -> Self {
        Self {
            bytes,
            at: at + 1,
            is_object,
            is_first: true,
        }
    }

    /// Where the next key (with its quotes; empty in an array) and the next value are. `Some(None)`: that was the last, and [`Self::at`] is
    /// behind it. `None`: this is no JSON.
    pub(crate) fn next(&mut self) -> Option<Option<((usize, usize), usize)>> {
        let mut at = skip_space(self.bytes, self.at);
        let shut = if self.is_object { b'}' } else { b']' };
        let byte = *self.bytes.get(at)?;
        if byte == shut {
            self.at = at + 1;
            return Some(None);
        }
        if !self.is_first {
            if byte != b',' {
                return None;
            }
            at = skip_space(self.bytes, at + 1);
        }
        self.is_first = false;
        let mut key = (at, at);
        if self.is_object {
            if self.bytes.get(at) != Some(&b'"') {
                return None;
            }
            key.1 = string_end(self.bytes, at).ok()?;
            let colon = skip_space(self.bytes, key.1);
            if self.bytes.get(colon) != Some(&b':') {
                return None;
            }
            at = skip_space(self.bytes, colon + 1);
        }
        Some(Some((key, at)))
    }
}
