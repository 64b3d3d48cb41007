//! Adds to a number.
//!
//! - A sum never wraps, and never leaves the bounds: what would refuses the command, which has then taken nothing.

use std::ops::RangeInclusive;

use crate::machine::draft::Draft;
use crate::machine::view::View;
use crate::types::{ActionResult, Cell, CellKey, CellValue, Found};

/// Adds `amount` to a cell. One that is not there counts as `absent`.
pub(super) fn add<'a>(
    draft: &mut Draft<'a, impl View>,
    key: &'a CellKey,
    amount: i64,
    bounds: RangeInclusive<i64>,
    absent: Option<i64>,
) -> Result<ActionResult, Found> {
    let number = match draft.cell(key).map(|cell| &cell.value) {
        Some(CellValue::Integer(number)) => *number,
        Some(CellValue::Bytes(_)) => return Err(Found::NotANumber),
        None => absent.ok_or(Found::NoCell)?,
    };
    let sum = number.checked_add(amount).filter(|sum| bounds.contains(sum));
    let value = sum.ok_or(Found::OutOfBounds(number))?;
    let version = draft.version();
    let time = draft.globals.clock;
    draft.set_cell(key, Some(Cell { value: CellValue::Integer(value), version, time }));
    Ok(ActionResult::Added { value, version })
}
