//! Tells how far the log is safe on this node's disk.

use tokio::sync::watch;

use super::error::Error;
use crate::types::LogId;
use crate::types::seeded_bug::{Bug, seeded};

/// What the thread that writes the log has made durable.
#[derive(Debug, Clone)]
pub(super) struct Durability {
    pub(super) last: Option<LogId>,
    pub(super) failure: Option<Error>,
}

/// Opens for a log id once it is on this node's disk; fails, and never hangs, when the disk does.
///
/// It goes by log id, not by index: another entry may have been at that index before a truncation.
#[derive(Debug, Clone)]
pub struct DurableGate {
    durability: Option<watch::Receiver<Durability>>,
}

impl DurableGate {
    pub(super) fn watching(durability: watch::Receiver<Durability>) -> Self {
        Self { durability: Some(durability) }
    }

    /// A gate that is open for everything: for tests that apply entries which no log holds.
    #[cfg(test)]
    pub fn open() -> Self {
        Self { durability: None }
    }

    /// Returns once the log is durable at least up to this log id, in the order of term, node and index.
    pub async fn reached(&self, log_id: LogId) -> Result<(), Error> {
        let Some(durability) = &self.durability else {
            return Ok(());
        };
        let mut durability = durability.clone();
        let enough = |durability: &Durability| durability.failure.is_some() || covers(durability.last, log_id);
        match durability.wait_for(enough).await {
            Ok(durability) => durability.failure.clone().map_or(Ok(()), Err),
            Err(_) => Err(Error::Closed),
        }
    }

    /// Whether the disk has this log id now, without a wait.
    pub fn has(&self, log_id: LogId) -> bool {
        self.durability.as_ref().is_none_or(|durability| durability.borrow().last >= Some(log_id))
    }
}

fn covers(last: Option<LogId>, log_id: LogId) -> bool {
    if seeded(Bug::GateByIndex) {
        // The disk may have another entry there, which is to be cut off.
        return last.map(|last| last.index) >= Some(log_id.index);
    }
    last >= Some(log_id)
}
