//! What each action does to a space, and what it gets.
//!
//! - With a result that was told, the space becomes what was told; what must have been told is returned beside it.
//! - Without one, the action stood before another that failed, or failed itself: it is done as far as it is known.

use super::expected::Expected;
use super::lives::Life;
use super::rows::Fact;
use super::space::{Cell, Lock, Position, Space, Stamp, integer, lock_message};
use crate::proto::action::Action;
use crate::proto::action_result::Result as Got;
use crate::proto::cell_value::Value;
use crate::proto::refused::Found;
use crate::proto::{
    AcquireLock, AddToCell, AppendRecords, Appended, CellDeleted, CellPut, Compensated, CreateLog, CreateSpace,
    DeleteLog, DeleteReader, DeleteSpace, Locked, LogCreated, LogDeleted, LogExists, MemoryIsFixed, MoveReader,
    NewRecord, NoCell, NoLog, NoReader, NoSpace, NotANumber, PutCell, ReaderDeleted, ReaderMoved, Released,
    RetentionSet, SetRetention, SetSpace, SpaceCreated, SpaceDeleted, SpaceExists, SpaceSet, Token, TooManyChanges,
    TrimLog, Trimmed, VersionRaised,
};

/// What may come of a step, and what it gets if it holds.
type Came = (Expected, Option<Got>);

/// Does one action.
pub(super) fn act(space: &mut Space, action: &Action, stamp: Stamp, told: Option<&Got>) -> Came {
    match action {
        Action::Append(append) => space.append_records(append, stamp, told),
        Action::Put(put) => space.put(put, stamp, told),
        Action::Delete(delete) => space.delete_cell(&delete.key, stamp, told.is_some()),
        Action::Add(add) => space.add(add, stamp, told),
        Action::Move(reader) => space.move_reader(reader, stamp, told.is_some()),
        Action::DeleteReader(reader) => space.delete_reader(reader, stamp, told.is_some()),
        Action::Acquire(acquire) => space.acquire(acquire, stamp, told),
        Action::Renew(renew) => space.renew(&renew.lock, renew.token.as_ref(), renew.time_ms, (stamp, told)),
        Action::Release(release) => space.release(&release.lock, release.token.as_ref(), stamp, told.is_some()),
        Action::Trim(trim) => space.trim(trim, stamp, told),
        Action::Compensate(_) => (Expected::holds(), Some(Got::Compensated(Compensated {}))),
        Action::CreateLog(create) => space.create_log(create, stamp, told.is_some()),
        Action::SetRetention(set) => space.set_retention(set, stamp),
        Action::DeleteLog(delete) => space.delete_log(delete, stamp, told),
        Action::CreateSpace(create) => space.create_space(create, stamp, told.is_some()),
        Action::SetSpace(set) => space.set_space(set, stamp, told.is_some()),
        Action::DeleteSpace(delete) => space.delete_space(delete, stamp, told.is_some()),
        Action::RaiseVersion(raise) => space.raise_version(raise.to, told),
    }
}

/// The bytes of records that count for a retention.
pub(super) fn bytes_of(records: &[NewRecord]) -> u64 {
    let headers = |record: &NewRecord| record.headers.iter().map(|it| it.key.len() + it.value.len()).sum::<usize>();
    records.iter().map(|record| (record.payload.len() + headers(record)) as u64).sum()
}

impl Space {
    fn append_records(&mut self, append: &AppendRecords, stamp: Stamp, told: Option<&Got>) -> Came {
        let count = u32::try_from(append.records.len()).unwrap_or(u32::MAX);
        let bytes = bytes_of(&append.records);
        let (makes, may_not_make) = self.life.makes_logs(stamp.time_ms);
        self.logs.change(&append.log, |log| {
            let expected = if log.there == Some(true) || !may_not_make {
                Expected::holds()
            } else {
                let fails = Expected::fails(Found::NoLog(NoLog {}));
                Expected { holds: makes || log.there.is_none(), ..fails }
            };
            let first = match told {
                Some(Got::Appended(appended)) => Some(appended.first_offset),
                _ => log.end,
            };
            let got = log.end.or(first).map(|first_offset| Got::Appended(Appended { first_offset, count }));
            match first {
                _ if told.is_none() && !expected.holds => {}
                Some(first) => log.append(first, count.into(), bytes, stamp.time_ms),
                None => log.doubt_end(),
            }
            (expected, got)
        })
    }

    fn put(&mut self, put: &PutCell, stamp: Stamp, told: Option<&Got>) -> Came {
        let version = match told {
            Some(Got::Put(put)) => put.version,
            _ => stamp.sequence,
        };
        let value = put.value.as_ref().and_then(|value| value.value.clone());
        self.cells.set(put.key.clone(), Fact::Is(Some(Cell { value, version, time_ms: stamp.time_ms })));
        (Expected::holds(), Some(Got::Put(CellPut { version: stamp.sequence })))
    }

    fn delete_cell(&mut self, key: &str, stamp: Stamp, is_told: bool) -> Came {
        let expected = match self.cells.get(key) {
            Fact::Unknown => Expected { holds: true, ..Expected::fails(Found::NoCell(NoCell {})) },
            Fact::Is(cell) => Expected::holds_if(cell.is_some(), Found::NoCell(NoCell {})),
        };
        if is_told || expected.holds {
            self.cells.set(key.to_owned(), Fact::Is(None));
        }
        (expected, Some(Got::Deleted(CellDeleted { version: stamp.sequence })))
    }

    fn add(&mut self, add: &AddToCell, stamp: Stamp, told: Option<&Got>) -> Came {
        let before = match self.cells.get(&add.key) {
            Fact::Unknown => Fact::Unknown,
            Fact::Is(None) => Fact::Is(add.absent_is),
            Fact::Is(Some(cell)) => match integer(cell.value.as_ref()) {
                Some(number) => Fact::Is(Some(number)),
                None => return (Expected::fails(Found::NotANumber(NotANumber {})), None),
            },
        };
        let bounds = add.least.unwrap_or(i64::MIN)..=add.most.unwrap_or(i64::MAX);
        let sum = |number: i64| number.checked_add(add.amount).filter(|sum| bounds.contains(sum));
        let (expected, must) = match before {
            Fact::Unknown => (Expected::unknown(), None),
            Fact::Is(None) => (Expected::fails(Found::NoCell(NoCell {})), None),
            Fact::Is(Some(number)) => {
                (Expected::holds_if(sum(number).is_some(), Found::OutOfBounds(number)), sum(number))
            }
        };
        let value = match told {
            Some(Got::Added(added)) => Some(added.value),
            _ => must,
        };
        let cell = match value {
            Some(value) => {
                let (version, time_ms) = (stamp.sequence, stamp.time_ms);
                Fact::Is(Some(Cell { value: Some(Value::Integer(value)), version, time_ms }))
            }
            None => Fact::Unknown,
        };
        if told.is_some() || expected.holds {
            self.cells.set(add.key.clone(), cell);
        }
        let got = must.or(value).map(|value| Got::Added(crate::proto::Added { value, version: stamp.sequence }));
        (expected, got)
    }

    fn move_reader(&mut self, reader: &MoveReader, stamp: Stamp, is_told: bool) -> Came {
        let log = self.logs.get(&reader.log);
        let expected = match (log.there, log.end) {
            (Some(false), _) => Expected::fails(Found::NoLog(NoLog {})),
            (Some(true), Some(end)) => Expected::holds_if(reader.to <= end, Found::PastEnd(end)),
            _ => Expected::unknown(),
        };
        let (version, time_ms) = (stamp.sequence, stamp.time_ms);
        if is_told || expected.holds {
            let position = Position { offset: reader.to, version, time_ms, there: true };
            self.positions.set((reader.reader.clone(), reader.log.clone()), Fact::Is(Some(position)));
        }
        (expected, Some(Got::Moved(ReaderMoved { version })))
    }

    fn delete_reader(&mut self, reader: &DeleteReader, stamp: Stamp, is_told: bool) -> Came {
        let key = (reader.reader.clone(), reader.log.clone());
        let no_reader = Found::NoReader(NoReader {});
        let expected = match self.positions.get(&key) {
            Fact::Unknown => Expected { holds: true, ..Expected::fails(no_reader) },
            Fact::Is(position) => Expected::holds_if(position.is_some_and(|position| position.there), no_reader),
        };
        let (version, time_ms) = (stamp.sequence, stamp.time_ms);
        if is_told || expected.holds {
            self.positions.set(key, Fact::Is(Some(Position { offset: 0, version, time_ms, there: false })));
        }
        (expected, Some(Got::ReaderDeleted(ReaderDeleted { version })))
    }

    fn acquire(&mut self, acquire: &AcquireLock, stamp: Stamp, told: Option<&Got>) -> Came {
        let expected = match self.locks.get(&acquire.lock) {
            Fact::Unknown => Expected::unknown(),
            Fact::Is(Some(lock)) if stamp.time_ms < lock.expires_ms => {
                Expected::fails(Found::LockHeld(lock_message(&lock)))
            }
            Fact::Is(_) => Expected::holds(),
        };
        let token = (stamp.history, stamp.sequence);
        let lock = Lock { holder: acquire.holder.clone(), token, expires_ms: stamp.time_ms + acquire.time_ms };
        let got = self.hold(&acquire.lock, lock, told, expected.holds);
        (expected, Some(got))
    }

    fn renew(&mut self, name: &str, token: Option<&Token>, time_ms: u64, (stamp, told): (Stamp, Option<&Got>)) -> Came {
        let expected = self.held_by(name, token, stamp.time_ms);
        let Some(token) = token else { return (expected, None) };
        let token = (token.history, token.sequence);
        let holder = match self.locks.get(name) {
            Fact::Is(Some(lock)) => lock.holder,
            Fact::Is(None) | Fact::Unknown => {
                // Who holds it is not known, and so nothing is of the lock.
                self.locks.set(name.to_owned(), Fact::Unknown);
                return (expected, None);
            }
        };
        let lock = Lock { holder, token, expires_ms: stamp.time_ms + time_ms };
        let got = self.hold(name, lock, told, expected.holds);
        (expected, Some(got))
    }

    /// The lock becomes this, or what was told of it. What must have been told is returned.
    fn hold(&mut self, name: &str, lock: Lock, told: Option<&Got>, holds: bool) -> Got {
        let (history, sequence) = lock.token;
        let token = Some(Token { history, sequence });
        let got = Got::Locked(Locked { token, expires_ms: lock.expires_ms });
        let held = match told {
            Some(Got::Locked(Locked { token: Some(token), expires_ms })) => {
                Lock { token: (token.history, token.sequence), expires_ms: *expires_ms, ..lock }
            }
            _ => lock,
        };
        if told.is_some() || holds {
            self.locks.set(name.to_owned(), Fact::Is(Some(held)));
        }
        got
    }

    fn release(&mut self, name: &str, token: Option<&Token>, stamp: Stamp, is_told: bool) -> Came {
        let expected = self.held_by(name, token, stamp.time_ms);
        if is_told || expected.holds {
            self.locks.set(name.to_owned(), Fact::Is(None));
        }
        (expected, Some(Got::Released(Released {})))
    }

    fn trim(&mut self, trim: &TrimLog, stamp: Stamp, told: Option<&Got>) -> Came {
        self.logs.change(&trim.log, |log| {
            let expected = match (log.there, log.end) {
                (Some(false), _) => Expected::fails(Found::NoLog(NoLog {})),
                (Some(true), Some(end)) => Expected::holds_if(trim.before <= end, Found::PastEnd(end)),
                _ => Expected::unknown(),
            };
            let told = match told {
                Some(Got::Trimmed(trimmed)) => Some(trimmed.start),
                _ => None,
            };
            let start = match log.start_after(trim.before, stamp.time_ms) {
                // Between the two, retention may have had work left.
                Some((least, most)) => told.filter(|told| (least..=most).contains(told)).or(Some(most)),
                None => told,
            };
            if told.is_some() || expected.holds {
                log.trim(trim.before, told, stamp.time_ms);
            }
            (expected, start.map(|start| Got::Trimmed(Trimmed { start })))
        })
    }

    fn create_log(&mut self, create: &CreateLog, stamp: Stamp, is_told: bool) -> Came {
        self.logs.change(&create.log, |log| {
            let exists = Found::LogExists(LogExists {});
            let expected = match log.there {
                Some(there) => Expected::holds_if(!there, exists),
                None => Expected { holds: true, ..Expected::fails(exists) },
            };
            if is_told || expected.holds {
                log.make(create.retention.unwrap_or_default(), stamp.time_ms);
            }
            (expected, Some(Got::LogCreated(LogCreated {})))
        })
    }

    fn set_retention(&mut self, set: &SetRetention, stamp: Stamp) -> Came {
        self.logs.change(&set.log, |log| {
            let expected = is_there(log.there);
            if expected.holds {
                log.set_retention(set.retention.unwrap_or_default(), stamp.time_ms);
            }
            (expected, Some(Got::RetentionSet(RetentionSet {})))
        })
    }

    fn delete_log(&mut self, delete: &DeleteLog, stamp: Stamp, told: Option<&Got>) -> Came {
        self.logs.change(&delete.log, |log| {
            let expected = is_there(log.there);
            let end = match told {
                Some(Got::LogDeleted(deleted)) => Some(deleted.end),
                _ => log.end,
            };
            let got = log.end.or(end).map(|end| Got::LogDeleted(LogDeleted { end }));
            if told.is_some() || expected.holds {
                log.delete(end, stamp.time_ms);
            }
            (expected, got)
        })
    }

    fn create_space(&mut self, create: &CreateSpace, stamp: Stamp, is_told: bool) -> Came {
        let expected = match self.lives.get(&create.name) {
            Fact::Unknown => Expected::unknown(),
            Fact::Is(None) => Expected::holds(),
            Fact::Is(Some(Life { deleted_ms: Some(deleted_ms), .. })) => {
                Expected::fails(Found::SpaceDeletedMs(deleted_ms))
            }
            Fact::Is(Some(_)) => Expected::fails(Found::SpaceExists(SpaceExists {})),
        };
        if is_told || expected.holds {
            self.lives.set(create.name.clone(), Fact::Is(Some(Life::new(create, stamp.time_ms))));
        }
        (expected, Some(Got::SpaceCreated(SpaceCreated {})))
    }

    fn set_space(&mut self, set: &SetSpace, stamp: Stamp, is_told: bool) -> Came {
        let got = Some(Got::SpaceSet(SpaceSet {}));
        let (expected, life) = self.living(&set.name);
        let Some(mut life) = life else { return (expected, got) };
        let expected = match life.change(set, stamp.time_ms) {
            None => Expected::fails(Found::MemoryIsFixed(MemoryIsFixed {})),
            Some(change) if change.refused => {
                Expected { holds: change.allowed, ..Expected::fails(Found::TooManyChanges(TooManyChanges {})) }
            }
            Some(_) => expected,
        };
        if is_told || expected.holds {
            self.lives.set(set.name.clone(), Fact::Is(Some(life)));
        }
        (expected, got)
    }

    fn delete_space(&mut self, delete: &DeleteSpace, stamp: Stamp, is_told: bool) -> Came {
        let (expected, life) = self.living(&delete.name);
        if let Some(mut life) = life.filter(|_| is_told || expected.holds) {
            life.deleted_ms = Some(stamp.time_ms);
            self.lives.set(delete.name.clone(), Fact::Is(Some(life)));
        }
        (expected, Some(Got::SpaceDeleted(SpaceDeleted {})))
    }

    /// A space that is to be there, if it is.
    fn living(&self, name: &str) -> (Expected, Option<Life>) {
        match self.lives.get(name) {
            Fact::Unknown => (Expected::unknown(), None),
            Fact::Is(None) => (Expected::fails(Found::NoSpace(NoSpace {})), None),
            Fact::Is(Some(Life { deleted_ms: Some(deleted_ms), .. })) => {
                (Expected::fails(Found::SpaceDeletedMs(deleted_ms)), None)
            }
            Fact::Is(Some(life)) => (Expected::holds(), Some(life)),
        }
    }

    fn raise_version(&mut self, to: u32, told: Option<&Got>) -> Came {
        let expected = match self.version {
            Some(version) => Expected::holds_if(version <= to, Found::VersionInForce(version)),
            None => Expected::unknown(),
        };
        if told.is_some() || expected.holds {
            self.version = Some(to);
        }
        (expected, Some(Got::VersionRaised(VersionRaised { version: to })))
    }
}

fn is_there(there: Option<bool>) -> Expected {
    let no_log = Found::NoLog(NoLog {});
    match there {
        Some(there) => Expected::holds_if(there, no_log),
        None => Expected { holds: true, ..Expected::fails(no_log) },
    }
}
