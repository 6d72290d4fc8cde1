//! What is known of each connection.

use std::io::{self, Write};

use sockeye_inspect::{Connection, Direction, Severity};

use super::{Shown, paint::mark, text};

/// A block for each connection.
pub(super) fn show(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let mut worst = vec![[0_u64; 3]; capture.connections().len()];
    for finding in capture.findings() {
        if let Some(counts) = worst.get_mut(finding.connection as usize) {
            counts[finding.rule.severity() as usize] += 1;
        }
    }
    for (index, (connection, counts)) in capture.connections().iter().zip(worst).enumerate() {
        if index > 0 {
            out.write_all(b"\n")?;
        }
        head(shown, connection, out)?;
        let [up, down] = Direction::BOTH.map(|direction| connection.traffic(direction));
        writeln!(
            out,
            "  {}: → {}, {}; ← {}, {}",
            text::count(up.frames + down.frames, "frame"),
            text::grouped(up.frames),
            text::count(up.header_bytes + up.payload_bytes, "byte"),
            text::grouped(down.frames),
            text::count(down.header_bytes + down.payload_bytes, "byte"),
        )?;
        if let Some(handshake) = &connection.handshake {
            let failed = handshake
                .checks
                .iter()
                .filter(|check| !check.passed)
                .count();
            let checks = text::count(handshake.checks.len() as u64, "check");
            writeln!(out, "  handshake: {checks}, {failed} failed")?;
        } else {
            writeln!(out, "  handshake: not in the capture")?;
        }
        writeln!(out, "  {}", text::end(connection))?;
        let parts: Vec<_> = [Severity::Violation, Severity::Advice, Severity::Information]
            .into_iter()
            .filter(|&severity| counts[severity as usize] > 0)
            .map(|severity| {
                let count = text::grouped(counts[severity as usize]);
                let part = format!("{} {count} {}", mark(Some(severity)), severity.name());
                shown.paint.severity(severity, &part).into_owned()
            })
            .collect();
        if !parts.is_empty() {
            writeln!(out, "  findings: {}", parts.join(", "))?;
        }
    }
    Ok(())
}

/// Who talks, when, and how.
pub(super) fn head(
    shown: &Shown<'_>,
    connection: &Connection,
    out: &mut impl Write,
) -> io::Result<()> {
    let title = format!(
        "connection {}: {}",
        connection.number,
        text::ends(connection)
    );
    writeln!(out, "{}", shown.paint.bold(&title))?;
    if let Some(opened) = text::absolute(connection.opened) {
        let lasted = connection.last.since(connection.opened).unwrap_or_default();
        writeln!(
            out,
            "  opened {opened} UTC, seen for {}",
            text::duration(lasted)
        )?;
    }
    let subprotocol = connection.subprotocol.as_deref().map_or_else(
        || "no subprotocol".into(),
        |name| {
            let mut out = String::from("subprotocol ");
            text::append_line(&mut out, name, 100);
            out
        },
    );
    writeln!(out, "  {}; {subprotocol}", text::security(connection))?;
    writeln!(out, "  {}", text::deflate(connection))
}
