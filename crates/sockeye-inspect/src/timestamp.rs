//! Points in time.

use core::time::Duration;

/// A point in time as nanoseconds since 1970-01-01 00:00:00 UTC; 0 where the source does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// What sources without times have.
    pub const UNKNOWN: Self = Self(0);

    /// The point this many nanoseconds after 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01 00:00:00 UTC, 0 where it is unknown.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whether the source said when.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != 0
    }

    /// The time from `earlier` to this; `None` where either is unknown or `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Duration> {
        if !self.is_known() || !earlier.is_known() || earlier.0 > self.0 {
            return None;
        }
        Some(Duration::from_nanos(self.0 - earlier.0))
    }
}
