//! `init`, `snapshot` and `raise`.

use std::io::Write;

use serde::Serialize;

use crate::client::Client;
use crate::types::{Action, Founded, MachineVersion, MemberStatus, Snapshotted, SpaceName};

use super::answer::{self, Answer, What};
use super::arguments::{Init, Options, Raise};
use super::output::{self, Format, Row};
use super::report::Problem;
use super::status;

#[derive(Debug, Serialize)]
pub(super) struct MemberRow {
    node_id: u64,
    client_address: String,
    peer_address: String,
    incarnation: String,
    voter: bool,
}

impl MemberRow {
    pub(super) fn new(member: &MemberStatus) -> Self {
        Self {
            node_id: member.node.0,
            client_address: member.client_address.clone(),
            peer_address: member.peer_address.clone(),
            incarnation: member.incarnation.to_string(),
            voter: member.voter,
        }
    }
}

impl Row for MemberRow {
    const HEADINGS: &'static [&'static str] = &["NODE", "CLIENTS", "PEERS", "VOTER"];

    fn cells(&self) -> Vec<String> {
        let voter = if self.voter { "yes" } else { "no" };
        vec![self.node_id.to_string(), self.client_address.clone(), self.peer_address.clone(), voter.to_owned()]
    }
}

#[derive(Debug, Serialize)]
struct InitDocument {
    cluster_id: String,
    history: u64,
    already: bool,
    members: Vec<MemberRow>,
}

pub(super) async fn init(
    client: &Client,
    options: &Options,
    address: &str,
    init: Init,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let founded = client.init(address, &init.peers).await?;
    if !options.quiet {
        let made = if founded.already { "was there already" } else { "is made" };
        // A note: that it cannot be written is no failure of `init`.
        let _unheard = writeln!(anstream::stderr(), "cluster {} {made}", founded.cluster);
    }
    print_founded(out, options.output, &founded)
}

fn print_founded(out: &mut impl Write, format: Format, founded: &Founded) -> Result<(), Problem> {
    let members: Vec<_> = founded.members.iter().map(MemberRow::new).collect();
    match format {
        Format::Json => {
            let cluster_id = founded.cluster.to_string();
            let (history, already) = (founded.history.0, founded.already);
            output::print_document(out, &InitDocument { cluster_id, history, already, members })?;
        }
        Format::Table | Format::Jsonl | Format::Plain | Format::Csv => output::print_rows(out, format, &members)?,
    }
    Ok(())
}

#[derive(Debug, Serialize)]
struct SnapshotRow {
    address: String,
    snapshot_index: u64,
    purged_index: u64,
}

impl Row for SnapshotRow {
    const HEADINGS: &'static [&'static str] = &["ADDRESS", "SNAPSHOT", "PURGED"];

    fn cells(&self) -> Vec<String> {
        vec![self.address.clone(), self.snapshot_index.to_string(), self.purged_index.to_string()]
    }
}

pub(super) async fn snapshot(client: &Client, options: &Options, out: &mut impl Write) -> Result<(), Problem> {
    let mut rows = Vec::new();
    for address in client.addresses() {
        let Snapshotted { snapshot, purged } = client.snapshot(address).await?;
        rows.push(SnapshotRow { address: address.to_owned(), snapshot_index: snapshot.0, purged_index: purged.0 });
    }
    Ok(output::print_many(out, options.output, "snapshots", &rows)?)
}

/// What a raised version has of its own.
#[derive(Debug, Serialize)]
struct Raised {
    machine_version: u16,
}

impl What for Raised {
    const HEADINGS: &'static [&'static str] = &["MACHINE", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.machine_version.to_string()]
    }
}

/// The leader asks every member whether it knows the version, and refuses unless all do.
pub(super) async fn raise(
    client: &Client,
    options: &Options,
    raise: Raise,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let to = match raise.to {
        Some(to) => MachineVersion(to),
        None => newest_known_to_all(client).await?,
    };
    let system = client.in_space(SpaceName::system());
    let (done, _) = answer::submit(&system, raise.id.get()?, None, Action::RaiseVersion { to }).await?;
    let answer = Answer::new(&SpaceName::system(), &done, Raised { machine_version: to.0 });
    Ok(output::print_one(out, options.output, &answer)?)
}

async fn newest_known_to_all(client: &Client) -> Result<MachineVersion, Problem> {
    let mut newest = None;
    for (_, answer) in status::ask_all(client).await {
        let known = answer?.machine_version_known;
        newest = Some(newest.map_or(known, |newest: MachineVersion| newest.min(known)));
    }
    newest.ok_or_else(|| answer::unexpected("no member"))
}

#[cfg(test)]
mod tests {
    use crate::types::{ClusterId, History, Incarnation, NodeId};

    use super::*;

    #[test]
    fn what_was_founded_is_printed_in_every_format() {
        let member = MemberStatus {
            node: NodeId(1),
            peer_address: "127.0.0.1:7421".to_owned(),
            client_address: "127.0.0.1:7420".to_owned(),
            incarnation: Incarnation::from_bytes([2; 16]),
            voter: true,
        };
        let cluster = ClusterId::from_bytes([1; 16]);
        let founded = Founded { cluster, history: History(3), members: vec![member], already: false };
        let printed = |format| {
            let mut out = Vec::new();
            print_founded(&mut out, format, &founded).unwrap();
            String::from_utf8(out).unwrap()
        };
        let table = "NODE  CLIENTS         PEERS           VOTER\n1     127.0.0.1:7420  127.0.0.1:7421  yes\n";
        assert_eq!(printed(Format::Table), table);
        assert_eq!(printed(Format::Plain), "1\t127.0.0.1:7420\t127.0.0.1:7421\tyes\n");
        let document: serde_json::Value = serde_json::from_str(&printed(Format::Json)).unwrap();
        assert_eq!(document["cluster_id"], cluster.to_string());
        assert_eq!((&document["history"], &document["already"]), (&3.into(), &false.into()));
        assert_eq!(document["members"][0]["peer_address"], "127.0.0.1:7421");
    }
}
