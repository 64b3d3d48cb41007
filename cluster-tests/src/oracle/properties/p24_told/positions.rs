//! Lists of readers' positions: in order, and with all that are there. P8 looks at where each is.

use super::presence::Presence;
use super::{Page, Report};
use crate::history::{Answer, Asked, Name, Question};
use crate::oracle::Evidence;
use crate::proto::action::Action;

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let is_list = |asked: &Asked| matches!(asked.question, Question::Positions { .. });
    if !evidence.events.asked.iter().any(|asked| is_list(&asked)) {
        return;
    }
    let mut there: Presence<(Name, Name)> = Presence::default();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        for action in command.actions() {
            match action {
                Action::Move(to) => there.learn((Name::from(to.reader), Name::from(to.log)), &command, true),
                Action::DeleteReader(gone) => {
                    there.learn((Name::from(gone.reader), Name::from(gone.log)), &command, false);
                }
                _ => {}
            }
        }
    }
    there.in_order();
    let keys = there.keys();
    for asked in evidence.events.asked.iter().filter(is_list) {
        let (Question::Positions { reader, after, limit }, Answer::Positions { positions, more }) =
            (&asked.question, &asked.answer)
        else {
            continue;
        };
        let node = asked.node;
        let listed: Vec<(&str, &str)> =
            positions.iter().map(|position| (position.reader.as_str(), position.log.as_str())).collect();
        let after = (after.0.as_str(), after.1.as_str());
        let page = Page { after, listed: &listed, limit: *limit, more: *more };
        let is_asked = |key: &(&str, &str)| reader.is_empty() || key.0 == reader;
        let other = listed.iter().find(|key| !is_asked(key)).map(|_| "not all are of that reader");
        if let Some(why) = page.is_wrong().or(other) {
            report(format!("node {node} listed positions of {reader:?} after {after:?} as {listed:?}, and {why}"));
        }
        for position in positions {
            let key = (position.reader, position.log);
            let may_be = if asked.linearizable {
                there.may_be_there(key, asked.invoked, asked.completed)
            } else {
                there.may_have_been_there(key, asked.completed)
            };
            if !may_be {
                report(format!("node {node} listed {position:?}, which is not there"));
            }
        }
        for key in keys.iter().filter(|_| asked.linearizable) {
            let text = (key.0.as_str(), key.1.as_str());
            if is_asked(&text) && page.lacks(text) && !there.may_be_absent(*key, asked.invoked, asked.completed) {
                report(format!("node {node} left reader {} of {} out, which was known to be there", key.0, key.1));
            }
        }
    }
}
