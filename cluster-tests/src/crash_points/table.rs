//! All crash points, and how a node is brought to each.

use std::fmt;

/// What a node has to go through to come to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its first start.
    First,
    /// It is told to make a cluster.
    Init,
    /// It hears of its cluster for the first time.
    Adopt,
    /// A start.
    Start,
    /// A start with a write-ahead log whose last group is torn.
    Torn,
    /// A load.
    Load,
    /// The leader dies, and it votes.
    Vote,
    /// A snapshot is asked for.
    Snapshot,
    /// It led, alone, and comes back to a cluster that has gone on without it.
    Truncate,
    /// It comes back when the log that it needs has been purged.
    Behind,
    /// It is asked to end.
    Stop,
}

impl Way {
    /// All, in the order in which a round goes through them.
    pub const ALL: [Self; 11] = [
        Self::First,
        Self::Init,
        Self::Adopt,
        Self::Start,
        Self::Torn,
        Self::Load,
        Self::Vote,
        Self::Snapshot,
        Self::Truncate,
        Self::Behind,
        Self::Stop,
    ];
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::First => "first start",
            Self::Init => "init",
            Self::Adopt => "joining",
            Self::Start => "start",
            Self::Torn => "torn log",
            Self::Load => "load",
            Self::Vote => "election",
            Self::Snapshot => "snapshot",
            Self::Truncate => "cut tail",
            Self::Behind => "far behind",
            Self::Stop => "stop",
        })
    }
}

/// A point.
#[derive(Debug)]
pub struct CrashPoint {
    /// Its name.
    pub name: &'static str,
    /// How a node comes to it.
    pub way: Way,
    /// A later round may wait until it is reached for this time.
    pub times: u64,
    /// What is on disk already.
    pub done: &'static str,
    /// What is lost with the process.
    pub next: &'static str,
}

const fn point(way: Way, name: &'static str, times: u64, done: &'static str, next: &'static str) -> CrashPoint {
    CrashPoint { name, way, times, done, next }
}

/// All points. Those of one way are in the order in which a node that dies at each of them in turn comes to them.
pub const POINTS: [CrashPoint; 66] = [
    point(Way::First, "identity.write", 1, "nothing", "the identity is written"),
    point(Way::First, "identity.written", 1, "the identity", "the log is made"),
    point(Way::First, "open.watermark_made", 1, "the log's watermark", "its database is made"),
    point(Way::First, "create.generation_flushed", 1, "the first generation's tables", "their names are synced"),
    point(Way::First, "create.generation_synced", 1, "the first generation", "the switch is written"),
    point(Way::First, "create.switched", 1, "a whole, empty node", "it serves peers"),
    point(Way::Init, "init.begun", 1, "no cluster", "cluster id and members are stored"),
    point(Way::Init, "init.stored", 1, "cluster id and members", "Raft begins with them"),
    point(Way::Init, "init.made", 1, "the membership, first in the log", "`init` is answered"),
    point(Way::Adopt, "adopt.begun", 1, "no cluster", "the cluster id is stored"),
    point(Way::Adopt, "adopt.stored", 1, "the cluster id", "the first message is handled"),
    point(Way::Start, "open.verified", 1, "the log, checked", "the watermark is written anew"),
    point(Way::Start, "watermark.write", 2, "the watermark before", "a slot is written"),
    point(Way::Start, "watermark.sync", 2, "one slot is written, maybe not synced", "it is synced"),
    point(Way::Start, "watermark.synced", 2, "one slot", "the other one"),
    point(Way::Start, "watermark.half_reset", 1, "one slot", "the other one"),
    point(Way::Start, "watermark.reset", 1, "both slots", "the state is opened"),
    point(Way::Torn, "open.copied", 1, "a copy of the log's database", "the copy is recovered up to the tear"),
    point(Way::Torn, "open.copy_published", 1, "the recovered copy, named", "the original is removed"),
    point(Way::Torn, "open.original_removed", 1, "the recovered copy alone", "it gets the original's name"),
    point(Way::Torn, "open.switched", 1, "the recovered log", "it is opened"),
    point(Way::Load, "group.begun", 40, "the group before", "a group is written"),
    point(Way::Load, "log.write", 40, "the group before", "a group is written"),
    point(Way::Load, "group.synced", 40, "the group, beyond the watermark", "the watermark is raised"),
    point(Way::Load, "watermark.raised", 40, "the group and a watermark that knows it", "it is answered"),
    point(Way::Load, "group.marked", 40, "the group and a watermark that knows it", "it is answered"),
    point(Way::Load, "group.answered", 40, "the group, which others may know of", "the next group"),
    point(Way::Load, "committed.begun", 40, "an older committed index", "a newer one is written"),
    point(Way::Load, "committed.synced", 40, "the newer committed index", "the group is answered"),
    point(Way::Load, "apply.before", 40, "the state before", "a chunk is applied"),
    point(Way::Load, "apply.write", 40, "the state before", "a chunk is applied"),
    point(Way::Load, "apply.written", 40, "the chunk, in memory and in the log", "its callers are answered"),
    point(Way::Vote, "vote.begun", 1, "the vote before", "a vote is written"),
    point(Way::Vote, "vote.synced", 1, "the vote", "the watermark is raised"),
    point(Way::Vote, "vote.marked", 1, "the vote and a watermark that knows it", "it is given"),
    point(Way::Snapshot, "checkpoint.before", 2, "the snapshot before", "a checkpoint is made"),
    point(Way::Snapshot, "checkpoint.build", 2, "the snapshot before", "a checkpoint is made"),
    point(Way::Snapshot, "checkpoint.built", 2, "the state, and a checkpoint without a name", "it is synced"),
    point(Way::Snapshot, "checkpoint.synced", 2, "the checkpoint, without a name", "it is named"),
    point(Way::Snapshot, "checkpoint.named", 2, "the new snapshot beside the old", "the old one is removed"),
    point(Way::Snapshot, "checkpoint.published", 2, "the new snapshot", "the log is purged behind it"),
    point(Way::Snapshot, "purge.begun", 2, "the new snapshot and all of the log", "the log is purged"),
    point(Way::Snapshot, "purge.synced", 2, "the purged log", "the watermark is raised"),
    point(Way::Truncate, "truncate.begun", 1, "a tail that the cluster lacks", "the watermark is lowered"),
    point(Way::Truncate, "watermark.half_lowered", 1, "one slot of the lowered watermark", "the other one"),
    point(Way::Truncate, "truncate.lowered", 1, "the tail, beyond the watermark", "it is cut off"),
    point(Way::Truncate, "truncate.synced", 1, "the log without the tail", "the cluster's entries follow"),
    point(Way::Behind, "receive.part_written", 1, "part of a snapshot's file", "the rest of it"),
    point(Way::Behind, "receive.file_synced", 2, "a file without its name", "it is named"),
    point(Way::Behind, "receive.file_whole", 2, "a file of the snapshot", "the next one"),
    point(Way::Behind, "receive.finished", 1, "all files", "a generation is made of them"),
    point(Way::Behind, "install.before_copy", 1, "all files", "they are linked for the snapshot to send on"),
    point(Way::Behind, "install.copy_linked", 1, "the links, without a name", "they are named"),
    point(Way::Behind, "install.copy_named", 1, "the snapshot to send on", "the files become a generation"),
    point(Way::Behind, "install.generation_named", 1, "the generation, not current", "it is opened and checked"),
    point(Way::Behind, "install.before_switch", 1, "the generation, checked", "the switch is replaced"),
    point(Way::Behind, "install.switch", 1, "the generation, checked", "the switch is replaced"),
    point(Way::Behind, "install.switched", 1, "the new state, ahead of the log", "the old one goes"),
    point(
        Way::Behind,
        "restart.begun",
        1,
        "the new state and the old log",
        "the watermark is lowered, if it is too high",
    ),
    point(
        Way::Behind,
        "restart.lowered",
        1,
        "the old log, beyond the watermark",
        "it begins again behind the snapshot",
    ),
    point(Way::Behind, "restart.synced", 1, "a log that begins behind the snapshot", "the watermark is raised"),
    point(Way::Behind, "install.published", 1, "the new state, ahead of the log", "the log begins again behind it"),
    point(Way::Behind, "restart.marked", 1, "the log and a watermark that knows it", "what follows the snapshot"),
    point(Way::Stop, "flush.before", 1, "the log of what was applied", "the state is flushed"),
    point(Way::Stop, "flush.write", 1, "the log of what was applied", "the state is flushed"),
    point(Way::Stop, "flush.after", 1, "the state", "the log is closed"),
];

/// The points of these names, or all.
pub fn points(names: &[String]) -> Result<Vec<&'static CrashPoint>, String> {
    let find = |name: &String| {
        let all = || POINTS.iter().map(|point| point.name).collect::<Vec<_>>().join(", ");
        let known = POINTS.iter().find(|point| point.name == name);
        known.ok_or_else(|| format!("there is no crash point {name}; there are: {}", all()))
    };
    if names.is_empty() { Ok(POINTS.iter().collect()) } else { names.iter().map(find).collect() }
}

/// Whether this is the name of a point.
pub fn is_one(name: &str) -> bool {
    POINTS.iter().any(|point| point.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout;

    fn read(path: &str) -> String {
        std::fs::read_to_string(checkout::repository().join(path)).unwrap()
    }

    /// A node is brought to every point that the source has, and to no other.
    #[test]
    fn the_table_has_the_points_of_the_source() {
        let source = read("src/store/crash_point/point.rs");
        let (_, list) = source.split_once("\npoints! {").unwrap();
        let mut there: Vec<_> = list.lines().filter_map(|line| line.split('"').nth(1)).collect();
        let mut here: Vec<_> = POINTS.iter().map(|point| point.name).collect();
        there.sort_unstable();
        here.sort_unstable();
        assert_eq!(here, there);
    }

    #[test]
    fn the_page_has_every_point() {
        let page = read("src/docs/chaos.md");
        let rows: Vec<_> =
            page.lines().filter(|line| Way::ALL.iter().any(|way| line.starts_with(&format!("| {way} |")))).collect();
        let expected =
            |point: &CrashPoint| format!("| {} | `{}` | {} | {} |", point.way, point.name, point.done, point.next);
        let lacking: Vec<_> = POINTS.iter().map(expected).filter(|row| !rows.contains(&row.as_str())).collect();
        assert!(lacking.is_empty(), "the page lacks these rows:\n{}", lacking.join("\n"));
        assert_eq!(rows.len(), POINTS.len());
    }

    #[test]
    fn a_point_that_is_not_there_is_told_with_all_that_are() {
        assert_eq!(points(&[]).unwrap().len(), POINTS.len());
        assert_eq!(points(&["vote.synced".to_owned()]).unwrap().len(), 1);
        let why = points(&["vote.sunk".to_owned()]).unwrap_err();
        assert!(why.contains("vote.sunk") && why.contains("identity.write, "), "{why}");
    }
}
