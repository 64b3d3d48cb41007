//! Commands on their way: who waits for them, and how long.
//!
//! - A flight is *queued*, then *proposed*; in between it may be *abandoned* by its only waiter, and is then never
//!   proposed. Exactly one of the two happens.
//! - The same id with an equal fingerprint joins the flight that is there. A joiner may extend its deadline; so one that
//!   gives up can't say what becomes of it.
//! - The table is volatile. Whoever waits when it falls is told *unknown*.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::machine::Fingerprint;
use crate::types::{Answer, Id, Proposal, SpaceName};

use super::error::Error;

type Reply = Result<Answer, Error>;

/// A proposal that waits to be decided.
pub(super) struct Flight {
    pub(super) encoded: Bytes,
    key: (SpaceName, Id),
    fingerprint: Option<Fingerprint>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    deadline: Instant,
    first: Option<oneshot::Sender<Reply>>,
    joiners: Vec<oneshot::Sender<Reply>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Proposed,
    Abandoned,
    Landed,
}

/// One who waits for a flight.
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

    /// Takes the flight out of the queue. `false`: nobody waits any more, and it must not be proposed.
    pub(super) fn depart(&self, now: Instant) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Queued && state.deadline > now {
            state.phase = Phase::Proposed;
            true
        } else {
            // Nobody may join what is on its way out of the queue unproposed.
            state.phase = Phase::Abandoned;
            false
        }
    }

    /// The latest time at which anyone still waits.
    pub(super) fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    fn join(&self, deadline: Instant) -> Option<oneshot::Receiver<Reply>> {
        let mut state = self.lock();
        match state.phase {
            Phase::Queued | Phase::Proposed => {
                let (sender, receiver) = oneshot::channel();
                state.joiners.push(sender);
                state.deadline = state.deadline.max(deadline);
                Some(receiver)
            }
            Phase::Abandoned | Phase::Landed => None,
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
}

/// All flights of this node, by id.
#[derive(Default)]
pub(super) struct Flights {
    table: Mutex<HashMap<(SpaceName, Id), Arc<Flight>>>,
}

/// What became of the wish to fly.
pub(super) enum Boarding {
    /// A new flight; it has to be queued.
    New(Arc<Flight>, Waiter),
    /// One that was there.
    Joined(Waiter),
}

impl Flights {
    /// Joins the flight of this id and content, or makes one. Other content under an id in flight flies too, unlisted: what
    /// becomes of it is decided where it is applied.
    pub(super) fn board(&self, proposal: &Proposal, encoded: Bytes, deadline: Instant) -> Boarding {
        let fingerprint = match proposal {
            Proposal::Command(command) => Some(Fingerprint::of(command)),
            Proposal::Cancel(_) => None,
        };
        let key = (proposal.space().clone(), proposal.id().clone());
        let mut table = self.lock();
        if let Some(flight) = table.get(&key)
            && flight.fingerprint == fingerprint
            && let Some(reply) = flight.join(deadline)
        {
            return Boarding::Joined(Waiter { flight: flight.clone(), reply, deadline, joined: true });
        }
        let (sender, reply) = oneshot::channel();
        let state = State { phase: Phase::Queued, deadline, first: Some(sender), joiners: Vec::new() };
        let flight = Arc::new(Flight { encoded, key: key.clone(), fingerprint, state: Mutex::new(state) });
        table.entry(key).or_insert_with(|| flight.clone());
        Boarding::New(flight.clone(), Waiter { flight, reply, deadline, joined: false })
    }

    /// Tells everyone who waits, and forgets the flight. Joiners are told that they were not the first.
    pub(super) fn land(&self, flight: &Arc<Flight>, reply: &Reply) {
        self.forget(flight);
        let mut state = flight.lock();
        state.phase = Phase::Landed;
        if let Some(first) = state.first.take() {
            let _nobody_waits = first.send(reply.clone());
        }
        for joiner in state.joiners.drain(..) {
            let _nobody_waits = joiner.send(as_replay(reply.clone()));
        }
    }

    /// Forgets a flight without a word to those who wait; they are told *unknown*.
    pub(super) fn forget(&self, flight: &Arc<Flight>) {
        let mut table = self.lock();
        if table.get(&flight.key).is_some_and(|listed| Arc::ptr_eq(listed, flight)) {
            table.remove(&flight.key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(SpaceName, Id), Arc<Flight>>> {
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
    /// Waits for the answer until the deadline.
    pub(super) async fn wait(self, flights: &Flights) -> Reply {
        match tokio::time::timeout_at(self.deadline, self.reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_dropped)) => Err(Error::Unknown("this node stopped waiting for it".to_owned())),
            Err(_elapsed) if !self.joined && self.flight.abandon() => {
                flights.forget(&self.flight);
                Err(Error::Expired)
            }
            Err(_elapsed) => Err(Error::Unknown("the deadline passed before a majority answered".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::machine::encode_proposal;
    use crate::types::{Action, Command, History, LogName, LogTime, NewRecord, Outcome, Sequence, Verdict};

    fn append(payload: &'static str) -> Proposal {
        let record = NewRecord { payload: Bytes::from_static(payload.as_bytes()), headers: Vec::new() };
        Proposal::Command(Command {
            space: SpaceName::main(),
            id: Id::new("pay-7").expect("valid"),
            guards: Vec::new(),
            actions: vec![Action::Append { log: LogName::new("orders").expect("valid"), records: vec![record] }],
        })
    }

    fn board(flights: &Flights, payload: &'static str, seconds: u64) -> Boarding {
        let proposal = append(payload);
        flights.board(&proposal, encode_proposal(&proposal), Instant::now() + Duration::from_secs(seconds))
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
        let Boarding::New(flight, first) = board(&flights, "a", 5) else { panic!("the first arrival makes a flight") };
        let Boarding::Joined(second) = board(&flights, "a", 5) else { panic!("the second arrival joins it") };
        assert!(flight.depart(Instant::now()));
        flights.land(&flight, &Ok(decided()));
        assert_eq!(replayed(&first.wait(&flights).await), Some(false));
        assert_eq!(replayed(&second.wait(&flights).await), Some(true));
        assert!(matches!(board(&flights, "a", 5), Boarding::New(..)), "a landed flight can't be joined");
    }

    #[tokio::test]
    async fn other_content_under_an_id_in_flight_flies_on_its_own() {
        let flights = Flights::default();
        assert!(matches!(board(&flights, "a", 5), Boarding::New(..)));
        assert!(matches!(board(&flights, "b", 5), Boarding::New(..)));
        assert!(matches!(board(&flights, "a", 5), Boarding::Joined(_)), "the first stays listed");
    }

    #[tokio::test]
    async fn a_deadline_before_the_proposal_means_no_effect_and_after_it_unknown() {
        let flights = Flights::default();
        let Boarding::New(flight, waiter) = board(&flights, "a", 0) else { panic!("new") };
        assert_eq!(waiter.wait(&flights).await, Err(Error::Expired));
        assert!(!flight.depart(Instant::now()), "an abandoned flight is never proposed");

        let Boarding::New(flight, waiter) = board(&flights, "a", 0) else { panic!("new") };
        let Boarding::Joined(_patient) = board(&flights, "a", 60) else { panic!("joined") };
        assert!(flight.depart(Instant::now()));
        assert!(matches!(waiter.wait(&flights).await, Err(Error::Unknown(_))));
    }

    #[tokio::test]
    async fn a_joiner_extends_the_deadline_and_whoever_gives_up_before_it_does_not_know() {
        let flights = Flights::default();
        let Boarding::New(flight, first) = board(&flights, "a", 0) else { panic!("new") };
        let Boarding::Joined(second) = board(&flights, "a", 60) else { panic!("joined") };
        assert!(matches!(first.wait(&flights).await, Err(Error::Unknown(_))));
        assert!(flight.depart(Instant::now()), "the joiner still waits");
        flights.land(&flight, &Ok(decided()));
        assert_eq!(replayed(&second.wait(&flights).await), Some(true));
    }
}
