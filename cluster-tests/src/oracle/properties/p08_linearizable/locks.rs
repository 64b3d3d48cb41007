//! Locks: who is seen to hold one took it, under a token that is no older than known; nobody is seen to hold it by a clock
//! that is past its time, or after it was given back; and it is not seen to be free before its time is over, unless it
//! may have been given back.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Evidence, Report};
use crate::history::{Answer, Asked, Command, Got, Job, LockSeen, Name, Question};

type Token = (u64, u64);

/// What is known of a lock.
#[derive(Debug, Default)]
struct Lock {
    /// When it was known to be held under which token, and until when at least.
    held: Vec<(Duration, Token, u64)>,
    /// When its giving back may have begun, and when it was known.
    released: HashMap<Token, (Duration, Option<Duration>)>,
    /// Under which tokens it was taken and by when that was asked for.
    taken: HashMap<Token, Duration>,
    /// Until when each token may have held it, as somebody was told.
    expires: HashSet<(Token, u64)>,
    /// Whether nobody knows what became of one who wanted to take or renew it.
    open: bool,
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let is_look = |asked: &Asked| matches!(asked.question, Question::Lock { .. }) && asked.space.is_empty();
    if !evidence.events.asked.iter().any(|asked| is_look(&asked)) {
        return;
    }
    let mut locks: HashMap<Name, Lock> = HashMap::new();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        if let Job::Acquire { lock } | Job::Renew { lock, .. } | Job::Release { lock, .. } = &command.job {
            locks.entry(Name::from(lock)).or_default().learn(&command);
        }
    }
    let none = Lock::default();
    for asked in evidence.events.asked.iter().filter(is_look) {
        if let (Question::Lock { lock }, Answer::Lock { held, clock_ms }) = (&asked.question, &asked.answer) {
            let known = locks.get(lock).unwrap_or(&none);
            let wrong = match held {
                Some(held) => known.is_wrongly_held(&asked, *held, *clock_ms),
                None => known.is_wrongly_free(&asked, *clock_ms),
            };
            if let Some(why) = wrong {
                report(format!("node {} showed lock {lock} as {held:?} at {clock_ms}, and {why}", asked.node));
            }
        }
    }
}

impl Lock {
    fn learn(&mut self, command: &Command) {
        let Some(invoked) = command.invoked() else { return };
        let decided = command.decided();
        if let Job::Release { token, .. } = &command.job {
            if command.failed() || decided.is_some_and(|(_, sealed)| !sealed.is_applied()) {
                return;
            }
            let known = decided.map(|(completed, _)| completed);
            self.released.insert(*token, (invoked, known));
            return;
        }
        self.open |= command.is_open();
        let Some((completed, sealed)) = decided else { return };
        for got in sealed.got() {
            if let Got::Locked { token, expires_ms } = got {
                self.held.push((completed, *token, *expires_ms));
                self.expires.insert((*token, *expires_ms));
                if matches!(command.job, Job::Acquire { .. }) {
                    self.taken.insert(*token, invoked);
                }
            }
        }
    }

    /// The greatest token that was known before a moment, and until when it was known to hold the lock.
    fn known(&self, before: Duration) -> Option<(Token, u64)> {
        let known = self.held.iter().filter(|(at, ..)| *at < before);
        known.map(|(_, token, expires_ms)| (*token, *expires_ms)).max()
    }

    /// Why it can't be held as it was shown.
    fn is_wrongly_held(&self, asked: &Asked, held: LockSeen, clock_ms: u64) -> Option<String> {
        let LockSeen { token, expires_ms } = held;
        if expires_ms <= clock_ms {
            return Some("its time was over".to_owned());
        }
        let is_taken = self.taken.get(&token).is_some_and(|invoked| *invoked <= asked.completed);
        let is_told = is_taken && self.expires.contains(&(token, expires_ms));
        if !is_told && !self.open {
            return Some("nobody has taken it so".to_owned());
        }
        if !asked.linearizable {
            return None;
        }
        if let Some(known) = self.known(asked.invoked).filter(|known| *known > (token, expires_ms)) {
            return Some(format!("{known:?} was known"));
        }
        let released = self.released.get(&token).and_then(|(_, known)| *known);
        released.filter(|known| *known < asked.invoked).map(|known| format!("it was given back by {known:?}"))
    }

    /// Why it can't be free.
    fn is_wrongly_free(&self, asked: &Asked, clock_ms: u64) -> Option<String> {
        let (token, expires_ms) = self.known(asked.invoked).filter(|_| asked.linearizable)?;
        let may_be_released = self.released.get(&token).is_some_and(|(invoked, _)| *invoked <= asked.completed);
        // Who took it later, and may have given it back, took it when it was free.
        let later = |(other, invoked): (&Token, &Duration)| *other > token && *invoked <= asked.completed;
        let may_be_taken = self.open || self.taken.iter().any(later);
        let is_over = clock_ms >= expires_ms;
        (!may_be_released && !may_be_taken && !is_over).then(|| format!("{token:?} holds it until {expires_ms}"))
    }
}
