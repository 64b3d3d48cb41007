//! The thread that owns an outbox's file.
//!
//! - Whatever waits when it looks is one group: one write, and one sync if anything is kept. So tasks that keep at the
//!   same time share the sync, and nothing lingers on purpose.
//! - After a failed write or sync it writes nothing more and lets go of the file; everybody is told so for ever. A failed
//!   sync is never tried again: the system may have dropped what it could not write and would call the second one good.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::entry::{Entry, EntryNumber};
use super::error::Error;
use super::ledger::{Ledger, Packed};
use crate::types::limits::OUTBOX_GROUP_BYTES_TARGET;

/// As wide as the number of a confirmed entry gets in a frame.
const CONFIRMED_BYTES: usize = 10;

/// Where an answer goes. That nobody waits for it any more is fine.
pub(super) type Done<T> = oneshot::Sender<Result<T, Error>>;

/// Something to be done with the file.
#[derive(Debug)]
pub(super) enum Request {
    Keep {
        entries: Vec<Packed>,
        done: Done<Vec<Arc<Entry>>>,
    },
    Confirm {
        number: EntryNumber,
        done: Done<()>,
    },
    /// What waits?
    List {
        done: Done<Vec<Arc<Entry>>>,
    },
    /// The file is let go of, and the thread ends.
    Close {
        done: Done<()>,
    },
}

/// Serves requests until the outbox is closed, or nobody is left.
pub(super) fn run(mut ledger: Ledger, requests: &Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let mut group = Group::gather(first, requests, &ledger);
        if let Some(done) = group.close.take() {
            let result = group.commit(&mut ledger).and_then(|()| ledger.close());
            // Never to the log as well: whoever closes it is told.
            let _ = done.send(result);
            return;
        }
        if let Err(error) = group.commit(&mut ledger).and_then(|()| ledger.compact_if_worth_it()) {
            tracing::error!(%error, "the outbox can't be written any more");
            drop(ledger);
            return refuse(requests, &poisoned(error));
        }
    }
    if let Err(error) = ledger.close() {
        tracing::warn!(%error, "the outbox was not closed well; what was confirmed last may be sent again");
    }
}

fn poisoned(error: Error) -> Error {
    match error {
        Error::Poisoned { .. } => error,
        why => Error::Poisoned { why: Arc::new(why) },
    }
}

/// Answers everything with an error, until nobody is left.
fn refuse(requests: &Receiver<Request>, error: &Error) {
    while let Ok(request) = requests.recv() {
        let error = Err(error.clone());
        // Whether anybody hears it is theirs to decide.
        match request {
            Request::Keep { done, .. } | Request::List { done } => drop(done.send(error.map(|()| Vec::new()))),
            Request::Confirm { done, .. } => drop(done.send(error)),
            Request::Close { done } => {
                let _ = done.send(error);
                return;
            }
        }
    }
}

/// Requests that are served together.
#[derive(Default)]
struct Group {
    kept: Vec<Packed>,
    /// How many of the entries each asked for.
    keepers: Vec<(usize, Done<Vec<Arc<Entry>>>)>,
    confirmed: BTreeSet<EntryNumber>,
    confirmers: Vec<Done<()>>,
    listeners: Vec<Done<Vec<Arc<Entry>>>>,
    close: Option<Done<()>>,
    bytes: usize,
}

impl Group {
    /// Takes what waits until there is enough for one write, or the end.
    fn gather(first: Request, requests: &Receiver<Request>, ledger: &Ledger) -> Self {
        let mut group = Self::default();
        group.add(first, ledger);
        while group.bytes < OUTBOX_GROUP_BYTES_TARGET
            && group.close.is_none()
            && let Ok(request) = requests.try_recv()
        {
            group.add(request, ledger);
        }
        group
    }

    fn add(&mut self, request: Request, ledger: &Ledger) {
        match request {
            // Whoever has gone before anything was written does not want it to be kept.
            Request::Keep { done, .. } if done.is_closed() => {}
            Request::Keep { entries, done } => {
                let bytes: usize = entries.iter().map(Packed::size).sum();
                if ledger.has_room_for(self.bytes + bytes) {
                    self.bytes += bytes;
                    self.keepers.push((entries.len(), done));
                    self.kept.extend(entries);
                } else {
                    let _ = done.send(Err(Error::Full { path: ledger.path().to_owned() }));
                }
            }
            Request::Confirm { number, done } => {
                self.bytes += CONFIRMED_BYTES;
                self.confirmed.insert(number);
                self.confirmers.push(done);
            }
            Request::List { done } => self.listeners.push(done),
            Request::Close { done } => self.close = Some(done),
        }
    }

    /// Writes, syncs, answers.
    fn commit(self, ledger: &mut Ledger) -> Result<(), Error> {
        let kept = match ledger.commit(&self.confirmed, self.kept) {
            Ok(kept) => kept,
            Err(error) => {
                let error = poisoned(error);
                let lists = self.keepers.into_iter().map(|(_, done)| done).chain(self.listeners);
                lists.for_each(|done| drop(done.send(Err(error.clone()))));
                self.confirmers.into_iter().for_each(|done| drop(done.send(Err(error.clone()))));
                return Err(error);
            }
        };
        let mut kept = kept.into_iter();
        for (count, done) in self.keepers {
            let _ = done.send(Ok(kept.by_ref().take(count).collect()));
        }
        self.confirmers.into_iter().for_each(|done| drop(done.send(Ok(()))));
        self.listeners.into_iter().for_each(|done| drop(done.send(Ok(ledger.waiting()))));
        Ok(())
    }
}
