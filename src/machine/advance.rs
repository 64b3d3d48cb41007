//! What time alone does, before an entry's proposals are looked at.
//!
//! - The clock is the greatest stamp seen: a stamp that goes back changes nothing.

use crate::types::LogTime;

use super::rows::{Effect, Globals};
use super::view::View;

/// The effects of an entry's stamp.
pub(super) fn advance(view: &impl View, stamp: LogTime) -> Vec<Effect> {
    let globals = view.globals();
    if stamp <= globals.clock {
        return Vec::new();
    }
    vec![Effect::Globals(Globals { clock: stamp, ..globals })]
}
