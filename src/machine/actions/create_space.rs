//! Makes a space.
//!
//! - A name is given once: not even a space that was deleted comes back.

use crate::machine::draft::Draft;
use crate::machine::rows::Space;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, SpaceName, SpacePolicy};

/// Makes a space that is not there yet, with a number that no space ever had.
pub(super) fn create_space<'a>(
    draft: &mut Draft<'a, impl View>,
    name: &'a SpaceName,
    policy: SpacePolicy,
) -> Result<ActionResult, Found> {
    if draft.space_named(name).is_some() {
        return Err(Found::SpaceExists);
    }
    if let Some(at) = draft.deleted_space(name) {
        return Err(Found::SpaceDeleted { at });
    }
    let number = draft.globals.next_space;
    draft.globals.next_space = number.next();
    draft.set_space(name, Space::new(number, policy, draft.globals.clock));
    Ok(ActionResult::SpaceCreated)
}
