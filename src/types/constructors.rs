//! Guards, actions and conditions by name: whoever writes one need not know how it is kept.

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use super::cell::{CellValue, Token};
use super::command::{Action, FateIs, Guard};
use super::id::Id;
use super::name::{CellKey, Holder, LockName, LogName, ReaderName, SpaceName};
use super::number::{MachineVersion, Offset, Version};
use super::policy::{LogCreation, Retention, SpacePolicy};
use super::read::Condition;
use super::record::NewRecord;

impl Guard {
    /// The log's end is exactly this. A log that never was ends at 0, and one that was deleted where it ended.
    pub fn log_end(log: &LogName, end: Offset) -> Self {
        Self::LogEnd { log: log.clone(), end }
    }

    /// The cell is not there.
    pub fn cell_absent(key: &CellKey) -> Self {
        Self::CellAbsent { key: key.clone() }
    }

    /// The cell is there and has not changed since it was seen with this version.
    pub fn cell_version(key: &CellKey, version: Version) -> Self {
        Self::CellVersion { key: key.clone(), version }
    }

    /// The cell holds a number that is at least this.
    pub fn cell_at_least(key: &CellKey, least: i64) -> Self {
        Self::CellAtLeast { key: key.clone(), least }
    }

    /// The reader is where it was seen, and has not been moved since.
    pub fn position(reader: &ReaderName, log: &LogName, offset: Offset, version: Version) -> Self {
        Self::Position { reader: reader.clone(), log: log.clone(), offset, version }
    }

    /// The lock is held by this token. See [`Held::guard`](crate::client::lock::Held::guard).
    pub fn lock_held(lock: &LockName, token: Token) -> Self {
        Self::LockHeld { lock: lock.clone(), token }
    }

    /// This became of another id.
    pub fn fate(target: &Id, is: FateIs) -> Self {
        Self::Fate { target: target.clone(), is }
    }
}

impl Action {
    /// Adds records to the end of a log, which it makes unless the space says otherwise.
    ///
    /// ```
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use oncelog::types::{Action, NewRecord};
    ///
    /// let plain = Action::append(&"orders".parse()?, ["two tickets", "a programme"]);
    /// let with_header = NewRecord::new("two tickets").with_header("customer", "ada");
    /// let other = Action::append(&"orders".parse()?, [with_header]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn append(log: &LogName, records: impl IntoIterator<Item = impl Into<NewRecord>>) -> Self {
        Self::Append { log: log.clone(), records: records.into_iter().map(Into::into).collect() }
    }

    /// Makes a cell hold this, whatever it held.
    pub fn put(key: &CellKey, value: impl Into<CellValue>) -> Self {
        Self::Put { key: key.clone(), value: value.into() }
    }

    /// Takes a cell away.
    pub fn delete(key: &CellKey) -> Self {
        Self::Delete { key: key.clone() }
    }

    /// Adds to the number in a cell that is there. A sum outside of the bounds refuses the whole command: `0..` never lets a
    /// balance fall below nothing, `..` bounds nothing.
    pub fn add(key: &CellKey, amount: i64, bounds: impl RangeBounds<i64>) -> Self {
        add(key, amount, &bounds, None)
    }

    /// The same, and a cell that is not there counts as `absent`.
    pub fn add_from(key: &CellKey, absent: i64, amount: i64, bounds: impl RangeBounds<i64>) -> Self {
        add(key, amount, &bounds, Some(absent))
    }

    /// Moves a reader in a log that is there, forwards or back, at most to the log's end.
    pub fn move_reader(reader: &ReaderName, log: &LogName, to: Offset) -> Self {
        Self::Move { reader: reader.clone(), log: log.clone(), to }
    }

    /// Takes a lock that is free. [`Client::lock`](crate::client::Client::lock) does that and renews it.
    pub fn acquire(lock: &LockName, holder: &Holder, time: Duration) -> Self {
        Self::Acquire { lock: lock.clone(), holder: holder.clone(), time }
    }

    /// Holds a lock for this long from now on.
    pub fn renew(lock: &LockName, token: Token, time: Duration) -> Self {
        Self::Renew { lock: lock.clone(), token, time }
    }

    /// Frees a lock.
    pub fn release(lock: &LockName, token: Token) -> Self {
        Self::Release { lock: lock.clone(), token }
    }

    /// Takes away a log's records before an offset, at most its end. No id is forgotten for it.
    pub fn trim(log: &LogName, before: Offset) -> Self {
        Self::Trim { log: log.clone(), before }
    }

    /// Makes the command the undoing of another. If there is nothing to undo, no other action is done.
    pub fn compensate(target: &Id) -> Self {
        Self::Compensate { target: target.clone() }
    }

    /// Makes a log. One that is there refuses the command.
    pub fn create_log(log: &LogName, retention: Retention) -> Self {
        Self::CreateLog { log: log.clone(), retention }
    }

    /// Changes how much of a log is kept.
    pub fn set_retention(log: &LogName, retention: Retention) -> Self {
        Self::SetRetention { log: log.clone(), retention }
    }

    /// Takes a log away, with all its records. Should it be made again, it goes on where it ended. No id is forgotten
    /// for it.
    pub fn delete_log(log: &LogName) -> Self {
        Self::DeleteLog { log: log.clone() }
    }

    /// Takes a reader's position in a log away. One that is not there refuses the command.
    pub fn delete_reader(reader: &ReaderName, log: &LogName) -> Self {
        Self::DeleteReader { reader: reader.clone(), log: log.clone() }
    }

    /// Makes a space. Only in [`SpaceName::system`].
    pub fn create_space(name: &SpaceName, policy: SpacePolicy) -> Self {
        Self::CreateSpace { name: name.clone(), policy }
    }

    /// Changes a space in what is given. Only in [`SpaceName::system`].
    pub fn set_space(name: &SpaceName, memory: Option<Duration>, logs: Option<LogCreation>) -> Self {
        Self::SetSpace { name: name.clone(), memory, logs }
    }

    /// Takes a space away, with everything in it, its ids too, for ever. Only in [`SpaceName::system`].
    pub fn delete_space(name: &SpaceName) -> Self {
        Self::DeleteSpace { name: name.clone() }
    }

    /// Decides by the rules of a greater version from the next entry on. Only in [`SpaceName::system`].
    pub fn raise_version(to: MachineVersion) -> Self {
        Self::RaiseVersion { to }
    }
}

impl Condition {
    /// The log ends at this offset or later.
    pub fn log_end(log: &LogName, end: Offset) -> Self {
        Self::LogEnd { log: log.clone(), end }
    }

    /// The id has an outcome, or is too old to get one.
    pub fn decided(id: &Id) -> Self {
        Self::Decided { id: id.clone() }
    }

    /// The cell has another version than this; 0 is that of one that is not there.
    pub fn cell_changed(key: &CellKey, version: Version) -> Self {
        Self::CellChanged { key: key.clone(), version }
    }

    /// The cell holds a number that is at least this.
    pub fn cell_at_least(key: &CellKey, least: i64) -> Self {
        Self::CellAtLeast { key: key.clone(), least }
    }

    /// The reader is at this offset or past it.
    pub fn position_reached(reader: &ReaderName, log: &LogName, offset: Offset) -> Self {
        Self::PositionReached { reader: reader.clone(), log: log.clone(), offset }
    }

    /// Nobody holds the lock.
    pub fn lock_free(lock: &LockName) -> Self {
        Self::LockFree { lock: lock.clone() }
    }
}

fn add(key: &CellKey, amount: i64, bounds: &impl RangeBounds<i64>, absent: Option<i64>) -> Action {
    let least = match bounds.start_bound() {
        Bound::Included(least) => *least,
        Bound::Excluded(below) => below.saturating_add(1),
        Bound::Unbounded => i64::MIN,
    };
    let most = match bounds.end_bound() {
        Bound::Included(most) => *most,
        Bound::Excluded(above) => above.saturating_sub(1),
        Bound::Unbounded => i64::MAX,
    };
    Action::Add { key: key.clone(), amount, least, most, absent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_what_a_range_says() {
        let key = CellKey::new("stock").unwrap();
        let bounds = |action: &Action| match action {
            Action::Add { least, most, absent, .. } => (*least, *most, *absent),
            other => panic!("{other:?}"),
        };
        assert_eq!(bounds(&Action::add(&key, -1, 0..)), (0, i64::MAX, None));
        assert_eq!(bounds(&Action::add(&key, -1, ..)), (i64::MIN, i64::MAX, None));
        assert_eq!(bounds(&Action::add(&key, -1, 1..5)), (1, 4, None));
        assert_eq!(bounds(&Action::add_from(&key, 7, -1, ..=9)), (i64::MIN, 9, Some(7)));
    }
}
