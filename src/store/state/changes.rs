//! Who waits for a row to change: told after the write that changed it.
//!
//! - A word says only "look again": whoever hears it reads the row, and may find it as it was.
//! - A change after [`Changes::watch`] has returned is never missed. So: watch, then read, then wait.
//! - Nobody watching costs an apply next to nothing.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::lock;

/// The rows of one family that somebody watches, by key.
#[derive(Debug, Default)]
pub(super) struct Changes {
    watched: Mutex<HashMap<Vec<u8>, watch::Sender<()>>>,
    /// How many rows are watched, to be asked without the lock.
    count: AtomicUsize,
}

/// One who watches a row.
#[derive(Debug)]
pub struct Watch {
    changes: Arc<Changes>,
    key: Vec<u8>,
    word: watch::Receiver<()>,
}

impl Changes {
    /// Watches the row under a key, there or not.
    pub(super) fn watch(self: &Arc<Self>, key: Vec<u8>) -> Watch {
        let mut watched = self.lock();
        let word = watched.entry(key.clone()).or_default().subscribe();
        self.count.store(watched.len(), Ordering::SeqCst);
        // Either the reading that follows sees a write, or the one who wrote sees this watch.
        fence(Ordering::SeqCst);
        Watch { changes: self.clone(), key, word }
    }

    /// Tells that the rows under these keys were written. The keys are made only if anybody watches.
    pub(super) fn tell<K: AsRef<[u8]>>(&self, keys: impl IntoIterator<Item = K>) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let watched = self.lock();
        for key in keys {
            if let Some(sender) = watched.get(key.as_ref()) {
                sender.send_replace(());
            }
        }
    }

    /// Tells that rows with keys in this range went.
    pub(super) fn tell_range(&self, range: &Range<impl AsRef<[u8]>>) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let range = range.start.as_ref()..range.end.as_ref();
        for (_, sender) in self.lock().iter().filter(|(key, _)| range.contains(&key.as_slice())) {
            sender.send_replace(());
        }
    }

    /// Tells everyone: another generation has become the state, and any row may be another.
    pub(super) fn tell_all(&self) {
        self.lock().values().for_each(|sender| {
            sender.send_replace(());
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Vec<u8>, watch::Sender<()>>> {
        lock(&self.watched)
    }
}

impl Watch {
    /// Waits for the next change since the last call, or since the beginning. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        // The sender lives in the table as long as a watch does.
        if self.word.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.changes.lock();
        // This one's own receiver is still counted.
        if watched.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.key);
            self.changes.count.store(watched.len(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_watches_a_row_hears_of_it() {
        let changes = Arc::new(Changes::default());
        let (mut one, mut other) = (changes.watch(b"a".to_vec()), changes.watch(b"b".to_vec()));
        changes.tell([b"a"]);
        one.changed().await;
        assert!(futures::poll!(std::pin::pin!(one.changed())).is_pending());
        assert!(futures::poll!(std::pin::pin!(other.changed())).is_pending());
        changes.tell_range(&(b"a".to_vec()..b"b".to_vec()));
        one.changed().await;
        assert!(futures::poll!(std::pin::pin!(other.changed())).is_pending());
        changes.tell_all();
        one.changed().await;
        other.changed().await;
    }

    #[tokio::test]
    async fn the_table_holds_no_more_than_is_watched() {
        let changes = Arc::new(Changes::default());
        let (one, mut other) = (changes.watch(b"a".to_vec()), changes.watch(b"a".to_vec()));
        drop(one);
        changes.tell([b"a"]);
        other.changed().await;
        drop(other);
        assert!(changes.lock().is_empty());
        assert_eq!(changes.count.load(Ordering::SeqCst), 0);
    }
}
