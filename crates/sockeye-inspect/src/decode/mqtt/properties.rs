//! Properties of MQTT 5.

use super::text;
use crate::decode::{
    NodeKind,
    cursor::Cursor,
    tree::{Stop, Tree},
    value::payload,
};

/// Stands for the properties of a will, which no packet type has as its number.
pub(super) const WILL: u8 = 0;

/// How a property is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// This many bytes.
    Number(u64),
    Varint,
    Text,
    Pair,
    Binary,
}

const ALL: u16 = 0b1111_1111_1111_1111;
const ACKS: u16 = 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 11;

/// Number, name, form, and in which packets it may be (bit 0: the will), as MQTT 5 §2.2.2.2 has them.
const PROPERTIES: [(u64, &str, Form, u16); 27] = [
    (
        0x01,
        "payload format indicator",
        Form::Number(1),
        1 << 3 | 1,
    ),
    (0x02, "message expiry interval", Form::Number(4), 1 << 3 | 1),
    (0x03, "content type", Form::Text, 1 << 3 | 1),
    (0x08, "response topic", Form::Text, 1 << 3 | 1),
    (0x09, "correlation data", Form::Binary, 1 << 3 | 1),
    (
        0x0B,
        "subscription identifier",
        Form::Varint,
        1 << 3 | 1 << 8,
    ),
    (
        0x11,
        "session expiry interval",
        Form::Number(4),
        1 << 1 | 1 << 2 | 1 << 14,
    ),
    (0x12, "assigned client identifier", Form::Text, 1 << 2),
    (0x13, "server keep alive", Form::Number(2), 1 << 2),
    (
        0x15,
        "authentication method",
        Form::Text,
        1 << 1 | 1 << 2 | 1 << 15,
    ),
    (
        0x16,
        "authentication data",
        Form::Binary,
        1 << 1 | 1 << 2 | 1 << 15,
    ),
    (0x17, "request problem information", Form::Number(1), 1 << 1),
    (0x18, "will delay interval", Form::Number(4), 1),
    (
        0x19,
        "request response information",
        Form::Number(1),
        1 << 1,
    ),
    (0x1A, "response information", Form::Text, 1 << 2),
    (0x1C, "server reference", Form::Text, 1 << 2 | 1 << 14),
    (
        0x1F,
        "reason string",
        Form::Text,
        ACKS | 1 << 2 | 1 << 14 | 1 << 15,
    ),
    (0x21, "receive maximum", Form::Number(2), 1 << 1 | 1 << 2),
    (
        0x22,
        "topic alias maximum",
        Form::Number(2),
        1 << 1 | 1 << 2,
    ),
    (0x23, "topic alias", Form::Number(2), 1 << 3),
    (0x24, "maximum QoS", Form::Number(1), 1 << 2),
    (0x25, "retain available", Form::Number(1), 1 << 2),
    (0x26, "user property", Form::Pair, ALL),
    (
        0x27,
        "maximum packet size",
        Form::Number(4),
        1 << 1 | 1 << 2,
    ),
    (
        0x28,
        "wildcard subscription available",
        Form::Number(1),
        1 << 2,
    ),
    (
        0x29,
        "subscription identifiers available",
        Form::Number(1),
        1 << 2,
    ),
    (
        0x2A,
        "shared subscription available",
        Form::Number(1),
        1 << 2,
    ),
];

/// Appends the properties of a packet of type `kind`, with their length before them.
pub(super) fn walk(tree: &mut Tree, cursor: &mut Cursor<'_>, kind: u8) -> Result<(), Stop> {
    let start = cursor.at;
    let len = cursor.varint(4)?;
    let body = cursor.at;
    cursor.take(len, "the properties are cut off")?;
    if len == 0 {
        return Ok(());
    }
    let label = if kind == WILL {
        "will properties"
    } else {
        "properties"
    };
    let root = tree.open(label.to_owned(), NodeKind::Object, start)?;
    let mut inner = Cursor::new(&cursor.bytes[..cursor.at], body);
    let mut result = Ok(());
    while result.is_ok() && !inner.is_at_end() {
        result = property(tree, &mut inner, kind);
    }
    tree.close_counted(root, cursor.at);
    result
}

fn property(tree: &mut Tree, cursor: &mut Cursor<'_>, kind: u8) -> Result<(), Stop> {
    let start = cursor.at;
    let number = cursor.varint(4)?;
    let (_, label, form, _) = *PROPERTIES
        .iter()
        .find(|(known, _, _, packets)| *known == number && packets >> (kind & 0xF) & 1 == 1)
        .ok_or(Stop::Wrong(start, "no property of this packet"))?;
    match form {
        Form::Number(_) | Form::Varint => {
            let number = match form {
                Form::Number(len) => cursor.big_endian(len)?,
                _ => cursor.varint(4)?,
            };
            tree.field(
                label,
                number.to_string(),
                NodeKind::Number,
                start..cursor.at,
            )?;
        }
        Form::Text => {
            text(tree, cursor, label)?;
        }
        Form::Pair => {
            let pair = tree.open(label.to_owned(), NodeKind::Object, start)?;
            let result = text(tree, cursor, "name").and_then(|_| text(tree, cursor, "value"));
            tree.close(pair, String::new(), cursor.at);
            result?;
        }
        Form::Binary => {
            let len = cursor.big_endian(2)?;
            let from = cursor.at;
            cursor.take(len, "a property is cut off")?;
            payload(tree, cursor.bytes, from, cursor.at, label)?;
        }
    }
    Ok(())
}
