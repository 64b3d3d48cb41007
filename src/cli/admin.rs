//! `init`, `snapshot` and `raise`.

use crate::client::{Error, Kind, Reason};
use crate::types::{Action, MachineVersion, Snapshotted};

use super::arguments::NewId;
use super::call::{self, Call};
use super::column::Column;
use super::nodes::{self, Asked};
use super::problem::Problem;
use super::{members, status};

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

fn columns() -> Vec<Column<Asked<Snapshotted>>> {
    vec![
        Column::new("address", "ADDRESS", |of: &Asked<_>| of.address.clone()),
        Column::new("snapshot_index", "SNAPSHOT", |of: &Asked<Snapshotted>| of.said().map(|done| done.snapshot.0)),
        Column::new("purged_index", "PURGED", |of: &Asked<Snapshotted>| of.said().map(|done| done.purged.0)),
        Column::json("problem", Asked::silence),
    ]
}

pub(super) async fn snapshot(call: &mut Call) -> Result<(), Problem> {
    let rows = nodes::ask(call.client.addresses(), async |address| call.client.snapshot(address).await).await;
    if rows.iter().any(|of| of.answer.is_ok()) {
        call.out.many("snapshots", &columns(), &rows)?;
    }
    let mut problems = failed(rows);
    let last = problems.pop();
    for problem in &problems {
        call.out.report(problem);
    }
    last.map_or(Ok(()), Err)
}

/// Why it was not done where it was not; what is in doubt comes last, so that the exit code says it.
fn failed(rows: Vec<Asked<Snapshotted>>) -> Vec<Problem> {
    let mut errors: Vec<_> = rows.into_iter().filter_map(|of| of.answer.err()).collect();
    errors.sort_by_key(Error::in_doubt);
    let problem = |error: Error| match error.kind() {
        // One node was asked: a majority of the others is of no use to it.
        Kind::Unavailable if !error.in_doubt() => {
            Problem::Advised(Box::new(error), "Check that this node runs and that its address is right.".to_owned())
        }
        _ => error.into(),
    };
    errors.into_iter().map(problem).collect()
}

/// The leader asks every member whether it knows the version, and refuses unless all do.
pub(super) async fn raise(call: &mut Call, to: Option<u16>, id: NewId) -> Result<(), Problem> {
    let to = match to {
        Some(to) => MachineVersion(to),
        None => newest_known_to_all(call).await?,
    };
    call.act(id, None, Action::RaiseVersion { to }).await
}

async fn newest_known_to_all(call: &Call) -> Result<MachineVersion, Problem> {
    let rows = status::look(&call.client).await.into_iter();
    let known: Vec<_> = rows.map(|row| Ok(row.asked.answer?.machine_version_known)).collect::<Result<_, Error>>()?;
    known.into_iter().min().ok_or_else(|| call::unexpected("no member"))
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::exit::Exit;
    use crate::cli::output::printed;
    use crate::client::{Cause, ErrorReport, Tried};
    use crate::types::{AttemptEffect, LogIndex};

    use super::*;

    fn unavailable(effect: AttemptEffect) -> Error {
        let last = ErrorReport::new(Reason::Foreign, effect, "cannot connect: Connection refused");
        let tried = vec![Tried { address: "b:1".to_owned(), attempts: 1, last }];
        let cause = Cause::TimeOver(std::time::Duration::from_secs(1));
        Error { doing: "make a snapshot on b:1".to_owned(), id: None, effect, cause, tried }
    }

    #[test]
    fn each_node_is_reported_whatever_became_of_the_snapshot_on_another() {
        let done = Snapshotted { snapshot: LogIndex(12), purged: LogIndex(9) };
        let rows = [("a:1", Ok(done)), ("b:1", Err(unavailable(AttemptEffect::None)))];
        let rows: Vec<_> =
            rows.into_iter().map(|(address, answer)| Asked { address: address.to_owned(), answer }).collect();
        let printed = |format| printed(format, |out| out.many("snapshots", &columns(), &rows));
        assert_eq!(printed(Format::Plain), "a:1\t12\t9\nb:1\t-\t-\n");
        let lines = "{\"address\":\"a:1\",\"snapshot_index\":12,\"purged_index\":9}\n\
                     {\"address\":\"b:1\",\"problem\":\"cannot connect: Connection refused\"}\n";
        assert_eq!(printed(Format::Jsonl), lines);
    }

    #[test]
    fn doubt_about_one_snapshot_decides_how_the_command_ends() {
        let effects = [AttemptEffect::Unknown, AttemptEffect::None];
        let row = |effect| Asked { address: "b:1".to_owned(), answer: Err(unavailable(effect)) };
        let exits: Vec<_> = failed(effects.map(row).into()).iter().map(Problem::exit).collect();
        assert_eq!(exits, [Exit::Unavailable, Exit::InDoubt]);
    }

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
