//! Findings as JSON.

use core::ops::Range;

use sockeye_inspect::{Capture, Finding, Place, Rule};

use crate::json::Json;

/// Writes a finding.
pub(crate) fn finding(json: &mut Json, finding: &Finding) {
    json.object(|json| {
        rule(json, finding.rule);
        json.field("detail", &*finding.detail);
        json.field("connection", finding.connection);
        json.field(
            "direction",
            finding.direction.map(|direction| direction.name()),
        );
        json.field("frame", finding.place.frame());
        let (place, range, bit) = place(&finding.place);
        json.field("place", place);
        json.field("start", range.start);
        json.field("end", range.end);
        json.field("bit", bit);
    });
}

/// Writes `count` findings from the one at `from` on, of a rule or of all.
pub(crate) fn list(capture: &Capture, rule: Option<Rule>, from: usize, count: usize) -> String {
    let all = capture.findings().iter();
    let wanted = all.filter(|finding| rule.is_none_or(|rule| finding.rule == rule));
    Json::of(|json| json.array(wanted.skip(from).take(count), finding))
}

/// Writes the rules that were broken, the worst first, each with its count and first finding.
pub(crate) fn counts(capture: &Capture) -> String {
    let mut counts: Vec<(Rule, u64)> = capture
        .finding_counts()
        .filter(|&(_, count)| count > 0)
        .collect();
    counts.sort_by_key(|&(rule, _)| core::cmp::Reverse(rule.severity()));
    Json::of(|json| {
        json.array(counts, |json, (of, count)| {
            json.object(|json| {
                rule(json, of);
                json.field("count", count);
                json.key("first");
                match capture.findings().iter().find(|finding| finding.rule == of) {
                    Some(first) => finding(json, first),
                    None => json.value(None::<u32>),
                }
            });
        });
    })
}

/// Writes the fields that tell of a rule.
fn rule(json: &mut Json, rule: Rule) {
    json.field("rule", rule.id());
    json.field("severity", rule.severity().name());
    json.field("rfc", rule.rfc());
    json.field("section", rule.section());
    json.field("title", rule.title());
    json.field("explanation", rule.explanation());
    json.field("strictPeer", rule.strict_peer());
}

fn place(place: &Place) -> (&'static str, Range<u64>, Option<u8>) {
    let wide = |range: &Range<u32>| u64::from(range.start)..u64::from(range.end);
    match place {
        Place::Request(range) => ("request", wide(range), None),
        Place::Response(range) => ("response", wide(range), None),
        Place::Frame { bytes, .. } => ("frame", bytes.clone(), None),
        Place::Inflated {
            compressed, bit, ..
        } => ("inflated", compressed.clone(), Some(*bit)),
        Place::Stream(range) => ("stream", range.clone(), None),
        _ => ("connection", 0..0, None),
    }
}
