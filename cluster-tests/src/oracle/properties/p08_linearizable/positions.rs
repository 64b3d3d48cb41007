//! Positions of readers: each is seen with a version that it was known to have, or a later one, and where that version
//! has put it. A deletion is a version, too.

use std::collections::HashMap;
use std::time::Duration;

use super::known::Known;
use super::{Evidence, Report};
use crate::history::{Answer, Command, Few, Name, Question, Wanted};
use crate::proto::action::Action;
use crate::proto::action_result::Result as Got;

/// A reader and the log that it reads.
type Reader = (Name, Name);

/// A position that somebody has seen.
struct Seen {
    node: u64,
    linearizable: bool,
    invoked: Duration,
    completed: Duration,
    reader: Reader,
    offset: u64,
    version: u64,
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let seen = seen(evidence);
    if seen.is_empty() {
        return;
    }
    let mut known = Known::default();
    let mut offsets: HashMap<(Reader, u64), u64> = HashMap::new();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        let Some((completed, _)) = command.decided() else { continue };
        for (reader, version, offset) in moved(&command) {
            known.add(reader, completed, version);
            offsets.extend(offset.map(|offset| ((reader, version), offset)));
        }
    }
    for it in &seen {
        known.add(it.reader, it.completed, it.version);
    }
    known.sort();
    for it in &seen {
        let Seen { node, reader: (reader, log), offset, version, .. } = it;
        let least = known.before(&it.reader, it.invoked);
        if it.linearizable && *version < least {
            report(format!(
                "{reader} had the version {least} or a later one in {log}, and node {node} showed {version}"
            ));
        }
        if let Some(put) = offsets.get(&(it.reader, *version)).filter(|put| *put != offset) {
            report(format!("version {version} has {reader} at {log}/{put}, and node {node} showed {log}/{offset}"));
        }
    }
}

fn seen(evidence: Evidence<'_>) -> Vec<Seen> {
    let asked = evidence.events.asked.iter().filter(|asked| asked.space.is_empty());
    let seen = asked.flat_map(|asked| {
        let (node, linearizable, invoked, completed) = (asked.node, asked.linearizable, asked.invoked, asked.completed);
        let of = |reader, offset, version| Seen { node, linearizable, invoked, completed, reader, offset, version };
        if let Answer::Positions { positions, .. } = &asked.answer {
            return positions.iter().map(|it| of((it.reader, it.log), it.offset, it.version)).collect::<Few<_>>();
        }
        let reader = match &asked.question {
            Question::Position { reader, log }
            | Question::Wait { wanted: Wanted::Position { reader, log, .. }, .. } => (*reader, *log),
            _ => return Few::new(),
        };
        let Answer::Position { offset, version } = asked.answer else { return Few::new() };
        Few::from_iter([of(reader, offset, version)])
    });
    seen.collect()
}

/// The readers that a command has moved or deleted, the version that each got, and where it was put.
fn moved(command: &Command) -> Vec<(Reader, u64, Option<u64>)> {
    let Some(sealed) = command.applied() else { return Vec::new() };
    let actions = command.request.open().actions.into_iter().filter_map(|action| action.action);
    let moved = actions.zip(sealed.results()).filter_map(|(action, got)| match (action, got) {
        (Action::Move(to), Got::Moved(told)) => {
            Some(((Name::from(to.reader), Name::from(to.log)), told.version, Some(to.to)))
        }
        (Action::DeleteReader(gone), Got::ReaderDeleted(told)) => {
            Some(((Name::from(gone.reader), Name::from(gone.log)), told.version, None))
        }
        _ => None,
    });
    moved.collect()
}
