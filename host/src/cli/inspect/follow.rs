//! Conversations as text.

use std::io::{self, Write};

use sockeye_inspect::{Connection, Frame, Timestamp, export::dump};

use super::{
    Shown,
    paint::arrow,
    table::{self, opened},
    text,
};

/// Shows one connection, or each of them.
pub(super) fn show(
    shown: &Shown<'_>,
    connection: Option<u32>,
    out: &mut impl Write,
) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let of = |frame: &Frame| connection.is_none_or(|wanted| frame.connection == wanted);
    let mut messages: Vec<(u32, u32)> = shown
        .export
        .messages(shown.frames.iter())
        .filter(of)
        .map(|first| (first.connection, first.number))
        .collect();
    // Stable: they stay in order within a connection.
    messages.sort_by_key(|&(connection, _)| connection);
    let mut is_first = true;
    for one in capture.connections() {
        if connection.is_some_and(|wanted| one.number != wanted) {
            continue;
        }
        if !is_first {
            out.write_all(b"\n")?;
        }
        is_first = false;
        let start = messages.partition_point(|&(number, _)| number < one.number);
        let len = messages[start..].partition_point(|&(number, _)| number == one.number);
        conversation(shown, one, &messages[start..start + len], out)?;
    }
    Ok(())
}

fn conversation(
    shown: &Shown<'_>,
    connection: &Connection,
    messages: &[(u32, u32)],
    out: &mut impl Write,
) -> io::Result<()> {
    let heading = format!(
        "connection {}: {}",
        connection.number,
        text::ends(connection)
    );
    writeln!(out, "{}", shown.paint.bold(&heading))?;
    if let Some(handshake) = &connection.handshake {
        for (direction, head) in sockeye_inspect::Direction::BOTH
            .into_iter()
            .zip([&handshake.request, &handshake.response])
        {
            let mut content = String::new();
            text::append_lines(&mut content, &String::from_utf8_lossy(head), "  ");
            let mark = shown.paint.direction(direction, arrow(direction));
            writeln!(out, "{mark} {}", shown.paint.dim(&content))?;
        }
    }
    let mut before = Timestamp::UNKNOWN;
    for &(_, number) in messages {
        let Some(first) = shown.inspected.capture.frame(number) else {
            continue;
        };
        let time = table::time(shown, &first, &mut before);
        let mut content = String::new();
        message(shown, &first, &mut content)?;
        let mark = shown
            .paint
            .direction(first.direction, arrow(first.direction));
        let space = if time.is_empty() { "" } else { " " };
        writeln!(out, "{mark} {}{space}{content}", shown.paint.dim(&time))?;
    }
    writeln!(out, "{}", shown.paint.dim(&text::end(connection)))
}

/// What a message says; bytes as a dump.
fn message(shown: &Shown<'_>, first: &Frame, out: &mut String) -> io::Result<()> {
    let message = opened(shown.export.message(first.number, shown.limit))?;
    let Some(message) = message else {
        let len = text::count(first.payload_len, "byte");
        out.push_str(&format!("[{}, {len}, not on record]", first.opcode_name()));
        return Ok(());
    };
    let content = message.content();
    let data = content.data.as_slice();
    if first.is_control() {
        out.push_str(&control(first, data));
        return Ok(());
    }
    let decoded = table::decoded(shown, first, &message);
    let as_text = str::from_utf8(data).ok();
    match (&decoded, as_text) {
        (Some(decoded), _) => {
            out.push_str(&format!("[{}] ", decoded.decoder.name()));
            text::append_line(out, &decoded.summary, 200);
            let mut tree = String::new();
            table::tree(decoded, "    ", &mut tree);
            if !tree.is_empty() {
                out.push('\n');
                out.push_str(tree.trim_end_matches('\n'));
            }
        }
        (None, Some(as_text)) if first.opcode == 1 => text::append_lines(out, as_text, "  "),
        _ => {
            let len = text::count(content.total, "byte");
            out.push_str(&format!("[{}, {len}]", first.opcode_name()));
            let mut lines = String::new();
            dump(data, 0, &mut lines);
            for line in lines.lines() {
                out.push_str("\n  ");
                out.push_str(line);
            }
        }
    }
    let left = content.total.saturating_sub(data.len() as u64);
    if left > 0 {
        let left = text::count(left, "byte");
        out.push_str(&format!("\n  … and {left} more (--max-bytes)"));
    }
    if let Some(error) = &message.inflate_error {
        out.push_str("\n  [");
        text::append_line(out, error, 300);
        out.push(']');
    } else if !message.complete {
        out.push_str("\n  [the message is not complete in the capture]");
    }
    Ok(())
}

/// A control frame, in brackets.
fn control(frame: &Frame, data: &[u8]) -> String {
    let mut out = format!("[{}", frame.opcode_name());
    if frame.opcode == 8
        && let Some((code, reason)) = data.split_first_chunk()
    {
        let reason = String::from_utf8_lossy(reason);
        out.push(' ');
        out.push_str(&text::code_and_reason(
            Some(u16::from_be_bytes(*code)),
            &reason,
        ));
    } else if !data.is_empty() {
        out.push(' ');
        sockeye_inspect::decode::preview(data, frame.opcode, &mut out, 400);
    }
    out.push(']');
    out
}
