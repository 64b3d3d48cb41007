//! What nodes tell each other once a second: their wall clocks and their remembered digests.
//!
//! - Clock readings feed the stamp; each is kept with the moment it was taken, and grows with the monotonic clock.
//! - Digests are compared at equal indexes. A majority that agrees against this node stops it; a difference without a
//!   majority is an alarm.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::machine::Digest;
use crate::types::{LogIndex, LogTime, Membership, NodeId};
use crate::wire::peer;

use super::peers::PeerBook;

/// How often every member is asked.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// How long an answer may take; a slower one says too little about the time.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// One node's wall clock, as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// What it showed.
    pub wall: LogTime,
    /// When, on this node's monotonic clock.
    pub at: Instant,
}

/// The latest reading of every member that answered.
#[derive(Clone, Default)]
pub struct Readings {
    latest: Arc<Mutex<BTreeMap<NodeId, Reading>>>,
}

impl Readings {
    /// A copy of all of them.
    pub fn all(&self) -> BTreeMap<NodeId, Reading> {
        self.latest.lock().expect("no holder of the readings panics").clone()
    }

    fn put(&self, node: NodeId, reading: Reading) {
        self.latest.lock().expect("no holder of the readings panics").insert(node, reading);
    }
}

/// What the comparison of digests found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Every digest that could be compared is equal.
    Equal,
    /// A majority of the voters agrees on another digest: this node is wrong and must stop.
    Outvoted {
        /// Where.
        index: LogIndex,
    },
    /// Some node differs, but no majority can be heard to say who is wrong.
    Disputed {
        /// Where.
        index: LogIndex,
        /// The first node that differs.
        with: NodeId,
    },
}

/// Compares this node's digests with the others'.
pub(super) fn compare(
    here: NodeId,
    mine: &[(LogIndex, Digest)],
    theirs: &BTreeMap<NodeId, Vec<(LogIndex, Digest)>>,
    membership: &Membership,
) -> Agreement {
    let mut dispute = Agreement::Equal;
    for &(index, digest) in mine {
        let found: BTreeMap<NodeId, Digest> = theirs
            .iter()
            .filter_map(|(node, digests)| digests.iter().find(|(at, _)| *at == index).map(|(_, other)| (*node, *other)))
            .collect();
        let Some((&with, _)) = found.iter().find(|(_, other)| **other != digest) else { continue };
        let majority_differs = membership.configs.iter().all(|voters| {
            let mut votes: BTreeMap<Digest, usize> = BTreeMap::new();
            for (node, other) in &found {
                if voters.contains(node) && *node != here && *other != digest {
                    *votes.entry(*other).or_default() += 1;
                }
            }
            votes.values().any(|count| *count > voters.len() / 2)
        });
        if majority_differs {
            return Agreement::Outvoted { index };
        }
        dispute = Agreement::Disputed { index, with };
    }
    dispute
}

/// Asks every other member once. Returns the digests of those that answered in time.
pub(super) async fn round(
    here: NodeId,
    peers: &PeerBook,
    readings: &Readings,
    membership: &Membership,
) -> BTreeMap<NodeId, Vec<(LogIndex, Digest)>> {
    let others = membership.members.iter().filter(|(id, _)| **id != here);
    let asked = others.filter_map(|(id, member)| peers.get(*id, member).ok()).map(|peer| async move {
        let sent = Instant::now();
        let call = peer.client().exchange(peer.request(peer::ExchangeRequest {})).await;
        (peer.id, sent, call)
    });
    let asked = asked.map(|call| tokio::time::timeout(ANSWER_TIMEOUT, call));
    let mut digests = BTreeMap::new();
    for (node, sent, answer) in join_all(asked).await.into_iter().flatten() {
        let Ok(answer) = answer.map(tonic::Response::into_inner) else { continue };
        // The reading was taken between sending and receiving; half-way is the fairest guess.
        let at = sent + sent.elapsed() / 2;
        readings.put(node, Reading { wall: LogTime::from_ms_saturating(answer.wall_ms), at });
        let remembered = answer.digests.into_iter().filter_map(|remembered| {
            let digest = <[u8; 16]>::try_from(remembered.digest.as_ref()).ok()?;
            Some((LogIndex(remembered.index), Digest::from_bytes(digest)))
        });
        digests.insert(node, remembered.collect());
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 16])
    }

    fn three() -> Membership {
        Membership { configs: vec![BTreeSet::from([NodeId(1), NodeId(2), NodeId(3)])], members: BTreeMap::new() }
    }

    fn remembered(byte: u8) -> Vec<(LogIndex, Digest)> {
        vec![(LogIndex(1_024), digest(byte))]
    }

    #[test]
    fn a_node_that_two_others_contradict_with_one_voice_is_outvoted() {
        let theirs = BTreeMap::from([(NodeId(2), remembered(2)), (NodeId(3), remembered(2))]);
        let found = compare(NodeId(1), &remembered(1), &theirs, &three());
        assert_eq!(found, Agreement::Outvoted { index: LogIndex(1_024) });
    }

    #[test]
    fn a_difference_without_a_majority_is_disputed() {
        let one_answer = BTreeMap::from([(NodeId(2), remembered(2))]);
        let three_opinions = BTreeMap::from([(NodeId(2), remembered(2)), (NodeId(3), remembered(3))]);
        let disputed = Agreement::Disputed { index: LogIndex(1_024), with: NodeId(2) };
        assert_eq!(compare(NodeId(1), &remembered(1), &one_answer, &three()), disputed);
        assert_eq!(compare(NodeId(1), &remembered(1), &three_opinions, &three()), disputed);
    }

    #[test]
    fn only_equal_indexes_are_compared() {
        let theirs = BTreeMap::from([(NodeId(2), vec![(LogIndex(2_048), digest(9))]), (NodeId(3), remembered(1))]);
        assert_eq!(compare(NodeId(1), &remembered(1), &theirs, &three()), Agreement::Equal);
    }
}
