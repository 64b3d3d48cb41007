//! Decides what becomes of one proposal.
//!
//! - The id comes before the guards, or a retry would fail on its own effect.
//! - A refusal is an outcome and remembered, or a delayed duplicate could run after its sender was told no. A rejection
//!   leaves no trace.
//! - Nothing here depends on a limit that a later build may raise: builds that disagree on it would decide one entry
//!   differently.

use crate::types::{Action, ActionResult, Answer, Command, MachineVersion, Proposal, Refusal, Rejection, Verdict};

use super::arrive::{Arrival, arrive};
use super::cancel::cancel;
use super::draft::Draft;
use super::fingerprint::Fingerprint;
use super::guards;
use super::rows::{Effect, Remembered};
use super::view::View;

/// What becomes of a proposal, and what is written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What its sender is told.
    pub answer: Answer,
    /// What changes, all or nothing.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// An answer that changes nothing.
    pub(super) fn unchanged(answer: Answer) -> Self {
        Self { answer, effects: Vec::new() }
    }
}

/// Whether this build has the rules of `version`. An entry of a version that it lacks must not be applied.
pub fn knows(version: MachineVersion) -> bool {
    (MachineVersion::FIRST..=MachineVersion::CURRENT).contains(&version)
}

/// Decides a proposal by the rules of `version`, which this build must know.
pub fn decide(view: &impl View, version: MachineVersion, proposal: &Proposal) -> Decision {
    assert!(knows(version), "this build lacks the rules of machine version {version}");
    let decided = match proposal {
        Proposal::Command(command) => decide_command(view, version, command),
        Proposal::Cancel(request) => cancel(view, request),
    };
    decided.unwrap_or_else(|rejection| Decision::unchanged(Answer::Rejected(rejection)))
}

fn decide_command(view: &impl View, version: MachineVersion, command: &Command) -> Result<Decision, Rejection> {
    if !is_well_formed(command) {
        return Err(Rejection::Malformed);
    }
    let space = match arrive(view, &command.space, &command.id)? {
        Arrival::Known(known) => return replay(known, command),
        Arrival::New(space) => space,
    };
    let fingerprint = Some(Fingerprint::by_machine(version, command));
    let mut draft = Draft::new(view, &command.space, space, &command.id);
    let done: Result<Vec<ActionResult>, Refusal> = guards::check(view, space.number, &command.guards)
        .and_then(|()| command.actions.iter().map(|action| draft.perform(action)).collect());
    Ok(match done {
        Ok(results) => draft.settle(fingerprint, Verdict::Applied(results)),
        Err(refusal) => {
            Draft::new(view, &command.space, space, &command.id).settle(fingerprint, Verdict::Refused(refusal))
        }
    })
}

/// The rules of §1 that hold whatever the state is; sizes and counts are a matter of the door.
fn is_well_formed(command: &Command) -> bool {
    let does_something = |action: &Action| match action {
        Action::Append { records, .. } => !records.is_empty(),
    };
    !command.actions.is_empty() && command.actions.iter().all(does_something)
}

fn replay(known: &Remembered, command: &Command) -> Result<Decision, Rejection> {
    let is_same = known.fingerprint.is_none_or(|fingerprint| fingerprint.matches(command));
    if !is_same {
        return Err(Rejection::Reused);
    }
    Ok(Decision::unchanged(Answer::Decided { outcome: known.outcome.clone(), replayed: true }))
}
