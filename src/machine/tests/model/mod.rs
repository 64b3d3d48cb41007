//! The machine again, as simply as it can be said: whole commands instead of fingerprints, whole logs instead of heads,
//! lists that are searched from the front, a copy of everything to go back to. It knows nothing of views, effects or
//! overlays, and shares no code with the machine.

mod actions;
mod guards;
mod time;

use std::collections::BTreeMap;

pub(super) use time::{DueThing, Kind};

use crate::types::{
    Action, Answer, CellValue, Command, Found, Guard, History, Id, LogTime, NewRecord, Outcome, Proposal, Refusal,
    Rejection, Retention, Sequence, Step, Token, Verdict,
};

const TEN_MINUTES_MS: u64 = 600_000;

#[derive(Clone)]
pub(super) struct Model {
    pub(super) history: u64,
    pub(super) clock_ms: u64,
    pub(super) version: u16,
    pub(super) next_space: u32,
    pub(super) spaces: BTreeMap<String, ModelSpace>,
    /// When each was deleted.
    pub(super) deleted_spaces: BTreeMap<String, u64>,
    /// What was due in spaces that were deleted.
    pub(super) left_behind: Vec<DueThing>,
}

#[derive(Clone)]
pub(super) struct ModelSpace {
    pub(super) number: u32,
    /// None in a space that remembers for ever.
    pub(super) memory_ms: Option<u64>,
    pub(super) explicit_logs: bool,
    pub(super) floor_ms: u64,
    /// What was too old to be taken when the memory changed last.
    pub(super) closed_ms: u64,
    /// From when on, and how wide a bucket is; those that are over go when another comes.
    pub(super) eras: Vec<(u64, u64)>,
    pub(super) last_sequence: u64,
    /// What was decided and not forgotten.
    pub(super) decided: Vec<Known>,
    /// In the order in which they were made first, those that were deleted too.
    pub(super) logs: Vec<ModelLog>,
    pub(super) cells: BTreeMap<String, ModelCell>,
    pub(super) positions: BTreeMap<(String, String), ModelPosition>,
    /// The versions of those that were deleted.
    pub(super) deleted_positions: BTreeMap<(String, String), u64>,
    /// Locks that expired stay until time takes them away.
    pub(super) locks: BTreeMap<String, ModelLock>,
}

#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: Id,
    /// A tombstone has none.
    pub(super) command: Option<Command>,
    pub(super) outcome: Outcome,
    pub(super) compensated_by: Option<Id>,
    /// In a finite space, where its bucket begins and ends.
    pub(super) bucket: Option<(u64, u64)>,
}

#[derive(Clone)]
pub(super) struct ModelLog {
    pub(super) name: String,
    pub(super) created_ms: u64,
    pub(super) last_ms: u64,
    /// None of a log that is there.
    pub(super) deleted_ms: Option<u64>,
    pub(super) start: u64,
    /// Where it ended when it was deleted last.
    pub(super) base: u64,
    /// All that there ever were, under this name.
    pub(super) records: Vec<(NewRecord, Id, u64)>,
    /// The first offset of each piece, and when it was opened.
    pub(super) pieces: Vec<(u64, u64)>,
    pub(super) retention: Retention,
    pub(super) due_ms: Option<u64>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct ModelCell {
    pub(super) value: CellValue,
    pub(super) version: u64,
    pub(super) time_ms: u64,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct ModelPosition {
    pub(super) offset: u64,
    pub(super) version: u64,
    pub(super) time_ms: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct ModelLock {
    pub(super) holder: String,
    pub(super) token: Token,
    pub(super) expires_ms: u64,
}

impl Model {
    pub(super) fn decide(&mut self, proposal: &Proposal) -> Answer {
        match self.try_decide(proposal) {
            Ok((outcome, replayed)) => Answer::Decided { outcome, replayed },
            Err(rejection) => Answer::Rejected(rejection),
        }
    }

    fn try_decide(&mut self, proposal: &Proposal) -> Result<(Outcome, bool), Rejection> {
        let command = match proposal {
            Proposal::Command(command) => Some(command),
            Proposal::Cancel(_) => None,
        };
        if command.is_some_and(is_malformed) {
            return Err(Rejection::Malformed);
        }
        let name = proposal.space().as_str();
        let clock_ms = self.clock_ms;
        if let Some(deleted_ms) = self.deleted_spaces.get(name) {
            return Err(Rejection::SpaceDeleted { at: time(*deleted_ms) });
        }
        let space = self.spaces.get(name).ok_or(Rejection::NoSuchSpace)?;
        let id = proposal.id();
        for named in std::iter::once(id).chain(command.into_iter().flat_map(targets)) {
            let has_birth = named.birth().time().is_some();
            let is_uuid_v7 = named.uuid_v7().is_some();
            if space.memory_ms.is_some() && !has_birth {
                return Err(Rejection::WithoutBirth);
            }
            if space.memory_ms.is_none() && has_birth && !is_uuid_v7 {
                return Err(Rejection::BirthBesideForever);
            }
        }
        if space.is_too_old(id) {
            return Err(Rejection::TooOld { floor: time(space.floor_ms) });
        }
        if let Some(known) = space.known(id) {
            let is_reuse = matches!((&known.command, command), (Some(earlier), Some(command)) if earlier != command);
            return if is_reuse { Err(Rejection::Reused) } else { Ok((known.outcome.clone(), true)) };
        }
        if let Some(floor_ms) = space.is_closed_to(id, clock_ms) {
            return Err(Rejection::TooOld { floor: time(floor_ms) });
        }
        if space.is_born_ahead(id, clock_ms) {
            return Err(Rejection::BornAhead { clock: time(clock_ms) });
        }
        let verdict = match command {
            None => Verdict::Cancelled,
            Some(command) => {
                let before = self.clone();
                self.execute(command).unwrap_or_else(|refusal| {
                    *self = before;
                    Verdict::Refused(refusal)
                })
            }
        };
        Ok((self.remember(name, id, command, verdict), false))
    }

    fn remember(&mut self, name: &str, id: &Id, command: Option<&Command>, verdict: Verdict) -> Outcome {
        let space = self.spaces.get_mut(name).expect("a command's space is there");
        space.last_sequence += 1;
        let outcome = Outcome {
            verdict,
            sequence: Sequence(space.last_sequence),
            history: History(self.history),
            time: time(self.clock_ms),
        };
        space.decided.push(Known {
            id: id.clone(),
            command: command.cloned(),
            outcome: outcome.clone(),
            compensated_by: None,
            bucket: space.memory_ms.and(id.birth().time()).map(|birth| space.bucket_of(birth.as_ms())),
        });
        outcome
    }

    fn execute(&mut self, command: &Command) -> Result<Verdict, Refusal> {
        let name = command.space.as_str();
        for (place, guard) in (0..).zip(&command.guards) {
            let stands_against = guards::what_stands_against(&self.spaces[name], self.clock_ms, guard);
            if let Some(found) = stands_against {
                return Err(Refusal { step: Step::Guard(place), found });
            }
        }
        for (place, action) in (0..).zip(&command.actions) {
            let Action::Compensate { target } = action else { continue };
            let has_something = self.compensate(name, &command.id, target);
            if !has_something.map_err(|found| Refusal { step: Step::Action(place), found })? {
                return Ok(Verdict::NothingToUndo);
            }
        }
        let mut results = Vec::new();
        for (place, action) in (0..).zip(&command.actions) {
            let result = self.act(name, &command.id, action);
            results.push(result.map_err(|found| Refusal { step: Step::Action(place), found })?);
        }
        Ok(Verdict::Applied(results))
    }

    fn compensate(&mut self, name: &str, by: &Id, target: &Id) -> Result<bool, Found> {
        let clock_ms = self.clock_ms;
        let space = self.spaces.get_mut(name).expect("a command's space is there");
        if space.is_too_old(target) {
            return Err(Found::TargetTooOld { floor: time(space.floor_ms) });
        }
        let is_born_ahead = space.is_born_ahead(target, clock_ms);
        let is_closed = space.is_closed_to(target, clock_ms);
        match space.decided.iter_mut().find(|known| known.id == *target) {
            None if is_closed.is_some() => Err(Found::TargetTooOld { floor: time(is_closed.expect("just seen")) }),
            None if is_born_ahead => Err(Found::TargetBornAhead { clock: time(clock_ms) }),
            None => {
                self.remember(name, target, None, Verdict::Cancelled);
                Ok(false)
            }
            Some(known) if !matches!(known.outcome.verdict, Verdict::Applied(_)) => Ok(false),
            Some(Known { compensated_by: Some(earlier), .. }) => Err(Found::AlreadyCompensated { by: earlier.clone() }),
            Some(known) => {
                known.compensated_by = Some(by.clone());
                Ok(true)
            }
        }
    }
}

impl ModelSpace {
    pub(super) fn new(number: u32, memory_ms: Option<u64>, explicit_logs: bool, clock_ms: u64) -> Self {
        let mut space = Self {
            number,
            memory_ms,
            explicit_logs,
            floor_ms: 0,
            closed_ms: 0,
            eras: memory_ms.into_iter().map(|memory_ms| (0, time::width(memory_ms))).collect(),
            last_sequence: 0,
            decided: Vec::new(),
            logs: Vec::new(),
            cells: BTreeMap::new(),
            positions: BTreeMap::new(),
            deleted_positions: BTreeMap::new(),
            locks: BTreeMap::new(),
        };
        space.floor_ms = space.closed_at(clock_ms);
        space
    }

    pub(super) fn known(&self, id: &Id) -> Option<&Known> {
        self.decided.iter().find(|known| known.id == *id)
    }

    /// Whether a guard holds now.
    pub(super) fn holds(&self, clock_ms: u64, guard: &Guard) -> bool {
        guards::what_stands_against(self, clock_ms, guard).is_none()
    }

    pub(super) fn log(&self, name: &str) -> Option<&ModelLog> {
        self.logs.iter().find(|log| log.name == name && log.deleted_ms.is_none())
    }

    /// Where a log ends, or ended.
    pub(super) fn end_of(&self, name: &str) -> u64 {
        self.logs.iter().find(|log| log.name == name).map_or(0, ModelLog::end)
    }

    /// Offset and version.
    pub(super) fn position_of(&self, reader: &str, log: &str) -> (u64, u64) {
        let key = (reader.to_owned(), log.to_owned());
        match (self.positions.get(&key), self.deleted_positions.get(&key)) {
            (Some(position), _) => (position.offset, position.version),
            (None, Some(version)) => (0, *version),
            (None, None) => (0, 0),
        }
    }

    pub(super) fn is_too_old(&self, id: &Id) -> bool {
        self.memory_ms.is_some() && id.birth().time().map(LogTime::as_ms) < Some(self.floor_ms)
    }

    /// What an id that is not known has to be born at, at least.
    pub(super) fn closed_at(&self, clock_ms: u64) -> u64 {
        let Some(memory_ms) = self.memory_ms else { return 0 };
        // The bucket of what is just as old as the memory is not over yet.
        let (start_ms, _) = self.bucket_of(clock_ms.saturating_sub(memory_ms));
        start_ms.max(self.closed_ms).max(self.floor_ms)
    }

    pub(super) fn is_closed_to(&self, id: &Id, clock_ms: u64) -> Option<u64> {
        let closed_ms = self.closed_at(clock_ms);
        let is = self.memory_ms.is_some() && id.birth().time().map(LogTime::as_ms) < Some(closed_ms);
        (is && self.known(id).is_none()).then_some(closed_ms)
    }

    fn is_born_ahead(&self, id: &Id, clock_ms: u64) -> bool {
        self.memory_ms.is_some() && id.birth().time().map(LogTime::as_ms) > Some(clock_ms + TEN_MINUTES_MS)
    }
}

impl ModelLog {
    pub(super) fn end(&self) -> u64 {
        self.records.len() as u64
    }

    /// Payload and header bytes of the records from an offset on, those that were trimmed included.
    pub(super) fn bytes_from(&self, offset: u64) -> u64 {
        let mut bytes = 0;
        for (record, _, _) in self.records.iter().skip(usize::try_from(offset).expect("small")) {
            bytes += record.payload.len();
            for header in &record.headers {
                bytes += header.key.len() + header.value.len();
            }
        }
        bytes as u64
    }
}

fn targets(command: &Command) -> Vec<&Id> {
    let mut targets = Vec::new();
    for guard in &command.guards {
        if let Guard::Fate { target, .. } = guard {
            targets.push(target);
        }
    }
    for action in &command.actions {
        if let Action::Compensate { target } = action {
            targets.push(target);
        }
    }
    targets
}

fn is_malformed(command: &Command) -> bool {
    let in_system = command.space.as_str() == "oncelog.system";
    let mut compensations = 0;
    for action in &command.actions {
        let (has_no_meaning, is_of_system) = match action {
            Action::Append { records, .. } => (records.is_empty(), false),
            Action::Add { least, most, .. } => (least > most, false),
            Action::CreateLog { retention, .. } | Action::SetRetention { retention, .. } => {
                let age_is_none = retention.age.is_some_and(|age| age.is_zero());
                (age_is_none || retention.bytes == Some(0) || retention.records == Some(0), false)
            }
            Action::Compensate { .. } => {
                compensations += 1;
                (compensations > 1, false)
            }
            Action::SetSpace { memory, logs, .. } => (memory.is_none() && logs.is_none(), true),
            Action::DeleteSpace { name } => (["main", "oncelog.system"].contains(&name.as_str()), true),
            Action::CreateSpace { .. } | Action::RaiseVersion { .. } => (false, true),
            _ => (false, false),
        };
        if has_no_meaning || is_of_system != in_system {
            return true;
        }
    }
    command.actions.is_empty() || targets(command).contains(&&command.id)
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("the model's times are small")
}
