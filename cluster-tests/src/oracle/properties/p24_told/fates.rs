//! Look-ups of commands.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::Report;
use crate::history::{Answer, Command, Identity, Job, Name, Question, Sealed};
use crate::oracle::Evidence;
use crate::proto::action::Action;

/// By which command, and when that was known; none: nobody knows whether it was done.
type Undoing = (Name, Option<Duration>);

/// What became of each command, by its space and id.
pub(super) struct Fates {
    known: HashMap<(Name, Name), (Duration, Sealed)>,
    /// By whom each may have been undone, and when it was known that it was.
    undone: HashMap<(Name, Name), Vec<Undoing>>,
    forgetful: HashSet<Name>,
}

impl Fates {
    pub(super) fn of(evidence: Evidence<'_>) -> Self {
        let mut fates = Self { known: HashMap::new(), undone: HashMap::new(), forgetful: HashSet::new() };
        for command in &evidence.events.commands {
            for action in command.actions() {
                match action {
                    Action::Compensate(undoing) => {
                        fates.add_undoing(&command, &undoing.target.unwrap_or_default().text);
                    }
                    Action::CreateSpace(create) if create.memory_ms.is_some() => {
                        fates.forgetful.insert(Name::from(create.name));
                    }
                    _ => {}
                }
            }
            if command.job == Job::Forgettable {
                fates.forgetful.insert(command.space);
            }
            if let Some((at, sealed)) = command.decided() {
                fates.known.insert((command.space, command.id), (at, sealed.clone()));
            }
        }
        fates
    }

    fn add_undoing(&mut self, command: &Command, target: &str) {
        let known = match command.decided() {
            // It had nothing to undo, or was refused.
            Some((_, sealed)) if sealed.got().is_empty() => return,
            Some((at, _)) => Some(at),
            None if command.is_open() => None,
            None => return,
        };
        self.undone.entry((command.space, Name::of(target))).or_default().push((command.id, known));
    }

    /// What an id came to, as far as somebody was told.
    pub(super) fn known(&self, space: Name, id: Identity) -> Option<&(Duration, Sealed)> {
        self.known.get(&(space, id.text))
    }
}

pub(super) fn judge(evidence: Evidence<'_>, fates: &Fates, report: &mut Report<'_>) {
    for asked in &evidence.events.asked {
        let Question::Fate(id) = asked.question else { continue };
        let (node, space) = (asked.node, asked.space);
        let known = fates.known(space, id);
        match &asked.answer {
            Answer::Decided { outcome, compensated_by } => {
                if let Some((_, told)) = known.filter(|(_, told)| told != outcome) {
                    report(format!("node {node} looked up {} as {outcome:?}, and it came to {told:?}", id.text));
                }
                let undone = fates.undone.get(&(space, id.text)).map(Vec::as_slice).unwrap_or_default();
                let undone_before = undone.iter().find(|(_, known)| known.is_some_and(|known| known < asked.invoked));
                match compensated_by {
                    Some(by) if undone.iter().all(|(command, _)| *command != by.text) => {
                        report(format!("node {node} said that {} has undone {}, and it has not", by.text, id.text));
                    }
                    None if asked.linearizable && undone_before.is_some() => {
                        report(format!("node {node} did not know that {} was undone", id.text));
                    }
                    _ => {}
                }
            }
            Answer::TooOld if !fates.forgetful.contains(&space) => {
                report(format!("node {node} called {} too old, in a space that never forgets", id.text));
            }
            Answer::Unknown if asked.linearizable => {
                if let Some((at, _)) = known.filter(|(at, _)| *at < asked.invoked) {
                    report(format!("{} was known at {at:?}, and node {node} did not know it", id.text));
                }
            }
            _ => {}
        }
    }
}
