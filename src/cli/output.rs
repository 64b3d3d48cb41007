//! How answers are printed: the same rows for people, for programs and for pipes.
//!
//! - A table is for people and may change; the JSON fields and the order of plain values do not.
//! - Plain values are separated by tabs, a line a row, without a heading.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::types::{Birth, Id, LogTime};

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One line of JSON a row.
    Jsonl,
    /// Bare values.
    Plain,
    /// Comma-separated values under a line of headings.
    Csv,
}

/// A row of an answer.
pub(super) trait Row: Serialize {
    /// The headings of its cells.
    const HEADINGS: &'static [&'static str];

    /// Its values for people.
    fn cells(&self) -> Vec<String>;

    /// Its bare values.
    fn plain(&self) -> Vec<u8> {
        self.cells().join("\t").into_bytes()
    }
}

/// Prints one row; as JSON it is the document itself.
pub(super) fn print_one<R: Row>(out: &mut impl Write, format: Format, row: &R) -> io::Result<()> {
    match format {
        Format::Json => print_document(out, row),
        Format::Table | Format::Jsonl | Format::Plain | Format::Csv => {
            print_rows(out, format, std::slice::from_ref(row))
        }
    }
}

/// Prints many rows; as JSON the document is an object that holds them under a name.
pub(super) fn print_many<R: Row>(out: &mut impl Write, format: Format, name: &str, rows: &[R]) -> io::Result<()> {
    match format {
        Format::Json => print_document(out, &BTreeMap::from([(name, rows)])),
        Format::Table | Format::Jsonl | Format::Plain | Format::Csv => print_rows(out, format, rows),
    }
}

/// Prints rows that need nothing around them.
pub(super) fn print_rows<R: Row>(out: &mut impl Write, format: Format, rows: &[R]) -> io::Result<()> {
    match format {
        Format::Table => {
            let headings = R::HEADINGS.iter().map(|heading| (*heading).to_owned()).collect();
            print_cells(out, &std::iter::once(headings).chain(rows.iter().map(Row::cells)).collect::<Vec<_>>())
        }
        Format::Json | Format::Jsonl => rows.iter().try_for_each(|row| {
            serde_json::to_writer(&mut *out, row)?;
            out.write_all(b"\n")
        }),
        Format::Plain => rows.iter().try_for_each(|row| {
            out.write_all(&row.plain())?;
            out.write_all(b"\n")
        }),
        Format::Csv => {
            print_csv_headings::<R>(out)?;
            print_csv_rows(out, rows)
        }
    }
}

/// Prints a table whose columns are known only now, headings first.
pub(super) fn print_cells(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// Prints the line of headings.
pub(super) fn print_csv_headings<R: Row>(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", R::HEADINGS.iter().map(|heading| csv_heading(heading)).collect::<Vec<_>>().join(","))
}

/// Prints rows as comma-separated values, without their headings.
pub(super) fn print_csv_rows<R: Row>(out: &mut impl Write, rows: &[R]) -> io::Result<()> {
    let line = |row: &R| row.cells().iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",");
    rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))
}

/// A heading as programs name a column.
fn csv_heading(heading: &str) -> String {
    heading.to_lowercase().replace('/', "_per_").replace([' ', '.'], "_")
}

/// Quoted where it would end its cell or its line.
fn csv_cell(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// Prints a document.
pub(super) fn print_document(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// Bytes as JSON has them: text if they are UTF-8, base64 under another name if not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    Text(String),
    Base64(String),
}

impl Bytes {
    pub(super) fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(BASE64_STANDARD.encode(bytes)),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Base64(_) => None,
        }
    }

    pub(super) fn base64(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Base64(base64) => Some(base64),
        }
    }

    /// For a cell: one line that leaves the terminal as it is, cut when it is long.
    pub(super) fn cell(&self) -> String {
        const LONGEST: usize = 80;
        let whole = match self {
            Self::Text(text) => text.chars().flat_map(|c| escaped(c).into_iter()).take(LONGEST + 1).collect(),
            Self::Base64(base64) => format!("base64:{base64}"),
        };
        if whole.chars().count() <= LONGEST {
            return whole;
        }
        whole.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

fn escaped(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

/// A time for people.
pub(super) fn time(time: LogTime) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.as_ms())).to_string()
}

/// A birth that was given beside an id; one that it carries is in its text.
pub(super) fn birth_beside(id: &Id) -> Option<u64> {
    match id.birth() {
        Birth::Beside(birth) => Some(birth.as_ms()),
        Birth::Absent | Birth::Carried(_) => None,
    }
}

/// A count in a quotient.
#[expect(
    clippy::cast_precision_loss,
    reason = "what people count here is far below the 2^52 that a float holds exactly"
)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// What is not there.
pub(super) const NONE: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Pair {
        name: &'static str,
        count: u64,
    }

    impl Row for Pair {
        const HEADINGS: &'static [&'static str] = &["NAME", "COUNT"];

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned(), self.count.to_string()]
        }
    }

    const PAIRS: [Pair; 2] = [Pair { name: "orders", count: 12 }, Pair { name: "a", count: 3 }];

    fn many(format: Format) -> String {
        let mut out = Vec::new();
        print_many(&mut out, format, "pairs", &PAIRS).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_printed_in_every_format() {
        assert_eq!(many(Format::Table), "NAME    COUNT\norders  12\na       3\n");
        assert_eq!(many(Format::Plain), "orders\t12\na\t3\n");
        assert_eq!(many(Format::Csv), "name,count\norders,12\na,3\n");
        assert_eq!(
            (csv_cell("a,\"b\""), csv_heading("P99.9 MS")),
            ("\"a,\"\"b\"\"\"".to_owned(), "p99_9_ms".to_owned())
        );
        assert_eq!(many(Format::Jsonl), "{\"name\":\"orders\",\"count\":12}\n{\"name\":\"a\",\"count\":3}\n");
        let document: serde_json::Value = serde_json::from_str(&many(Format::Json)).unwrap();
        let [one, other] = PAIRS.map(|pair| serde_json::json!({"name": pair.name, "count": pair.count}));
        assert_eq!(document, serde_json::json!({"pairs": [one, other]}));
    }

    #[test]
    fn one_row_is_its_own_document() {
        let mut out = Vec::new();
        print_one(&mut out, Format::Json, &PAIRS[0]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"name\": \"orders\",\n  \"count\": 12\n}\n");
    }

    #[test]
    fn a_cell_leaves_the_terminal_as_it_is() {
        assert_eq!(Bytes::new(b"a\x1b[31m\nb").cell(), "a\\u{1b}[31m\\nb");
        assert_eq!(Bytes::new(b"\xff\x00").cell(), "base64:/wA=");
        let long = Bytes::new("é".repeat(200).as_bytes()).cell();
        assert_eq!((long.chars().count(), long.ends_with("é…")), (80, true));
        assert_eq!(Bytes::new("é".repeat(80).as_bytes()).cell(), "é".repeat(80));
    }

    #[test]
    fn a_time_is_printed_in_utc() {
        assert_eq!(time(LogTime::from_ms(1_760_000_000_123).unwrap()), "2025-10-09T08:53:20.123Z");
    }
}
