//! The lines that a history made by hand would have had if it had happened.

use crate::history::{Command, Event, Events, Operation};

/// All events but the replicas.
pub(super) fn told(events: &Events) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    all.extend(events.meant.clone().map(Event::Meant));
    all.extend(events.workloads.iter().map(|name| Event::Workload { name: name.clone() }));
    all.extend(events.faults.iter().cloned().map(Event::Fault));
    all.extend(events.changes.iter().cloned().map(Event::LeaderChange));
    all.extend(events.alarms.iter().cloned().map(Event::Alarm));
    all.extend(events.cut_short.then_some(Event::CutShort { at: std::time::Duration::ZERO }));
    all.extend(events.recoveries.iter().cloned().map(Event::Recovery));
    all.extend(events.rounds.iter().cloned().map(Event::Round));
    for (number, operation) in events.operations.iter().enumerate() {
        tell_operation(&mut all, number, &operation);
    }
    for (number, command) in events.commands.iter().enumerate() {
        tell_command(&mut all, number, &command);
    }
    all.extend(events.reuses.iter().map(Event::Reuse));
    all.extend(events.ends.iter().map(Event::End));
    all.extend(events.locals.iter().map(Event::Local));
    all.extend(events.pages.iter().map(Event::Page));
    all.extend(events.lookups.iter().map(Event::Lookup));
    all.extend(events.cells.iter().map(Event::Cells));
    all.extend(events.asked.iter().map(Event::Asked));
    all.extend(events.shown.iter().map(Event::Shown));
    all.extend(events.failed.iter().map(Event::ReadFailed));
    all.extend(events.statuses.iter().map(Event::Status));
    all
}

fn tell_operation(all: &mut Vec<Event>, number: usize, operation: &Operation) {
    let Operation { client, log, id, fingerprint, believed, ref contents, .. } = *operation;
    let contents = contents.clone();
    all.push(Event::Operation { number, client, log, id, contents, fingerprint, believed });
    all.extend(operation.doubted.then_some(Event::Doubted { operation: number, id }));
    for (place, attempt) in operation.attempts.iter().enumerate() {
        let (node, invoked) = (attempt.node, attempt.invoked);
        all.push(Event::Attempt { operation: number, id, node, place: attempt.place, invoked });
        if let (Some(completed), Some(answer)) = (attempt.completed, attempt.answer.clone()) {
            all.push(Event::Answer { operation: number, id, attempt: place, completed, answer });
        }
    }
    all.extend(operation.cancels.iter().map(|told| Event::Cancelled { operation: number, id, told: *told }));
}

fn tell_command(all: &mut Vec<Event>, number: usize, command: &Command) {
    let id = command.id;
    all.push(Event::Command { number, command: Command { attempts: Vec::new(), ..command.clone() } });
    for (place, attempt) in command.attempts.iter().enumerate() {
        let (node, invoked) = (attempt.node, attempt.invoked);
        all.push(Event::CommandAttempt { command: number, id, node, invoked });
        if let (Some(completed), Some(answer)) = (attempt.completed, attempt.answer.clone()) {
            all.push(Event::CommandAnswer { command: number, id, attempt: place, completed, answer });
        }
    }
}
