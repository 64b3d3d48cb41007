//! Settles for ever that an id never takes effect, unless it has.
//!
//! - An unseen id gets a tombstone: an outcome like any other, without content, so that it answers any content.
//! - The rules of birth hold for the target, too. One born too far ahead is turned away, or its tombstone would stay until
//!   then; its command is turned away for the same reason, so nothing is in doubt.

use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Answer, Cancel, Outcome, Rejection, Verdict};

use super::arrive::{Arrival, arrive};
use super::decide::Decision;
use super::draft::Draft;
use super::view::View;

/// Decides a cancel.
pub(super) fn cancel(view: &impl View, cancel: &Cancel) -> Result<Decision, Rejection> {
    match arrive(view, &cancel.space, &cancel.target, std::iter::empty())? {
        Arrival::Known(known) if seeded(Bug::LateCancelAsCancelled) => {
            // It was done, and nobody does it another way.
            let outcome = Outcome { verdict: Verdict::Cancelled, ..known.outcome.clone() };
            Ok(Decision::unchanged(Answer::Decided { outcome, replayed: true }))
        }
        Arrival::Known(known) => {
            Ok(Decision::unchanged(Answer::Decided { outcome: known.outcome.clone(), replayed: true }))
        }
        Arrival::New(space) => {
            let mut decision = Draft::new(view, &cancel.space, space, &cancel.target).settle(None, Verdict::Cancelled);
            if seeded(Bug::CancelForgotten) {
                // The id is told never to take effect, and does when it comes.
                decision.effects.clear();
            }
            Ok(decision)
        }
    }
}
