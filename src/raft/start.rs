//! How a node's Raft comes up: the log and the state are checked against each other, then the core runs.

use std::sync::{Arc, Mutex};

use openraft::async_runtime::watch::WatchReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::machine;
use crate::store::identity::DataDirectory;
use crate::store::log::Log;
use crate::store::state::State;
use crate::types::{LogId, MachineVersion};

use super::compaction::keep_log_short;
use super::contact::Contact;
use super::exchange::{self, Agreement, Readings};
use super::handle::{Inner, Raft, report};
use super::identity::LocalIdentity;
use super::log_store::LogStore;
use super::network::Network;
use super::options::Options;
use super::peers::PeerBook;
use super::state_machine::{ApplyGate, StateMachine};
use super::type_config as convert;

/// Why Raft did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting that openraft refuses.
    #[error("invalid timing: {0}")]
    Config(#[from] openraft::ConfigError),
    /// The state is ahead of the log, and no installed snapshot explains it.
    #[error(
        "the state has applied {applied}, but the log ends at {}: entries of the log are lost. This node must not vote. \
         Replace it: start a node with a new id and an empty data directory",
        .last.map_or("nothing".to_owned(), |id| id.to_string())
    )]
    StateAheadOfLog {
        /// What the state has applied.
        applied: LogId,
        /// The last entry of the log.
        last: Option<LogId>,
    },
    /// The state is of rules that this build lacks.
    #[error("machine version {0} is in force, which this build does not know; install a newer one")]
    UnknownVersion(MachineVersion),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] crate::store::log::Error),
    /// Openraft could not start.
    #[error("raft did not start: {0}")]
    Core(String),
}

/// Starts Raft on an opened log and state.
pub async fn start(identity: DataDirectory, log: Log, state: State, options: Options) -> Result<Raft, StartError> {
    let config = Arc::new(options.config()?);
    let version = state.applied().globals.version;
    if !machine::knows(version) {
        return Err(StartError::UnknownVersion(version));
    }
    let local = Arc::new(LocalIdentity::new(identity));
    let recovered_tail = log.last().map(|id| id.index);
    complete_install(&log, &state).await?;

    let machine = StateMachine::new(state.clone(), ApplyGate::Durable(log.durable()));
    let network = Network::new(local.clone());
    let core = openraft::Raft::new(local.node_id(), config, network, LogStore::new(log.clone()), machine).await;
    let core = core.map_err(|fatal| StartError::Core(fatal.to_string()))?;

    let raft = Raft::new(Inner {
        core,
        peers: Arc::new(PeerBook::new(local.clone())),
        local,
        log,
        state,
        readings: Readings::default(),
        options,
        recovered_tail,
        receiving: Arc::default(),
        failure: watch::Sender::new(None),
        alarm: Mutex::new(None),
        refusal: Mutex::new(None),
        contact: Contact::default(),
        initialising: tokio::sync::Mutex::new(()),
        background: Mutex::new(JoinSet::new()),
    });
    keep_exchanging(&raft);
    keep_log_short(&raft, raft.inner().options.snapshot_bytes);
    Ok(raft)
}

/// Only an installed snapshot may be ahead of the log: the crash came between its switch and the purge that follows it,
/// which is completed here.
async fn complete_install(log: &Log, state: &State) -> Result<(), StartError> {
    let Some(applied) = state.applied().log_id else { return Ok(()) };
    if holds(log, applied)? {
        return Ok(());
    }
    let installed = state.current_snapshot().and_then(|snapshot| snapshot.last());
    if installed != Some(applied) {
        return Err(StartError::StateAheadOfLog { applied, last: log.last() });
    }
    tracing::info!(%applied, "completing the installation of a snapshot");
    Ok(log.complete_purge(applied).await?)
}

/// Whether the log has this very entry, or had it before it was purged. A log that merely ends at a greater id may hold
/// other entries, which an installed snapshot was to replace.
fn holds(log: &Log, id: LogId) -> Result<bool, StartError> {
    if log.purged() >= Some(id) {
        return Ok(true);
    }
    let found = log.entries(id.index..id.index.next())?;
    Ok(found.first().is_some_and(|entry| entry.id == id))
}

fn keep_exchanging(raft: &Raft) {
    let inner = raft.inner();
    let (peers, readings) = (inner.peers.clone(), inner.readings.clone());
    let (state, failure) = (inner.state.clone(), inner.failure.clone());
    let metrics = inner.core.server_metrics();
    let here = inner.local.node_id();
    let weak = raft.downgrade();
    let task = async move {
        let mut ticks = tokio::time::interval(exchange::INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let membership = convert::membership(metrics.borrow_watched().membership_config.membership());
            let theirs = exchange::round(here, &peers, &readings, &membership).await;
            let mine = state.last_remembered_digests();
            let alarm = match exchange::compare(here, &mine, &theirs, &membership) {
                Agreement::Equal => None,
                Agreement::Disputed { index, with } => Some(format!(
                    "this node and node {with} disagree about what was applied up to {index}, and no majority can be heard"
                )),
                Agreement::Outvoted { index } => {
                    let reason = format!(
                        "a majority disagrees with what this node applied up to {index}: its state is wrong. Replace it: \
                         start a node with a new id and an empty data directory"
                    );
                    return report(&failure, reason);
                }
            };
            let Some(raft) = weak.upgrade() else { return };
            raft.raise_alarm(alarm);
        }
    };
    inner.background.lock().expect("no holder of the tasks panics").spawn(task);
}
