//! What the nodes have used meanwhile, by their own count.

use futures::future::join_all;

use crate::cli::value::float;
use crate::client::Client;
use crate::types::{Counters, NodeStatus};

/// What one node has used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Used {
    pub(super) node_id: u64,
    pub(super) role: &'static str,
    /// Processor time, in hundredths of one processor over the measured time.
    pub(super) cpu_percent: f64,
    /// Written to disks, compactions included.
    pub(super) written_bytes: u64,
    /// Syncs of the Raft log, entries and bytes written to it.
    pub(super) log_syncs: u64,
    pub(super) log_entries: u64,
    pub(super) log_bytes: u64,
}

/// How the nodes are; those that do not answer are left out.
pub(super) async fn look(client: &Client) -> Vec<NodeStatus> {
    let given: Vec<String> = client.addresses().map(str::to_owned).collect();
    let known = join_all(given.iter().map(|address| client.status(address))).await;
    let members = known.into_iter().flatten().next().map(|status| status.members).unwrap_or_default();
    let asked = join_all(members.iter().map(|member| client.status(&member.client_address))).await;
    asked.into_iter().flatten().collect()
}

/// What each node has used between two looks. One that was restarted in between has begun anew, and is left out.
pub(super) fn used(before: &[NodeStatus], after: &[NodeStatus], seconds: f64) -> Vec<Used> {
    let of = |after: &NodeStatus| {
        let before = before.iter().find(|before| before.node == after.node)?;
        let (then, now): (&Counters, &Counters) = (&before.counters, &after.counters);
        let cpu_ms = now.cpu_ms.checked_sub(then.cpu_ms)?;
        Some(Used {
            node_id: after.node.0,
            role: after.role.as_str(),
            cpu_percent: (float(cpu_ms) / seconds).round() / 10.0,
            written_bytes: now.written_bytes.checked_sub(then.written_bytes)?,
            log_syncs: now.log_syncs.checked_sub(then.log_syncs)?,
            log_entries: now.log_entries.checked_sub(then.log_entries)?,
            log_bytes: now.log_bytes.checked_sub(then.log_bytes)?,
        })
    };
    after.iter().filter_map(of).collect()
}
