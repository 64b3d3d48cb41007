//! Consumers: each record takes effect once, however often anything is killed.
//!
//! - The reader's position in each log is kept in the space. A batch is committed in *one* command: its outputs, and the new
//!   positions, guarded by the old ones and their versions. So outputs and position change together or not at all.
//! - The command has a fresh id and keeps it until it is answered: the guard lets it through once, the id makes sending it
//!   again safe. One commit is on its way at a time.
//! - A consumer may be killed anywhere and started anywhere: it begins at the committed positions. What it handed out and did
//!   not commit is handed out again. An instance that was believed dead loses at the guard: [`Kind::Overtaken`].
//! - Outputs are actions in the same space. What is done *elsewhere* for a record may be done twice; do it under an id that
//!   is made from the record's log and offset.
//! - A reader that was never moved begins at the first record that is left.
//! - Nothing is left out in silence: a log that was trimmed above the position is an error, and
//!   [`skip_trimmed`](Consumer::skip_trimmed) is the way to go on.
//!
//! ```no_run
//! # async fn example(client: oncelog::client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::client::Kind;
//! use oncelog::types::Action;
//!
//! let invoices = "invoices".parse()?;
//! let mut consumer = client.consumer(&"invoicing".parse()?, ["orders".parse()?]).open()?;
//! loop {
//!     let batch = consumer.next().await?;
//!     let made: Vec<_> = batch.records().map(|(_, order)| format!("invoice for {}", order.text())).collect();
//!     match batch.commit([Action::append(&invoices, made)]).await {
//!         Ok(_) => {}
//!         Err(error) if error.kind() == Kind::Overtaken => {} // Somebody else did it; go on behind it.
//!         Err(error) => return Err(error.into()),
//!     }
//! }
//! # }
//! ```
//!
//! # Several that share the work
//!
//! With [`member`](Options::member), consumers of one reader share its logs: each log is worked on by one member, no
//! member works on more than its fair share, and when one dies or leaves the others take over its logs. A member works on a
//! log only under the log's lock; its commits are refused once that is lost. One log is never shared by two: spread what is
//! too much for one over several logs.

mod batch;
mod commit;
#[cfg(test)]
#[cfg(feature = "server")]
mod group_tests;
mod membership;
mod options;
mod place;
mod share;
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;

use std::collections::BTreeMap;
use std::future::pending;

use futures::future::select_all;
use tokio::time::sleep_until;

pub use batch::Batch;
pub use options::Options;

use crate::types::limits::PAGE_BYTES_MAX;
use crate::types::{Command, Consistency, LogName, Offset, Page, Position, ReaderName, Token, Version};

use super::error::{Error, Kind};
use super::lock::Held;
use super::request::Submitted;
use super::tail::Tail;
use super::{Client, Request};
use commit::{Commit, Settled};
use membership::Membership;
use place::{Place, choose};

/// The most logs that have a part in one batch: each takes up to three of the steps of a command.
const LOGS_IN_A_BATCH: usize = 16;

impl Client {
    /// Begins a consumer of some logs. Its positions are those of this reader.
    pub fn consumer(&self, reader: &ReaderName, logs: impl IntoIterator<Item = LogName>) -> Options {
        Options::new(self.clone(), reader.clone(), logs.into_iter().collect())
    }
}

/// One instance of a reader, at its place in one or several logs.
#[derive(Debug)]
pub struct Consumer {
    client: Client,
    reader: ReaderName,
    batch_records: usize,
    followed: Vec<Followed>,
    /// Which log comes first in the next batch.
    turn: usize,
    commit: Option<Commit>,
    sharing: Option<Sharing>,
}

/// A log and the way to its next records.
#[derive(Debug)]
struct Followed {
    place: Place,
    tail: Option<Tail>,
    /// Whether the tail has given anything yet.
    gave: bool,
    /// What a member holds the log by. What it knows under one token is not known under the next: in between the log may
    /// have been another member's.
    token: Option<Token>,
}

/// What a member of a group has beside: the locks of the logs that it works on.
#[derive(Debug)]
struct Sharing {
    membership: Membership,
    held: BTreeMap<LogName, Held>,
}

/// Records that were trimmed away before the reader came to them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The log.
    pub log: LogName,
    /// Where the reader was.
    pub from: Offset,
    /// Where it is now: the first record that is left.
    pub to: Offset,
}

impl Consumer {
    /// The next records, as soon as there are any: those behind the committed positions, in the order of each log.
    ///
    /// A batch that is dropped without a commit comes again. So does one whose commit was in doubt and turns out to have
    /// done nothing: the doubt is settled here, before anything is handed out, by sending the same again. An error means that no
    /// node could serve for as long as an operation may take, or that a log was trimmed above the position
    /// ([`Reason::Trimmed`](super::Reason::Trimmed)); the call may be repeated. A reader that was never moved begins at the
    /// first record that is left. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Batch<'_>, Error> {
        self.settle().await?;
        let chosen = loop {
            self.share().await?;
            self.find_positions().await?;
            let fetched: Vec<_> = self.followed.iter().map(|followed| followed.place.fetched()).collect();
            let chosen = choose(&fetched, self.turn, LOGS_IN_A_BATCH, self.batch_records, PAGE_BYTES_MAX);
            if !chosen.is_empty() {
                break chosen;
            }
            self.fetch().await?;
        };
        self.turn = self.turn.wrapping_add(1) % self.followed.len();
        Ok(Batch::new(self, chosen))
    }

    /// Where the reader is in a log, as far as this instance knows: none before the first batch, and for a log that another
    /// member works on.
    pub fn position(&self, log: &LogName) -> Option<Offset> {
        let followed = self.followed.iter().find(|followed| followed.place.log() == log)?;
        followed.place.position().map(|position| position.offset)
    }

    /// The logs that it works on. Of a member they change as others come and go.
    pub fn logs(&self) -> impl Iterator<Item = &LogName> {
        self.followed.iter().map(|followed| followed.place.log())
    }

    /// Goes on behind what was trimmed away before the reader came to it: moves it, in each of its logs, at least to the
    /// first record that is left, and says what it has left out.
    pub async fn skip_trimmed(&mut self) -> Result<Vec<Skipped>, Error> {
        self.settle().await?;
        self.share().await?;
        self.find_positions().await?;
        let mut skipped = Vec::new();
        for (index, followed) in self.followed.iter().enumerate() {
            // A reader that was never moved begins at the first record that is left in any case.
            let Some(from) = followed.place.begin() else { continue };
            let log = followed.place.log();
            match self.client.describe_log(log, Consistency::Linearizable).await {
                Ok(found) if found.start > from => {
                    skipped.push((index, Skipped { log: log.clone(), from, to: found.start }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for some in skipped.chunks(LOGS_IN_A_BATCH) {
            let moves: Vec<_> = some.iter().map(|(index, skipped)| (*index, skipped.to)).collect();
            self.begin(self.client.command(), &moves);
            self.send().await?;
        }
        Ok(skipped.into_iter().map(|(_, skipped)| skipped).collect())
    }

    /// Leaves the group, so that others need not wait until the locks' time is over. One that is no member has nothing to
    /// leave; dropping it is enough.
    pub async fn leave(mut self) -> Result<(), Error> {
        self.settle().await?;
        match self.sharing {
            Some(Sharing { membership, held }) => membership.leave(held).await,
            None => Ok(()),
        }
    }

    /// Sends what is in doubt again until it is settled. What it turns out to be says nothing new to anybody: the batch comes
    /// again or not.
    async fn settle(&mut self) -> Result<(), Error> {
        match self.send().await {
            Err(error) if self.commit.is_some() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Makes the commit that moves the reader in these logs, beside what is in the request already.
    fn begin(&mut self, mut request: Request, moves: &[(usize, Offset)]) {
        let mut targets = Vec::new();
        for (index, to) in moves {
            let Some(Followed { place, .. }) = self.followed.get(*index) else { continue };
            request = request.require(place.guard(&self.reader)).then(place.step(&self.reader, *to));
            let lock = self.sharing.as_ref().and_then(|sharing| sharing.held.get(place.log()));
            if let Some(lock) = lock {
                request = request.require(lock.guard());
            }
            targets.push((place.log().clone(), *to));
        }
        let command: Command = request.into_command();
        self.commit = Some(Commit { command, moves: targets, is_in_doubt: false });
    }

    /// Sends the commit, if there is one, and takes in what is known then. Dropping the future leaves it in doubt, to be sent
    /// again.
    async fn send(&mut self) -> Result<Option<Submitted>, Error> {
        let Some(commit) = &mut self.commit else { return Ok(None) };
        let before = commit.clone();
        commit.is_in_doubt = true;
        let answer = self.client.submit(&before.command).await;
        let settled = match &answer {
            Ok(submitted) => {
                self.moved(&before, submitted);
                Settled::NothingDone
            }
            Err(error) => before.after(error),
        };
        if settled != Settled::No {
            self.commit = None;
        }
        if matches!(settled, Settled::ReadAnew | Settled::Overtaken) {
            self.forget(&before);
        }
        answer.map(Some).map_err(|error| settled.told(error))
    }

    fn moved(&mut self, commit: &Commit, submitted: &Submitted) {
        let (version, time) = (Version(submitted.outcome.sequence.0), submitted.outcome.time);
        for (log, offset) in &commit.moves {
            if let Some(followed) = self.followed.iter_mut().find(|followed| followed.place.log() == log) {
                followed.place.moved(Position { offset: *offset, version, time });
            }
        }
    }

    /// What is known of the logs of a commit may be out of date, and their locks may be lost.
    fn forget(&mut self, commit: &Commit) {
        for (log, _) in &commit.moves {
            if let Some(followed) = self.followed.iter_mut().find(|followed| followed.place.log() == log) {
                followed.place.forget();
            }
            if let Some(sharing) = &mut self.sharing {
                sharing.held.remove(log);
                sharing.membership.look_soon();
            }
        }
    }

    /// A member gives up what it has lost, looks at its group when it is time, and follows exactly the logs that it holds.
    async fn share(&mut self) -> Result<(), Error> {
        let Some(Sharing { membership, held }) = &mut self.sharing else { return Ok(()) };
        let count = held.len();
        held.retain(|_, lock| lock.is_held());
        if held.len() < count {
            membership.look_soon();
        }
        if membership.next_look() <= tokio::time::Instant::now() {
            membership.look(held).await?;
        }
        self.followed.retain(|followed| held.get(followed.place.log()).map(Held::token) == followed.token);
        for (log, lock) in held {
            if self.followed.iter().all(|followed| followed.place.log() != log) {
                self.followed.push(Followed::new(log.clone(), Some(lock.token())));
            }
        }
        Ok(())
    }

    async fn find_positions(&mut self) -> Result<(), Error> {
        for Followed { place, .. } in &mut self.followed {
            if place.position().is_none() {
                let found = self.client.position(&self.reader, place.log(), Consistency::Linearizable).await?;
                place.found(found.position);
            }
        }
        Ok(())
    }

    /// Waits for records of any log, or until the group is to be looked at. There is nothing left of what was fetched before.
    async fn fetch(&mut self) -> Result<(), Error> {
        let next_look = self.sharing.as_ref().map(|sharing| sharing.membership.next_look());
        let look = async {
            match next_look {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        let client = &self.client;
        let pages = self
            .followed
            .iter_mut()
            .enumerate()
            .map(|(index, followed)| Box::pin(async move { (index, followed.next(client).await) }));
        let pages: Vec<_> = pages.collect();
        let first = async {
            // Nothing to choose from never ends.
            if pages.is_empty() { pending().await } else { select_all(pages).await.0 }
        };
        let (index, page) = tokio::select! {
            first = first => first,
            () = look => return Ok(()),
        };
        let page = page?;
        if let Some(followed) = self.followed.get_mut(index) {
            followed.place.store(page);
        }
        Ok(())
    }
}

impl Followed {
    fn new(log: LogName, token: Option<Token>) -> Self {
        Self { place: Place::new(log), tail: None, gave: false, token }
    }

    /// The next records from the position on. Dropping the future loses nothing.
    async fn next(&mut self, client: &Client) -> Result<Page, Error> {
        let begin = self.place.begin();
        // A tail from the first record that is left is good until it gives something, or fails.
        let fits = |tail: &Tail| begin.map_or(!self.gave, |begin| tail.position() == begin);
        if !self.tail.as_ref().is_some_and(fits) {
            self.tail = None;
            self.gave = false;
        }
        let follow = || client.tail(self.place.log().clone(), begin, Consistency::Linearizable);
        let page = self.tail.get_or_insert_with(follow).next().await;
        self.gave = true;
        page
    }
}
