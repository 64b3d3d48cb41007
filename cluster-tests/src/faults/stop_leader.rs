//! The leader is asked to end, as an operator does; it starts again when another leads.

use super::{Hold, Kind, Lasts, Site, Strike, start_again};
use crate::history::Effective;
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "stop-leader",
    needs: &[],
    takes: Some("SIGTERM"),
    holds: Hold::Node,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let leader = site.leader().await;
    site.node(leader.id).terminate();
    let lasts = Lasts::until_another_leads(leader.id);
    let strike = Strike::new(format!("SIGTERM to {leader}"), lasts, move |cluster| {
        Box::pin(async move {
            let node = cluster.node(leader.id);
            until(&format!("node {} ends when it is asked to", leader.id), PATIENCE, || async {
                node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
            })
            .await;
            start_again(cluster, leader.id);
            Effective::Installed
        })
    });
    Ok(strike.at(leader))
}
