//! Turns a history's words into proposals, with what the model has for what depends on it.

use std::time::Duration;

use super::super::model::Model;
use super::history::{Right, SomeAction, SomeGuard, SomeId, Stamp, Step, Target, When};
use crate::types::{
    Action, Cancel, Command, Guard, History, Holder, Id, LockName, LogTime, Offset, Proposal, Sequence, SpaceName,
    Token, Version,
};

/// Turns a history's words into proposals.
pub(super) struct Resolver<'a> {
    /// What was there before the chunk.
    pub(super) model: &'a Model,
    pub(super) clock_ms: u64,
    pub(super) earlier: &'a mut Vec<Proposal>,
}

impl Resolver<'_> {
    pub(super) fn stamp(&mut self, stamp: &Stamp) -> LogTime {
        let ms = match stamp {
            Stamp::Clock(offset) => self.clock_ms.saturating_add_signed(*offset),
            Stamp::Due(place, offset) => {
                let mut all = self.model.due_things();
                all.sort();
                all.truncate(4);
                let at_ms = if all.is_empty() { self.clock_ms } else { place.get(&all).0 };
                at_ms.saturating_add_signed(*offset)
            }
        };
        self.clock_ms = self.clock_ms.max(ms);
        time(ms)
    }

    pub(super) fn proposal(&mut self, step: &Step) -> Proposal {
        let proposal = match step {
            Step::Again(_) | Step::CancelOf(_) | Step::Reuse(..) if self.earlier.is_empty() => {
                Proposal::Cancel(Cancel { space: SpaceName::main(), target: Id::new("a").expect("valid") })
            }
            Step::Again(place) => place.get(self.earlier).clone(),
            Step::CancelOf(place) => {
                let before = place.get(self.earlier);
                Proposal::Cancel(Cancel { space: before.space().clone(), target: before.id().clone() })
            }
            Step::Reuse(place, actions) => {
                let before = place.get(self.earlier).clone();
                self.command(before.space().as_str(), before.id().clone(), &[], actions)
            }
            Step::Cancel { space, id } => {
                let target = self.id(space, id);
                Proposal::Cancel(Cancel { space: space_name(space), target })
            }
            Step::Propose { space, id, guards, actions } => {
                let id = self.id(space, id);
                self.command(space, id, guards, actions)
            }
            Step::ManyLocks { space, id, time_ms } => {
                let (id, time) = (self.id(space, id), Duration::from_millis(*time_ms));
                let holder = Holder::new("many").expect("valid");
                let lock = |number| LockName::new(&format!("many/{number}")).expect("valid");
                let acquire = |number| Action::Acquire { lock: lock(number), holder: holder.clone(), time };
                let actions = (0..70).map(acquire).collect();
                Proposal::Command(Command { space: space_name(space), id, guards: Vec::new(), actions })
            }
        };
        self.earlier.push(proposal.clone());
        proposal
    }

    fn command(&self, space: &str, id: Id, guards: &[SomeGuard], actions: &[SomeAction]) -> Proposal {
        let guards = guards.iter().map(|guard| self.guard(space, &id, guard)).collect();
        let actions = actions.iter().map(|action| self.action(space, &id, action)).collect();
        Proposal::Command(Command { space: space_name(space), id, guards, actions })
    }

    fn id(&self, space: &str, id: &SomeId) -> Id {
        let is_finite = self.model.spaces.get(space).is_some_and(|space| space.memory_ms.is_some());
        let known = |text: &u8| format!("id/{text}");
        match id {
            SomeId::Plain(text) => Id::new(known(text)),
            SomeId::Right(text, _) if !is_finite => Id::new(known(text)),
            SomeId::Beside(text, when) | SomeId::Right(text, when) => {
                Id::with_birth(known(text), time(self.birth(space, *when)))
            }
            SomeId::Uuid(text, when) => {
                let ms = self.birth(space, *when);
                let (high, low) = (ms >> 16, ms & 0xffff);
                Id::new(format!("{high:08x}-{low:04x}-7000-8000-0000000000{text:02x}"))
            }
        }
        .expect("valid")
    }

    fn birth(&self, space: &str, when: When) -> u64 {
        let floor_ms = self.model.spaces.get(space).map_or(0, |space| space.floor_ms);
        match when {
            When::Floor(offset) if floor_ms > 0 => floor_ms.saturating_add_signed(offset),
            When::Clock(offset) | When::Floor(offset) => self.clock_ms.saturating_add_signed(offset),
        }
    }

    fn target(&self, space: &str, own: &Id, target: &Target) -> Id {
        match target {
            Target::Own => own.clone(),
            Target::Some(id) => self.id(space, id),
            Target::Earlier(place) => {
                let of_space = |proposal: &&Proposal| proposal.space().as_str() == space;
                let ids: Vec<_> = self.earlier.iter().filter(of_space).map(Proposal::id).collect();
                if ids.is_empty() { Id::new("unseen").expect("valid") } else { (*place.get(&ids)).clone() }
            }
        }
    }

    fn token(&self, space: &str, lock: &LockName, right: Right) -> Token {
        let held = self.model.spaces.get(space).and_then(|space| space.locks.get(lock.as_str()));
        let token = held.map_or(Token { history: History(1), sequence: Sequence(1) }, |held| held.token);
        if right.0 { token } else { Token { sequence: token.sequence.next(), ..token } }
    }

    fn guard(&self, name: &str, own: &Id, guard: &SomeGuard) -> Guard {
        let space = self.model.spaces.get(name);
        let off = |right: &Right| u64::from(!right.0);
        match guard {
            SomeGuard::LogEnd(log, right) => {
                let end = space.map_or(0, |space| space.end_of(log.as_str()));
                Guard::LogEnd { log: log.clone(), end: Offset(end + off(right)) }
            }
            SomeGuard::CellAbsent(key) => Guard::CellAbsent { key: key.clone() },
            SomeGuard::CellVersion(key, right) => {
                let version = space.and_then(|space| space.cells.get(key.as_str())).map_or(0, |cell| cell.version);
                Guard::CellVersion { key: key.clone(), version: Version(version + off(right)) }
            }
            SomeGuard::CellAtLeast(key, least) => Guard::CellAtLeast { key: key.clone(), least: *least },
            SomeGuard::Position(reader, log, right) => {
                let found = space.map_or((0, 0), |space| space.position_of(reader.as_str(), log.as_str()));
                let (offset, version) = (Offset(found.0), Version(found.1 + off(right)));
                Guard::Position { reader: reader.clone(), log: log.clone(), offset, version }
            }
            SomeGuard::LockHeld(lock, right) => {
                Guard::LockHeld { lock: lock.clone(), token: self.token(name, lock, *right) }
            }
            SomeGuard::Fate(target, is) => Guard::Fate { target: self.target(name, own, target), is: *is },
        }
    }

    fn action(&self, space: &str, own: &Id, action: &SomeAction) -> Action {
        match action {
            SomeAction::As(action) => action.clone(),
            SomeAction::Renew(lock, right, time_ms) => {
                let time = Duration::from_millis(*time_ms);
                Action::Renew { lock: lock.clone(), token: self.token(space, lock, *right), time }
            }
            SomeAction::Release(lock, right) => {
                Action::Release { lock: lock.clone(), token: self.token(space, lock, *right) }
            }
            SomeAction::Compensate(target) => Action::Compensate { target: self.target(space, own, target) },
        }
    }
}

pub(super) fn space_name(name: &str) -> SpaceName {
    SpaceName::new(name).expect("valid")
}

pub(super) fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("48 bits")
}
