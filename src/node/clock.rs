//! The one place that reads the wall clock. Everything else is told the time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::raft::WallClock;
use crate::types::LogTime;

/// This machine's wall clock. A clock before 1970 shows 1970; the other voters outvote it.
pub(super) fn wall_clock() -> WallClock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "this is the clock file")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        LogTime::from_ms_saturating(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    })
}
