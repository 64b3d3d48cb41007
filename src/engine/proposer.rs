//! Turns what waits into entries: whatever is there forms the next one, and nothing lingers on purpose.
//!
//! - The proposer owns an entry, not the requests that caused it: it lands every flight, whoever still waits.
//! - While nothing waits and nothing is under way, what is due makes an entry of its own, without a command.
//! - The next entry is proposed when the one before is in the log, or is known not to be. Raft refuses what comes while no
//!   majority is heard and may take what comes a moment later: that must be nothing of a stream of which it has refused a part.
//! - Few short entries may be in flight at once; when many commands wait, one or two long ones, because an entry costs a
//!   sync on every node and a longer one costs no more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::machine::{Batch, decode_proposal};
use crate::raft::{ProposeError, Proposed, Raft};
use crate::types::limits::{ENTRIES_IN_FLIGHT_DEEP_MAX, ENTRIES_IN_FLIGHT_MAX};
use crate::types::seeded_bug::{Bug, is_marked, seeded};
use crate::types::{Answer, LogTime};

use super::duplicates::Duplicates;
use super::error::Error;
use super::flight::{Flight, Flights};
use super::queue::Queue;
use super::stamp::Stamps;
use super::tick::{self, Ticks};

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
    duplicates: Arc<Duplicates>,
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
    pub(super) fn new(raft: Raft, queue: Arc<Queue>, flights: Arc<Flights>, duplicates: Arc<Duplicates>) -> Self {
        let stamps = Stamps::new(raft.clone());
        Self { raft, queue, flights, duplicates, stamps, landed: Arc::default() }
    }

    /// Runs until the queue is closed and everything in it has landed.
    pub(super) async fn run(self) {
        let mut ticks = Ticks::default();
        loop {
            match tokio::time::timeout(tick::LOOK_EVERY, self.queue.filled()).await {
                Ok(true) => self.propose_what_waits().await,
                Ok(false) => break,
                Err(_idle) => self.tick(&mut ticks).await,
            }
        }
        while self.landed.count() > 0 {
            self.landed.changed.notified().await;
        }
    }

    async fn propose_what_waits(&self) {
        self.wait_for_room().await;
        self.wait_for_first_stamp().await;
        let (now, term) = (Instant::now(), self.raft.leading_term());
        let (mut batch, grounded) = self.queue.take_batch(now, term);
        if seeded(Bug::StagedIdStays) {
            // Its command is lost, and its retries wait for it.
            batch.retain(|flight| !is_marked(&flight.encoded));
        }
        for flight in grounded {
            let held_back = || {
                let why = "this node no longer leads, or an earlier command of the same stream has failed";
                Error::NoLeader(why.to_owned())
            };
            let error = if flight.deadline() > now { held_back() } else { Error::Expired };
            self.flights.land(&flight, Err(error));
        }
        if let Some(term) = term.filter(|_| !batch.is_empty()) {
            self.propose(batch, term, self.stamps.now()).await;
        }
    }

    /// Proposes the time alone, if that makes something happen that nothing else does.
    async fn tick(&self, ticks: &mut Ticks) {
        let now = Instant::now();
        let is_idle = || self.queue.depth() == 0 && self.landed.count() == 0;
        if !ticks.is_time(now) || !is_idle() || !self.raft.majority_is_fresh() || !self.stamps.is_ready() {
            return;
        }
        let Some(term) = self.raft.leading_term() else { return };
        let state = self.raft.state().clone();
        // A disk may have to be waited for.
        let next_due = match tokio::task::spawn_blocking(move || state.view().next_due()).await {
            Ok(Ok(next_due)) => next_due,
            Ok(Err(error)) => return self.raft.report_failure(error.to_string()),
            // The runtime ends.
            Err(error) if error.is_cancelled() => return,
            Err(error) => return self.raft.report_failure(error.to_string()),
        };
        let stamp = self.stamps.now();
        if tick::is_wanted(next_due, stamp) && is_idle() {
            ticks.ticked(now);
            self.propose(Vec::new(), term, stamp).await;
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

    async fn propose(&self, batch: Vec<Arc<Flight>>, term: u64, stamp: LogTime) {
        let encoded: Vec<_> = batch.iter().map(|flight| flight.encoded.clone()).collect();
        let version = self.raft.state().applied().globals.version;
        match self.raft.propose(Batch::assemble(version, stamp, &encoded), term).await {
            Ok(proposed) => {
                self.landed.add();
                let (taken, settled) = (proposed.taken(), proposed.taken());
                let (raft, flights, landed) = (self.raft.clone(), self.flights.clone(), self.landed.clone());
                let duplicates = self.duplicates.clone();
                tokio::spawn(async move {
                    let answers = answers_in_time(proposed, &batch).await;
                    if let Ok(answers) = &answers {
                        count_duplicates(&duplicates, &raft, &batch, answers);
                    }
                    land_all(&flights, &batch, answers);
                    settled.tell();
                    landed.remove();
                });
                taken.wait().await;
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

/// What the machine has found to be a duplicate was not known here when it arrived, or nobody looked.
fn count_duplicates(duplicates: &Duplicates, raft: &Raft, batch: &[Arc<Flight>], answers: &[Answer]) {
    let replayed = batch.iter().zip(answers).filter_map(|(flight, answer)| match answer {
        Answer::Decided { outcome, replayed: true } => Some((&flight.encoded, outcome)),
        Answer::Decided { replayed: false, .. } | Answer::Rejected(_) => None,
    });
    let mut clock = None;
    for (encoded, outcome) in replayed {
        let clock = *clock.get_or_insert_with(|| raft.state().applied().globals.clock);
        let proposal = decode_proposal(Bytes::clone(encoded)).expect("what was taken on can be read");
        duplicates.count(&proposal, outcome, clock);
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
