//! Points that follow each other on one way: the node that died at one comes to the next when it starts again.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::node::Came;
use super::sweep::Sweep;
use super::{CrashPoint, Way};
use crate::load::Load;
use crate::wait::{PATIENCE, until};

/// How often a way is begun before a point on it counts as dead: now and then a follower has got, before it was killed, all
/// that the leader was to have alone.
const BEGINNINGS: usize = 4;
/// How many entries a leader without followers takes, at least.
const TAIL: u64 = 3;

impl Sweep<'_> {
    /// Brings a node to each of these points in turn. Where its last death has taken it past the next point, the way begins
    /// again.
    pub(super) async fn chain(&self, way: Way, points: &[&'static CrashPoint], load: &Load) -> Result<(), String> {
        let mut victim = None;
        for point in points {
            let times = self.times(point);
            let mut came = match victim {
                Some(id) => self.come(id, point, times).await?,
                None => Came::Past,
            };
            for _ in 0..BEGINNINGS {
                if came == Came::Died {
                    break;
                }
                let id = match way {
                    Way::Torn => self.tear().await?,
                    Way::Truncate => self.leave_alone(load).await,
                    _ => self.leave_behind(load).await,
                };
                victim = Some(id);
                came = self.come(id, point, times).await?;
            }
            if let (Came::Past, Some(id)) = (came, victim) {
                return Err(self.mortal(id).dead_point(point.name));
            }
        }
        if let Some(id) = victim.filter(|id| self.cluster.node(*id).pid().is_none()) {
            self.recover(id).await;
        }
        Ok(())
    }

    /// Starts a node that is to die at this point. One that lives serves, and has caught up.
    async fn come(&self, id: u64, point: &'static CrashPoint, times: u64) -> Result<Came, String> {
        if self.cluster.node(id).pid().is_some() {
            return Ok(Came::Past);
        }
        let mortal = self.mortal(id);
        let goal = self.highest(&self.cluster.others(id)).await;
        mortal.arm(point.name, times);
        self.cluster.node(id).start();
        // What a snapshot brings is seen before the log has begun again behind it. What the others have taken since then is
        // applied out of the log alone.
        let later = AtomicU64::new(u64::MAX);
        let has_caught_up = async || {
            let Ok(status) = self.cluster.node(id).status().await else { return false };
            if status.serving && status.applied_index >= goal && later.load(Ordering::Relaxed) == u64::MAX {
                let highest = self.highest(&self.cluster.others(id)).await;
                later.store(highest + 1, Ordering::Relaxed);
            }
            status.serving && status.applied_index >= later.load(Ordering::Relaxed)
        };
        let came = mortal.comes(point.name, has_caught_up).await?;
        match came {
            Came::Died => self.died(point, id),
            Came::Past => {
                // The next start begins the way anew, and not where this one would have died.
                mortal.disarm();
                self.cluster.node(id).kill();
                self.recover(id).await;
            }
        }
        Ok(came)
    }

    /// The last index that any of these nodes has committed.
    async fn highest(&self, ids: &[u64]) -> u64 {
        let statuses = self.cluster.statuses(ids).await;
        statuses.into_iter().flatten().map(|status| status.committed_index).max().unwrap_or_default()
    }

    /// A node whose write-ahead log ends with a group that nobody was told of, and that is broken.
    async fn tear(&self) -> Result<u64, String> {
        let victim = self.follower().await;
        let mortal = self.mortal(victim);
        mortal.arm("group.synced", 1);
        mortal.dies("group.synced").await?;
        let path = last_wal(&self.cluster.node(victim).plan().data.join("raft/log"));
        let mut bytes = fs::read(&path).expect("read a write-ahead log");
        *bytes.last_mut().expect("a group was written") ^= 1;
        fs::write(&path, bytes).expect("break a write-ahead log");
        Ok(victim)
    }

    /// A leader that took entries when no follower was left, and died; the others have elected another meanwhile.
    async fn leave_alone(&self, load: &Load) -> u64 {
        let leader = self.cluster.leader().await;
        let others = self.cluster.others(leader);
        for id in &others {
            self.cluster.node(*id).kill();
        }
        until("a leader without followers takes entries", PATIENCE, || async {
            let status = self.cluster.node(leader).status().await.map_err(|failure| failure.to_string())?;
            let (last, committed) = (status.last_index, status.committed_index);
            if last >= committed + TAIL { Ok(()) } else { Err(format!("it has {last}, {committed} are committed")) }
        })
        .await;
        self.cluster.node(leader).kill();
        for id in &others {
            self.cluster.node(*id).start();
        }
        self.cluster.leader_among(&others).await;
        load.acknowledged_more(10).await;
        leader
    }

    /// A follower that is down, while the others purge what it lacks.
    async fn leave_behind(&self, load: &Load) -> u64 {
        let victim = self.follower().await;
        self.cluster.node(victim).kill();
        let others = self.cluster.others(victim);
        let slept_at = self.highest(&others).await;
        load.acknowledged_more(30).await;
        for id in others {
            let node = self.cluster.node(id);
            until(&format!("node {id} has purged what node {victim} needs"), PATIENCE, || async {
                let made = node.client().snapshot().await.map_err(|failure| failure.to_string())?;
                let purged = made.purged_index;
                if purged > slept_at { Ok(()) } else { Err(format!("up to {purged}, and not {slept_at}")) }
            })
            .await;
        }
        victim
    }
}

/// The newest file of a write-ahead log that holds anything.
fn last_wal(database: &std::path::Path) -> PathBuf {
    let items = fs::read_dir(database).expect("list the log's database").flatten();
    let files = items.filter(|item| item.metadata().is_ok_and(|metadata| metadata.len() > 0)).map(|item| item.path());
    let newest = files.filter(|path| path.extension().is_some_and(|extension| extension == "log")).max();
    newest.unwrap_or_else(|| panic!("{} has no write-ahead log", database.display()))
}
