//! Cells: each is seen with a version that it was known to have, or a later one, and with what that version holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::known::Known;
use super::{Evidence, Report};
use crate::history::{Answer, CellSeen, Command, Content, Job, Name, Sealed};
use crate::proto::action::Action;
use crate::proto::action_result::Result as Got;
use crate::proto::{CellValue, cell_value};

/// What a version of a cell holds: a number or bytes.
type Value = (Option<i64>, Option<Content>);

/// A cell that somebody has seen.
struct Seen {
    node: u64,
    linearizable: bool,
    invoked: Duration,
    completed: Duration,
    key: Name,
    version: u64,
    value: Value,
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let seen = seen(evidence);
    if seen.is_empty() {
        return;
    }
    let keys: HashSet<Name> = seen.iter().map(|seen| seen.key).collect();
    let mut known = Known::default();
    let mut values: HashMap<(Name, u64), Value> = HashMap::new();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        if let Some((completed, sealed)) = command.decided().filter(|(_, sealed)| sealed.is_applied()) {
            for key in changed(&command).filter(|key| keys.contains(key)) {
                known.add(key, completed, sealed.sequence);
            }
            values.extend(made(&command).filter(|((key, _), _)| keys.contains(key)));
        }
    }
    for it in &seen {
        known.add(it.key, it.completed, it.version);
    }
    known.sort();
    for it in &seen {
        let Seen { node, key, version, value, .. } = it;
        let least = known.before(key, it.invoked);
        if it.linearizable && *version < least {
            report(format!("cell {key} had the version {least} or a later one, and was seen with {version}"));
        }
        if let Some(made) = values.get(&(*key, *version)).filter(|made| *made != value) {
            report(format!("node {node} showed version {version} of cell {key} as {value:?}, and it is {made:?}"));
        }
    }
}

fn seen(evidence: Evidence<'_>) -> Vec<Seen> {
    let mut all = Vec::new();
    for look in &evidence.events.cells {
        all.extend(look.cells.iter().map(|(key, cell)| Seen {
            node: look.node,
            linearizable: true,
            invoked: look.invoked,
            completed: look.completed,
            key: Name::from(key),
            version: cell.version,
            value: (Some(cell.number), None),
        }));
    }
    for asked in evidence.events.asked.iter().filter(|asked| asked.space.is_empty()) {
        let cells = match &asked.answer {
            Answer::Cells { cells, .. } => cells.as_slice(),
            Answer::Cell(cell) => cell.as_slice(),
            _ => continue,
        };
        all.extend(cells.iter().map(|CellSeen { key, version, number, content }| Seen {
            node: asked.node,
            linearizable: asked.linearizable,
            invoked: asked.invoked,
            completed: asked.completed,
            key: *key,
            version: *version,
            value: (*number, *content),
        }));
    }
    all
}

/// The cells that a command has set. A deletion leaves no version that anybody could see.
fn changed(command: &Command) -> impl Iterator<Item = Name> {
    let of_job = match &command.job {
        Job::Transfer { from, to, .. } => vec![Name::from(from), Name::from(to)],
        _ => Vec::new(),
    };
    let actions = command.request.open().actions.into_iter().filter_map(|action| action.action);
    let of_actions = actions.filter_map(|action| match action {
        Action::Put(put) => Some(Name::from(put.key)),
        Action::Add(add) => Some(Name::from(add.key)),
        _ => None,
    });
    of_job.into_iter().chain(of_actions)
}

/// The versions that a command has made, with what they hold.
fn made(command: &Command) -> impl Iterator<Item = ((Name, u64), Value)> {
    let actions = command.request.open().actions.into_iter().filter_map(|action| action.action);
    let got = command.applied().map(Sealed::results).unwrap_or_default();
    actions.zip(got).filter_map(|(action, got)| match (action, got) {
        (Action::Put(put), Got::Put(told)) => Some(((Name::from(put.key), told.version), of_value(put.value.as_ref()))),
        (Action::Add(add), Got::Added(told)) => Some(((Name::from(add.key), told.version), (Some(told.value), None))),
        _ => None,
    })
}

fn of_value(value: Option<&CellValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(cell_value::Value::Integer(number)) => (Some(*number), None),
        Some(cell_value::Value::Bytes(bytes)) => (None, Some(Content::of(bytes))),
        None => (None, None),
    }
}
