//! How much of what clients were meant to do they have done, and how much of what nodes were meant to say they have said.
//!
//! - What is meant of each part grows with the time under load, or with the leaders and nodes that were lost: a short run
//!   under one fault is not meant to have what only an hour under all faults brings.
//! - The least is a small part of what a slow machine does, and less than a few is never meant: a part that falls below
//!   it has not worked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{
    Answer, Attempt, Command, CommandAttempt, Decided, Effective, Events, Job, Name, Operation, Question, StatusSeen,
    Verdict, Wanted,
};
use crate::client::{Acknowledgement, Effect, Failure};
use crate::command::log_in;
use crate::proto::action::Action;

/// A part of a run.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// How much of it is the least.
    least: Least,
}

/// How much of a part is the least, rounded down.
#[derive(Debug, Clone, Copy)]
enum Least {
    /// So much in a minute under load.
    Minutely(usize),
    /// One for so many changes of the leader.
    OfChanges(usize),
    /// One for so many faults of these kinds that took effect.
    OfFaults(usize, &'static [&'static str]),
}

const fn part(name: &'static str, per_minute: usize) -> Part {
    Part { name, least: Least::Minutely(per_minute) }
}

/// Faults that ask a node to end.
const ENDINGS: &[&str] = &["restart-in-turn", "stop-leader"];
/// Faults that break connections of clients.
const KILLS: &[&str] = &["kill-leader", "kill-all", "kill-follower"];
/// Faults that leave clients a leader that hears no majority.
const CUTS: &[&str] = &["part-leader", "part-halves", "part-all"];
/// Faults after which others have to elect a leader without the one before.
const LOSSES: &[&str] = &["kill-leader", "pause-leader", "part-leader", "part-halves"];
/// Faults after which a node gets a snapshot of another one.
const INSTALLS: &[&str] = &["follower-behind", "voter-wiped"];

/// Where less than this is meant, luck decides whether there was any.
const SURE: usize = 5;
/// So many acknowledged appends in a second are a small part of what a good machine does: with less it does less of all,
/// and so a second of a slower one counts as a part of a second.
const FULL_SPEED: usize = 200;

/// All parts of a run with all loads. What is meant in a minute is a sixth, at most, of what a loaded machine of two
/// processors does under all faults.
pub const WORKLOADS: [Part; 83] = [
    part("appends", 600),
    part("streamed appends", 1_200),
    part("ids sent by several at once", 8),
    part("abandoned attempts", 30),
    part("reuses", 20),
    part("cancelled appends", 8),
    part("lookups", 40),
    part("pages of linearizable tails", 20),
    part("pages of local tails", 20),
    part("transfers", 15),
    part("counts of all accounts", 7),
    part("handled batches", 6),
    part("locks taken", 6),
    part("deleted logs", 4),
    part("deleted spaces", 4),
    part("ids that are too old", 6),
    part("trims", 1),
    part("trims of more than 1,000 records", 1),
    part("reads of what is trimmed", 4),
    part("retentions", 2),
    part("compensations", 5),
    part("compensations of nothing", 5),
    part("cancelled commands", 3),
    part("deleted cells", 2),
    part("deleted readers", 1),
    part("changed spaces", 1),
    part("reads of cells", 5),
    part("lists of cells", 4),
    part("lists of logs", 3),
    part("lists of spaces", 3),
    part("lists of positions", 1),
    part("lists of locks", 1),
    part("waits for a log's end", 1),
    part("waits for an id", 1),
    part("waits for a cell", 3),
    part("waits for a number", 1),
    part("waits for a reader", 1),
    part("waits for a lock", 2),
    part("waits in vain", 1),
    part("guarded commands", 18),
    part("commands for two logs", 3),
    part("records with headers", 6),
    part("ids of one byte", 1),
    part("ids of 128 bytes", 1),
    part("ids that are not ASCII", 1),
    part("ids with a birth beside them", 8),
    part("rivals of one id", 4),
    part("logs made by a command", 12),
    part("lookups of commands", 18),
    part("looks at positions", 15),
    part("looks at locks", 6),
    part("reads of pages", 15),
    part("replays told by followers", 100),
    part("believed: none", 120),
    part("believed alone of a leader: TIMED_OUT", 30),
    part("none: TIMED_OUT", 50),
    part("unknown: OUTCOME_UNKNOWN", 20),
    part("found: cell_version", 7),
    part("found: no_cell", 3),
    part("found: log_end", 2),
    part("found: position", 7),
    part("found: lock_held", 7),
    part("found: lock_free", 4),
    part("found: fate", 1),
    part("found: too_little", 1),
    part("found: already_compensated_by", 2),
    Part { name: "none: NO_LEADER", least: Least::OfFaults(1, LOSSES) },
    Part { name: "believed alone of a follower: NO_LEADER", least: Least::OfFaults(2, LOSSES) },
    // A stream waits for a leader, or for one that is paused: luck decides whether it is told that there is none.
    part("believed in a stream of a follower: NO_LEADER", 0),
    Part { name: "joins that lost their leader", least: Least::OfChanges(10) },
    Part { name: "believed alone of a leader: NO_LEADER", least: Least::OfFaults(2, CUTS) },
    part("believed in a stream of a leader: NO_LEADER", 0),
    Part { name: "none: NOT_SERVING", least: Least::OfFaults(3, ENDINGS) },
    Part { name: "unknown: no answer of a node", least: Least::OfFaults(1, KILLS) },
    Part { name: "snapshots installed", least: Least::OfFaults(1, INSTALLS) },
    Part { name: "leader changes: kill", least: Least::OfFaults(3, &["kill-leader"]) },
    Part { name: "leader changes: pause", least: Least::OfFaults(3, &["pause-leader"]) },
    Part { name: "leader changes: SIGTERM", least: Least::OfFaults(3, &["stop-leader"]) },
    Part { name: "leader changes: cut", least: Least::OfFaults(3, &["part-leader", "part-halves"]) },
    Part { name: "leader changes: power", least: Least::OfFaults(3, &["cut-power-leader", "cut-power-majority"]) },
    Part { name: "leader changes: memory", least: Least::OfFaults(3, &["memory-short"]) },
    Part { name: "leader changes: full disk", least: Least::OfFaults(3, &["disk-full"]) },
    Part { name: "leader changes: failing disk", least: Least::OfFaults(3, &["disk-fails", "fsync-fails"]) },
];

/// What was done of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The part.
    pub name: &'static str,
    /// How much.
    pub count: usize,
    /// How much was meant.
    pub least: usize,
}

/// What was done of each part.
pub fn done(events: &Events) -> Vec<Done> {
    let (tally, scale) = (Tally::of(events), Scale::of(events));
    let done = WORKLOADS.iter().map(|part| Done {
        name: part.name,
        count: tally.count(part.name),
        least: scale.least(part.least),
    });
    done.collect()
}

/// How often attempts had no effect, or an unknown one, by reason: `none: NO_LEADER`. What no node has said has no reason.
pub fn answers(events: &Events) -> BTreeMap<String, usize> {
    let counts = Tally::of(events).counts.into_iter();
    counts.filter(|(name, _)| name.starts_with("none: ") || name.starts_with("unknown: ")).collect()
}

/// What a run is measured by.
struct Scale<'a> {
    /// In which clients chose something, at full speed.
    seconds: usize,
    leader_changes: usize,
    /// How many faults of each kind took effect.
    faults: BTreeMap<&'a str, usize>,
}

impl<'a> Scale<'a> {
    fn of(events: &'a Events) -> Self {
        // What sends again at the end, and loads between, have none of the other parts.
        let end = events.rounds.first().map_or(Duration::MAX, |round| round.begun);
        let mut seconds: BTreeSet<u64> = BTreeSet::new();
        let mut acknowledged = 0;
        for operation in &events.operations {
            if let Some(at) = operation.invoked().filter(|at| *at < end) {
                seconds.insert(at.as_secs());
                acknowledged += usize::from(operation.acknowledged().is_some());
            }
        }
        let seconds = seconds.len().min(acknowledged / FULL_SPEED);
        let leads = events.statuses.iter().filter(|seen| seen.leads).map(|seen| (seen.term, seen.node));
        let leader_changes = leads.collect::<BTreeSet<_>>().len().saturating_sub(1);
        let mut faults = BTreeMap::new();
        for fault in events.faults.iter().filter(|fault| fault.effective == Effective::Installed) {
            *faults.entry(fault.kind.as_str()).or_default() += 1;
        }
        Self { seconds, leader_changes, faults }
    }

    fn least(&self, least: Least) -> usize {
        let sure = |meant: usize| if meant < SURE { 0 } else { meant };
        match least {
            Least::Minutely(count) => sure(count * self.seconds / 60),
            Least::OfChanges(changes) => sure(self.leader_changes / changes),
            Least::OfFaults(faults, kinds) => {
                kinds.iter().filter_map(|kind| self.faults.get(kind)).sum::<usize>() / faults
            }
        }
    }
}

/// Counts by name.
#[derive(Default)]
struct Tally {
    counts: HashMap<String, usize>,
    /// Trims that were done: the log, the sequence, and where it begins since.
    trims: Vec<(Name, u64, u64)>,
}

/// With more records than this a trim is large.
const LARGE: u64 = 1_000;

impl Tally {
    fn of(events: &Events) -> Self {
        let mut tally = Self::default();
        let leads = Leads::of(events);
        for operation in &events.operations {
            tally.operation(&operation, &leads);
        }
        for command in &events.commands {
            tally.command(&command, &leads);
        }
        for asked in &events.asked {
            tally.asked(&asked.question, &asked.answer);
        }
        tally.looks(events);
        tally.large_trims();
        for change in events.changes.iter().filter(|change| change.to.is_some()) {
            tally.add(&format!("leader changes: {}", change.cause), 1);
        }
        tally
    }

    fn count(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or(0)
    }

    fn add(&mut self, name: &str, count: usize) {
        if count == 0 {
            return;
        }
        match self.counts.get_mut(name) {
            Some(known) => *known += count,
            None => drop(self.counts.insert(name.to_owned(), count)),
        }
    }

    fn operation(&mut self, operation: &Operation, leads: &Leads) {
        let attempts = &operation.attempts;
        let is_ok = |streamed| move |it: &&Attempt| it.place.is_some() == streamed && matches!(it.answer, Some(Ok(_)));
        self.add("appends", usize::from(attempts.iter().any(|it| is_ok(false)(&it))));
        self.add("streamed appends", usize::from(attempts.iter().any(|it| is_ok(true)(&it))));
        self.add("ids sent by several at once", usize::from(several_at_once(operation)));
        let left = operation.acknowledged().is_some() && attempts.iter().any(|attempt| attempt.completed.is_none());
        self.add("abandoned attempts", usize::from(left));
        self.add("cancelled appends", usize::from(operation.is_cancelled()));
        self.add("joins that lost their leader", usize::from(lost_together(operation)));
        let believes = operation.believed && operation.failed();
        self.add("believed: none", usize::from(believes));
        for attempt in attempts.iter().filter(|_| believes) {
            self.believed(leads, attempt);
        }
        for attempt in attempts {
            let told: Option<Result<&Acknowledgement, &Failure>> = attempt.answer.as_ref().map(Result::as_ref);
            match told {
                Some(Ok(told)) if told.replayed => self.replay(leads, attempt.node, attempt.completed),
                Some(Err(failure)) => self.failure(failure),
                _ => {}
            }
        }
    }

    /// An answer that a client believed: why nothing was done, how it was sent, and by whom that was told.
    fn believed(&mut self, leads: &Leads, attempt: &Attempt) {
        let (Some(Err(failure)), Some(completed)) = (&attempt.answer, attempt.completed) else { return };
        let how = if attempt.place.is_some() { "in a stream" } else { "alone" };
        let by = match leads.role(attempt.node, completed) {
            Some(true) => "a leader",
            Some(false) => "a follower",
            None => return,
        };
        self.add(&format!("believed {how} of {by}: {}", failure.reason), 1);
    }

    /// How many trims took many records at once.
    fn large_trims(&mut self) {
        let mut trims = std::mem::take(&mut self.trims);
        trims.sort_unstable();
        let mut large = 0;
        for of_log in trims.chunk_by(|(one, ..), (next, ..)| one == next) {
            let mut start = 0;
            for (.., before) in of_log {
                large += usize::from(before.saturating_sub(start) > LARGE);
                start = start.max(*before);
            }
        }
        self.add("trims of more than 1,000 records", large);
    }

    fn replay(&mut self, leads: &Leads, node: u64, completed: Option<Duration>) {
        let follows = completed.is_some_and(|completed| leads.role(node, completed) == Some(false));
        self.add("replays told by followers", usize::from(follows));
    }

    fn failure(&mut self, failure: &Failure) {
        let effect = if failure.effect == Effect::None { "none" } else { "unknown" };
        let reason = if failure.reason.is_empty() { "no answer of a node" } else { &failure.reason };
        self.add(&format!("{effect}: {reason}"), 1);
    }

    fn command(&mut self, command: &Command, leads: &Leads) {
        for CommandAttempt { node, completed, answer, .. } in &command.attempts {
            let told: Option<Result<&Decided, &Failure>> = answer.as_ref().map(Result::as_ref);
            match told {
                Some(Ok(told)) if told.replayed => self.replay(leads, *node, *completed),
                Some(Err(failure)) => self.failure(failure),
                _ => {}
            }
        }
        self.add("ids that are too old", usize::from(command.too_old().is_some()));
        self.add("rivals of one id", usize::from(command.job == Job::Rival && command.decided().is_some()));
        let Some((_, sealed)) = command.decided() else { return };
        match &sealed.verdict {
            Verdict::Applied(_) => self.applied(command),
            Verdict::Refused { found, .. } => self.add(&format!("found: {}", word(found)), 1),
            Verdict::Cancelled => self.add("cancelled commands", 1),
        }
    }

    fn looks(&mut self, events: &Events) {
        let is_reused = |answer: &Result<_, Failure>| matches!(answer, Err(failure) if failure.reason == "ID_REUSED");
        self.add("reuses", events.reuses.iter().filter(|reuse| is_reused(&reuse.answer)).count());
        self.add("lookups", events.lookups.len());
        let linearizable = events.pages.iter().filter(|page| page.linearizable).count();
        self.add("pages of linearizable tails", linearizable);
        self.add("pages of local tails", events.pages.len() - linearizable);
        self.add("counts of all accounts", events.cells.len());
        let fresh = events.rounds.iter().filter(|round| round.name == "a fresh leader").count();
        let installed = events.faults.iter().filter(|fault| fault.effective == Effective::Installed);
        let installs = installed.filter(|fault| INSTALLS.contains(&fault.kind.as_str())).count();
        self.add("snapshots installed", fresh + installs);
    }
}

impl Tally {
    /// What a command did, and how it was made.
    fn applied(&mut self, command: &Command) {
        let job = match &command.job {
            Job::Transfer { .. } => Some("transfers"),
            Job::Handle { .. } => Some("handled batches"),
            Job::Acquire { .. } => Some("locks taken"),
            Job::DeleteLog { .. } => Some("deleted logs"),
            Job::DeleteSpace { .. } => Some("deleted spaces"),
            _ => None,
        };
        self.add(job.unwrap_or_default(), usize::from(job.is_some()));
        let request = command.request.open();
        let nothing_done = command.applied().is_some_and(|sealed| sealed.got().is_empty());
        for action in command.actions() {
            let name = match action {
                Action::Compensate(_) if nothing_done => "compensations of nothing",
                Action::Compensate(_) => "compensations",
                Action::Trim(trim) => {
                    let log = Name::from(log_in(&command.space, &trim.log));
                    let sequence = command.applied().map_or(0, |sealed| sealed.sequence);
                    self.trims.push((log, sequence, trim.before));
                    "trims"
                }
                Action::SetRetention(_) => "retentions",
                Action::Delete(_) => "deleted cells",
                Action::DeleteReader(_) => "deleted readers",
                Action::SetSpace(_) => "changed spaces",
                Action::CreateLog(_) => "logs made by a command",
                Action::Append(append) if append.records.iter().any(|record| !record.headers.is_empty()) => {
                    "records with headers"
                }
                _ => continue,
            };
            self.add(name, 1);
        }
        self.add("guarded commands", usize::from(!request.guards.is_empty()));
        self.add("commands for two logs", usize::from(!command.further.is_empty()));
        let id = request.id.unwrap_or_default();
        self.add("ids of one byte", usize::from(id.text.len() == 1));
        self.add("ids of 128 bytes", usize::from(id.text.len() == 128));
        self.add("ids that are not ASCII", usize::from(!id.text.is_ascii()));
        self.add("ids with a birth beside them", usize::from(id.birth_ms.is_some()));
    }

    fn asked(&mut self, question: &Question, answer: &Answer) {
        let name = match (question, answer) {
            (Question::Records { .. }, Answer::Trimmed(_)) => "reads of what is trimmed",
            (Question::Records { .. }, _) => "reads of pages",
            (Question::Cell { .. }, _) => "reads of cells",
            (Question::Cells { .. }, _) => "lists of cells",
            (Question::Spaces { .. }, _) => "lists of spaces",
            (Question::Positions { .. }, _) => "lists of positions",
            (Question::Locks { .. }, _) => "lists of locks",
            (Question::Logs { .. }, _) => "lists of logs",
            (Question::Fate(_), _) => "lookups of commands",
            (Question::Position { .. }, _) => "looks at positions",
            (Question::Lock { .. }, _) => "looks at locks",
            (Question::Wait { .. }, Answer::Late) => "waits in vain",
            (Question::Wait { wanted, .. }, _) => match wanted {
                Wanted::LogEnd { .. } => "waits for a log's end",
                Wanted::Decided(_) => "waits for an id",
                Wanted::CellChanged { .. } => "waits for a cell",
                Wanted::CellAtLeast { .. } => "waits for a number",
                Wanted::Position { .. } => "waits for a reader",
                Wanted::LockFree { .. } => "waits for a lock",
            },
        };
        self.add(name, 1);
    }
}

/// When nodes said that they lead, and that they do not.
struct Leads(BTreeMap<u64, Vec<(Duration, bool)>>);

impl Leads {
    fn of(events: &Events) -> Self {
        let mut seen: BTreeMap<u64, Vec<(Duration, bool)>> = BTreeMap::new();
        for StatusSeen { node, at, leads, .. } in &events.statuses {
            seen.entry(node).or_default().push((at, leads));
        }
        for seen in seen.values_mut() {
            seen.sort_unstable();
        }
        Self(seen)
    }

    /// Whether a node led at a time, or followed: it said so before and after that. None: it did not, or not the same.
    fn role(&self, node: u64, at: Duration) -> Option<bool> {
        let seen = self.0.get(&node)?;
        let after = seen.partition_point(|(time, _)| *time <= at);
        let (before, after) = (after.checked_sub(1).and_then(|place| seen.get(place)), seen.get(after));
        before.zip(after).filter(|((_, led), (_, leads))| led == leads).map(|((_, led), _)| *led)
    }
}

/// The kind of what was found, as errors have it: `Some(CellVersion(5))` is `cell_version`.
fn word(found: &str) -> String {
    let kind = found.strip_prefix("Some(").unwrap_or(found);
    let kind = kind.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
    let mut word = String::new();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// Whether two attempts were on the way at once, to different nodes, and both were answered.
fn several_at_once(operation: &Operation) -> bool {
    let mut attempts = operation.attempts.iter().filter(|attempt| attempt.completed.is_some());
    let (first, second) = (attempts.next(), attempts.next());
    first.zip(second).is_some_and(|(first, second)| {
        second.node != first.node && first.completed.is_some_and(|completed| second.invoked < completed)
    })
}

/// Whether two attempts were on the way at once, both were lost, and a later one found out. They met at one leader, whose
/// loss took both.
fn lost_together(operation: &Operation) -> bool {
    let is_lost = |it: &&Attempt| matches!(&it.answer, Some(Err(failure)) if failure.reason == "OUTCOME_UNKNOWN");
    let mut lost = operation.attempts.iter().filter(is_lost);
    let together = lost.next().zip(lost.next()).is_some_and(|(one, other)| {
        one.node != other.node && one.completed.is_some_and(|completed| other.invoked < completed)
    });
    together && operation.acknowledged().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_named_as_errors_name_it() {
        assert_eq!(word("Some(CellVersion(5))"), "cell_version");
        assert_eq!(word("Some(LockHeld(Lock { name: \"a\" }))"), "lock_held");
        assert_eq!(word("None"), "none");
    }

    #[test]
    fn what_is_meant_grows_with_time_leaders_and_faults() {
        let scale = Scale { seconds: 90, leader_changes: 7, faults: BTreeMap::from([("stop-leader", 4)]) };
        assert_eq!(scale.least(Least::Minutely(10)), 15);
        assert_eq!((scale.least(Least::OfChanges(1)), scale.least(Least::OfChanges(2))), (7, 0));
        assert_eq!(scale.least(Least::OfFaults(3, ENDINGS)), 1);
        assert_eq!(scale.least(Least::OfFaults(1, KILLS)), 0, "a run without them is not meant to have it");
        let moment = Scale { seconds: 5, leader_changes: 0, faults: BTreeMap::new() };
        assert_eq!(moment.least(Least::Minutely(10)), 0);
        let short = Scale { seconds: 20, leader_changes: 2, faults: BTreeMap::new() };
        assert_eq!((short.least(Least::Minutely(6)), short.least(Least::OfChanges(1))), (0, 0), "luck decides");
    }
}
