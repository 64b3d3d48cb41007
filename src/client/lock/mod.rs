//! Locks: taken when they are free, renewed in the background, and lost in time to know it.
//!
//! - A lock is the space's: it is held until a time on the space's clock, unless it is renewed before. A holder that
//!   stands still for longer than that has lost it, whatever it believes.
//! - So *no* lock of any system keeps a holder that stood still from writing afterwards. The token does: put
//!   [`Held::guard`] into each command that the lock protects, and the space refuses the command once the lock is lost.
//!   Outside of the space, hand the token on: it grows for ever, and whatever refuses a token that is less than one that it
//!   has seen is safe, too.
//! - The holder counts its time from before it asked, on the monotonic clock, and gives up a tenth early.
//! - Each attempt has a fresh id, because a refusal stands for ever; it keeps it through its own retries. What a replayed
//!   or a slow answer says may be over already: then a linearizable read must still show the token.
//!
//! ```no_run
//! # async fn example(client: oncelog::client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use oncelog::types::{CellKey, Holder, LockName};
//!
//! let held = client.lock(&LockName::new("nightly")?, &Holder::new("host-7")?).acquire().await?;
//! tokio::select! {
//!     () = held.lost() => println!("somebody else may have it by now: stop"),
//!     () = async { /* the work */ } => {
//!         // Whatever this process has missed: refused if the lock is no longer held.
//!         client.command().require(held.guard()).put(&CellKey::new("nightly/done")?, 1).submit().await?;
//!     }
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

use tokio::time::Instant;

pub use held::Held;

use crate::types::limits::ATTEMPT_TIMEOUT_MIN;
use crate::types::{Action, AttemptEffect, Condition, Consistency, Found, Holder, Lock, LockName, Token};
use crate::wire::Unreadable;

use super::Client;
use super::error::{Cause, Error};
use term::Term;

/// For how long a lock is held without being renewed, if nothing else is said.
const TIME: Duration = Duration::from_secs(10);
/// How long one request waits for a lock to become free; then it is sent again.
const WAIT_AT_ONCE: Duration = Duration::from_mins(1);

impl Client {
    /// Begins to take a lock. The holder is a name for others to see; it proves nothing.
    pub fn lock(&self, name: &LockName, holder: &Holder) -> Wanted {
        Wanted { client: self.clone(), name: name.clone(), holder: holder.clone(), time: TIME, patience: None }
    }
}

/// A lock that is wanted.
#[derive(Debug, Clone)]
#[must_use = "a lock is taken by `acquire`"]
pub struct Wanted {
    client: Client,
    name: LockName,
    holder: Holder,
    time: Duration,
    patience: Option<Duration>,
}

/// What one attempt came to.
enum Attempt {
    Held(Held),
    /// Somebody has it.
    Busy(Lock),
    /// It was taken, and lost before that was known.
    LostAlready,
}

impl Wanted {
    /// For how long it is held without being renewed; ten seconds if nothing is said. Should the holder die, others wait so
    /// long; should the holder or the cluster stand still for longer, the lock is lost.
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Waits at most so long for it to become free; for ever if nothing is said. With no time at all it is tried once.
    pub fn wait(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Takes the lock, as soon as it is free. [`Cause::LockHeld`]: somebody had it for as long as was waited.
    ///
    /// Who waits is told by the node that frees the lock; of several, anyone may be first. Where the error is in doubt, or
    /// the future is dropped, the lock may have been taken: then it is free again when its time is over.
    pub async fn acquire(self) -> Result<Held, Error> {
        let started = Instant::now();
        loop {
            match self.attempt().await? {
                Attempt::Held(held) => return Ok(held),
                Attempt::Busy(lock) => self.wait_until_free(started, lock).await?,
                Attempt::LostAlready => {}
            }
        }
    }

    async fn wait_until_free(&self, started: Instant, lock: Lock) -> Result<(), Error> {
        let free = Condition::LockFree { lock: self.name.clone() };
        loop {
            let left = self.patience.map(|patience| patience.saturating_sub(started.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(self.failed(Cause::LockHeld(Box::new(lock))));
            }
            let time = left.unwrap_or(WAIT_AT_ONCE).min(WAIT_AT_ONCE);
            match self.client.wait(&free, Consistency::Linearizable, time).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                // The last of the patience may be too short for any answer, and what is known is that it is held.
                Err(_) if time < ATTEMPT_TIMEOUT_MIN => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self) -> Result<Attempt, Error> {
        let Self { client, name, holder, time, .. } = self;
        let sent = Instant::now();
        let acquire = Action::Acquire { lock: name.clone(), holder: holder.clone(), time: *time };
        let acquired = match client.command().then(acquire).submit().await {
            Ok(acquired) => acquired,
            Err(error) => {
                return match error.refusal().map(|refusal| &refusal.found) {
                    Some(Found::LockHeld { holder, token, expires }) => {
                        Ok(Attempt::Busy(Lock { holder: holder.clone(), token: *token, expires: *expires }))
                    }
                    _ => Err(error),
                };
            }
        };
        let token = acquired.token().ok_or_else(|| self.failed(Cause::Unreadable(Unreadable("token"))))?;
        let mut term = Term::from(sent, *time);
        if (acquired.replayed || term.is_late(Instant::now())) && !self.shows(token).await? {
            return Ok(Attempt::LostAlready);
        }
        while term.is_over(Instant::now()) {
            // It is held, and nobody knows for how long: only a renewal gives time that can be counted.
            let sent = Instant::now();
            match client.command().then(renewal(name, token, *time)).submit().await {
                Ok(_) => term = Term::from(sent, *time),
                Err(error) if error.refusal().is_some() => return Ok(Attempt::LostAlready),
                Err(error) => return Err(error),
            }
        }
        Ok(Attempt::Held(Held::keep(client.clone(), name.clone(), token, *time, term)))
    }

    /// Whether everybody who looks now sees this token.
    async fn shows(&self, token: Token) -> Result<bool, Error> {
        let reading = self.client.lock_reading(&self.name, Consistency::Linearizable).await?;
        Ok(reading.lock.is_some_and(|lock| lock.token == token))
    }

    fn failed(&self, cause: Cause) -> Error {
        Error {
            doing: format!("take lock `{}`", self.name),
            id: None,
            effect: if matches!(cause, Cause::Unreadable(_)) { AttemptEffect::Unknown } else { AttemptEffect::None },
            cause,
            tried: Vec::new(),
        }
    }
}

fn renewal(name: &LockName, token: Token, time: Duration) -> Action {
    Action::Renew { lock: name.clone(), token, time }
}
