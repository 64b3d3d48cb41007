//! Keeps the index of what is due equal to what rows say.

use crate::types::LogTime;

use super::rows::{Due, Effect};

/// The one place of a thing in the index moves, comes or goes.
pub(super) fn move_due(effects: &mut Vec<Effect>, old: Option<LogTime>, new: Option<LogTime>, due: impl Fn() -> Due) {
    if old == new {
        return;
    }
    effects.extend(old.map(|at| Effect::Due { at, due: due(), is: false }));
    effects.extend(new.map(|at| Effect::Due { at, due: due(), is: true }));
}
