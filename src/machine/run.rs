//! Runs an entry: time first, then its proposals in order, each seeing what those before it did.
//!
//! - A row that changes more than once is returned once, as it is in the end, and so is a place in the due index. What an
//!   entry does lands in one write, so nobody could see it in between.
//! - What goes in ranges comes last: a range may take what the same entry has written, and never what it writes
//!   after. Of a space that is deleted nothing else is left of what the entry did to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::{
    Answer, CellKey, Id, LockName, LogName, LogNumber, LogTime, Offset, ReaderName, SpaceName, SpaceNumber,
};

use super::advance::{due_in_entry, hear, what_is_due};
use super::batch::Batch;
use super::decide::{Decision, decide, knows};
use super::overlay::Overlay;
use super::rows::{Due, Effect};
use super::view::View;

/// What became of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// One answer for each proposal, in order.
    pub answers: Vec<Answer>,
    /// What is written, in this order: rows and ids, each once, then records in the order of their proposals, then what is
    /// trimmed and forgotten, then spaces that go.
    pub effects: Vec<Effect>,
}

/// Decides the proposals of a batch and takes their effects into the overlay.
pub fn run(overlay: &mut Overlay, batch: &Batch) -> Ran {
    let version = batch.machine_version;
    assert!(knows(version), "this build lacks the rules of machine version {version}");
    let mut run = Run { overlay, gathered: Gathered::default() };
    run.take(hear(run.overlay, batch.stamp));
    for _ in 0..due_in_entry(batch.proposals.len()) {
        let effects = what_is_due(run.overlay);
        if effects.is_empty() {
            break;
        }
        run.take(effects);
    }
    let decide_one = |proposal| {
        let Decision { answer, effects } = decide(run.overlay, version, proposal);
        run.take(effects);
        answer
    };
    let answers = batch.proposals.iter().map(decide_one).collect();
    Ran { answers, effects: run.gathered.finish(run.overlay) }
}

struct Run<'a> {
    overlay: &'a mut Overlay,
    gathered: Gathered,
}

impl Run<'_> {
    fn take(&mut self, effects: impl IntoIterator<Item = Effect>) {
        for effect in effects {
            self.gathered.note(&effect);
            match effect {
                Effect::Records { .. } => self.gathered.records.push(effect),
                _ => self.overlay.apply(effect),
            }
        }
    }
}

/// What has changed. The rows themselves are in the overlay.
#[derive(Default)]
struct Gathered {
    globals: bool,
    spaces: BTreeSet<SpaceName>,
    buckets: BTreeSet<(SpaceNumber, LogTime)>,
    logs: BTreeSet<(SpaceNumber, LogName)>,
    cells: BTreeSet<(SpaceNumber, CellKey)>,
    positions: BTreeSet<(SpaceNumber, ReaderName, LogName)>,
    locks: BTreeSet<(SpaceNumber, LockName)>,
    due: BTreeMap<(LogTime, Due), bool>,
    ids: BTreeSet<(SpaceNumber, Id)>,
    records: Vec<Effect>,
    /// Ranges that follow on each other are one.
    trims: BTreeMap<(SpaceNumber, LogNumber), (Offset, Offset)>,
    /// As above.
    forgets: BTreeMap<SpaceNumber, (LogTime, LogTime)>,
    deleted_spaces: BTreeMap<SpaceName, (SpaceNumber, LogTime)>,
}

impl Gathered {
    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Globals(_) => self.globals = true,
            Effect::Space { name, .. } => {
                self.spaces.insert(name.clone());
            }
            Effect::Bucket { space, start, .. } => {
                self.buckets.insert((*space, *start));
            }
            Effect::Log { space, name, .. } | Effect::LogDeleted { space, name, .. } => {
                self.logs.insert((*space, name.clone()));
            }
            Effect::Cell { space, key, .. } => {
                self.cells.insert((*space, key.clone()));
            }
            Effect::Position { space, reader, log, .. } | Effect::PositionDeleted { space, reader, log, .. } => {
                self.positions.insert((*space, reader.clone(), log.clone()));
            }
            Effect::Lock { space, name, .. } => {
                self.locks.insert((*space, name.clone()));
            }
            Effect::Due { at, due, is } => {
                self.due.insert((*at, due.clone()), *is);
            }
            Effect::Remember { space, id, .. } => {
                self.ids.insert((*space, id.clone()));
            }
            Effect::Records { .. } => {}
            Effect::Trim { space, log, from, before } => {
                self.trims.entry((*space, *log)).or_insert((*from, *before)).1 = *before;
            }
            Effect::Forget { space, from, below } => {
                self.forgets.entry(*space).or_insert((*from, *below)).1 = *below;
            }
            Effect::SpaceDeleted { name, number, at } => {
                self.drop_space(name, *number);
                self.deleted_spaces.insert(name.clone(), (*number, *at));
            }
        }
    }

    /// Nothing has changed in a space that goes as a whole, but what is due.
    fn drop_space(&mut self, name: &SpaceName, number: SpaceNumber) {
        let stays = |space: SpaceNumber| space != number;
        self.spaces.remove(name);
        self.buckets.retain(|(space, _)| stays(*space));
        self.logs.retain(|(space, _)| stays(*space));
        self.cells.retain(|(space, _)| stays(*space));
        self.positions.retain(|(space, _, _)| stays(*space));
        self.locks.retain(|(space, _)| stays(*space));
        self.ids.retain(|(space, _)| stays(*space));
        self.records.retain(|effect| !matches!(effect, Effect::Records { space, .. } if *space == number));
        self.trims.retain(|(space, _), _| stays(*space));
        self.forgets.remove(&number);
    }

    fn finish(self, view: &impl View) -> Vec<Effect> {
        let mut effects = Vec::new();
        effects.extend(self.globals.then(|| Effect::Globals(view.globals())));
        effects.extend(self.spaces.into_iter().map(|name| {
            let space = view.space(&name).expect("a space that goes was dropped").clone();
            Effect::Space { name, space }
        }));
        effects.extend(self.buckets.into_iter().map(|(space, start)| {
            let bucket = view.bucket(space, start).copied();
            Effect::Bucket { space, start, bucket }
        }));
        effects.extend(self.logs.into_iter().map(|(space, name)| {
            if let Some(head) = view.log(space, &name) {
                let head = head.clone();
                return Effect::Log { space, name, head };
            }
            let mark = *view.deleted_log(space, &name).expect("a log that goes leaves a mark");
            Effect::LogDeleted { space, name, mark }
        }));
        effects.extend(self.cells.into_iter().map(|(space, key)| {
            let cell = view.cell(space, &key).cloned();
            Effect::Cell { space, key, cell }
        }));
        effects.extend(self.positions.into_iter().map(|(space, reader, log)| {
            if let Some(&position) = view.position(space, &reader, &log) {
                return Effect::Position { space, reader, log, position };
            }
            let version = view.deleted_position(space, &reader, &log).expect("a position that goes leaves a mark");
            Effect::PositionDeleted { space, reader, log, version }
        }));
        effects.extend(self.locks.into_iter().map(|(space, name)| {
            let lock = view.lock(space, &name).cloned();
            Effect::Lock { space, name, lock }
        }));
        effects.extend(self.due.into_iter().map(|((at, due), is)| Effect::Due { at, due, is }));
        effects.extend(self.ids.into_iter().map(|(space, id)| {
            let remembered = view.remembered(space, &id).expect("an entry forgets before it remembers").clone();
            Effect::Remember { space, id, remembered }
        }));
        effects.extend(self.records);
        let trim = |((space, log), (from, before))| Effect::Trim { space, log, from, before };
        effects.extend(self.trims.into_iter().map(trim));
        let forget = |(space, (from, below))| Effect::Forget { space, from, below };
        effects.extend(self.forgets.into_iter().map(forget));
        let delete = |(name, (number, at))| Effect::SpaceDeleted { name, number, at };
        effects.extend(self.deleted_spaces.into_iter().map(delete));
        effects
    }
}
