//! Bytes as people read them.

use core::fmt::Write as _;
use std::io::{self, Write};

use super::source::{Export, on_record, rfc3339};
use crate::ReadAt;

pub(super) fn write<S: ReadAt + ?Sized>(
    export: &Export<'_, S>,
    frames: impl Iterator<Item = u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut text = String::new();
    for frame in frames.filter_map(|number| export.capture.frame(number)) {
        let bytes = on_record(
            export
                .capture
                .wire(frame.number, export.limit, export.source),
        )?;
        write!(
            out,
            "# frame {} of connection {}, {}, {}",
            frame.number,
            frame.connection,
            frame.direction.name(),
            frame.opcode_name(),
        )?;
        if let Some(time) = rfc3339(frame.time) {
            write!(out, ", {time}")?;
        }
        let Some(bytes) = bytes else {
            writeln!(out, ", {} bytes that are not on record\n", frame.wire_len())?;
            continue;
        };
        writeln!(out, ", {} bytes", bytes.total)?;
        text.clear();
        dump(&bytes.data, 0, &mut text);
        out.write_all(text.as_bytes())?;
        let left = bytes.total.saturating_sub(bytes.data.len() as u64);
        if left > 0 {
            writeln!(out, "# and {left} bytes more")?;
        }
        for range in &bytes.missing {
            writeln!(
                out,
                "# the capture lacks bytes {} to {}: they stand as zeros",
                range.start,
                range.end.saturating_sub(1)
            )?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Appends bytes as `hexdump -C` shows them: offset, from `offset` on, sixteen bytes, and characters.
pub fn dump(bytes: &[u8], offset: u64, out: &mut String) {
    for (line, chunk) in (0_u64..).zip(bytes.chunks(16)) {
        // Writing to a string does not fail.
        let _ = write!(out, "{:08x} ", offset.saturating_add(line * 16));
        for column in 0..16 {
            if column == 8 {
                out.push(' ');
            }
            match chunk.get(column) {
                Some(byte) => {
                    let digits = b"0123456789abcdef";
                    out.push(' ');
                    out.push(char::from(digits[usize::from(byte >> 4)]));
                    out.push(char::from(digits[usize::from(byte & 0xF)]));
                }
                None => out.push_str("   "),
            }
        }
        out.push_str("  |");
        out.extend(chunk.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        }));
        out.push_str("|\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dump_has_offset_bytes_and_characters() {
        let mut out = String::new();
        dump(b"\x81\x05Hello\0\xFF, all of you", 0x10, &mut out);
        assert_eq!(
            out,
            "00000010  81 05 48 65 6c 6c 6f 00  ff 2c 20 61 6c 6c 20 6f  |..Hello.., all o|\n\
             00000020  66 20 79 6f 75                                    |f you|\n"
        );
    }
}
