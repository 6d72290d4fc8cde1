//! Everything about one frame.

use std::io::{self, Write};

use sockeye_inspect::{Bytes, Frame, OnRecord, Origin, export::dump};

use super::{
    Shown, grid,
    paint::mark,
    table::{self, opened},
    text,
};

/// Shows where a frame comes from, its header, its findings, and its bytes.
pub(super) fn show(shown: &Shown<'_>, frame: &Frame, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let source = &shown.inspected.source;
    origin(shown, frame, out)?;
    let wire = match frame.on_record {
        OnRecord::Message => None,
        _ => opened(capture.wire(frame.number, shown.limit, source))?,
    };
    let header_len = usize::from(frame.header_len);
    match &wire {
        Some(wire) if wire.data.len() >= header_len && header_len > 0 => {
            let (header, payload) = wire.data.split_at(header_len);
            out.write_all(b"\n")?;
            out.write_all(grid::draw(header, payload, frame.payload_len).as_bytes())?;
        }
        _ => {}
    }
    header(frame, wire.as_ref(), out)?;
    findings(shown, frame, out)?;

    let payload = opened(capture.payload(frame.number, shown.limit, source))?;
    if let Some(wire) = &wire {
        bytes(shown, "on the wire", wire, out)?;
    }
    let message = opened(shown.export.message(frame.number, shown.limit))?;
    match &payload {
        Some(payload) => {
            if frame.masked || wire.is_none() {
                bytes(shown, "payload", payload, out)?;
            }
        }
        None => writeln!(out, "\nThe payload is not on record.")?,
    }
    let Some(message) = message else {
        return Ok(());
    };
    if message.frames.len() > 1 || message.inflated.is_some() {
        let frames = match message.frames.as_slice() {
            [first, .., last] => format!("frames {first} to {last}"),
            _ => "this frame".into(),
        };
        if message.inflated.is_some() && message.frames.len() > 1 {
            let title = format!("compressed message of {frames}");
            bytes(shown, &title, &message.joined, out)?;
        }
        let inflated = if message.inflated.is_some() {
            ", inflated"
        } else {
            ""
        };
        let title = format!("message of {frames}{inflated}");
        bytes(shown, &title, message.content(), out)?;
        if let Some(error) = &message.inflate_error {
            let mut line = String::new();
            text::append_line(&mut line, error, 400);
            writeln!(out, "{line}")?;
        }
    }
    let first = capture
        .frame(shown.export.message_start(frame.number))
        .unwrap_or(*frame);
    if let Some(decoded) = table::decoded(shown, &first, &message) {
        let mut tree = String::new();
        table::tree(&decoded, "  ", &mut tree);
        let mut summary = String::new();
        text::append_line(&mut summary, &decoded.summary, 200);
        let title = format!("as {}: {summary}", decoded.decoder.name());
        write!(out, "\n{}\n{tree}", shown.paint.bold(&title))?;
    }
    Ok(())
}

/// Which frame it is, and where it lies.
fn origin(shown: &Shown<'_>, frame: &Frame, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let connection = capture.connections().get(frame.connection as usize);
    let ends = connection.map_or_else(String::new, text::ends);
    let title = format!(
        "frame {}: {} from the {}",
        frame.number,
        frame.opcode_name(),
        text::sender(frame.direction)
    );
    writeln!(out, "{}", shown.paint.bold(&title))?;
    writeln!(out, "connection {}, {ends}", frame.connection)?;
    if let (Some(time), Some(since)) = (
        text::absolute(frame.time),
        shown.export.since_start(frame.time),
    ) {
        let seconds = since.as_secs_f64();
        writeln!(out, "{time} UTC, {seconds:.6} s after the first packet")?;
    }
    let pieces = capture.pieces(frame.number);
    for piece in pieces.iter().take(PIECES) {
        let last = piece.offset + piece.len.saturating_sub(1);
        let lie = match piece.origin {
            Origin::File(offset) => format!(
                "are bytes {offset} to {} of the capture",
                offset + piece.len.saturating_sub(1)
            ),
            Origin::Missing => "are missing from the capture".into(),
            _ => "were decoded or decrypted from the capture".into(),
        };
        let packet = match piece.packet {
            0 => String::new(),
            packet => format!(", packet {packet}"),
        };
        writeln!(
            out,
            "bytes {} to {last} {lie}{packet}; offset {} of the stream",
            piece.offset, piece.stream_offset
        )?;
    }
    if pieces.len() > PIECES {
        let left = text::count((pieces.len() - PIECES) as u64, "piece");
        writeln!(out, "… and {left} more")?;
    }
    match frame.on_record {
        OnRecord::Wire => Ok(()),
        OnRecord::Header => writeln!(out, "Only the fields of its header are on record."),
        _ => writeln!(
            out,
            "It is a whole message: the capture has no headers, masks or fragments."
        ),
    }
}

/// The fields of the header in words.
fn header(frame: &Frame, wire: Option<&Bytes>, out: &mut impl Write) -> io::Result<()> {
    if frame.on_record == OnRecord::Message {
        return writeln!(
            out,
            "\nopcode       0x{:X}  {}",
            frame.opcode,
            frame.opcode_name()
        );
    }
    let bit = |is_set| if is_set { "1" } else { "0" };
    let fin = if frame.fin {
        "the message ends with this frame"
    } else {
        "the message goes on in another frame"
    };
    let rsv1 = match (frame.rsv1, frame.compressed) {
        (true, true) => "the message is compressed (RFC 7692 §6)",
        (true, false) => "without a meaning here",
        (false, _) => "",
    };
    writeln!(out)?;
    let mut field = |name: &str, value: &str, meaning: &str| {
        let line = format!("{name:<12} {value:<4} {meaning}");
        writeln!(out, "{}", line.trim_end())
    };
    field("FIN", bit(frame.fin), fin)?;
    field("RSV1", bit(frame.rsv1), rsv1)?;
    field("RSV2", bit(frame.rsv2), "")?;
    field("RSV3", bit(frame.rsv3), "")?;
    field(
        "opcode",
        &format!("0x{:X}", frame.opcode),
        frame.opcode_name(),
    )?;
    let masked = if frame.masked {
        "the payload is masked"
    } else {
        "the payload is not masked"
    };
    field("MASK", bit(frame.masked), masked)?;
    let form = wire
        .and_then(|wire| wire.data.get(1))
        .map(|byte| byte & 0x7F);
    let form = match form {
        Some(126) => "126",
        Some(127) => "127",
        _ => "",
    };
    let meaning = match form {
        "126" => " in the 16 bits that follow",
        "127" => " in the 64 bits that follow",
        _ => "",
    };
    let length = text::count(frame.payload_len, "byte");
    field("payload len", form, &format!("{length}{meaning}"))?;
    let key = wire.filter(|_| frame.masked).and_then(|wire| {
        wire.data
            .get(..usize::from(frame.header_len))?
            .last_chunk::<4>()
    });
    if let Some([a, b, c, d]) = key {
        field(
            "masking key",
            "",
            &format!("{a:02x} {b:02x} {c:02x} {d:02x}"),
        )?;
    }
    Ok(())
}

fn findings(shown: &Shown<'_>, frame: &Frame, out: &mut impl Write) -> io::Result<()> {
    for finding in shown.export.findings_of(frame.number) {
        let rule = finding.rule;
        let severity = rule.severity();
        let title = format!("{} {} {}", mark(Some(severity)), severity.name(), rule.id());
        writeln!(
            out,
            "\n{}: {} (RFC {} §{}), {}",
            shown.paint.severity(severity, &title),
            rule.title(),
            rule.rfc(),
            rule.section(),
            text::place(finding)
        )?;
        if !finding.detail.is_empty() {
            let mut detail = String::new();
            text::append_line(&mut detail, &finding.detail, 400);
            writeln!(out, "  {detail}")?;
        }
        writeln!(
            out,
            "  {} A strict peer {}.",
            rule.explanation(),
            rule.strict_peer()
        )?;
    }
    Ok(())
}

/// A dump under a title.
fn bytes(shown: &Shown<'_>, title: &str, bytes: &Bytes, out: &mut impl Write) -> io::Result<()> {
    let title = format!("{title}, {}", text::count(bytes.total, "byte"));
    writeln!(out, "\n{}", shown.paint.bold(&title))?;
    let mut lines = String::new();
    dump(&bytes.data, 0, &mut lines);
    out.write_all(lines.as_bytes())?;
    for range in &bytes.missing {
        let last = range.end.saturating_sub(1);
        writeln!(out, "(the capture lacks bytes {} to {last})", range.start)?;
    }
    let left = bytes.total.saturating_sub(bytes.data.len() as u64);
    if left > 0 {
        writeln!(
            out,
            "… and {} more (--max-bytes)",
            text::count(left, "byte")
        )?;
    }
    Ok(())
}

/// Pieces of a frame that are listed.
const PIECES: usize = 20;
