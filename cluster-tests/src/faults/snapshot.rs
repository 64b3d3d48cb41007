//! A snapshot is forced on every node that no other fault has in its hand, under load, and the log purged behind it.

use super::{Hold, Kind, Lasts, Site, Strike};
use crate::history::Effective;
use crate::wait::PATIENCE;

pub(super) const KIND: Kind = Kind {
    name: "snapshot",
    needs: &[],
    takes: None,
    holds: Hold::Nothing,
    install: |site, _| Box::pin(install(site)),
};

async fn install(site: Site<'_>) -> Result<Strike, String> {
    let mut effective = Effective::Installed;
    for id in site.free(&site.ids()) {
        if site.node(id).asked_within(PATIENCE).snapshot().await.is_err() {
            effective = Effective::Indeterminate;
        }
    }
    Ok(Strike::new("snapshot and purge on all nodes", Lasts::MOMENT, move |_| Box::pin(async move { effective })))
}
