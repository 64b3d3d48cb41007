//! What a proposal would do, until it is settled.
//!
//! - A draft that is dropped has done nothing. That is how an action that refuses takes back those before it.
//! - Settling gives the outcome, the next place in the space's sequence and the memory of the id, all at once.

use std::collections::BTreeMap;

use crate::types::{Action, ActionResult, Answer, Id, LogName, Outcome, Refusal, SpaceName, Verdict};

use super::append::append;
use super::decide::Decision;
use super::fingerprint::Fingerprint;
use super::rows::{Effect, Globals, LogHead, Remembered, Space};
use super::view::View;

/// The rows as the proposal's own actions leave them.
pub(super) struct Draft<'a, V> {
    view: &'a V,
    name: &'a SpaceName,
    /// The id that is being decided.
    pub(super) id: &'a Id,
    /// What holds for all spaces.
    pub(super) globals: Globals,
    /// The space.
    pub(super) space: Space,
    /// The heads that have changed.
    pub(super) heads: BTreeMap<&'a LogName, LogHead>,
    /// What is written beside the rows above.
    pub(super) effects: Vec<Effect>,
}

impl<'a, V: View> Draft<'a, V> {
    /// Nothing done yet.
    pub(super) fn new(view: &'a V, name: &'a SpaceName, space: &Space, id: &'a Id) -> Self {
        let globals = view.globals();
        Self { view, name, id, globals, space: space.clone(), heads: BTreeMap::new(), effects: Vec::new() }
    }

    /// A log as the actions so far leave it.
    pub(super) fn head(&self, log: &LogName) -> Option<LogHead> {
        self.heads.get(log).or_else(|| self.view.log(self.space.number, log)).cloned()
    }

    /// Does one action.
    #[expect(clippy::unnecessary_wraps, reason = "an append can't refuse, but actions can")]
    pub(super) fn perform(&mut self, action: &'a Action) -> Result<ActionResult, Refusal> {
        match action {
            Action::Append { log, records } => Ok(append(self, log, records)),
        }
    }

    /// Decides the id.
    pub(super) fn settle(mut self, fingerprint: Option<Fingerprint>, verdict: Verdict) -> Decision {
        self.space.last_sequence = self.space.last_sequence.next();
        let outcome = Outcome {
            verdict,
            sequence: self.space.last_sequence,
            history: self.globals.history,
            time: self.globals.clock,
        };
        let space = self.space.number;
        let mut effects = self.effects;
        effects.extend(self.heads.into_iter().map(|(name, head)| Effect::Log { space, name: name.clone(), head }));
        effects.push(Effect::Space { name: self.name.clone(), space: self.space });
        let remembered = Remembered { fingerprint, outcome: outcome.clone() };
        effects.push(Effect::Remember { space, id: self.id.clone(), remembered });
        Decision { answer: Answer::Decided { outcome, replayed: false }, effects }
    }
}
