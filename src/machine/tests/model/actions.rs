//! What the model does for an action. It may have done half of a command when something refuses: whoever asked for the
//! command goes back to a copy.

use std::time::Duration;

use super::{DueThing, Kind, Model, ModelCell, ModelLock, ModelLog, ModelPosition, ModelSpace, time};
use crate::types::{
    Action, ActionResult, CellValue, Found, History, Id, LockName, LogCreation, LogName, MachineVersion, Memory,
    NewRecord, Offset, Retention, Sequence, SpaceName, Token, Version,
};

impl Model {
    #[expect(clippy::too_many_lines, reason = "one short arm for each action")]
    pub(super) fn act(&mut self, name: &str, id: &Id, action: &Action) -> Result<ActionResult, Found> {
        let clock_ms = self.clock_ms;
        let history = self.history;
        let space = self.spaces.get_mut(name).expect("a command's space is there");
        let number = space.last_sequence + 1;
        let version = Version(number);
        let token = Token { history: History(history), sequence: Sequence(number) };
        match action {
            Action::Append { log, records } => space.append(log, records, id, clock_ms),
            Action::Put { key, value } => {
                space.set(key.as_str(), value.clone(), number, clock_ms);
                Ok(ActionResult::Put { version })
            }
            Action::Delete { key } => {
                space.cells.remove(key.as_str()).ok_or(Found::NoCell)?;
                Ok(ActionResult::Deleted { version })
            }
            Action::Add { key, amount, least, most, absent } => {
                let before = match (space.cells.get(key.as_str()).map(|cell| &cell.value), absent) {
                    (Some(CellValue::Integer(value)), _) | (None, Some(value)) => *value,
                    (Some(CellValue::Bytes(_)), _) => return Err(Found::NotANumber),
                    (None, None) => return Err(Found::NoCell),
                };
                let sum = i128::from(before) + i128::from(*amount);
                let (least, most) = (i128::from(*least), i128::from(*most));
                let value = i64::try_from(sum).map_err(|_| Found::OutOfBounds(before))?;
                if sum < least || sum > most {
                    return Err(Found::OutOfBounds(before));
                }
                space.set(key.as_str(), CellValue::Integer(value), number, clock_ms);
                Ok(ActionResult::Added { value, version })
            }
            Action::Move { reader, log, to } => {
                let end = space.log(log.as_str()).ok_or(Found::NoLog)?.end();
                if to.0 > end {
                    return Err(Found::PastEnd(Offset(end)));
                }
                let key = (reader.as_str().to_owned(), log.as_str().to_owned());
                space.deleted_positions.remove(&key);
                space.positions.insert(key, ModelPosition { offset: to.0, version: number, time_ms: clock_ms });
                Ok(ActionResult::Moved { version })
            }
            Action::Acquire { lock, holder, time } => {
                if let Some(held) = holding(space, clock_ms, lock) {
                    return Err(other_holds(held));
                }
                Ok(space.hold(lock, holder.as_str(), token, clock_ms, *time))
            }
            Action::Renew { lock, token, time } => {
                let held = space.held_by(lock, *token, clock_ms)?;
                Ok(space.hold(lock, &held.holder, *token, clock_ms, *time))
            }
            Action::Release { lock, token } => {
                space.held_by(lock, *token, clock_ms)?;
                space.locks.remove(lock.as_str());
                Ok(ActionResult::Released)
            }
            Action::Trim { log, before } => {
                let log = space.log_mut(log)?;
                if before.0 > log.end() {
                    return Err(Found::PastEnd(Offset(log.end())));
                }
                if before.0 > log.start {
                    log.cut(before.0, clock_ms);
                }
                Ok(ActionResult::Trimmed { start: Offset(log.start) })
            }
            Action::Compensate { .. } => Ok(ActionResult::Compensated),
            Action::CreateLog { log, retention } => {
                if space.log(log.as_str()).is_some() {
                    return Err(Found::LogExists);
                }
                space.make(log, *retention, clock_ms);
                Ok(ActionResult::LogCreated)
            }
            Action::SetRetention { log, retention } => {
                let log = space.log_mut(log)?;
                log.retention = *retention;
                log.due_ms = log.front_goes_at(clock_ms);
                Ok(ActionResult::RetentionSet)
            }
            Action::DeleteLog { log } => {
                let log = space.log_mut(log)?;
                let end = log.end();
                log.start = end;
                log.deleted_ms = Some(clock_ms);
                log.due_ms = None;
                Ok(ActionResult::LogDeleted { end: Offset(end) })
            }
            Action::DeleteReader { reader, log } => {
                let key = (reader.as_str().to_owned(), log.as_str().to_owned());
                space.positions.remove(&key).ok_or(Found::NoReader)?;
                space.deleted_positions.insert(key, number);
                Ok(ActionResult::ReaderDeleted { version })
            }
            Action::CreateSpace { name, policy } => {
                if self.spaces.contains_key(name.as_str()) {
                    return Err(Found::SpaceExists);
                }
                if self.deleted_spaces.contains_key(name.as_str()) {
                    return Err(self.no_space(name));
                }
                let memory_ms = match policy.memory {
                    Memory::Forever => None,
                    Memory::For(memory) => Some(ms(memory)),
                };
                let made = ModelSpace::new(self.next_space, memory_ms, policy.logs == LogCreation::Explicit, clock_ms);
                self.next_space += 1;
                self.spaces.insert(name.as_str().to_owned(), made);
                Ok(ActionResult::SpaceCreated)
            }
            Action::SetSpace { name, memory, logs } => {
                let no_space = self.no_space(name);
                let space = self.spaces.get_mut(name.as_str()).ok_or(no_space)?;
                if let Some(memory) = memory {
                    space.change_memory(ms(*memory), clock_ms)?;
                }
                if let Some(logs) = logs {
                    space.explicit_logs = *logs == LogCreation::Explicit;
                }
                Ok(ActionResult::SpaceSet)
            }
            Action::DeleteSpace { name } => {
                let all = self.due_things();
                let Some(gone) = self.spaces.remove(name.as_str()) else { return Err(self.no_space(name)) };
                let is_left = |thing: &DueThing| thing.1 != Kind::Floor && thing.2 == gone.number;
                self.left_behind.extend(all.into_iter().filter(is_left));
                self.deleted_spaces.insert(name.as_str().to_owned(), clock_ms);
                Ok(ActionResult::SpaceDeleted)
            }
            Action::RaiseVersion { to } => {
                if to.0 < self.version {
                    return Err(Found::VersionInForce(MachineVersion(self.version)));
                }
                self.version = to.0;
                Ok(ActionResult::VersionRaised { version: *to })
            }
        }
    }

    fn no_space(&self, name: &SpaceName) -> Found {
        match self.deleted_spaces.get(name.as_str()) {
            Some(deleted_ms) => Found::SpaceDeleted { at: time(*deleted_ms) },
            None => Found::NoSpace,
        }
    }
}

impl ModelSpace {
    fn append(&mut self, name: &LogName, records: &[NewRecord], id: &Id, clock_ms: u64) -> Result<ActionResult, Found> {
        if self.log(name.as_str()).is_none() {
            if self.explicit_logs {
                return Err(Found::NoLog);
            }
            self.make(name, Retention::EVERYTHING, clock_ms);
        }
        let log = self.log_mut(name).expect("there or just made");
        let first = Offset(log.end());
        log.open_piece(clock_ms);
        log.records.extend(records.iter().map(|record| (record.clone(), id.clone(), clock_ms)));
        log.last_ms = clock_ms;
        if let Some(at_ms) = log.front_goes_at(clock_ms)
            && log.due_ms.is_none_or(|due_ms| at_ms < due_ms)
        {
            log.due_ms = Some(at_ms);
        }
        Ok(ActionResult::Appended { first, count: u32::try_from(records.len()).expect("small") })
    }

    fn log_mut(&mut self, name: &LogName) -> Result<&mut ModelLog, Found> {
        let is_there = |log: &&mut ModelLog| log.name == name.as_str() && log.deleted_ms.is_none();
        self.logs.iter_mut().find(is_there).ok_or(Found::NoLog)
    }

    /// One that was deleted keeps its place and the records that it had, for their offsets.
    fn make(&mut self, name: &LogName, retention: Retention, clock_ms: u64) {
        let Some(deleted) = self.logs.iter_mut().find(|log| log.name == name.as_str()) else {
            return self.logs.push(ModelLog::new(name, retention, clock_ms, Vec::new()));
        };
        *deleted = ModelLog::new(name, retention, clock_ms, std::mem::take(&mut deleted.records));
    }

    fn set(&mut self, key: &str, value: CellValue, version: u64, time_ms: u64) {
        self.cells.insert(key.to_owned(), ModelCell { value, version, time_ms });
    }

    fn hold(&mut self, lock: &LockName, holder: &str, token: Token, clock_ms: u64, time: Duration) -> ActionResult {
        let expires_ms = clock_ms + ms(time);
        self.locks.insert(lock.as_str().to_owned(), ModelLock { holder: holder.to_owned(), token, expires_ms });
        ActionResult::Locked { token, expires: super::time(expires_ms) }
    }

    fn held_by(&self, lock: &LockName, token: Token, clock_ms: u64) -> Result<ModelLock, Found> {
        match holding(self, clock_ms, lock) {
            None => Err(Found::LockFree),
            Some(held) if held.token != token => Err(other_holds(held)),
            Some(held) => Ok(held.clone()),
        }
    }
}

/// The lock, unless it is free or has expired.
pub(super) fn holding<'a>(space: &'a ModelSpace, clock_ms: u64, lock: &LockName) -> Option<&'a ModelLock> {
    space.locks.get(lock.as_str()).filter(|held| held.expires_ms > clock_ms)
}

pub(super) fn other_holds(held: &ModelLock) -> Found {
    let holder = crate::types::Holder::new(&held.holder).expect("it came in as one");
    Found::LockHeld { holder, token: held.token, expires: time(held.expires_ms) }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("small")
}
