//! Counts.

use std::io::{self, Write};

use sockeye_inspect::{Connection, Direction, Traffic};

use super::{Shown, connections, paint::mark, text};

/// Counts of the capture and of each connection. The findings by rule are left to `--check` if that comes behind.
pub(super) fn show(shown: &Shown<'_>, check: bool, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let format = shown
        .inspected
        .format
        .map_or("unknown", |format| format.name());
    let span = capture
        .span()
        .and_then(|(first, last)| last.since(first))
        .map_or_else(String::new, |span| format!(", {}", text::duration(span)));
    writeln!(
        out,
        "{format}: {}, {}{span}",
        text::count(capture.connections().len() as u64, "connection"),
        text::count(capture.frame_count().into(), "frame"),
    )?;
    for connection in capture.connections() {
        out.write_all(b"\n")?;
        connections::head(shown, connection, out)?;
        one(connection, out)?;
    }
    if check {
        out.write_all(b"\n")?;
        return Ok(());
    }
    let mut counts: Vec<_> = capture
        .finding_counts()
        .filter(|&(_, count)| count > 0)
        .collect();
    counts.sort_by_key(|&(rule, _)| (std::cmp::Reverse(rule.severity()), rule));
    if !counts.is_empty() {
        writeln!(out, "\n{}", shown.paint.bold("findings"))?;
    }
    for (rule, count) in counts {
        let severity = rule.severity();
        let label = format!("{} {:<11}", mark(Some(severity)), severity.name());
        writeln!(
            out,
            "  {} {:>11}  {} (RFC {} §{})",
            shown.paint.severity(severity, &label),
            text::grouped(count),
            rule.id(),
            rule.rfc(),
            rule.section()
        )?;
    }
    Ok(())
}

fn one(connection: &Connection, out: &mut impl Write) -> io::Result<()> {
    let traffic = Direction::BOTH.map(|direction| connection.traffic(direction));
    writeln!(
        out,
        "  {:<22} {:>18} {:>18}",
        "", "client → server", "server → client"
    )?;
    let mut row = |name: &str, value: &dyn Fn(&Traffic) -> String| {
        let [up, down] = traffic.map(value);
        writeln!(out, "  {name:<22} {up:>18} {down:>18}")
    };
    row("frames", &|traffic| text::grouped(traffic.frames))?;
    row("control frames", &|traffic| {
        text::grouped(traffic.control_frames)
    })?;
    row("messages", &|traffic| text::grouped(traffic.messages))?;
    row("payload bytes", &|traffic| {
        text::grouped(traffic.payload_bytes)
    })?;
    row("header bytes", &|traffic| {
        text::grouped(traffic.header_bytes)
    })?;
    row("  of them masking keys", &|traffic| {
        text::grouped(traffic.mask_bytes)
    })?;
    row("header share", &|traffic| {
        text::percent(
            traffic.header_bytes,
            traffic.header_bytes + traffic.payload_bytes,
        )
    })?;
    row("longest message", &|traffic| {
        text::grouped(traffic.longest_message)
    })?;
    row("  begins with frame", &|traffic| {
        if traffic.messages == 0 {
            String::new()
        } else {
            traffic.longest_message_frame.to_string()
        }
    })?;
    row("longest gap", &|traffic| {
        text::duration(traffic.longest_gap)
    })?;
    if traffic
        .iter()
        .any(|traffic| traffic.compressed_messages > 0)
    {
        row("compressed messages", &|traffic| {
            text::grouped(traffic.compressed_messages)
        })?;
        row("  bytes on the wire", &|traffic| {
            text::grouped(traffic.compressed_bytes)
        })?;
        row("  bytes inflated", &|traffic| {
            text::grouped(traffic.inflated_bytes)
        })?;
        row("  saved", &|traffic| {
            text::saved(traffic.compressed_bytes, traffic.inflated_bytes)
        })?;
    }
    if traffic.iter().any(|traffic| traffic.missing_bytes > 0) {
        row("missing bytes", &|traffic| {
            text::grouped(traffic.missing_bytes)
        })?;
    }
    let summary = &connection.round_trip_summary;
    if summary.count > 0 {
        writeln!(
            out,
            "  round trips: {}, least {}, mean {}, most {}",
            text::count(summary.count, "answered Ping"),
            text::duration(summary.least),
            text::duration(summary.mean()),
            text::duration(summary.most)
        )?;
    }
    writeln!(out, "  {}", text::end(connection))
}
