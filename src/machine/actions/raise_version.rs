//! Raises the version of the rules that decide new entries.
//!
//! - It is never lowered. To raise it to what it is changes nothing, so that whoever wants it can ask again.
//! - Whether a build knows the version is no matter here, or builds would differ: whoever proposes it has asked all nodes.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, MachineVersion};

/// Entries that are proposed from now on are to be decided by these rules.
pub(super) fn raise_version(draft: &mut Draft<'_, impl View>, to: MachineVersion) -> Result<ActionResult, Found> {
    let in_force = draft.globals.version;
    if to < in_force {
        return Err(Found::VersionInForce(in_force));
    }
    draft.globals.version = to;
    Ok(ActionResult::VersionRaised { version: to })
}
