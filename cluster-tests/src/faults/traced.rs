//! What the faults of syncing share: `strace` in a node's way to its disk.

use std::time::Duration;

use super::{Lasts, Site, Strike, Target, ended_by, start_again};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::tracer::Tracer;
use crate::wait::{PATIENCE, until};

/// How long a node may have nothing to sync, while nobody asks it anything.
const IDLE: Duration = Duration::from_secs(10);

/// Has each of the node's syncs take so much more.
pub(super) async fn strike(
    site: Site<'_>,
    target: Target,
    what: String,
    more: Duration,
    lasts: Lasts,
) -> Result<Strike, String> {
    let tracer = attach(site, target, &format!("delay_enter={}", more.as_micros())).await?;
    let before = log_syncs(site.cluster(), target.id).await;
    let strike = Strike::new(what, lasts, move |cluster| {
        Box::pin(async move {
            let after = log_syncs(cluster, target.id).await;
            let took = tracer.attached_for();
            let delayed = tracer.detach();
            match before.zip(after) {
                Some((before, after)) if delayed > 0 && is_slow(after.saturating_sub(before), took, more) => {
                    Effective::Installed
                }
                _ => Effective::Indeterminate,
            }
        })
    });
    Ok(strike.at(target))
}

/// How often a node has synced its Raft log, by its own count; none if it does not say.
async fn log_syncs(cluster: &Cluster, id: u64) -> Option<u64> {
    let status = cluster.node(id).status().await.ok()?;
    status.counters.map(|counters| counters.log_syncs)
}

/// Whether a node that syncs one after the other has done no more in a time than it could if each took so long. One may
/// have been on its way at either end.
fn is_slow(syncs: u64, within: Duration, each: Duration) -> bool {
    u128::from(syncs) <= within.as_micros() / each.as_micros().max(1) + 2
}

/// Has the node's syncs fail: it has to end by itself as soon as one does, and starts again.
pub(super) async fn strike_dead(site: Site<'_>, target: Target, what: String, lasts: Lasts) -> Result<Strike, String> {
    let heard = site.node(target.id).said().len();
    let tracer = attach(site, target, "error=EIO").await?;
    let strike = Strike::new(what, lasts, move |cluster| {
        Box::pin(async move {
            let node = cluster.node(target.id);
            until(&format!("node {} syncs, if it has anything to sync", target.id), PATIENCE, || async {
                let idle = tracer.attached_for() > IDLE;
                if tracer.meddled() > 0 || idle { Ok(()) } else { Err("it has not".to_owned()) }
            })
            .await;
            if tracer.meddled() == 0 {
                start_again(cluster, target.id);
                return Effective::Indeterminate;
            }
            until(&format!("node {}, which can't sync, ends", target.id), PATIENCE, || async {
                node.ended().map(drop).ok_or_else(|| "it runs".to_owned())
            })
            .await;
            let effective = ended_by(cluster, target.id, heard, &["Input/output error"]);
            start_again(cluster, target.id);
            effective
        })
    });
    Ok(strike.at(target))
}

/// Has the node's syncs done in this way, and nothing else.
pub(super) async fn attach(site: Site<'_>, target: Target, how: &str) -> Result<Tracer, String> {
    let process = site.node(target.id).pid().ok_or_else(|| format!("node {} does not run", target.id))?;
    Tracer::of_syncs(process, how, &site.directory().join(format!("strace-{}", target.id))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_slow_if_no_more_were_done_than_the_delay_allows() {
        let [second, tenth] = [1_000, 100].map(Duration::from_millis);
        assert!(is_slow(0, second, tenth) && is_slow(12, second, tenth));
        assert!(!is_slow(13, second, tenth) && !is_slow(500, second, tenth));
    }
}
