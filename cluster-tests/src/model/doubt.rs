//! What a command may have touched of which nobody knows whether, and when, it was decided.
//!
//! - What it may have touched is not known from then on, until somebody is told of it again. All else is judged as before.

use std::collections::BTreeSet;

use super::fates::Id;
use super::rows::{Fact, Row as _};
use super::space::Space;
use crate::proto::SubmitRequest;
use crate::proto::action::Action;

/// One thing that may have been touched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Records may have come to a log.
    End(String),
    /// Anything may have come of a log.
    Log(String),
    Cell(String),
    Position(String, String),
    Lock(String),
    Fate(Id),
    Life(String),
    Version,
}

/// Commands of one space that may have been decided.
#[derive(Debug, Default)]
pub struct Doubts {
    touched: BTreeSet<Doubt>,
    /// How many there are.
    pub(super) commands: u64,
}

impl Doubts {
    /// An append may have been.
    pub fn append(&mut self, id: &str, log: &str) {
        self.commands += 1;
        self.touched.insert(Doubt::End(log.to_owned()));
        self.touched.insert(Doubt::Fate(Id { text: id.to_owned(), birth_ms: super::floor::carried(id) }));
    }

    /// A cancel may have been.
    pub fn cancel(&mut self, id: &crate::proto::CommandId) {
        self.commands += 1;
        self.touched.insert(Doubt::Fate(Id::of(id)));
    }

    /// A whole command may have been.
    pub fn command(&mut self, request: &SubmitRequest) {
        self.commands += 1;
        self.touched.extend(request.id.iter().map(|id| Doubt::Fate(Id::of(id))));
        for action in request.actions.iter().filter_map(|action| action.action.as_ref()) {
            // What is unseen is cancelled first, and takes a place of its own.
            self.commands += u64::from(matches!(action, Action::Compensate(_)));
            self.touched.extend(touched(action));
        }
    }

    /// Forgets those of whose ids nobody asks.
    pub(super) fn retain_targets(&mut self, targets: &BTreeSet<String>) {
        self.touched.retain(|doubt| !matches!(doubt, Doubt::Fate(id) if !targets.contains(&id.text)));
    }
}

fn touched(action: &Action) -> Option<Doubt> {
    Some(match action {
        Action::Append(it) => Doubt::End(it.log.clone()),
        Action::Put(it) => Doubt::Cell(it.key.clone()),
        Action::Delete(it) => Doubt::Cell(it.key.clone()),
        Action::Add(it) => Doubt::Cell(it.key.clone()),
        Action::Move(it) => Doubt::Position(it.reader.clone(), it.log.clone()),
        Action::DeleteReader(it) => Doubt::Position(it.reader.clone(), it.log.clone()),
        Action::Acquire(it) => Doubt::Lock(it.lock.clone()),
        Action::Renew(it) => Doubt::Lock(it.lock.clone()),
        Action::Release(it) => Doubt::Lock(it.lock.clone()),
        Action::Trim(it) => Doubt::Log(it.log.clone()),
        Action::CreateLog(it) => Doubt::Log(it.log.clone()),
        Action::SetRetention(it) => Doubt::Log(it.log.clone()),
        Action::DeleteLog(it) => Doubt::Log(it.log.clone()),
        Action::Compensate(it) => Doubt::Fate(Id::of(it.target.as_ref()?)),
        Action::CreateSpace(it) => Doubt::Life(it.name.clone()),
        Action::SetSpace(it) => Doubt::Life(it.name.clone()),
        Action::DeleteSpace(it) => Doubt::Life(it.name.clone()),
        Action::RaiseVersion(_) => Doubt::Version,
    })
}

impl Space {
    /// Any of these may have been decided.
    pub(super) fn doubt(&mut self, doubts: &Doubts) {
        for doubt in doubts.touched.iter().cloned() {
            match doubt {
                Doubt::End(log) => self.logs.change(&log, super::log::Log::doubt_end),
                Doubt::Log(log) => self.logs.set(log, super::log::Log::unknown()),
                Doubt::Cell(key) => self.cells.set(key, Fact::Unknown),
                Doubt::Position(reader, log) => self.positions.set((reader, log), Fact::Unknown),
                Doubt::Lock(lock) => self.locks.set(lock, Fact::Unknown),
                Doubt::Fate(id) => self.fates.set(id, Fact::Unknown),
                Doubt::Life(name) => self.lives.set(name, Fact::Unknown),
                Doubt::Version => self.version = None,
            }
        }
    }

    /// A command of which nobody knows anything was decided.
    pub(super) fn doubt_all(&mut self) {
        self.logs.doubt_all();
        self.cells.doubt_all();
        self.positions.doubt_all();
        self.locks.doubt_all();
        self.fates.doubt_all();
        self.lives.doubt_all();
        self.version = None;
    }
}
