//! The commands of one stream inside the engine: bounded, in order, answered as each is decided.
//!
//! - What was sent and not yet read back takes room; when there is none left, the stream is not read any further.
//! - After one command has failed without an answer none behind it is proposed, and the stream ends. So nothing can
//!   overtake what its sender will send again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::types::limits::{STREAM_REPLIES_MAX, STREAM_UNANSWERED_BYTES_MAX, STREAM_UNANSWERED_MAX};
use crate::types::{Answer, AttemptEffect};

use super::error::Error;
use super::flight::Reply;
use super::room::Room;

/// One stream's way through this node.
pub(super) struct Lane {
    room: Room,
    broken: AtomicBool,
    sent: AtomicU64,
    answers: mpsc::UnboundedSender<Event>,
}

enum Event {
    Answered { position: u64, bytes: usize, reply: Reply },
    Ended(Error),
}

/// Where the answers of a lane are read.
pub(super) struct Answers {
    lane: std::sync::Weak<Lane>,
    events: mpsc::UnboundedReceiver<Event>,
    answered: u64,
    end: Option<Error>,
}

/// A command's place in its lane, once it has entered.
pub(super) struct Seat {
    lane: Arc<Lane>,
    position: u64,
    bytes: usize,
    /// What holds the node's memory for it; shared by what came in one message.
    _ticket: Option<Arc<OwnedSemaphorePermit>>,
}

impl Lane {
    /// A lane, and where its answers are read. They end when the lane and all its seats are gone.
    pub(super) fn new() -> (Arc<Self>, Answers) {
        let (answers, events) = mpsc::unbounded_channel();
        let room = Room::new(STREAM_UNANSWERED_MAX, STREAM_UNANSWERED_BYTES_MAX);
        let lane = Arc::new(Self { room, broken: AtomicBool::new(false), sent: AtomicU64::new(0), answers });
        let answers = Answers { lane: Arc::downgrade(&lane), events, answered: 0, end: None };
        (lane, answers)
    }

    /// Waits for room for a command.
    pub(super) async fn enter(
        self: &Arc<Self>,
        position: u64,
        bytes: usize,
        ticket: Option<Arc<OwnedSemaphorePermit>>,
    ) -> Seat {
        match self.room.try_enter(bytes) {
            Some(place) => place.keep(),
            // Nobody closes a lane's room.
            None => {
                if let Some(place) = self.room.enter(bytes).await {
                    place.keep();
                }
            }
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        Seat { lane: self.clone(), position, bytes, _ticket: ticket }
    }

    /// Whether a command would enter at once.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.room.try_enter(bytes).is_some()
    }

    /// Ends the stream: what is not answered yet will not be.
    pub(super) fn end(&self, error: Error) {
        self.broken.store(true, Ordering::Release);
        let _nobody_reads = self.answers.send(Event::Ended(error));
    }

    /// Whether the stream has ended by an error.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Waits until nobody reads the answers any more.
    pub(super) async fn abandoned(&self) {
        self.answers.closed().await;
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

    pub(super) fn tell(self, reply: Reply) {
        if reply.is_err() {
            self.lane.broken.store(true, Ordering::Release);
        }
        let event = Event::Answered { position: self.position, bytes: self.bytes, reply };
        let _nobody_reads = self.lane.answers.send(event);
    }
}

impl Answers {
    /// Whatever is answered by now, at least one answer; an error ends the stream, and so does `None`, without one.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<(u64, Answer)>, Error>> {
        if let Some(end) = self.end.take() {
            self.events.close();
            return Some(Err(end));
        }
        let mut events = Vec::new();
        self.events.recv_many(&mut events, STREAM_REPLIES_MAX).await;
        if events.is_empty() {
            return None;
        }
        let mut answers = Vec::with_capacity(events.len());
        let mut left = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Answered { position, bytes, reply: Ok(answer) } => {
                    left.push(bytes);
                    answers.push((position, answer));
                }
                Event::Answered { reply: Err(error), .. } | Event::Ended(error) => {
                    self.end.get_or_insert(error);
                }
            }
        }
        self.answered += answers.len() as u64;
        if let Some(lane) = self.lane.upgrade() {
            if let Some(end) = self.end.take() {
                let sent = lane.sent.load(Ordering::Relaxed);
                self.end = Some(whole(end, sent.saturating_sub(self.answered)));
            }
            lane.room.leave(left);
        }
        if answers.is_empty() {
            let end = self.end.take()?;
            self.events.close();
            return Some(Err(end));
        }
        Some(Ok(answers))
    }
}

/// The end of a stream speaks for everything in it that is not answered.
fn whole(error: Error, unanswered: u64) -> Error {
    if unanswered > 1 && error.effect() == AttemptEffect::None {
        Error::Unknown(format!("the stream has ended with {unanswered} commands unanswered: {error}"))
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Rejection;

    fn answer(seat: Seat) {
        seat.tell(Ok(Answer::Rejected(Rejection::Reused)));
    }

    fn positions(answers: Option<Result<Vec<(u64, Answer)>, Error>>) -> Vec<u64> {
        answers.expect("answers").expect("no end").into_iter().map(|(position, _)| position).collect()
    }

    #[tokio::test]
    async fn answers_come_as_each_is_decided_and_end_when_all_are() {
        let (lane, mut answers) = Lane::new();
        let seats = [lane.enter(0, 10, None).await, lane.enter(1, 10, None).await, lane.enter(2, 10, None).await];
        drop(lane);
        let [first, second, third] = seats;
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
        answer(lane.enter(0, STREAM_UNANSWERED_BYTES_MAX - 2_048, None).await);
        let mut second = std::pin::pin!(lane.enter(1, 4_096, None));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(positions(answers.next().await), [0]);
        assert!(futures::poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn after_a_failure_everything_behind_it_is_held_back_and_the_stream_ends_in_doubt() {
        let (lane, mut answers) = Lane::new();
        let seats = [lane.enter(0, 1, None).await, lane.enter(1, 1, None).await, lane.enter(2, 1, None).await];
        let [first, second, third] = seats;
        answer(first);
        assert!(!third.is_held_back());
        second.tell(Err(Error::NoLeader("lost".to_owned())));
        assert!(third.is_held_back());
        assert_eq!(positions(answers.next().await), [0]);
        let end = answers.next().await.expect("an end").expect_err("an error");
        assert_eq!(end.effect(), AttemptEffect::Unknown, "the third is unanswered, too");
    }

    #[tokio::test]
    async fn a_failure_that_leaves_nothing_else_open_keeps_what_it_knows() {
        let (lane, mut answers) = Lane::new();
        lane.enter(0, 1, None).await.tell(Err(Error::NoLeader("none".to_owned())));
        let end = answers.next().await.expect("an end").expect_err("an error");
        assert_eq!(end.effect(), AttemptEffect::None);
    }
}
