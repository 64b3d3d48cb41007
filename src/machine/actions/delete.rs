//! Takes a cell away.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, CellKey, Found};

/// The cell, which is there, goes.
pub(super) fn delete<'a>(draft: &mut Draft<'a, impl View>, key: &'a CellKey) -> Result<ActionResult, Found> {
    draft.cell(key).ok_or(Found::NoCell)?;
    draft.set_cell(key, None);
    Ok(ActionResult::Deleted { version: draft.version() })
}
