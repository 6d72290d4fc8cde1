//! The rules.

use std::io::{self, Write};

use sockeye_inspect::Rule;

use super::paint::{Paint, mark};

/// Every rule, with what it says.
pub(super) fn show(paint: Paint, out: &mut impl Write) -> io::Result<()> {
    for rule in Rule::all() {
        let severity = rule.severity();
        let label = format!("{} {}", mark(Some(severity)), severity.name());
        writeln!(
            out,
            "{}: {}, RFC {} §{}\n    {}\n    {} A strict peer {}.",
            paint.bold(rule.id()),
            paint.severity(severity, &label),
            rule.rfc(),
            rule.section(),
            rule.title(),
            rule.explanation(),
            rule.strict_peer()
        )?;
    }
    Ok(())
}
