//! Protocol Buffers without a schema: field numbers, wire types, and guesses.

use super::{
    NodeKind,
    cursor::Cursor,
    number::{float, signed},
    tree::{Stop, Tree, hex, text_value},
};

/// Decodes a message.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<(), Stop> {
    let root = tree.open(String::new(), NodeKind::Object, 0)?;
    let mut cursor = Cursor::new(content, 0);
    let result = fields(tree, &mut cursor, None);
    tree.close_counted(root, cursor.at);
    result?;
    if content.is_empty() {
        return Err(Stop::Wrong(0, "there are no fields"));
    }
    Ok(())
}

/// Appends fields up to the end, or that of the group `group`.
fn fields(tree: &mut Tree, cursor: &mut Cursor<'_>, group: Option<u64>) -> Result<(), Stop> {
    while !cursor.is_at_end() {
        let start = cursor.at;
        let (field, wire) = tag(cursor)?;
        if wire == 4 {
            if group == Some(field) {
                return Ok(());
            }
            return Err(Stop::Wrong(start, "a group ends that did not begin"));
        }
        let label = field.to_string();
        match wire {
            0 => {
                let number = cursor.varint(10)?;
                let mut value = number.to_string();
                if number > i64::MAX.cast_unsigned() {
                    value.push_str(" (int ");
                    value.push_str(&signed(number, 8));
                    value.push(')');
                }
                tree.push(label, value, NodeKind::Number, start..cursor.at)?;
            }
            1 | 5 => {
                let len = if wire == 1 { 8 } else { 4 };
                let bits = cursor.little_endian(len)?;
                let value = [&bits.to_string(), " (float ", &float(bits, len), ")"].concat();
                tree.push(label, value, NodeKind::Number, start..cursor.at)?;
            }
            2 => {
                let len = cursor.varint(10)?;
                let data = cursor.take(len, "a field is cut off")?;
                delimited(tree, cursor, start, label, data)?;
            }
            _ => {
                let node = tree.open(label, NodeKind::Object, start)?;
                let result = fields(tree, cursor, Some(field));
                tree.close_counted(node, cursor.at);
                result?;
            }
        }
    }
    match group {
        Some(_) => Err(Stop::Wrong(cursor.at, "a group does not end")),
        None => Ok(()),
    }
}

/// The number and the wire type of a field.
fn tag(cursor: &mut Cursor<'_>) -> Result<(u64, u64), Stop> {
    let start = cursor.at;
    let tag = cursor.varint(5)?;
    let (field, wire) = (tag >> 3, tag & 7);
    if field == 0 || field >= 1 << 29 {
        return Err(Stop::Wrong(start, "no field has this number"));
    }
    if wire > 5 {
        return Err(Stop::Wrong(start, "no such wire type"));
    }
    Ok((field, wire))
}

/// Appends a string, a message, or bytes, whatever it looks like.
fn delimited(
    tree: &mut Tree,
    cursor: &Cursor<'_>,
    start: usize,
    label: String,
    data: &[u8],
) -> Result<(), Stop> {
    let end = cursor.at;
    let text = str::from_utf8(data).ok().filter(|text| {
        !text
            .chars()
            .any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t'))
    });
    // A message with a string in its first field begins as text with an empty line does.
    let is_message = !data.is_empty() && (text.is_none() || data[0] < 0x20) && are_fields(data);
    if is_message {
        let node = tree.open(label, NodeKind::Object, start)?;
        let mut inner = Cursor::new(&cursor.bytes[..end], end - data.len());
        let result = fields(tree, &mut inner, None);
        tree.close_counted(node, end);
        return result;
    }
    let (value, kind) = match text {
        Some(_) => (text_value(data), NodeKind::String),
        None => (hex(data), NodeKind::Bytes),
    };
    tree.push(label, value, kind, start..end)?;
    Ok(())
}

/// Whether bytes are whole fields, one after the other, without groups; what is within them is not looked at.
fn are_fields(data: &[u8]) -> bool {
    let mut cursor = Cursor::new(data, 0);
    while !cursor.is_at_end() {
        let Ok((_, wire)) = tag(&mut cursor) else {
            return false;
        };
        let skipped = match wire {
            0 => cursor.varint(10).map(drop),
            1 => cursor.take(8, "").map(drop),
            2 => cursor
                .varint(10)
                .and_then(|len| cursor.take(len, ""))
                .map(drop),
            5 => cursor.take(4, "").map(drop),
            _ => return false,
        };
        if skipped.is_err() {
            return false;
        }
    }
    true
}
