//! Locks: who is seen to hold one took it, under a token that is no older than known; nobody is seen to hold it by a clock
//! that is past its time, or after it was given back; and it is not seen to be free before its time is over, unless it
//! may have been given back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::{Evidence, Report};
use crate::history::{Answer, Asked, Command, Got, Job, LockSeen, Name, Question, Sealed};
use crate::proto::action::Action;

type Token = (u64, u64);

/// A list leaves out what is over by a clock that may be a little ahead of the one that it shows.
const LISTED_MS: u64 = 500;

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

/// What a command was to do to a lock.
#[derive(Debug, Clone, Copy)]
enum Step {
    Acquire,
    Renew,
    Release(Token),
}

pub(super) fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let is_look = |asked: &Asked| {
        matches!(asked.question, Question::Lock { .. } | Question::Locks { .. }) && asked.space.is_empty()
    };
    if !evidence.events.asked.iter().any(|asked| is_look(&asked)) {
        return;
    }
    let mut locks: BTreeMap<Name, Lock> = BTreeMap::new();
    for command in evidence.events.commands.iter().filter(|command| command.space.is_empty()) {
        for (lock, step, got) in steps(&command) {
            locks.entry(lock).or_default().learn(&command, step, got.as_ref());
        }
    }
    let none = Lock::default();
    for asked in evidence.events.asked.iter().filter(is_look) {
        let (shown, clock_ms, ahead_ms) = match (&asked.question, &asked.answer) {
            (Question::Lock { lock }, Answer::Lock { held, clock_ms }) => (vec![(*lock, *held)], *clock_ms, 0),
            (Question::Locks { after, prefix, .. }, Answer::Locks { locks: listed, more, clock_ms }) => {
                let end = listed.last().filter(|_| *more).map(|(name, _)| *name);
                let covered = locks.keys().filter(|name| name.as_str() > after.as_str() && name.starts_with(prefix));
                let covered = covered.filter(|name| end.is_none_or(|end| **name <= end));
                let free = covered.filter(|name| listed.iter().all(|(listed, _)| listed != *name));
                let free = free.map(|name| (*name, None));
                let shown = listed.iter().map(|(name, held)| (*name, Some(*held))).chain(free).collect();
                (shown, *clock_ms, LISTED_MS)
            }
            _ => continue,
        };
        for (lock, held) in shown {
            let known = locks.get(&lock).unwrap_or(&none);
            let wrong = match held {
                Some(held) => known.is_wrongly_held(&asked, held, clock_ms),
                None => known.is_wrongly_free(&asked, clock_ms + ahead_ms),
            };
            if let Some(why) = wrong {
                report(format!("node {} showed lock {lock} as {held:?} at {clock_ms}, and {why}", asked.node));
            }
        }
    }
}

/// The locks that a command was for, each with what it got.
fn steps(command: &Command) -> Vec<(Name, Step, Option<Got>)> {
    let got = command.applied().map(Sealed::got).unwrap_or_default();
    match &command.job {
        Job::Acquire { lock } => vec![(Name::from(lock), Step::Acquire, got.first().cloned())],
        Job::Renew { lock, .. } => vec![(Name::from(lock), Step::Renew, got.first().cloned())],
        Job::Release { lock, token } => vec![(Name::from(lock), Step::Release(*token), got.first().cloned())],
        _ => {
            let steps = command.actions().into_iter().enumerate().filter_map(|(place, action)| {
                let got = got.get(place).cloned();
                match action {
                    Action::Acquire(it) => Some((Name::from(it.lock), Step::Acquire, got)),
                    Action::Renew(it) => Some((Name::from(it.lock), Step::Renew, got)),
                    Action::Release(it) => {
                        let token = it.token.unwrap_or_default();
                        Some((Name::from(it.lock), Step::Release((token.history, token.sequence)), got))
                    }
                    _ => None,
                }
            });
            steps.collect()
        }
    }
}

impl Lock {
    fn learn(&mut self, command: &Command, step: Step, got: Option<&Got>) {
        let Some(invoked) = command.invoked() else { return };
        let decided = command.decided();
        if let Step::Release(token) = step {
            if command.failed() || decided.is_some_and(|(_, sealed)| !sealed.is_applied()) {
                return;
            }
            let known = decided.map(|(completed, _)| completed);
            self.released.insert(token, (invoked, known));
            return;
        }
        self.open |= command.is_open();
        if let (Some((completed, _)), Some(Got::Locked { token, expires_ms })) = (decided, got) {
            self.held.push((completed, *token, *expires_ms));
            self.expires.insert((*token, *expires_ms));
            if matches!(step, Step::Acquire) {
                self.taken.insert(*token, invoked);
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
