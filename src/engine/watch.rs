//! Waiting for what is applied, without polling: a log that is followed, a condition that comes to hold.
//!
//! - Watch, then read, then wait: a change in between is heard.
//! - The first look is linearizable unless a local one was asked for; what follows is what this node applies.
//! - That a lock has expired, or that an unknown id is too old by now, the clock of the space says, never one of this node.
//!   No row may change then, and so it is looked at from time to time.
//! - Without a word of a leader for two election timeouts the waiting ends: it could last for ever, and another node may
//!   know more.
//! - A reader that does not read is not read for: nothing is gathered for it but what every reader of the log shares.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::store::state::{Followed, View, Watch};
use crate::types::limits::{PAGE_BYTES_MAX, PAGE_RECORDS_MAX};
use crate::types::seeded_bug::{Bug, is_marked, seeded};
use crate::types::{
    CellValue, Condition, Consistency, Fate, Id, KeyedCell, LogIndex, LogName, LogTime, Memory, Met, Offset, Page,
    Rejection, SpaceName, Version,
};

use super::Engine;
use super::error::Error;
use super::look::{held, reader_position};
use super::read::{Absent, Seen, absent, fate};

/// Pages of a log as it grows. An error is the end.
pub type Tail = BoxStream<'static, Result<Page, TailEnd>>;

/// Why nothing more of a log comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TailEnd {
    /// What would come next was trimmed away: nothing is left out in silence.
    #[error("the next records were trimmed away; the log begins at {start}")]
    Trimmed {
        /// The first offset that is left.
        start: Offset,
    },
    /// The log or its space was deleted.
    #[error("the log is not there any more")]
    Absent(Absent),
    /// There was no answer.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What became of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// The condition holds.
    Met(Met, LogIndex),
    /// It did not come to hold before the deadline.
    TimedOut(LogIndex),
    /// There is no such space.
    NoSuchSpace,
    /// The space can't know the id that is waited for.
    Rejected(Id, Rejection),
}

impl Engine {
    /// Follows a log from an offset on, or from the first that is left. `None`: there is no such space. A log that is not
    /// there is waited for.
    pub async fn tail(
        &self,
        space: SpaceName,
        log: LogName,
        from: Option<Offset>,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Option<Tail>, Error> {
        let turn = self.inner.admission.watch()?;
        self.look_from(consistency, deadline).await?;
        let Some(watch) = self.watch(&space, |state, number| state.watch_log(number, &log))? else {
            return Ok(None);
        };
        let follower = Follower {
            engine: self.clone(),
            space,
            log,
            next: from,
            start: Offset(0),
            watch,
            followed: None,
            greeted: false,
            _turn: turn,
        };
        let pages = stream::unfold(Some(follower), |follower| async move {
            let mut follower = follower?;
            match follower.page().await {
                Ok(page) => Some((Ok(page), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Some(pages.boxed()))
    }

    /// Waits until a condition holds.
    pub async fn wait(
        &self,
        space: SpaceName,
        condition: Condition,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Waited, Error> {
        let _turn = self.inner.admission.watch()?;
        self.look_from(consistency, deadline).await?;
        let watch = self.watch(&space, |state, number| match &condition {
            Condition::LogEnd { log, .. } => state.watch_log(number, log),
            Condition::Decided { id } => state.watch_id(number, id),
            Condition::CellChanged { key, .. } | Condition::CellAtLeast { key, .. } => state.watch_cell(number, key),
            Condition::PositionReached { reader, log, .. } => state.watch_position(number, reader, log),
            Condition::LockFree { lock } => state.watch_lock(number, lock),
        })?;
        let Some(mut watch) = watch else { return Ok(Waited::NoSuchSpace) };
        loop {
            let (wanted, asked) = (space.clone(), condition.clone());
            let look = move |view: &View| {
                let seen = look_at(view, &wanted, &asked)?;
                Ok(view.space(&wanted)?.map(|_| seen))
            };
            let seen = self.read_here(deadline, look).await?;
            let again = match seen.found {
                Some(Ok(Look::Met(met))) => return Ok(Waited::Met(met, seen.applied)),
                Some(Err((id, rejected))) => return Ok(Waited::Rejected(id, rejected)),
                Some(Ok(Look::Again { at })) => at,
                None => return Ok(Waited::NoSuchSpace),
            };
            tokio::select! {
                heard = self.hear(&mut watch, again) => heard?,
                () = tokio::time::sleep_until(deadline) => return Ok(Waited::TimedOut(seen.applied)),
            }
        }
    }

    /// A watch of a row of a space; none if there is no such space.
    fn watch(
        &self,
        space: &SpaceName,
        watch: impl FnOnce(&crate::store::state::State, crate::types::SpaceNumber) -> Watch,
    ) -> Result<Option<Watch>, Error> {
        let state = self.raft().state();
        let row = state.view().space(space).map_err(|error| self.fail(&error))?;
        Ok(row.map(|row| watch(state, row.number)))
    }

    /// Waits for a change, or for the clock of all spaces to come to a time; in vain, once no leader is heard any more or
    /// the node goes down.
    async fn hear(&self, watch: &mut Watch, until: Option<LogTime>) -> Result<(), Error> {
        let beat = self.raft().election_timeout_max() / 2;
        loop {
            tokio::select! {
                () = watch.changed() => return Ok(()),
                () = tokio::time::sleep(beat) => {}
            }
            if self.inner.admission.is_closed() {
                return Err(Error::Stopping);
            }
            if until.is_some_and(|until| until <= self.raft().state().view().globals().clock) {
                return Ok(());
            }
            if !self.raft().has_live_leader() {
                return Err(Error::NoLeader("no leader was heard for two election timeouts".to_owned()));
            }
        }
    }
}

/// A log, and how far it was followed.
struct Follower {
    engine: Engine,
    space: SpaceName,
    log: LogName,
    /// The first offset wanted; none: the first that is left.
    next: Option<Offset>,
    /// The log's start when its disk was last read.
    start: Offset,
    watch: Watch,
    followed: Option<Followed>,
    /// Whether anything was said yet: the first page comes at once, even without a record.
    greeted: bool,
    _turn: OwnedSemaphorePermit,
}

impl Follower {
    /// The next page: at once if there are records, or nothing was said yet.
    async fn page(&mut self) -> Result<Page, TailEnd> {
        loop {
            if let Some(page) = self.remembered()? {
                return Ok(self.turn(page));
            }
            let page = self.stored().await?;
            if !page.records.is_empty() || !self.greeted {
                return Ok(self.turn(page));
            }
            self.engine.hear(&mut self.watch, None).await?;
        }
    }

    fn turn(&mut self, page: Page) -> Page {
        self.greeted = true;
        self.next = Some(page.next);
        self.start = page.start;
        page
    }

    /// What is in memory of the records wanted.
    fn remembered(&self) -> Result<Option<Page>, Error> {
        let (Some(followed), Some(from)) = (&self.followed, self.next) else { return Ok(None) };
        let found = followed.records(from, PAGE_BYTES_MAX);
        let found = found.map_err(|error| Error::Failed(format!("a record in memory can't be read: {error}")))?;
        let applied = self.engine.raft().applied_index();
        Ok(found.map(|(mut records, end)| {
            let next = from.plus(records.len() as u64);
            if seeded(Bug::TailSkipsRecord) {
                // The next page begins behind it.
                records.retain(|record| !is_marked(&record.payload));
            }
            Page { records, next, end, start: self.start, applied }
        }))
    }

    /// What is on disk of them. From here on, memory is filled with what comes.
    async fn stored(&mut self) -> Result<Page, TailEnd> {
        let (space, log, from) = (self.space.clone(), self.log.clone(), self.next.unwrap_or_default());
        if self.followed.is_none() {
            self.followed = self.begin_to_follow()?;
        }
        let deadline = Instant::now() + self.engine.raft().election_timeout_max() * 10;
        let read = move |view: &View| match view.records(&space, &log, from, PAGE_RECORDS_MAX, PAGE_BYTES_MAX)? {
            Some(page) => Ok(Some(Ok(page))),
            None => Ok(Some(Err(absent(view, &space, Some(&log))?))),
        };
        let Seen { found, applied } = self.engine.read_here(deadline, read).await?;
        let page = match found {
            Some(Ok(page)) => Some(page),
            // It never was, or is there by now: whoever watches it has heard of that.
            Some(Err(Some(Absent::Log { deleted: None }) | None)) | None => None,
            Some(Err(Some(absent))) => return Err(TailEnd::Absent(absent)),
        };
        if let Some(page) = page.as_ref().filter(|page| self.next.is_some_and(|next| next < page.start)) {
            return Err(TailEnd::Trimmed { start: page.start });
        }
        let none = Page { records: Vec::new(), next: from, end: Offset(0), start: Offset(0), applied };
        Ok(page.map_or(none, |page| Page {
            records: page.records,
            // A log that is shorter than wanted is waited for where it was wanted.
            next: page.next.max(from),
            end: page.end,
            start: page.start,
            applied,
        }))
    }

    fn begin_to_follow(&self) -> Result<Option<Followed>, Error> {
        let state = self.engine.raft().state();
        let view = state.view();
        let found = view.space(&self.space).and_then(|space| Ok((space, view.log(&self.space, &self.log)?)));
        let (space, head) = found.map_err(|error| self.engine.fail(&error))?;
        Ok(space.zip(head).map(|(space, head)| state.follow(space.number, head.number)))
    }
}

/// What a look at a condition saw.
enum Look {
    /// The condition holds.
    Met(Met),
    /// Not met yet; it may become true at `at` without any row changing.
    Again {
        /// The time of all spaces; none: only a changed row can make it true.
        at: Option<LogTime>,
    },
}

impl Look {
    fn of(met: Option<Met>) -> Self {
        met.map_or(Self::Again { at: None }, Self::Met)
    }
}

fn look_at(
    view: &View,
    space: &SpaceName,
    condition: &Condition,
) -> Result<Result<Look, (Id, Rejection)>, crate::store::state::Error> {
    let met = match condition {
        Condition::LogEnd { log, end } => {
            let found = view.log_end(space, log)?;
            // Whoever waited reads, and the record is not there.
            let is_near = seeded(Bug::WaitsEndEarly) && found.next() == *end;
            (found >= *end || is_near).then_some(Met::LogEnd(found.max(*end)))
        }
        Condition::Decided { id } => match fate(view, space, id)? {
            Some(Err(rejection)) => return Ok(Err((id.clone(), rejection))),
            None | Some(Ok(Fate::Unknown)) => return Ok(Ok(Look::Again { at: too_old_from(view, space, id)? })),
            Some(Ok(fate)) => Some(Met::Fate(fate)),
        },
        Condition::CellChanged { key, version } => {
            let cell = view.cell(space, key)?;
            let found = cell.as_ref().map_or_else(Version::default, |cell| cell.version);
            (found != *version).then(|| Met::Cell(cell.map(|cell| KeyedCell { key: key.clone(), cell })))
        }
        Condition::CellAtLeast { key, least } => {
            let cell = view.cell(space, key)?;
            let enough = cell.filter(|cell| matches!(cell.value, CellValue::Integer(value) if value >= *least));
            enough.map(|cell| Met::Cell(Some(KeyedCell { key: key.clone(), cell })))
        }
        Condition::PositionReached { reader, log, offset } => {
            let at = reader_position(view, space, reader.clone(), log.clone())?;
            (at.position.offset >= *offset).then_some(Met::Position(at))
        }
        Condition::LockFree { lock } => match held(view, space, lock)? {
            Some(held) => return Ok(Ok(Look::Again { at: Some(held.expires) })),
            None => Some(Met::LockFree),
        },
    };
    Ok(Ok(Look::of(met)))
}

/// When an id that is not known will be too old to be taken.
fn too_old_from(view: &View, space: &SpaceName, id: &Id) -> Result<Option<LogTime>, crate::store::state::Error> {
    let Some(row) = view.space(space)? else { return Ok(None) };
    let Memory::For(memory) = row.memory else { return Ok(None) };
    let bucket = id.birth().time().and_then(|birth| row.bucket_of(birth));
    Ok(bucket.map(|(_, end)| end.saturating_add(memory)))
}
