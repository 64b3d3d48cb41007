//! Gives a cell a value.

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Cell, CellKey, CellValue};

/// The cell holds this from now on, whatever it held.
pub(super) fn put<'a>(draft: &mut Draft<'a, impl View>, key: &'a CellKey, value: &CellValue) -> ActionResult {
    let version = draft.version();
    draft.set_cell(key, Some(Cell { value: value.clone(), version, time: draft.globals.clock }));
    ActionResult::Put { version }
}
