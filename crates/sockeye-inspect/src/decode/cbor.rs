//! CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)), with the place of every value.

use super::{
    NodeKind,
    cursor::Cursor,
    msgpack,
    number::float,
    tree::{Stop, Tree, hex, text_value},
};

/// Decodes a message that is one data item.
pub(super) fn decode(tree: &mut Tree, content: &[u8]) -> Result<(), Stop> {
    super::value::Notation::Cbor
        .whole(tree, content, "")
        .map(drop)
}

/// What follows the three bits of the major type.
enum Argument {
    Number(u64),
    /// The end is marked.
    Indefinite,
}

/// Appends the data item at `at` with all within it. Returns the offset behind it.
pub(super) fn walk(tree: &mut Tree, bytes: &[u8], at: usize, label: String) -> Result<usize, Stop> {
    let mut cursor = Cursor::new(bytes, at);
    let first = cursor.byte()?;
    let argument = match first & 0x1F {
        small @ 0..=23 => Argument::Number(small.into()),
        code @ 24..=27 => Argument::Number(cursor.big_endian(1 << (code - 24))?),
        31 if matches!(first >> 5, 2..=5) => Argument::Indefinite,
        _ => return Err(Stop::Wrong(at, "this begins no data item of CBOR")),
    };
    let (value, kind) = match (first >> 5, argument) {
        (0, Argument::Number(number)) => (number.to_string(), NodeKind::Number),
        (1, Argument::Number(number)) => ((-1 - i128::from(number)).to_string(), NodeKind::Number),
        (2, Argument::Number(len)) => {
            (hex(cursor.take(len, "bytes are cut off")?), NodeKind::Bytes)
        }
        (3, Argument::Number(len)) => (
            text_value(cursor.take(len, "a string is cut off")?),
            NodeKind::String,
        ),
        (major @ (2 | 3), Argument::Indefinite) => pieces(&mut cursor, major)?,
        (major @ (4 | 5), argument) => {
            return container(tree, cursor, at, label, &argument, major == 5);
        }
        (6, Argument::Number(tag)) => return tagged(tree, cursor, at, label, tag),
        (_, Argument::Number(simple)) => match first & 0x1F {
            20 => (String::from("false"), NodeKind::Boolean),
            21 => (String::from("true"), NodeKind::Boolean),
            22 => (String::from("null"), NodeKind::Null),
            23 => (String::from("undefined"), NodeKind::Null),
            code @ 25..=27 => (float(simple, 1 << (code - 24)), NodeKind::Number),
            _ => (["simple ", &simple.to_string()].concat(), NodeKind::Note),
        },
        _ => return Err(Stop::Wrong(at, "this begins no data item of CBOR")),
    };
    tree.push(label, value, kind, at..cursor.at)?;
    Ok(cursor.at)
}

/// RFC 8949 §3.2.3: a string in pieces of definite length.
fn pieces(cursor: &mut Cursor<'_>, major: u8) -> Result<(String, NodeKind), Stop> {
    let mut joined = Vec::new();
    loop {
        let at = cursor.at;
        let first = cursor.byte()?;
        if first == 0xFF {
            break;
        }
        let len = match first & 0x1F {
            small @ 0..=23 => u64::from(small),
            code @ 24..=27 => cursor.big_endian(1 << (code - 24))?,
            _ => u64::MAX,
        };
        if first >> 5 != major {
            return Err(Stop::Wrong(at, "a piece of another kind in a string"));
        }
        let piece = cursor.take(len, "a piece of a string is cut off")?;
        let room = super::tree::MAX_VALUE.saturating_sub(joined.len());
        // One byte more than is shown, so that the value ends with an ellipsis.
        joined.extend_from_slice(&piece[..piece.len().min(room + 1)]);
    }
    Ok(match major {
        2 => (hex(&joined), NodeKind::Bytes),
        _ => (text_value(&joined), NodeKind::String),
    })
}

fn tagged(
    tree: &mut Tree,
    cursor: Cursor<'_>,
    start: usize,
    label: String,
    tag: u64,
) -> Result<usize, Stop> {
    let name = match tag {
        0 => " date and time",
        1 => " time since 1970",
        2 => " unsigned big number",
        3 => " negative big number",
        4 => " decimal fraction",
        24 => " CBOR in bytes",
        32 => " URI",
        37 => " UUID",
        258 => " set",
        55_799 => " CBOR",
        _ => "",
    };
    let node = tree.open(label, NodeKind::Array, start)?;
    let result = walk(tree, cursor.bytes, cursor.at, String::new());
    let value = ["tag ", &tag.to_string(), name].concat();
    tree.close(node, value, *result.as_ref().unwrap_or(&cursor.at));
    result
}

fn container(
    tree: &mut Tree,
    cursor: Cursor<'_>,
    start: usize,
    label: String,
    count: &Argument,
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
        match count {
            Argument::Number(count) if done as u64 == *count => break Ok(at),
            Argument::Indefinite if cursor.bytes.get(at) == Some(&0xFF) => break Ok(at + 1),
            _ => {}
        }
        let value = match is_map {
            false => walk(tree, cursor.bytes, at, done.to_string()),
            true => msgpack::key(tree, cursor.bytes, at, walk)
                .and_then(|(key, value)| walk(tree, cursor.bytes, value, key)),
        };
        at = match value {
            Ok(end) => end,
            Err(stop) => break Err(stop),
        };
        done += 1;
    };
    tree.close_counted(node, *result.as_ref().unwrap_or(&at));
    result
}
