//! Ids: they are counted in their space and its buckets, have places in its sequence, and go with what they have done.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Replica, Report};
use crate::history::Name;
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;
use crate::tables::{Id, Remembered, Space};

/// How many bytes an id counts beside its text and its outcome.
const ID_BYTES_BESIDE: u64 = 24;

/// What was gathered of the ids of a space.
#[derive(Debug, Default)]
struct Tally {
    ids: u64,
    bytes: u64,
    /// Of every outcome, its sequence and its time.
    outcomes: Vec<(u64, u64)>,
    /// By the first birth of a bucket.
    buckets: BTreeMap<u64, (u64, u64)>,
    /// Which commands have undone another.
    undoing: HashSet<Id>,
    /// What was undone, and by which command.
    undone: Vec<(Id, Id)>,
}

pub(super) fn judge(replica: &Replica<'_>, report: &mut Report<'_>) {
    let mut tallies: HashMap<u32, Tally> = HashMap::new();
    let mut written = Written::of(replica);
    let mut versions = versions(replica);
    for (number, id, remembered) in replica.tables.ids() {
        let Some(space) = replica.space(number, || format!("the id {id}"), report) else { continue };
        let tally = tallies.entry(number).or_default();
        of_one(replica, space, &id, &remembered, report);
        tally.take(replica, space, &id, &remembered, report);
        written.strike(number, &id, &remembered, report);
        if let Some(holdings) = versions.remove(&(number, remembered.outcome.sequence)) {
            for (what, _) in holdings.iter().filter(|(_, made_by)| !results(&remembered).any(made_by)) {
                report(format!("{what} has the version of {id}, which did not make it"));
            }
        }
    }
    for ((number, version), holdings) in versions {
        // A finite space may have forgotten who it was.
        let forgets = replica.spaces.get(&number).is_none_or(|(_, space)| space.memory.is_some());
        for (what, _) in holdings.iter().filter(|_| !forgets) {
            report(format!("{what} has version {version}, and no id has that sequence"));
        }
    }
    written.left(replica, report);
    for (number, (name, space)) in &replica.spaces {
        let tally = tallies.remove(number).unwrap_or_default();
        tally.judge(replica, name, space, report);
    }
}

/// The results of a command that was applied.
fn results(remembered: &Remembered) -> impl Iterator<Item = &Got> {
    let applied = match &remembered.outcome.verdict {
        Some(Verdict::Applied(applied)) => applied.results.as_slice(),
        _ => &[],
    };
    applied.iter().filter_map(|result| result.result.as_ref())
}

fn is_applied(remembered: &Remembered) -> bool {
    matches!(&remembered.outcome.verdict, Some(Verdict::Applied(applied)) if !applied.nothing_to_undo)
}

/// What a row says for itself.
fn of_one(replica: &Replica<'_>, space: &Space, id: &Id, remembered: &Remembered, report: &mut Report<'_>) {
    let outcome = &remembered.outcome;
    replica.not_ahead(outcome.time_ms, || format!("the outcome of {id}"), report);
    if outcome.history > replica.history {
        report(format!("the outcome of {id} is of history {}, after the cluster's own", outcome.history));
    }
    if outcome.sequence == 0 || outcome.sequence > space.last_sequence {
        report(format!("the outcome of {id} is at {}, and the last at {}", outcome.sequence, space.last_sequence));
    }
    let is_tombstone = matches!(outcome.verdict, Some(Verdict::Cancelled(_)));
    if is_tombstone != remembered.fingerprint.is_none() {
        report(format!("{id} has a fingerprint without content, or content without one: {remembered:?}"));
    }
    match (space.memory, id.born()) {
        (Some(_), None) => report(format!("{id} has no birth, in a space that forgets")),
        (None, _) if id.birth.is_some() => report(format!("{id} has a birth beside it, in a space that never forgets")),
        (Some(_), Some(birth)) if birth < space.floor => {
            report(format!("{id} was born at {birth}, and all is forgotten below {}", space.floor));
        }
        _ => {}
    }
    if remembered.compensated_by.is_some() && !is_applied(remembered) {
        report(format!("{id} was undone, and has never done anything"));
    }
}

impl Tally {
    fn take(
        &mut self,
        replica: &Replica<'_>,
        space: &Space,
        id: &Id,
        remembered: &Remembered,
        report: &mut Report<'_>,
    ) {
        let bytes = (id.text.len() + remembered.outcome_bytes) as u64 + ID_BYTES_BESIDE;
        self.ids += 1;
        self.bytes += bytes;
        self.outcomes.push((remembered.outcome.sequence, remembered.outcome.time_ms));
        if let Some(birth) = id.born().filter(|_| space.memory.is_some()) {
            let before = replica.small.buckets.range((space.number, 0)..=(space.number, birth)).next_back();
            match before.filter(|(_, bucket)| birth < bucket.end) {
                Some(((_, start), _)) => {
                    let counted = self.buckets.entry(*start).or_default();
                    *counted = (counted.0 + 1, counted.1 + bytes);
                }
                None => report(format!("{id} was born at {birth}, and no bucket is there for it")),
            }
        }
        if results(remembered).any(|result| matches!(result, Got::Compensated(_))) {
            self.undoing.insert(id.clone());
        }
        if let Some(by) = &remembered.compensated_by {
            self.undone.push((id.clone(), by.clone()));
        }
    }

    fn judge(mut self, replica: &Replica<'_>, name: &str, space: &Space, report: &mut Report<'_>) {
        if (self.ids, self.bytes) != (space.ids, space.id_bytes) {
            report(format!(
                "space {name} counts {} ids of {} bytes, and remembers {} of {}",
                space.ids, space.id_bytes, self.ids, self.bytes
            ));
        }
        for ((_, start), bucket) in replica.small.buckets.range((space.number, 0)..=(space.number, u64::MAX)) {
            let counted = self.buckets.get(start).copied().unwrap_or_default();
            if (bucket.ids, bucket.bytes) != counted || bucket.ids == 0 {
                report(format!("the bucket {start} of space {name} counts {bucket:?}, and there are {counted:?}"));
            }
            if *start < space.floor || bucket.end <= *start {
                report(format!("the bucket {start} to {} of space {name} is below {}", bucket.end, space.floor));
            }
        }
        self.outcomes.sort_unstable();
        for pair in self.outcomes.windows(2) {
            if let [(before, earlier), (after, later)] = pair
                && (before == after || earlier > later)
            {
                report(format!("outcomes of space {name} at {before} and {after} are of {earlier} and {later}"));
            }
        }
        if space.memory.is_none() && space.ids != space.last_sequence {
            report(format!("space {name} has {} outcomes, and remembers {} ids", space.last_sequence, space.ids));
        }
        self.marks(name, space, report);
    }

    /// A mark names a command that undid something, and each such command has one mark, unless one of both is forgotten.
    fn marks(&mut self, name: &str, space: &Space, report: &mut Report<'_>) {
        for (target, by) in &self.undone {
            let may_be_forgotten = space.memory.is_some() && by.born().is_some_and(|birth| birth < space.floor);
            if !self.undoing.remove(by) && !may_be_forgotten {
                report(format!("{target} of space {name} was undone by {by}, which undid nothing, or something else"));
            }
        }
        if space.memory.is_none() {
            for by in &self.undoing {
                report(format!("{by} of space {name} undid something, and nothing says that it was undone"));
            }
        }
    }
}

/// What has the version of a command, and what that command must have got.
type Holding = (String, fn(&Got) -> bool);

/// Everything that has a version, by its space and that version.
fn versions(replica: &Replica<'_>) -> BTreeMap<(u32, u64), Vec<Holding>> {
    let small = replica.small;
    let mut versions: BTreeMap<(u32, u64), Vec<Holding>> = BTreeMap::new();
    let mut add = |space: u32, version: u64, what: String, made_by: fn(&Got) -> bool| {
        versions.entry((space, version)).or_default().push((what, made_by));
    };
    for ((space, key), cell) in &small.cells {
        let made_by: fn(&Got) -> bool = |got| matches!(got, Got::Put(_) | Got::Added(_));
        add(*space, cell.version, format!("the cell {key}"), made_by);
    }
    for ((space, reader, log), position) in &small.positions {
        let what = format!("the position of {reader} in {log}");
        add(*space, position.version, what, |got| matches!(got, Got::Moved(_)));
    }
    for ((space, reader, log), version) in &small.deleted_positions {
        let what = format!("what stays of the position of {reader} in {log}");
        add(*space, *version, what, |got| matches!(got, Got::ReaderDeleted(_)));
    }
    for ((space, name), lock) in &small.locks {
        add(*space, lock.token.1, format!("the lock {name}"), |got| matches!(got, Got::Locked(_)));
    }
    versions
}

/// Records that follow each other and are of one id and one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    space: u32,
    /// The number of the id's name: ids are compared, not sorted for people.
    id: usize,
    first: u64,
    count: u64,
    time_ms: u64,
    /// The log's place among all logs of the replica.
    log: usize,
}

/// All records, by the id that wrote them.
struct Written {
    runs: Vec<Run>,
    struck: Vec<bool>,
    /// By space, the greatest offset below which some log of it has lost records.
    gone: BTreeMap<u32, u64>,
}

impl Written {
    fn of(replica: &Replica<'_>) -> Self {
        let (mut runs, mut gone) = (Vec::new(), BTreeMap::new());
        for (place, ((space, name), head)) in replica.small.logs.iter().enumerate() {
            let lost: &mut u64 = gone.entry(*space).or_default();
            *lost = head.start.max(*lost);
            let Some((in_space, _)) = replica.spaces.get(space) else { continue };
            let Some(log) = replica.dump.logs.get(crate::command::log_in(in_space, name).as_str()) else { continue };
            let mut open: Option<Run> = None;
            for record in &log.records {
                let (id, time_ms) = (record.id.number(), record.time_ms);
                let follows = |run: &Run| run.first + run.count == record.offset;
                match &mut open {
                    Some(run) if (run.id, run.time_ms) == (id, time_ms) && follows(run) => run.count += 1,
                    _ => {
                        let next = Run { space: *space, id, first: record.offset, count: 1, time_ms, log: place };
                        runs.extend(open.replace(next));
                    }
                }
            }
            runs.extend(open);
        }
        for ((space, _), deleted) in &replica.small.deleted_logs {
            let lost: &mut u64 = gone.entry(*space).or_default();
            *lost = deleted.end.max(*lost);
        }
        runs.sort_unstable();
        let struck = vec![false; runs.len()];
        Self { runs, struck, gone }
    }

    /// Lays what an id has written beside what its outcome says.
    fn strike(&mut self, space: u32, id: &Id, remembered: &Remembered, report: &mut Report<'_>) {
        let number = Name::of(&id.text).number();
        let from = self.runs.partition_point(|run| (run.space, run.id) < (space, number));
        let upto = self.runs.partition_point(|run| (run.space, run.id) <= (space, number));
        let mut said = appended(remembered);
        said.sort_unstable();
        let all: u64 = said.iter().map(|(first, end)| end - first).sum();
        let may_be_gone = said.first().zip(self.gone.get(&space)).is_some_and(|((first, _), lost)| first < lost);
        let mut there = 0;
        for place in from..upto {
            let (Some(run), Some(struck)) = (self.runs.get(place), self.struck.get_mut(place)) else { continue };
            if is_covered(run.first, run.first + run.count, &said) {
                *struck = true;
                there += run.count;
                if run.time_ms != remembered.outcome.time_ms {
                    let (decided_ms, Run { first, time_ms, .. }) = (remembered.outcome.time_ms, *run);
                    report(format!("{id} was decided at {decided_ms}, and its record {first} is of {time_ms}"));
                }
            }
        }
        if there > all || (there < all && !may_be_gone) {
            report(format!("the outcome of {id} says that it wrote {all} records, and {there} are there"));
        }
    }

    /// Names the records of ids that say nothing of them.
    fn left(self, replica: &Replica<'_>, report: &mut Report<'_>) {
        for (run, _) in self.runs.iter().zip(&self.struck).filter(|(_, struck)| !**struck) {
            let Some(((_, log), _)) = replica.small.logs.iter().nth(run.log) else { continue };
            let forgets = replica.spaces.get(&run.space).is_some_and(|(_, space)| space.memory.is_some());
            if !forgets {
                report(format!("{log}/{} and {} more: no outcome of their id says so", run.first, run.count - 1));
            }
        }
    }
}

/// Where a command's records are, each time from an offset on and before another.
fn appended(remembered: &Remembered) -> Vec<(u64, u64)> {
    let places = results(remembered).filter_map(|got| match got {
        Got::Appended(it) => Some((it.first_offset, it.first_offset.saturating_add(it.count.into()))),
        _ => None,
    });
    places.collect()
}

/// Whether every offset from one on and before another is in one of these places, which are sorted.
fn is_covered(first: u64, end: u64, places: &[(u64, u64)]) -> bool {
    let reach = |reached: u64, place: &(u64, u64)| if place.0 <= reached { reached.max(place.1) } else { reached };
    places.iter().fold(first, reach) >= end
}
