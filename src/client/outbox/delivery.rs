//! Sending what an outbox keeps.
//!
//! - Nothing is sent that is not synced, and everything is sent under the id and in the space it was kept with.
//! - Nothing here removes an entry but a `confirm` of the program's.
//! - An error says that nothing happened only if no attempt can have been made before: those of an earlier run count.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Outbox;
use super::entry::Entry;
use super::error::Error;
use crate::client::{self, Appended, Client, Reason, Request, Submitted};
use crate::types::{Action, AttemptEffect, Command, Id, LogName, NewRecord};

/// A client that keeps what it sends in an outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    outbox: Outbox,
}

/// An entry of an outbox, and the way to have it settled. It stays in the outbox until it is confirmed, whatever becomes of
/// this value.
#[derive(Debug, Clone)]
pub struct Kept {
    pub(super) client: Client,
    outbox: Outbox,
    entry: Arc<Entry>,
    /// Whether an attempt may have been made.
    sent: Arc<AtomicBool>,
}

/// A command that took effect, now or at an earlier attempt.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// What it got.
    pub submitted: Submitted,
    /// Its entry, which stays until it is confirmed.
    pub kept: Kept,
}

/// An entry that was not delivered, or not cancelled. It stays in the outbox.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undelivered {
    /// The entry.
    pub kept: Kept,
    /// Why.
    pub error: Box<client::Error>,
}

/// Where an entry stands that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is decided, as far as is known. Send it again, as often as need be.
    Open,
    /// It was refused or cancelled, and never takes effect. That is its outcome: confirm it once it has been seen.
    Refused,
    /// The id belongs to other content, and under it this never takes effect. Sent again it gets the same answer.
    Reused,
    /// Its space has forgotten ids as old as this one, and does not run it. What became of earlier attempts can only be
    /// told by looking for its effects. Sent again it gets the same answer.
    TooOld,
    /// Its space was deleted, and nothing runs in it again. What became of earlier attempts is forgotten with the space.
    /// Sent again it gets the same answer.
    SpaceDeleted,
}

/// Why a command was not kept, or not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing was sent. Whether it is kept is said by the outbox's error.
    #[error("id `{id}` was not sent: {error}")]
    NotKept {
        /// The id under which it would have been sent.
        id: Id,
        /// Why not.
        error: Error,
    },
    /// It is kept, and waits.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
}

impl Client {
    /// A client that keeps what it sends in an outbox.
    #[must_use]
    pub fn with_outbox(&self, outbox: Outbox) -> Sender {
        Sender { client: self.clone(), outbox }
    }
}

impl Sender {
    /// The client, for all that needs no outbox.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The outbox.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Keeps an append and then sends it. Without an id it makes one.
    ///
    /// Cancel-safe, as [`submit`](Self::submit) is.
    pub async fn append(
        &self,
        log: &LogName,
        records: impl IntoIterator<Item = impl Into<NewRecord>>,
        id: Option<Id>,
    ) -> Result<Delivery, SendError> {
        self.deliver(self.make_append(log, records, id)).await
    }

    /// Keeps a command and then sends it, in the space that it was put together for.
    ///
    /// Cancel-safe: if it is dropped before it returns, the command was not kept, or it waits in the outbox and can be sent
    /// again. It may have taken effect.
    pub async fn submit(&self, request: Request) -> Result<Delivery, SendError> {
        self.deliver(request.into_command()).await
    }

    async fn deliver(&self, command: Command) -> Result<Delivery, SendError> {
        let id = command.id.clone();
        let mut kept = self.keep([command]).await.map_err(|error| SendError::NotKept { id, error })?;
        let kept = kept.pop().expect("as many entries come back as commands were given");
        Ok(kept.send().await?)
    }

    /// An append to a log of the client's space, to be [kept](Self::keep) with others. Without an id it makes one.
    pub fn make_append(
        &self,
        log: &LogName,
        records: impl IntoIterator<Item = impl Into<NewRecord>>,
        id: Option<Id>,
    ) -> Command {
        let request = self.client.command().then(Action::append(log, records));
        id.into_iter().fold(request, Request::id).into_command()
    }

    /// Keeps commands with one sync, all of them or none, and sends nothing yet.
    ///
    /// Cancel-safe, as [`Outbox::keep`] is.
    pub async fn keep(&self, commands: impl IntoIterator<Item = Command>) -> Result<Vec<Kept>, Error> {
        let entries = self.outbox.keep(commands).await?;
        Ok(entries.into_iter().map(|entry| self.kept(entry, false)).collect())
    }

    /// Everything that waits, in the order in which it was kept: after a crash, what the earlier run left. What other
    /// tasks are sending just now is among it, too; to send it twice is safe.
    ///
    /// Cancel-safe: it changes nothing.
    pub async fn waiting(&self) -> Result<Vec<Kept>, Error> {
        let entries = self.outbox.waiting().await?;
        Ok(entries.into_iter().map(|entry| self.kept(entry, true)).collect())
    }

    fn kept(&self, entry: Arc<Entry>, sent: bool) -> Kept {
        let client = self.client.in_space(entry.command.space.clone());
        Kept { client, outbox: self.outbox.clone(), entry, sent: Arc::new(AtomicBool::new(sent)) }
    }
}

impl Kept {
    /// What is kept.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Its id.
    pub fn id(&self) -> &Id {
        &self.entry.command.id
    }

    /// Sends it under its id, in its space; as often as it is called it takes effect once.
    ///
    /// Cancel-safe: if it is dropped before it returns, it may have taken effect, and sending again finds out.
    pub async fn send(&self) -> Result<Delivery, Undelivered> {
        self.deliver(self.client.submit(&self.entry.command)).await
    }

    /// Removes it from the outbox: the program has its outcome, or gives it up.
    ///
    /// Cancel-safe, as [`Outbox::confirm`] is.
    pub async fn confirm(&self) -> Result<(), Error> {
        self.outbox.confirm(self.entry.number).await
    }

    async fn deliver(
        &self,
        call: impl Future<Output = Result<Submitted, client::Error>>,
    ) -> Result<Delivery, Undelivered> {
        // Before the first step, or an attempt that is dropped midway would be forgotten.
        let sent_before = self.sent.swap(true, Ordering::Relaxed);
        match call.await {
            Ok(submitted) => Ok(Delivery { submitted, kept: self.clone() }),
            Err(error) => Err(self.undelivered(error, sent_before)),
        }
    }

    /// The client knows its own attempts only; those before them may have taken effect, unless the id's outcome is known.
    pub(super) fn undelivered(&self, mut error: client::Error, sent_before: bool) -> Undelivered {
        match standing(&error) {
            Standing::Open | Standing::TooOld | Standing::SpaceDeleted if sent_before => {
                error.effect = AttemptEffect::Unknown;
            }
            Standing::Open | Standing::TooOld | Standing::SpaceDeleted | Standing::Refused | Standing::Reused => {}
        }
        error.id.get_or_insert_with(|| self.id().clone());
        Undelivered { kept: self.clone(), error: Box::new(error) }
    }

    pub(super) fn may_have_been_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Delivery {
    /// What it got, if it was nothing but an append.
    pub fn appended(&self) -> Option<Appended> {
        self.submitted.appended()
    }

    /// Removes the entry from the outbox: the program has its outcome.
    ///
    /// Cancel-safe, as [`Outbox::confirm`] is.
    pub async fn confirm(&self) -> Result<(), Error> {
        self.kept.confirm().await
    }
}

impl Undelivered {
    /// Where the entry stands: whether it is of use to send it again.
    pub fn standing(&self) -> Standing {
        standing(&self.error)
    }

    /// Whether it may have taken effect, or may still, at any attempt.
    pub fn in_doubt(&self) -> bool {
        self.error.in_doubt()
    }

    /// What to do about it, in a sentence or two.
    pub fn advice(&self) -> String {
        match self.standing() {
            // Not what the client would say: sent again under its id it gets the same answer, and under a new one it may
            // take effect a second time.
            Standing::TooOld => {
                "What became of it is forgotten. Look for its effects; it stays in the outbox until it is confirmed."
                    .to_owned()
            }
            Standing::SpaceDeleted => {
                format!("{} It stays in the outbox until it is confirmed.", self.error.advice())
            }
            Standing::Open | Standing::Refused | Standing::Reused => self.error.advice(),
        }
    }

    /// Removes the entry from the outbox: the program has seen what became of it, or gives it up.
    ///
    /// Cancel-safe, as [`Outbox::confirm`] is.
    pub async fn confirm(&self) -> Result<(), Error> {
        self.kept.confirm().await
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.kept.entry();
        write!(formatter, "{}; id `{}` stays in the outbox as entry {}", self.error, entry.command.id, entry.number)
    }
}

impl std::error::Error for Undelivered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.error)
    }
}

fn standing(error: &client::Error) -> Standing {
    match error.reason() {
        Some(Reason::GuardFailed | Reason::Cancelled) => Standing::Refused,
        Some(Reason::IdReused) => Standing::Reused,
        Some(Reason::IdTooOld) => Standing::TooOld,
        // Its name is never given again.
        Some(Reason::NoSuchSpace) if error.space_deleted().is_some() => Standing::SpaceDeleted,
        // Others are final for a request, but not for the id. A space that was never made can be made, a clock can be set,
        // a build can be replaced.
        Some(
            Reason::NoLeader
            | Reason::OutcomeUnknown
            | Reason::Overloaded
            | Reason::NoSpace
            | Reason::IdWithoutBirth
            | Reason::IdFromTheFuture
            | Reason::Malformed
            | Reason::TooLarge
            | Reason::NoSuchSpace
            | Reason::NoSuchLog
            | Reason::NoSuchCell
            | Reason::Trimmed
            | Reason::VersionUnsupported
            | Reason::ClusterMismatch
            | Reason::WrongPort
            | Reason::NotInitialised
            | Reason::NotServing
            | Reason::StandsAside
            | Reason::TimedOut
            | Reason::Internal
            | Reason::Foreign,
        )
        | None => Standing::Open,
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tempfile::TempDir;

    use crate::client::{Cause, ErrorReport};
    use crate::types::{ActionResult, CellKey, Guard, History, LogTime, Offset, Outcome, Sequence, SpaceName, Verdict};

    use super::*;

    async fn sender_in(directory: &TempDir) -> Sender {
        // Nothing listens there.
        let client = Client::builder().addresses(["127.0.0.1:1"]).timeout(std::time::Duration::from_millis(200));
        let outbox = Outbox::open(directory.path().join("outbox")).await.unwrap();
        client.build().unwrap().with_outbox(outbox)
    }

    fn log() -> LogName {
        LogName::new("payments").unwrap()
    }

    const RECORDS: [&str; 1] = ["7 EUR"];

    async fn keep_one(sender: &Sender) -> Kept {
        sender.keep([sender.make_append(&log(), RECORDS, None)]).await.unwrap().remove(0)
    }

    fn submitted(replayed: bool) -> Submitted {
        let verdict = Verdict::Applied(vec![ActionResult::Appended { first: Offset(7), count: 1 }]);
        let outcome = Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO };
        Submitted { id: Id::new("a").unwrap(), outcome, replayed }
    }

    fn refused(report: ErrorReport) -> client::Error {
        let effect = report.effect;
        let cause = Cause::Refused(Box::new(report));
        client::Error { doing: "append".to_owned(), id: None, effect, cause, tried: Vec::new() }
    }

    fn without_effect(reason: Reason) -> client::Error {
        refused(ErrorReport::without_effect(reason, reason.as_str()))
    }

    #[tokio::test]
    async fn an_append_that_reaches_nobody_waits_through_a_crash_under_its_id() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let SendError::Undelivered(undelivered) = sender.append(&log(), RECORDS, None).await.unwrap_err() else {
            panic!("it was kept");
        };
        assert_eq!((undelivered.standing(), undelivered.in_doubt()), (Standing::Open, false));
        let id = undelivered.kept.id().clone();
        assert!(undelivered.to_string().contains(id.text()), "{undelivered}");
        drop(undelivered);
        sender.outbox.close().await.unwrap();

        let sender = sender_in(&directory).await;
        let [kept] = sender.waiting().await.unwrap().try_into().unwrap();
        let expected = sender.make_append(&log(), RECORDS, Some(id.clone()));
        assert_eq!((kept.entry().appends_to(), &kept.entry().command), (Some(&log()), &expected));
        let undelivered = kept.send().await.unwrap_err();
        assert!(undelivered.in_doubt(), "nobody knows what became of the earlier run's attempts");
        assert_eq!(undelivered.error.id.as_ref(), Some(&id));
    }

    #[tokio::test]
    async fn a_whole_command_is_kept_with_its_guards_under_its_id() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let balance = CellKey::new("balance").unwrap();
        let command = || {
            let request = sender.client.in_space(SpaceName::new("eu").unwrap()).command().id(Id::new("pay-1").unwrap());
            request.require(Guard::cell_at_least(&balance, 7)).add(&balance, -7, 0..).append(&log(), "7 EUR")
        };
        let SendError::Undelivered(undelivered) = sender.submit(command()).await.unwrap_err() else {
            panic!("it was kept");
        };
        assert_eq!(undelivered.error.doing, "submit command `pay-1`");
        let [kept] = sender.waiting().await.unwrap().try_into().unwrap();
        assert_eq!((&kept.entry().command, kept.entry().appends_to()), (&command().into_command(), None));
        assert_eq!(kept.client.space.as_str(), "eu");
    }

    #[tokio::test]
    async fn a_delivery_stays_until_it_is_confirmed() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let kept = keep_one(&sender).await;
        let lost = kept.deliver(ready(Err(refused(ErrorReport::outcome_unknown("lost"))))).await.unwrap_err();
        assert_eq!((lost.standing(), lost.in_doubt()), (Standing::Open, true));
        let delivery = lost.kept.deliver(ready(Ok(submitted(true)))).await.unwrap();
        assert_eq!(sender.waiting().await.unwrap().len(), 1);
        delivery.confirm().await.unwrap();
        delivery.confirm().await.unwrap();
        assert!(sender.waiting().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_final_is_told_and_stays_until_it_is_confirmed() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let report = |reason: Reason| ErrorReport::without_effect(reason, reason.as_str());
        let finals = [
            (report(Reason::Cancelled), Standing::Refused, false),
            (report(Reason::GuardFailed), Standing::Refused, false),
            (report(Reason::IdReused), Standing::Reused, false),
            (report(Reason::IdTooOld), Standing::TooOld, true),
            (ErrorReport::no_such_space(&SpaceName::main(), Some(LogTime::ZERO)), Standing::SpaceDeleted, true),
        ];
        for (report, standing, in_doubt_later) in finals {
            let reason = report.reason;
            let kept = keep_one(&sender).await;
            let first = kept.deliver(ready(Err(refused(report.clone())))).await.unwrap_err();
            assert_eq!((first.standing(), first.in_doubt()), (standing, false), "{reason}");
            let second = kept.deliver(ready(Err(refused(report)))).await.unwrap_err();
            assert_eq!((second.standing(), second.in_doubt()), (standing, in_doubt_later), "{reason}");
            assert_eq!(sender.waiting().await.unwrap().len(), 1, "{reason}");
            second.confirm().await.unwrap();
            assert!(sender.waiting().await.unwrap().is_empty(), "{reason}");
        }
    }

    #[tokio::test]
    async fn an_entry_waits_for_a_space_that_can_be_made_but_not_for_one_that_was_deleted() {
        let directory = TempDir::new().unwrap();
        let kept = keep_one(&sender_in(&directory).await).await;
        let sent = async |deleted| {
            let report = ErrorReport::no_such_space(&SpaceName::main(), deleted);
            kept.deliver(ready(Err(refused(report)))).await.unwrap_err()
        };
        assert_eq!(sent(None).await.standing(), Standing::Open);
        let undelivered = sent(Some(LogTime::ZERO)).await;
        assert_eq!(undelivered.standing(), Standing::SpaceDeleted);
        let advice = undelivered.advice();
        assert!(advice.contains("is forgotten") && advice.contains("stays in the outbox"), "{advice}");
        assert!(!advice.contains("Send"), "{advice}");
    }

    #[tokio::test]
    async fn an_attempt_that_was_dropped_counts_as_one() {
        let directory = TempDir::new().unwrap();
        let kept = keep_one(&sender_in(&directory).await).await;
        let dropped = tokio::time::timeout(std::time::Duration::ZERO, kept.deliver(std::future::pending()));
        assert!(dropped.await.is_err());
        let next = kept.deliver(ready(Err(without_effect(Reason::NoLeader)))).await.unwrap_err();
        assert!(next.in_doubt());
    }

    #[tokio::test]
    async fn an_entry_is_sent_in_the_space_that_it_was_kept_in() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let eu = SpaceName::new("eu").unwrap();
        let append = Command { space: eu.clone(), ..sender.make_append(&log(), RECORDS, None) };
        sender.keep([append]).await.unwrap();
        let [kept] = sender.waiting().await.unwrap().try_into().unwrap();
        assert_eq!((kept.client.space, sender.client.space), (eu, SpaceName::main()));
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_not_sent_and_the_error_names_its_id() {
        let directory = TempDir::new().unwrap();
        let sender = sender_in(&directory).await;
        let id = Id::new("pay-1").unwrap();
        let error = sender.append(&log(), Vec::<NewRecord>::new(), Some(id.clone())).await.unwrap_err();
        assert!(
            matches!(&error, SendError::NotKept { id: named, error: Error::Malformed(_) } if *named == id),
            "{error}"
        );
        sender.outbox.clone().close().await.unwrap();
        let error = sender.append(&log(), RECORDS, None).await.unwrap_err();
        assert!(matches!(error, SendError::NotKept { error: Error::Closed { .. }, .. }), "{error}");
    }
}
