//! A rolling restart: each node is asked to end, and starts again; the next when the cluster serves.

use super::{Hold, Kind, Lasts, Site, Strike};
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "restart-in-turn",
    needs: &[],
    takes: Some("SIGTERM"),
    holds: Hold::Alone,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    for node in site.nodes() {
        node.terminate();
        until(&format!("node {} ends", node.id()), PATIENCE, || async {
            node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
        })
        .await;
        node.reap();
        node.start();
        site.serving(&site.ids()).await;
    }
    Ok(Strike::healed_at_once("restart of all nodes, one after the other".to_owned(), Lasts::MOMENT, |_| ()))
}
