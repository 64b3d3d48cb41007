//! `init`, `snapshot` and `raise`.

use crate::client::{Error, Reason};
use crate::types::{Action, MachineVersion, Snapshotted};

use super::arguments::NewId;
use super::call::{self, Call};
use super::column::Column;
use super::members;
use super::problem::Problem;
use super::status;

pub(super) async fn init(call: &mut Call, peers: &[String]) -> Result<(), Problem> {
    let address = call.client.addresses().next().unwrap_or_default().to_owned();
    let founded = call.client.init(&address, peers).await.map_err(of_other_members)?;
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

/// The node is in a cluster already, and not in one of these members: nothing is done. The node names both memberships.
fn of_other_members(error: Error) -> Problem {
    match error.tried.last() {
        Some(tried) if error.reason() == Some(Reason::ClusterMismatch) => {
            let advice =
                "Check the addresses. A cluster is made once; a node of another cluster needs an empty data directory.";
            Problem::conflict(tried.last.message.clone(), advice).because(Reason::ClusterMismatch)
        }
        _ => error.into(),
    }
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
    use crate::client::{Cause, ErrorReport, Tried};
    use crate::types::AttemptEffect;

    use super::*;

    #[test]
    fn a_cluster_of_other_members_is_a_conflict() {
        let last = ErrorReport::without_effect(Reason::ClusterMismatch, "this node is in a cluster of a:1, not of b:1");
        let tried = vec![Tried { address: "a:1".to_owned(), attempts: 1, last }];
        let (doing, cause) = (String::new(), Cause::NoNodeLeft);
        let problem = of_other_members(Error { doing, id: None, effect: AttemptEffect::None, cause, tried });
        assert_eq!(problem.exit(), Exit::Conflict);
        assert!(matches!(problem, Problem::Own(own) if own.message == "this node is in a cluster of a:1, not of b:1"));
    }
}
