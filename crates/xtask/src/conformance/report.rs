//! Reports of the suite: what came out, what was expected, and how they differ.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::conformance::{Outcome, Side};
use crate::workspace;

/// Where the outcomes that we answer for are written down.
pub(super) fn expected_path(side: Side) -> PathBuf {
    folder().join(format!("expected-{}.json", side.role()))
}

/// Where the outcomes of the last full run are kept.
pub(super) fn results_path(side: Side) -> PathBuf {
    folder()
        .join("results")
        .join(format!("{}.json", side.name()))
}

/// The folder of the conformance tests.
pub(super) fn folder() -> PathBuf {
    workspace::root().join("tests/conformance")
}

/// Outcomes by case, in the suite's order.
#[derive(Default)]
pub(super) struct Outcomes(BTreeMap<Case, Outcome>);

impl Outcomes {
    /// Reads `case → [behavior, behaviorClose, reason?]`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| path.display().to_string())?;
        let value: Value =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let mut outcomes = Self::default();
        for (case, outcome) in value["cases"].as_object().context("no `cases`")? {
            let text = |at: usize| outcome[at].as_str().unwrap_or_default().to_owned();
            let outcome = Outcome {
                behavior: text(0),
                behavior_close: text(1),
                reason: text(2),
            };
            outcomes.0.insert(Case(case.clone()), outcome);
        }
        if outcomes.0.is_empty() {
            bail!("{} lists no case", path.display());
        }
        Ok(outcomes)
    }

    /// Reads what the suite left in `folder` about its only agent. Cases that it did not come to are not there.
    pub(super) fn of_suite(folder: &Path) -> Result<Self> {
        let mut outcomes = Self::default();
        let Ok(index) = fs::read(folder.join("index.json")) else {
            return Ok(outcomes);
        };
        let index: Value = serde_json::from_slice(&index).context("index.json")?;
        let agents = index.as_object().context("index.json")?;
        for (case, outcome) in agents.values().filter_map(Value::as_object).flatten() {
            let text = |name: &str| outcome[name].as_str().unwrap_or_default().to_owned();
            let reason = reason(&folder.join(text("reportfile")));
            let outcome = Outcome {
                behavior: text("behavior"),
                behavior_close: text("behaviorClose"),
                reason,
            };
            outcomes.0.insert(Case(case.clone()), outcome);
        }
        Ok(outcomes)
    }

    /// The numbers of the cases.
    pub(super) fn cases(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|case| case.0.as_str())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds others.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Puts what came out beside what is expected, for each of `cases`.
    pub(super) fn compare(&self, cases: &[String], outcomes: &Self) -> Vec<Verdict> {
        let verdict = |case: &String| {
            let key = Case(case.clone());
            Verdict {
                case: case.clone(),
                expected: self.0.get(&key).cloned(),
                found: outcomes.0.get(&key).cloned(),
            }
        };
        cases.iter().map(verdict).collect()
    }

    /// The outcomes in numbers: `514 OK, 3 INFORMATIONAL; closing: 514 OK, 3 INFORMATIONAL`.
    pub(super) fn summary(&self) -> String {
        let in_words = |counts: BTreeMap<&str, usize>| {
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
            counts
                .iter()
                .map(|(behavior, count)| format!("{count} {behavior}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let closing = in_words(self.count(|outcome| &outcome.behavior_close));
        format!(
            "{}; closing: {closing}",
            in_words(self.count(|outcome| &outcome.behavior))
        )
    }

    /// Writes them to `path`, a line for each, so that changes show.
    pub(super) fn record(&self, path: &Path) -> Result<()> {
        let mut text = format!(
            "{{\n  \"summary\": {},\n  \"cases\": {{\n",
            json!(self.summary())
        );
        for (at, (case, outcome)) in self.0.iter().enumerate() {
            let comma = if at + 1 < self.0.len() { "," } else { "" };
            let pair = json!([outcome.behavior, outcome.behavior_close]);
            writeln!(text, "    {}: {pair}{comma}", json!(case.0))?;
        }
        text += "  }\n}\n";
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    fn count<'a>(
        &'a self,
        behavior: impl Fn(&'a Outcome) -> &'a String,
    ) -> BTreeMap<&'a str, usize> {
        let mut counts = BTreeMap::new();
        for outcome in self.0.values() {
            *counts.entry(behavior(outcome).as_str()).or_default() += 1;
        }
        counts
    }
}

/// The number of a case, ordered as the suite runs them: `2.10` after `2.9`.
#[derive(Clone, PartialEq, Eq)]
struct Case(String);

impl Case {
    fn key(&self) -> Vec<u32> {
        self.0
            .split('.')
            .map(|number| number.parse().unwrap_or_default())
            .collect()
    }
}

impl Ord for Case {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key()
            .cmp(&other.key())
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Case {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What was expected of a case, and what came.
pub(super) struct Verdict {
    case: String,
    expected: Option<Outcome>,
    found: Option<Outcome>,
}

impl Verdict {
    /// Whether the suite thinks of the case what it is expected to. Its words do not matter.
    pub(super) fn is_as_expected(&self) -> bool {
        let (Some(expected), Some(found)) = (&self.expected, &self.found) else {
            return false;
        };
        expected.behavior == found.behavior && expected.behavior_close == found.behavior_close
    }
}

/// Prints a table of the cases that did not come out as expected.
pub(super) fn print_differences(verdicts: &[Verdict], folder: &Path) {
    let differences: Vec<_> = verdicts
        .iter()
        .filter(|verdict| !verdict.is_as_expected())
        .collect();
    if differences.is_empty() {
        return;
    }
    let words = |outcome: &Option<Outcome>| {
        outcome.as_ref().map_or_else(
            || "none".to_owned(),
            |o| format!("{} / {}", o.behavior, o.behavior_close),
        )
    };
    println!(
        "{:8} {:31} {:31} reason",
        "case", "expected (answers / closing)", "found"
    );
    for verdict in differences {
        let reason = verdict
            .found
            .as_ref()
            .map_or("the suite did not report on it", |found| {
                found.reason.as_str()
            });
        println!(
            "{:8} {:31} {:31} {reason}",
            verdict.case,
            words(&verdict.expected),
            words(&verdict.found)
        );
    }
    println!("Wire logs: {}", folder.display());
}

/// Why a case came out as it did, from its own report: the suite's words, and those of the peer's Close frame.
fn reason(report: &Path) -> String {
    let report: Value = fs::read(report)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let text = |name: &str| report[name].as_str().unwrap_or_default();
    let mut parts: Vec<String> = ["result", "resultClose", "wasNotCleanReason"]
        .map(|name| text(name).to_owned())
        .into();
    if !text("remoteCloseReason").is_empty() {
        parts.push(format!(
            "Closed with {}: {}.",
            report["remoteCloseCode"],
            text("remoteCloseReason")
        ));
    }
    parts.dedup();
    parts
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(behavior: &str) -> Outcome {
        Outcome {
            behavior: behavior.into(),
            behavior_close: "OK".into(),
            reason: String::new(),
        }
    }

    #[test]
    fn cases_are_in_the_order_of_their_numbers() {
        let outcomes = Outcomes(
            ["10.1.1", "2.10", "2.9"]
                .map(|case| (Case(case.into()), outcome("OK")))
                .into(),
        );
        assert_eq!(
            outcomes.cases().collect::<Vec<_>>(),
            ["2.9", "2.10", "10.1.1"]
        );
    }

    #[test]
    fn case_without_a_report_is_a_failure() {
        let expected = Outcomes([(Case("1.1.1".into()), outcome("OK"))].into());
        let verdicts = expected.compare(&["1.1.1".into()], &Outcomes::default());
        assert!(!verdicts[0].is_as_expected());
    }

    #[test]
    fn not_strict_is_not_good_enough() {
        let expected = Outcomes([(Case("4.1.3".into()), outcome("OK"))].into());
        let found = Outcomes([(Case("4.1.3".into()), outcome("NON-STRICT"))].into());
        assert!(!expected.compare(&["4.1.3".into()], &found)[0].is_as_expected());
    }

    #[test]
    fn better_than_expected_is_a_difference_too() {
        let expected = Outcomes([(Case("1.1.1".into()), outcome("INFORMATIONAL"))].into());
        let found = Outcomes([(Case("1.1.1".into()), outcome("OK"))].into());
        assert!(!expected.compare(&["1.1.1".into()], &found)[0].is_as_expected());
        assert!(found.compare(&["1.1.1".into()], &found)[0].is_as_expected());
    }
}
