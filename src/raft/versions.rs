//! Which rules the members' builds know: asked when a version is to be raised, because a node that meets rules that it lacks
//! stops.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use crate::types::{MachineVersion, NodeId};
use crate::wire::peer;

use super::handle::Raft;

/// How long a member may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl Raft {
    /// The newest machine version that each member's build knows, voters and learners alike, asked now. None: it does not
    /// answer.
    pub async fn versions_known(&self) -> BTreeMap<NodeId, Option<MachineVersion>> {
        let here = self.local().node_id();
        let members = self.membership().members;
        let asked = members.into_keys().map(|node| async move {
            let known = if node == here { Some(MachineVersion::CURRENT) } else { self.version_known_by(node).await };
            (node, known)
        });
        join_all(asked).await.into_iter().collect()
    }

    async fn version_known_by(&self, node: NodeId) -> Option<MachineVersion> {
        let peer = self.peer(node)?;
        let mut client = peer.client();
        let call = client.exchange(peer.request(peer::ExchangeRequest {}));
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, call).await.ok()?.ok()?;
        u16::try_from(answer.into_inner().machine_version).ok().map(MachineVersion)
    }
}
