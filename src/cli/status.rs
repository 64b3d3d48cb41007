//! `status`: how the nodes are, a row a node.
//!
//! - Every given address is asked at once, then the members that an answer names and nobody asked.
//! - A node that does not answer has a row that says why: silence is what a status is looked at for. Only if nobody
//!   answers has the command failed.

use std::io::Write;

use futures::future::join_all;
use serde::Serialize;

use crate::client::{Client, Error};
use crate::types::{MemberStatus, NodeStatus};

use super::admin::MemberRow;
use super::arguments::Options;
use super::exit::Exit;
use super::output::{self, NONE, Row};
use super::report::Problem;

#[derive(Debug, Serialize)]
struct NodeRow {
    node_id: Option<u64>,
    address: String,
    reachable: bool,
    #[serde(flatten)]
    status: Option<StatusFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct StatusFields {
    cluster_id: Option<String>,
    incarnation: String,
    version: String,
    role: &'static str,
    term: u64,
    leader_id: Option<u64>,
    leader_address: Option<String>,
    last_index: u64,
    committed_index: u64,
    applied_index: u64,
    snapshot_index: u64,
    purged_index: u64,
    digest: String,
    digests: Vec<DigestFields>,
    history: u64,
    /// The rules that decide entries.
    machine_version: u16,
    /// The newest rules that the node's build knows.
    machine_version_known: u16,
    clock_ms: u64,
    serving: bool,
    raft_bytes: u64,
    state_bytes: u64,
    snapshot_bytes: u64,
    counters: CounterFields,
    members: Vec<MemberRow>,
}

#[derive(Debug, Serialize)]
struct DigestFields {
    index: u64,
    digest: String,
}

#[derive(Debug, Serialize)]
struct CounterFields {
    log_syncs: u64,
    log_entries: u64,
    log_bytes: u64,
    decided: u64,
    replayed: u64,
    rejected: u64,
    cpu_ms: u64,
    written_bytes: u64,
}

impl StatusFields {
    /// The machine version in force, and the newest that the node knows if that is another.
    fn machine(&self) -> String {
        match (self.machine_version, self.machine_version_known) {
            (in_force, known) if in_force == known => in_force.to_string(),
            (in_force, known) => format!("{in_force} (knows {known})"),
        }
    }
}

impl NodeRow {
    fn of(address: &str, status: NodeStatus) -> Self {
        let fields = StatusFields {
            cluster_id: status.cluster.map(|cluster| cluster.to_string()),
            incarnation: status.incarnation.to_string(),
            version: status.version,
            role: status.role.as_str(),
            term: status.term,
            leader_id: status.leader.map(|leader| leader.0),
            leader_address: status.leader_address,
            last_index: status.last.0,
            committed_index: status.committed.0,
            applied_index: status.applied.0,
            snapshot_index: status.snapshot.0,
            purged_index: status.purged.0,
            digest: status.digest,
            digests: status
                .digests
                .into_iter()
                .map(|at| DigestFields { index: at.index.0, digest: at.digest })
                .collect(),
            history: status.history.0,
            machine_version: status.machine_version.0,
            machine_version_known: status.machine_version_known.0,
            clock_ms: status.clock.as_ms(),
            serving: status.serving,
            raft_bytes: status.sizes.raft_bytes,
            state_bytes: status.sizes.state_bytes,
            snapshot_bytes: status.sizes.snapshot_bytes,
            counters: CounterFields {
                log_syncs: status.counters.log_syncs,
                log_entries: status.counters.log_entries,
                log_bytes: status.counters.log_bytes,
                decided: status.counters.decided,
                replayed: status.counters.replayed,
                rejected: status.counters.rejected,
                cpu_ms: status.counters.cpu_ms,
                written_bytes: status.counters.written_bytes,
            },
            members: status.members.iter().map(MemberRow::new).collect(),
        };
        Self {
            node_id: Some(status.node.0),
            address: address.to_owned(),
            reachable: true,
            status: Some(fields),
            problem: status.problem,
        }
    }

    fn silent(node_id: Option<u64>, address: &str, error: &Error) -> Self {
        let why = error.tried.last().map_or_else(|| error.cause.to_string(), |tried| tried.last.message.clone());
        Self { node_id, address: address.to_owned(), reachable: false, status: None, problem: Some(why) }
    }
}

impl Row for NodeRow {
    const HEADINGS: &'static [&'static str] = &[
        "NODE",
        "ADDRESS",
        "ROLE",
        "TERM",
        "LEADER",
        "COMMITTED",
        "APPLIED",
        "SNAPSHOT",
        "SERVING",
        "PROBLEM",
        "MACHINE",
    ];

    fn cells(&self) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
        let number =
            |number: fn(&StatusFields) -> u64| or_none(self.status.as_ref().map(|fields| number(fields).to_string()));
        vec![
            or_none(self.node_id.map(|id| id.to_string())),
            self.address.clone(),
            self.status.as_ref().map_or("unreachable", |fields| fields.role).to_owned(),
            number(|fields| fields.term),
            or_none(self.status.as_ref().and_then(|fields| fields.leader_id).map(|id| id.to_string())),
            number(|fields| fields.committed_index),
            number(|fields| fields.applied_index),
            number(|fields| fields.snapshot_index),
            self.status.as_ref().map_or(NONE, |fields| if fields.serving { "yes" } else { "no" }).to_owned(),
            or_none(self.problem.clone()),
            or_none(self.status.as_ref().map(StatusFields::machine)),
        ]
    }
}

pub(super) async fn run(client: &Client, options: &Options, out: &mut impl Write) -> Result<Exit, Problem> {
    let given: Vec<String> = client.addresses().map(str::to_owned).collect();
    let answers = ask(client, given).await;
    let members = unasked(&answers);
    let numbers: Vec<_> = members.iter().map(|member| member.node.0).collect();
    let more = ask(client, members.into_iter().map(|member| member.client_address).collect()).await;

    let answered = answers.iter().any(|(_, answer)| answer.is_ok());
    let rows = rows(answers, numbers.into_iter().map(Some).zip(more));
    output::print_many(out, options.output, "nodes", &rows)?;
    Ok(if answered { Exit::Done } else { Exit::Unavailable })
}

pub(super) type Answer = (String, Result<NodeStatus, Error>);

/// Asks every given node, and every member that nobody gave.
pub(super) async fn ask_all(client: &Client) -> Vec<Answer> {
    let given: Vec<String> = client.addresses().map(str::to_owned).collect();
    let mut answers = ask(client, given).await;
    let members = unasked(&answers).into_iter().map(|member| member.client_address).collect();
    answers.extend(ask(client, members).await);
    answers
}

async fn ask(client: &Client, addresses: Vec<String>) -> Vec<Answer> {
    join_all(addresses.into_iter().map(async |address| {
        let answer = client.status(&address).await;
        (address, answer)
    }))
    .await
}

/// The members that the first node which has any names, but for those that were asked or have answered.
fn unasked(answers: &[Answer]) -> Vec<MemberStatus> {
    let answered: Vec<_> = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    let members = answered.iter().map(|status| &status.members).find(|members| !members.is_empty());
    let asked = |member: &&MemberStatus| {
        answered.iter().any(|status| status.node == member.node)
            || answers.iter().any(|(address, _)| *address == member.client_address)
    };
    members.into_iter().flatten().filter(|member| !asked(member)).cloned().collect()
}

/// One row a node, by number; a node that was given under two addresses answers twice and is shown once.
fn rows(answers: Vec<Answer>, more: impl Iterator<Item = (Option<u64>, Answer)>) -> Vec<NodeRow> {
    let named: Vec<_> = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .flat_map(|status| &status.members)
        .map(|member| (member.client_address.clone(), member.node.0))
        .collect();
    let number_of = |address: &str| named.iter().find(|(named, _)| named == address).map(|(_, number)| *number);
    let given = answers.into_iter().map(|(address, answer)| (number_of(&address), (address, answer)));
    let mut rows: Vec<NodeRow> = given
        .chain(more)
        .map(|(number, (address, answer))| match answer {
            Ok(status) => NodeRow::of(&address, status),
            Err(error) => NodeRow::silent(number, &address, &error),
        })
        .collect();
    rows.sort_by_key(|row| (row.node_id.is_none(), row.node_id, !row.reachable));
    rows.dedup_by(|later, earlier| later.node_id.is_some() && later.node_id == earlier.node_id);
    rows
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::client::{Cause, ErrorReport, Reason, Tried};
    use crate::types::{
        AttemptEffect, ClusterId, Counters, History, Incarnation, LogIndex, LogTime, MachineVersion, NodeId, Role,
        Sizes,
    };

    use super::*;

    fn member(node: u64) -> MemberStatus {
        MemberStatus {
            node: NodeId(node),
            peer_address: format!("p{node}:1"),
            client_address: format!("c{node}:1"),
            incarnation: Incarnation::from_bytes([2; 16]),
            voter: true,
        }
    }

    fn status(node: u64, role: Role) -> NodeStatus {
        NodeStatus {
            node: NodeId(node),
            cluster: Some(ClusterId::from_bytes([1; 16])),
            incarnation: Incarnation::from_bytes([2; 16]),
            version: "0.1.0".to_owned(),
            role,
            term: 4,
            leader: Some(NodeId(1)),
            leader_address: Some("c1:1".to_owned()),
            last: LogIndex(9),
            committed: LogIndex(8),
            applied: LogIndex(7),
            snapshot: LogIndex(6),
            purged: LogIndex(5),
            digest: "ab".to_owned(),
            digests: Vec::new(),
            history: History(3),
            machine_version: MachineVersion(1),
            machine_version_known: MachineVersion(2),
            clock: LogTime::ZERO,
            members: vec![member(1), member(2), member(3)],
            sizes: Sizes::default(),
            counters: Counters::default(),
            serving: true,
            problem: None,
        }
    }

    fn silence(address: &str) -> Error {
        let last = ErrorReport::new(Reason::Foreign, AttemptEffect::None, "cannot connect: Connection refused");
        let tried = vec![Tried { address: address.to_owned(), attempts: 1, last }];
        Error { doing: String::new(), id: None, effect: AttemptEffect::None, cause: Cause::NoNodeLeft, tried }
    }

    fn printed(format: Format, rows: &[NodeRow]) -> String {
        let mut out = Vec::new();
        output::print_many(&mut out, format, "nodes", rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_that_nobody_asked_are_asked_whatever_they_were_called() {
        let answers =
            vec![("localhost:1".to_owned(), Ok(status(2, Role::Follower))), ("c3:1".to_owned(), Err(silence("c3:1")))];
        let unasked: Vec<_> = unasked(&answers).into_iter().map(|member| member.node.0).collect();
        assert_eq!(unasked, [1]);
    }

    #[test]
    fn every_node_has_a_row_and_a_silent_one_says_why() {
        let answers = vec![
            ("c3:1".to_owned(), Err(silence("c3:1"))),
            ("localhost:1".to_owned(), Ok(status(2, Role::Follower))),
            ("c2:1".to_owned(), Ok(status(2, Role::Follower))),
            ("elsewhere:1".to_owned(), Err(silence("elsewhere:1"))),
        ];
        let leader = ("c1:1".to_owned(), Ok(status(1, Role::Leader)));
        let rows = rows(answers, [(Some(1), leader)].into_iter());
        let refused = "cannot connect: Connection refused";
        let expected = format!(
            "1\tc1:1\tleader\t4\t1\t8\t7\t6\tyes\t-\t1 (knows 2)\n\
             2\tlocalhost:1\tfollower\t4\t1\t8\t7\t6\tyes\t-\t1 (knows 2)\n\
             3\tc3:1\tunreachable\t-\t-\t-\t-\t-\t-\t{refused}\t-\n\
             -\telsewhere:1\tunreachable\t-\t-\t-\t-\t-\t-\t{refused}\t-\n"
        );
        assert_eq!(printed(Format::Plain, &rows), expected);
    }

    #[test]
    fn json_has_every_field() {
        let document = printed(Format::Json, &[NodeRow::of("c1:1", status(1, Role::Leader))]);
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let node = &document["nodes"][0];
        assert_eq!((&node["node_id"], &node["role"], &node["reachable"]), (&1.into(), &"leader".into(), &true.into()));
        assert_eq!((&node["applied_index"], &node["digest"]), (&7.into(), &"ab".into()));
        assert_eq!(node["members"][2]["client_address"], "c3:1");
        assert_eq!(node["counters"]["replayed"], 0);
    }
}
