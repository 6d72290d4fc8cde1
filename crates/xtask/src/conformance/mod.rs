//! The Autobahn test suite against the servers and the clients, compared with what is expected of them.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::conformance::report::Outcomes;
use crate::conformance::suite::{Job, Server};
use crate::interop;
use crate::steps::Steps;
use crate::tally::Tally;
use crate::test;
use crate::workspace;

mod report;
mod suite;

/// Which side of ours is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// `sockeye serve`, the protocol in the component.
    Server,
    /// A client whose protocol is in the component.
    Client,
    /// A server made with `sockeye-tokio`.
    NativeServer,
    /// A client made with `sockeye-tokio`.
    NativeClient,
    /// A server made with the npm package, in Node.js.
    NodeServer,
    /// A client made with the npm package, in Node.js.
    NodeClient,
}

impl Side {
    const ALL: [Self; 6] = [
        Self::Server,
        Self::Client,
        Self::NativeServer,
        Self::NativeClient,
        Self::NodeServer,
        Self::NodeClient,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::NativeServer => "native-server",
            Self::NativeClient => "native-client",
            Self::NodeServer => "node-server",
            Self::NodeClient => "node-client",
        }
    }

    /// What is expected is a matter of the role alone.
    fn role(self) -> &'static str {
        match self {
            Self::Server | Self::NativeServer | Self::NodeServer => "server",
            Self::Client | Self::NativeClient | Self::NodeClient => "client",
        }
    }

    fn is_native(self) -> bool {
        matches!(self, Self::NativeServer | Self::NativeClient)
    }

    fn is_node(self) -> bool {
        matches!(self, Self::NodeServer | Self::NodeClient)
    }
}

/// Whether these sides, all if there are none, need the host's programs.
pub(crate) fn needs_host(sides: &[Side]) -> bool {
    sides.is_empty() || (sides.iter()).any(|side| matches!(side, Side::Server | Side::Client))
}

/// Runs the suite on these sides, all if there are none: a part of it that takes a few minutes, or with `full` all, whose results are then
/// recorded.
///
/// The host's programs are expected in `target/release`.
pub(crate) fn run(sides: &[Side], full: bool) -> Result<Tally> {
    let is_wanted = |side: &Side| sides.is_empty() || sides.contains(side);
    let mut wanted: Vec<Side> = Side::ALL.into_iter().filter(is_wanted).collect();
    if wanted.iter().any(|side| side.is_native()) {
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--release", "--package", interop::PACKAGE]);
        cargo.args(["--bin", suite::NATIVE]);
        Steps::new(1).cargo("native server and client", &mut cargo)?;
    }
    suite::set_up()?;
    let mut tally = Tally::default();
    if wanted.iter().any(|side| side.is_node()) {
        match suite::set_up_node() {
            Ok(()) => {}
            Err(error) if error.is::<test::Missing>() && !test::is_ci() => {
                println!("skipped: {error:#}");
                tally.skipped += 1;
                wanted.retain(|side| !side.is_node());
            }
            Err(error) => return Err(error),
        }
    }
    for side in wanted {
        tally +=
            run_side(side, full).with_context(|| format!("conformance of the {}", side.name()))?;
    }
    Ok(tally)
}

fn run_side(side: Side, full: bool) -> Result<Tally> {
    let expected = Outcomes::read(&report::expected_path(side))?;
    let cases: Vec<String> = expected
        .cases()
        .filter(|case| full || is_in_part(side, case))
        .map(str::to_owned)
        .collect();
    let jobs = plan(&cases);
    let folder = workspace::target().join("conformance").join(side.name());
    let start = Instant::now();
    // One server for all jobs, as in life.
    let server = match side {
        Side::Server | Side::NativeServer | Side::NodeServer => Some(Server::start(side, &folder)?),
        Side::Client | Side::NativeClient | Side::NodeClient => None,
    };
    let outcomes = run_jobs(&jobs, |job| match &server {
        Some(server) => suite::test_server(job, server, &folder),
        None => suite::test_client(job, side, &folder),
    })?;
    drop(server);

    let verdicts = expected.compare(&cases, &outcomes);
    let failed = verdicts
        .iter()
        .filter(|verdict| !verdict.is_as_expected())
        .count();
    let seconds = start.elapsed().as_secs();
    println!(
        "{}: {} of {} cases in {seconds} s: {}",
        side.name(),
        outcomes.len(),
        cases.len(),
        outcomes.summary()
    );
    report::print_differences(&verdicts, &folder);
    if full && outcomes.len() == cases.len() {
        outcomes.record(&report::results_path(side))?;
    }
    Ok(Tally {
        passed: cases.len() - failed,
        failed,
        skipped: 0,
    })
}

/// Runs `jobs`, several at a time; each is mostly one thread of the suite's.
fn run_jobs(jobs: &[Job], run: impl Fn(&Job) -> Result<Outcomes> + Sync) -> Result<Outcomes> {
    let workers = thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, 8);
    let next = AtomicUsize::new(0);
    let collected = Mutex::new(Ok(Outcomes::default()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let outcome = run(job).with_context(|| format!("cases {}", job.name));
                    eprintln!(
                        "      {:6} {:4} cases {:5.1} s",
                        job.name,
                        job.cases.len(),
                        start.elapsed().as_secs_f32()
                    );
                    let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                    match (&mut *collected, outcome) {
                        (Ok(all), Ok(some)) => all.extend(some),
                        (Ok(_), Err(error)) => *collected = Err(error),
                        (Err(_), _) => {}
                    }
                }
            });
        }
    });
    collected
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Splits the cases into jobs that are worth the few seconds in which the suite starts; the longest first.
fn plan(cases: &[String]) -> Vec<Job> {
    let of_section = |section: &str| {
        cases
            .iter()
            .filter(|case| section_of(case) == section)
            .map(|case| weight(case))
            .sum()
    };
    let mut jobs: Vec<Job> = Vec::new();
    for case in cases {
        let section = section_of(case);
        let name = match of_section(section) {
            0..2_500 => "others",
            2_500..25_000 => section,
            _ => subsection_of(case),
        };
        match jobs.iter_mut().find(|job| job.name == name) {
            Some(job) => job.cases.push(case.clone()),
            None => jobs.push(Job {
                name: name.to_owned(),
                cases: vec![case.clone()],
            }),
        }
    }
    jobs.sort_by_key(|job| {
        core::cmp::Reverse(job.cases.iter().map(|case| weight(case)).sum::<u32>())
    });
    jobs
}

/// The `13` of `13.2.7`.
fn section_of(case: &str) -> &str {
    case.split('.').next().unwrap_or(case)
}

/// The `13.2` of `13.2.7`.
fn subsection_of(case: &str) -> &str {
    case.match_indices('.')
        .nth(1)
        .map_or(case, |(at, _)| &case[..at])
}

/// How long a case takes, very roughly, in milliseconds.
fn weight(case: &str) -> u32 {
    match section_of(case) {
        "12" | "13" => 2_500,
        "9" => 1_000,
        _ => 100,
    }
}

/// Whether a case is run without `--full` too: everything but most of the many sizes of sections 9, 12 and 13. The other sides, whose
/// protocol is that of the component, have a smaller sample of them.
fn is_in_part(side: Side, case: &str) -> bool {
    let mut numbers = case
        .split('.')
        .map(|number| number.parse().unwrap_or_default());
    let [section, subsection, number]: [u32; 3] =
        core::array::from_fn(|_| numbers.next().unwrap_or_default());
    let is_first = !side.is_native() && !side.is_node();
    match (section, subsection) {
        (9, 1 | 2) => number <= if is_first { 4 } else { 3 },
        (9, _) => number <= if is_first { 2 } else { 1 },
        (12, 1) => number <= if is_first { 5 } else { 2 },
        (13, 1) => number <= if is_first { 3 } else { 1 },
        (13, 3 | 5 | 7) => number == 1 && is_first,
        (12 | 13, _) => false,
        _ => true,
    }
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What the suite thinks of the answers: `OK`, `NON-STRICT`, `INFORMATIONAL`, `UNIMPLEMENTED`, `FAILED`.
    behavior: String,
    /// What it thinks of the closing handshake.
    behavior_close: String,
    /// Why, in words.
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_covers_every_case_once_and_begins_with_the_longest() {
        let mut cases: Vec<String> = (1..=20)
            .map(|number| format!("12.{}.{number}", number % 2))
            .collect();
        cases.extend((1..=30).map(|number| format!("6.1.{number}")));
        cases.extend(["1.1.1", "10.1.1"].map(str::to_owned));
        let jobs = plan(&cases);
        let sizes: Vec<_> = jobs
            .iter()
            .map(|job| (job.name.as_str(), job.cases.len()))
            .collect();
        assert_eq!(
            sizes,
            [("12.1", 10), ("12.0", 10), ("6", 30), ("others", 2)]
        );
    }

    #[test]
    fn part_has_a_sample_of_the_sizes() {
        let is_in = |case| is_in_part(Side::Server, case);
        for case in ["7.13.2", "9.1.4", "12.1.5", "13.7.1"] {
            assert!(is_in(case), "{case}");
        }
        for case in ["9.1.5", "12.2.1", "13.1.4", "13.2.1"] {
            assert!(!is_in(case), "{case}");
        }
    }

    #[test]
    fn every_side_has_cases_of_every_section() {
        for side in Side::ALL {
            let expected = Outcomes::read(&report::expected_path(side)).unwrap();
            let sections = |is_wanted: &dyn Fn(&str) -> bool| {
                let cases = expected.cases().filter(|case| is_wanted(case));
                let mut sections: Vec<_> = cases.map(section_of).collect();
                sections.dedup();
                sections
            };
            let all = sections(&|_| true);
            assert_eq!(sections(&|case| is_in_part(side, case)), all, "{side:?}");
        }
    }
}
