//! The Raft log as openraft asks for it, over [`store::log`](crate::store::log).
//!
//! The core awaits these calls inline, so only `save_vote` and `truncate_after` wait for the disk; the order of all
//! writes is the order of the calls, because the store has one queue.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};

use futures::{Stream, stream};
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{EntryPayload, OptionalSend, RaftLogReader};

use crate::store::log::Log;
use crate::types::LogIndex;
use crate::types::limits::REPLICATION_BYTES_TARGET;

use super::type_config::{self as convert, RaftEntry, RaftLogId, RaftVote, Taken, TypeConfig};

/// The log of one Raft group.
#[derive(Clone)]
pub(super) struct LogStore {
    log: Log,
}

impl LogStore {
    /// Adapts a log.
    pub(super) fn new(log: Log) -> Self {
        Self { log }
    }

    fn bounds(range: &impl RangeBounds<u64>) -> Range<LogIndex> {
        let start = match range.start_bound() {
            Bound::Included(&index) => index,
            Bound::Excluded(&index) => index + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&index) => index + 1,
            Bound::Excluded(&index) => index,
            Bound::Unbounded => u64::MAX,
        };
        LogIndex(start)..LogIndex(end)
    }
}

fn io_error(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<RaftEntry>, io::Error> {
        let entries = self.log.entries(Self::bounds(&range)).map_err(io_error)?;
        Ok(entries.into_iter().map(convert::raft_entry).collect())
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<RaftEntry>, io::Error> {
        let range = LogIndex(start)..LogIndex(end);
        let entries = self.log.entries_limited(range, REPLICATION_BYTES_TARGET).map_err(io_error)?;
        // A page that begins later would look like a gap to the follower; for an empty one openraft asks again.
        if entries.first().is_some_and(|first| first.id.index.0 != start) {
            return Ok(Vec::new());
        }
        Ok(entries.into_iter().map(convert::raft_entry).collect())
    }

    /// Pages through the range, so that applying a long tail does not hold all of it in memory.
    async fn entries_stream<RB>(&mut self, range: RB) -> impl Stream<Item = Result<RaftEntry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let log = self.log.clone();
        let range = Self::bounds(&range);
        stream::unfold((log, range.start, Vec::new().into_iter()), move |(log, mut next, mut page)| async move {
            loop {
                if let Some(entry) = page.next() {
                    return Some((Ok(entry), (log, next, page)));
                }
                if next >= range.end {
                    return None;
                }
                let entries = match log.entries_limited(next..range.end, REPLICATION_BYTES_TARGET) {
                    Ok(entries) => entries,
                    Err(error) => return Some((Err(io_error(error)), (log, range.end, page))),
                };
                let (first, last) = (entries.first()?, entries.last()?);
                // Entries may be purged at the beginning of a range, never inside it.
                if next > range.start && first.id.index != next {
                    let gap = io::Error::other(format!("the log has lost the entries from index {next} on"));
                    return Some((Err(gap), (log, range.end, page)));
                }
                next = last.id.index.next();
                page = entries.into_iter().map(convert::raft_entry).collect::<Vec<_>>().into_iter();
            }
        })
    }

    async fn read_vote(&mut self) -> Result<Option<RaftVote>, io::Error> {
        Ok(self.log.vote().map(convert::raft_vote))
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        Ok(LogState {
            last_purged_log_id: self.log.purged().map(convert::raft_log_id),
            last_log_id: self.log.last().map(convert::raft_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self::LogReader {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &RaftVote) -> Result<(), io::Error> {
        self.log.save_vote(convert::vote(vote)).await.map_err(io_error)
    }

    async fn save_committed(&mut self, committed: Option<RaftLogId>) -> Result<(), io::Error> {
        self.log.save_committed(committed.as_ref().map(convert::log_id)).map_err(io_error)
    }

    async fn read_committed(&mut self) -> Result<Option<RaftLogId>, io::Error> {
        Ok(self.log.committed().map(convert::raft_log_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = RaftEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut taken = Vec::new();
        let entries = entries.into_iter().inspect(|entry| {
            if let EntryPayload::Normal(batch) = &entry.payload {
                taken.extend(batch.taken());
            }
        });
        let entries = entries.map(convert::entry).collect();
        let done = Box::new(move |result: Result<(), crate::store::log::Error>| {
            callback.io_completed(result.map_err(io_error));
        });
        self.log.append(entries, done).map_err(io_error)?;
        taken.iter().for_each(Taken::tell);
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<RaftLogId>) -> Result<(), io::Error> {
        self.log.truncate_after(last_log_id.as_ref().map(convert::log_id)).await.map_err(io_error)
    }

    async fn purge(&mut self, log_id: RaftLogId) -> Result<(), io::Error> {
        self.log.purge(convert::log_id(&log_id)).await.map_err(io_error)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use bytes::Bytes;

    use super::super::type_config::EncodedBatch;
    use super::*;
    use crate::store::log;
    use crate::types::{LogId, NodeId};

    /// Until then openraft may refuse it, and take what is proposed after it.
    #[tokio::test]
    async fn who_has_proposed_a_batch_hears_when_the_log_has_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = Log::open(&directory.path().join("raft"), log::Options::default()).expect("a new log");
        let id = LogId { term: 1, node: NodeId(1), index: LogIndex(0) };
        let (batch, taken) = EncodedBatch::proposed(Bytes::from_static(b"batch"));
        let mut waiting = pin!(taken.wait());
        assert!(futures::poll!(&mut waiting).is_pending(), "the log does not have it");
        let entry = RaftEntry { log_id: convert::raft_log_id(id), payload: EntryPayload::Normal(batch) };
        LogStore::new(log.clone()).append([entry], IOFlushed::noop()).await.expect("queue it");
        assert!(futures::poll!(&mut waiting).is_ready());
        assert_eq!(log.last(), Some(id));
    }
}
