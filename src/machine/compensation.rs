//! The undoing of another command, together with the actions that undo it.
//!
//! - What was never taken is never paid back: unless the target was applied and not undone yet, no action is done.
//! - What is unseen is cancelled first, or it could still be done after its undoing.
//! - It is looked at before every other action, wherever it stands among them, and its mark lands with them or not at all.

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Command, Found, Id, Verdict};

use super::arrive::{find_target, is_born_ahead};
use super::draft::Draft;
use super::view::View;

/// Whether the actions of a command are done.
pub(super) enum Undoing {
    /// They are: they undo what was done, or the command is not the undoing of anything.
    Goes,
    /// They are not: there is nothing to undo, and never will be.
    HasNothing,
}

/// Looks for what is to be undone, and marks it.
pub(super) fn begin(draft: &mut Draft<'_, impl View>, target: &Id) -> Result<Undoing, Found> {
    let Some(known) = find_target(draft.view, &draft.space, target)? else {
        let clock = draft.globals.clock;
        if is_born_ahead(&draft.space, target, clock) {
            return Err(Found::TargetBornAhead { clock });
        }
        if seeded(Bug::UndoingOfNothing) {
            // Money comes from nowhere, and what was to be undone may still be done.
            return Ok(Undoing::Goes);
        }
        draft.decide(target, None, Verdict::Cancelled);
        return Ok(Undoing::HasNothing);
    };
    match (&known.outcome.verdict, &known.compensated_by) {
        (Verdict::Refused(_) | Verdict::Cancelled | Verdict::NothingToUndo, _) => Ok(Undoing::HasNothing),
        // It is paid back to whoever asks.
        (Verdict::Applied(_), Some(_)) if seeded(Bug::UndoneTwice) => Ok(Undoing::Goes),
        (Verdict::Applied(_), Some(by)) => Err(Found::AlreadyCompensated { by: by.clone() }),
        (Verdict::Applied(_), None) => {
            draft.mark_compensated(target, known);
            Ok(Undoing::Goes)
        }
    }
}

/// The compensation of a command and its place among the actions.
pub(super) fn of(command: &Command) -> Option<(u32, &Id)> {
    (0..).zip(&command.actions).find_map(|(place, action)| action.compensates().map(|target| (place, target)))
}
