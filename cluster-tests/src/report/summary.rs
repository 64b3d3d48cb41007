//! What one or more runs come to, as values.
//!
//! - A run is kept whole: to merge is to put runs side by side, and every total is added up from them.
//! - The same run counts once, however often its report is given.
//! - Times are milliseconds of the run's own clock.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::history::Effective;

/// One or more runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Each of them.
    pub runs: Vec<Run>,
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The seed of its schedule, if it had one.
    pub seed: Option<u64>,
    /// How many nodes.
    pub nodes: usize,
    /// The command that runs the same schedule again, if there is one.
    pub command: Option<String>,
    /// Which timeouts its nodes had, if its command says so.
    pub timing: Option<String>,
    /// The name of its history's file.
    pub history: String,
    /// For how long there was a load, or a fault.
    pub duration_ms: u64,
    /// All ids that clients used.
    pub operations: usize,
    /// All that was sent for them.
    pub attempts: usize,
    /// Of how many it is known that they were acknowledged.
    pub acknowledged: usize,
    /// Reads of ends, and looks at nodes.
    pub reads: usize,
    /// What the oracle said of each property.
    pub properties: Vec<Judged>,
    /// What to look at first of what must never be.
    pub first: Option<First>,
    /// The kinds of fault.
    pub faults: BTreeMap<String, OfKind>,
    /// Those faults of all kinds that took the leader two at once: their gaps are not among those of their kinds.
    pub two_at_once: OfKind,
    /// Until all nodes had applied the same, after all faults.
    pub agreed: Waits,
    /// How many operations were first acknowledged in each second.
    pub throughput: Vec<u32>,
    /// What was done to the cluster, and when.
    pub marks: Vec<Mark>,
    /// The points at which a process was made to crash.
    pub crash_points: BTreeMap<String, CrashPoint>,
}

/// What the oracle said of a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Its short name.
    pub name: String,
    /// What it says.
    pub sentence: String,
    /// How many things there were to judge.
    pub judged: usize,
    /// How many of them must never be.
    pub broken: usize,
    /// The first of these, each in a sentence.
    pub found: Vec<String>,
}

/// The violation to look at first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// The property, by its short name.
    pub property: String,
    /// What was found.
    pub found: String,
    /// When the first id that it is about was sent, if it is about one.
    pub at_ms: Option<u64>,
    /// The events that matter, as lines of the history.
    pub events: Vec<String>,
}

/// Whether a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing broke it.
    Holds,
    /// So many things broke it.
    Broken(usize),
    /// The run had nothing that could have broken it.
    NothingToJudge,
}

/// Faults of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfKind {
    /// How many took effect.
    pub installed: usize,
    /// How many the machine can't do.
    pub skipped: usize,
    /// Of how many nobody knows whether they took effect.
    pub indeterminate: usize,
    /// How long all of those that took effect lasted together, until a write that was sent after each was acknowledged.
    pub lasted_ms: u64,
    /// How many operations were acknowledged in that time.
    pub acknowledged: usize,
    /// The longest time without a new acknowledgement, one that is no replay, that each of them fell into.
    pub gaps_ms: Vec<u64>,
    /// From each being healed to the acknowledgement of a write that was sent after it.
    pub writes: Waits,
}

/// How long something took each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// When it came.
    pub took_ms: Vec<u64>,
    /// How often it never came.
    pub never: usize,
}

/// A point at which a process was made to crash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashPoint {
    /// How often.
    pub rounds: usize,
    /// Until the node that died served again. It may have died at further points meanwhile.
    pub recoveries: Waits,
}

/// Something that was done to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The kind of fault.
    pub kind: String,
    /// What exactly.
    pub what: String,
    /// When it began.
    pub begun_ms: u64,
    /// When it was healed; the end of the run, if it never was.
    pub healed_ms: u64,
    /// Whether it took effect.
    pub effective: Effective,
}

impl Summary {
    /// Puts runs side by side.
    pub fn merge(summaries: impl IntoIterator<Item = Self>) -> Self {
        let mut merged = Self::default();
        for run in summaries.into_iter().flat_map(|summary| summary.runs) {
            if !merged.runs.contains(&run) {
                merged.runs.push(run);
            }
        }
        merged
    }

    /// What was said of each property, over all runs.
    pub fn properties(&self) -> Vec<Judged> {
        let mut all: Vec<Judged> = Vec::new();
        for property in self.runs.iter().flat_map(|run| &run.properties) {
            match all.iter_mut().find(|known| known.name == property.name) {
                None => all.push(property.clone()),
                Some(known) => {
                    known.judged += property.judged;
                    known.broken += property.broken;
                    known.found.extend(property.found.iter().cloned());
                }
            }
        }
        all
    }

    /// Whether anything happened that must never be.
    pub fn broken(&self) -> bool {
        self.runs.iter().any(Run::broken)
    }

    /// The timeouts that runs had. Gaps under different ones are not comparable, so they are never added up.
    pub fn timings(&self) -> BTreeSet<Option<&str>> {
        self.runs.iter().map(|run| run.timing.as_deref()).collect()
    }

    /// The kinds of fault, over all runs that had these timeouts.
    pub fn faults(&self, timing: Option<&str>) -> BTreeMap<&str, OfKind> {
        let mut all: BTreeMap<&str, OfKind> = BTreeMap::new();
        let runs = self.runs.iter().filter(|run| run.timing.as_deref() == timing);
        for (name, kind) in runs.flat_map(|run| &run.faults) {
            all.entry(name).or_default().add(kind);
        }
        all
    }

    /// The faults that took the leader two at once, over all runs that had these timeouts.
    pub fn two_at_once(&self, timing: Option<&str>) -> OfKind {
        let mut all = OfKind::default();
        for run in self.runs.iter().filter(|run| run.timing.as_deref() == timing) {
            all.add(&run.two_at_once);
        }
        all
    }

    /// The commands that run their schedules again, each once.
    pub fn commands(&self) -> Vec<&str> {
        let mut commands = Vec::new();
        for command in self.runs.iter().filter_map(|run| run.command.as_deref()) {
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        commands
    }

    /// The points at which processes were made to crash, over all runs.
    pub fn crash_points(&self) -> BTreeMap<&str, CrashPoint> {
        let mut all: BTreeMap<&str, CrashPoint> = BTreeMap::new();
        for (name, point) in self.runs.iter().flat_map(|run| &run.crash_points) {
            let known = all.entry(name).or_default();
            known.rounds += point.rounds;
            known.recoveries.add(&point.recoveries);
        }
        all
    }
}

impl Run {
    /// Whether anything happened that must never be.
    pub fn broken(&self) -> bool {
        self.properties.iter().any(|property| property.broken > 0)
    }

    /// Whether all properties hold for which it had something.
    pub fn verdict(&self) -> Verdict {
        let sum = |of: fn(&Judged) -> usize| self.properties.iter().map(of).sum();
        Verdict::of(sum(|property| property.broken), sum(|property| property.judged))
    }

    /// A process was made to crash at this point, and served again after so long, or never.
    pub(super) fn add_crash(&mut self, point: &str, recovered_ms: Option<u64>) {
        let point = self.crash_points.entry(point.to_owned()).or_default();
        point.rounds += 1;
        point.recoveries.add_one(recovered_ms);
    }
}

impl Judged {
    /// Whether it holds.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.broken, self.judged)
    }
}

impl Verdict {
    fn of(broken: usize, judged: usize) -> Self {
        match (broken, judged) {
            (0, 0) => Self::NothingToJudge,
            (0, _) => Self::Holds,
            (broken, _) => Self::Broken(broken),
        }
    }
}

impl OfKind {
    fn add(&mut self, other: &Self) {
        let Self { installed, skipped, indeterminate, lasted_ms, acknowledged, gaps_ms, writes } = other;
        self.installed += installed;
        self.skipped += skipped;
        self.indeterminate += indeterminate;
        self.lasted_ms += lasted_ms;
        self.acknowledged += acknowledged;
        self.gaps_ms.extend(gaps_ms);
        self.writes.add(writes);
    }
}

impl Waits {
    /// It took so long once more, or never came.
    pub fn add_one(&mut self, took_ms: Option<u64>) {
        match took_ms {
            Some(took_ms) => self.took_ms.push(took_ms),
            None => self.never += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.took_ms.extend(&other.took_ms);
        self.never += other.never;
    }
}
