//! The appends of a stream that have no answer yet, in the order in which they were given. Pure: it neither sends nor waits.
//!
//! - What was sent on a lost connection is sent again on the next one, in order, before anything new.
//! - Every append leaves with exactly one answer: what became of it, or an error that says whether it is in doubt.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::types::limits::{STREAM_MESSAGE_APPENDS_MAX, STREAM_MESSAGE_BYTES_TARGET};
use crate::types::{AttemptEffect, Id};
use crate::wire::{Appended, ErrorReport, v1};

use super::attempts::Attempts;
use super::error::{Cause, Error};

/// One append that has no answer yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Id,
    pub(super) request: v1::AppendRequest,
    /// About how many bytes it has.
    pub(super) size: usize,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<Result<Appended, Error>>,
    /// Its share of what may be in flight at once.
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    pub(super) attempts: Attempts,
}

impl Pending {
    fn settle(self, result: Result<Appended, Error>) {
        // Whoever dropped the receipt does not want to know.
        let _unheard = self.answer.send(result);
        drop(self.permits);
    }

    fn fail(self, cause: Cause) {
        let doing = format!("append to log `{}`", self.request.log);
        let effect = self.attempts.effect();
        let error =
            Error { doing, id: Some(self.id.clone()), effect, cause, tried: self.attempts.clone().into_tried() };
        self.settle(Err(error));
    }
}

/// Everything that has no answer yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Sent on this connection, from the position `first` on; `None`: answered.
    sent: VecDeque<Option<Pending>>,
    first: u64,
    /// Sent but not answered.
    open: usize,
    waiting: VecDeque<Pending>,
}

/// An answer that is to nothing that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unexpected;

impl Backlog {
    pub(super) fn push(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open == 0 && self.waiting.is_empty()
    }

    /// Whether something waits to be sent.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether something was sent on this connection and has no answer.
    pub(super) fn has_open(&self) -> bool {
        self.open > 0
    }

    /// The next message: what waits, in order, as much as fits in one.
    pub(super) fn message(&mut self) -> v1::AppendStreamRequest {
        let (mut appends, mut bytes) = (Vec::new(), 0);
        while let Some(pending) = self.waiting.front() {
            let is_full =
                appends.len() == STREAM_MESSAGE_APPENDS_MAX || bytes + pending.size > STREAM_MESSAGE_BYTES_TARGET;
            if is_full && !appends.is_empty() {
                break;
            }
            bytes += pending.size;
            let Some(pending) = self.waiting.pop_front() else { break };
            // Payloads are shared, not copied: it may have to be sent again.
            appends.push(pending.request.clone());
            self.sent.push_back(Some(pending));
            self.open += 1;
        }
        v1::AppendStreamRequest { appends }
    }

    /// Takes in the answer to what was sent at a position.
    pub(super) fn answer(
        &mut self,
        position: u64,
        result: Result<Appended, ErrorReport>,
        by: &str,
    ) -> Result<(), Unexpected> {
        let mut pending = self.take(position)?;
        match result {
            Ok(appended) => pending.settle(Ok(appended)),
            Err(report) => {
                pending.attempts.add(by, report.clone());
                pending.fail(Cause::Refused(Box::new(report)));
            }
        }
        Ok(())
    }

    fn take(&mut self, position: u64) -> Result<Pending, Unexpected> {
        let place = position.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let slot = place.and_then(|place| self.sent.get_mut(place)).ok_or(Unexpected)?;
        let pending = slot.take().ok_or(Unexpected)?;
        self.open -= 1;
        while let Some(None) = self.sent.front() {
            self.sent.pop_front();
            self.first += 1;
        }
        Ok(pending)
    }

    /// The connection is lost: whatever it has not answered waits again, before what was never sent. What is known of that
    /// is what `report` says of it; of what was never sent, that nothing has happened.
    pub(super) fn lost(&mut self, by: &str, report: &ErrorReport) {
        let nothing = ErrorReport { effect: AttemptEffect::None, ..report.clone() };
        for pending in &mut self.waiting {
            pending.attempts.add(by, nothing.clone());
        }
        for mut pending in std::mem::take(&mut self.sent).into_iter().rev().flatten() {
            pending.attempts.add(by, report.clone());
            self.waiting.push_front(pending);
        }
        (self.first, self.open) = (0, 0);
    }

    /// Gives up what has waited for an answer until its deadline.
    pub(super) fn expire(&mut self, now: Instant, time: Duration, by: Option<&str>) {
        let is_over = |pending: &Pending| pending.deadline <= now;
        let positions: Vec<u64> = (self.first..)
            .zip(&self.sent)
            .filter(|(_, slot)| slot.as_ref().is_some_and(is_over))
            .map(|(position, _)| position)
            .collect();
        for position in positions {
            if let Ok(mut pending) = self.take(position) {
                pending.attempts.add(by.unwrap_or_default(), super::operation::no_answer(time));
                pending.fail(Cause::TimeOver(time));
            }
        }
        let (over, waiting) = std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(is_over);
        self.waiting = waiting;
        for pending in over {
            pending.fail(Cause::TimeOver(time));
        }
    }

    /// The earliest deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        // Every append has the same time, so the first given has the first deadline.
        let sent = self.sent.iter().flatten().next();
        [sent, self.waiting.front()].into_iter().flatten().map(|pending| pending.deadline).min()
    }

    /// Nobody can or will take it: gives everything up.
    pub(super) fn fail_all(&mut self, cause: impl Fn() -> Cause) {
        for pending in std::mem::take(&mut self.sent).into_iter().flatten().chain(std::mem::take(&mut self.waiting)) {
            pending.fail(cause());
        }
        (self.first, self.open) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use crate::client::Kind;
    use crate::types::{History, LogTime, Offset, Sequence};
    use crate::wire::Reason;

    use super::*;

    type Receipt = oneshot::Receiver<Result<Appended, Error>>;

    fn push(backlog: &mut Backlog, name: &str, seconds: u64) -> Receipt {
        let (answer, receipt) = oneshot::channel();
        let id = Id::new(name).unwrap();
        backlog.push(Pending {
            request: v1::AppendRequest {
                log: "orders".to_owned(),
                id: Some(crate::wire::command_id(&id)),
                ..Default::default()
            },
            id,
            size: 100,
            deadline: Instant::now() + Duration::from_secs(seconds),
            answer,
            permits: Vec::new(),
            attempts: Attempts::default(),
        });
        receipt
    }

    fn names(message: &v1::AppendStreamRequest) -> Vec<&str> {
        message.appends.iter().map(|append| append.id.as_ref().unwrap().text.as_str()).collect()
    }

    fn appended(offset: u64) -> Appended {
        Appended {
            first: Offset(offset),
            count: 1,
            replayed: false,
            sequence: Sequence(1),
            history: History(1),
            time: LogTime::ZERO,
        }
    }

    fn heard(receipt: &mut Receipt) -> Option<Result<Appended, Error>> {
        receipt.try_recv().ok()
    }

    #[test]
    fn what_a_lost_connection_has_not_answered_is_sent_again_in_order_before_anything_new() {
        let mut backlog = Backlog::default();
        let mut receipts: Vec<_> = ["a", "b", "c", "d"].map(|name| push(&mut backlog, name, 9)).into();
        assert_eq!(names(&backlog.message()), ["a", "b", "c", "d"]);
        receipts.push(push(&mut backlog, "e", 9));
        backlog.answer(1, Ok(appended(7)), "a:1").unwrap();
        assert_eq!(heard(&mut receipts[1]).unwrap().unwrap().first, Offset(7));
        backlog.lost("a:1", &ErrorReport::outcome_unknown("lost"));
        assert_eq!(names(&backlog.message()), ["a", "c", "d", "e"]);
        // On the new connection they are counted anew.
        backlog.answer(1, Ok(appended(9)), "b:1").unwrap();
        assert_eq!(heard(&mut receipts[2]).unwrap().unwrap().first, Offset(9));
        assert_eq!(backlog.answer(1, Ok(appended(9)), "b:1"), Err(Unexpected), "an answer comes once");
        assert_eq!(backlog.answer(4, Ok(appended(9)), "b:1"), Err(Unexpected), "only to what was sent");
    }

    #[test]
    fn what_was_sent_is_in_doubt_when_its_time_is_over_and_what_was_not_is_not() {
        let mut backlog = Backlog::default();
        let mut sent = push(&mut backlog, "a", 0);
        backlog.message();
        let mut waiting = push(&mut backlog, "b", 0);
        let mut patient = push(&mut backlog, "c", 60);
        backlog.expire(Instant::now(), Duration::from_secs(1), Some("a:1"));
        let error = heard(&mut sent).unwrap().unwrap_err();
        assert!(error.in_doubt(), "{error}");
        assert_eq!((error.id.as_ref().map(Id::text), error.kind()), (Some("a"), Kind::Unavailable));
        assert!(!heard(&mut waiting).unwrap().unwrap_err().in_doubt());
        assert!(heard(&mut patient).is_none());
        assert_eq!(names(&backlog.message()), ["c"]);
        // The answer to what was given up comes too late, and everything behind it still has its position.
        assert_eq!(backlog.answer(0, Ok(appended(1)), "a:1"), Err(Unexpected));
        backlog.answer(1, Ok(appended(2)), "a:1").unwrap();
        assert!(backlog.is_empty());
    }

    #[test]
    fn the_doubt_of_a_lost_connection_stays() {
        let mut backlog = Backlog::default();
        let mut sent = push(&mut backlog, "a", 0);
        backlog.message();
        let mut waiting = push(&mut backlog, "b", 0);
        backlog.lost("a:1", &ErrorReport::outcome_unknown("lost"));
        backlog.lost("b:1", &ErrorReport::without_effect(Reason::NoLeader, "none"));
        backlog.expire(Instant::now(), Duration::from_secs(1), None);
        assert!(heard(&mut sent).unwrap().unwrap_err().in_doubt());
        let error = heard(&mut waiting).unwrap().unwrap_err();
        assert!(!error.in_doubt(), "{error}");
        assert_eq!(error.tried.len(), 2);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let mut backlog = Backlog::default();
        let mut receipt = push(&mut backlog, "a", 9);
        backlog.message();
        let report = ErrorReport::without_effect(Reason::IdReused, "other content");
        backlog.answer(0, Err(report), "a:1").unwrap();
        let error = heard(&mut receipt).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.reason()), (Kind::Conflict, Some(Reason::IdReused)));
    }

    #[test]
    fn a_message_is_bounded() {
        let mut backlog = Backlog::default();
        for number in 0..=STREAM_MESSAGE_APPENDS_MAX {
            push(&mut backlog, &number.to_string(), 9);
        }
        assert_eq!(backlog.message().appends.len(), STREAM_MESSAGE_APPENDS_MAX);
        assert_eq!(backlog.message().appends.len(), 1);
        assert!(!backlog.has_waiting() && backlog.has_open());
    }
}
