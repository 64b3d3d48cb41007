//! What the promises come to, one at a time.

mod actions;
mod compensation;
mod deletion;
mod floor;
mod ids;
mod locks;
mod retention;
mod system;

use std::time::Duration;

use bytes::Bytes;

use crate::machine::{
    Batch, Effect, Fingerprint, Globals, LogHead, Overlay, Ran, Remembered, Space, View, admit_history, due_in_entry,
    genesis, knows, run,
};
use crate::types::{
    Action, ActionResult, Answer, Cancel, CellKey, CellValue, Command, Era, FateIs, FateKind, Found, Guard, History,
    Holder, Id, LockName, LogCreation, LogName, LogNumber, LogTime, MachineVersion, Memory, NewRecord, Offset, Outcome,
    Position, Proposal, ReaderName, Refusal, Rejection, Retention, Sequence, SpaceName, SpaceNumber, SpacePolicy, Step,
    Token, Verdict, Version,
};

const CLOCK_MS: u64 = 1_700_000_000_000;
const FLOOR_MS: u64 = CLOCK_MS - 3_600_000;
const AHEAD_MS: u64 = CLOCK_MS + 600_000;
const MEMORY: Duration = Duration::from_secs(6_400);

/// Genesis and a space `finite`, number 2, that remembers for 6400 seconds, in buckets of 100.
fn begin() -> Overlay {
    let mut overlay = Overlay::default();
    for effect in genesis() {
        overlay.apply(effect);
    }
    overlay.set_globals(globals(CLOCK_MS));
    let finite = Space {
        number: SpaceNumber(2),
        memory: Memory::For(MEMORY),
        logs: LogCreation::ByAppend,
        floor: time(FLOOR_MS),
        closed: LogTime::ZERO,
        eras: vec![Era { from: LogTime::ZERO, width: MEMORY / 64 }],
        due: None,
        ids: 0,
        id_bytes: 0,
        last_sequence: Sequence(0),
        next_log: LogNumber(1),
    };
    overlay.insert_space(finite_name(), finite);
    overlay
}

fn globals(clock_ms: u64) -> Globals {
    let (version, next_space) = (MachineVersion(1), SpaceNumber(3));
    Globals { history: History(7), clock: time(clock_ms), version, next_space }
}

fn tombstone(outcome: Outcome) -> Remembered {
    Remembered { fingerprint: None, outcome, compensated_by: None }
}

fn propose(overlay: &mut Overlay, proposals: Vec<Proposal>) -> Ran {
    run(overlay, &batch(proposals))
}

fn decide(overlay: &mut Overlay, proposal: Proposal) -> Answer {
    propose(overlay, vec![proposal]).answers.remove(0)
}

/// What becomes of an entry with this stamp and these proposals.
fn run_at(overlay: &mut Overlay, ms: u64, proposals: Vec<Proposal>) -> Ran {
    run(overlay, &Batch { stamp: time(ms), ..batch(proposals) })
}

/// What becomes of the actions at this time, under guards, in the main space.
fn act_at(overlay: &mut Overlay, ms: u64, text: &str, guards: Vec<Guard>, actions: Vec<Action>) -> Verdict {
    let command = Command { guards, actions, ..command(text) };
    verdict(run_at(overlay, ms, vec![Proposal::Command(command)]).answers.remove(0))
}

/// What becomes of the actions in the main space.
fn act(overlay: &mut Overlay, text: &str, actions: Vec<Action>) -> Verdict {
    act_at(overlay, CLOCK_MS, text, Vec::new(), actions)
}

fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::Decided { outcome, .. } => outcome.verdict,
        Answer::Rejected(rejection) => panic!("it was turned away: {rejection:?}"),
    }
}

fn refuses(step: Step, found: Found) -> Verdict {
    Verdict::Refused(Refusal { step, found })
}

fn refused(sequence: u64, step: Step, found: Found) -> Answer {
    decided(sequence, refuses(step, found))
}

fn batch(proposals: Vec<Proposal>) -> Batch {
    Batch { machine_version: MachineVersion::CURRENT, stamp: time(CLOCK_MS), proposals }
}

fn decided(sequence: u64, verdict: Verdict) -> Answer {
    let outcome = Outcome { verdict, sequence: Sequence(sequence), history: History(7), time: time(CLOCK_MS) };
    Answer::Decided { outcome, replayed: false }
}

fn applied(sequence: u64, first: u64, count: u32) -> Answer {
    decided(sequence, Verdict::Applied(vec![ActionResult::Appended { first: Offset(first), count }]))
}

fn replay_of(answer: &Answer) -> Answer {
    let Answer::Decided { outcome, .. } = answer else { panic!("a rejection has no replay: {answer:?}") };
    Answer::Decided { outcome: outcome.clone(), replayed: true }
}

fn append(text: &str, name: &str, payloads: &[&'static str]) -> Proposal {
    Proposal::Command(Command { actions: vec![action(name, payloads)], ..command(text) })
}

fn in_finite(id: Id, payload: &'static str) -> Proposal {
    let command = Command { space: finite_name(), id, guards: Vec::new(), actions: vec![action("x", &[payload])] };
    Proposal::Command(command)
}

fn with_guards(proposal: Proposal, ends: &[(&str, u64)]) -> Proposal {
    let Proposal::Command(command) = proposal else { panic!("only commands have guards") };
    let guards = ends.iter().map(|(name, end)| Guard::LogEnd { log: log(name), end: Offset(*end) }).collect();
    Proposal::Command(Command { guards, ..command })
}

/// A command of the main space that does nothing.
fn command(text: &str) -> Command {
    Command { space: SpaceName::main(), id: id(text), guards: Vec::new(), actions: Vec::new() }
}

fn action(name: &str, payloads: &[&'static str]) -> Action {
    let record =
        |payload: &&'static str| NewRecord { payload: Bytes::from_static(payload.as_bytes()), headers: vec![] };
    Action::Append { log: log(name), records: payloads.iter().map(record).collect() }
}

fn cancel(target: Id) -> Proposal {
    Proposal::Cancel(Cancel { space: SpaceName::main(), target })
}

fn cancel_in_finite(target: Id) -> Proposal {
    Proposal::Cancel(Cancel { space: finite_name(), target })
}

fn finite_name() -> SpaceName {
    SpaceName::new("finite").expect("valid")
}

fn id(text: &str) -> Id {
    Id::new(text).expect("valid")
}

fn log(name: &str) -> LogName {
    LogName::new(name).expect("valid")
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("48 bits")
}

fn key(text: &str) -> CellKey {
    CellKey::new(text).expect("valid")
}

fn born(text: &str, ms: u64) -> Id {
    Id::with_birth(text, time(ms)).expect("valid")
}

fn put(text: &str, value: impl Into<CellValue>) -> Action {
    Action::Put { key: key(text), value: value.into() }
}

fn add(text: &str, amount: i64) -> Action {
    Action::Add { key: key(text), amount, least: 0, most: 100, absent: None }
}

fn number(overlay: &Overlay, text: &str) -> Option<i64> {
    match overlay.cell(SpaceNumber(1), &key(text))?.value {
        CellValue::Integer(number) => Some(number),
        CellValue::Bytes(_) => None,
    }
}

fn head<'a>(overlay: &'a Overlay, name: &str) -> &'a LogHead {
    overlay.log(SpaceNumber(1), &log(name)).expect("it was made")
}
