//! The members of a cluster: how they are printed, and what the cluster survives.

use crate::types::MemberStatus;

use super::column::Column;

pub(super) fn columns() -> Vec<Column<MemberStatus>> {
    vec![
        Column::new("node_id", "NODE", |member: &MemberStatus| member.node.0),
        Column::new("client_address", "CLIENTS", |member: &MemberStatus| member.client_address.clone()),
        Column::new("peer_address", "PEERS", |member: &MemberStatus| member.peer_address.clone()),
        Column::json("incarnation", |member: &MemberStatus| member.incarnation.to_string()),
        Column::new("voter", "VOTER", |member: &MemberStatus| member.voter),
    ]
}

/// A warning, if a cluster of so many voters stops when one of them fails.
pub(super) fn survives_no_loss(voters: usize) -> Option<&'static str> {
    match voters {
        1 => Some("one node survives no loss: if it fails, the cluster stops; three nodes survive the loss of one"),
        2 => Some("two nodes survive no loss: if either fails, the cluster stops; three nodes survive the loss of one"),
        _ => None,
    }
}

/// How many of so many voters may fail while the others go on.
pub(super) fn losses_survived(voters: usize) -> usize {
    voters.saturating_sub(1) / 2
}

#[cfg(test)]
pub(super) mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{Incarnation, NodeId};

    use super::*;

    pub(in crate::cli) fn member(node: u64) -> MemberStatus {
        MemberStatus {
            node: NodeId(node),
            peer_address: format!("p{node}:1"),
            client_address: format!("c{node}:1"),
            incarnation: Incarnation::from_bytes([2; 16]),
            voter: true,
        }
    }

    #[test]
    fn members_are_printed_for_people_and_for_programs() {
        let printed = |format| printed(format, |out| out.rows(&columns(), &[member(1)]));
        assert_eq!(printed(Format::Table), "NODE  CLIENTS  PEERS  VOTER\n1     c1:1     p1:1   yes\n");
        assert_eq!(printed(Format::Plain), "1\tc1:1\tp1:1\tyes\n");
        assert_eq!(printed(Format::Csv), "node,clients,peers,voter\r\n1,c1:1,p1:1,true\r\n");
    }

    #[test]
    fn one_or_two_nodes_survive_no_loss() {
        assert_eq!([1, 2, 3, 4, 5].map(losses_survived), [0, 0, 1, 1, 2]);
        assert_eq!([1, 2, 3].map(|voters| survives_no_loss(voters).is_some()), [true, true, false]);
    }
}
