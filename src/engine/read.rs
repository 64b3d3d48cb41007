//! Reads: linearizable by default, or this node's own view, asked for by name.
//!
//! A view is taken *after* the wait for its index, from one value that holds the state's handle and what it has applied.

use std::time::Duration;

use tokio::time::Instant;

use crate::machine::{LogHead, Remembered, check_form};
use crate::store::state::{Page, View};
use crate::types::limits::PAGE_BYTES_MAX;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Consistency, Fate, Id, LogIndex, LogName, LogTime, Offset, Rejection, SpaceName};

use super::Engine;
use super::error::Error;

/// The pause before a majority is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Something read, and the index that the answering node had applied.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// What was read; `None`: the space or log is not there.
    pub found: Option<T>,
    /// What the node had applied.
    pub applied: LogIndex,
}

/// What is not there of a log that somebody asked for, or of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The space never was, or was deleted then.
    Space {
        /// When, if it was.
        deleted: Option<LogTime>,
    },
    /// The log never was, or was deleted then.
    Log {
        /// When, if it was.
        deleted: Option<LogTime>,
    },
}

/// Why there is no such log, or no such space where no log is named; `None` if there is.
pub(super) fn absent(
    view: &View,
    space: &SpaceName,
    log: Option<&LogName>,
) -> Result<Option<Absent>, crate::store::state::Error> {
    if view.space(space)?.is_none() {
        return Ok(Some(Absent::Space { deleted: view.deleted_space(space)? }));
    }
    match log {
        Some(log) if view.log(space, log)?.is_none() => {
            let deleted = view.deleted_log(space, log)?.map(|mark| mark.at);
            Ok(Some(Absent::Log { deleted }))
        }
        _ => Ok(None),
    }
}

/// What a space knows of an id, or why it can't know such an id. `None`: there is no such space.
pub(super) fn fate(
    view: &View,
    space: &SpaceName,
    id: &Id,
) -> Result<Option<Result<Fate, Rejection>>, crate::store::state::Error> {
    // The id first: what is forgotten between the two is below the floor that is seen then.
    let remembered = view.remembered(space, id)?;
    let Some(row) = view.space(space)? else { return Ok(None) };
    if let Err(rejection) = check_form(&row, id) {
        return Ok(Some(Err(rejection)));
    }
    // What is not known has to be younger than what is. It may have become known before the row was read: then it is.
    let closed = row.closed_by(view.globals().clock);
    let is_closed = remembered.is_none() && id.birth().time().is_some_and(|birth| birth < closed);
    let remembered = if is_closed { view.remembered(space, id)? } else { remembered };
    let floor = if remembered.is_some() { row.floor } else { closed };
    if id.birth().time().is_some_and(|birth| birth < floor) {
        return Ok(Some(Ok(Fate::TooOld { floor })));
    }
    Ok(Some(Ok(remembered.map_or(Fate::Unknown, |Remembered { outcome, compensated_by, .. }| Fate::Decided {
        outcome,
        compensated_by,
    }))))
}

impl Engine {
    /// What became of an id, or why there can be none. `None`: there is no such space.
    pub async fn lookup(
        &self,
        space: SpaceName,
        id: Id,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<Result<Fate, Rejection>>, Error> {
        // A node that is behind does not know what was acknowledged.
        let consistency = if seeded(Bug::LookUpsAreLocal) { Consistency::Local } else { consistency };
        self.read(consistency, deadline, move |view| fate(view, &space, &id)).await
    }

    /// A page of records from an offset on, or from the first that is left; what is left begins later where the log was
    /// trimmed past the offset. `None`: there is no such log.
    pub async fn records(
        &self,
        space: SpaceName,
        log: LogName,
        from: Option<Offset>,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<Page>, Error> {
        let from = from.unwrap_or_default();
        self.read(consistency, deadline, move |view| view.records(&space, &log, from, limit, PAGE_BYTES_MAX)).await
    }

    /// The head of a log. `None`: there is no such log.
    pub async fn log(
        &self,
        space: SpaceName,
        log: LogName,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<LogHead>, Error> {
        self.read(consistency, deadline, move |view| view.log(&space, &log)).await
    }

    /// The logs of a space by name, and whether more follow. `None`: there is no such space.
    pub async fn logs(
        &self,
        space: SpaceName,
        after: Option<LogName>,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<(Vec<(LogName, LogHead)>, bool)>, Error> {
        self.read(consistency, deadline, move |view| {
            let logs = view.logs(&space, after.as_ref(), limit)?;
            // After what was read: a space that was deleted meanwhile was never without logs.
            Ok(view.space(&space)?.map(|_| logs))
        })
        .await
    }

    /// Why this node knows of no such log, or of no such space where no log is named; `None` if it does by now.
    pub fn absent(&self, space: &SpaceName, log: Option<&LogName>) -> Result<Option<Absent>, Error> {
        absent(&self.raft().state().view(), space, log).map_err(|error| self.fail(&error))
    }

    /// A state that can't be read is damaged or its disk has failed: the node stops, because no later answer can be
    /// trusted either.
    pub(super) fn fail(&self, error: &crate::store::state::Error) -> Error {
        self.raft().report_failure(error.to_string());
        Error::Failed(error.to_string())
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        consistency: Consistency,
        deadline: Instant,
        work: impl FnOnce(&View) -> Result<Option<T>, crate::store::state::Error> + Send + 'static,
    ) -> Result<Seen<T>, Error> {
        self.look_from(consistency, deadline).await?;
        self.read_here(deadline, work).await
    }

    /// Waits until this node may be read: until it has applied everything acknowledged before now, or what it had shown
    /// before it was restarted.
    pub(super) async fn look_from(&self, consistency: Consistency, deadline: Instant) -> Result<(), Error> {
        match consistency {
            // A node that is behind shows what is long over.
            Consistency::Linearizable if seeded(Bug::ReadsWithoutReadIndex) => Ok(()),
            // What this node has shown before its restart is not there yet.
            Consistency::Local if seeded(Bug::LocalReadsWhileRecovering) => Ok(()),
            Consistency::Linearizable => self.catch_up(deadline).await,
            Consistency::Local => self.wait_until_recovered(deadline).await,
        }
    }

    /// Reads what this node has applied by now, in its turn, on a thread that may wait for a disk.
    pub(super) async fn read_here<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&View) -> Result<Option<T>, crate::store::state::Error> + Send + 'static,
    ) -> Result<Seen<T>, Error> {
        let turn = tokio::time::timeout_at(deadline, self.inner.admission.read()).await;
        let _turn = turn.map_err(|_| Error::Expired)??;
        let state = self.raft().state().clone();
        let read = tokio::task::spawn_blocking(move || {
            let view = state.view();
            work(&view).map(|found| Seen { found, applied: view.applied_index().unwrap_or_default() })
        });
        read.await.map_err(|error| Error::not_run(&error))?.map_err(|error| self.fail(&error))
    }

    /// Waits until this node has applied everything acknowledged before now.
    async fn catch_up(&self, deadline: Instant) -> Result<(), Error> {
        let mut last = "no answer before the deadline".to_owned();
        let attempts = async {
            loop {
                let leader = self.raft().leader();
                match self.inner.barrier.index().await {
                    Ok(index) => {
                        self.raft().wait_applied(index).await;
                        return Ok(());
                    }
                    // A node that stops will not hear of a leader again.
                    Err(_) if self.inner.admission.is_closed() => return Err(Error::Stopping),
                    Err(error) => last = error.to_string(),
                }
                tokio::select! {
                    () = self.raft().leader_changed(leader) => {}
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                }
            }
        };
        let caught_up = tokio::time::timeout_at(deadline, attempts).await;
        caught_up.unwrap_or(Err(Error::NoLeader(last)))
    }

    /// Waits until this node has caught up with what an earlier life of it may have shown.
    async fn wait_until_recovered(&self, deadline: Instant) -> Result<(), Error> {
        if self.raft().has_recovered() {
            return Ok(());
        }
        tokio::time::timeout_at(deadline, self.raft().wait_recovered()).await.map_err(|_| Error::CatchingUp)
    }
}
