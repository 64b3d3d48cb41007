//! The only place where the client reads the wall clock: ids are born there.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::types::LogTime;

/// The wall clock's time.
#[expect(clippy::disallowed_methods, reason = "an id that a client makes is born when the client's clock says")]
pub(super) fn now() -> LogTime {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LogTime::ZERO.saturating_add(since_1970)
}
