//! What the random histories must have had, all of it: every verdict, refusal, result, guard, rejection and effect of time,
//! and the moments at which they are decided otherwise.

use std::collections::BTreeSet;

use super::super::model::{Kind, Model, ModelSpace};
use crate::machine::{Batch, Effect};
use crate::types::{
    Action, ActionResult, Answer, Command, FateIs, Guard, Id, LogTime, Offset, Proposal, Rejection, Step, Verdict,
};

/// Everything that was seen, in words.
#[derive(Default)]
pub(super) struct Seen(BTreeSet<String>);

const ALL: [(&str, &[&str]); 12] = [
    ("verdict", &["applied", "refused", "cancelled", "nothing to undo"]),
    (
        "duplicate",
        &[
            "applied again",
            "refused again",
            "cancelled again",
            "nothing to undo again",
            "cancel after the command",
            "cancel of what was undone",
            "command after the cancel",
            "inside one entry",
            "whose guard would no longer hold",
            "append to a log that was deleted since",
        ],
    ),
    (
        "rejection",
        &[
            "no such space",
            "space deleted",
            "too old",
            "without birth",
            "birth beside for ever",
            "born ahead",
            "reused",
            "malformed",
        ],
    ),
    (
        "guard refuses",
        &[
            "log_end",
            "cell_version",
            "no_cell",
            "not_a_number",
            "too_little",
            "position",
            "lock_free",
            "lock_held",
            "fate",
            "target_too_old",
        ],
    ),
    (
        "action refuses",
        &[
            "no_log",
            "log_exists",
            "past_end",
            "no_cell",
            "not_a_number",
            "out_of_bounds",
            "lock_free",
            "lock_held",
            "target_too_old",
            "target_born_ahead",
            "already_compensated",
            "no_reader",
            "no_space",
            "space_exists",
            "space_deleted",
            "memory_is_fixed",
            "too_many_changes",
            "version_in_force",
        ],
    ),
    (
        "guard holds",
        &[
            "log's end",
            "cell is absent",
            "cell's version",
            "cell at least",
            "position",
            "lock is held",
            "fate is applied",
            "fate is in force",
            "fate is refused",
            "fate is cancelled",
            "fate is unknown",
        ],
    ),
    (
        "result",
        &[
            "appended",
            "put",
            "deleted",
            "added",
            "moved",
            "acquired",
            "renewed",
            "released",
            "trimmed",
            "compensated",
            "log created",
            "retention set",
            "log deleted",
            "reader deleted",
            "space created",
            "space set",
            "space deleted",
            "version raised",
        ],
    ),
    ("nothing to undo", &["unseen", "refused", "cancelled", "nothing to undo"]),
    (
        "time",
        &[
            "Floor",
            "Lock",
            "Log",
            "Log looked at too early",
            "of a space that was deleted",
            "more than one entry does",
            "goes back",
            "far on",
        ],
    ),
    ("at the very time", &["Floor", "Lock", "Log", "birth at the floor", "birth ten minutes ahead"]),
    ("a millisecond beside", &["Floor", "Lock", "Log", "birth below the floor", "birth more than ten minutes ahead"]),
    (
        "beside each other",
        &[
            "restart",
            "memory shortened",
            "memory lengthened",
            "bucket of another era",
            "append to a log that is to be made explicitly",
            "records that came and went in one entry",
            "decided and compensated in one entry",
            "acquired over a row that had expired",
            "log that goes on where it ended",
            "log made and deleted in one command",
            "reader that is moved again",
            "guard on the end of a log that was deleted",
            "guard on a reader that was deleted",
            "space deleted that was used in the same entry",
        ],
    ),
];

impl Seen {
    pub(super) fn note(&mut self, group: &str, what: &str) {
        self.0.insert(format!("{group}: {what}"));
    }

    /// What no history had, and what the list does not know.
    pub(super) fn missing(&self) -> Vec<String> {
        let all: BTreeSet<String> =
            ALL.iter().flat_map(|(group, all)| all.iter().map(move |what| format!("{group}: {what}"))).collect();
        all.symmetric_difference(&self.0).cloned().collect()
    }

    /// An entry's stamp, before it is heard, and what the model then did.
    pub(super) fn note_time(&mut self, before: &Model, after: &Model, stamp: LogTime, done: &[Kind]) {
        if stamp.as_ms() < before.clock_ms {
            self.note("time", "goes back");
        }
        if stamp.as_ms() > before.clock_ms + 600_000 {
            self.note("time", "far on");
        }
        for kind in done {
            self.note("time", &format!("{kind:?}"));
        }
        if after.left_behind.len() < before.left_behind.len() {
            self.note("time", "of a space that was deleted");
        }
        for (at_ms, kind, ..) in before.due_things() {
            if at_ms == after.clock_ms && after.clock_ms > before.clock_ms {
                self.note("at the very time", &format!("{kind:?}"));
            }
            if at_ms == after.clock_ms + 1 {
                self.note("a millisecond beside", &format!("{kind:?}"));
            }
        }
        if after.due_things().iter().any(|(at_ms, ..)| *at_ms <= after.clock_ms) {
            self.note("time", "more than one entry does");
        }
        for (name, space) in &before.spaces {
            let is_moved_on = space.logs.iter().zip(&after.spaces[name].logs).any(|(before, after)| {
                before.start == after.start && before.due_ms < after.due_ms && before.due_ms.is_some()
            });
            if is_moved_on {
                self.note("time", "Log looked at too early");
            }
        }
    }

    pub(super) fn note_entry(&mut self, batch: &Batch, effects: &[Effect]) {
        let proposals = &batch.proposals;
        if (1..proposals.len()).any(|place| proposals[..place].contains(&proposals[place])) {
            self.note("duplicate", "inside one entry");
        }
        for effect in effects {
            match effect {
                Effect::Trim { space: of, log: trimmed, before, .. } => {
                    let came_and_went = |effect: &Effect| {
                        matches!(effect, Effect::Records { space, log, first, .. }
                            if space == of && log == trimmed && first < before)
                    };
                    if effects.iter().any(came_and_went) {
                        self.note("beside each other", "records that came and went in one entry");
                    }
                }
                Effect::SpaceDeleted { name, .. } if proposals.iter().any(|proposal| proposal.space() == name) => {
                    self.note("beside each other", "space deleted that was used in the same entry");
                }
                Effect::Remember { id, remembered, .. }
                    if remembered.compensated_by.is_some() && proposals.iter().any(|proposal| proposal.id() == id) =>
                {
                    self.note("beside each other", "decided and compensated in one entry");
                }
                _ => {}
            }
        }
    }

    pub(super) fn note_answer(&mut self, before: &Model, after: &Model, proposal: &Proposal, answer: &Answer) {
        let space = before.spaces.get(proposal.space().as_str());
        match answer {
            Answer::Rejected(rejection) => {
                self.note_rejection(before, *rejection, proposal.id());
            }
            Answer::Decided { outcome, replayed: true } => {
                self.note_duplicate(space.expect("decided"), before.clock_ms, proposal, &outcome.verdict);
            }
            Answer::Decided { outcome, replayed: false } => {
                self.note("verdict", name_of(&outcome.verdict));
                self.note_birth(before.clock_ms, space.expect("decided"), proposal.id());
                if let Proposal::Command(command) = proposal {
                    self.note_verdict(before, after, command, &outcome.verdict);
                }
            }
        }
    }

    fn note_rejection(&mut self, before: &Model, rejection: Rejection, id: &Id) {
        let birth_ms = id.birth().time().map(LogTime::as_ms);
        let what = match rejection {
            Rejection::NoSuchSpace => "no such space",
            Rejection::SpaceDeleted { .. } => "space deleted",
            Rejection::TooOld { floor } => {
                if birth_ms == Some(floor.as_ms() - 1) {
                    self.note("a millisecond beside", "birth below the floor");
                }
                "too old"
            }
            Rejection::WithoutBirth => "without birth",
            Rejection::BirthBesideForever => "birth beside for ever",
            Rejection::BornAhead { .. } => {
                if birth_ms == Some(before.clock_ms + 600_001) {
                    self.note("a millisecond beside", "birth more than ten minutes ahead");
                }
                "born ahead"
            }
            Rejection::Reused => "reused",
            Rejection::Malformed => "malformed",
        };
        self.note("rejection", what);
    }

    fn note_duplicate(&mut self, space: &ModelSpace, clock_ms: u64, proposal: &Proposal, verdict: &Verdict) {
        let again = format!("{} again", name_of(verdict));
        let is_undone = space.known(proposal.id()).is_some_and(|known| known.compensated_by.is_some());
        match (proposal, verdict) {
            (Proposal::Command(_), Verdict::Cancelled) => self.note("duplicate", "command after the cancel"),
            (Proposal::Command(command), _) => {
                if *verdict != Verdict::Cancelled && command.guards.iter().any(|guard| !space.holds(clock_ms, guard)) {
                    self.note("duplicate", "whose guard would no longer hold");
                }
                self.note("duplicate", &again);
                let is_gone =
                    |action: &Action| matches!(action, Action::Append { log, .. } if space.log(log.as_str()).is_none());
                if matches!(verdict, Verdict::Applied(_)) && command.actions.iter().any(is_gone) {
                    self.note("duplicate", "append to a log that was deleted since");
                }
            }
            (Proposal::Cancel(_), Verdict::Cancelled) => self.note("duplicate", &again),
            (Proposal::Cancel(_), _) if is_undone => self.note("duplicate", "cancel of what was undone"),
            (Proposal::Cancel(_), _) => self.note("duplicate", "cancel after the command"),
        }
    }

    fn note_birth(&mut self, clock_ms: u64, space: &ModelSpace, id: &Id) {
        let (Some(birth), Some(_)) = (id.birth().time(), space.memory_ms) else { return };
        if birth.as_ms() == space.floor_ms {
            self.note("at the very time", "birth at the floor");
        }
        if birth.as_ms() == clock_ms + 600_000 {
            self.note("at the very time", "birth ten minutes ahead");
        }
    }

    fn note_verdict(&mut self, before: &Model, after: &Model, command: &Command, verdict: &Verdict) {
        let space = &before.spaces[command.space.as_str()];
        match verdict {
            Verdict::Refused(refusal) => {
                let kind = refusal.found.kind();
                match refusal.step {
                    Step::Guard(_) => self.note("guard refuses", kind),
                    Step::Action(place) => {
                        self.note("action refuses", kind);
                        let action = &command.actions[place as usize];
                        if space.explicit_logs && matches!(action, Action::Append { .. }) {
                            self.note("beside each other", "append to a log that is to be made explicitly");
                        }
                    }
                }
            }
            Verdict::Applied(results) => {
                for guard in &command.guards {
                    self.note("guard holds", name_of_guard(guard));
                    self.note_guard_on_what_was_deleted(space, guard);
                }
                for (action, result) in command.actions.iter().zip(results) {
                    self.note("result", name_of_result(action, *result));
                    self.note_applied(before, after, space, action);
                }
            }
            Verdict::NothingToUndo => {
                let target = command.compensates().expect("it was to undo something");
                let found = space.known(target).map_or("unseen", |known| name_of(&known.outcome.verdict));
                self.note("nothing to undo", found);
            }
            Verdict::Cancelled => {}
        }
        let known = after.spaces[command.space.as_str()].known(&command.id).expect("just decided");
        let first_width = space.eras.first().map(|(_, width_ms)| *width_ms);
        if known.bucket.is_some_and(|(start_ms, end_ms)| Some(end_ms - start_ms) != first_width) {
            self.note("beside each other", "bucket of another era");
        }
    }

    fn note_guard_on_what_was_deleted(&mut self, space: &ModelSpace, guard: &Guard) {
        match guard {
            Guard::LogEnd { log, end } if space.log(log.as_str()).is_none() && end.0 > 0 => {
                self.note("beside each other", "guard on the end of a log that was deleted");
            }
            Guard::Position { offset: Offset(0), version, .. } if version.0 > 0 => {
                let is_deleted = |deleted: &u64| *deleted == version.0;
                if space.deleted_positions.values().any(is_deleted) {
                    self.note("beside each other", "guard on a reader that was deleted");
                }
            }
            _ => {}
        }
    }

    fn note_applied(&mut self, before: &Model, after: &Model, space: &ModelSpace, action: &Action) {
        match action {
            Action::SetSpace { name, .. } => {
                let memory = |model: &Model| model.spaces.get(name.as_str()).and_then(|space| space.memory_ms);
                if let (Some(before), Some(after)) = (memory(before), memory(after)) {
                    if after < before {
                        self.note("beside each other", "memory shortened");
                    }
                    if after > before {
                        self.note("beside each other", "memory lengthened");
                    }
                }
            }
            Action::Acquire { lock, .. }
                if space.locks.get(lock.as_str()).is_some_and(|held| held.expires_ms <= before.clock_ms) =>
            {
                self.note("beside each other", "acquired over a row that had expired");
            }
            Action::Append { log, .. } | Action::CreateLog { log, .. }
                if space.log(log.as_str()).is_none() && space.end_of(log.as_str()) > 0 =>
            {
                self.note("beside each other", "log that goes on where it ended");
            }
            Action::DeleteLog { log } if space.log(log.as_str()).is_none() => {
                self.note("beside each other", "log made and deleted in one command");
            }
            Action::Move { reader, log, .. }
                if space.deleted_positions.contains_key(&(reader.as_str().to_owned(), log.as_str().to_owned())) =>
            {
                self.note("beside each other", "reader that is moved again");
            }
            _ => {}
        }
    }
}

fn name_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Applied(_) => "applied",
        Verdict::Refused(_) => "refused",
        Verdict::Cancelled => "cancelled",
        Verdict::NothingToUndo => "nothing to undo",
    }
}

fn name_of_guard(guard: &Guard) -> &'static str {
    match guard {
        Guard::LogEnd { .. } => "log's end",
        Guard::CellAbsent { .. } => "cell is absent",
        Guard::CellVersion { .. } => "cell's version",
        Guard::CellAtLeast { .. } => "cell at least",
        Guard::Position { .. } => "position",
        Guard::LockHeld { .. } => "lock is held",
        Guard::Fate { is, .. } => match is {
            FateIs::Applied => "fate is applied",
            FateIs::InForce => "fate is in force",
            FateIs::Refused => "fate is refused",
            FateIs::Cancelled => "fate is cancelled",
            FateIs::Unknown => "fate is unknown",
        },
    }
}

fn name_of_result(action: &Action, result: ActionResult) -> &'static str {
    match result {
        ActionResult::Appended { .. } => "appended",
        ActionResult::Put { .. } => "put",
        ActionResult::Deleted { .. } => "deleted",
        ActionResult::Added { .. } => "added",
        ActionResult::Moved { .. } => "moved",
        ActionResult::Locked { .. } if matches!(action, Action::Renew { .. }) => "renewed",
        ActionResult::Locked { .. } => "acquired",
        ActionResult::Released => "released",
        ActionResult::Trimmed { .. } => "trimmed",
        ActionResult::Compensated => "compensated",
        ActionResult::LogCreated => "log created",
        ActionResult::RetentionSet => "retention set",
        ActionResult::LogDeleted { .. } => "log deleted",
        ActionResult::ReaderDeleted { .. } => "reader deleted",
        ActionResult::SpaceCreated => "space created",
        ActionResult::SpaceSet => "space set",
        ActionResult::SpaceDeleted => "space deleted",
        ActionResult::VersionRaised { .. } => "version raised",
    }
}
