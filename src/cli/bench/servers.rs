//! What the nodes have used meanwhile, by their own count.

use futures::future::join_all;

use crate::cli::column::Column;
use crate::cli::value::{Value, float};
use crate::client::Client;
use crate::types::{Counters, NodeStatus};

/// What one node has used.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) node_id: u64,
    pub(super) role: &'static str,
    /// Processor time, in hundredths of one processor over the measured time.
    pub(super) cpu_percent: f64,
    pub(super) counters: Counters,
}

pub(super) fn columns() -> Vec<Column<Used>> {
    vec![
        Column::new("node_id", "NODE", |used: &Used| used.node_id),
        Column::new("role", "ROLE", |used: &Used| used.role),
        Column::json("cpu_percent", |used: &Used| Value::Float(used.cpu_percent, 0)),
        Column::shown("CPU", |used: &Used| Value::Told(used.cpu_percent.into(), format!("{:.0} %", used.cpu_percent))),
        Column::new("written_bytes", "WRITTEN", |used: &Used| Value::Size(used.counters.written_bytes)),
        Column::new("log_syncs", "SYNCS", |used: &Used| used.counters.log_syncs),
        Column::new("log_entries", "ENTRIES", |used: &Used| used.counters.log_entries),
        Column::new("log_bytes", "LOG BYTES", |used: &Used| Value::Size(used.counters.log_bytes)),
    ]
}

/// How the nodes are; those that do not answer are left out.
pub(super) async fn look(client: &Client) -> Vec<NodeStatus> {
    let given = join_all(client.addresses().map(|address| client.status(address))).await;
    let members = given.into_iter().flatten().next().map(|status| status.members).unwrap_or_default();
    let asked = join_all(members.iter().map(|member| client.status(&member.client_address))).await;
    asked.into_iter().flatten().collect()
}

/// What each node has used between two looks. One that was restarted in between has begun anew, and is left out.
pub(super) fn used(before: &[NodeStatus], after: &[NodeStatus], seconds: f64) -> Vec<Used> {
    let of = |after: &NodeStatus| {
        let before = before.iter().find(|before| before.node == after.node)?;
        let (then, now) = (&before.counters, &after.counters);
        let since = |count: fn(&Counters) -> u64| count(now).checked_sub(count(then));
        let counters = Counters {
            cpu_ms: since(|counters| counters.cpu_ms)?,
            written_bytes: since(|counters| counters.written_bytes)?,
            log_syncs: since(|counters| counters.log_syncs)?,
            log_entries: since(|counters| counters.log_entries)?,
            log_bytes: since(|counters| counters.log_bytes)?,
            ..Counters::default()
        };
        let cpu_percent = (float(counters.cpu_ms) / seconds).round() / 10.0;
        Some(Used { node_id: after.node.0, role: after.role.as_str(), cpu_percent, counters })
    };
    after.iter().filter_map(of).collect()
}
