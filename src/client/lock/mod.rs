//! Locks: a lock is taken when it is free, renewed in the background, and lost when nobody renews it in time.
//!
//! - A lock is the space's: it is held until a time on the space's clock, unless it is renewed before. A holder that
//!   stands still for longer than that has lost the lock, whatever it believes.
//! - So *no* lock of any system stops a holder that stood still from writing afterwards. The token does: put
//!   [`Held::guard`] into each command that the lock protects, and the space refuses the command once the lock is lost.
//!   Outside of the space, hand the token on: it grows for ever, and whatever refuses a token that is less than one that it
//!   has seen is safe, too.
//! - What a holder claims follows from the last answer of the space and from its own monotonic clock: it counts its time
//!   from before it asked, and gives up a tenth early. That holds as long as the space's clock runs at most so much faster
//!   than its own. The nodes' clocks, set forward by hours, end every lock at once: a holder hears of it from the node that
//!   frees the lock, or from its next renewal, a third of the lock's time later. Until then it claims too much; the token
//!   does not. A clock that stands still only makes a lock last longer than its holder claims.
//! - Each attempt has a fresh id, because a refusal stands for ever; it keeps it through its own retries. What a replayed
//!   or a slow answer says may be over already: then a linearizable read must still show the token, and no more time is
//!   counted than that read leaves.
//!
//! ```no_run
//! # async fn example(client: oncelog::client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let held = client.lock(&"nightly".parse()?, &"host-7".parse()?).acquire().await?;
//! match held.while_held(async { /* the work */ }).await {
//!     // Whatever this process has missed: refused if the lock is no longer held.
//!     Some(()) => drop(client.command().require(held.guard()).put(&"nightly/done".parse()?, 1).submit().await?),
//!     None => println!("somebody else may have it by now: the work was stopped"),
//! }
//! held.release().await?;
//! # Ok(())
//! # }
//! ```

mod held;
mod keeper;
mod term;
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use held::Held;

use crate::types::limits::ATTEMPT_TIMEOUT_MIN;
use crate::types::{
    Action, ActionResult, AttemptEffect, Command, Condition, Consistency, Found, Holder, Id, Lock, LockName, LogTime,
    Token,
};
use crate::wire::Unreadable;

use super::Client;
use super::error::{Cause, Error, Kind};
use super::request::Submitted;
use term::Term;

/// For how long a lock is held without being renewed, by default.
const TIME: Duration = Duration::from_secs(10);
/// How long one request waits for a lock to become free; then it is sent again.
const WAIT_AT_ONCE: Duration = Duration::from_mins(1);
/// The pause after a request that could not be answered.
const PAUSE: Duration = Duration::from_millis(100);

impl Client {
    /// Begins to take a lock. The holder is a name for others to see; it proves nothing.
    pub fn lock(&self, name: &LockName, holder: &Holder) -> Wanted {
        let (client, name, holder) = (self.clone(), name.clone(), holder.clone());
        Wanted { client, name, holder, time: TIME, patience: None, id: None }
    }
}

/// A lock that is wanted.
#[derive(Debug, Clone)]
#[must_use = "a lock is taken by `acquire` or `take`"]
pub struct Wanted {
    client: Client,
    name: LockName,
    holder: Holder,
    time: Duration,
    patience: Option<Duration>,
    id: Option<Id>,
}

/// A lock that was taken, and that nobody renews.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// The command that took it.
    pub submitted: Submitted,
    /// What it is held by.
    pub token: Token,
    /// The space's time at which it is free again, unless it is renewed with its token.
    pub expires: LogTime,
}

/// What one attempt came to.
enum Attempt {
    Taken(Taken, Term),
    /// Somebody has it.
    Busy(Lock),
    /// It was taken, and lost before that was known.
    LostAlready(Token),
}

impl Wanted {
    /// For how long it is held without being renewed; ten seconds by default. When the holder dies, others wait this long. When
    /// the holder or the cluster stands still for longer, the lock is lost.
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Waits at most this long for it to become free; for ever by default. With no time at all it is tried once.
    pub fn wait(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Uses this id, which a program may have kept from before a crash. A refusal is final for an id, so with an id of its own
    /// the lock is tried once and not waited for.
    pub fn id(self, id: Id) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Takes the lock as soon as it is free, and renews it for as long as the returned value lives. [`Cause::LockHeld`]:
    /// somebody held it for as long as this waited.
    ///
    /// A node tells when the lock is free; of several that wait, any may be first. Once it is known that somebody holds the
    /// lock, the wait goes on while no node answers. When the error is in doubt, or the future is dropped, the lock may have
    /// been taken: then it is free again when its time is over.
    pub async fn acquire(self) -> Result<Held, Error> {
        let started = Instant::now();
        loop {
            let (taken, term) = self.taken(started).await?;
            if let Some(term) = self.fresh(taken.token, term).await? {
                return Ok(Held::keep(self.client, self.name, taken.token, self.time, term));
            }
        }
    }

    /// Takes the lock as soon as it is free, and does not renew it: it is free again when its time is over, unless its token
    /// is used to renew it. It waits and fails as [`acquire`](Self::acquire) does. [`Cause::LockLost`]: an earlier attempt
    /// under the same [`id`](Self::id) took it, and that one's token does not hold it any more.
    pub async fn take(self) -> Result<Taken, Error> {
        Ok(self.taken(Instant::now()).await?.0)
    }

    async fn taken(&self, started: Instant) -> Result<(Taken, Term), Error> {
        let mut is_waiting = false;
        loop {
            match self.attempt(started, is_waiting).await? {
                Attempt::Taken(taken, term) => return Ok((taken, term)),
                Attempt::Busy(lock) if self.id.is_some() => return Err(self.failed(Cause::LockHeld(Box::new(lock)))),
                Attempt::Busy(lock) => self.wait_until_free(started, lock).await?,
                Attempt::LostAlready(token) if self.id.is_some() => return Err(self.failed(Cause::LockLost(token))),
                Attempt::LostAlready(_) => {}
            }
            is_waiting = true;
        }
    }

    /// How much patience is left; none if it never ends.
    fn left(&self, started: Instant) -> Option<Duration> {
        self.patience.map(|patience| patience.saturating_sub(started.elapsed()))
    }

    async fn wait_until_free(&self, started: Instant, lock: Lock) -> Result<(), Error> {
        let free = Condition::LockFree { lock: self.name.clone() };
        loop {
            let left = self.left(started);
            if left.is_some_and(|left| left.is_zero()) {
                return Err(self.failed(Cause::LockHeld(Box::new(lock))));
            }
            let time = left.unwrap_or(WAIT_AT_ONCE).min(WAIT_AT_ONCE);
            match self.client.wait(&free, Consistency::Linearizable, time).await {
                Ok(Some(_)) => return Ok(()),
                // The last of the patience may be too short for any answer, and what is known is that it is held.
                Ok(None) if time < ATTEMPT_TIMEOUT_MIN => sleep(self.left(started).unwrap_or_default()).await,
                Err(_) if time < ATTEMPT_TIMEOUT_MIN => {}
                Ok(None) => {}
                Err(error) if error.kind() == Kind::Unavailable => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self, started: Instant, is_waiting: bool) -> Result<Attempt, Error> {
        let mut request = self.client.command().then(Action::acquire(&self.name, &self.holder, self.time));
        if let Some(id) = &self.id {
            request = request.id(id.clone());
        }
        let sent = Instant::now();
        let submitted = match self.submit(&request.into_command(), started, is_waiting).await {
            Ok(submitted) => submitted,
            Err(error) => {
                return match error.refusal().map(|refusal| &refusal.found) {
                    Some(Found::LockHeld { holder, token, expires }) => {
                        Ok(Attempt::Busy(Lock { holder: holder.clone(), token: *token, expires: *expires }))
                    }
                    _ => Err(Error { doing: self.doing(), ..error }),
                };
            }
        };
        let [ActionResult::Locked { token, expires }] = *submitted.results() else {
            return Err(self.failed(Cause::Unreadable(Unreadable("results"))));
        };
        let mut term = Term::from(sent, self.time);
        if submitted.replayed || term.is_late(Instant::now()) {
            match Term::shown(&self.client, &self.name, token).await? {
                Some(shown) => term = term.at_most(shown),
                None => return Ok(Attempt::LostAlready(token)),
            }
        }
        Ok(Attempt::Taken(Taken { submitted, token, expires }, term))
    }

    /// Sends a command until it is answered: for the client's time, or for as long as there is patience.
    async fn submit(&self, command: &Command, started: Instant, is_waiting: bool) -> Result<Submitted, Error> {
        let mut effect = AttemptEffect::None;
        loop {
            match self.client.submit(command).await {
                Err(error) if error.outcome().is_some() => return Err(error),
                Err(error) => {
                    effect = effect.and(error.effect);
                    let is_over = self.left(started).is_some_and(|left| left.is_zero());
                    if !is_waiting || is_over || error.kind() != Kind::Unavailable {
                        return Err(Error { effect, ..error });
                    }
                    sleep(PAUSE).await;
                }
                submitted => return submitted,
            }
        }
    }

    /// A term in which there is time left; none if the lock was lost. It is held, and where nobody knows for how long, only
    /// a renewal gives time that can be counted.
    async fn fresh(&self, token: Token, mut term: Term) -> Result<Option<Term>, Error> {
        while term.is_over(Instant::now()) {
            let sent = Instant::now();
            match self.client.command().then(Action::renew(&self.name, token, self.time)).submit().await {
                Ok(_) => term = Term::from(sent, self.time),
                Err(error) if error.refusal().is_some() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(term))
    }

    fn doing(&self) -> String {
        format!("acquire lock `{}`", self.name)
    }

    fn failed(&self, cause: Cause) -> Error {
        Error {
            doing: self.doing(),
            id: self.id.clone(),
            effect: if matches!(cause, Cause::Unreadable(_)) { AttemptEffect::Unknown } else { AttemptEffect::None },
            cause,
            tried: Vec::new(),
        }
    }
}
