//! A batch of records, until it is committed.

use std::future::pending;

use futures::future::select_all;

use crate::client::error::{Cause, Error};
use crate::client::request::Submitted;
use crate::types::{Action, LogName, Offset, Record};

use super::{Consumer, Followed};

/// At least one record of one or several logs. It borrows its consumer: there is one batch at a time.
#[derive(Debug)]
pub struct Batch<'a> {
    consumer: &'a mut Consumer,
    /// Which of the consumer's logs have a part, and how many records of each.
    parts: Vec<(usize, usize)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(consumer: &'a mut Consumer, parts: Vec<(usize, usize)>) -> Self {
        Self { consumer, parts }
    }

    /// The records with their logs: log by log, each in its order.
    pub fn records(&self) -> impl Iterator<Item = (&LogName, &Record)> {
        self.logs().flat_map(|(log, records)| records.iter().map(move |record| (log, record)))
    }

    /// The records of each log.
    pub fn logs(&self) -> impl Iterator<Item = (&LogName, &[Record])> {
        self.parts.iter().filter_map(|(index, count)| {
            let Followed { place, .. } = self.consumer.followed.get(*index)?;
            Some((place.log(), place.fetched().get(..*count)?))
        })
    }

    /// Ends as soon as this member may have lost the lock of one of the logs. Then a commit is bound to be refused, and the work
    /// can stop. Never ends for a consumer that is no member.
    pub async fn lost(&self) {
        let locks = self.logs().filter_map(|(log, _)| self.consumer.sharing.as_ref()?.held.get(log));
        let lost: Vec<_> = locks.map(|lock| Box::pin(lock.lost())).collect();
        if lost.is_empty() {
            pending::<()>().await;
        } else {
            select_all(lost).await;
        }
    }

    /// Submits the outputs and moves the reader behind these records, in one command: together or not at all, once. The outputs take at most 80 actions; one [`Action::append`] takes many records.
    ///
    /// [`Kind::Overtaken`](crate::client::Kind::Overtaken): another instance of the reader was faster, nothing was done, and the consumer goes on where that one
    /// is. An output that is refused refuses everything; the same records come again. Of an error in doubt, and of a
    /// future that is dropped, the next call of [`Consumer::next`] finds out what became of it.
    pub async fn commit(self, outputs: impl IntoIterator<Item = Action>) -> Result<Submitted, Error> {
        let Self { consumer, parts } = self;
        let mut request = consumer.client.command();
        for action in outputs {
            if matches!(action, Action::Compensate { .. }) {
                // With nothing to undo, nothing else is done either: the reader would never come past these records.
                let cause = Cause::BadUse("what a consumer puts out can't undo a command: undo it by one of its own");
                return Err(Error::before_any_attempt("commit a batch", cause));
            }
            request = request.then(action);
        }
        let moves: Vec<(usize, Offset)> = parts
            .iter()
            .filter_map(|(index, count)| {
                let last = consumer.followed.get(*index)?.place.fetched().get(count.checked_sub(1)?)?;
                Some((*index, last.offset.next()))
            })
            .collect();
        consumer.begin(request, &moves);
        // There is one to send: it was just made.
        consumer.send().await.transpose().unwrap_or_else(|| {
            Err(Error::before_any_attempt("commit a batch", Cause::BadUse("there is nothing to commit")))
        })
    }
}
