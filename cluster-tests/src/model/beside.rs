//! What the outcomes lead to, laid beside what a replica holds.
//!
//! - What the model does not know is left out. What it knows to be absent must not be there either.
//! - Time goes on without outcomes. A replica's tables say how far: what was due by then is done, but for what its row says
//!   is due still. Without tables, a lock that is over may be gone or not, and retention may have taken what is due later.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Fact, Row, Rows};
use super::space::{Cell, Lock, Position, Space, integer};
use super::{Model, SYSTEM};
use crate::command::log_in;
use crate::history::Content;
use crate::oracle::{Dump, Held};
use crate::proto::cell_value::Value;

/// Takes what differs.
pub(super) type Differs<'a> = dyn FnMut(String) + 'a;

impl Model {
    /// Names what a replica has otherwise than the outcomes lead to.
    pub fn beside(&self, dump: &Dump, differs: &mut Differs<'_>) {
        self.spaces_beside(dump, differs);
        let others = self.spaces.iter().filter(|(name, _)| *name != SYSTEM);
        let lives = |name: &str| matches!(self.life(name), Fact::Is(Some(life)) if life.deleted_ms.is_none());
        let living = others.filter(|(name, _)| lives(name)).map(|(name, space)| (name.as_str(), space));
        let living: Vec<(&str, &Space)> = living.collect();
        let are_all = self.spaces.get(SYSTEM).is_some_and(Space::knows_all_lives);
        for (name, space) in &living {
            space.logs_beside(name, dump, differs);
        }
        let of = |name: &str, key: &String| log_in(name, key);
        let cells = gathered((&living, are_all), |space| &space.cells, of);
        rows_beside("cell", &cells, &dump.cells, &is_cell, differs);
        let at = |name: &str, (reader, log): &(String, String)| format!("{reader} in {}", log_in(name, log));
        let positions = gathered((&living, are_all), |space| &space.positions, at);
        rows_beside("position of", &positions, &dump.positions, &is_at, differs);
        let locks = gathered((&living, are_all), |space| &space.locks, of);
        let clock_ms = dump.tables.as_ref().and_then(|tables| tables.small().globals).map(|globals| globals.clock);
        let held = |lock: &Lock, found: Option<&((u64, u64), u64)>| match found {
            Some(found) => *found == (lock.token, lock.expires_ms),
            None => clock_ms.is_none_or(|clock_ms| lock.expires_ms <= clock_ms),
        };
        rows_beside("lock", &locks, &dump.locks, &held, differs);
        if let Some(tables) = &dump.tables {
            self.beside_tables(tables.small(), &living, differs);
        }
    }

    fn spaces_beside(&self, dump: &Dump, differs: &mut Differs<'_>) {
        let Some(system) = self.spaces.get(SYSTEM) else { return };
        let mut named = BTreeSet::new();
        for (name, life) in system.lives.iter() {
            named.insert(name.as_str());
            let Fact::Is(life) = life else { continue };
            let lives = life.as_ref().is_some_and(|life| life.deleted_ms.is_none());
            if lives != dump.spaces.contains(name) && name != SYSTEM {
                differs(format!("the space {name} is {}there", if lives { "not " } else { "" }));
            }
        }
        let strangers = dump.spaces.iter().filter(|name| !named.contains(name.as_str()));
        for name in strangers.filter(|_| system.lives.is_rest_absent()) {
            differs(format!("the space {name} is there, and nobody made it"));
        }
        let is_nowhere = |log: &str| log.split_once('/').is_some_and(|(space, _)| !self.spaces.contains_key(space));
        for name in dump.logs.keys().filter(|name| is_nowhere(name) && system.lives.is_rest_absent()) {
            differs(format!("the log {name} is there, and nobody made it"));
        }
    }
}

impl Space {
    /// Whether it is known of every space that there is.
    fn knows_all_lives(&self) -> bool {
        self.lives.is_rest_absent() && self.lives.iter().all(|(_, life)| *life != Fact::Unknown)
    }

    fn logs_beside(&self, name: &str, dump: &Dump, differs: &mut Differs<'_>) {
        let mut named = BTreeSet::new();
        for (log, known) in self.logs.iter() {
            let full = log_in(name, log);
            let found = dump.logs.get(&full);
            if known.there.is_some_and(|there| there != found.is_some()) {
                differs(format!("the log {full} is {}there", if found.is_none() { "not " } else { "" }));
            }
            if let Some((found, end)) = found.zip(known.end).filter(|(found, end)| found.end != *end) {
                differs(format!("the log {full} ends at {}, and its appends end at {end}", found.end));
            }
            // Tables say the time, and more.
            if let Some(found) = found.filter(|_| dump.tables.is_none())
                && let Some((least, most)) = known.start_from(self.last.time_ms)
                && !(least..=most).contains(&found.start)
            {
                differs(format!("the log {full} begins at {}, and may begin from {least} to {most}", found.start));
            }
            named.insert(full);
        }
        let is_here = |full: &str| full.split_once('/').map_or(super::MAIN, |(space, _)| space) == name;
        let strangers = dump.logs.keys().filter(|full| is_here(full) && !named.contains(*full));
        for full in strangers.filter(|_| self.logs.is_rest_absent()) {
            differs(format!("the log {full} is there, and nobody made it"));
        }
    }
}

/// All rows of one kind as a dump names them, and whether there are no others.
struct Gathered<T> {
    rows: BTreeMap<String, Fact<T>>,
    are_all: bool,
}

fn gathered<K, T>(
    (living, are_all): (&[(&str, &Space)], bool),
    rows: impl Fn(&Space) -> &Rows<K, Fact<T>>,
    key: impl Fn(&str, &K) -> String,
) -> Gathered<T>
where
    K: Ord + Clone,
    T: Clone,
    Fact<T>: Row,
{
    let named = living.iter().flat_map(|(name, space)| rows(space).iter().map(move |row| (*name, row)));
    Gathered {
        rows: named.map(|(name, (row, fact))| (key(name, row), fact.clone())).collect(),
        are_all: are_all && living.iter().all(|(_, space)| rows(space).is_rest_absent()),
    }
}

/// Whether a row that is known, and may be there, may be this in a replica; none: it is not there.
type May<'a, T, D> = dyn Fn(&T, Option<&D>) -> bool + 'a;

fn rows_beside<T: std::fmt::Debug, D: std::fmt::Debug>(
    what: &str,
    gathered: &Gathered<T>,
    dump: &BTreeMap<String, D>,
    may: &May<'_, T, D>,
    differs: &mut Differs<'_>,
) {
    for (key, fact) in &gathered.rows {
        let found = dump.get(key);
        match fact {
            Fact::Unknown => {}
            Fact::Is(None) if found.is_none() => {}
            Fact::Is(None) => differs(format!("the {what} {key} is {found:?}, and was taken away")),
            Fact::Is(Some(row)) if may(row, found) => {}
            Fact::Is(Some(row)) => differs(format!("the {what} {key} is {found:?}, and was told to be {row:?}")),
        }
    }
    for (key, found) in dump.iter().filter(|(key, _)| gathered.are_all && !gathered.rows.contains_key(*key)) {
        differs(format!("the {what} {key} is {found:?}, and nobody made it"));
    }
}

fn is_cell(cell: &Cell, held: Option<&Held>) -> bool {
    let content = match &cell.value {
        Some(Value::Bytes(bytes)) => Some(Content::of(bytes)),
        Some(Value::Integer(_)) | None => None,
    };
    held == Some(&Held { number: integer(cell.value.as_ref()), content, version: cell.version })
}

fn is_at(position: &Position, found: Option<&(u64, u64)>) -> bool {
    match found {
        Some(found) => position.there && *found == (position.offset, position.version),
        None => !position.there,
    }
}
