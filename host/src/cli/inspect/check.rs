//! What breaks a rule.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, Write},
};

use sockeye_inspect::{Capture, Finding, Rule, Severity};

use super::{
    Inspect, Shown,
    paint::{arrow, mark},
    text,
};

/// Whether anything is found that is as severe as was asked for, and not allowed.
pub(super) fn fails(inspect: &Inspect, capture: &Capture) -> bool {
    capture.finding_counts().any(|(rule, count)| {
        count > 0 && rule.severity() >= inspect.fail_on.severity() && !inspect.allow.contains(&rule)
    })
}

/// The findings by rule, the worst first.
pub(super) fn show(inspect: &Inspect, shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let counts: BTreeMap<Rule, u64> = capture.finding_counts().collect();
    let mut first: BTreeMap<(Reverse<Severity>, Rule), Vec<&Finding>> = BTreeMap::new();
    for finding in capture.findings() {
        if inspect.allow.contains(&finding.rule) {
            continue;
        }
        let key = (Reverse(finding.rule.severity()), finding.rule);
        let places = first.entry(key).or_default();
        if places.len() < PLACES {
            places.push(finding);
        }
    }
    for (&(_, rule), places) in &first {
        let count = counts.get(&rule).copied().unwrap_or(places.len() as u64);
        one(shown, rule, count, places, out)?;
    }
    summary(inspect, shown, &counts, out)
}

fn one(
    shown: &Shown<'_>,
    rule: Rule,
    count: u64,
    places: &[&Finding],
    out: &mut impl Write,
) -> io::Result<()> {
    let severity = rule.severity();
    let label = format!("{} {} {}", mark(Some(severity)), severity.name(), rule.id());
    let times = if count == 1 {
        String::new()
    } else {
        format!(", {} times", text::grouped(count))
    };
    writeln!(
        out,
        "{}: {}{times}",
        shown.paint.severity(severity, &label),
        rule.title()
    )?;
    for finding in places {
        writeln!(out, "    {}", place(shown, finding))?;
    }
    let left = count.saturating_sub(places.len() as u64);
    if left > 0 {
        let left = text::grouped(left);
        writeln!(out, "    … and {left} more (--output jsonl has them)")?;
    }
    writeln!(
        out,
        "  {} A strict peer {}.",
        rule.explanation(),
        rule.strict_peer()
    )?;
    let help = format!(
        "RFC {} §{}: https://www.rfc-editor.org/rfc/rfc{}#section-{}",
        rule.rfc(),
        rule.section(),
        rule.rfc(),
        rule.section()
    );
    writeln!(out, "  {}\n", shown.paint.dim(&help))
}

/// `connection 0 → frame 3, byte 1, 0.001234 s: opcode 3`.
fn place(shown: &Shown<'_>, finding: &Finding) -> String {
    let mut out = format!("connection {}", finding.connection);
    if let Some(direction) = finding.direction {
        out.push(' ');
        out.push_str(&shown.paint.direction(direction, arrow(direction)));
    }
    let place = text::place(finding);
    if place != "connection" {
        out.push(' ');
        out.push_str(&place);
    }
    let frame = finding
        .place
        .frame()
        .and_then(|number| shown.inspected.capture.frame(number));
    if let Some(since) = frame.and_then(|frame| shown.export.since_start(frame.time)) {
        out.push_str(&format!(", {:.6} s", since.as_secs_f64()));
    }
    if !finding.detail.is_empty() {
        out.push_str(": ");
        text::append_line(&mut out, &finding.detail, 400);
    }
    out
}

fn summary(
    inspect: &Inspect,
    shown: &Shown<'_>,
    counts: &BTreeMap<Rule, u64>,
    out: &mut impl Write,
) -> io::Result<()> {
    let capture = &shown.inspected.capture;
    let sum = |severity: Option<Severity>| -> u64 {
        counts
            .iter()
            .filter(|(rule, _)| inspect.allow.contains(rule) == severity.is_none())
            .filter(|(rule, _)| severity.is_none_or(|severity| rule.severity() == severity))
            .map(|(_, count)| count)
            .sum()
    };
    let mut parts = Vec::new();
    for (severity, one, many) in [
        (Severity::Violation, "violation", "violations"),
        (Severity::Advice, "piece of advice", "pieces of advice"),
        (Severity::Information, "information", "information"),
    ] {
        let count = sum(Some(severity));
        if count > 0 {
            let noun = if count == 1 { one } else { many };
            let part = format!("{} {noun}", text::grouped(count));
            parts.push(shown.paint.severity(severity, &part).into_owned());
        }
    }
    if parts.is_empty() {
        parts.push("nothing found".into());
    }
    let allowed = match sum(None) {
        0 => String::new(),
        count => format!(" ({} allowed)", text::grouped(count)),
    };
    writeln!(
        out,
        "{}{allowed} in {} of {}",
        parts.join(", "),
        text::count(capture.frame_count().into(), "frame"),
        text::count(capture.connections().len() as u64, "connection")
    )
}

/// Places that are shown of each rule.
const PLACES: usize = 10;
