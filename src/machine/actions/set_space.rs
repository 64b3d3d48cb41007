//! Changes how long a space remembers, and how its logs come to be.
//!
//! - Whether a space forgets never changes: who was told that it never does may rely on it.

use std::time::Duration;

use crate::machine::buckets::change_memory;
use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Found, LogCreation, Memory, SpaceName};

/// Changes a space that is there.
pub(super) fn set_space<'a>(
    draft: &mut Draft<'a, impl View>,
    name: &'a SpaceName,
    memory: Option<Duration>,
    logs: Option<LogCreation>,
) -> Result<ActionResult, Found> {
    let mut space = draft.space_named(name).ok_or_else(|| draft.no_space(name))?.clone();
    if let Some(memory) = memory {
        if space.memory == Memory::Forever {
            return Err(Found::MemoryIsFixed);
        }
        change_memory(draft.view, &mut space, memory).map_err(|_| Found::TooManyChanges)?;
    }
    space.logs = logs.unwrap_or(space.logs);
    draft.set_space(name, space);
    Ok(ActionResult::SpaceSet)
}
