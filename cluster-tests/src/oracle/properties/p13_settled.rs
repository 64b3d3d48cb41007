//! P13: replay: in each round in which all that nobody knew of, and a tenth of what was acknowledged, was sent again,
//! each id got its one answer. What its client believes to have no effect is not sent again. Whether it is the same as ever is for the other properties to say.

use std::time::Duration;

use super::{Property, Report};
use crate::history::{Few, Name, Round};
use crate::oracle::Evidence;

/// Of what was known, at least every so manieth is sent again.
const SAMPLE: usize = 10;

pub(super) const PROPERTY: Property =
    Property { name: "P13", sentence: "what is sent again is answered", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let rounds = &evidence.events.rounds;
    let mut count = 0;
    for_each(evidence, |it, _| {
        count += rounds.iter().filter(|round| it.was_sent_before(round) && it.again(round)).count();
    });
    count
}

/// One id, as a round looks at it.
struct Sent {
    id: Name,
    invoked: Duration,
    /// When it was known what became of it.
    known: Option<Duration>,
    /// When attempts were sent that were answered so.
    answered: Few<Duration>,
}

impl Sent {
    fn was_sent_before(&self, round: &Round) -> bool {
        self.invoked < round.begun
    }

    /// Whether it was sent again in a round, and answered.
    fn again(&self, round: &Round) -> bool {
        self.answered.iter().any(|invoked| (round.begun..=round.ended).contains(invoked))
    }
}

/// What there was of one kind when a round began.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    known: usize,
    again: usize,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let rounds = &evidence.events.rounds;
    let mut tallies = vec![[Tally::default(); KINDS.len()]; rounds.len()];
    for_each(evidence, |it, kind| {
        for (round, tallies) in rounds.iter().zip(&mut tallies).filter(|(round, _)| it.was_sent_before(round)) {
            if it.known.is_none_or(|known| known > round.ended) {
                report(format!("{} was sent again after {}, and still nobody knows of it", it.id, round.name));
            }
            if let Some(tally) = tallies.get_mut(kind)
                && it.known.is_some_and(|known| known < round.begun)
            {
                tally.known += 1;
                tally.again += usize::from(it.again(round));
            }
        }
    });
    for (round, tallies) in rounds.iter().zip(tallies) {
        for (Tally { known, again }, what) in tallies.into_iter().zip(KINDS) {
            if again < known / SAMPLE {
                let name = &round.name;
                report(format!("{known} {what} were known when {name} was over, and {again} of them were sent again"));
            }
        }
    }
}

const KINDS: [&str; 2] = ["appends", "commands"];

/// Each id that rounds are about, and of which kind it is.
fn for_each(evidence: Evidence<'_>, mut take: impl FnMut(&Sent, usize)) {
    if evidence.events.rounds.is_empty() {
        return;
    }
    operations(evidence).for_each(|sent| take(&sent, 0));
    commands(evidence).for_each(|sent| take(&sent, 1));
}

fn operations(evidence: Evidence<'_>) -> impl Iterator<Item = Sent> {
    let live =
        evidence.events.operations.iter().filter(|operation| !operation.is_cancelled() && !operation.is_given_up());
    live.filter_map(|operation| {
        let answered = operation.attempts.iter().filter(|attempt| matches!(attempt.answer, Some(Ok(_))));
        Some(Sent {
            id: operation.id,
            invoked: operation.invoked()?,
            known: operation.acknowledged().map(|(completed, _)| completed),
            answered: answered.map(|attempt| attempt.invoked).collect(),
        })
    })
}

fn commands(evidence: Evidence<'_>) -> impl Iterator<Item = Sent> {
    evidence.events.commands.iter().filter_map(|command| {
        let answered = command.attempts.iter().filter(|attempt| match &attempt.answer {
            Some(Ok(_)) => true,
            Some(Err(failure)) => failure.is_about_the_command(),
            None => false,
        });
        let known = answered.clone().filter_map(|attempt| attempt.completed).min();
        let answered = answered.map(|attempt| attempt.invoked).collect();
        Some(Sent { id: command.id, invoked: command.invoked()?, known, answered })
    })
}
