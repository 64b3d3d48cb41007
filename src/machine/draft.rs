//! What a proposal would do, until it is settled.
//!
//! - A draft that is dropped has done nothing. That is how an action that refuses takes back those before it.
//! - Settling gives the outcome, the next place in the space's sequence and the memory of the id, all at once.
//! - Whatever a command changes has the command's sequence for its version, or its token: it is known before it is given,
//!   because nothing else is decided in between.
//! - An id is counted once, when it is decided; in a finite space in the bucket of its birth, too.

use std::collections::BTreeMap;

use crate::types::{
    Answer, Cell, CellKey, Found, Id, Lock, LockName, LogName, LogTime, Outcome, Position, ReaderName, SpaceName,
    SpaceNumber, Token, Verdict, Version,
};

use super::buckets;
use super::decide::Decision;
use super::due::move_due;
use super::encoding::encode_outcome;
use super::fingerprint::Fingerprint;
use super::rows::{Bucket, DeletedLog, Due, Effect, Globals, LogHead, Remembered, Space};
use super::view::View;

/// How many bytes an id takes beside its text and its outcome, about.
const ID_BYTES_BESIDE: u64 = 24;

/// The rows as the proposal's own actions leave them.
pub(super) struct Draft<'a, V> {
    /// The state before the proposal.
    pub(super) view: &'a V,
    name: &'a SpaceName,
    /// The id that is being decided.
    pub(super) id: &'a Id,
    /// What holds for all spaces.
    pub(super) globals: Globals,
    /// The space.
    pub(super) space: Space,
    others: BTreeMap<&'a SpaceName, Space>,
    /// None of them is among the others.
    deleted_spaces: BTreeMap<&'a SpaceName, SpaceNumber>,
    buckets: BTreeMap<LogTime, Bucket>,
    heads: BTreeMap<&'a LogName, LogHead>,
    /// None of them has a head.
    deleted_logs: BTreeMap<&'a LogName, DeletedLog>,
    cells: BTreeMap<&'a CellKey, Option<Cell>>,
    positions: BTreeMap<(&'a ReaderName, &'a LogName), Position>,
    /// None of them is among the positions.
    deleted_positions: BTreeMap<(&'a ReaderName, &'a LogName), Version>,
    locks: BTreeMap<&'a LockName, Option<Lock>>,
    /// What is written beside the rows above.
    pub(super) effects: Vec<Effect>,
}

impl<'a, V: View> Draft<'a, V> {
    /// Nothing done yet.
    pub(super) fn new(view: &'a V, name: &'a SpaceName, space: &Space, id: &'a Id) -> Self {
        Self {
            view,
            name,
            id,
            globals: view.globals(),
            space: space.clone(),
            others: BTreeMap::new(),
            deleted_spaces: BTreeMap::new(),
            buckets: BTreeMap::new(),
            heads: BTreeMap::new(),
            deleted_logs: BTreeMap::new(),
            cells: BTreeMap::new(),
            positions: BTreeMap::new(),
            deleted_positions: BTreeMap::new(),
            locks: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// The version of whatever this command changes.
    pub(super) fn version(&self) -> Version {
        Version(self.space.last_sequence.next().0)
    }

    /// The token of whatever lock this command acquires.
    pub(super) fn token(&self) -> Token {
        Token { history: self.globals.history, sequence: self.space.last_sequence.next() }
    }

    /// A space as the actions so far leave it.
    pub(super) fn space_named(&self, name: &SpaceName) -> Option<&Space> {
        if name == self.name {
            return Some(&self.space);
        }
        if self.deleted_spaces.contains_key(name) {
            return None;
        }
        self.others.get(name).or_else(|| self.view.space(name))
    }

    /// When a space was deleted that had this name, as the actions so far leave it.
    pub(super) fn deleted_space(&self, name: &SpaceName) -> Option<LogTime> {
        let deleted_here = self.deleted_spaces.contains_key(name).then_some(self.globals.clock);
        deleted_here.or_else(|| self.view.deleted_space(name))
    }

    /// Why a space is not there.
    pub(super) fn no_space(&self, name: &SpaceName) -> Found {
        self.deleted_space(name).map_or(Found::NoSpace, |at| Found::SpaceDeleted { at })
    }

    /// The space becomes this.
    pub(super) fn set_space(&mut self, name: &'a SpaceName, space: Space) {
        if name == self.name {
            self.space = space;
        } else {
            self.others.insert(name, space);
        }
    }

    /// Another space than the command's own goes.
    pub(super) fn delete_space(&mut self, name: &'a SpaceName, number: SpaceNumber) {
        assert_ne!(name, self.name, "the reserved space stays");
        self.others.remove(name);
        self.deleted_spaces.insert(name, number);
    }

    /// A log as the actions so far leave it.
    pub(super) fn head(&self, log: &LogName) -> Option<&LogHead> {
        if self.deleted_logs.contains_key(log) {
            return None;
        }
        self.heads.get(log).or_else(|| self.view.log(self.space.number, log))
    }

    /// What stayed of a log that is not there, as the actions so far leave it.
    pub(super) fn deleted_log(&self, log: &LogName) -> Option<&DeletedLog> {
        self.deleted_logs.get(log).or_else(|| self.view.deleted_log(self.space.number, log))
    }

    /// The log's head becomes this.
    pub(super) fn set_head(&mut self, log: &'a LogName, head: LogHead) {
        self.deleted_logs.remove(log);
        self.heads.insert(log, head);
    }

    /// The log's head goes, and this stays.
    pub(super) fn delete_log(&mut self, log: &'a LogName, mark: DeletedLog) {
        self.heads.remove(log);
        self.deleted_logs.insert(log, mark);
    }

    /// A cell as the actions so far leave it.
    pub(super) fn cell(&self, key: &CellKey) -> Option<&Cell> {
        self.cells.get(key).map_or_else(|| self.view.cell(self.space.number, key), Option::as_ref)
    }

    /// The cell becomes this, or goes.
    pub(super) fn set_cell(&mut self, key: &'a CellKey, cell: Option<Cell>) {
        self.cells.insert(key, cell);
    }

    /// Whether the reader has a position in the log, as the actions so far leave it.
    pub(super) fn has_position(&self, reader: &ReaderName, log: &LogName) -> bool {
        let is_deleted = self.deleted_positions.contains_key(&(reader, log));
        let is_here = || self.positions.contains_key(&(reader, log));
        !is_deleted && (is_here() || self.view.position(self.space.number, reader, log).is_some())
    }

    /// The reader's position in the log becomes this.
    pub(super) fn set_position(&mut self, reader: &'a ReaderName, log: &'a LogName, position: Position) {
        self.deleted_positions.remove(&(reader, log));
        self.positions.insert((reader, log), position);
    }

    /// The reader's position in the log goes, and this version stays.
    pub(super) fn delete_position(&mut self, reader: &'a ReaderName, log: &'a LogName, version: Version) {
        self.positions.remove(&(reader, log));
        self.deleted_positions.insert((reader, log), version);
    }

    /// A lock's row as the actions so far leave it.
    pub(super) fn lock(&self, name: &LockName) -> Option<&Lock> {
        self.locks.get(name).map_or_else(|| self.view.lock(self.space.number, name), Option::as_ref)
    }

    /// The lock becomes this, or goes.
    pub(super) fn set_lock(&mut self, name: &'a LockName, lock: Option<Lock>) {
        self.locks.insert(name, lock);
    }

    /// Decides an id that is unseen, and gives it the next place in the space's sequence.
    pub(super) fn decide(&mut self, id: &Id, fingerprint: Option<Fingerprint>, verdict: Verdict) -> Outcome {
        self.space.last_sequence = self.space.last_sequence.next();
        let outcome = Outcome {
            verdict,
            sequence: self.space.last_sequence,
            history: self.globals.history,
            time: self.globals.clock,
        };
        self.count(id, &outcome);
        let remembered = Remembered { fingerprint, outcome: outcome.clone(), compensated_by: None };
        self.effects.push(Effect::Remember { space: self.space.number, id: id.clone(), remembered });
        outcome
    }

    /// The target, which is known, counts as undone by this command.
    pub(super) fn mark_compensated(&mut self, target: &Id, known: &Remembered) {
        let remembered = Remembered { compensated_by: Some(self.id.clone()), ..known.clone() };
        self.effects.push(Effect::Remember { space: self.space.number, id: target.clone(), remembered });
    }

    fn count(&mut self, id: &Id, outcome: &Outcome) {
        let bytes = (id.text().len() + encode_outcome(outcome).len()) as u64 + ID_BYTES_BESIDE;
        self.space.ids += 1;
        self.space.id_bytes += bytes;
        let Some((start, end)) = id.birth().time().and_then(|birth| self.space.bucket_of(birth)) else { return };
        let kept = self.buckets.get(&start).or_else(|| self.view.bucket(self.space.number, start)).copied();
        let mut bucket = kept.unwrap_or(Bucket { end, ids: 0, bytes: 0 });
        bucket.ids += 1;
        bucket.bytes += bytes;
        self.buckets.insert(start, bucket);
        let due = buckets::due(&self.space, &bucket);
        self.space.due = [self.space.due, due].into_iter().flatten().min();
    }

    /// Decides the proposal's own id: what was drafted is done.
    pub(super) fn settle(mut self, fingerprint: Option<Fingerprint>, verdict: Verdict) -> Decision {
        let outcome = self.decide(self.id, fingerprint, verdict);
        Decision { answer: Answer::Decided { outcome, replayed: false }, effects: self.finish() }
    }

    fn finish(self) -> Vec<Effect> {
        let (view, space) = (self.view, self.space.number);
        let mut effects = self.effects;
        if self.globals != view.globals() {
            effects.push(Effect::Globals(self.globals));
        }
        for (start, bucket) in self.buckets {
            effects.push(Effect::Bucket { space, start, bucket: Some(bucket) });
        }
        for (name, space) in self.others.into_iter().chain([(self.name, self.space)]) {
            let old = view.space(name).and_then(|space| space.due);
            move_due(&mut effects, old, space.due, || Due::Floor(name.clone()));
            effects.push(Effect::Space { name: name.clone(), space });
        }
        for (name, head) in self.heads {
            let old = view.log(space, name).and_then(|head| head.due);
            move_due(&mut effects, old, head.due, || Due::Log(space, name.clone()));
            effects.push(Effect::Log { space, name: name.clone(), head });
        }
        for (name, mark) in self.deleted_logs {
            let old = view.log(space, name).and_then(|head| head.due);
            move_due(&mut effects, old, None, || Due::Log(space, name.clone()));
            effects.push(Effect::LogDeleted { space, name: name.clone(), mark });
        }
        for (name, lock) in self.locks {
            let old = view.lock(space, name).map(|lock| lock.expires);
            let new = lock.as_ref().map(|lock| lock.expires);
            move_due(&mut effects, old, new, || Due::Lock(space, name.clone()));
            effects.push(Effect::Lock { space, name: name.clone(), lock });
        }
        for (key, cell) in self.cells {
            effects.push(Effect::Cell { space, key: key.clone(), cell });
        }
        for ((reader, log), position) in self.positions {
            effects.push(Effect::Position { space, reader: reader.clone(), log: log.clone(), position });
        }
        for ((reader, log), version) in self.deleted_positions {
            effects.push(Effect::PositionDeleted { space, reader: reader.clone(), log: log.clone(), version });
        }
        for (name, number) in self.deleted_spaces {
            let old = view.space(name).and_then(|space| space.due);
            move_due(&mut effects, old, None, || Due::Floor(name.clone()));
            effects.push(Effect::SpaceDeleted { name: name.clone(), number, at: self.globals.clock });
        }
        effects
    }
}
