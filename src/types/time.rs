//! Time as the log tells it.

use std::fmt;
use std::time::Duration;

use super::limits::TIME_MS_MAX;

/// Milliseconds since 1970, from a stamp that a majority's clocks agreed on; never from this process's own clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogTime(u64);

impl LogTime {
    /// The beginning of time.
    pub const ZERO: Self = Self(0);

    /// A time, if it fits in the 48 bits that a `UUIDv7` has for it.
    pub fn from_ms(ms: u64) -> Option<Self> {
        (ms <= TIME_MS_MAX).then_some(Self(ms))
    }

    /// A time, or the greatest one there is.
    #[must_use]
    pub fn from_ms_saturating(ms: u64) -> Self {
        Self(ms.min(TIME_MS_MAX))
    }

    /// Milliseconds since 1970.
    pub fn as_ms(self) -> u64 {
        self.0
    }

    /// This time and `duration` less, at least the first time there is.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(ms))
    }

    /// This time and `duration` more, at most the greatest time.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::from_ms_saturating(self.0.saturating_add(ms))
    }
}

impl fmt::Display for LogTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ms", self.0)
    }
}
