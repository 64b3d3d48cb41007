//! All outcomes that clients were told, in the order in which they were decided.
//!
//! - Appends are most of what a run does. Of each, a row of 40 bytes is kept; whole commands stay packed.
//! - A command of which nobody was told anything may have been decided all the same, unless every attempt said otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Report;
use crate::command::SYSTEM;
use crate::history::{Command, Events, Name, Operation, Packed};
use crate::model::{Append, Doubts, Known, Model, Stamp, name_of, targets};
use crate::proto::outcome::Verdict;
use crate::proto::{Action, AppendRecords, CommandId, NewRecord, Outcome, SubmitRequest, action};

/// An append that was applied.
struct Row {
    sequence: u64,
    time_ms: u64,
    first: u64,
    id: Name,
    log: Name,
    bytes: u32,
    count: u16,
    /// Which of all histories.
    history: u16,
}

/// Something else that was decided.
enum Other {
    Cancel(Name),
    Command(Packed<SubmitRequest>, Packed<Outcome>),
    /// Nobody knows what it was.
    Opaque,
}

/// The outcomes of a space.
#[derive(Default)]
struct OfSpace {
    appends: Vec<Row>,
    others: Vec<(Stamp, Other)>,
}

/// All outcomes.
pub(super) struct Told {
    /// What is known beside them.
    pub(super) known: Known,
    spaces: BTreeMap<String, OfSpace>,
    histories: Vec<u64>,
    /// What can't be right whatever came before it.
    wrong: Vec<String>,
}

impl Told {
    /// All of a history.
    pub(super) fn of(events: &Events) -> Self {
        let mut told = Self {
            known: Known { complete: !events.workloads.is_empty(), ..Known::default() },
            spaces: BTreeMap::new(),
            histories: Vec::new(),
            wrong: Vec::new(),
        };
        let mut open = BTreeSet::new();
        for operation in &events.operations {
            if !told.operation(&operation) {
                open.insert(operation.id);
            }
        }
        for command in &events.commands {
            told.command(&command);
        }
        // What was sent under an open id may have been decided instead.
        for reuse in events.reuses.iter().filter(|reuse| open.contains(&reuse.id)) {
            told.doubts("").append(&reuse.id, &reuse.log);
        }
        for space in told.spaces.values_mut() {
            space.appends.sort_unstable_by_key(|row| row.sequence);
            space.others.sort_by_key(|(stamp, _)| stamp.sequence);
        }
        told
    }

    /// Whether it is known what became of an append.
    fn operation(&mut self, operation: &Operation) -> bool {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            let place = acknowledgement.place;
            let count = operation.contents.len();
            if u32::try_from(count).ok() != Some(place.count) {
                self.wrong.push(format!("{} has {count} records, and was told {place:?}", operation.id));
            }
            let history = self.history(place.history);
            self.of_space("").appends.push(Row {
                sequence: place.sequence,
                time_ms: place.time_ms,
                first: place.first_offset,
                id: operation.id,
                log: operation.log,
                bytes: operation.contents.iter().map(|content| content.bytes).sum(),
                count: u16::try_from(count).unwrap_or(u16::MAX),
                history,
            });
            return true;
        }
        if let Some(told) = operation.cancels.first() {
            let stamp = Stamp { sequence: told.sequence, history: told.history, time_ms: told.time_ms };
            self.of_space("").others.push((stamp, Other::Cancel(operation.id)));
            return true;
        }
        let mut failures = operation.attempts.iter().filter_map(|attempt| attempt.answer.as_ref()?.as_ref().err());
        if let Some(outcome) = failures.find_map(|failure| failure.outcome.as_deref()) {
            let other = match &outcome.verdict {
                Some(Verdict::Cancelled(_)) => Other::Cancel(operation.id),
                _ => Other::Command(Packed::of(&request_of(operation)), Packed::of(outcome)),
            };
            self.of_space("").others.push((stamp(outcome), other));
            return true;
        }
        let id = CommandId { text: operation.id.as_str().to_owned(), birth_ms: None };
        if operation.doubted {
            self.doubts("").cancel(&id);
        }
        let is_open = !operation.failed();
        if is_open {
            self.doubts("").append(&operation.id, &operation.log);
        }
        false
    }

    fn command(&mut self, command: &Command) {
        let request = command.request.open();
        let named = targets(&request).map(|target| target.text.clone());
        self.known.targets.entry(name_of(&request.space).to_owned()).or_default().extend(named);
        if let Some((_, sealed)) = command.decided() {
            let stamp = Stamp { sequence: sealed.sequence, history: sealed.history, time_ms: sealed.time_ms };
            let whole = sealed.whole.clone();
            let other = whole.map_or(Other::Opaque, |outcome| Other::Command(command.request.clone(), outcome));
            self.of_space(&command.space).others.push((stamp, other));
        } else if command.is_open() {
            self.doubts(&command.space).command(&request);
        }
    }

    fn of_space(&mut self, name: &str) -> &mut OfSpace {
        self.spaces.entry(name_of(name).to_owned()).or_default()
    }

    fn doubts(&mut self, name: &str) -> &mut Doubts {
        self.known.doubts.entry(name_of(name).to_owned()).or_default()
    }

    fn history(&mut self, history: u64) -> u16 {
        let known = self.histories.iter().position(|known| *known == history);
        let place = known.unwrap_or_else(|| {
            self.histories.push(history);
            self.histories.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Replays all of them: those of the reserved space first, which says which other spaces there are.
    pub(super) fn replay(self, model: &mut Model, report: &mut Report<'_>) {
        let Self { mut spaces, histories, wrong, .. } = self;
        wrong.into_iter().for_each(&mut *report);
        let system = spaces.remove_entry(SYSTEM);
        for (name, space) in system.into_iter().chain(spaces) {
            let mut wrong = |id: &str, stamp: Stamp, what: String| {
                report(format!("{id}, outcome {} of {name} at {}: {what}", stamp.sequence, stamp.time_ms));
            };
            let mut others = space.others.into_iter().peekable();
            for row in &space.appends {
                while let Some((stamp, other)) = others.next_if(|(stamp, _)| stamp.sequence <= row.sequence) {
                    other.replay(model, &name, stamp, &mut wrong);
                }
                row.replay(model, &name, &histories, &mut wrong);
            }
            for (stamp, other) in others {
                other.replay(model, &name, stamp, &mut wrong);
            }
        }
    }
}

impl Row {
    fn replay(&self, model: &mut Model, space: &str, histories: &[u64], wrong: &mut crate::model::Report<'_>) {
        let count = u32::from(self.count);
        let (id, log, bytes) = (self.id.as_str(), self.log.as_str(), u64::from(self.bytes));
        let append = Append { id, log, count, bytes, first: self.first };
        let history = histories.get(usize::from(self.history)).copied().unwrap_or_default();
        let stamp = Stamp { sequence: self.sequence, history, time_ms: self.time_ms };
        model.append(space, &append, stamp, wrong);
    }
}

impl Other {
    fn replay(&self, model: &mut Model, space: &str, stamp: Stamp, wrong: &mut crate::model::Report<'_>) {
        match self {
            Self::Cancel(id) => {
                let id = CommandId { text: id.as_str().to_owned(), birth_ms: None };
                model.cancel(space, &id, stamp, wrong);
            }
            Self::Command(request, outcome) => model.command(&request.open(), &outcome.open(), wrong),
            Self::Opaque => model.skip(space, stamp, wrong),
        }
    }
}

fn stamp(outcome: &Outcome) -> Stamp {
    Stamp { sequence: outcome.sequence, history: outcome.history, time_ms: outcome.time_ms }
}

/// An append as a whole command, but for the bytes of its records.
fn request_of(operation: &Operation) -> SubmitRequest {
    let records = vec![NewRecord::default(); operation.contents.len()];
    let append = AppendRecords { log: operation.log.as_str().to_owned(), records };
    let action = Action { action: Some(action::Action::Append(append)) };
    crate::command::command(&operation.id, vec![], vec![action])
}
