//! A lock that is held, until it is lost or released.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::client::error::{Cause, Error};
use crate::types::{AttemptEffect, Guard, LockName, Token};

use super::keeper::{Keeper, Released, Standing};
use super::term::{self, Term};

/// A lock that was taken. A task renews it, each third of its time, for as long as this lives.
///
/// Dropping it stops that and releases the lock in the background: nobody hears whether that worked, and if the runtime
/// ends first, the lock becomes free when its time is over. [`release`](Self::release) waits for the answer.
#[derive(Debug)]
pub struct Held {
    name: LockName,
    token: Token,
    time: Duration,
    standing: watch::Receiver<Standing>,
    /// Dropping it tells the keeper to end.
    keeper: oneshot::Sender<oneshot::Sender<Released>>,
}

impl Held {
    pub(super) fn keep(client: Client, name: LockName, token: Token, time: Duration, term: Term) -> Self {
        let (keeper, end) = oneshot::channel();
        let (told, standing) = watch::channel(Standing::Held(term));
        tokio::spawn(Keeper { client, name: name.clone(), token, time, term, told }.run(end));
        Self { name, token, time, standing, keeper }
    }

    /// The lock.
    pub fn name(&self) -> &LockName {
        &self.name
    }

    /// The token: it is greater than the token of every earlier holder. What the lock protects outside of the space is safe if
    /// it refuses a token that is less than one that it has seen.
    pub fn token(&self) -> Token {
        self.token
    }

    /// A guard that refuses a command of this space if the lock is no longer held by this token. It alone is sure: between
    /// [`is_held`](Self::is_held) and the write, a process may stand still for any time.
    pub fn guard(&self) -> Guard {
        Guard::LockHeld { lock: self.name.clone(), token: self.token }
    }

    /// Whether it is held, by all that is known here: the space has said so, nine tenths of the lock's time have not passed
    /// since before it was asked, and no node has told of an end since. Once it is not, it never is again. What this takes
    /// for granted, and what does not, stands at the [head of this module](crate::client::lock).
    pub fn is_held(&self) -> bool {
        self.standing.borrow().is_held(Instant::now())
    }

    /// Ends as soon as the lock may be lost: a node told of its end, a renewal was refused, or none was answered in time.
    /// Dropping the future loses nothing.
    pub async fn lost(&self) {
        let mut standing = self.standing.clone();
        loop {
            let seen = *standing.borrow_and_update();
            let Standing::Held(term) = seen else { return };
            if !seen.is_held(Instant::now()) {
                return;
            }
            tokio::select! {
                () = sleep_until(term.until) => {}
                changed = standing.changed() => {
                    if changed.is_err() {
                        // Nobody renews it any more.
                        return;
                    }
                }
            }
        }
    }

    /// Does some work while the lock is held. `None`: the lock may be lost, and the work was dropped before its end.
    pub async fn while_held<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            // A lock that is lost comes first, whatever else has happened.
            biased;
            () = self.lost() => None,
            done = work => Some(done),
        }
    }

    /// How long work may go on after [`lost`](Self::lost) has ended because no renewal was answered, before anybody else can
    /// have the lock: a tenth of its time.
    pub fn grace(&self) -> Duration {
        term::margin(self.time)
    }

    /// Releases the lock, so that others need not wait until its time is over. A refusal says that it was lost before.
    pub async fn release(self) -> Result<(), Error> {
        let Self { name, keeper, .. } = self;
        let (answer, released) = oneshot::channel();
        // A keeper that is gone is noticed below.
        let _gone = keeper.send(answer);
        released.await.unwrap_or_else(|_gone| {
            Err(Error {
                doing: format!("release lock `{name}`"),
                id: None,
                effect: AttemptEffect::Unknown,
                cause: Cause::Closed,
                tried: Vec::new(),
            })
        })
    }
}
