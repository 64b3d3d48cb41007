//! Nothing is forgotten early: an id that is called too old is older than what its space remembers.
//!
//! - Neither an error nor a look has a time of its own. The clock was at most at the time of any outcome that was asked
//!   for later.
//! - The floor of a node never goes back: what a look has called too old there is nothing else in a later look.

use std::collections::HashMap;
use std::time::Duration;

use super::{Evidence, Memories, Report};
use crate::client::Failure;
use crate::history::{Answer, Events, Identity, Name, Question, Verdict, Wanted};
use crate::model::floor;

/// An id that was called too old.
pub(in crate::oracle::properties) struct Called {
    pub(in crate::oracle::properties) at: Duration,
    pub(in crate::oracle::properties) space: Name,
    pub(in crate::oracle::properties) id: Name,
    pub(in crate::oracle::properties) birth_ms: Option<u64>,
    /// What it was said to be below.
    floor_ms: Option<u64>,
    /// The clock was at most here.
    clock_ms: u64,
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    what_is_too_old_for_a_look_stays_so(evidence, report);
    let mut called = called(evidence);
    if called.is_empty() {
        return;
    }
    called.sort_by_key(|it| it.at);
    bound_clocks(evidence.events, &mut called);
    let memories = Memories::of(evidence.events);
    for it in called {
        let Called { id, space, floor_ms, clock_ms, .. } = it;
        let Some(birth_ms) = it.birth_ms else { continue };
        if let Some(floor_ms) = floor_ms.filter(|floor_ms| birth_ms >= *floor_ms) {
            report(format!("{id} of {space}, born at {birth_ms}, was called older than {floor_ms}"));
        }
        let Some(most_ms) = memories.floor(space, clock_ms) else { continue };
        if birth_ms >= most_ms || floor_ms.is_some_and(|floor_ms| floor_ms > most_ms) {
            report(format!(
                "{id} of {space}, born at {birth_ms}, was forgotten early: it was below {floor_ms:?}, and whatever was \
                 born from {most_ms} on had to be remembered, as the clock was at most at {clock_ms}"
            ));
        }
    }
}

/// All that was called too old: commands, and what was looked up or waited for.
pub(in crate::oracle::properties) fn called(evidence: Evidence<'_>) -> Vec<Called> {
    let mut called = Vec::new();
    for command in &evidence.events.commands {
        let refused = command.attempts.iter().filter_map(|attempt| {
            let failure = attempt.answer.as_ref()?.as_ref().err()?;
            Some((attempt.completed?, failure)).filter(|_| failure.reason == "ID_TOO_OLD")
        });
        let mut refused = refused.peekable();
        if refused.peek().is_none() {
            continue;
        }
        let birth_ms = command.request.open().id.as_ref().and_then(floor::birth);
        let (space, id) = (command.space, command.id);
        let at = |(at, failure)| Called { at, space, id, birth_ms, floor_ms: below(failure), clock_ms: u64::MAX };
        called.extend(refused.map(at));
    }
    for asked in evidence.events.asked.iter().filter(|asked| asked.answer == Answer::TooOld) {
        if let Some(id) = asked_for(&asked.question) {
            let birth_ms = floor::birth(&id.message());
            let (at, space, id) = (asked.completed, asked.space, id.text);
            called.push(Called { at, space, id, birth_ms, floor_ms: None, clock_ms: u64::MAX });
        }
    }
    called
}

fn below(failure: &Failure) -> Option<u64> {
    failure.metadata.get("floor_ms")?.parse().ok()
}

/// The id whose fate was asked for.
fn asked_for(question: &Question) -> Option<Identity> {
    match question {
        Question::Fate(id) | Question::Wait { wanted: Wanted::Decided(id), .. } => Some(*id),
        _ => None,
    }
}

/// What was first sent after an answer was decided after it. All spaces have one clock.
fn bound_clocks(events: &Events, called: &mut [Called]) {
    let mut bound = |invoked: Option<Duration>, time_ms: u64| {
        let before = invoked.map_or(0, |invoked| called.partition_point(|it| it.at <= invoked));
        if let Some(last) = before.checked_sub(1).and_then(|last| called.get_mut(last)) {
            last.clock_ms = last.clock_ms.min(time_ms);
        }
    };
    for operation in &events.operations {
        if let Some((_, acknowledgement)) = operation.acknowledged() {
            bound(operation.invoked(), acknowledgement.place.time_ms);
        }
    }
    for command in &events.commands {
        // What is cancelled may have been so before it was sent.
        if let Some((_, sealed)) = command.decided().filter(|(_, sealed)| sealed.verdict != Verdict::Cancelled) {
            bound(command.invoked(), sealed.time_ms);
        }
    }
    let mut least = u64::MAX;
    for it in called.iter_mut().rev() {
        least = least.min(it.clock_ms);
        it.clock_ms = least;
    }
}

fn what_is_too_old_for_a_look_stays_so(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut since: HashMap<(u64, Name, Name), Duration> = HashMap::new();
    for asked in evidence.events.asked.iter().filter(|asked| asked.answer == Answer::TooOld) {
        if let Some(id) = asked_for(&asked.question) {
            let first = since.entry((asked.node, asked.space, id.text)).or_insert(asked.completed);
            *first = asked.completed.min(*first);
        }
    }
    for asked in &evidence.events.asked {
        let Some(id) = asked_for(&asked.question) else { continue };
        let first = since.get(&(asked.node, asked.space, id.text));
        let says_otherwise = matches!(asked.answer, Answer::Unknown | Answer::Decided { .. });
        if first.is_some_and(|first| *first < asked.invoked) && says_otherwise {
            report(format!("node {} said that {} was too old, and then {:?}", asked.node, id.text, asked.answer));
        }
    }
}
