//! Runs an entry: time first, then its proposals in order, each seeing what those before it did.
//!
//! - A row that changes more than once is returned once, as it is in the end. What an entry does lands in one write, so
//!   nobody could see it in between.

use std::collections::BTreeMap;

use crate::types::{Answer, LogName, SpaceName, SpaceNumber};

use super::advance::advance;
use super::batch::Batch;
use super::decide::{Decision, decide};
use super::overlay::Overlay;
use super::rows::{Effect, Globals, LogHead, Space};

/// What became of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// One answer for each proposal, in order.
    pub answers: Vec<Answer>,
    /// What is written: rows first, each once, then records and ids in the order of their proposals.
    pub effects: Vec<Effect>,
}

/// Decides the proposals of a batch and takes their effects into the overlay.
pub fn run(overlay: &mut Overlay, batch: &Batch) -> Ran {
    let mut answers = Vec::with_capacity(batch.proposals.len());
    let mut gathered = Gathered::default();
    for effect in advance(overlay, batch.stamp) {
        overlay.apply(&effect);
        gathered.add(effect);
    }
    for proposal in &batch.proposals {
        let Decision { answer, effects } = decide(overlay, batch.machine_version, proposal);
        answers.push(answer);
        for effect in effects {
            overlay.apply(&effect);
            gathered.add(effect);
        }
    }
    Ran { answers, effects: gathered.finish() }
}

#[derive(Default)]
struct Gathered {
    globals: Option<Globals>,
    spaces: BTreeMap<SpaceName, Space>,
    logs: BTreeMap<(SpaceNumber, LogName), LogHead>,
    others: Vec<Effect>,
}

impl Gathered {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Globals(globals) => self.globals = Some(globals),
            Effect::Space { name, space } => {
                self.spaces.insert(name, space);
            }
            Effect::Log { space, name, head } => {
                self.logs.insert((space, name), head);
            }
            Effect::Records { .. } | Effect::Remember { .. } => self.others.push(effect),
        }
    }

    fn finish(self) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(1 + self.spaces.len() + self.logs.len() + self.others.len());
        effects.extend(self.globals.map(Effect::Globals));
        effects.extend(self.spaces.into_iter().map(|(name, space)| Effect::Space { name, space }));
        effects.extend(self.logs.into_iter().map(|((space, name), head)| Effect::Log { space, name, head }));
        effects.extend(self.others);
        effects
    }
}
