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

/// As RFC 3339 in UTC, always with milliseconds: `2026-11-24T12:17:38.000Z`.
impl fmt::Display for LogTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1_000).expect("48 bits of milliseconds fit");
        let whole = prost_types::Timestamp { seconds, nanos: 0 }.to_string();
        write!(formatter, "{}.{:03}Z", whole.trim_end_matches('Z'), self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_people_write_it() {
        let expected = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_522_658_007, "2026-11-24T12:17:38.007Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (TIME_MS_MAX, "+10889-08-02T05:31:50.655Z"),
        ];
        for (ms, text) in expected {
            assert_eq!(LogTime::from_ms(ms).expect("48 bits").to_string(), text);
        }
    }
}
