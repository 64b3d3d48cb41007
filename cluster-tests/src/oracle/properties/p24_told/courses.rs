//! How the things that somebody waited for in vain went up and down: numbers in cells, positions of readers, and locks.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::history::{Answer, Command, Got, Name, Question, Sealed, Wanted};
use crate::oracle::Evidence;
use crate::proto::action::Action;
use crate::proto::{CellValue, cell_value};

/// What changes, in `main`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    Cell(Name),
    Reader(Name, Name),
    Lock(Name),
}

/// Where a thing is after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// It is not there.
    Gone,
    /// A cell that holds bytes.
    Bytes,
    /// A number, an offset, or of a lock: 0 while it is held and 1 while it is free.
    Number(i64),
}

impl Level {
    fn is_at_least(self, least: Option<i64>) -> bool {
        match (self, least) {
            (Self::Gone, _) | (Self::Bytes, Some(_)) => false,
            (Self::Bytes | Self::Number(_), None) => true,
            (Self::Number(number), Some(least)) => number >= least,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Change {
    sequence: u64,
    level: Level,
    /// Until when a lock is held by it.
    expires_ms: Option<u64>,
    invoked: Duration,
    known: Duration,
}

/// All changes of a thing, in order.
#[derive(Debug, Default)]
struct Course {
    changes: Vec<Change>,
    /// Whether there is something of which nobody knows whether it was done.
    open: bool,
}

/// The courses of all that was waited for in vain.
pub(super) struct Courses {
    of: HashMap<Thing, Course>,
    /// When the clock of all spaces was known to be past the times at which these locks expire.
    past: BTreeMap<u64, Duration>,
}

impl Courses {
    pub(super) fn of(evidence: Evidence<'_>) -> Self {
        let mut of: HashMap<Thing, Course> = HashMap::new();
        for asked in evidence.events.asked.iter().filter(|asked| asked.space.is_empty()) {
            if let (Question::Wait { wanted, .. }, Answer::Late) = (&asked.question, &asked.answer)
                && let Some(thing) = Thing::of(wanted)
            {
                of.entry(thing).or_default();
            }
        }
        if of.is_empty() {
            return Self { of, past: BTreeMap::new() };
        }
        for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
            for (thing, level, expires_ms) in changes(&command) {
                let Some(course) = of.get_mut(&thing) else { continue };
                match command.decided() {
                    Some((known, sealed)) if sealed.is_applied() && !sealed.got().is_empty() => {
                        let (sequence, invoked) = (sealed.sequence, command.invoked().unwrap_or_default());
                        course.changes.push(Change { sequence, level, expires_ms, invoked, known });
                    }
                    Some(_) => {}
                    None => course.open |= command.is_open(),
                }
            }
        }
        for course in of.values_mut() {
            course.changes.sort_by_key(|change| change.sequence);
        }
        let expiries = of.values().flat_map(|course| &course.changes).filter_map(|change| change.expires_ms);
        let past = past(evidence, expiries);
        Self { of, past }
    }

    /// Since when it was known that a thing is there, with a number that is at least this if one is given, and that it
    /// does not change back before a time. None: nobody knew, or it may have.
    pub(super) fn since(&self, thing: Thing, least: Option<i64>, by: Duration) -> Option<Duration> {
        let course = self.of.get(&thing).filter(|course| !course.open)?;
        let is_below = |change: &Change| change.invoked <= by && !change.level.is_at_least(least);
        let last_below = course.changes.iter().rposition(is_below);
        let after = course.changes.get(last_below.map_or(0, |last| last + 1)..).unwrap_or_default();
        after.iter().map(|change| change.known).min()
    }

    /// Since when it was known that a cell has another version than this one.
    pub(super) fn changed_since(&self, key: Name, version: u64) -> Option<Duration> {
        let later = self.of.get(&Thing::Cell(key))?.changes.iter().filter(|change| change.sequence > version);
        later.map(|change| change.known).min()
    }

    /// Since when it was known that the time of who holds a lock last is over.
    pub(super) fn expired_since(&self, lock: Name, by: Duration) -> Option<Duration> {
        let course = self.of.get(&Thing::Lock(lock)).filter(|course| !course.open)?;
        let last = course.changes.iter().rfind(|change| change.invoked <= by)?;
        self.past.get(&last.expires_ms?).copied()
    }
}

impl Thing {
    fn of(wanted: &Wanted) -> Option<Self> {
        match *wanted {
            Wanted::CellChanged { key, .. } | Wanted::CellAtLeast { key, .. } => Some(Self::Cell(key)),
            Wanted::Position { reader, log, .. } => Some(Self::Reader(reader, log)),
            Wanted::LockFree { lock } => Some(Self::Lock(lock)),
            Wanted::LogEnd { .. } | Wanted::Decided(_) => None,
        }
    }
}

/// What a command changes, and to what; of a lock that it takes, until when.
fn changes(command: &Command) -> Vec<(Thing, Level, Option<u64>)> {
    let mut got = command.applied().map(Sealed::got).unwrap_or_default().iter();
    let changes = command.actions().into_iter().map(|action| {
        let got = got.next();
        let expires_ms = match got {
            Some(Got::Locked { expires_ms, .. }) => Some(*expires_ms),
            _ => None,
        };
        let (thing, level) = match action {
            Action::Put(put) => (Thing::Cell(Name::from(put.key)), level(put.value.as_ref())),
            Action::Add(add) => match got {
                Some(Got::Added(sum)) => (Thing::Cell(Name::from(add.key)), Level::Number(*sum)),
                _ => (Thing::Cell(Name::from(add.key)), Level::Gone),
            },
            Action::Delete(gone) => (Thing::Cell(Name::from(gone.key)), Level::Gone),
            Action::Move(to) => {
                let offset = i64::try_from(to.to).unwrap_or(i64::MAX);
                (Thing::Reader(Name::from(to.reader), Name::from(to.log)), Level::Number(offset))
            }
            Action::DeleteReader(gone) => (Thing::Reader(Name::from(gone.reader), Name::from(gone.log)), Level::Gone),
            Action::Acquire(acquire) => (Thing::Lock(Name::from(acquire.lock)), Level::Number(0)),
            Action::Renew(renew) => (Thing::Lock(Name::from(renew.lock)), Level::Number(0)),
            Action::Release(release) => (Thing::Lock(Name::from(release.lock)), Level::Number(1)),
            _ => return None,
        };
        Some((thing, level, expires_ms))
    });
    changes.flatten().collect()
}

fn level(value: Option<&CellValue>) -> Level {
    match value.and_then(|value| value.value.as_ref()) {
        Some(cell_value::Value::Integer(number)) => Level::Number(*number),
        Some(cell_value::Value::Bytes(_)) | None => Level::Bytes,
    }
}

/// When somebody was first told of an outcome that is stamped with each of these times or a later one. All spaces have one
/// clock.
fn past(evidence: Evidence<'_>, times: impl Iterator<Item = u64>) -> BTreeMap<u64, Duration> {
    let mut past: Vec<(u64, Duration)> = times.map(|time_ms| (time_ms, Duration::MAX)).collect();
    past.sort_unstable();
    past.dedup();
    if past.is_empty() {
        return BTreeMap::new();
    }
    let mut tell = |known: Duration, stamp_ms: u64| {
        let up_to = past.partition_point(|(time_ms, _)| *time_ms <= stamp_ms);
        if let Some((_, first)) = up_to.checked_sub(1).and_then(|last| past.get_mut(last)) {
            *first = known.min(*first);
        }
    };
    for operation in &evidence.events.operations {
        if let Some((known, told)) = operation.acknowledged() {
            tell(known, told.place.time_ms);
        }
    }
    for command in &evidence.events.commands {
        if let Some((known, sealed)) = command.decided() {
            tell(known, sealed.time_ms);
        }
    }
    let mut first = Duration::MAX;
    for (_, known) in past.iter_mut().rev() {
        first = first.min(*known);
        *known = first;
    }
    past.into_iter().filter(|(_, known)| *known < Duration::MAX).collect()
}
