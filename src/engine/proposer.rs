//! Turns what waits into entries: whatever is there forms the next one, and nothing lingers on purpose.
//!
//! - The proposer owns an entry, not the requests that caused it: it lands every flight, whoever still waits.
//! - Few short entries may be in flight at once; when many commands wait, one or two long ones, because an entry costs a
//!   sync on every node and a longer one costs no more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::machine::Batch;
use crate::raft::{ProposeError, Proposed, Raft};
use crate::types::limits::{ENTRIES_IN_FLIGHT_DEEP_MAX, ENTRIES_IN_FLIGHT_MAX};
use crate::types::{Answer, MachineVersion};

use super::error::Error;
use super::flight::{Flight, Flights};
use super::queue::Queue;
use super::stamp::Stamps;

/// From here on, many wait.
const DEEP: usize = 64;
/// How long after its last waiter's deadline an entry is given up; its outcome is then told by the state alone.
const GRACE: Duration = Duration::from_secs(1);
/// How often a cluster that has no stamp yet looks at the clocks again.
const FIRST_STAMP_POLL: Duration = Duration::from_millis(20);

/// What the proposer works with.
pub(super) struct Proposer {
    raft: Raft,
    queue: Arc<Queue>,
    flights: Arc<Flights>,
    stamps: Stamps,
    landed: Arc<Landings>,
}

#[derive(Default)]
struct Landings {
    in_flight: std::sync::atomic::AtomicUsize,
    changed: Notify,
}

impl Landings {
    fn count(&self) -> usize {
        self.in_flight.load(std::sync::atomic::Ordering::Acquire)
    }

    fn add(&self) {
        self.in_flight.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    }

    fn remove(&self) {
        self.in_flight.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
        self.changed.notify_one();
    }
}

impl Proposer {
    pub(super) fn new(raft: Raft, queue: Arc<Queue>, flights: Arc<Flights>) -> Self {
        let stamps = Stamps::new(raft.clone());
        Self { raft, queue, flights, stamps, landed: Arc::default() }
    }

    /// Runs until the queue is closed and everything in it has landed.
    pub(super) async fn run(self) {
        while self.queue.filled().await {
            self.wait_for_room().await;
            self.wait_for_first_stamp().await;
            let now = Instant::now();
            let (batch, grounded) = self.queue.take_batch(now);
            for flight in grounded {
                let held_back = || Error::NoLeader("a command before it in its stream has failed".to_owned());
                let error = if flight.deadline() > now { held_back() } else { Error::Expired };
                self.flights.land(&flight, Err(error));
            }
            if !batch.is_empty() {
                self.propose(batch).await;
            }
        }
        while self.landed.count() > 0 {
            self.landed.changed.notified().await;
        }
    }

    async fn wait_for_room(&self) {
        loop {
            let limit = if self.queue.depth() > DEEP { ENTRIES_IN_FLIGHT_DEEP_MAX } else { ENTRIES_IN_FLIGHT_MAX };
            let changed = self.landed.changed.notified();
            if self.landed.count() < limit {
                return;
            }
            changed.await;
        }
    }

    async fn wait_for_first_stamp(&self) {
        while !self.stamps.is_ready() && self.queue.depth() > 0 && self.raft.is_leader() {
            tokio::time::sleep(FIRST_STAMP_POLL).await;
        }
    }

    async fn propose(&self, batch: Vec<Arc<Flight>>) {
        let encoded: Vec<_> = batch.iter().map(|flight| flight.encoded.clone()).collect();
        let entry = Batch::assemble(MachineVersion::CURRENT, self.stamps.now(), &encoded);
        match self.raft.propose(entry).await {
            Ok(proposed) => {
                self.landed.add();
                let (flights, landed) = (self.flights.clone(), self.landed.clone());
                tokio::spawn(async move {
                    let answers = answers_in_time(proposed, &batch).await;
                    land_all(&flights, &batch, answers);
                    landed.remove();
                });
            }
            Err(error) => land_all(&self.flights, &batch, Err(error)),
        }
    }
}

/// Waits as long as anyone does; a joiner may extend that while the entry is on its way.
async fn answers_in_time(proposed: Proposed, batch: &[Arc<Flight>]) -> Result<Vec<Answer>, ProposeError> {
    let mut answers = std::pin::pin!(proposed.answers());
    loop {
        let last_deadline = batch.iter().map(|flight| flight.deadline()).max();
        let give_up = last_deadline.unwrap_or_else(Instant::now) + GRACE;
        match tokio::time::timeout_at(give_up, &mut answers).await {
            Ok(answers) => return answers,
            Err(_elapsed) if batch.iter().any(|flight| flight.deadline() + GRACE > Instant::now()) => {}
            Err(_elapsed) => {
                return Err(ProposeError::Unknown("no majority answered before the deadline".to_owned()));
            }
        }
    }
}

fn land_all(flights: &Flights, batch: &[Arc<Flight>], answers: Result<Vec<Answer>, ProposeError>) {
    match answers {
        Ok(answers) => {
            assert_eq!(answers.len(), batch.len(), "the machine answers every proposal of an entry");
            flights.land_all(batch, answers.into_iter().map(Ok));
        }
        Err(error) => {
            let error = match error {
                ProposeError::NotLeader { .. } => Error::NoLeader("this node lost the leadership".to_owned()),
                ProposeError::Unknown(what) => Error::Unknown(what),
            };
            flights.land_all(batch, std::iter::repeat_n(Err(error), batch.len()));
        }
    }
}
