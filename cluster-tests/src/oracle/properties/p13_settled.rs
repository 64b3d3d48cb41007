//! P13: replay: in each round in which all that nobody knew of, and a tenth of what was acknowledged, was sent again,
//! each id got its one answer. Whether it is the same as ever is for the other properties to say.

use std::time::Duration;

use super::{Property, Report};
use crate::history::{Name, Round};
use crate::oracle::Evidence;

/// Of what was known, at least every so manieth is sent again.
const SAMPLE: usize = 10;

pub(super) const PROPERTY: Property =
    Property { name: "P13", sentence: "what is sent again is answered", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let sent: Vec<Sent> = operations(evidence).into_iter().chain(commands(evidence)).collect();
    let again = |round: &Round| {
        let times = round.begun..=round.ended;
        let earlier = sent.iter().filter(|it| it.invoked < round.begun);
        earlier.filter(|it| it.answered.iter().any(|invoked| times.contains(invoked))).count()
    };
    evidence.events.rounds.iter().map(again).sum()
}

/// One id, as a round looks at it.
struct Sent {
    id: Name,
    invoked: Duration,
    /// When it was known what became of it.
    known: Option<Duration>,
    /// When attempts were sent that were answered so.
    answered: Vec<Duration>,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let sent = operations(evidence);
    for round in &evidence.events.rounds {
        settled(round, &sent, "appends", report);
    }
    let sent = commands(evidence);
    for round in &evidence.events.rounds {
        settled(round, &sent, "commands", report);
    }
}

fn settled(round: &Round, sent: &[Sent], what: &str, report: &mut Report<'_>) {
    let Round { name, begun, ended } = round;
    let (mut known, mut again) = (0, 0);
    for it in sent.iter().filter(|it| it.invoked < *begun) {
        if it.known.is_none_or(|known| known > *ended) {
            report(format!("{} was sent again after {name}, and still nobody knows of it", it.id));
        }
        if it.known.is_some_and(|known| known < *begun) {
            known += 1;
            again += usize::from(it.answered.iter().any(|invoked| (begun..=ended).contains(&invoked)));
        }
    }
    if again < known / SAMPLE {
        report(format!("{known} {what} were known when {name} was over, and {again} of them were sent again"));
    }
}

fn operations(evidence: Evidence<'_>) -> Vec<Sent> {
    let live = evidence.events.operations.iter().filter(|operation| !operation.cancelled);
    let sent = live.filter_map(|operation| {
        let answered = operation.attempts.iter().filter(|attempt| matches!(attempt.answer, Some(Ok(_))));
        Some(Sent {
            id: operation.id,
            invoked: operation.invoked()?,
            known: operation.acknowledged().map(|(completed, _)| completed),
            answered: answered.map(|attempt| attempt.invoked).collect(),
        })
    });
    sent.collect()
}

fn commands(evidence: Evidence<'_>) -> Vec<Sent> {
    let sent = evidence.events.commands.iter().filter_map(|command| {
        let answered = command.attempts.iter().filter(|attempt| match &attempt.answer {
            Some(Ok(_)) => true,
            Some(Err(failure)) => failure.is_about_the_command(),
            None => false,
        });
        let known = answered.clone().filter_map(|attempt| attempt.completed).min();
        let answered = answered.map(|attempt| attempt.invoked).collect();
        Some(Sent { id: command.id, invoked: command.invoked()?, known, answered })
    });
    sent.collect()
}
