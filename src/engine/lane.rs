//! The commands of one stream inside the engine: bounded, in order, answered as each is decided.
//!
//! - What was sent and not yet read back takes room; when there is none left, the stream is not read any further.
//! - After one command has failed without an answer none behind it is proposed, and the stream ends. So nothing can
//!   overtake what its sender will send again.
//! - Ids are looked up before they are proposed as long as replays are to be expected: at the beginning of a stream, which
//!   may send again what another has lost, and after every replay. Otherwise the machine alone finds the rare one.
//! - Every command that has entered is told of, once, even if whoever had it is gone. The end comes after all of them, and
//!   says `none` only if nothing that failed may have taken effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use crate::types::limits::{STREAM_REPLIES_MAX, STREAM_UNANSWERED_BYTES_MAX, STREAM_UNANSWERED_MAX};
use crate::types::{Answer, AttemptEffect};

use super::error::Error;
use super::flight::Reply;
use super::room::Room;

/// In how many groups after the beginning, or after a replay, further ones are expected.
const WARY_GROUPS: u32 = 16;

/// One stream's way through this node.
pub(super) struct Lane {
    room: Room,
    broken: CancellationToken,
    /// In how many groups replays are still to be expected.
    wary: AtomicU32,
    answers: mpsc::UnboundedSender<Event>,
}

enum Event {
    Told { position: u64, bytes: usize, reply: Reply },
    Ended(Error),
}

/// Where the answers of a lane are read.
pub(super) struct Answers {
    lane: std::sync::Weak<Lane>,
    events: mpsc::UnboundedReceiver<Event>,
    end: Option<Error>,
}

/// A command's place in its lane, once it has entered.
pub(super) struct Seat {
    lane: Arc<Lane>,
    position: u64,
    bytes: usize,
    is_told: bool,
    /// What holds the node's memory for it.
    ticket: Option<OwnedSemaphorePermit>,
}

impl Lane {
    /// A lane, and where its answers are read. They end when the lane and all its seats are gone.
    pub(super) fn new() -> (Arc<Self>, Answers) {
        let (answers, events) = mpsc::unbounded_channel();
        let room = Room::new(STREAM_UNANSWERED_MAX, STREAM_UNANSWERED_BYTES_MAX);
        let wary = AtomicU32::new(WARY_GROUPS);
        let lane = Arc::new(Self { room, broken: CancellationToken::new(), wary, answers });
        let answers = Answers { lane: Arc::downgrade(&lane), events, end: None };
        (lane, answers)
    }

    /// Whether the ids of the next group should be looked up first.
    pub(super) fn expects_replays(&self) -> bool {
        self.wary.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |wary| wary.checked_sub(1)).is_ok()
    }

    /// Waits for room for a command.
    pub(super) async fn enter(self: &Arc<Self>, position: u64, bytes: usize) -> Seat {
        // Nobody closes a lane's room. Where there is some, nothing is waited for: a message stays together.
        let place = match self.room.try_enter(bytes) {
            Ok(place) => Some(place),
            Err(_) => self.room.enter(bytes).await,
        };
        if let Some(place) = place {
            place.keep();
        }
        Seat { lane: self.clone(), position, bytes, is_told: false, ticket: None }
    }

    /// Whether a command would enter at once.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.room.try_enter(bytes).is_ok()
    }

    /// Ends the stream: nothing more is proposed. What has been is still told of.
    pub(super) fn end(&self, error: Error) {
        self.broken.cancel();
        let _nobody_reads = self.answers.send(Event::Ended(error));
    }

    /// Whether a command has failed without an answer, or the stream has ended otherwise.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_cancelled()
    }

    /// Waits until nothing more is to be proposed: it is broken, or nobody reads its answers any more.
    pub(super) async fn over(&self) {
        tokio::select! {
            () = self.broken.cancelled() => {}
            () = self.answers.closed() => {}
        }
    }
}

impl Seat {
    /// Which command of its stream it is.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn is_held_back(&self) -> bool {
        self.lane.is_broken()
    }

    /// It fails without an answer: nothing behind it in its lane is proposed.
    pub(super) fn hold_back(&self) {
        self.lane.broken.cancel();
    }

    /// Gives it what holds the node's memory for it, until it is told of.
    pub(super) fn with_ticket(mut self, ticket: OwnedSemaphorePermit) -> Self {
        self.ticket = Some(ticket);
        self
    }

    pub(super) fn tell(mut self, reply: Reply) {
        self.report(reply);
    }

    fn report(&mut self, reply: Reply) {
        self.is_told = true;
        match &reply {
            Ok(Answer::Decided { replayed: true, .. }) => self.lane.wary.store(WARY_GROUPS, Ordering::Relaxed),
            Ok(Answer::Decided { replayed: false, .. } | Answer::Rejected(_)) => {}
            Err(_) => self.lane.broken.cancel(),
        }
        let event = Event::Told { position: self.position, bytes: self.bytes, reply };
        let _nobody_reads = self.lane.answers.send(event);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_told {
            self.report(Err(Error::Unknown("this node stopped waiting for the outcome".to_owned())));
        }
    }
}

impl Answers {
    /// Whatever is answered by now, at least one answer; when all is told, the error that ended the stream, or `None`.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<(u64, Answer)>, Error>> {
        loop {
            let mut events = Vec::new();
            if self.events.recv_many(&mut events, STREAM_REPLIES_MAX).await == 0 {
                return self.end.take().map(Err);
            }
            let mut answers = Vec::with_capacity(events.len());
            let mut left = Vec::with_capacity(events.len());
            for event in events {
                match event {
                    Event::Told { position, bytes, reply } => {
                        left.push(bytes);
                        match reply {
                            Ok(answer) => answers.push((position, answer)),
                            Err(error) => self.fail(error),
                        }
                    }
                    Event::Ended(error) => self.fail(error),
                }
            }
            if let Some(lane) = self.lane.upgrade() {
                lane.room.leave(left);
            }
            if !answers.is_empty() {
                return Some(Ok(answers));
            }
        }
    }

    /// One that may have taken effect speaks for all.
    fn fail(&mut self, error: Error) {
        let is_graver = |end: &Error| end.effect() == AttemptEffect::None && error.effect() == AttemptEffect::Unknown;
        if self.end.as_ref().is_none_or(is_graver) {
            self.end = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{History, LogTime, Outcome, Rejection, Sequence, Verdict};

    fn answer(seat: Seat) {
        seat.tell(Ok(Answer::Rejected(Rejection::Reused)));
    }

    fn no_leader() -> Error {
        Error::NoLeader("none".to_owned())
    }

    fn positions(answers: Option<Result<Vec<(u64, Answer)>, Error>>) -> Vec<u64> {
        answers.expect("answers").expect("no end").into_iter().map(|(position, _)| position).collect()
    }

    async fn effect_of_the_end(answers: &mut Answers) -> AttemptEffect {
        let end = answers.next().await.expect("an end").expect_err("an error").effect();
        assert!(answers.next().await.is_none(), "nothing follows the end");
        end
    }

    #[tokio::test]
    async fn answers_come_as_each_is_decided_and_end_when_all_are() {
        let (lane, mut answers) = Lane::new();
        let [first, second, third] = [lane.enter(0, 10).await, lane.enter(1, 10).await, lane.enter(2, 10).await];
        drop(lane);
        answer(third);
        answer(first);
        assert_eq!(positions(answers.next().await), [2, 0]);
        answer(second);
        assert_eq!(positions(answers.next().await), [1]);
        assert!(answers.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_not_read_back_takes_room() {
        let (lane, mut answers) = Lane::new();
        answer(lane.enter(0, STREAM_UNANSWERED_BYTES_MAX - 2_048).await);
        let mut second = std::pin::pin!(lane.enter(1, 4_096));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(positions(answers.next().await), [0]);
        assert!(futures::poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn after_a_failure_everything_behind_it_is_held_back_and_the_end_waits_for_all() {
        let (lane, mut answers) = Lane::new();
        let [first, second, third] = [lane.enter(0, 1).await, lane.enter(1, 1).await, lane.enter(2, 1).await];
        assert!(!third.is_held_back());
        second.tell(Err(no_leader()));
        assert!(third.is_held_back());
        lane.over().await;
        drop(lane);
        answer(first);
        assert_eq!(positions(answers.next().await), [0], "an answer that comes after a failure still comes");
        third.tell(Err(no_leader()));
        assert_eq!(effect_of_the_end(&mut answers).await, AttemptEffect::None);
    }

    #[tokio::test]
    async fn one_failure_that_may_have_taken_effect_speaks_for_all_whichever_comes_first() {
        for unknown_first in [false, true] {
            let (lane, mut answers) = Lane::new();
            let (first, second) = (lane.enter(0, 1).await, lane.enter(1, 1).await);
            drop(lane);
            let unknown = Error::Unknown("lost".to_owned());
            let (one, other) = if unknown_first { (unknown, no_leader()) } else { (no_leader(), unknown) };
            first.tell(Err(one));
            second.tell(Err(other));
            assert_eq!(effect_of_the_end(&mut answers).await, AttemptEffect::Unknown);
        }
    }

    #[tokio::test]
    async fn a_stream_that_ends_says_none_only_when_what_was_under_way_has_landed() {
        let (lane, mut answers) = Lane::new();
        let proposed = lane.enter(0, 1).await;
        lane.end(no_leader());
        drop(lane);
        assert!(futures::poll!(std::pin::pin!(answers.next())).is_pending(), "one is still under way");
        proposed.tell(Err(Error::Unknown("no majority answered".to_owned())));
        assert_eq!(effect_of_the_end(&mut answers).await, AttemptEffect::Unknown);
    }

    #[tokio::test]
    async fn replays_are_expected_at_the_beginning_and_after_each() {
        let (lane, _answers) = Lane::new();
        let expected = || (0..2 * WARY_GROUPS).filter(|_| lane.expects_replays()).count();
        assert_eq!(expected(), WARY_GROUPS as usize);
        answer(lane.enter(0, 1).await);
        assert_eq!(expected(), 0);
        let outcome =
            Outcome { verdict: Verdict::Cancelled, sequence: Sequence(1), history: History(1), time: LogTime::ZERO };
        lane.enter(1, 1).await.tell(Ok(Answer::Decided { outcome, replayed: true }));
        assert_eq!(expected(), WARY_GROUPS as usize);
    }

    #[tokio::test]
    async fn a_command_whose_holder_is_gone_is_unknown() {
        let (lane, mut answers) = Lane::new();
        drop(lane.enter(0, 1).await);
        lane.end(no_leader());
        drop(lane);
        assert_eq!(effect_of_the_end(&mut answers).await, AttemptEffect::Unknown);
    }
}
