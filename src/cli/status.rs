//! `status`: the state of every node, a row a node, and what the cluster survives.
//!
//! - Every given address is asked, then the members that an answer names and nobody asked.
//! - A node that does not answer has a row that says why: silence is what a status is looked at for.
//! - What a node says of a leader is marked as stale unless a majority answers and that node leads it.

use std::fmt::Display;

use serde_json::json;

use crate::client::{Client, Reason};
use crate::types::{MemberStatus, NodeId, NodeStatus, Role};

use super::arguments::Format;
use super::call::Call;
use super::column::{Column, Trait};
use super::exit::Exit;
use super::nodes::{self, Asked};
use super::problem::Problem;
use super::value::Value;
use super::{members, output};

/// The state of one node.
pub(super) struct NodeRow {
    node: Option<NodeId>,
    pub(super) asked: Asked<NodeStatus>,
    /// Whether what it says of a leader is stale.
    is_stale: bool,
}

impl NodeRow {
    fn new(asked: Asked<NodeStatus>) -> Self {
        Self { node: asked.said().map(|status| status.node), asked, is_stale: false }
    }

    fn leads(&self) -> bool {
        self.asked.said().is_some_and(|status| status.role == Role::Leader)
    }

    /// The leader that it names; the one that leads names itself.
    fn leader(&self) -> Option<NodeId> {
        if self.leads() { self.node } else { self.asked.said()?.leader }
    }

    fn problem(&self) -> Option<String> {
        self.asked.silence().or_else(|| self.asked.said()?.problem.clone())
    }

    fn role(&self) -> String {
        let role = self.asked.said().map_or("unreachable", |status| status.role.as_str());
        if self.leads() { self.marked(role) } else { role.to_owned() }
    }

    fn marked(&self, claim: impl Display) -> String {
        if self.is_stale { format!("{claim} (stale)") } else { claim.to_string() }
    }
}

/// What a node that answers says.
fn said<V: Into<Value>>(of: impl Fn(&NodeStatus) -> V) -> impl Fn(&NodeRow) -> Option<V> {
    move |row| row.asked.said().map(&of)
}

fn columns() -> Vec<Column<NodeRow>> {
    vec![
        Column::new("node_id", "NODE", |row: &NodeRow| Value::or_null(row.node.map(|node| node.0))),
        Column::new("address", "ADDRESS", |row: &NodeRow| row.asked.address.clone()),
        Column::json("reachable", |row: &NodeRow| row.asked.answer.is_ok()),
        Column::json("cluster_id", said(|status| Value::or_null(status.cluster.map(|cluster| cluster.to_string())))),
        Column::json("incarnation", said(|status| status.incarnation.to_string())),
        Column::json("version", said(|status| status.version.clone())),
        Column::json("role", said(|status| status.role.as_str())),
        Column::shown("ROLE", NodeRow::role),
        Column::new("term", "TERM", said(|status| status.term)),
        Column::json("leader_id", said(|status| Value::or_null(status.leader.map(|leader| leader.0)))),
        Column::json("leader_address", said(|status| Value::or_null(status.leader_address.clone()))),
        Column::json("leader_is_stale", |row: &NodeRow| row.is_stale.then_some(true)),
        Column::shown("LEADER", |row: &NodeRow| Some(row.marked(row.asked.said()?.leader?))),
        Column::json("last_index", said(|status| status.last.0)),
        Column::new("committed_index", "COMMITTED", said(|status| status.committed.0)).spare(),
        Column::new("applied_index", "APPLIED", said(|status| status.applied.0)),
        Column::new("snapshot_index", "SNAPSHOT", said(|status| status.snapshot.0)).with(Trait::NotInTable),
        Column::json("purged_index", said(|status| status.purged.0)),
        Column::json("digest", said(|status| status.digest.clone())),
        Column::json("digests", said(digests)),
        Column::json("history", said(|status| status.history.0)),
        Column::new("serving", "SERVING", said(|status| status.serving)),
        Column::new("problem", "PROBLEM", NodeRow::problem).with(Trait::NotInTable),
        Column::json("machine_version", said(|status| status.machine_version.0)),
        Column::json("machine_version_known", said(|status| status.machine_version_known.0)),
        Column::shown("MACHINE", said(machine)).with(Trait::NotInTable),
        Column::json("clock_ms", said(|status| status.clock)),
        Column::json("raft_bytes", said(|status| status.sizes.raft_bytes)),
        Column::json("state_bytes", said(|status| status.sizes.state_bytes)),
        Column::json("snapshot_bytes", said(|status| status.sizes.snapshot_bytes)),
        Column::json("counters", said(counters)),
        Column::json("members", said(|status| output::objects(&members::columns(), &status.members))),
    ]
}

/// The machine version in force, and the newest that the node knows if that is another.
fn machine(status: &NodeStatus) -> String {
    let (in_force, known) = (status.machine_version.0, status.machine_version_known.0);
    if in_force == known { in_force.to_string() } else { format!("{in_force} (knows {known})") }
}

fn digests(status: &NodeStatus) -> serde_json::Value {
    status.digests.iter().map(|at| json!({"index": at.index.0, "digest": at.digest})).collect()
}

fn counters(status: &NodeStatus) -> serde_json::Value {
    let counters = &status.counters;
    json!({
        "log_syncs": counters.log_syncs, "log_entries": counters.log_entries, "log_bytes": counters.log_bytes,
        "decided": counters.decided, "replayed": counters.replayed, "rejected": counters.rejected,
        "cpu_ms": counters.cpu_ms, "written_bytes": counters.written_bytes,
    })
}

/// How many nodes decide, and how many of them answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Majority {
    voters: usize,
    answering: usize,
}

impl Majority {
    fn of(rows: &[NodeRow]) -> Self {
        let voters: Vec<_> = members(rows).iter().filter(|member| member.voter).collect();
        // A node that was wiped has the number of the member and is another one.
        let answers = |member: &&&MemberStatus| {
            statuses(rows).any(|status| status.node == member.node && status.incarnation == member.incarnation)
        };
        Self { voters: voters.len(), answering: voters.iter().filter(answers).count() }
    }

    fn is_there(self) -> bool {
        self.answering * 2 > self.voters
    }

    /// What it means, in a line.
    fn told(self) -> Option<String> {
        let Self { voters, answering } = self;
        if voters == 0 {
            return None;
        }
        if !self.is_there() {
            return Some(format!("no majority: {answering} of {voters} nodes answer"));
        }
        if let Some(warning) = members::survives_no_loss(voters) {
            return Some(warning.to_owned());
        }
        let survived = match answering - (voters - members::losses_survived(voters)) {
            0 => "no further loss".to_owned(),
            1 => "the loss of one".to_owned(),
            more => format!("the loss of {more}"),
        };
        Some(format!("{answering} of {voters} nodes answer: the cluster survives {survived}"))
    }
}

pub(super) async fn run(call: &mut Call) -> Result<Exit, Problem> {
    let rows = look(&call.client).await;
    let majority = Majority::of(&rows);
    let told = majority.told().or_else(|| is_unmade(&rows).then(|| UNMADE.to_owned()));
    let head = [
        Column::given_json("voters", majority.voters),
        Column::given_json("answering", majority.answering),
        Column::given_json("majority", majority.voters > 0 && majority.is_there()),
        Column::given_json("summary", Value::or_null(told.clone())),
    ];
    call.out.many_in(&head, "nodes", &columns(), &rows)?;
    for row in &rows {
        if let Some(problem) = row.problem() {
            let node = row.node.map_or_else(String::new, |node| format!("node {node} at "));
            call.out.text(&format!("{node}{}: {problem}", row.asked.address))?;
        }
    }
    if let Some(told) = &told {
        call.out.text(told)?;
    }
    if statuses(&rows).next().is_some() && (majority.voters == 0 || majority.is_there()) {
        return Ok(Exit::Done);
    }
    // A table and a document have said it already.
    if told.is_none() || !matches!(call.out.format(), Format::Table | Format::Json) {
        let message = told.unwrap_or_else(|| "no node answers".to_owned());
        let advice = "Check that the nodes run and can reach each other, and that the addresses are right.";
        call.out.report(&Problem::unavailable(message, advice).because(Reason::NoLeader));
    }
    Ok(Exit::Unavailable)
}

const UNMADE: &str = "no node that answers is in a cluster; `oncelog init` makes one, once";

/// Whether some node answers, and none that does is in a cluster.
fn is_unmade(rows: &[NodeRow]) -> bool {
    statuses(rows).next().is_some() && statuses(rows).all(|status| status.role == Role::Empty)
}

/// The state of every given node, and of every member that nobody gave.
pub(super) async fn look(client: &Client) -> Vec<NodeRow> {
    let status = async |address: &str| client.status(address).await;
    let mut rows: Vec<_> = nodes::ask(client.addresses(), status).await.into_iter().map(NodeRow::new).collect();
    let unasked = unasked(&rows);
    rows.extend(nodes::ask(unasked, status).await.into_iter().map(NodeRow::new));
    compared(rows)
}

fn statuses(rows: &[NodeRow]) -> impl Iterator<Item = &NodeStatus> {
    rows.iter().filter_map(|row| row.asked.said())
}

/// The members, as the node that has applied most names them.
fn members(rows: &[NodeRow]) -> &[MemberStatus] {
    let naming = statuses(rows).filter(|status| !status.members.is_empty());
    naming.max_by_key(|status| status.applied).map_or(&[], |status| &status.members)
}

/// The addresses of the members that were not asked, and did not answer at another address.
fn unasked(rows: &[NodeRow]) -> Vec<String> {
    let is_it = |row: &NodeRow, member: &MemberStatus| {
        row.asked.address == member.client_address || row.node == Some(member.node)
    };
    let unasked = members(rows).iter().filter(|member| !rows.iter().any(|row| is_it(row, member)));
    unasked.map(|member| member.client_address.clone()).collect()
}

/// One row a node, by number; a node that was given under two addresses answers twice and is shown once.
fn compared(mut rows: Vec<NodeRow>) -> Vec<NodeRow> {
    let members = members(&rows).to_vec();
    for row in rows.iter_mut().filter(|row| row.node.is_none()) {
        let named = members.iter().find(|member| member.client_address == row.asked.address);
        row.node = named.map(|member| member.node);
    }
    rows.sort_by_key(|row| (row.node.is_none(), row.node, row.asked.answer.is_err()));
    rows.dedup_by(|later, earlier| later.node.is_some() && later.node == earlier.node);
    let leads = statuses(&rows).filter(|status| status.role == Role::Leader);
    let leader = leads.max_by_key(|status| status.term).map(|status| status.node);
    let leader = leader.filter(|_| Majority::of(&rows).is_there());
    for row in &mut rows {
        row.is_stale = row.leader().is_some_and(|claimed| Some(claimed) != leader);
    }
    rows
}

#[cfg(test)]
mod tests {
    use crate::cli::output::printed;
    use crate::client::{Cause, Error, ErrorReport, Tried};
    use crate::types::{
        AttemptEffect, ClusterId, Counters, History, Incarnation, LogIndex, LogTime, MachineVersion, Sizes,
    };

    use super::members::tests::member;
    use super::*;

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

    fn silence(address: &str) -> NodeRow {
        let last = ErrorReport::new(Reason::Foreign, AttemptEffect::None, "cannot connect: Connection refused");
        let tried = vec![Tried { address: address.to_owned(), attempts: 1, last }];
        let (doing, cause) = (String::new(), Cause::NoNodeLeft);
        let error = Error { doing, id: None, effect: AttemptEffect::None, cause, tried };
        NodeRow::new(Asked { address: address.to_owned(), answer: Err(error) })
    }

    fn answer(address: &str, status: NodeStatus) -> NodeRow {
        NodeRow::new(Asked { address: address.to_owned(), answer: Ok(status) })
    }

    fn table(rows: &[NodeRow]) -> String {
        printed(Format::Table, |out| out.many("nodes", &columns(), rows))
    }

    #[test]
    fn members_that_nobody_asked_are_asked_whatever_they_were_called() {
        let answers = vec![answer("localhost:1", status(2, Role::Follower)), silence("c3:1")];
        assert_eq!(unasked(&answers), ["c1:1"]);
    }

    #[test]
    fn every_node_has_a_row_and_a_silent_one_says_why() {
        let answers = vec![
            silence("c3:1"),
            answer("localhost:1", status(2, Role::Follower)),
            answer("c2:1", status(2, Role::Follower)),
            silence("elsewhere:1"),
            answer("c1:1", status(1, Role::Leader)),
        ];
        let rows = compared(answers);
        let majority = Majority::of(&rows);
        let refused = "cannot connect: Connection refused";
        let expected = format!(
            "1\tc1:1\tleader\t4\t1\t8\t7\t6\tyes\t-\t1 (knows 2)\n\
             2\tlocalhost:1\tfollower\t4\t1\t8\t7\t6\tyes\t-\t1 (knows 2)\n\
             3\tc3:1\tunreachable\t-\t-\t-\t-\t-\t-\t{refused}\t-\n\
             -\telsewhere:1\tunreachable\t-\t-\t-\t-\t-\t-\t{refused}\t-\n"
        );
        assert_eq!(printed(Format::Plain, |out| out.many("nodes", &columns(), &rows)), expected);
        assert_eq!(majority, Majority { voters: 3, answering: 2 });
        let told = "2 of 3 nodes answer: the cluster survives no further loss";
        assert_eq!(majority.told().as_deref(), Some(told));
        assert!(table(&rows).lines().all(|line| line.chars().count() <= 80), "{}", table(&rows));
    }

    #[test]
    fn without_a_majority_no_claim_of_a_leader_is_believed() {
        let survivor = compared(vec![answer("c2:1", status(2, Role::Follower)), silence("c1:1"), silence("c3:1")]);
        let majority = Majority::of(&survivor);
        assert_eq!(majority.told().as_deref(), Some("no majority: 1 of 3 nodes answer"));
        let expected = "NODE  ADDRESS  ROLE         TERM  LEADER     COMMITTED  APPLIED  SERVING\n\
                        1     c1:1     unreachable  -     -          -          -        -\n\
                        2     c2:1     follower     4     1 (stale)  8          7        yes\n\
                        3     c3:1     unreachable  -     -          -          -        -\n";
        assert_eq!(table(&survivor), expected);
        let cut_off = compared(vec![answer("c1:1", status(1, Role::Leader)), silence("c2:1"), silence("c3:1")]);
        assert!(table(&cut_off).contains("leader (stale)"), "{}", table(&cut_off));
        let document = printed(Format::Json, |out| out.many("nodes", &columns(), &cut_off));
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["nodes"][0]["leader_is_stale"], true);
    }

    #[test]
    fn a_wiped_node_that_answers_under_a_members_number_does_not_count() {
        let wiped = NodeStatus { incarnation: Incarnation::from_bytes([9; 16]), ..status(2, Role::Empty) };
        let rows = compared(vec![answer("c1:1", status(1, Role::Leader)), answer("c2:1", wiped), silence("c3:1")]);
        assert_eq!(Majority::of(&rows), Majority { voters: 3, answering: 1 });
    }

    #[test]
    fn that_no_cluster_was_made_yet_is_said_only_of_nodes_that_answer() {
        let empty = || answer("c1:1", NodeStatus { members: Vec::new(), leader: None, ..status(1, Role::Empty) });
        assert!(is_unmade(&compared(vec![empty(), silence("c2:1")])));
        assert!(!is_unmade(&compared(vec![silence("c2:1")])));
        assert!(!is_unmade(&compared(vec![empty(), answer("c2:1", status(2, Role::Follower))])));
    }

    #[test]
    fn what_the_cluster_survives_is_said() {
        let told = |voters, answering| Majority { voters, answering }.told().unwrap_or_default();
        assert!(told(2, 2).starts_with("two nodes survive no loss"));
        assert!(told(1, 1).starts_with("one node survives no loss"));
        assert_eq!(told(2, 1), "no majority: 1 of 2 nodes answer");
        assert_eq!(told(3, 3), "3 of 3 nodes answer: the cluster survives the loss of one");
        assert_eq!(told(5, 5), "5 of 5 nodes answer: the cluster survives the loss of 2");
        assert_eq!(told(5, 3), "3 of 5 nodes answer: the cluster survives no further loss");
        assert_eq!(told(0, 0), "");
    }

    #[test]
    fn json_has_every_field() {
        let rows = compared(vec![answer("c1:1", status(1, Role::Leader))]);
        let document = printed(Format::Json, |out| out.many("nodes", &columns(), &rows));
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let node = &document["nodes"][0];
        assert_eq!((&node["node_id"], &node["role"], &node["reachable"]), (&1.into(), &"leader".into(), &true.into()));
        assert_eq!((&node["applied_index"], &node["digest"]), (&7.into(), &"ab".into()));
        assert_eq!(node["members"][2]["client_address"], "c3:1");
        assert_eq!(node["counters"]["replayed"], 0);
    }
}
