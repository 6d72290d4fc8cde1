//! Compressed data within a message: what it is, what its header says, and what is in it.

use core::ops::{ControlFlow, Range};

use super::{
    Decoder, Fit, Hints, NodeKind,
    cursor::Cursor,
    detect,
    preview::printable,
    tree::{Stop, Tree, hex, text_value},
};
use crate::inflate::Inflater;

/// How many bytes are inflated.
const MAX_INFLATED: usize = 1 << 20;

/// gzip ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
pub(super) fn gzip(
    tree: &mut Tree,
    content: &[u8],
    hints: &Hints<'_>,
    inflates: bool,
) -> Result<Fit, Stop> {
    if !content.starts_with(&[0x1F, 0x8B, 8]) {
        return Err(Stop::Wrong(0, "gzip begins with 1f 8b 08"));
    }
    let mut cursor = Cursor::new(content, 3);
    tree.say(&bytes(content.len()));
    let root = tree.open(String::from("gzip"), NodeKind::Object, 0)?;
    let result = gzip_header(tree, &mut cursor).and_then(|()| {
        let start = cursor.at;
        let end = content.len().saturating_sub(8).max(start);
        tree.field("deflate", bytes(end - start), NodeKind::Bytes, start..end)?;
        cursor.at = end;
        let checksum = cursor.little_endian(4)?;
        tree.field(
            "CRC-32",
            checksum.to_string(),
            NodeKind::Number,
            end..end + 4,
        )?;
        let len = cursor.little_endian(4)?;
        tree.field(
            "length",
            len.to_string(),
            NodeKind::Number,
            end + 4..end + 8,
        )?;
        if inflates {
            inflated(tree, content, start..end, hints)?;
        }
        Ok(())
    });
    tree.close(root, bytes(content.len()), content.len());
    result.map(|()| Fit::Sure)
}

/// Appends what is in compressed data. Returns whether it could be inflated.
fn inflated(
    tree: &mut Tree,
    content: &[u8],
    range: Range<usize>,
    hints: &Hints<'_>,
) -> Result<bool, Stop> {
    let mut data = Vec::new();
    let result = Inflater::new().inflate(&content[range.clone()], &mut |piece| {
        let room = MAX_INFLATED - data.len();
        data.extend_from_slice(&piece[..piece.len().min(room)]);
        match data.len() < MAX_INFLATED {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    if result.is_err() {
        let at = range.end..range.end;
        tree.field(
            "error",
            String::from("it does not inflate"),
            NodeKind::Note,
            at,
        )?;
        return Ok(false);
    }
    // What is inflated is no WebSocket message: nothing is known of it but itself.
    let is_text = printable(&data).is_some_and(|text| text.len() == data.len());
    let hints = Hints::new(if is_text { 1 } else { 2 }, hints.direction);
    let node = tree.open(String::from("inflated"), NodeKind::Object, range.start)?;
    let decoded = detect::best(&data, &hints, false);
    let mut value = bytes(data.len());
    if data.len() == MAX_INFLATED {
        value.push_str(" and more");
    }
    tree.say(": ");
    let result = match decoded {
        Some(decoded) => {
            if decoded.decoder != Decoder::Text {
                value.push_str(", ");
                value.push_str(decoded.decoder.name());
            }
            tree.say(&decoded.summary);
            tree.graft(decoded)
        }
        None => {
            let (text, kind) = match is_text {
                true => (text_value(&data), NodeKind::String),
                false => (hex(&data), NodeKind::Bytes),
            };
            tree.say(&text);
            tree.field("data", text, kind, 0..0).map(drop)
        }
    };
    tree.close(node, value, range.end);
    result.map(|()| true)
}

fn gzip_header(tree: &mut Tree, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    let flags = cursor.byte()?;
    tree.field("flags", flags.to_string(), NodeKind::Number, 3..4)?;
    let time = cursor.little_endian(4)?;
    if time > 0 {
        tree.field("time", time.to_string(), NodeKind::Number, 4..8)?;
    }
    cursor.take(2, "the header is cut off")?;
    if flags & 0x04 != 0 {
        let len = cursor.little_endian(2)?;
        cursor.take(len, "an extra field is cut off")?;
    }
    for (flag, label) in [(0x08, "name"), (0x10, "comment")] {
        if flags & flag == 0 {
            continue;
        }
        let start = cursor.at;
        let len = cursor.rest().iter().position(|&byte| byte == 0);
        let len = len.ok_or(Stop::Wrong(start, "a name has no end"))?;
        cursor.take(len as u64 + 1, "")?;
        super::value::text_field(tree, cursor.bytes, start, start + len, label)?;
    }
    if flags & 0x02 != 0 {
        cursor.take(2, "the header's checksum is cut off")?;
    }
    Ok(())
}

/// zlib ([RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)).
pub(super) fn zlib(
    tree: &mut Tree,
    content: &[u8],
    hints: &Hints<'_>,
    inflates: bool,
) -> Result<Fit, Stop> {
    let is_header = matches!(*content, [method, flags, ..]
        if method & 0xF == 8 && method >> 4 <= 7 && (u32::from(method) * 256 + u32::from(flags)).is_multiple_of(31));
    if !is_header || content.len() < 8 {
        return Err(Stop::Wrong(0, "this is no header of zlib"));
    }
    let end = content.len() - 4;
    tree.say(&bytes(content.len()));
    let root = tree.open(String::from("zlib"), NodeKind::Object, 0)?;
    let window = 1_u32 << (8 + (content[0] >> 4));
    tree.field("window", window.to_string(), NodeKind::Number, 0..1)?;
    tree.field("deflate", bytes(end - 2), NodeKind::Bytes, 2..end)?;
    let checksum = Cursor::new(content, end).big_endian(4)?;
    tree.field(
        "Adler-32",
        checksum.to_string(),
        NodeKind::Number,
        end..end + 4,
    )?;
    let result = match inflates {
        true => inflated(tree, content, 2..end, hints),
        false => Ok(false),
    };
    tree.close(root, bytes(content.len()), content.len());
    Ok(match result? {
        true => Fit::Sure,
        false => Fit::Possible,
    })
}

/// Zstandard ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)): named, not decompressed.
pub(super) fn zstd(tree: &mut Tree, content: &[u8]) -> Result<Fit, Stop> {
    if !content.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        return Err(Stop::Wrong(0, "Zstandard begins with 28 b5 2f fd"));
    }
    tree.say(&bytes(content.len()));
    tree.field(
        "Zstandard",
        bytes(content.len()),
        NodeKind::Bytes,
        0..content.len(),
    )?;
    let mut cursor = Cursor::new(content, 4);
    let descriptor = cursor.byte()?;
    let is_single = descriptor >> 5 & 1;
    cursor.take(
        u64::from(1 - is_single) + [0, 1, 2, 4][usize::from(descriptor & 3)],
        "the header is cut off",
    )?;
    let size = match descriptor >> 6 {
        0 => is_single,
        size => 1 << size,
    };
    if size > 0 {
        let start = cursor.at;
        let mut len = cursor.little_endian(size.into())?;
        if size == 2 {
            len += 256;
        }
        tree.field(
            "length",
            len.to_string(),
            NodeKind::Number,
            start..cursor.at,
        )?;
        tree.say(" for ");
        tree.say(&len.to_string());
    }
    Ok(Fit::Sure)
}

fn bytes(len: usize) -> String {
    [&len.to_string(), " bytes"].concat()
}
