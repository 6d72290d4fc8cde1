//! What was found, bounded.

use crate::{Finding, Rule};

/// Findings with how often each rule was broken.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    counts: Vec<u64>,
}

impl Findings {
    /// Counts one more of this rule; whether it is still to be kept, being at most `limit`.
    #[inline]
    pub(crate) fn count(&mut self, rule: Rule, limit: usize) -> bool {
        let at = rule as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.counts[at] <= limit as u64
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.kept.push(finding);
    }

    pub(crate) fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How often each rule was broken, where it was, in the order of rules.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Rule, u64)> {
        Rule::all()
            .zip(&self.counts)
            .map(|(rule, &count)| (rule, count))
            .filter(|&(_, count)| count > 0)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        let details: usize = self.kept.iter().map(|finding| finding.detail.len()).sum();
        self.kept.capacity() * size_of::<Finding>() + details
    }
}
