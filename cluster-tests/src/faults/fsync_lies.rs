//! A follower's disk says that it has synced and has not, and then its power is cut: what the follower promised is gone.
//!
//! Nothing on its disk tells it so. It may find out and stand aside, and then it gets back what it had; or it may be given
//! what it lost by a leader that still has it. What it must never do is to serve without that.

use std::path::Path;
use std::process::Command;

use rand::rngs::StdRng;

use super::traced::attach;
use super::{Hold, Kind, Lasts, Need, Site, Strike};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::wait::{PATIENCE, until};

pub(super) const KIND: Kind = Kind {
    name: "fsync-lies",
    needs: &[Need::Disks],
    takes: None,
    holds: Hold::Alone,
    install: |site, random| Box::pin(install(site, random)),
};

async fn install(site: Site<'_>, random: &mut StdRng) -> Result<Strike, String> {
    let liar = site.follower(random).await;
    // The call is not made, and the process is told that all went well.
    let tracer = attach(site, liar, "retval=0").await?;
    let what = format!("the disk of {liar}, does not sync and says that it did, until its power is cut");
    let strike = Strike::new(what, Lasts::LONG, move |cluster| {
        Box::pin(async move {
            let node = cluster.node(liar.id);
            node.kill();
            drop(tracer);
            // The page cache still has all that the node ever wrote.
            let kept = cluster.directory().join(format!("kept-of-{}", liar.id));
            node.with_data({
                let kept = kept.clone();
                move |data| copy(data, &kept)
            });
            cluster.cut_power_of(&[liar.id]);
            let lost = node.with_data({
                let kept = kept.clone();
                move |data| differ(data, &kept)
            });
            let effective = if lost { Effective::Installed } else { Effective::Indeterminate };
            node.start();
            if !serves_again(cluster, liar.id).await {
                node.kill();
                node.with_data({
                    let kept = kept.clone();
                    move |data| {
                        std::fs::remove_dir_all(data).expect("remove what is left of the node's data");
                        copy(&kept, data);
                    }
                });
                cluster.disk(liar.id).sync();
                node.start();
            }
            std::fs::remove_dir_all(&kept).expect("remove the copy of the node's data");
            effective
        })
    });
    Ok(strike.at(liar))
}

/// Waits until the node serves and has all that the others had when it came back, or stands aside: it has ended by itself,
/// or says what its problem is.
async fn serves_again(cluster: &Cluster, id: u64) -> bool {
    let node = cluster.node(id);
    let others = cluster.statuses(&cluster.others(id)).await;
    let goal = others.into_iter().flatten().map(|status| status.committed_index).max().unwrap_or_default();
    until(&format!("node {id}, which was lied to, serves or stands aside"), PATIENCE, || async {
        if node.ended().is_some() {
            return Ok(false);
        }
        let status = node.status().await.map_err(|failure| failure.to_string())?;
        let has_all = status.applied_index >= goal;
        match (status.serving, status.problem.is_empty()) {
            (true, _) if has_all => Ok(true),
            (false, false) => Ok(false),
            _ => Err(format!("it does neither: {status:?}")),
        }
    })
    .await
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("start cp");
    assert!(copied.success(), "the data of a node can't be copied");
}

/// Whether anything is in one directory that is otherwise in another, or not there at all.
fn differ(one: &Path, other: &Path) -> bool {
    let compared = Command::new("diff").args(["-rq"]).args([one, other]).output().expect("start diff");
    compared.status.code() == Some(1)
}
