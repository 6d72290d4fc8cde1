//! When to connect again.

use std::time::Duration;

use super::ending::Ending;

/// Counts attempts in a row and spaces them out.
#[derive(Debug)]
pub(super) struct Retry {
    max: u32,
    failed: u32,
}

impl Retry {
    /// For at most `max` attempts in a row.
    pub(super) const fn new(max: u32) -> Self {
        Self { max, failed: 0 }
    }

    /// A connection was opened: the next loss begins anew.
    pub(super) const fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// How long to wait before the next attempt, given a random number; `None` when there were enough.
    pub(super) fn next(&mut self, random: u64) -> Option<Duration> {
        if self.failed >= self.max {
            return None;
        }
        let delay = FIRST
            .saturating_mul(1 << self.failed.min(16))
            .min(LONGEST)
            .as_millis() as u64;
        self.failed += 1;
        // Clients that lost the same server must not come back at the same time.
        Some(Duration::from_millis(delay - random % (delay / 2 + 1)))
    }

    /// Attempts since the last connection.
    pub(super) const fn attempt(&self) -> u32 {
        self.failed
    }
}

/// Whether it may go better next time.
pub(super) fn is_worthwhile(ending: &Ending, code: Option<u16>, status: Option<u16>) -> bool {
    match (ending, code, status) {
        // RFC 9110 §15.5: the request itself is wrong, except for these two.
        (Ending::Failed(_), _, Some(status)) => status >= 500 || matches!(status, 408 | 429),
        (Ending::Failed(_), ..) => true,
        // RFC 6455 §7.4.1 and its registry: going away, restarting, overloaded.
        (Ending::Done | Ending::ClosedByPeer(_), Some(1001 | 1012 | 1013), _) => true,
        // What breaks the protocol once does so again.
        (Ending::Lost(_), code, _) => code.is_none(),
        _ => false,
    }
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_30_seconds() {
        let mut retry = Retry::new(9);
        let delays: Vec<_> = std::iter::from_fn(|| retry.next(0))
            .map(|delay| delay.as_millis())
            .collect();
        assert_eq!(
            delays,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
        );
        retry.succeeded();
        assert_eq!(retry.next(0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn chance_takes_up_to_half() {
        for (random, milliseconds) in [(0, 500), (250, 250), (251, 500), (u64::MAX, 432)] {
            let delay = Retry::new(1).next(random).map(|delay| delay.as_millis());
            assert_eq!(delay, Some(milliseconds), "{random}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let failed = Ending::Failed(String::new());
        let lost = Ending::Lost(String::new());
        let closed = Ending::ClosedByPeer(String::new());
        for (ending, code, status, expected) in [
            (&failed, None, None, true),
            (&failed, None, Some(404), false),
            (&failed, None, Some(429), true),
            (&failed, None, Some(503), true),
            (&lost, None, None, true),
            (&lost, Some(1002), None, false),
            (&closed, Some(1012), None, true),
            (&closed, Some(1008), None, false),
            (&Ending::Done, Some(1001), None, true),
            (&Ending::Done, Some(1000), None, false),
            (&Ending::Interrupted, None, None, false),
        ] {
            assert_eq!(
                is_worthwhile(ending, code, status),
                expected,
                "{ending:?} {code:?} {status:?}"
            );
        }
    }
}
