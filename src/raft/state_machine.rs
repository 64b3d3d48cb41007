//! The state machine as openraft asks for it, over [`store::state`](crate::store::state).
//!
//! - Nothing is applied before the local disk has its *log id*: otherwise a crash would leave the state ahead of the
//!   log. A failed disk fails this gate; it never hangs it.
//! - A chunk of entries is applied by one atomic write on a blocking thread; its callers are answered after it.

use std::io;

use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine, Snapshot};
use openraft::{EntryPayload, OptionalSend};

use crate::machine;
use crate::store::log::DurableGate;
use crate::store::state::{self, State};
use crate::types::limits::{APPLY_CHUNK_ENTRIES_MAX, REPLICATION_BYTES_TARGET};
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogEntry, LogId};

use super::start::StartError;
use super::type_config::{self as convert, RaftLogId, RaftSnapshotMeta, RaftStoredMembership, TypeConfig};

/// What holds an entry back until it may be applied.
#[derive(Clone)]
pub(super) enum ApplyGate {
    /// Until the local disk has it.
    Durable(DurableGate),
    /// Not at all: for openraft's own storage suite, which applies entries that no log has.
    #[cfg(test)]
    Open,
}

/// The state of one Raft group.
#[derive(Clone)]
pub(super) struct StateMachine {
    state: State,
    gate: ApplyGate,
}

/// A snapshot on its way into the state machine: received and checked, or built here.
pub(super) enum SnapshotData {
    /// Received from the leader.
    Staged(Box<state::Staging>),
    /// Published here.
    Published(state::Snapshot),
}

impl StateMachine {
    /// Adapts a state.
    pub(super) fn new(state: State, gate: ApplyGate) -> Self {
        Self { state, gate }
    }

    async fn apply_chunk(
        &self,
        entries: Vec<LogEntry>,
        responders: Vec<Option<openraft::storage::ApplyResponder<TypeConfig>>>,
    ) -> Result<(), io::Error> {
        let Some(last) = entries.last().map(|entry| entry.id) else { return Ok(()) };
        match &self.gate {
            ApplyGate::Durable(gate) => gate.reached(last).await.map_err(io::Error::other)?,
            #[cfg(test)]
            ApplyGate::Open => {}
        }
        let state = self.state.clone();
        let is_ahead = self.is_ahead_of_the_log(last);
        let answers = blocking(move || state.apply(entries)).await?;
        if is_ahead {
            let state = self.state.clone();
            blocking(move || state.flush()).await?;
            std::process::abort();
        }
        for (responder, answers) in responders.into_iter().zip(answers) {
            if let Some(responder) = responder {
                responder.send(answers);
            }
        }
        self.check_version()
    }

    /// Whether an entry that passed the gate is not on the local disk, which only a seeded bug lets happen: a crash behind
    /// its apply then leaves the state ahead of the log.
    fn is_ahead_of_the_log(&self, last: LogId) -> bool {
        match &self.gate {
            ApplyGate::Durable(gate) => seeded(Bug::GateByIndex) && !gate.has(last),
            #[cfg(test)]
            ApplyGate::Open => false,
        }
    }

    /// Rules that this build lacks have come into force: it must decide nothing more, nor lead.
    fn check_version(&self) -> Result<(), io::Error> {
        let version = self.state.applied().globals.version;
        if machine::knows(version) { Ok(()) } else { Err(io::Error::other(StartError::UnknownVersion(version))) }
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, state::Error> + Send + 'static,
) -> Result<T, io::Error> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?.map_err(io::Error::other)
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> Result<(Option<RaftLogId>, RaftStoredMembership), io::Error> {
        let applied = self.state.applied();
        Ok((applied.log_id.map(convert::raft_log_id), convert::raft_stored_membership(applied.membership)))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        let mut chunk = Vec::new();
        let mut responders = Vec::new();
        let mut bytes = 0;
        while let Some(item) = entries.next().await {
            let (entry, responder) = item?;
            bytes += payload_bytes(&entry.payload);
            chunk.push(convert::entry(entry));
            responders.push(responder);
            if chunk.len() >= APPLY_CHUNK_ENTRIES_MAX || bytes >= REPLICATION_BYTES_TARGET {
                bytes = 0;
                self.apply_chunk(std::mem::take(&mut chunk), std::mem::take(&mut responders)).await?;
            }
        }
        self.apply_chunk(chunk, responders).await
    }

    async fn get_snapshot_builder(&mut self) -> Self::SnapshotBuilder {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &RaftSnapshotMeta, snapshot: SnapshotData) -> Result<(), io::Error> {
        let state = self.state.clone();
        let installed = match snapshot {
            SnapshotData::Staged(staging) => blocking(move || state.install(*staging)).await?,
            SnapshotData::Published(snapshot) => blocking(move || state.install_copy(&snapshot)).await?,
        };
        let expected = meta.last_log_id.as_ref().map(convert::log_id);
        if installed.last() != expected {
            return Err(io::Error::other("the snapshot's content ends at another entry than its description says"));
        }
        self.check_version()
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> Result<Option<openraft::alias::SnapshotOf<TypeConfig, SnapshotData>>, io::Error> {
        Ok(self.state.current_snapshot().map(described))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotData;

    /// The checkpoint makes the state durable through its index, so that the log may be purged behind it.
    async fn build_snapshot(&mut self) -> Result<openraft::alias::SnapshotOf<TypeConfig, SnapshotData>, io::Error> {
        let state = self.state.clone();
        blocking(move || state.checkpoint()).await.map(described)
    }
}

fn described(snapshot: state::Snapshot) -> openraft::alias::SnapshotOf<TypeConfig, SnapshotData> {
    Snapshot {
        meta: RaftSnapshotMeta {
            last_log_id: snapshot.last().map(convert::raft_log_id),
            last_membership: convert::raft_stored_membership(snapshot.membership()),
        },
        snapshot: SnapshotData::Published(snapshot),
    }
}

fn payload_bytes(payload: &openraft::alias::EntryPayloadOf<TypeConfig>) -> usize {
    match payload {
        EntryPayload::Normal(batch) => batch.len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}
