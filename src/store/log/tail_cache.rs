//! The newest entries in memory: they serve replication and apply without a read, and before they are on disk.

use std::collections::VecDeque;

use crate::store::entry;
use crate::types::{LogEntry, LogIndex};

/// A run of entries without gaps that ends at the log's end.
#[derive(Debug, Default)]
pub(super) struct TailCache {
    entries: VecDeque<LogEntry>,
    bytes: usize,
}

impl TailCache {
    /// The index of the first entry held.
    pub(super) fn first(&self) -> Option<LogIndex> {
        self.entries.front().map(|entry| entry.id.index)
    }

    pub(super) fn get(&self, index: LogIndex) -> Option<&LogEntry> {
        let place = index.0.checked_sub(self.first()?.0)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    pub(super) fn push(&mut self, entry: LogEntry) {
        self.bytes += entry::encoded_len_max(&entry);
        self.entries.push_back(entry);
    }

    /// Drops the oldest until at most so many bytes are held, but nothing that is not yet durable.
    pub(super) fn shrink(&mut self, bytes_max: usize, durable: Option<LogIndex>) {
        while self.bytes > bytes_max && self.first().is_some_and(|first| Some(first) <= durable) {
            self.pop_front();
        }
    }

    /// Drops everything at and before this index.
    pub(super) fn drop_through(&mut self, index: LogIndex) {
        while self.first().is_some_and(|first| first <= index) {
            self.pop_front();
        }
    }

    /// Drops everything behind this index; everything, if there is none.
    pub(super) fn drop_after(&mut self, index: Option<LogIndex>) {
        while self.entries.back().is_some_and(|last| Some(last.id.index) > index) {
            if let Some(entry) = self.entries.pop_back() {
                self.bytes -= entry::encoded_len_max(&entry);
            }
        }
    }

    fn pop_front(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry::encoded_len_max(&entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::types::{EntryKind, LogId, NodeId};

    fn cache(indexes: impl IntoIterator<Item = u64>) -> TailCache {
        let mut cache = TailCache::default();
        for index in indexes {
            let id = LogId { term: 1, node: NodeId(1), index: LogIndex(index) };
            cache.push(LogEntry { id, kind: EntryKind::Batch(Bytes::from(vec![0; 100])) });
        }
        cache
    }

    fn held(cache: &TailCache) -> Vec<u64> {
        (0..20).filter(|index| cache.get(LogIndex(*index)).is_some()).collect()
    }

    #[test]
    fn shrinking_keeps_what_is_not_durable() {
        let mut entries = cache(3..9);
        entries.shrink(0, Some(LogIndex(5)));
        assert_eq!(held(&entries), [6, 7, 8]);
        entries.shrink(0, None);
        assert_eq!(held(&entries), [6, 7, 8]);
        entries.shrink(300, Some(LogIndex(8)));
        assert_eq!(held(&entries), [7, 8]);
    }

    #[test]
    fn dropping_from_either_end_leaves_the_rest_and_no_bytes_behind() {
        let mut entries = cache(3..9);
        entries.drop_through(LogIndex(4));
        entries.drop_after(Some(LogIndex(6)));
        assert_eq!(held(&entries), [5, 6]);
        entries.drop_after(None);
        assert_eq!((held(&entries), entries.bytes, entries.first()), (vec![], 0, None));
    }
}
