//! Linearizable reads: one question to a majority serves everyone who asked before it was put.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::raft::{Raft, ReadIndexError};
use crate::types::LogIndex;
use crate::types::seeded_bug::{Bug, seeded};

/// For how long a seeded bug asks nobody again.
const LEASE: Duration = Duration::from_secs(1);

type Reply = Result<LogIndex, ReadIndexError>;

/// The way to the one who asks.
#[derive(Clone)]
pub(super) struct Barrier {
    asked: mpsc::UnboundedSender<oneshot::Sender<Reply>>,
}

impl Barrier {
    pub(super) fn new(raft: Raft) -> Self {
        let (asked, waiting) = mpsc::unbounded_channel();
        tokio::spawn(serve(raft, waiting));
        Self { asked }
    }

    /// The index that a read has to wait for so that it sees everything acknowledged before this call.
    pub(super) async fn index(&self) -> Reply {
        let (sender, receiver) = oneshot::channel();
        let stopped = || ReadIndexError::Unconfirmed("this node has stopped".to_owned());
        self.asked.send(sender).map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }
}

/// A question that is already on its way must not serve who comes later: it may have been answered before what they have
/// to see was acknowledged.
async fn serve(raft: Raft, mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<Reply>>) {
    let mut leased: Option<(Instant, LogIndex)> = None;
    while let Some(first) = waiting.recv().await {
        if let Some((_, index)) = leased.filter(|(asked, _)| seeded(Bug::ReadsUnderLease) && asked.elapsed() < LEASE) {
            // Whoever was deposed meanwhile shows what is long over.
            let _gone = first.send(Ok(index));
            continue;
        }
        let mut served = vec![first];
        while let Ok(another) = waiting.try_recv() {
            served.push(another);
        }
        // Those that have given up meanwhile need no answer.
        served.retain(|asker| !asker.is_closed());
        if served.is_empty() {
            continue;
        }
        let leader = raft.leader();
        let reply = tokio::select! {
            reply = raft.read_index() => reply.map(|id| id.index),
            // A leader that hangs never answers; its successor will.
            () = raft.leader_changed(leader) => Err(ReadIndexError::NoLeader),
        };
        if let Ok(index) = reply {
            leased = Some((Instant::now(), index));
        }
        for asker in served {
            let _gone = asker.send(reply.clone());
        }
    }
}
