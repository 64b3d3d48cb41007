//! Settling what an outbox keeps the other way: after it is cancelled it never takes effect, unless it had.

use super::delivery::{Kept, Undelivered};
use super::error::Error;
use crate::types::{Decided, Outcome};

/// An entry whose id has an outcome.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settled {
    /// The outcome: cancelled, or what was decided before the cancel came.
    pub outcome: Outcome,
    /// Whether it was decided before.
    pub replayed: bool,
    /// The entry, which stays until it is confirmed.
    pub kept: Kept,
}

impl Kept {
    /// Cancels its id: from then on it never takes effect. If it has already, its outcome says so.
    ///
    /// Cancel-safe: if it is dropped before it returns, the id is cancelled or not, and asking again finds out.
    pub async fn cancel(&self) -> Result<Settled, Undelivered> {
        match self.client.cancel(self.id()).await {
            Ok(Decided { outcome, replayed }) => Ok(Settled { outcome, replayed, kept: self.clone() }),
            Err(error) => Err(self.undelivered(error, self.may_have_been_sent())),
        }
    }
}

impl Settled {
    /// Removes the entry from the outbox: the program has its outcome.
    ///
    /// Cancel-safe, as [`Outbox::confirm`](super::Outbox::confirm) is.
    pub async fn confirm(&self) -> Result<(), Error> {
        self.kept.confirm().await
    }
}
