//! Commands with guards on everything that can be guarded: a log's end, a cell's version, its absence and its number, a
//! reader's position, a lock, and the fate of another id. About half of the guards are meant to be refused. P10 insists
//! that what was refused is nowhere, P3 that it stays refused, P22 that each was refused for what was there.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{
    acquire, add_up, cell_absent, cell_at_least, cell_version, command, fate_is, lock_held, log_end, move_reader,
    position_is, record,
};
use crate::history::{Got, Job, Sealed, Verdict};
use crate::proto::{Action, Guard, Token, WantedFate};
use crate::sample;

/// Between two commands.
const BREATH: Duration = Duration::from_millis(160);
/// For how long a lock is taken.
const LOCK_MS: u64 = 3_000;

/// What one client knows: nobody else changes it.
#[derive(Default)]
struct Known {
    name: String,
    end: u64,
    cell: Option<(i64, u64)>,
    reader: (u64, u64),
    token: Option<(u64, u64)>,
    /// Ids of commands, and whether each was applied.
    ids: Vec<(String, bool)>,
}

pub(super) async fn run(work: Work) {
    let mut known = Known { name: format!("guarded-{}", Uuid::new_v4().simple()), ..Known::default() };
    while !work.is_stopped() {
        let id = format!("guarded/{}", Uuid::new_v4().simple());
        let (guard, action) = some(&known);
        let line = record(&known.name, sample::marked(&id));
        let Some(sealed) = work.command(Job::Prepare, &command(&id, vec![guard], vec![line, action])).await else {
            return;
        };
        known.learn(id, &sealed);
        sleep(BREATH).await;
    }
}

/// A guard, right or wrong, and something to do.
fn some(known: &Known) -> (Guard, Action) {
    let mut random = rand::rng();
    let (right, name) = (random.random_ratio(1, 2), known.name.as_str());
    let off = u64::from(!right);
    let guard = match random.random_range(0..7) {
        0 => log_end(name, known.end + off),
        1 => match known.cell {
            Some((_, version)) => cell_version(name, version + off),
            None => cell_version(name, 1),
        },
        2 => cell_absent(if right { "nowhere" } else { name }),
        3 => cell_at_least(name, known.cell.map_or(0, |(number, _)| number) + i64::from(!right)),
        4 => position_is(name, name, known.reader.0 + off, known.reader.1),
        5 => {
            let (history, sequence) = known.token.unwrap_or_default();
            lock_held(name, Token { history, sequence: sequence + off })
        }
        _ => {
            let other = known.ids.get(random.random_range(0..known.ids.len().max(1)));
            let (target, applied) = other.map_or(("never sent", None), |(id, applied)| (id.as_str(), Some(*applied)));
            let wanted = match (applied, right) {
                (Some(true), true) => WantedFate::WantedApplied,
                (Some(true), false) | (Some(false), true) => WantedFate::WantedRefused,
                (Some(false), false) => WantedFate::WantedInForce,
                (None, true) => WantedFate::WantedUnknown,
                (None, false) => WantedFate::WantedCancelled,
            };
            fate_is(target, wanted)
        }
    };
    let action = match random.random_range(0..3) {
        0 => add_up(name, 1),
        // The log is there, whatever the guard says, after the record before it.
        1 => move_reader(name, name, known.end),
        _ => acquire(name, name, LOCK_MS),
    };
    (guard, action)
}

impl Known {
    /// What became of a command tells what is there now.
    fn learn(&mut self, id: String, sealed: &Sealed) {
        self.ids.push((id, sealed.is_applied()));
        let Verdict::Applied(results) = &sealed.verdict else { return };
        for got in results {
            match got {
                Got::Appended { first_offset, count } => self.end = first_offset + u64::from(*count),
                Got::Added(number) => self.cell = Some((*number, sealed.sequence)),
                Got::Locked { token, .. } => self.token = Some(*token),
                // The only other thing that is done moves the reader to where the log ended before.
                _ => self.reader = (self.end - 1, sealed.sequence),
            }
        }
    }
}
