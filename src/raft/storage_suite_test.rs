//! Openraft's own storage suite, on this project's log and state.

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use crate::store::log::{self, Log};
use crate::store::state::{self, State};

use super::log_store::LogStore;
use super::state_machine::{ApplyGate, StateMachine};
use super::type_config::TypeConfig;

/// A new log and state in a directory of their own.
struct Builder;

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = Log::open(&directory.path().join("raft"), log::Options::default()).expect("a new log");
        let state = State::open(
            &directory.path().join("state"),
            state::Options { allow_gaps: true, ..state::Options::default() },
        )
        .expect("a new state");
        // The suite applies entries that no log has.
        Ok((directory, LogStore::new(log), StateMachine::new(state, ApplyGate::Open)))
    }
}

#[test]
fn the_storage_suite_of_openraft_passes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(Suite::test_all(Builder)).expect("the suite passes");
}
