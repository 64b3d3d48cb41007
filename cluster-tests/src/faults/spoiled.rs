//! What the faults of spoiled data share: a node that can't be trusted any more must stand aside, and gets its data back
//! when it has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Lasts, Site, Strike, Target};
use crate::cluster::Cluster;
use crate::history::Effective;
use crate::wait::{PATIENCE, until};

/// Kills a node, keeps its data, spoils a copy in the data's place, and starts it on that. Any machine can do that: where it
/// fails, it is no fault that this machine can't do.
pub(super) fn strike(site: Site<'_>, target: Target, what: String, spoil: fn(&Path) -> io::Result<()>) -> Strike {
    let (cluster, id) = (site.cluster(), target.id);
    let node = cluster.node(id);
    node.kill();
    let spoilt = node.with_data(move |data| {
        fs::rename(data, aside(data))?;
        let copied = Command::new("cp").arg("-a").arg(aside(data)).arg(data).status()?;
        if !copied.success() {
            return Err(io::Error::other("the data can't be copied"));
        }
        spoil(data)
    });
    if let Err(error) = spoilt {
        bring_back(cluster, id);
        let what = format!("the data of node {id} could not be spoilt: {error}");
        return Strike::new(what, Lasts::MOMENT, |_| Box::pin(async { Effective::Indeterminate })).at(target);
    }
    node.start();
    let strike = Strike::new(what, Lasts::MOMENT, move |cluster| {
        Box::pin(async move {
            stands_aside(cluster, id).await;
            cluster.node(id).kill();
            bring_back(cluster, id);
            Effective::Installed
        })
    });
    strike.at(target)
}

/// Waits until the node has ended by itself, and not well, or says why it does not serve.
async fn stands_aside(cluster: &Cluster, id: u64) {
    let node = cluster.node(id);
    until(&format!("node {id}, whose data is spoilt, stands aside"), PATIENCE, || async {
        if let Some(status) = node.ended() {
            return if status.success() { Err(format!("it ended with {status}")) } else { Ok(()) };
        }
        let status = node.status().await.map_err(|failure| failure.to_string())?;
        assert!(!status.serving, "node {id} serves out of spoilt data: {status:?}");
        if status.problem.is_empty() { Err("it has no problem".to_owned()) } else { Ok(()) }
    })
    .await;
}

/// What it had when it was killed: it has promised nothing since.
fn bring_back(cluster: &Cluster, id: u64) {
    let brought = cluster.node(id).with_data(|data| {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        fs::rename(aside(data), data)?;
        // Or a power cut soon after would bring back the spoilt data.
        fs::File::open(data.parent().unwrap_or(data))?.sync_all()
    });
    brought.expect("bring the node's data back");
    cluster.node(id).start();
}

fn aside(data: &Path) -> PathBuf {
    data.with_extension("aside")
}

/// The largest write-ahead file of the Raft log.
pub(super) fn write_ahead(data: &Path) -> io::Result<PathBuf> {
    let files: Vec<PathBuf> = fs::read_dir(data.join("raft").join("log"))?.flatten().map(|file| file.path()).collect();
    let logs = files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "log"));
    let sized = logs.map(|path| (fs::metadata(&path).map_or(0, |metadata| metadata.len()), path));
    sized.max().map(|(_, path)| path).ok_or_else(|| io::Error::other("there is no write-ahead file"))
}
