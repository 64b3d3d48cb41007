//! Ids that the client makes.

use uuid::Builder;

use crate::types::{Id, LogTime};

/// A `UUIDv7` born at `now`, with 74 random bits.
pub(super) fn fresh(now: LogTime) -> Id {
    let uuid = Builder::from_unix_timestamp_millis(now.as_ms(), &rand::random()).into_uuid();
    Id::new(uuid.hyphenated().to_string()).expect("a UUID is a good id")
}

#[cfg(test)]
mod tests {
    use crate::types::Birth;

    use super::*;

    #[test]
    fn a_fresh_id_carries_its_birth_and_is_like_no_other() {
        let now = LogTime::from_ms(1_760_000_000_123).unwrap();
        let (one, other) = (fresh(now), fresh(now));
        assert_eq!(one.birth(), Birth::Carried(now));
        assert_ne!(one, other);
    }
}
