//! The state never gets ahead of the log.

use futures::stream;
use openraft::storage::RaftStateMachine;

use crate::store::log::{self, Log};
use crate::store::state::{self, State};
use crate::types::{EntryKind, LogEntry, LogId, LogIndex, NodeId};

use super::state_machine::{ApplyGate, StateMachine};
use super::type_config as convert;

fn first() -> LogEntry {
    LogEntry { id: LogId { term: 1, node: NodeId(1), index: LogIndex(0) }, kind: EntryKind::Blank }
}

/// A machine that waits for a new, empty log.
fn gated() -> (tempfile::TempDir, Log, State, StateMachine) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = Log::open(&directory.path().join("raft"), log::Options::default()).expect("a new log");
    let state = State::open(&directory.path().join("state"), state::Options::default()).expect("a new state");
    let machine = StateMachine::new(state.clone(), ApplyGate::Durable(log.durable()));
    (directory, log, state, machine)
}

/// One thread does all blocking work, in the order in which it was asked for: when an empty piece of work is done, so is
/// everything before it.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    runtime.expect("a runtime").block_on(test);
}

async fn all_blocking_work_is_done() {
    tokio::task::spawn_blocking(|| ()).await.expect("nothing panics");
}

#[test]
fn an_entry_is_applied_only_once_the_local_disk_has_it() {
    run(async {
        let (_directory, log, state, mut machine) = gated();
        let entries = stream::iter([Ok((convert::raft_entry(first()), None))]);
        let mut applying = std::pin::pin!(machine.apply(entries));
        assert!(futures::poll!(&mut applying).is_pending(), "the log does not have it");
        all_blocking_work_is_done().await;
        assert_eq!(state.applied().log_id, None, "nothing was written behind the gate");

        log.append(vec![first()], Box::new(drop)).expect("queue it");
        applying.await.expect("apply what is on disk");
        assert_eq!(state.applied().log_id, Some(first().id));
    });
}

#[test]
fn a_log_that_is_gone_fails_what_waits_for_it_instead_of_hanging_it() {
    run(async {
        let (_directory, log, state, mut machine) = gated();
        let entries = stream::iter([Ok((convert::raft_entry(first()), None))]);
        let mut applying = std::pin::pin!(machine.apply(entries));
        assert!(futures::poll!(&mut applying).is_pending(), "the log does not have it");
        log.close().await.expect("close the log");
        applying.await.expect_err("nothing will ever be on disk");
        assert_eq!(state.applied().log_id, None);
    });
}
