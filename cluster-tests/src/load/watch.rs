//! Somebody who asks a node how it is, for P5, P12 and P17. What does not answer says nothing.

use std::time::Duration;

use tokio::time::sleep;

use super::work::Work;
use crate::history::StatusSeen;
use crate::proto::Role;

/// Between two questions.
const BREATH: Duration = Duration::from_secs(1);

pub(super) async fn run(work: Work) {
    let (node, client) = work.node(0);
    while !work.is_stopped() {
        if let Ok(status) = client.status().await {
            let at = work.history.now();
            let seen = StatusSeen {
                node,
                at,
                term: status.term,
                leads: status.role() == Role::Leader,
                serves: status.serving,
                committed: status.committed_index,
                applied: status.applied_index,
                digest: status.digest,
            };
            work.history.remember(seen);
        }
        sleep(BREATH).await;
    }
}
