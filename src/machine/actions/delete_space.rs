//! Takes a space away, with everything in it.
//!
//! - Its name stays known, and is never given again: an id of the space that is sent once more finds no other space.
//! - What was due in it stays in the index until its time, and is nothing then: to find it all would take as long as
//!   there is much of it.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, SpaceName};

/// Takes away a space that is there.
pub(super) fn delete_space<'a>(draft: &mut Draft<'a, impl View>, name: &'a SpaceName) -> Result<ActionResult, Found> {
    let number = draft.space_named(name).ok_or_else(|| draft.no_space(name))?.number;
    draft.delete_space(name, number);
    Ok(ActionResult::SpaceDeleted)
}
