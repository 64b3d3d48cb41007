//! What the outcomes lead to, laid beside the rows of a replica's tables: all that a row says, and how far time has gone.
//!
//! - Rows that clients see are laid beside what clients see elsewhere. Here is what nobody is told: retention, pieces,
//!   floors, the end of what is closed, times, and what stays of what was deleted.
//! - What is due by the replica's clock is done. What its row says is due may be left: an entry does only so much.

use super::beside::Differs;
use super::floor::Memory;
use super::log::{Deletion, Log, Pieces};
use super::rows::Fact;
use super::space::{Cell, Lock, Position, Space};
use super::{MAIN, Model, SYSTEM};
use crate::command::log_in;
use crate::proto::Retention;
use crate::tables::{self, Head, Small};

/// A space, as its replica has it.
struct Stored<'a> {
    small: &'a Small,
    name: &'a str,
    number: u32,
    clock_ms: u64,
}

impl Model {
    /// Names what tables have otherwise than the outcomes lead to, in the spaces that are there.
    pub(super) fn beside_tables(&self, small: &Small, living: &[(&str, &Space)], differs: &mut Differs<'_>) {
        let Some(globals) = small.globals else { return };
        let clock_ms = globals.clock;
        for (name, space) in living {
            let Some(number) = small.spaces.get(*name).map(|space| space.number) else { continue };
            let stored = Stored { small, name, number, clock_ms };
            for (log, known) in space.logs.iter() {
                stored.log(log, known, differs);
            }
            stored.strangers(space, differs);
            stored.cells(space, differs);
            stored.positions(space, differs);
            stored.locks(space, differs);
        }
        for (name, space) in &small.spaces {
            self.outcomes_beside(name, space, differs);
        }
        let Some(system) = self.spaces.get(SYSTEM) else { return };
        if let Some(version) = system.version.filter(|version| *version != globals.version) {
            differs(format!("the machine version is {}, and was raised to {version}", globals.version));
        }
        lives_beside(system, small, clock_ms, differs);
    }

    /// A space has as many outcomes as were told, and at most those that may have been decided beside them.
    fn outcomes_beside(&self, name: &str, stored: &tables::Space, differs: &mut Differs<'_>) {
        let (last, untold) = self.spaces.get(name).map_or((0, 0), |space| (space.last.sequence, space.untold));
        let found = stored.last_sequence;
        if found < last {
            differs(format!("the last outcome of the space {name} is {found}, and {last} was told"));
        }
        let may_be = self.known.doubts.get(name).map_or(0, |doubts| doubts.commands);
        let open = untold + found.saturating_sub(last);
        if self.known.complete && open > may_be && untold <= may_be {
            differs(format!(
                "the last outcome of the space {name} is {found}, {last} was told, {open} were given to nobody, and \
                 {may_be} commands may be theirs"
            ));
        }
    }
}

/// Spaces are what they were told to be, and what stays of them is from when they were deleted.
fn lives_beside(system: &Space, small: &Small, clock_ms: u64, differs: &mut Differs<'_>) {
    for (name, life) in system.lives.iter() {
        let Fact::Is(Some(life)) = life else { continue };
        let deleted_ms = small.deleted_spaces.get(name).copied();
        if deleted_ms != life.deleted_ms {
            let told = life.deleted_ms;
            differs(format!("the space {name} was deleted at {deleted_ms:?}, and that was told of {told:?}"));
        }
        let Some((policy, stored)) = life.policy().zip(small.spaces.get(name)) else { continue };
        if stored.explicit != policy.explicit && [MAIN, SYSTEM].iter().all(|permanent| permanent != name) {
            differs(format!("the space {name} has logs made by their own commands: {}", stored.explicit));
        }
        memory_beside(name, policy.memory.as_ref(), stored, clock_ms, differs);
    }
    let strangers = small.deleted_spaces.keys().filter(|name| system.lives.get(name.as_str()) == Fact::Is(None));
    for name in strangers {
        differs(format!("the space {name} was deleted, and nobody made it"));
    }
}

/// A space has forgotten no more than it may.
fn memory_beside(
    name: &str,
    memory: Option<&Memory>,
    stored: &tables::Space,
    clock_ms: u64,
    differs: &mut Differs<'_>,
) {
    let stored_ms = stored.memory.map(tables::Span::ms);
    if stored_ms != memory.map(Memory::ms) {
        differs(format!("the space {name} remembers for {stored_ms:?} ms, and was told to for {memory:?}"));
        return;
    }
    let Some(memory) = memory else { return };
    if stored.closed != memory.closed_before() {
        let told = memory.closed_before();
        differs(format!("the space {name} is closed below {}, and was told to be below {told}", stored.closed));
    }
    let closed = memory.closed(clock_ms);
    if stored.floor > closed {
        differs(format!("the space {name} has forgotten below {}, and may below {closed}", stored.floor));
    }
    let eras = stored.eras.iter().map(|era| (era.from, era.width.ms()));
    if !memory.widths().iter().rev().copied().zip(eras.rev()).all(|(told, found)| told == found) {
        differs(format!("the space {name} has the eras {:?}, and its memory makes {memory:?}", stored.eras));
    }
}

impl Stored<'_> {
    fn log(&self, log: &str, known: &Log, differs: &mut Differs<'_>) {
        let (key, full) = ((self.number, log.to_owned()), log_in(self.name, log));
        let head = self.small.logs.get(&key);
        if let Fact::Is(deleted) = &known.deleted {
            let found = self.small.deleted_logs.get(&key);
            let is_told = match (deleted, found) {
                (Some(Deletion { end, at_ms }), Some(found)) => {
                    found.at == *at_ms && end.is_none_or(|end| end == found.end)
                }
                // What is there again says by itself where it goes on.
                (Some(_), None) => known.there != Some(false),
                (None, _) => true,
            };
            if !is_told {
                differs(format!("of the log {full} there stays {found:?}, and it was deleted so: {deleted:?}"));
            }
        }
        let Some(head) = head.filter(|_| known.there == Some(true)) else { return };
        let kept = Retention { age_ms: head.age.map(tables::Span::ms), bytes: head.bytes, records: head.records };
        if let Some(told) = known.retention.filter(|told| *told != kept) {
            differs(format!("the log {full} keeps {kept:?}, and was told to keep {told:?}"));
        }
        if let Some(created_ms) = known.created_ms.filter(|created_ms| *created_ms != head.created) {
            differs(format!("the log {full} is of {}, and was made at {created_ms}", head.created));
        }
        self.pieces(&full, head, known, differs);
    }

    /// Where the log begins, and what retention will take next.
    fn pieces(&self, full: &str, head: &Head, known: &Log, differs: &mut Differs<'_>) {
        let is_left = head.due.is_some_and(|due| due <= self.clock_ms);
        if let Some((least, most)) = known.start_at(self.clock_ms) {
            let least = if is_left { known.start.unwrap_or(least).min(least) } else { most };
            if !(least..=most).contains(&head.start) {
                let (start, clock_ms) = (head.start, self.clock_ms);
                differs(format!(
                    "the log {full} begins at {start} at {clock_ms}, and may begin from {least} to {most}"
                ));
                return;
            }
        }
        let Some(pieces) = known.pieces_at(self.clock_ms) else { return };
        if (pieces.bytes, pieces.last_ms) != (head.bytes_ever, head.last) {
            let found = (head.bytes_ever, head.last);
            differs(format!(
                "the log {full} has bytes and a last append of {found:?}, and its appends make {pieces:?}"
            ));
        } else if !is_left && !are_pieces(&pieces, head) {
            differs(format!("the log {full} has the pieces {:?}, and its appends make {:?}", head.marks, pieces.list));
        }
    }

    /// Nothing stays of what never was.
    fn strangers(&self, space: &Space, differs: &mut Differs<'_>) {
        let (first, behind) = (self.number, self.number.saturating_add(1));
        let logs = self.small.deleted_logs.range((first, String::new())..(behind, String::new()));
        for ((_, log), found) in logs.filter(|((_, log), _)| space.logs.get(log).deleted == Fact::Is(None)) {
            differs(format!("of the log {} there stays {found:?}, and nobody deleted it", log_in(self.name, log)));
        }
        let begins = |number| (number, String::new(), String::new());
        for ((_, reader, log), version) in self.small.deleted_positions.range(begins(first)..begins(behind)) {
            if space.positions.get(&(reader.clone(), log.clone())) == Fact::Is(None) {
                let full = log_in(self.name, log);
                differs(format!("the position of {reader} in {full} was never there, and {version} stays of it"));
            }
        }
    }

    fn cells(&self, space: &Space, differs: &mut Differs<'_>) {
        for (key, cell) in space.cells.iter() {
            let Fact::Is(Some(Cell { time_ms, .. })) = cell else { continue };
            let found = self.small.cells.get(&(self.number, key.clone()));
            if let Some(found) = found.filter(|found| found.time != *time_ms) {
                let full = log_in(self.name, key);
                differs(format!("the cell {full} is of {}, and was made so at {time_ms}", found.time));
            }
        }
    }

    fn positions(&self, space: &Space, differs: &mut Differs<'_>) {
        for ((reader, log), position) in space.positions.iter() {
            let Fact::Is(position) = position else { continue };
            let key = (self.number, reader.clone(), log.clone());
            let full = || format!("{reader} in {}", log_in(self.name, log));
            let (found, left) = (self.small.positions.get(&key), self.small.deleted_positions.get(&key));
            match position {
                Some(Position { there: true, time_ms, .. }) => {
                    if let Some(found) = found.filter(|found| found.time != *time_ms) {
                        differs(format!("the position of {} is of {}, and was moved at {time_ms}", full(), found.time));
                    }
                }
                Some(Position { version, .. }) if left != Some(version) => {
                    differs(format!("the position of {} was deleted by {version}, and {left:?} stays", full()));
                }
                _ => {}
            }
        }
    }

    fn locks(&self, space: &Space, differs: &mut Differs<'_>) {
        for (name, lock) in space.locks.iter() {
            let Fact::Is(Some(Lock { holder, token, .. })) = lock else { continue };
            let found = self.small.locks.get(&(self.number, name.clone()));
            if let Some(found) = found.filter(|found| found.token == *token && found.holder != *holder) {
                let full = log_in(self.name, name);
                differs(format!("the lock {full} is held by {}, and {holder} has taken it", found.holder));
            }
        }
    }
}

/// Of a log that has no records, the time of its one piece is that at which the last of them went.
fn are_pieces(pieces: &Pieces, head: &Head) -> bool {
    let is_empty = head.start == head.end;
    pieces.list.len() == head.marks.len()
        && pieces.list.iter().zip(&head.marks).all(|(piece, mark)| {
            let is_of_then = is_empty || piece.opened_ms == mark.opened;
            (piece.first, piece.bytes_before) == (mark.first, mark.bytes_before) && is_of_then
        })
}
