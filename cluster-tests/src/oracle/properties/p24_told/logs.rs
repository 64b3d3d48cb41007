//! Lists of logs, and where logs end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::Report;
use crate::command::log_in;
use crate::history::{Answer, Asked, Deleted, Job, LogSeen, Name, Question, Wanted};
use crate::oracle::Evidence;
use crate::proto::action::Action;

/// How far each log was known to go, and how far it may have gone.
#[derive(Default)]
pub(super) struct Ends {
    logs: HashMap<Name, OfLog>,
    /// Logs and spaces that somebody wanted to delete.
    deleted: HashSet<Name>,
    /// What is known to have gone.
    gone: Deleted,
}

#[derive(Default)]
struct OfLog {
    /// When an end was known, with the greatest that was known by then. A log that is there may end at 0.
    known: Vec<(Duration, u64)>,
    /// When records were sent, with how many were sent by then.
    sent: Vec<(Duration, u64)>,
}

impl Ends {
    pub(super) fn of(evidence: Evidence<'_>) -> Self {
        let mut ends = Self { gone: Deleted::of(evidence.events), ..Self::default() };
        let asked_for = asked_for(evidence);
        let is_of_interest = |log| asked_for.as_ref().is_none_or(|asked_for| asked_for.contains(&log));
        for operation in evidence.events.operations.iter().filter(|operation| is_of_interest(operation.log)) {
            let of_log = ends.logs.entry(operation.log).or_default();
            of_log.sent.extend(operation.invoked().map(|at| (at, operation.contents.len() as u64)));
            if let Some((at, told)) = operation.acknowledged() {
                of_log.known.push((at, told.place.first_offset + u64::from(told.place.count)));
            }
        }
        for command in &evidence.events.commands {
            match &command.job {
                Job::DeleteLog { log } => drop(ends.deleted.insert(Name::of(log))),
                Job::DeleteSpace { space } => drop(ends.deleted.insert(Name::of(space))),
                _ => {}
            }
            let known = command.applied().zip(command.decided());
            for (log, contents) in command.parts() {
                let of_log = ends.logs.entry(log).or_default();
                of_log.sent.extend(command.invoked().map(|at| (at, contents.len() as u64)));
            }
            if let Some((sealed, (at, _))) = known {
                for (log, first, contents) in command.placed(sealed) {
                    ends.logs.entry(log).or_default().known.push((at, first + contents.len() as u64));
                }
            }
            for action in command.actions() {
                if let (Action::CreateLog(create), Some((_, (at, _)))) = (action, known) {
                    ends.logs.entry(Name::from(log_in(&command.space, &create.log))).or_default().known.push((at, 0));
                }
            }
        }
        ends.in_order();
        ends
    }

    fn in_order(&mut self) {
        for of_log in self.logs.values_mut() {
            of_log.known.sort_unstable();
            of_log.sent.sort_unstable();
            let (mut greatest, mut sum) = (0, 0);
            for (_, end) in &mut of_log.known {
                greatest = greatest.max(*end);
                *end = greatest;
            }
            for (_, count) in &mut of_log.sent {
                sum += *count;
                *count = sum;
            }
        }
    }

    /// Where a log was known to end before a moment; none: nobody knew that it is there.
    pub(super) fn known(&self, log: Name, before: Duration) -> Option<u64> {
        let known = &self.logs.get(&log)?.known;
        let count = known.partition_point(|(at, _)| *at < before);
        known.get(count.checked_sub(1)?).map(|(_, end)| *end)
    }

    /// Since when a log was known to end here or later.
    pub(super) fn known_since(&self, log: Name, end: u64) -> Option<Duration> {
        let known = &self.logs.get(&log)?.known;
        known.get(known.partition_point(|(_, known)| *known < end)).map(|(at, _)| *at)
    }

    /// Where it may have ended by then, at most.
    pub(super) fn possible(&self, log: Name, by: Duration) -> u64 {
        let sent = self.logs.get(&log).map(|of_log| of_log.sent.as_slice()).unwrap_or_default();
        let count = sent.partition_point(|(at, _)| *at <= by);
        count.checked_sub(1).and_then(|last| sent.get(last)).map_or(0, |(_, sum)| *sum)
    }

    /// Whether somebody wanted to delete a log, or the space in which it is.
    pub(super) fn is_deleted(&self, space: Name, log: Name) -> bool {
        self.deleted.contains(&log) || self.deleted.contains(&space)
    }
}

/// Logs of `main` that anybody asked about; none: somebody asked for all.
fn asked_for(evidence: Evidence<'_>) -> Option<HashSet<Name>> {
    let mut logs = HashSet::new();
    for asked in evidence.events.asked.iter().filter(|asked| asked.space.is_empty()) {
        match asked.question {
            Question::Logs { .. } => return None,
            Question::Records { log, .. } | Question::Wait { wanted: Wanted::LogEnd { log, .. }, .. } => {
                logs.insert(log);
            }
            _ => {}
        }
    }
    Some(logs)
}

pub(super) fn judge(evidence: Evidence<'_>, ends: &Ends, report: &mut Report<'_>) {
    // By space, the names of its logs, in order.
    let mut spaces: HashMap<Name, Vec<(Name, Name)>> = HashMap::new();
    for log in ends.logs.keys() {
        let (space, name) = log.split_once('/').unwrap_or(("", log.as_str()));
        spaces.entry(Name::of(space)).or_default().push((Name::of(name), *log));
    }
    for asked in &evidence.events.asked {
        if let (Question::Logs { after, limit }, Answer::Logs { logs, more }) = (&asked.question, &asked.answer) {
            is_in_order(&asked, (after, *limit), logs, *more, report);
            for seen in logs {
                is_possible(&asked, ends, seen, report);
            }
            if !asked.linearizable {
                continue;
            }
            let listed: HashSet<Name> = logs.iter().map(|log| log.name).collect();
            let end = logs.last().filter(|_| *more).map(|last| last.name);
            for (name, log) in spaces.get(&asked.space).into_iter().flatten() {
                let is_covered = name.as_str() > after.as_str() && end.is_none_or(|end| *name <= end);
                let is_there = ends.known(*log, asked.invoked).is_some() && !ends.is_deleted(asked.space, *log);
                if is_covered && is_there && !listed.contains(name) {
                    report(format!("node {} left log {log} out, which was known to be there", asked.node));
                }
            }
        }
    }
}

fn is_in_order(asked: &Asked, (after, limit): (&str, u32), logs: &[LogSeen], more: bool, report: &mut Report<'_>) {
    let names: Vec<&str> = logs.iter().map(|log| log.name.as_str()).collect();
    let is_up = names.is_sorted_by(|one, next| one < next) && names.first().is_none_or(|first| *first > after);
    if !is_up || names.len() > limit as usize || more && names.is_empty() {
        report(format!("node {} listed logs after {after:?} as {names:?}, more: {more}", asked.node));
    }
}

/// A log ends where it may, and not before it was known to.
fn is_possible(asked: &Asked, ends: &Ends, seen: &LogSeen, report: &mut Report<'_>) {
    let log = Name::from(log_in(&asked.space, &seen.name));
    let (node, LogSeen { start, end, .. }) = (asked.node, seen);
    if start > end || *end > ends.possible(log, asked.completed) {
        report(format!("node {node} listed log {log} from {start} to {end}, and that was never sent"));
    }
    let gone = ends.gone.end_before(log, asked.invoked);
    if asked.linearizable && *start < gone {
        report(format!("log {log} was deleted up to {gone}, and node {node} listed it from {start} to {end}"));
    }
    let known = ends.known(log, asked.invoked).unwrap_or(0);
    if asked.linearizable && *end < known {
        report(format!("log {log} ended at {known} or later, and node {node} listed it to {end}"));
    }
}
