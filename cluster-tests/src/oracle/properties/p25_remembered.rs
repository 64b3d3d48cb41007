//! P25: what a replica remembers is what was sent and told: every id that it knows was sent by somebody, each answer that a
//! client got is the outcome in the id's row, with the fingerprint of what was sent and the mark of what has undone it, and
//! what had no effect is not remembered as done.
//!
//! - What a finite space may have forgotten, and what went with its space, is not missed.
//! - An id that was also sent for something else has the fingerprint of what was answered.

use std::collections::HashSet;

use super::{Property, Report};
use crate::command::sealed;
use crate::history::{Command, Hash, Name, Operation, Verdict};
use crate::oracle::{Dump, Evidence};
use crate::proto::action::Action;
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict as Stored;
use crate::proto::refused::Found;
use crate::proto::{Appended, Outcome, SubmitRequest};
use crate::tables::{Id, Remembered, Space, Tables, fingerprint};

pub(super) const PROPERTY: Property =
    Property { name: "P25", sentence: "what is remembered is what was sent and told", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    if evidence.replicas.iter().all(|replica| replica.tables.is_none()) {
        return 0;
    }
    let decided = evidence.events.commands.iter().filter(|command| command.decided().is_some()).count();
    evidence.acknowledged + decided
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let Some(first) = evidence.different_tables().next() else { return };
    // What other replicas have otherwise is said where replicas are compared.
    let Some(remembering) = Remembering::of(first) else { return };
    let sent = Sent::of(evidence);
    // Scenarios do some things beside their history.
    for (_, id, _) in remembering.tables.ids().filter(|_| evidence.events.meant.is_some()) {
        if !sent.has(Name::of(&id.text)) {
            report(format!("{id} is remembered, and nobody has sent it"));
        }
    }
    for operation in &evidence.events.operations {
        remembering.operation(&operation, &sent, report);
    }
    for command in &evidence.events.commands {
        remembering.command(&command, &sent, report);
    }
}

/// The ids that were sent, by the numbers of their names.
struct Sent {
    ids: Vec<bool>,
    /// Those that were sent with more than one content.
    reused: HashSet<Name>,
}

impl Sent {
    fn of(evidence: Evidence<'_>) -> Self {
        let mut sent = Self { ids: Vec::new(), reused: HashSet::new() };
        for operation in &evidence.events.operations {
            sent.add(operation.id);
        }
        for reuse in &evidence.events.reuses {
            sent.add(reuse.id);
            sent.reused.insert(reuse.id);
        }
        for command in &evidence.events.commands {
            if sent.has(command.id) {
                sent.reused.insert(command.id);
            }
            sent.add(command.id);
            // The undoing of what nobody has sent decides that, too.
            if let Some(target) = target(&command.request.open()) {
                sent.add(Name::from(target.text));
            }
        }
        sent
    }

    fn add(&mut self, id: Name) {
        if self.ids.len() <= id.number() {
            self.ids.resize(id.number() + 1, false);
        }
        if let Some(sent) = self.ids.get_mut(id.number()) {
            *sent = true;
        }
    }

    fn has(&self, id: Name) -> bool {
        self.ids.get(id.number()).copied().unwrap_or(false)
    }
}

/// The id that a command is to undo.
fn target(request: &SubmitRequest) -> Option<Id> {
    request.actions.iter().find_map(|action| match &action.action {
        Some(Action::Compensate(it)) => it.target.as_ref().map(Id::of),
        _ => None,
    })
}

/// A replica that remembers.
struct Remembering<'a> {
    node: u64,
    tables: &'a Tables,
}

impl<'a> Remembering<'a> {
    fn of(replica: &'a Dump) -> Option<Self> {
        replica.tables.as_ref().map(|tables| Self { node: replica.node, tables })
    }

    fn space(&self, name: &str) -> Option<&'a Space> {
        let name = if name.is_empty() { "main" } else { name };
        self.tables.small().spaces.get(name)
    }

    /// What is remembered of an id. Says that it is missing if it must be there.
    fn wanted(&self, space: &Space, id: &Id, report: &mut Report<'_>) -> Option<Remembered> {
        let remembered = self.tables.id(space.number, id);
        // A birth may lie beside an id, and then the id alone does not name the row.
        let may_be_missing = space.memory.is_some() && id.born().is_none_or(|birth| birth < space.floor);
        if remembered.is_none() && !may_be_missing {
            report(format!("node {}: {id} was answered, and is not remembered", self.node));
        }
        remembered
    }

    fn operation(&self, operation: &Operation, sent: &Sent, report: &mut Report<'_>) {
        let space = operation.log.split_once('/').map_or("main", |(space, _)| space);
        let Some(space) = self.space(space) else { return };
        let id = Id { text: operation.id.to_string(), birth: None };
        let place = operation.acknowledged().map(|(_, told)| &told.place);
        if let Some(place) = place {
            let Some(remembered) = self.wanted(space, &id, report) else { return };
            let outcome = &remembered.outcome;
            let told = (place.sequence, place.history, place.time_ms);
            let appended = Appended { first_offset: place.first_offset, count: place.count };
            let [got] = results(outcome) else {
                report(format!("node {}: {id} was answered with {place:?}, and is {outcome:?}", self.node));
                return;
            };
            let is_told = told == (outcome.sequence, outcome.history, outcome.time_ms)
                && got.result.as_ref() == Some(&Got::Appended(appended));
            if !is_told {
                report(format!("node {}: {id} was answered with {place:?}, and is {outcome:?}", self.node));
            }
            if let Some(sent) = operation.fingerprint {
                self.sent_so(&id, &remembered, Some(sent), report);
            }
        } else if operation.is_cancelled() {
            let remembered = self.wanted(space, &id, report);
            if remembered.is_some_and(|it| !matches!(it.outcome.verdict, Some(Stored::Cancelled(_)))) {
                report(format!("node {}: {id} was cancelled, and is remembered otherwise", self.node));
            }
        } else if operation.failed() && !sent.reused.contains(&operation.id) {
            self.not_done(space, &id, report);
        }
    }

    fn command(&self, command: &Command, sent: &Sent, report: &mut Report<'_>) {
        let Some(space) = self.space(&command.space) else { return };
        let request = command.request.open();
        let Some(id) = request.id.as_ref().map(Id::of) else { return };
        let Some((_, told)) = command.decided() else {
            if command.failed() && !sent.reused.contains(&command.id) {
                self.not_done(space, &id, report);
            }
            return;
        };
        let Some(remembered) = self.wanted(space, &id, report) else { return };
        let node = self.node;
        if sealed(&remembered.outcome) != *told {
            report(format!("node {node}: {id} was answered with {told:?}, and is {:?}", remembered.outcome));
        }
        let content = fingerprint::of(&request).filter(|_| told.verdict != Verdict::Cancelled);
        self.sent_so(&id, &remembered, content.map(Hash::from), report);
        if let Some(target) = target(&request) {
            self.mark(space, &id, &target, &remembered.outcome, report);
        }
    }

    /// The fingerprint of an id is that of what was sent.
    fn sent_so(&self, id: &Id, remembered: &Remembered, sent: Option<Hash>, report: &mut Report<'_>) {
        if remembered.fingerprint.map(|(_, hash)| Hash::from(hash)) != sent {
            let (node, found) = (self.node, remembered.fingerprint);
            report(format!("node {node}: {id} has a fingerprint of something else: {found:?}"));
        }
    }

    /// Who undid something, and who was told that somebody else had, is right.
    fn mark(&self, space: &Space, id: &Id, target: &Id, outcome: &Outcome, report: &mut Report<'_>) {
        let by = match &outcome.verdict {
            Some(Stored::Refused(refused)) => match &refused.found {
                Some(Found::AlreadyCompensatedBy(by)) => Id::of(by),
                _ => return,
            },
            _ if results(outcome).iter().any(|got| matches!(got.result, Some(Got::Compensated(_)))) => id.clone(),
            _ => return,
        };
        let Some(remembered) = self.wanted(space, target, report) else { return };
        if remembered.compensated_by.as_ref() != Some(&by) {
            let found = &remembered.compensated_by;
            report(format!("node {}: {target} was undone by {by}, and its mark is {found:?}", self.node));
        }
    }

    fn not_done(&self, space: &Space, id: &Id, report: &mut Report<'_>) {
        let remembered = self.tables.id(space.number, id);
        if let Some(remembered) = remembered.filter(|it| matches!(it.outcome.verdict, Some(Stored::Applied(_)))) {
            report(format!("node {}: {id} had no effect, and is {:?}", self.node, remembered.outcome));
        }
    }
}

fn results(outcome: &Outcome) -> &[crate::proto::ActionResult] {
    match &outcome.verdict {
        Some(Stored::Applied(applied)) => &applied.results,
        _ => &[],
    }
}
