//! What is known to have been trimmed away, by whom it was asked for, or by what is kept of a log.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Command, Events, Name};
use crate::command::log_in;
use crate::proto::Retention;
use crate::proto::action::Action;

/// Trims and retentions, by log as a dump of a replica names it.
#[derive(Debug, Default)]
pub struct Cut {
    logs: HashMap<Name, OfLog>,
}

#[derive(Debug, Default)]
struct OfLog {
    trims: Vec<Trim>,
    /// Each that the log may have had.
    retentions: Vec<Retention>,
}

/// A trim that was done, or may have been.
#[derive(Debug, Clone, Copy)]
struct Trim {
    before: u64,
    invoked: Duration,
    /// When it was known; none: nobody knows whether it was done.
    known: Option<Duration>,
}

impl Cut {
    /// All that was, and what may have been.
    pub fn of(events: &Events) -> Self {
        let mut cut = Self::default();
        for command in &events.commands {
            let known = match command.decided() {
                Some((at, sealed)) if sealed.is_applied() => Some(at),
                None if command.is_open() => None,
                _ => continue,
            };
            cut.add(&command, known);
        }
        cut
    }

    fn add(&mut self, command: &Command, known: Option<Duration>) {
        let space = command.space;
        for action in command.actions() {
            match action {
                Action::Trim(trim) => {
                    let invoked = command.invoked().unwrap_or_default();
                    self.of_log(space, &trim.log).trims.push(Trim { before: trim.before, invoked, known });
                }
                Action::CreateLog(create) => self.of_log(space, &create.log).retentions.extend(create.retention),
                Action::SetRetention(set) => self.of_log(space, &set.log).retentions.extend(set.retention),
                _ => {}
            }
        }
    }

    fn of_log(&mut self, space: Name, log: &str) -> &mut OfLog {
        self.logs.entry(Name::from(log_in(&space, log))).or_default()
    }

    /// Where a log that ends here, and was deleted up to there, may begin.
    pub fn starts(&self, log: Name, deleted: u64, end: u64) -> RangeInclusive<u64> {
        let Some(of_log) = self.logs.get(&log) else { return deleted..=deleted };
        let done = of_log.trims.iter().filter(|trim| trim.known.is_some()).map(|trim| trim.before);
        let least = done.max().unwrap_or(0).max(deleted);
        let most = of_log.trims.iter().map(|trim| trim.before).max().unwrap_or(0).max(least);
        least..=most.max(of_log.kept_from(end)).min(end.max(least))
    }

    /// Where a log may begin for a reader that asked and was answered then, as far as trims say; no end: what is kept of
    /// it has bounds.
    pub fn starts_between(&self, log: Name, invoked: Duration, completed: Duration) -> RangeInclusive<u64> {
        let Some(of_log) = self.logs.get(&log) else { return 0..=0 };
        let before = of_log.trims.iter().filter(|trim| trim.known.is_some_and(|known| known < invoked));
        let least = before.map(|trim| trim.before).max().unwrap_or(0);
        let sent = of_log.trims.iter().filter(|trim| trim.invoked <= completed).map(|trim| trim.before);
        let most = if of_log.is_bounded() { u64::MAX } else { sent.max().unwrap_or(0).max(least) };
        least..=most
    }
}

impl OfLog {
    fn is_bounded(&self) -> bool {
        self.retentions.iter().any(|retention| *retention != Retention::default())
    }

    /// The last offset at which what is kept may begin.
    fn kept_from(&self, end: u64) -> u64 {
        let by_records = |retention: &Retention| match retention {
            Retention { age_ms: None, bytes: None, records } => {
                Some(records.map(|records| end.saturating_sub(records)))
            }
            _ => None,
        };
        if self.is_bounded() {
            // By age or bytes all of it may be gone.
            let from: Option<Vec<Option<u64>>> = self.retentions.iter().map(by_records).collect();
            from.map_or(end, |from| from.into_iter().flatten().max().unwrap_or(0))
        } else {
            0
        }
    }
}
