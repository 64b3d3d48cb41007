//! Lists of spaces: in order, with all that are there and none that is not, each as it was made or changed last.

use std::collections::HashMap;
use std::time::Duration;

use super::presence::Presence;
use super::{Page, Report};
use crate::history::{Answer, Asked, Command, Name, Question, SpaceSeen};
use crate::model::MAIN;
use crate::oracle::Evidence;
use crate::proto::LogCreation;
use crate::proto::action::Action;

/// The memory of a space that never forgets.
const FOR_EVER: u64 = u64::MAX;

/// What somebody wanted a space to be.
struct Wanted {
    invoked: Duration,
    /// The place of its outcome, and when that was known; none: nobody knows whether it was done.
    done: Option<(u64, Duration)>,
    /// How long it remembers, if that was said.
    memory_ms: Option<u64>,
    /// Whether logs come to be only by a command, if that was said.
    explicit: Option<bool>,
}

#[derive(Default)]
struct Spaces {
    there: Presence<Name>,
    wanted: HashMap<Name, Vec<Wanted>>,
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let is_list = |asked: &Asked| matches!(asked.question, Question::Spaces { .. });
    if !evidence.events.asked.iter().any(|asked| is_list(&asked)) {
        return;
    }
    let spaces = Spaces::of(evidence);
    let names = spaces.there.keys();
    for asked in evidence.events.asked.iter().filter(is_list) {
        let (Question::Spaces { after, limit }, Answer::Spaces { spaces: seen, more }) =
            (&asked.question, &asked.answer)
        else {
            continue;
        };
        let node = asked.node;
        let listed: Vec<&str> = seen.iter().map(|space| space.name.as_str()).collect();
        let page = Page { after: after.as_str(), listed: &listed, limit: *limit, more: *more };
        if let Some(why) = page.is_wrong() {
            report(format!("node {node} listed spaces after {after:?} as {listed:?}, and {why}"));
        }
        for space in seen.iter().filter(|space| space.name.as_str() != MAIN) {
            spaces.is_as_wanted(&asked, *space, report);
        }
        for name in names.iter().filter(|name| asked.linearizable && page.lacks(name.as_str())) {
            if !spaces.there.may_be_absent(*name, asked.invoked, asked.completed) {
                report(format!("node {node} left space {name} out, which was known to be there"));
            }
        }
    }
}

impl Spaces {
    fn of(evidence: Evidence<'_>) -> Self {
        let mut spaces = Self::default();
        for command in &evidence.events.commands {
            for action in command.actions() {
                match action {
                    Action::CreateSpace(create) => {
                        let explicit = create.logs() == LogCreation::Explicit;
                        let name = Name::from(create.name);
                        spaces.there.learn(name, &command, true);
                        spaces.want(name, &command, Some(create.memory_ms.unwrap_or(FOR_EVER)), Some(explicit));
                    }
                    Action::SetSpace(set) => {
                        let explicit = match set.logs() {
                            LogCreation::Unspecified => None,
                            logs => Some(logs == LogCreation::Explicit),
                        };
                        spaces.want(Name::from(set.name), &command, set.memory_ms, explicit);
                    }
                    Action::DeleteSpace(delete) => spaces.there.learn(Name::from(delete.name), &command, false),
                    _ => {}
                }
            }
        }
        spaces.there.in_order();
        spaces
    }

    fn want(&mut self, name: Name, command: &Command, memory_ms: Option<u64>, explicit: Option<bool>) {
        let done = match command.decided() {
            Some((at, sealed)) if sealed.is_applied() => Some((sealed.sequence, at)),
            None if command.is_open() => None,
            _ => return,
        };
        let invoked = command.invoked().unwrap_or_default();
        self.wanted.entry(name).or_default().push(Wanted { invoked, done, memory_ms, explicit });
    }

    fn is_as_wanted(&self, asked: &Asked, space: SpaceSeen, report: &mut Report<'_>) {
        let SpaceSeen { name, memory_ms, explicit } = space;
        let there = &self.there;
        let may_be = if asked.linearizable {
            there.may_be_there(name, asked.invoked, asked.completed)
        } else {
            there.may_have_been_there(name, asked.completed)
        };
        if !may_be {
            report(format!("node {} listed space {name}, which is not there", asked.node));
        }
        let wanted = self.wanted.get(&name).map(Vec::as_slice).unwrap_or_default();
        let is_so = may_be_set(asked, wanted, |wanted| wanted.memory_ms, &memory_ms.unwrap_or(FOR_EVER))
            && may_be_set(asked, wanted, |wanted| wanted.explicit, &explicit);
        if may_be && !is_so {
            report(format!("node {} listed {space:?}, and nobody has made it so, or not as the last", asked.node));
        }
    }
}

/// Whether a setting may have been seen with a value: somebody has set it so, and nobody is known to have set it later.
fn may_be_set<T: PartialEq>(asked: &Asked, wanted: &[Wanted], of: impl Fn(&Wanted) -> Option<T>, seen: &T) -> bool {
    let known = wanted.iter().filter(|it| of(it).is_some()).filter_map(|it| it.done);
    let newest = known.filter(|(_, at)| *at < asked.invoked).map(|(sequence, _)| sequence).max();
    wanted.iter().any(|it| {
        let is_old = it.done.is_some_and(|(sequence, _)| newest.is_some_and(|newest| sequence < newest));
        it.invoked <= asked.completed && of(it).as_ref() == Some(seen) && !(asked.linearizable && is_old)
    })
}
