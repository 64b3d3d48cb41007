//! `get`, `put`, `delete` and `add`: one cell at a time.

use bytes::Bytes;

use crate::client::Reason;
use crate::types::limits::CELL_BYTES_MAX;
use crate::types::{Action, CellValue, Guard, KeyedCell};

use super::arguments::{Add, Delete, Get, Put};
use super::call::{self, Call};
use super::column::{Column, Trait};
use super::input::{self, Wanted};
use super::problem::Problem;
use super::value::{self, Value};

fn columns() -> Vec<Column<KeyedCell>> {
    let shown = |cell: &KeyedCell| match &cell.cell.value {
        CellValue::Bytes(bytes) => Value::Bytes(bytes.clone()),
        CellValue::Integer(integer) => (*integer).into(),
    };
    vec![
        Column::new("key", "KEY", |cell: &KeyedCell| cell.key.as_str().to_owned()),
        Column::json("value", |cell: &KeyedCell| cell.cell.value.bytes().cloned()),
        Column::json("integer", |cell: &KeyedCell| cell.cell.value.integer()),
        Column::new("version", "VERSION", |cell: &KeyedCell| cell.cell.version.0).with(Trait::NotPlain),
        Column::new("time_ms", "CHANGED", |cell: &KeyedCell| cell.cell.time).spare().with(Trait::NotPlain),
        Column::shown("VALUE", shown).with(Trait::Binary).with(Trait::Long),
    ]
}

/// The columns of a single cell, whose bare value is all that is plain.
fn own_columns() -> Vec<Column<KeyedCell>> {
    let mut columns = columns().into_iter();
    columns.next().map(|key| key.with(Trait::NotPlain)).into_iter().chain(columns).collect()
}

pub(super) async fn get(call: &mut Call, get: Get) -> Result<(), Problem> {
    let (client, consistency) = (&call.client, get.local.consistency());
    let Some(key) = get.key else {
        let prefix = get.prefix.unwrap_or_default();
        let page =
            async |last: Option<&KeyedCell>| client.list_cells(&prefix, last.map(|cell| &cell.key), consistency).await;
        let cells = call::all(page).await?;
        return call.out.many("cells", &columns(), &cells);
    };
    match client.cell(&key, consistency).await? {
        Some(found) => call.out.one(&own_columns(), &found),
        None => Err(Problem::not_found(
            format!("there is no cell `{key}` in space `{}`", call.speaking.space),
            "Check the key and the space; `oncelog get --prefix ''` lists the cells.",
        )
        .because(Reason::NoSuchCell)),
    }
}

pub(super) async fn put(call: &mut Call, put: Put) -> Result<(), Problem> {
    let wanted = Wanted {
        what: "a cell",
        most: CELL_BYTES_MAX,
        advice: "Put it into several cells, or keep it elsewhere and put where it is.",
        allow_empty: put.allow_empty,
    };
    let value = cell_value(input::value(put.value.as_deref(), wanted)?, put.integer)?;
    let Put { key, if_absent, unchanged, id, .. } = put;
    let guard = if if_absent { Some(Guard::CellAbsent { key: key.clone() }) } else { unchanged.guard(&key) };
    call.act(id, guard, Action::Put { key, value }).await
}

fn cell_value(bytes: Bytes, is_integer: bool) -> Result<CellValue, Problem> {
    if !is_integer {
        return Ok(CellValue::Bytes(bytes));
    }
    let integer = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    integer.map(CellValue::Integer).ok_or_else(|| {
        let message = format!("`{}` is not a whole number of 64 bits", value::Bytes::new(&bytes).cell());
        Problem::usage(message, "Give a number such as -50, or leave out --integer to put text.")
    })
}

pub(super) async fn delete(call: &mut Call, delete: Delete) -> Result<(), Problem> {
    let Delete { key, unchanged, id } = delete;
    call.act(id, unchanged.guard(&key), Action::Delete { key }).await
}

pub(super) async fn add(call: &mut Call, add: Add) -> Result<(), Problem> {
    let Add { key, amount, least, most, absent_is: absent, id } = add;
    let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
    call.act(id, None, Action::Add { key, amount, least, most, absent }).await
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed_at;
    use crate::types::{Cell, CellKey, LogTime, Version};

    use super::*;

    fn cell(key: &str, value: impl Into<CellValue>) -> KeyedCell {
        let (version, time) = (Version(9), LogTime::from_ms(1_760_000_000_123).unwrap());
        KeyedCell { key: CellKey::new(key).unwrap(), cell: Cell { value: value.into(), version, time } }
    }

    fn one(format: Format, cell: &KeyedCell) -> Vec<u8> {
        printed_at(None, format, |out| out.one(&own_columns(), cell))
    }

    #[test]
    fn a_cell_is_printed_for_people_and_for_programs() {
        let number = cell("balance/ada", 50);
        let table = "KEY          VERSION  CHANGED                   VALUE\n\
                     balance/ada  9        2025-10-09T08:53:20.123Z  50\n";
        assert_eq!(one(Format::Table, &number), table.as_bytes());
        let line = "{\"key\":\"balance/ada\",\"integer\":50,\"version\":9,\"time_ms\":1760000000123}\n";
        assert_eq!(one(Format::Jsonl, &number), line.as_bytes());
        assert_eq!(one(Format::Plain, &number), b"50\n");
        assert_eq!(one(Format::Plain, &cell("a", "x\ty")), b"x\ty\n");
        let bytes = cell("a", CellValue::Bytes(b"\xff".as_slice().into()));
        let line = "{\"key\":\"a\",\"value_base64\":\"/w==\",\"version\":9,\"time_ms\":1760000000123}\n";
        assert_eq!(one(Format::Jsonl, &bytes), line.as_bytes());
    }

    #[test]
    fn listed_cells_are_told_apart_by_their_keys() {
        let cells = [cell("a", "x"), cell("b", CellValue::Bytes(b"\xff".as_slice().into()))];
        let many = |format| printed_at(None, format, |out| out.many("cells", &columns(), &cells));
        assert_eq!(many(Format::Plain), b"a\tx\nb\t\xff\n");
        let csv = "key,version,changed,value,value_base64\r\n\
                   a,9,2025-10-09T08:53:20.123Z,x,\r\nb,9,2025-10-09T08:53:20.123Z,,/w==\r\n";
        assert_eq!(many(Format::Csv), csv.as_bytes());
    }

    #[test]
    fn a_number_is_put_as_one_only_if_it_is_asked_for() {
        assert_eq!(cell_value("7".into(), false).unwrap(), "7".into());
        assert_eq!(cell_value("-7".into(), true).unwrap(), (-7).into());
        assert_eq!(cell_value("7\n".into(), true).unwrap(), 7.into());
        assert!(matches!(cell_value("seven".into(), true), Err(Problem::Own(_))));
    }
}
