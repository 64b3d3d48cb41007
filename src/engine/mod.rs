//! What a node does with a command or a read.
//!
//! - The way in: a known id is answered from applied state, on any node, without consensus; the same id in flight is
//!   joined; everything else is admitted, or forwarded once to the leader. So a full queue never refuses a known id.
//! - Applying alone is the authority: nothing here decides what becomes of a command.
//! - Every request has a deadline. Whoever tried more than once answers `effect: none` only if every attempt was.

mod admin;
mod admission;
mod barrier;
mod duplicates;
mod error;
mod flight;
mod guess;
mod lane;
mod look;
mod process;
mod proposer;
mod queue;
mod raise;
mod read;
mod room;
mod stamp;
mod stream;
mod submit;
mod tick;
mod watch;

use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;

use crate::raft::Raft;

use admission::Admission;
use barrier::Barrier;
use duplicates::Duplicates;
use flight::Flights;
use proposer::Proposer;
use queue::Queue;

pub use crate::machine::LogHead;
pub use crate::raft::{InitError, SnapshotError};
pub use error::Error;
pub use read::Absent;
pub use stream::StreamAnswers;
pub use watch::{TailEnd, Waited};

/// The engine of one node. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    raft: Raft,
    queue: Arc<Queue>,
    flights: Arc<Flights>,
    duplicates: Arc<Duplicates>,
    barrier: Barrier,
    admission: Admission,
    proposer: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the engine of a node.
    pub fn start(raft: Raft) -> Self {
        let queue = Arc::new(Queue::default());
        let flights = Arc::new(Flights::default());
        let duplicates = Arc::new(Duplicates::default());
        let proposer = Proposer::new(raft.clone(), queue.clone(), flights.clone(), duplicates.clone());
        let proposer = Mutex::new(Some(tokio::spawn(proposer.run())));
        let barrier = Barrier::new(raft.clone());
        let admission = Admission::default();
        Self { inner: Arc::new(Inner { raft, queue, flights, duplicates, barrier, admission, proposer }) }
    }

    /// The Raft below.
    pub fn raft(&self) -> &Raft {
        &self.inner.raft
    }

    /// Takes no more commands and waits until those that were taken have landed.
    pub async fn drain(&self) {
        self.inner.admission.drain().await;
        self.inner.queue.close();
        let proposer = self.inner.proposer.lock().expect("no holder of the proposer panics").take();
        if let Some(proposer) = proposer
            && let Err(error) = proposer.await
        {
            tracing::error!("the proposer did not stop cleanly: {error}");
        }
    }
}
