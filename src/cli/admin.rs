//! `init`, `snapshot` and `raise`.

use crate::types::{Action, MachineVersion, MemberStatus, Snapshotted};

use super::arguments::NewId;
use super::call::{self, Call};
use super::column::Column;
use super::members;
use super::problem::Problem;
use super::status;

pub(super) async fn init(call: &mut Call, peers: &[String]) -> Result<(), Problem> {
    let address = call.client.addresses().next().unwrap_or_default().to_owned();
    let founded = call.client.init(&address, peers).await?;
    if founded.already {
        conflict_unless_same(peers, &founded.members)?;
    }
    let made = if founded.already { "was made before" } else { "is made" };
    call.out.note(&format!("cluster {} {made}", founded.cluster));
    if let Some(warning) = members::survives_no_loss(founded.members.iter().filter(|member| member.voter).count()) {
        call.out.note(warning);
    }
    let head = [
        Column::given_json("cluster_id", founded.cluster.to_string()),
        Column::given_json("history", founded.history.0),
        Column::given_json("already", founded.already),
    ];
    call.out.many_in(&head, "members", &members::columns(), &founded.members)
}

/// A cluster of other members was made before: what was asked for now is not done.
fn conflict_unless_same(asked: &[String], members: &[MemberStatus]) -> Result<(), Problem> {
    let sorted = |mut addresses: Vec<String>| {
        addresses.sort();
        addresses.dedup();
        addresses.join(", ")
    };
    let (asked, found) =
        (sorted(asked.to_vec()), sorted(members.iter().map(|member| member.peer_address.clone()).collect()));
    if asked == found {
        return Ok(());
    }
    Err(Problem::conflict(
        format!("the node is in a cluster of {found} already, not of {asked}"),
        "Check the addresses. A cluster is made once; a node of another cluster needs an empty data directory.",
    ))
}

struct OfNode {
    address: String,
    done: Snapshotted,
}

pub(super) async fn snapshot(call: &mut Call) -> Result<(), Problem> {
    let mut rows = Vec::new();
    for address in call.client.addresses() {
        rows.push(OfNode { address: address.to_owned(), done: call.client.snapshot(address).await? });
    }
    let columns = [
        Column::new("address", "ADDRESS", |of: &OfNode| of.address.clone()),
        Column::new("snapshot_index", "SNAPSHOT", |of: &OfNode| of.done.snapshot.0),
        Column::new("purged_index", "PURGED", |of: &OfNode| of.done.purged.0),
    ];
    call.out.many("snapshots", &columns, &rows)
}

/// The leader asks every member whether it knows the version, and refuses unless all do.
pub(super) async fn raise(call: &mut Call, to: Option<u16>, id: NewId) -> Result<(), Problem> {
    let to = match to {
        Some(to) => MachineVersion(to),
        None => newest_known_to_all(call).await?,
    };
    let own = |_: &_| Some(vec![Column::given("machine_version", "MACHINE", to.0)]);
    call.act(id, None, Action::RaiseVersion { to }, own).await
}

async fn newest_known_to_all(call: &Call) -> Result<MachineVersion, Problem> {
    let mut newest = None;
    for row in status::look(&call.client).await {
        let known = row.answer?.machine_version_known;
        newest = Some(newest.map_or(known, |newest: MachineVersion| newest.min(known)));
    }
    newest.ok_or_else(|| call::unexpected("no member"))
}

#[cfg(test)]
mod tests {
    use crate::cli::exit::Exit;

    use super::*;

    #[test]
    fn a_cluster_of_other_members_is_a_conflict_that_names_both() {
        let members = [members::tests::member(1), members::tests::member(2)];
        let asked = |addresses: &[&str]| {
            conflict_unless_same(&addresses.iter().map(|address| (*address).to_owned()).collect::<Vec<_>>(), &members)
        };
        assert!(asked(&["p2:1", "p1:1"]).is_ok());
        let Err(Problem::Own(own)) = asked(&["p1:1", "p3:1"]) else { panic!() };
        assert_eq!(own.message, "the node is in a cluster of p1:1, p2:1 already, not of p1:1, p3:1");
        assert_eq!(own.exit, Exit::Conflict);
    }
}
