//! One space: its rows, and how a command that was decided changes them.
//!
//! - A command is judged in the order in which it is decided: its id, its guards, its compensation, its other actions. What
//!   was told is laid beside what must have come of each step.
//! - Whatever was told wrong is believed from then on, so that one wrong answer is one finding.
//! - A refused command has changed nothing: what its actions did before the one that failed is taken back.

use std::collections::BTreeSet;

use super::expected::Expected;
use super::fates::{Fate, Id, Kind, Target};
use super::floor;
use super::lives::Life;
use super::log::Log;
use super::rows::{Fact, Rows};
use crate::proto::action::Action as Doing;
use crate::proto::action_result::Result as Got;
use crate::proto::cell_value::Value;
use crate::proto::outcome::Verdict;
use crate::proto::refused::Step;
use crate::proto::{Action, ActionResult, Applied, CommandId, Guard, Refused, SubmitRequest, Token};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) value: Option<Value>,
    pub(super) version: u64,
    pub(super) time_ms: u64,
}

/// Where a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) offset: u64,
    pub(super) version: u64,
    pub(super) time_ms: u64,
    /// A deleted one is at 0, and keeps the version of its deletion.
    pub(super) there: bool,
}

/// A lock that was taken; it is free when its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) holder: String,
    pub(super) token: (u64, u64),
    pub(super) expires_ms: u64,
}

/// When and where an outcome was decided.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Its place among the outcomes of its space.
    pub sequence: u64,
    /// The cluster's history.
    pub history: u64,
    /// The space's time.
    pub time_ms: u64,
}

/// An append of which only what the model needs is left.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The id.
    pub id: &'a str,
    /// The log.
    pub log: &'a str,
    /// How many records were sent.
    pub count: u32,
    /// The bytes of their payloads and headers.
    pub bytes: u64,
    /// Where the first one was told to be.
    pub first: u64,
}

/// Takes what is wrong.
pub(super) type Wrong<'a> = dyn FnMut(String) + 'a;

/// A space.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) life: Fact<Life>,
    pub(super) logs: Rows<String, Log>,
    pub(super) cells: Rows<String, Fact<Cell>>,
    pub(super) positions: Rows<(String, String), Fact<Position>>,
    pub(super) locks: Rows<String, Fact<Lock>>,
    pub(super) fates: Rows<Id, Fact<Fate>>,
    /// The texts of ids whose fates others ask for.
    targets: BTreeSet<String>,
    /// All spaces; only the reserved one has them.
    pub(super) lives: Rows<String, Fact<Life>>,
    /// The machine version, as far as it is known; only the reserved space has it.
    pub(super) version: Option<u32>,
    /// Of the last outcome.
    pub(super) last: Stamp,
    /// How many outcomes before it nobody was told.
    pub(super) untold: u64,
}

impl Space {
    pub(super) fn new(life: Fact<Life>, targets: BTreeSet<String>) -> Self {
        Self {
            life,
            logs: Rows::default(),
            cells: Rows::default(),
            positions: Rows::default(),
            locks: Rows::default(),
            fates: Rows::default(),
            targets,
            lives: Rows::default(),
            version: None,
            last: Stamp { sequence: 0, history: 0, time_ms: 0 },
            untold: 0,
        }
    }

    /// What an outcome says of itself: its place, its time, and that its id may be decided then.
    fn stamp(&mut self, birth_ms: Option<u64>, stamp: Stamp, wrong: &mut Wrong<'_>) {
        let last = self.last;
        if stamp.sequence <= last.sequence {
            wrong(format!("the outcome {} was given to another id, too", stamp.sequence));
        }
        if stamp.time_ms < last.time_ms {
            wrong(format!("it was decided at {}, after one that was decided at {}", stamp.time_ms, last.time_ms));
        }
        if stamp.history < last.history {
            wrong(format!("it is of the history {}, after one of the history {}", stamp.history, last.history));
        }
        if let Some(why) = self.life.denies(stamp.time_ms) {
            wrong(format!("it was decided at {}, but {why}", stamp.time_ms));
        }
        let (closed_ms, _) = self.life.closed(stamp.time_ms);
        if let Some(birth_ms) = birth_ms.filter(|birth_ms| *birth_ms < closed_ms) {
            let time_ms = stamp.time_ms;
            wrong(format!("born at {birth_ms}, it was run at {time_ms}, when ids were taken from {closed_ms} on"));
        }
        if self.life.is_ahead(birth_ms, stamp.time_ms) {
            wrong(format!("it was run at {}, and is born more than ten minutes later", stamp.time_ms));
        }
        self.last = Stamp { sequence: stamp.sequence.max(last.sequence), ..stamp };
    }

    /// The id is decided from now on.
    fn decide(&mut self, id: &CommandId, kind: Kind, sequence: u64, wrong: &mut Wrong<'_>) {
        if !self.targets.contains(&id.text) {
            return;
        }
        if let Fact::Is(Some(earlier)) = self.fates.get(&Id::of(id)) {
            wrong(format!("the id was decided at {} already", earlier.sequence));
        }
        self.fates.set(Id::of(id), Fact::Is(Some(Fate { sequence, kind, undone_by: None })));
    }

    /// What is known of a target at a time.
    pub(super) fn target<'a>(&'a self, id: &'a CommandId, time_ms: u64) -> Target<'a> {
        Target { id, life: &self.life, fate: self.fates.get(&Id::of(id)), time_ms }
    }

    /// Replays an append that was applied.
    pub(super) fn append(&mut self, append: &Append<'_>, stamp: Stamp, wrong: &mut Wrong<'_>) {
        self.stamp(floor::carried(append.id), stamp, wrong);
        let (first, count) = (append.first, append.count);
        let (makes, _) = self.life.makes_logs(stamp.time_ms);
        self.logs.change(append.log, |log| {
            if log.there == Some(false) && !makes {
                wrong(format!("it made the log {}, which only a command of its own makes", append.log));
            }
            if let Some(end) = log.end.filter(|end| *end != first) {
                wrong(format!("its records are at {}/{first}, and the log ended at {end}", append.log));
            }
            log.append(first, count.into(), append.bytes, stamp.time_ms);
        });
        if self.targets.contains(append.id) {
            let id = CommandId { text: append.id.to_owned(), birth_ms: None };
            self.decide(&id, Kind::Applied, stamp.sequence, wrong);
        }
    }

    /// Replays a cancel that came before its command.
    pub(super) fn cancel(&mut self, id: &CommandId, stamp: Stamp, wrong: &mut Wrong<'_>) {
        self.stamp(floor::birth(id), stamp, wrong);
        self.decide(id, Kind::Cancelled, stamp.sequence, wrong);
    }

    /// Replays a whole command.
    pub(super) fn command(&mut self, request: &SubmitRequest, verdict: &Verdict, stamp: Stamp, wrong: &mut Wrong<'_>) {
        let id = request.id.clone().unwrap_or_default();
        let before = self.last.sequence;
        self.stamp(floor::birth(&id), stamp, wrong);
        let kind = match verdict {
            Verdict::Cancelled(_) => Kind::Cancelled,
            Verdict::Refused(refused) => {
                self.refused(request, refused, stamp, wrong);
                Kind::Refused
            }
            Verdict::Applied(applied) => {
                self.guards_hold(&request.guards, stamp, wrong);
                if applied.nothing_to_undo {
                    self.undid_nothing(request, applied, before, stamp, wrong);
                    Kind::NothingToUndo
                } else {
                    self.applied(request, &id, applied, stamp, wrong);
                    Kind::Applied
                }
            }
        };
        self.decide(&id, kind, stamp.sequence, wrong);
    }

    /// Every guard of these held.
    fn guards_hold(&self, guards: &[Guard], stamp: Stamp, wrong: &mut Wrong<'_>) {
        for (place, guard) in guards.iter().enumerate() {
            let Some(kind) = &guard.guard else { continue };
            let expected = self.guard(kind, stamp.time_ms);
            if !expected.holds {
                wrong(format!("guard {place} held, and this was to come: {expected} ({kind:?})"));
            }
        }
    }

    fn refused(&mut self, request: &SubmitRequest, refused: &Refused, stamp: Stamp, wrong: &mut Wrong<'_>) {
        let mut fails = |what: &str, place: usize, expected: &Expected| {
            if !expected.allows(refused.found.as_ref()) {
                let found = &refused.found;
                wrong(format!("{what} {place} failed with {found:?}, and this was to come: {expected}"));
            }
        };
        let place = |place: &u32| usize::try_from(*place).unwrap_or(usize::MAX);
        let action = match &refused.step {
            Some(Step::Guard(at)) => {
                let at = place(at);
                if let Some(kind) = request.guards.get(at).and_then(|guard| guard.guard.as_ref()) {
                    fails("guard", at, &self.guard(kind, stamp.time_ms));
                }
                let before = request.guards.get(..at).unwrap_or_default();
                return self.guards_hold(before, stamp, wrong);
            }
            Some(Step::Action(at)) => place(at),
            None => return wrong("it was refused by no step".to_owned()),
        };
        self.guards_hold(&request.guards, stamp, wrong);
        let undone = undone_by(&request.actions);
        if let Some((at, target)) = undone {
            let undoing = self.target(target, stamp.time_ms).undo();
            if at == action {
                if !undoing.goes.allows(refused.found.as_ref()) {
                    let found = &refused.found;
                    wrong(format!("the compensation failed with {found:?}, and this was to come: {}", undoing.goes));
                }
                return;
            }
            if !undoing.goes.holds {
                wrong(format!("action {action} failed, and the compensation was to decide it: {}", undoing.goes));
            }
        }
        self.refused_by(request, action, refused, stamp, wrong);
    }

    /// The actions before one were done, that one failed, and all of it was taken back.
    fn refused_by(
        &mut self,
        request: &SubmitRequest,
        action: usize,
        refused: &Refused,
        stamp: Stamp,
        wrong: &mut Wrong<'_>,
    ) {
        let version = self.version;
        self.begin();
        for (place, Action { action: doing }) in request.actions.iter().enumerate().take(action.saturating_add(1)) {
            let Some(doing) = doing else { continue };
            let (expected, _) = self.act(doing, stamp, None);
            if place < action && !expected.holds {
                wrong(format!("action {action} failed, and before it action {place} was to fail: {expected}"));
            }
            if place == action && !expected.allows(refused.found.as_ref()) {
                let found = &refused.found;
                wrong(format!("action {place} failed with {found:?}, and this was to come: {expected} ({doing:?})"));
            }
        }
        self.roll_back();
        self.version = version;
    }

    fn applied(
        &mut self,
        request: &SubmitRequest,
        id: &CommandId,
        applied: &Applied,
        stamp: Stamp,
        wrong: &mut Wrong<'_>,
    ) {
        if let Some((_, target)) = undone_by(&request.actions) {
            let undoing = self.target(target, stamp.time_ms).undo();
            if !undoing.goes.holds {
                let otherwise = if undoing.has_nothing { "there is nothing to undo" } else { "" };
                wrong(format!("it undid {}, and this was to come: {} {otherwise}", target.text, undoing.goes));
            }
            self.fates.change(&Id::of(target), |fate| {
                let sequence = match fate {
                    Fact::Is(Some(fate)) => fate.sequence,
                    Fact::Is(None) | Fact::Unknown => 0,
                };
                *fate = Fact::Is(Some(Fate { sequence, kind: Kind::Applied, undone_by: Some(id.clone()) }));
            });
        }
        if applied.results.len() != request.actions.len() {
            wrong(format!("{} actions had {} results", request.actions.len(), applied.results.len()));
        }
        let results = applied.results.iter().map(|ActionResult { result }| result.as_ref());
        for (place, (Action { action }, told)) in request.actions.iter().zip(results).enumerate() {
            let (Some(action), Some(told)) = (action, told) else { continue };
            let (expected, got) = self.act(action, stamp, Some(told));
            if !expected.holds {
                wrong(format!("action {place} was done, and this was to come: {expected} ({action:?})"));
            } else if got.as_ref().is_some_and(|got| got != told) {
                wrong(format!("action {place} got {told:?}, and {got:?} was to come ({action:?})"));
            }
        }
    }

    fn undid_nothing(
        &mut self,
        request: &SubmitRequest,
        applied: &Applied,
        before: u64,
        stamp: Stamp,
        wrong: &mut Wrong<'_>,
    ) {
        let Some((_, target)) = undone_by(&request.actions) else {
            return wrong("it had nothing to undo, and undoes nothing".to_owned());
        };
        let known = self.target(target, stamp.time_ms);
        let (undoing, fate) = (known.undo(), known.fate);
        if !undoing.has_nothing {
            wrong(format!("it had nothing to undo of {}, and this was to come: {}", target.text, undoing.goes));
        }
        if !applied.results.is_empty() {
            wrong(format!("it had nothing to undo, and {} of its actions have results", applied.results.len()));
        }
        if fate != Fact::Is(None) {
            return;
        }
        // What was unseen is cancelled first, and takes the place before.
        if before + 1 >= stamp.sequence {
            wrong(format!("{} was unseen, and was not cancelled before", target.text));
        }
        let cancelled = Fate { sequence: stamp.sequence - 1, kind: Kind::Cancelled, undone_by: None };
        self.fates.set(Id::of(target), Fact::Is(Some(cancelled)));
    }

    fn begin(&mut self) {
        self.logs.begin();
        self.cells.begin();
        self.positions.begin();
        self.locks.begin();
        self.lives.begin();
    }

    fn roll_back(&mut self) {
        self.logs.roll_back();
        self.cells.roll_back();
        self.positions.roll_back();
        self.locks.roll_back();
        self.lives.roll_back();
    }

    /// Does one action, or as much of it as is known: what may come of it, and what it gets.
    fn act(&mut self, action: &Doing, stamp: Stamp, told: Option<&Got>) -> (Expected, Option<Got>) {
        super::actions::act(self, action, stamp, told)
    }
}

/// The compensation of a command and its place.
pub(super) fn undone_by(actions: &[Action]) -> Option<(usize, &CommandId)> {
    actions.iter().enumerate().find_map(|(place, action)| match &action.action {
        Some(Doing::Compensate(compensate)) => Some((place, compensate.target.as_ref()?)),
        _ => None,
    })
}

/// The number that a cell holds, if it holds one.
pub(super) fn integer(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Integer(number)) => Some(*number),
        Some(Value::Bytes(_)) | None => None,
    }
}

/// A lock as a refusal names it.
pub(super) fn lock_message(lock: &Lock) -> crate::proto::Lock {
    let (history, sequence) = lock.token;
    crate::proto::Lock {
        name: String::new(),
        holder: lock.holder.clone(),
        token: Some(Token { history, sequence }),
        expires_ms: lock.expires_ms,
    }
}
