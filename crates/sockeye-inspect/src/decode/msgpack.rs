//! MessagePack, with the place of every value.

use super::{
    NodeKind,
    cursor::Cursor,
    number::{float, signed},
    tree::{Stop, Tree, hex, text_value},
};

/// Decodes a message that is one value.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<(), Stop> {
    super::value::Notation::MessagePack
        .whole(tree, content, "")
        .map(drop)
}

/// Appends the value at `at` with all within it. Returns the offset behind it.
pub(super) fn walk(tree: &mut Tree, bytes: &[u8], at: usize, label: String) -> Result<usize, Stop> {
    let mut cursor = Cursor::new(bytes, at);
    let first = cursor.byte()?;
    let size = 1 << (first & 3);
    let (value, kind) = match first {
        0x00..=0x7F => (first.to_string(), NodeKind::Number),
        0xE0..=0xFF => (signed(first.into(), 1), NodeKind::Number),
        0x80..=0x8F => return container(tree, cursor, at, label, u64::from(first & 0xF), true),
        0x90..=0x9F => return container(tree, cursor, at, label, u64::from(first & 0xF), false),
        0xA0..=0xBF => string(&mut cursor, u64::from(first & 0x1F))?,
        0xC0 => (String::from("null"), NodeKind::Null),
        0xC1 => return Err(Stop::Wrong(at, "0xc1 begins no value of MessagePack")),
        0xC2 => (String::from("false"), NodeKind::Boolean),
        0xC3 => (String::from("true"), NodeKind::Boolean),
        0xC4..=0xC6 => {
            let len = cursor.big_endian(size)?;
            let bytes = cursor.take(len, "bytes are cut off")?;
            (hex(bytes), NodeKind::Bytes)
        }
        0xC7..=0xC9 => {
            // ext 8, 16 and 32 begin at another number than bin does.
            let len = cursor.big_endian(1 << (first - 0xC7))?;
            extension(&mut cursor, len)?
        }
        0xCA => (float(cursor.big_endian(4)?, 4), NodeKind::Number),
        0xCB => (float(cursor.big_endian(8)?, 8), NodeKind::Number),
        0xCC..=0xCF => (cursor.big_endian(size)?.to_string(), NodeKind::Number),
        0xD0..=0xD3 => (signed(cursor.big_endian(size)?, size), NodeKind::Number),
        0xD4..=0xD8 => extension(&mut cursor, 1 << (first - 0xD4))?,
        0xD9..=0xDB => {
            let len = cursor.big_endian(1 << (first - 0xD9))?;
            string(&mut cursor, len)?
        }
        0xDC | 0xDD => {
            let count = cursor.big_endian(2 << (first - 0xDC))?;
            return container(tree, cursor, at, label, count, false);
        }
        0xDE | 0xDF => {
            let count = cursor.big_endian(2 << (first - 0xDE))?;
            return container(tree, cursor, at, label, count, true);
        }
    };
    tree.push(label, value, kind, at..cursor.at)?;
    Ok(cursor.at)
}

fn string(cursor: &mut Cursor<'_>, len: u64) -> Result<(String, NodeKind), Stop> {
    let text = cursor.take(len, "a string is cut off")?;
    Ok((text_value(text), NodeKind::String))
}

fn extension(cursor: &mut Cursor<'_>, len: u64) -> Result<(String, NodeKind), Stop> {
    let kind = cursor.byte()?;
    let data = cursor.take(len, "an extension is cut off")?;
    let mut value = String::new();
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    };
    // Type -1 is a time: seconds, or nanoseconds and seconds.
    let time = match (kind, data.len()) {
        (0xFF, 4) => Some((number(data).to_string(), 0)),
        (0xFF, 8) => Some((
            (number(data) & 0x3_FFFF_FFFF).to_string(),
            number(data) >> 34,
        )),
        (0xFF, 12) => Some((signed(number(&data[4..]), 8), number(&data[..4]))),
        _ => None,
    };
    if let Some((seconds, nanos)) = time {
        value.push_str("time ");
        value.push_str(&seconds);
        value.push_str(" s");
        if nanos > 0 {
            value.push_str(" + ");
            value.push_str(&nanos.to_string());
            value.push_str(" ns");
        }
    } else {
        value.push_str("extension ");
        value.push_str(&signed(kind.into(), 1));
        value.push_str(": ");
        value.push_str(&hex(data));
    }
    Ok((value, NodeKind::Bytes))
}

fn container(
    tree: &mut Tree,
    cursor: Cursor<'_>,
    start: usize,
    label: String,
    count: u64,
    is_map: bool,
) -> Result<usize, Stop> {
    let kind = match is_map {
        true => NodeKind::Object,
        false => NodeKind::Array,
    };
    let node = tree.open(label, kind, start)?;
    let mut at = cursor.at;
    let mut done = 0;
    let result = loop {
        if done as u64 == count {
            break Ok(at);
        }
        let value = match is_map {
            false => walk(tree, cursor.bytes, at, done.to_string()),
            true => key(tree, cursor.bytes, at, walk)
                .and_then(|(key, value)| walk(tree, cursor.bytes, value, key)),
        };
        at = match value {
            Ok(end) => end,
            Err(stop) => break Err(stop),
        };
        done += 1;
    };
    tree.close_counted(node, at);
    result
}

/// The key at `at` as a label, and the offset behind it.
pub(super) fn key(
    tree: &mut Tree,
    bytes: &[u8],
    at: usize,
    walk: fn(&mut Tree, &[u8], usize, String) -> Result<usize, Stop>,
) -> Result<(String, usize), Stop> {
    // A key is walked as a value of its own, which is then taken back.
    let node = tree.nodes.len();
    let end = walk(tree, bytes, at, String::new())?;
    let mut key = tree.nodes.drain(node..);
    let label = key.next().map_or_else(String::new, |key| key.value);
    drop(key);
    Ok((label, end))
}
