//! The machine again, as simply as it can be said: whole commands instead of fingerprints, whole logs instead of heads,
//! lists that are searched from the front. It knows nothing of views, effects or overlays.

use std::collections::BTreeMap;

use crate::types::{
    Action, ActionResult, Answer, Command, Guard, History, Id, LogTime, NewRecord, Offset, Outcome, Proposal, Refusal,
    Rejection, Sequence, Verdict,
};

const TEN_MINUTES_MS: u64 = 600_000;

pub(super) struct Model {
    pub(super) history: u64,
    pub(super) clock_ms: u64,
    pub(super) spaces: BTreeMap<String, ModelSpace>,
}

#[derive(Default)]
pub(super) struct ModelSpace {
    /// None in a space that remembers for ever.
    pub(super) floor_ms: Option<u64>,
    /// In the order in which they were made.
    pub(super) logs: Vec<ModelLog>,
    /// In the order in which they were decided; a tombstone has no command.
    pub(super) decided: Vec<(Id, Option<Command>, Outcome)>,
}

pub(super) struct ModelLog {
    pub(super) name: String,
    pub(super) created_ms: u64,
    pub(super) records: Vec<(NewRecord, Id, u64)>,
}

impl Model {
    pub(super) fn hear_stamp(&mut self, stamp_ms: u64) {
        if stamp_ms > self.clock_ms {
            self.clock_ms = stamp_ms;
        }
    }

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
        if let Some(command) = command {
            let appends_nothing = |action: &Action| {
                let Action::Append { records, .. } = action;
                records.is_empty()
            };
            if command.actions.is_empty() || command.actions.iter().any(appends_nothing) {
                return Err(Rejection::Malformed);
            }
        }
        let name = proposal.space().as_str();
        if name == "oncelog.system" {
            return Err(Rejection::NoSuchSpace);
        }
        let space = self.spaces.get_mut(name).ok_or(Rejection::NoSuchSpace)?;
        let id = proposal.id();
        let is_uuid_v7 = id.uuid_v7().is_some();
        let birth_ms = id.birth().time().map(LogTime::as_ms);
        if let Some(floor_ms) = space.floor_ms {
            let birth_ms = birth_ms.ok_or(Rejection::WithoutBirth)?;
            if birth_ms < floor_ms {
                return Err(Rejection::TooOld { floor: time(floor_ms) });
            }
        } else if birth_ms.is_some() && !is_uuid_v7 {
            return Err(Rejection::BirthBesideForever);
        }
        if let Some((_, earlier, outcome)) = space.decided.iter().find(|(known, _, _)| known == id) {
            let is_reuse = matches!((earlier, command), (Some(earlier), Some(command)) if earlier != command);
            return if is_reuse { Err(Rejection::Reused) } else { Ok((outcome.clone(), true)) };
        }
        if space.floor_ms.is_some() && birth_ms > Some(self.clock_ms + TEN_MINUTES_MS) {
            return Err(Rejection::BornAhead { clock: time(self.clock_ms) });
        }
        let verdict = match command {
            None => Verdict::Cancelled,
            Some(command) => space.execute(command, self.clock_ms),
        };
        let outcome = Outcome {
            verdict,
            sequence: Sequence(space.decided.len() as u64 + 1),
            history: History(self.history),
            time: time(self.clock_ms),
        };
        space.decided.push((id.clone(), command.cloned(), outcome.clone()));
        Ok((outcome, false))
    }
}

impl ModelSpace {
    fn execute(&mut self, command: &Command, now_ms: u64) -> Verdict {
        for (place, guard) in command.guards.iter().enumerate() {
            let Guard::LogEnd { log, end } = guard;
            let found = self.logs.iter().find(|known| known.name == log.as_str()).map_or(0, |log| log.records.len());
            if found as u64 != end.0 {
                return Verdict::Refused(Refusal::LogEnd {
                    guard: u32::try_from(place).expect("small"),
                    found: Offset(found as u64),
                });
            }
        }
        let mut results = Vec::new();
        for action in &command.actions {
            let Action::Append { log, records } = action;
            if !self.logs.iter().any(|known| known.name == log.as_str()) {
                let name = log.as_str().to_owned();
                self.logs.push(ModelLog { name, created_ms: now_ms, records: Vec::new() });
            }
            let place = self.logs.iter().position(|known| known.name == log.as_str()).expect("just made");
            let kept = &mut self.logs[place].records;
            results.push(ActionResult::Appended {
                first: Offset(kept.len() as u64),
                count: u32::try_from(records.len()).expect("small"),
            });
            kept.extend(records.iter().map(|record| (record.clone(), command.id.clone(), now_ms)));
        }
        Verdict::Applied(results)
    }
}

fn time(ms: u64) -> LogTime {
    LogTime::from_ms(ms).expect("the model's times are small")
}
