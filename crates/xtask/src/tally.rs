//! How many tests passed, failed and were skipped.

use core::fmt;
use core::ops::AddAssign;

/// A count of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// One check.
    pub(crate) fn of(passed: bool) -> Self {
        Self {
            passed: usize::from(passed),
            failed: usize::from(!passed),
            skipped: 0,
        }
    }

    /// Adds what a line of libtest's output tells: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn add_libtest_line(&mut self, line: &str) {
        let Some((_, counts)) = line
            .split_once("test result: ")
            .and_then(|(_, rest)| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let mut words = count.split_whitespace();
            let number: usize = words
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or_default();
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Adds what a line tells that begins with `ok`, `not ok` or `skip`; TAP has its own way to say the last.
    pub(crate) fn add_verdict_line(&mut self, line: &str) {
        if line.starts_with("not ok ") {
            self.failed += 1;
        } else if line.starts_with("skip ") || line.starts_with("ok ") && line.contains(" # SKIP") {
            self.skipped += 1;
        } else if line.starts_with("ok ") {
            self.passed += 1;
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_lines_are_counted_and_others_are_not() {
        let mut tally = Tally::default();
        tally.add_libtest_line("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s");
        tally.add_libtest_line("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.add_libtest_line("test tally::tests::something ... ok");
        assert_eq!(tally.to_string(), "14 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn verdict_lines_are_counted_and_others_are_not() {
        let mut tally = Tally::default();
        for line in [
            "ok it loads",
            "not ok it echoes",
            "skip Bun",
            "ok 3 - it closes # SKIP no network",
            "okay",
            "  ok later",
        ] {
            tally.add_verdict_line(line);
        }
        assert_eq!(tally.to_string(), "1 passed, 1 failed, 2 skipped");
    }
}
