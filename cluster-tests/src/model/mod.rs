//! What the product must do, said again from its documents and as simply as it can be.
//!
//! - Nothing here is the product's: the model knows the public protos and the pages that say what commands mean.
//! - It decides nothing by itself. It is given each command with the outcome that clients were told, in the order of the
//!   outcomes, and says what must have come of it instead.
//! - What it does not know it does not judge. A place among the outcomes that nobody was told may be that of any command
//!   whose fate is open; what these could have touched is unknown until somebody is told of it again.
//! - The commands of the reserved space come first: they say which other spaces there are, and from when to when.

mod actions;
mod beside;
mod doubt;
mod expected;
mod fates;
pub mod floor;
mod guards;
mod lives;
mod log;
mod rows;
mod space;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

pub use doubt::Doubts;
pub use space::{Append, Stamp};

use self::lives::Life;
use self::rows::Fact;
use self::space::{Space, undone_by};
use crate::command::SYSTEM;
use crate::proto::outcome::Verdict;
use crate::proto::{CommandId, Outcome, SubmitRequest};

/// The space of whoever names none.
pub const MAIN: &str = "main";

/// Takes what is wrong with an outcome: the id that was told it, the place of the outcome, and a sentence.
pub type Report<'a> = dyn FnMut(&str, Stamp, String) + 'a;

/// What is known beside the outcomes.
#[derive(Debug, Default)]
pub struct Known {
    /// By space, the texts of ids whose fates others ask for.
    pub targets: BTreeMap<String, BTreeSet<String>>,
    /// By space, the commands that may have been decided although nobody was told.
    pub doubts: BTreeMap<String, Doubts>,
    /// Whether all commands are in the history: then each place among the outcomes is that of one of them.
    pub complete: bool,
}

/// All spaces as the outcomes so far leave them.
#[derive(Debug)]
pub struct Model {
    known: Known,
    spaces: BTreeMap<String, Space>,
}

impl Model {
    /// A cluster in which nothing was decided yet.
    pub fn new(mut known: Known) -> Self {
        for (space, doubts) in &mut known.doubts {
            doubts.retain_targets(known.targets.get(space).unwrap_or(&BTreeSet::new()));
        }
        let mut model = Self { known, spaces: BTreeMap::new() };
        let mut system = model.made(SYSTEM, Fact::Is(Some(Life::without_beginning())));
        for name in [MAIN, SYSTEM] {
            system.lives.set(name.to_owned(), Fact::Is(Some(Life::without_beginning())));
        }
        model.spaces.insert(SYSTEM.to_owned(), system);
        model
    }

    fn made(&self, name: &str, life: Fact<Life>) -> Space {
        Space::new(life, self.known.targets.get(name).cloned().unwrap_or_default())
    }

    /// A space, which may be asked for first when all that is known of the reserved one has been replayed.
    fn space(&mut self, name: &str) -> &mut Space {
        if !self.spaces.contains_key(name) {
            let space = self.made(name, self.life(name));
            self.spaces.insert(name.to_owned(), space);
        }
        self.spaces.get_mut(name).expect("it was made just now")
    }

    /// What is known of how a space came to be: `main` is always there.
    fn life(&self, name: &str) -> Fact<Life> {
        match self.spaces.get(SYSTEM) {
            Some(system) if name != MAIN => system.lives.get(name),
            _ => Fact::Is(Some(Life::without_beginning())),
        }
    }

    /// Replays a whole command.
    pub fn command(&mut self, request: &SubmitRequest, outcome: &Outcome, report: &mut Report<'_>) {
        let id = request.id.clone().unwrap_or_default();
        let stamp = stamp(outcome);
        let mut wrong = |what| report(&id.text, stamp, what);
        let Some(verdict) = &outcome.verdict else { return wrong("it has no verdict".to_owned()) };
        let name = name_of(&request.space);
        let own = u64::from(self.cancels_first(name, request, verdict));
        self.reach(name, stamp.sequence.saturating_sub(own), &mut wrong);
        self.space(name).command(request, verdict, stamp, &mut wrong);
        self.believe(name);
    }

    /// Replays an append that was applied.
    pub fn append(&mut self, space: &str, append: &Append<'_>, stamp: Stamp, report: &mut Report<'_>) {
        let mut wrong = |what| report(append.id, stamp, what);
        let name = name_of(space);
        self.reach(name, stamp.sequence, &mut wrong);
        self.space(name).append(append, stamp, &mut wrong);
        self.believe(name);
    }

    /// Replays a cancel that came before its command.
    pub fn cancel(&mut self, space: &str, id: &CommandId, stamp: Stamp, report: &mut Report<'_>) {
        let mut wrong = |what| report(&id.text, stamp, what);
        let name = name_of(space);
        self.reach(name, stamp.sequence, &mut wrong);
        self.space(name).cancel(id, stamp, &mut wrong);
        self.believe(name);
    }

    /// Goes on behind an outcome of whose command nothing is known.
    pub fn skip(&mut self, space: &str, stamp: Stamp, report: &mut Report<'_>) {
        let name = name_of(space);
        self.reach(name, stamp.sequence, &mut |what| report("nobody", stamp, what));
        let space = self.space(name);
        space.last = stamp;
        space.doubt_all();
        self.believe(name);
    }

    /// Something was decided in the space: if nobody made it, nothing is known of how it came to be.
    fn believe(&mut self, name: &str) {
        if let Some(space) = self.spaces.get_mut(name).filter(|space| space.life == Fact::Is(None)) {
            space.life = Fact::Unknown;
            self.spaces.get_mut(SYSTEM).expect("it was made first").lives.set(name.to_owned(), Fact::Unknown);
        }
    }

    /// Whether the place before an outcome is that of the target, which it has cancelled.
    fn cancels_first(&mut self, name: &str, request: &SubmitRequest, verdict: &Verdict) -> bool {
        let has_nothing = matches!(verdict, Verdict::Applied(applied) if applied.nothing_to_undo);
        let Some((_, target)) = undone_by(&request.actions).filter(|_| has_nothing) else { return false };
        let space = self.space(name);
        space.target(target, space.last.time_ms).fate == Fact::Is(None)
    }

    /// All outcomes before this one were replayed, or nobody was told of them.
    fn reach(&mut self, name: &str, sequence: u64, wrong: &mut dyn FnMut(String)) {
        self.space(name);
        let (Some(space), doubts) = (self.spaces.get_mut(name), self.known.doubts.get(name)) else { return };
        let missing = sequence.saturating_sub(space.last.sequence + 1);
        if missing == 0 {
            return;
        }
        space.untold += missing;
        let may_be = doubts.map_or(0, |doubts| doubts.commands);
        match doubts {
            Some(doubts) if space.untold <= may_be => space.doubt(doubts),
            _ => {
                if self.known.complete && space.untold - missing <= may_be {
                    let from = space.last.sequence + 1;
                    wrong(format!(
                        "before it {missing} outcomes from {from} on were given to nobody: {} are open, and {may_be} \
                         commands may be theirs",
                        space.untold
                    ));
                }
                space.doubt_all();
            }
        }
    }

    /// All that was told is replayed: what is open may have been decided since.
    pub fn finish(&mut self) {
        let doubted: Vec<String> = self.known.doubts.keys().cloned().collect();
        for name in doubted {
            // Of some spaces nothing else is known.
            self.space(&name);
        }
        for (name, space) in &mut self.spaces {
            if let Some(doubts) = self.known.doubts.get(name) {
                space.doubt(doubts);
            }
        }
    }
}

/// What an outcome says of itself.
fn stamp(outcome: &Outcome) -> Stamp {
    Stamp { sequence: outcome.sequence, history: outcome.history, time_ms: outcome.time_ms }
}

/// The name of a space as requests name it.
pub fn name_of(space: &str) -> &str {
    if space.is_empty() { MAIN } else { space }
}

/// The ids that a command names beside its own.
pub fn targets(request: &SubmitRequest) -> impl Iterator<Item = &CommandId> {
    let guards = request.guards.iter().filter_map(|guard| match &guard.guard {
        Some(crate::proto::guard::Guard::Fate(fate)) => fate.id.as_ref(),
        _ => None,
    });
    guards.chain(undone_by(&request.actions).map(|(_, target)| target))
}
