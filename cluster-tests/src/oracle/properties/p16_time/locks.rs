//! Locks, by the time of the one who measures: neither given to another before their time is over, nor kept long after it.
//! Both ends of that time may be as far apart from it as stamps may be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{APART, Evidence, Report, Times};
use crate::history::{Command, Got, Job, Sealed};

/// A lock that was taken or renewed.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Not before this: what is stamped first after an outage has the time of before.
    since: Duration,
    completed: Duration,
    lasts: Duration,
}

pub(super) fn judge(evidence: Evidence<'_>, times: &Times, report: &mut Report<'_>) {
    let mut by_lock: BTreeMap<String, Vec<Command>> = BTreeMap::new();
    for command in &evidence.events.commands {
        if let Job::Acquire { lock } | Job::Renew { lock, .. } | Job::Release { lock, .. } = &command.job {
            by_lock.entry(lock.clone()).or_default().push(command);
        }
    }
    for (lock, mut commands) in by_lock {
        // Where nobody knows whether it was taken or given back, nobody knows whose it is.
        if commands.iter().any(Command::is_open) {
            continue;
        }
        commands.sort_by_key(|command| command.decided().map(|(_, sealed)| sealed.sequence));
        let mut held: Option<Held> = None;
        for command in &commands {
            let (Some(invoked), Some((completed, sealed))) = (command.invoked(), command.decided()) else { continue };
            let next = lasts(sealed).map(|lasts| Held { since: times.told(invoked), completed, lasts });
            match (&command.job, next) {
                (Job::Acquire { .. }, Some(next)) => {
                    if let Some(early) = held.filter(|held| completed + 2 * APART < held.since + held.lasts) {
                        report(format!("lock {lock} was given to {} by {completed:?}, and was {early:?}", command.id));
                    }
                    held = Some(next);
                }
                (Job::Acquire { .. }, None) => {
                    let is_over = |held: &Held| times.told(invoked) > held.completed + held.lasts + 2 * APART;
                    if let Some(long) = held.filter(is_over) {
                        report(format!("lock {lock} was refused to {} from {invoked:?}, and was {long:?}", command.id));
                    }
                }
                (Job::Renew { .. }, Some(next)) => held = Some(next),
                (Job::Release { .. }, _) if sealed.is_applied() => held = None,
                _ => {}
            }
        }
    }
}

/// For how long a lock was taken or renewed.
fn lasts(sealed: &Sealed) -> Option<Duration> {
    let expires_ms = sealed.got().iter().find_map(|got| match got {
        Got::Locked { expires_ms, .. } => Some(*expires_ms),
        _ => None,
    })?;
    Some(Duration::from_millis(expires_ms.saturating_sub(sealed.time_ms)))
}
