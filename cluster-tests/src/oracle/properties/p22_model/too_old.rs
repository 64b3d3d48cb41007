//! Nothing is forgotten early: an id that is called too old is older than what its space remembers.
//!
//! - An error has no time of its own. The space's clock was at most at the time of any outcome that was asked for later.

use std::time::Duration;

use super::super::Report;
use crate::history::Events;
use crate::model::{Model, floor, name_of};

/// An id that was called too old.
struct Called {
    at: Duration,
    space: String,
    id: String,
    birth_ms: Option<u64>,
    /// What it was said to be below.
    floor_ms: Option<u64>,
    /// The clock was at most here.
    clock_ms: u64,
}

pub(super) fn judge(events: &Events, model: &Model, report: &mut Report<'_>) {
    let mut called = called(events);
    if called.is_empty() {
        return;
    }
    called.sort_by_key(|it| it.at);
    bound_clocks(events, &mut called);
    for it in called {
        let Called { id, space, floor_ms, .. } = &it;
        let (Some(birth_ms), Some(floor_ms)) = (it.birth_ms, *floor_ms) else { continue };
        if birth_ms >= floor_ms {
            report(format!("{id} of {space}, born at {birth_ms}, was called older than {floor_ms}"));
        }
        if let Some(most_ms) = model.closed(space, it.clock_ms).filter(|most_ms| *most_ms < floor_ms) {
            report(format!(
                "{id} of {space} was forgotten early: ids were taken from {floor_ms} on, and those from {most_ms} on \
                 had to be, as the clock was at most at {}",
                it.clock_ms
            ));
        }
    }
}

fn called(events: &Events) -> Vec<Called> {
    let mut called = Vec::new();
    for command in &events.commands {
        let refused = command.attempts.iter().filter_map(|attempt| {
            let failure = attempt.answer.as_ref()?.as_ref().err()?;
            Some((attempt.completed?, failure)).filter(|_| failure.reason == "ID_TOO_OLD")
        });
        for (at, failure) in refused {
            let request = command.request.open();
            called.push(Called {
                at,
                space: name_of(&command.space).to_owned(),
                id: command.id.as_str().to_owned(),
                birth_ms: request.id.as_ref().and_then(floor::birth),
                floor_ms: failure.metadata.get("floor_ms").and_then(|floor_ms| floor_ms.parse().ok()),
                clock_ms: u64::MAX,
            });
        }
    }
    called
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
        if let Some((_, sealed)) = command.decided() {
            bound(command.invoked(), sealed.time_ms);
        }
    }
    let mut least = u64::MAX;
    for it in called.iter_mut().rev() {
        least = least.min(it.clock_ms);
        it.clock_ms = least;
    }
}
