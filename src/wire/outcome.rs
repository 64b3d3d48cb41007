//! Outcomes ⇄ messages.

use crate::types::{ActionResult, History, LogTime, Offset, Outcome, Refusal, Sequence, Verdict};

use super::v1;

/// A message of a node that this build cannot read: the node is newer, or not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's answer has no readable {0}; it may be of a newer version")]
pub struct Unreadable(pub &'static str);

/// An outcome as a message.
pub fn outcome_message(outcome: &Outcome) -> v1::Outcome {
    let verdict = match &outcome.verdict {
        Verdict::Applied(results) => {
            v1::outcome::Verdict::Applied(v1::Applied { results: results.iter().map(result_message).collect() })
        }
        Verdict::Refused(refusal) => {
            v1::outcome::Verdict::Refused(v1::Refused { refusal: Some(refusal_message(refusal)) })
        }
        Verdict::Cancelled => v1::outcome::Verdict::Cancelled(v1::Cancelled {}),
    };
    v1::Outcome {
        sequence: outcome.sequence.0,
        history: outcome.history.0,
        time_ms: outcome.time.as_ms(),
        verdict: Some(verdict),
    }
}

/// An outcome from a message.
pub fn outcome(message: &v1::Outcome) -> Result<Outcome, Unreadable> {
    let verdict = match message.verdict.as_ref().ok_or(Unreadable("verdict"))? {
        v1::outcome::Verdict::Applied(applied) => {
            Verdict::Applied(applied.results.iter().map(result).collect::<Result<_, _>>()?)
        }
        v1::outcome::Verdict::Refused(refused) => Verdict::Refused(refusal(refused)?),
        v1::outcome::Verdict::Cancelled(v1::Cancelled {}) => Verdict::Cancelled,
    };
    Ok(Outcome {
        verdict,
        sequence: Sequence(message.sequence),
        history: History(message.history),
        time: time(message.time_ms)?,
    })
}

pub(super) fn time(ms: u64) -> Result<LogTime, Unreadable> {
    LogTime::from_ms(ms).ok_or(Unreadable("time"))
}

fn result_message(result: &ActionResult) -> v1::ActionResult {
    let result = match result {
        ActionResult::Appended { first, count } => {
            v1::action_result::Result::Appended(v1::Appended { first_offset: first.0, count: *count })
        }
    };
    v1::ActionResult { result: Some(result) }
}

fn result(message: &v1::ActionResult) -> Result<ActionResult, Unreadable> {
    match message.result.as_ref().ok_or(Unreadable("result of an action"))? {
        v1::action_result::Result::Appended(appended) => {
            Ok(ActionResult::Appended { first: Offset(appended.first_offset), count: appended.count })
        }
    }
}

fn refusal_message(refusal: &Refusal) -> v1::refused::Refusal {
    match refusal {
        Refusal::LogEnd { guard, found } => {
            v1::refused::Refusal::LogEnd(v1::LogEndDiffers { guard: *guard, found: found.0 })
        }
    }
}

fn refusal(message: &v1::Refused) -> Result<Refusal, Unreadable> {
    match message.refusal.as_ref().ok_or(Unreadable("refusal"))? {
        v1::refused::Refusal::LogEnd(differs) => {
            Ok(Refusal::LogEnd { guard: differs.guard, found: Offset(differs.found) })
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn outcomes() -> Vec<Outcome> {
        let appended = ActionResult::Appended { first: Offset(41), count: 3 };
        let verdicts = [
            Verdict::Applied(vec![appended]),
            Verdict::Applied(vec![appended, ActionResult::Appended { first: Offset(0), count: 1 }]),
            Verdict::Refused(Refusal::LogEnd { guard: 2, found: Offset(17) }),
            Verdict::Cancelled,
        ];
        let (sequence, history) = (Sequence(9), History(1_760_000_000_000));
        let time = LogTime::from_ms(1_760_000_000_123).unwrap();
        verdicts.map(|verdict| Outcome { verdict, sequence, history, time }).to_vec()
    }

    #[test]
    fn every_outcome_comes_back() {
        for whole in outcomes() {
            assert_eq!(outcome(&outcome_message(&whole)), Ok(whole));
        }
    }

    #[test]
    fn a_kind_of_a_newer_node_is_unreadable_rather_than_nothing() {
        let bare = v1::Outcome { verdict: None, ..outcome_message(&outcomes()[0]) };
        assert_eq!(outcome(&bare), Err(Unreadable("verdict")));
        let refused = v1::outcome::Verdict::Refused(v1::Refused { refusal: None });
        let refused = v1::Outcome { verdict: Some(refused), ..bare };
        assert_eq!(outcome(&refused), Err(Unreadable("refusal")));
    }
}
