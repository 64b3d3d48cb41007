//! Decides what becomes of one proposal.
//!
//! - The id comes before the guards, or a retry would fail on its own effect.
//! - A refusal is an outcome and remembered, or a delayed duplicate could run after its sender was told no. A rejection
//!   leaves no trace.
//! - Nothing here depends on a limit that a later build may raise: builds that disagree on it would decide one entry
//!   differently.

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Answer, Command, MachineVersion, Proposal, Refusal, Rejection, Step, Verdict};

use super::actions::perform;
use super::arrive::{Arrival, arrive};
use super::cancel::cancel;
use super::compensation::{self, Undoing};
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
    command.check_meaning().map_err(|_| Rejection::Malformed)?;
    let space = match arrive(view, &command.space, &command.id, command.targets())? {
        Arrival::Known(known) => return replay(known, command),
        Arrival::New(space) => space,
    };
    let fingerprint = Some(Fingerprint::by_machine(version, command));
    let mut draft = Draft::new(view, &command.space, space, &command.id);
    let done = guards::check(view, space, &command.guards).and_then(|()| perform_all(&mut draft, command));
    Ok(match done {
        Ok(verdict) => draft.settle(fingerprint, verdict),
        Err(refusal) => {
            Draft::new(view, &command.space, space, &command.id).settle(fingerprint, Verdict::Refused(refusal))
        }
    })
}

fn perform_all<'a>(draft: &mut Draft<'a, impl View>, command: &'a Command) -> Result<Verdict, Refusal> {
    let refusal = |place, found| Refusal { step: Step::Action(place), found };
    if let Some((place, target)) = compensation::of(command) {
        match compensation::begin(draft, target).map_err(|found| refusal(place, found))? {
            Undoing::Goes => {}
            Undoing::HasNothing => return Ok(Verdict::NothingToUndo),
        }
    }
    (0..)
        .zip(&command.actions)
        .map(|(place, action)| perform(draft, action).map_err(|found| refusal(place, found)))
        .collect::<Result<_, _>>()
        .map(Verdict::Applied)
}

fn replay(known: &Remembered, command: &Command) -> Result<Decision, Rejection> {
    // Other content under a known id would be told that it was done.
    let is_same = seeded(Bug::ReuseIgnored) || known.fingerprint.is_none_or(|fingerprint| fingerprint.matches(command));
    if !is_same {
        return Err(Rejection::Reused);
    }
    // Two attempts would be told that they were the first.
    let replayed = !seeded(Bug::ReplayToldAsFirst);
    Ok(Decision::unchanged(Answer::Decided { outcome: known.outcome.clone(), replayed }))
}
