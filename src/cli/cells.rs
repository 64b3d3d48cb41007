//! `get`, `put`, `delete` and `add`: one cell at a time.

use std::io::{self, Write};

use serde::Serialize;

use crate::client::Client;
use crate::types::limits::CELL_BYTES_MAX;
use crate::types::{Action, ActionResult, CellKey, CellValue, Consistency, Guard, KeyedCell};

use super::answer::{self, Answer, What};
use super::arguments::{Add, Delete, Get, Options, Put};
use super::input::{self, Wanted};
use super::output::{self, Bytes, Row};
use super::report::Problem;

const VALUE: Wanted = Wanted {
    what: "a cell",
    most: CELL_BYTES_MAX,
    advice: "Put it into several cells, or keep it elsewhere and put where it is.",
};

/// A cell as it is printed.
#[derive(Debug, Serialize)]
struct CellRow {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integer: Option<i64>,
    version: u64,
    time_ms: u64,
    #[serde(skip)]
    cell: KeyedCell,
    /// Whether it is one of several, which only its key tells apart.
    #[serde(skip)]
    listed: bool,
}

impl CellRow {
    fn new(cell: KeyedCell, listed: bool) -> Self {
        let (bytes, integer) = match &cell.cell.value {
            CellValue::Bytes(bytes) => (Some(Bytes::new(bytes)), None),
            CellValue::Integer(integer) => (None, Some(*integer)),
        };
        Self {
            key: cell.key.as_str().to_owned(),
            value: bytes.as_ref().and_then(Bytes::text).map(str::to_owned),
            value_base64: bytes.as_ref().and_then(Bytes::base64).map(str::to_owned),
            integer,
            version: cell.cell.version.0,
            time_ms: cell.cell.time.as_ms(),
            cell,
            listed,
        }
    }
}

impl Row for CellRow {
    const HEADINGS: &'static [&'static str] = &["KEY", "VERSION", "CHANGED", "VALUE"];

    fn cells(&self) -> Vec<String> {
        let value = match &self.cell.cell.value {
            CellValue::Bytes(bytes) => Bytes::new(bytes).cell(),
            CellValue::Integer(integer) => integer.to_string(),
        };
        let time = output::time(self.cell.cell.time);
        vec![Bytes::new(self.key.as_bytes()).cell(), self.version.to_string(), time, value]
    }

    fn plain(&self) -> Vec<u8> {
        let value = match &self.cell.cell.value {
            CellValue::Bytes(bytes) => bytes.to_vec(),
            CellValue::Integer(integer) => integer.to_string().into_bytes(),
        };
        if self.listed { [self.key.as_bytes(), b"\t", &value].concat() } else { value }
    }
}

pub(super) async fn get(client: &Client, options: &Options, get: Get, out: &mut impl Write) -> Result<(), Problem> {
    let consistency = super::consistency(get.local);
    let Some(key) = get.key else {
        let rows = list(client, &get.prefix.unwrap_or_default(), consistency).await?;
        return Ok(output::print_many(out, options.output, "cells", &rows)?);
    };
    match client.cell(&key, consistency).await? {
        Some(cell) => Ok(output::print_one(out, options.output, &CellRow::new(cell, false))?),
        None => Err(Problem::NotThere {
            message: format!("there is no cell `{key}` in space `{}`", options.space),
            advice: "See that the key and the space are right; `oncelog get --prefix ''` lists the cells.",
        }),
    }
}

async fn list(client: &Client, prefix: &str, consistency: Consistency) -> Result<Vec<CellRow>, Problem> {
    let mut rows = Vec::new();
    let mut after: Option<CellKey> = None;
    loop {
        let page = client.list_cells(prefix, after.as_ref(), consistency).await?;
        after = page.items.last().map(|cell| cell.key.clone());
        rows.extend(page.items.into_iter().map(|cell| CellRow::new(cell, true)));
        if !page.more || after.is_none() {
            return Ok(rows);
        }
    }
}

/// What a changed cell has of its own.
#[derive(Debug, Serialize)]
struct Changed {
    key: String,
    version: u64,
}

impl What for Changed {
    const HEADINGS: &'static [&'static str] = &["VERSION", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.version.to_string()]
    }
}

/// What a sum has of its own.
#[derive(Debug, Serialize)]
struct Sum {
    key: String,
    integer: i64,
    version: u64,
}

impl What for Sum {
    const HEADINGS: &'static [&'static str] = &["VALUE", "VERSION", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.integer.to_string(), self.version.to_string()]
    }
}

pub(super) async fn put(client: &Client, options: &Options, put: Put, out: &mut impl Write) -> Result<(), Problem> {
    let value = value(&put, io::stdin().lock())?;
    let Put { key, if_absent, unchanged, id, .. } = put;
    let guard = if if_absent { Some(Guard::CellAbsent { key: key.clone() }) } else { unchanged.guard(&key) };
    let action = Action::Put { key: key.clone(), value };
    let (done, result) = answer::submit(client, id.get()?, guard, action).await?;
    let ActionResult::Put { version } = result else { return Err(answer::unexpected("another result")) };
    let what = Changed { key: key.as_str().to_owned(), version: version.0 };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

fn value(put: &Put, stdin: impl io::Read) -> Result<CellValue, Problem> {
    let bytes = input::value(&put.value, stdin, VALUE)?;
    if !put.integer {
        return Ok(CellValue::Bytes(bytes));
    }
    let integer = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    integer.map(CellValue::Integer).ok_or_else(|| Problem::Misuse {
        message: format!("{} is not a whole number of 64 bits", Bytes::new(&bytes).cell()),
        advice: "Give a number such as -50, or leave --integer out to put text.",
    })
}

pub(super) async fn delete(
    client: &Client,
    options: &Options,
    delete: Delete,
    out: &mut impl Write,
) -> Result<(), Problem> {
    let Delete { key, unchanged, id } = delete;
    let guard = unchanged.guard(&key);
    let (done, result) = answer::submit(client, id.get()?, guard, Action::Delete { key: key.clone() }).await?;
    let ActionResult::Deleted { version } = result else { return Err(answer::unexpected("another result")) };
    let what = Changed { key: key.as_str().to_owned(), version: version.0 };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

pub(super) async fn add(client: &Client, options: &Options, add: Add, out: &mut impl Write) -> Result<(), Problem> {
    let Add { key, amount, least, most, absent_is, id } = add;
    let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
    let action = Action::Add { key: key.clone(), amount, least, most, absent: absent_is };
    let (done, result) = answer::submit(client, id.get()?, None, action).await?;
    let ActionResult::Added { value, version } = result else { return Err(answer::unexpected("another result")) };
    let what = Sum { key: key.as_str().to_owned(), integer: value, version: version.0 };
    Ok(output::print_one(out, options.output, &Answer::new(&options.space, &done, what))?)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{Cell, LogTime, Version};

    use super::*;

    fn row(key: &str, value: CellValue, listed: bool) -> CellRow {
        let cell = Cell { value, version: Version(9), time: LogTime::from_ms(1_760_000_000_123).unwrap() };
        CellRow::new(KeyedCell { key: CellKey::new(key).unwrap(), cell }, listed)
    }

    fn printed(format: Format, row: &CellRow) -> Vec<u8> {
        let mut out = Vec::new();
        output::print_one(&mut out, format, row).unwrap();
        out
    }

    #[test]
    fn a_cell_is_printed_for_people_and_for_programs() {
        let number = row("balance/ada", 50.into(), false);
        let table = "KEY          VERSION  CHANGED                   VALUE\n\
                     balance/ada  9        2025-10-09T08:53:20.123Z  50\n";
        assert_eq!(printed(Format::Table, &number), table.as_bytes());
        let line = "{\"key\":\"balance/ada\",\"integer\":50,\"version\":9,\"time_ms\":1760000000123}\n";
        assert_eq!(printed(Format::Jsonl, &number), line.as_bytes());
        assert_eq!(printed(Format::Plain, &number), b"50\n");
        assert_eq!(printed(Format::Plain, &row("a", "x\ty".into(), false)), b"x\ty\n");
        let bytes = row("a", CellValue::Bytes(b"\xff".as_slice().into()), true);
        assert_eq!(printed(Format::Plain, &bytes), b"a\t\xff\n");
        let line = "{\"key\":\"a\",\"value_base64\":\"/w==\",\"version\":9,\"time_ms\":1760000000123}\n";
        assert_eq!(printed(Format::Jsonl, &bytes), line.as_bytes());
    }

    #[test]
    fn a_number_is_put_as_one_only_if_it_is_asked_for() {
        use clap::Parser as _;

        use crate::cli::arguments::{Arguments, ClientCommand, Command};

        let read = |line: &str, stdin: &[u8]| {
            let Command::Client(ClientCommand::Put(put)) = Arguments::parse_from(line.split(' ')).command else {
                panic!()
            };
            value(&put, stdin)
        };
        assert_eq!(read("oncelog put a 7", b"").unwrap(), "7".into());
        assert_eq!(read("oncelog put a --integer -7", b"").unwrap(), (-7).into());
        assert_eq!(read("oncelog put a --integer", b"7\n").unwrap(), 7.into());
        assert!(matches!(read("oncelog put a --integer seven", b""), Err(Problem::Misuse { .. })));
    }
}
