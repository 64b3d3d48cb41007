//! Before a machine version is raised: every node that belongs to the cluster must know it, or it would stop.
//!
//! - The node that leads asks, at the last moment before it proposes. Ids that are known were answered before.

use tokio::time::Instant;

use crate::types::{Action, MachineVersion, NodeId, Proposal};

use super::Engine;
use super::error::Error;

impl Engine {
    /// Turns away a raise that some member does not know, or that some member says nothing to.
    pub(super) async fn check_raise(&self, proposal: &Proposal, deadline: Instant) -> Result<(), Error> {
        let Some(to) = raised(proposal) else { return Ok(()) };
        if to <= self.raft().state().applied().globals.version {
            return Ok(());
        }
        let known = tokio::time::timeout_at(deadline, self.raft().versions_known()).await;
        let known = known.map_err(|_| Error::Expired)?;
        match objection(to, known) {
            None => Ok(()),
            Some(objection) => Err(Error::VersionUnsupported(objection)),
        }
    }
}

/// The greatest version that a proposal asks for.
fn raised(proposal: &Proposal) -> Option<MachineVersion> {
    let Proposal::Command(command) = proposal else { return None };
    let versions = command.actions.iter().filter_map(|action| match action {
        Action::RaiseVersion { to } => Some(*to),
        _ => None,
    });
    versions.max()
}

/// What stands against a version, in a sentence.
fn objection(to: MachineVersion, known: impl IntoIterator<Item = (NodeId, Option<MachineVersion>)>) -> Option<String> {
    let objections: Vec<String> = known
        .into_iter()
        .filter_map(|(node, known)| match known {
            None => Some(format!("node {node} does not answer")),
            Some(known) if known < to => Some(format!("node {node} knows no version after {known}")),
            Some(_) => None,
        })
        .collect();
    (!objections.is_empty())
        .then(|| format!("machine version {to} cannot come into force yet: {}", objections.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_that_is_silent_or_too_old_is_named() {
        let version = |number| Some(MachineVersion(number));
        let all = [(NodeId(1), version(2)), (NodeId(2), None), (NodeId(3), version(1))];
        assert_eq!(
            objection(MachineVersion(2), all).as_deref(),
            Some(
                "machine version 2 cannot come into force yet: node 2 does not answer, node 3 knows no version after 1"
            )
        );
        assert_eq!(objection(MachineVersion(2), [(NodeId(1), version(2)), (NodeId(2), version(3))]), None);
    }
}
