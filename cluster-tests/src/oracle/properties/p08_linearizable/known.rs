//! The greatest version of a thing that anybody knew at a moment.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// By thing, when which version was known.
#[derive(Debug)]
pub(super) struct Known<K> {
    versions: HashMap<K, Vec<(Duration, u64)>>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { versions: HashMap::new() }
    }
}

impl<K: Eq + Hash> Known<K> {
    /// Somebody knew this version from now on.
    pub(super) fn add(&mut self, of: K, at: Duration, version: u64) {
        self.versions.entry(of).or_default().push((at, version));
    }

    /// All was added. From here on each moment has the greatest version up to it.
    pub(super) fn sort(&mut self) {
        for versions in self.versions.values_mut() {
            versions.sort_unstable();
            let mut greatest = 0;
            for (_, version) in versions {
                greatest = greatest.max(*version);
                *version = greatest;
            }
        }
    }

    /// The greatest version that was known before a moment; 0 if none was.
    pub(super) fn before(&self, of: &K, at: Duration) -> u64 {
        let versions = self.versions.get(of).map(Vec::as_slice).unwrap_or_default();
        let count = versions.partition_point(|(known, _)| *known < at);
        count.checked_sub(1).and_then(|last| versions.get(last)).map_or(0, |(_, version)| *version)
    }
}
