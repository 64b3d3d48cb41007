//! P16: the clock of one node, an hour or a year off, moves nothing: what is decided is stamped with a time between its
//! first sending and its answer, give or take what clocks of one machine can be apart; no lock goes to another before
//! its time is over, or is kept when it long is; no id is called too old, and no clock is shown, that is not of its time.
//! What retention takes goes by the same stamps.
//!
//! - Time stands still while no majority is there to tell it: what is stamped first thereafter has the time of before.
//! - A wrong clock moves time wherever it moves any, so all of a run is judged, and only what came while a clock was wrong
//!   counts as judged.

mod locks;

use std::time::Duration;

use super::p15_too_old::{Memories, called};
use super::{Property, Report};
use crate::history::{Answer, Effective, Question, Verdict};
use crate::oracle::Evidence;

/// Beside scheduling, a stamp may be rounded and a clock's exchange late.
const APART: Duration = Duration::from_secs(5);
/// How long a majority that is back may take until all of it has told its clocks.
const TELLING: Duration = Duration::from_secs(2);
/// The fault that makes a clock wrong.
const CLOCK_JUMPS: &str = "clock-jumps";

pub(super) const PROPERTY: Property =
    Property { name: "P16", sentence: "one wrong clock moves no time", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let events = evidence.events;
    let jumps = events.faults.iter();
    let jumps = jumps.filter(|fault| fault.kind == CLOCK_JUMPS && fault.effective == Effective::Installed);
    let wrong: Vec<_> = jumps.map(|fault| fault.begun..=fault.healed.unwrap_or(Duration::MAX)).collect();
    if events.meant.is_none() || wrong.is_empty() {
        return 0;
    }
    let operations = events.operations.iter().filter_map(|operation| Some(operation.acknowledged()?.0));
    let commands = events.commands.iter().filter_map(|command| Some(command.decided()?.0));
    let looks = events.asked.iter().filter(|asked| matches!(asked.question, Question::Lock { .. }));
    let looks = looks.map(|asked| asked.completed);
    let called = called(evidence).into_iter().map(|it| it.at);
    let all = operations.chain(commands).chain(looks).chain(called);
    all.filter(|at| wrong.iter().any(|times| times.contains(at))).count()
}

/// The times that a clock may show.
#[derive(Debug)]
struct Times {
    /// What the wall clock showed when the history began.
    wall: Duration,
    /// When a majority was there.
    decisions: Vec<Duration>,
}

impl Times {
    /// Up to when time has gone on for certain, for what is sent now.
    fn told(&self, invoked: Duration) -> Duration {
        let told = self.decisions.partition_point(|time| *time + TELLING <= invoked);
        told.checked_sub(1).and_then(|last| self.decisions.get(last)).copied().unwrap_or_default()
    }

    /// Whether something that was sent and answered then may have this stamp.
    fn allow(&self, stamp_ms: u64, invoked: Duration, completed: Duration) -> bool {
        let stamp = Duration::from_millis(stamp_ms);
        stamp + APART >= self.wall + self.told(invoked) && stamp <= self.wall + completed + APART
    }
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let Some(meant) = &evidence.events.meant else {
        return;
    };
    let times = Times { wall: Duration::from_millis(meant.wall_ms), decisions: evidence.events.decisions() };
    stamps(evidence, &times, report);
    floors(evidence, &times, report);
    locks::judge(evidence, &times, report);
    clocks(evidence, &times, report);
}

fn stamps(evidence: Evidence<'_>, times: &Times, report: &mut Report<'_>) {
    let operations = evidence.events.operations.iter().filter_map(|operation| {
        let (completed, told) = operation.acknowledged()?;
        Some((operation.id, told.place.time_ms, operation.invoked()?, completed))
    });
    let commands = evidence.events.commands.iter().filter_map(|command| {
        // What is cancelled may have been so before it was sent.
        let (completed, sealed) = command.decided().filter(|(_, sealed)| sealed.verdict != Verdict::Cancelled)?;
        Some((command.id, sealed.time_ms, command.invoked()?, completed))
    });
    for (id, stamp_ms, invoked, completed) in operations.chain(commands) {
        if !times.allow(stamp_ms, invoked, completed) {
            let (stamp, sent) = (Duration::from_millis(stamp_ms), times.wall + invoked);
            report(format!("{id} is stamped {stamp:?}, and was sent at {sent:?}"));
        }
    }
}

/// A floor that goes by the right time has not come to what is younger than the memory.
fn floors(evidence: Evidence<'_>, times: &Times, report: &mut Report<'_>) {
    let called = called(evidence);
    if called.is_empty() {
        return;
    }
    let memories = Memories::of(evidence.events);
    for it in called {
        let most = times.wall + it.at + APART;
        let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let floor_ms = memories.floor(it.space, most_ms);
        if let (Some(birth_ms), Some(floor_ms)) = (it.birth_ms, floor_ms)
            && birth_ms >= floor_ms
        {
            report(format!(
                "{} of {}, born at {birth_ms}, was too old at {most:?}, when {floor_ms} was not yet",
                it.id, it.space
            ));
        }
    }
}

/// The clock of a space that a node shows beside a lock. One that is behind shows an older time.
fn clocks(evidence: Evidence<'_>, times: &Times, report: &mut Report<'_>) {
    for asked in &evidence.events.asked {
        let Answer::Lock { clock_ms, .. } = asked.answer else { continue };
        let (clock, at) = (Duration::from_millis(clock_ms), times.wall + asked.completed);
        if clock > at + APART {
            report(format!("node {} showed the clock {clock:?} at {at:?}", asked.node));
        }
    }
}
