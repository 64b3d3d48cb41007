//! The bytes of a record, as a history remembers them: short, and told apart for certain.

use serde::{Deserialize, Serialize};

/// What two records share only if they hold the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Content {
    /// How many bytes.
    pub bytes: usize,
    /// Half of their BLAKE3 hash, in hexadecimal digits.
    pub hash: String,
}

impl Content {
    /// Of these bytes.
    pub fn of(payload: &[u8]) -> Self {
        let hash = blake3::hash(payload).to_hex();
        Self { bytes: payload.len(), hash: hash.chars().take(32).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_are_another_content() {
        assert_eq!(Content::of(b"a"), Content::of(b"a"));
        assert_ne!(Content::of(b"a"), Content::of(b"b"));
        assert_ne!(Content::of(b""), Content::of(b"\0"));
    }
}
