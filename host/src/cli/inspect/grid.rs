//! The header of a frame as RFC 6455 §5.2 draws it.

use std::fmt::Write;

/// Draws a header, with what its fields hold. `header` is what is on record of it, `payload` the first bytes of the payload as sent.
pub(super) fn draw(header: &[u8], payload: &[u8], payload_len: u64) -> String {
    let fields = fields(header, payload, payload_len);
    let mut rows: Vec<Vec<Segment>> = Vec::new();
    let mut bit = 0;
    for (number, field) in fields.iter().enumerate() {
        let mut left = field.bits;
        while left > 0 {
            let start = bit % 32;
            let len = left.min(32 - start);
            if start == 0 {
                rows.push(Vec::new());
            }
            if let Some(row) = rows.last_mut() {
                row.push(Segment {
                    field: number,
                    start,
                    len,
                    skipped: field.bits - left,
                });
            }
            bit += len;
            left -= len;
        }
    }
    let mut out = String::from(
        " 0                   1                   2                   3\n \
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n",
    );
    border(None, rows.first(), &mut out);
    for (index, row) in rows.iter().enumerate() {
        for is_name in [true, false] {
            for segment in row {
                let field = &fields[segment.field];
                let width = 2 * segment.len - 1;
                let text = if !is_name {
                    field.value(segment)
                } else if segment.skipped > 0 {
                    format!("{} (continued)", field.name)
                } else {
                    field.name.clone()
                };
                // Narrow cells have short names.
                let text: String = text.chars().take(width).collect();
                let _ = write!(out, "|{text:^width$}");
            }
            out.push_str("|\n");
        }
        border(Some(row), rows.get(index + 1), &mut out);
    }
    out
}

/// A field of the header.
struct Field {
    name: String,
    bits: usize,
    value: Value,
}

enum Value {
    Text(String),
    /// A byte for each eight bits.
    Bytes(Vec<u8>),
}

impl Field {
    fn new(name: &str, bits: usize, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bits,
            value: Value::Text(value.into()),
        }
    }

    fn bytes(name: String, bytes: &[u8]) -> Self {
        Self {
            name,
            bits: 8 * bytes.len(),
            value: Value::Bytes(bytes.to_vec()),
        }
    }

    fn value(&self, segment: &Segment) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Bytes(bytes) => {
                let start = segment.skipped / 8;
                let shown = bytes
                    .get(start..start + segment.len / 8)
                    .unwrap_or_default();
                let hex: Vec<_> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                hex.join(" ")
            }
        }
    }
}

/// What of a field lies in one row.
struct Segment {
    field: usize,
    start: usize,
    len: usize,
    /// Bits of the field in the rows before.
    skipped: usize,
}

fn fields(header: &[u8], payload: &[u8], payload_len: u64) -> Vec<Field> {
    let &[first, second, ..] = header else {
        return Vec::new();
    };
    let bit = |byte: u8, mask: u8| u8::from(byte & mask != 0).to_string();
    let mut fields = vec![
        Field::new("F", 1, bit(first, 0x80)),
        Field::new("1", 1, bit(first, 0x40)),
        Field::new("2", 1, bit(first, 0x20)),
        Field::new("3", 1, bit(first, 0x10)),
        Field::new("opcode", 4, format!("0x{:X}", first & 0xF)),
        Field::new("M", 1, bit(second, 0x80)),
        Field::new("payload len", 7, (second & 0x7F).to_string()),
    ];
    let extended = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let rest = &header[2..];
    let (length, rest) = rest.split_at(rest.len().min(extended));
    if !length.is_empty() {
        let name = format!("extended payload length ({})", 8 * length.len());
        fields.push(Field::bytes(name, length));
    }
    if !rest.is_empty() {
        fields.push(Field::bytes("masking key".into(), rest));
    }
    // The payload fills the row.
    let used = header.len() % 4;
    let shown = &payload[..payload.len().min(4 - used)];
    if !shown.is_empty() {
        let is_whole = shown.len() as u64 == payload_len;
        let name = if is_whole { "payload" } else { "payload …" };
        fields.push(Field::bytes(name.into(), shown));
    }
    fields
}

/// The line between two rows: open where a field goes on.
fn border(above: Option<&Vec<Segment>>, below: Option<&Vec<Segment>>, out: &mut String) {
    let field_at = |row: Option<&Vec<Segment>>, bit: usize| {
        row?.iter()
            .find(|segment| (segment.start..segment.start + segment.len).contains(&bit))
            .map(|segment| segment.field)
    };
    let is_edge = |row: Option<&Vec<Segment>>, bit: usize| {
        row.is_some_and(|row| {
            row.iter()
                .any(|segment| segment.start == bit || segment.start + segment.len == bit)
        })
    };
    let end = [above, below]
        .into_iter()
        .flatten()
        .filter_map(|row| row.last())
        .map(|segment| segment.start + segment.len)
        .max()
        .unwrap_or(0);
    for bit in 0..=end {
        let is_open = |bit: usize| {
            let field = field_at(above, bit);
            field.is_some() && field == field_at(below, bit)
        };
        out.push(if is_edge(above, bit) || is_edge(below, bit) {
            '+'
        } else if is_open(bit) {
            ' '
        } else {
            '-'
        });
        if bit < end {
            out.push(if is_open(bit) { ' ' } else { '-' });
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_frame_of_the_rfc_is_drawn() {
        // RFC 6455 §5.7: a masked text frame with "Hello".
        let header = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D];
        let drawn = draw(&header, &[0x7F, 0x9F, 0x4D, 0x51, 0x58], 5);
        assert_eq!(
            drawn,
            "\x20\
0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|1|2|3|opcode |M| payload len |          masking key          |
|1|0|0|0|  0x1  |1|      5      |             37 fa             |
+-+-+-+-+-------+-+-------------+-------------------------------+
|    masking key (continued)    |           payload …           |
|             21 3d             |             7f 9f             |
+-------------------------------+-------------------------------+
"
        );
    }

    #[test]
    fn extended_length_goes_on_in_the_next_row() {
        let header = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        let drawn = draw(&header, &[0xAA; 4], 65_536);
        assert_eq!(
            drawn,
            "\x20\
0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|1|2|3|opcode |M| payload len | extended payload length (64)  |
|1|0|0|0|  0x2  |0|     127     |             00 00             |
+-+-+-+-+-------+-+-------------+                               +
|           extended payload length (64) (continued)            |
|                          00 00 00 01                          |
+                               +-------------------------------+
|extended payload length (64) (c|           payload …           |
|             00 00             |             aa aa             |
+-------------------------------+-------------------------------+
"
        );
    }

    #[test]
    fn header_alone_is_half_a_row() {
        let drawn = draw(&[0x89, 0x00], &[], 0);
        assert_eq!(
            drawn,
            "\x20\
0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+
|F|1|2|3|opcode |M| payload len |
|1|0|0|0|  0x9  |0|      0      |
+-+-+-+-+-------+-+-------------+
"
        );
    }
}
