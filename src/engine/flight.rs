//! Commands on their way: who waits for them, and how long.
//!
//! - A flight is *queued*, then *proposed*; in between it may be *abandoned* by its only waiter, and is then never
//!   proposed. Exactly one of the two happens.
//! - What is equal to the last byte joins the flight that is there. A joiner may extend its deadline; so one that gives up
//!   can't say what becomes of it.
//! - The table is volatile. Whoever waits when it falls is told *unknown*.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::types::Answer;
use crate::types::seeded_bug::{Bug, seeded};

use super::error::Error;
use super::lane::Seat;

pub(super) type Reply = Result<Answer, Error>;

/// A proposal that waits to be decided.
pub(super) struct Flight {
    /// Equal proposals have equal bytes, and no others have.
    pub(super) encoded: Bytes,
    /// In which this node led when it was made. It is proposed in no other.
    pub(super) term: u64,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    deadline: Instant,
    first: Option<Listener>,
    joiners: Vec<Listener>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Proposed,
    Abandoned,
    Landed,
}

/// Who is told what became of a flight.
pub(super) enum Listener {
    /// A request of its own.
    One(oneshot::Sender<Reply>),
    /// A place in a stream.
    Stream(Seat),
}

impl Listener {
    /// A listener for a single request, and where it hears.
    pub(super) fn one() -> (Self, oneshot::Receiver<Reply>) {
        let (sender, receiver) = oneshot::channel();
        (Self::One(sender), receiver)
    }

    fn tell(self, reply: Reply) {
        match self {
            Self::One(sender) => {
                let _nobody_waits = sender.send(reply);
            }
            Self::Stream(seat) => seat.tell(reply),
        }
    }

    /// What comes behind it in its stream is not proposed any more.
    fn hold_back(&self) {
        match self {
            Self::One(_) => {}
            Self::Stream(seat) => seat.hold_back(),
        }
    }

    /// Whether it must not be proposed any more, because one before it in its stream has failed.
    fn is_held_back(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Stream(seat) => seat.is_held_back(),
        }
    }
}

/// A single request that waits for a flight.
pub(super) struct Waiter {
    flight: Arc<Flight>,
    reply: oneshot::Receiver<Reply>,
    deadline: Instant,
    joined: bool,
}

impl Flight {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of a flight panics")
    }

    /// Takes the flight out of the queue, to be proposed in a term. `false`: nobody waits any more, one before it in its
    /// stream has failed, or may have failed with an earlier leadership of this node; it must not be proposed.
    pub(super) fn depart(&self, now: Instant, term: Option<u64>) -> bool {
        let mut state = self.lock();
        let is_held_back = state.first.as_ref().is_some_and(Listener::is_held_back);
        let is_of_term = term == Some(self.term);
        if state.phase == Phase::Queued && state.deadline > now && !is_held_back && is_of_term {
            state.phase = Phase::Proposed;
            true
        } else {
            // Nobody may join what is on its way out of the queue unproposed, and what follows it in the streams of those who
            // have joined it stays behind, too: they hear of it only later.
            state.phase = Phase::Abandoned;
            state.first.iter().chain(&state.joiners).for_each(Listener::hold_back);
            false
        }
    }

    /// The latest time at which anyone still waits.
    pub(super) fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    /// Joins, unless it is too late; then the listener comes back.
    fn join(&self, listener: Listener, deadline: Instant) -> Result<(), Listener> {
        let mut state = self.lock();
        match state.phase {
            Phase::Queued | Phase::Proposed => {
                state.joiners.push(listener);
                state.deadline = state.deadline.max(deadline);
                Ok(())
            }
            Phase::Abandoned | Phase::Landed => Err(listener),
        }
    }

    /// Gives up before the flight was proposed. `false`: it was, or somebody else waits for it.
    fn abandon(&self) -> bool {
        let mut state = self.lock();
        let alone = state.phase == Phase::Queued && state.joiners.is_empty();
        if alone {
            state.phase = Phase::Abandoned;
        }
        alone
    }

    /// Tells everyone who waits. Joiners are told that they were not the first.
    fn tell(&self, reply: Reply) {
        let (first, joiners) = {
            let mut state = self.lock();
            state.phase = Phase::Landed;
            (state.first.take(), std::mem::take(&mut state.joiners))
        };
        for joiner in joiners {
            joiner.tell(as_replay(reply.clone()));
        }
        if let Some(first) = first {
            first.tell(reply);
        }
    }
}

/// All flights of this node, by their bytes.
#[derive(Default)]
pub(super) struct Flights {
    table: Mutex<HashMap<Bytes, Arc<Flight>>>,
}

/// What became of the wish to fly.
pub(super) enum Boarding {
    /// A new flight; it has to be queued.
    New(Arc<Flight>),
    /// One that was there.
    Joined(Arc<Flight>),
}

impl Boarding {
    /// The waiter of a request that listens at `reply`.
    pub(super) fn waiter(&self, reply: oneshot::Receiver<Reply>, deadline: Instant) -> Waiter {
        let (flight, joined) = match self {
            Self::New(flight) => (flight.clone(), false),
            Self::Joined(flight) => (flight.clone(), true),
        };
        Waiter { flight, reply, deadline, joined }
    }
}

impl Flights {
    /// Joins the flight of the same bytes, or makes one. Other content under an id in flight has other bytes, and flies
    /// too: what becomes of it is decided where it is applied.
    pub(super) fn board(&self, encoded: Bytes, term: u64, deadline: Instant, mut listener: Listener) -> Boarding {
        let mut table = self.lock();
        if let Some(flight) = table.get(&encoded) {
            match flight.join(listener, deadline) {
                Ok(()) => return Boarding::Joined(flight.clone()),
                Err(late) => listener = late,
            }
        }
        let state = State { phase: Phase::Queued, deadline, first: Some(listener), joiners: Vec::new() };
        let flight = Arc::new(Flight { encoded: encoded.clone(), term, state: Mutex::new(state) });
        table.insert(encoded, flight.clone());
        Boarding::New(flight)
    }

    /// Forgets a flight, and tells everyone who waits for it.
    pub(super) fn land(&self, flight: &Arc<Flight>, reply: Reply) {
        self.forget(std::slice::from_ref(flight));
        flight.tell(reply);
    }

    /// The same for many at once, each with its reply.
    pub(super) fn land_all(&self, flights: &[Arc<Flight>], replies: impl IntoIterator<Item = Reply>) {
        self.forget(flights);
        for (flight, reply) in flights.iter().zip(replies) {
            flight.tell(reply);
        }
    }

    /// Forgets flights without a word to those who wait; they are told *unknown*.
    pub(super) fn forget(&self, flights: &[Arc<Flight>]) {
        let mut table = self.lock();
        for flight in flights {
            // A later flight of the same bytes may have taken its place.
            if table.get(&flight.encoded).is_some_and(|listed| Arc::ptr_eq(listed, flight)) {
                table.remove(&flight.encoded);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Bytes, Arc<Flight>>> {
        self.table.lock().expect("no holder of the table panics")
    }
}

fn as_replay(reply: Reply) -> Reply {
    match reply {
        Ok(Answer::Decided { outcome, replayed: _ }) => Ok(Answer::Decided { outcome, replayed: true }),
        other => other,
    }
}

impl Waiter {
    /// Whether somebody else waited before.
    pub(super) fn has_joined(&self) -> bool {
        self.joined
    }

    /// Waits for the answer until the deadline.
    pub(super) async fn wait(self, flights: &Flights) -> Reply {
        match tokio::time::timeout_at(self.deadline, self.reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_dropped)) => Err(Error::Unknown("this node stopped waiting for the outcome".to_owned())),
            Err(_elapsed) if !self.joined && self.flight.abandon() => {
                flights.forget(&[self.flight]);
                Err(Error::Expired)
            }
            // It is on its way.
            Err(_elapsed) if seeded(Bug::DeadlineAsNone) => Err(Error::Expired),
            Err(_elapsed) => Err(Error::Unknown("the deadline passed before a majority answered".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::types::{History, LogTime, Outcome, Sequence, Verdict};

    const TERM: u64 = 3;

    fn board(flights: &Flights, content: &'static str, seconds: u64) -> (Boarding, Waiter) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let (listener, reply) = Listener::one();
        let boarding = flights.board(Bytes::from_static(content.as_bytes()), TERM, deadline, listener);
        let waiter = boarding.waiter(reply, deadline);
        (boarding, waiter)
    }

    fn new(flights: &Flights, content: &'static str, seconds: u64) -> (Arc<Flight>, Waiter) {
        let (boarding, waiter) = board(flights, content, seconds);
        let Boarding::New(flight) = boarding else { panic!("the first arrival makes a flight") };
        (flight, waiter)
    }

    fn joined(flights: &Flights, content: &'static str, seconds: u64) -> Waiter {
        let (boarding, waiter) = board(flights, content, seconds);
        assert!(matches!(boarding, Boarding::Joined(_)), "a later arrival joins");
        waiter
    }

    fn decided() -> Answer {
        let outcome = Outcome {
            verdict: Verdict::Applied(Vec::new()),
            sequence: Sequence(1),
            history: History(1),
            time: LogTime::ZERO,
        };
        Answer::Decided { outcome, replayed: false }
    }

    fn replayed(reply: &Reply) -> Option<bool> {
        match reply {
            Ok(Answer::Decided { replayed, .. }) => Some(*replayed),
            Ok(Answer::Rejected(_)) | Err(_) => None,
        }
    }

    #[tokio::test]
    async fn a_second_arrival_joins_and_is_told_that_it_was_not_the_first() {
        let flights = Flights::default();
        let (flight, first) = new(&flights, "a", 5);
        let second = joined(&flights, "a", 5);
        assert!(flight.depart(Instant::now(), Some(TERM)));
        flights.land(&flight, Ok(decided()));
        assert_eq!(replayed(&first.wait(&flights).await), Some(false));
        assert_eq!(replayed(&second.wait(&flights).await), Some(true));
        new(&flights, "a", 5); // A landed flight can't be joined.
    }

    #[tokio::test]
    async fn other_content_under_an_id_in_flight_flies_on_its_own() {
        let flights = Flights::default();
        let (_a, _) = new(&flights, "pay-7 a", 5);
        let (_b, _) = new(&flights, "pay-7 b", 5);
        joined(&flights, "pay-7 a", 5);
        joined(&flights, "pay-7 b", 5);
    }

    #[tokio::test]
    async fn a_flight_of_an_earlier_leadership_is_never_proposed() {
        let flights = Flights::default();
        for term in [None, Some(TERM + 2)] {
            let (flight, _) = new(&flights, "a", 5);
            assert!(!flight.depart(Instant::now(), term));
            assert!(!flight.depart(Instant::now(), Some(TERM)), "not even later");
            flights.land(&flight, Err(Error::Expired));
        }
    }

    #[tokio::test]
    async fn a_flight_that_lands_late_leaves_its_successor_listed() {
        let flights = Flights::default();
        let (early, _) = new(&flights, "a", 0);
        assert!(!early.depart(Instant::now(), Some(TERM)));
        let (_later, _) = new(&flights, "a", 5);
        flights.land(&early, Err(Error::Expired));
        joined(&flights, "a", 5);
    }

    #[tokio::test]
    async fn a_deadline_before_the_proposal_means_no_effect_and_after_it_unknown() {
        let flights = Flights::default();
        let (flight, waiter) = new(&flights, "a", 0);
        assert_eq!(waiter.wait(&flights).await, Err(Error::Expired));
        assert!(!flight.depart(Instant::now(), Some(TERM)), "an abandoned flight is never proposed");

        let (flight, waiter) = new(&flights, "a", 0);
        let _patient = joined(&flights, "a", 60);
        assert!(flight.depart(Instant::now(), Some(TERM)));
        assert!(matches!(waiter.wait(&flights).await, Err(Error::Unknown(_))));
    }

    #[tokio::test]
    async fn a_joiner_extends_the_deadline_and_whoever_gives_up_before_it_does_not_know() {
        let flights = Flights::default();
        let (flight, first) = new(&flights, "a", 0);
        let second = joined(&flights, "a", 60);
        assert!(matches!(first.wait(&flights).await, Err(Error::Unknown(_))));
        assert!(flight.depart(Instant::now(), Some(TERM)), "the joiner still waits");
        flights.land(&flight, Ok(decided()));
        assert_eq!(replayed(&second.wait(&flights).await), Some(true));
    }
}
