//! One line of a message, and text without further meaning.

use super::{
    NodeKind,
    tree::{Stop, Tree, append_line, push_hex, text_value},
};

/// Appends one line of at most `max_chars` characters that shows what is in a frame or message: text with its controls escaped, bytes as hex,
/// the code and reason of a Close frame. Reads no more of `content` than it shows.
pub fn preview(content: &[u8], opcode: u8, out: &mut String, max_chars: usize) {
    let mut room = max_chars;
    let mut content = content;
    if opcode == 0x8
        && let Some((code, reason)) = content.split_at_checked(2)
    {
        let code = u16::from_be_bytes([code[0], code[1]]);
        if !append_line(out, &code.to_string(), &mut room) {
            return;
        }
        if !reason.is_empty() {
            append_line(out, " ", &mut room);
        }
        content = reason;
    }
    // One character more than fits, each of up to four bytes, so that it is known whether to end with an ellipsis.
    let shown = &content[..content.len().min(4 * (room + 1))];
    let text = match opcode {
        0x1 | 0x8 => Some(String::from_utf8_lossy(shown)),
        0x2 => None,
        _ => printable(shown).map(Into::into),
    };
    match text {
        Some(text) => {
            append_line(out, &text, &mut room);
        }
        None => append_hex(out, shown, &mut room),
    }
}

/// The text, if bytes are text that can be shown: UTF-8, of which the last character may be cut off, without controls other than white space.
pub(super) fn printable(bytes: &[u8]) -> Option<&str> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_shown = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t');
    text.chars().all(is_shown).then_some(text)
}

fn append_hex(out: &mut String, bytes: &[u8], room: &mut usize) {
    for (index, &byte) in bytes.iter().enumerate() {
        let width = 2 + usize::from(index > 0);
        let is_last = index + 1 == bytes.len();
        if *room < width + usize::from(!is_last) {
            if *room > 0 {
                out.push('…');
            }
            *room = 0;
            return;
        }
        *room -= width;
        if index > 0 {
            out.push(' ');
        }
        push_hex(out, byte);
    }
}

/// Text as it is.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<(), Stop> {
    let value = text_value(content);
    tree.say(&value);
    tree.field("text", value, NodeKind::String, 0..content.len())?;
    match str::from_utf8(content) {
        Ok(_) => Ok(()),
        Err(error) => Err(Stop::Wrong(error.valid_up_to(), "this is not UTF-8")),
    }
}
