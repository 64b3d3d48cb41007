//! P19: a lock has one holder, and its tokens grow: in the order of outcomes it is taken only where it is free, by a
//! greater token than ever before, and whatever is done under a token is done while it is held by that one, and only
//! then. When its time is over is for the clock of the space to say.

use std::collections::BTreeMap;

use super::{Property, Report};
use crate::history::{Command, Got, Job, Sealed};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P19", sentence: "a lock has one holder and its tokens grow", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let taken = evidence.events.commands.iter().filter(|command| matches!(command.job, Job::Acquire { .. }));
    taken.filter(|command| command.applied().is_some()).count()
}

type Token = (u64, u64);

/// A lock at some moment.
#[derive(Debug, Default)]
struct Lock {
    greatest: Option<Token>,
    /// What it is held by, and until when.
    held: Option<(Token, u64)>,
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut by_lock: BTreeMap<String, Vec<Command>> = BTreeMap::new();
    for command in &evidence.events.commands {
        if let Job::Acquire { lock } | Job::Renew { lock, .. } | Job::Release { lock, .. } | Job::Write { lock, .. } =
            &command.job
        {
            by_lock.entry(lock.clone()).or_default().push(command);
        }
    }
    for (name, commands) in by_lock {
        // Where nobody knows whether it was taken or given back, nobody knows whose it is.
        if commands.iter().any(Command::is_open) {
            continue;
        }
        let mut decided: Vec<(&Command, &Sealed)> =
            commands.iter().filter_map(|command| Some((command, command.decided()?.1))).collect();
        decided.sort_unstable_by_key(|(_, sealed)| sealed.sequence);
        let mut lock = Lock::default();
        for (command, sealed) in decided {
            if let Err(why) = lock.apply(&command.job, sealed) {
                report(format!("lock {name}, {}: {why}", command.id));
            }
        }
    }
}

impl Lock {
    fn apply(&mut self, job: &Job, sealed: &Sealed) -> Result<(), String> {
        let now = sealed.time_ms;
        let held = self.held.filter(|(_, expires_ms)| *expires_ms > now);
        let locked = sealed.got().iter().find_map(|got| match got {
            Got::Locked { token, expires_ms } => Some((*token, *expires_ms)),
            _ => None,
        });
        match job {
            Job::Acquire { .. } => {
                let Some((token, expires_ms)) = locked else {
                    return held.map(drop).ok_or_else(|| format!("nobody holds it at {now}, and it was refused"));
                };
                let greatest = self.greatest.replace(token);
                self.held = Some((token, expires_ms));
                if let Some(held) = held {
                    return Err(format!("it was taken at {now}, and is held by {held:?}"));
                }
                if greatest.is_some_and(|greatest| greatest >= token) {
                    return Err(format!("{token:?} comes after {greatest:?}"));
                }
            }
            Job::Renew { token, .. } | Job::Release { token, .. } | Job::Write { token, .. } => {
                let holds = held.is_some_and(|(by, _)| by == *token);
                if holds != sealed.is_applied() {
                    let did = if holds { "was refused" } else { "was done" };
                    return Err(format!("what {token:?} wanted at {now} {did}, and it is held by {held:?}"));
                }
                match (job, locked) {
                    (Job::Renew { .. }, Some(locked)) => self.held = Some(locked),
                    (Job::Release { .. }, _) if holds => self.held = None,
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}
