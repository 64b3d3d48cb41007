//! The one place that prints: answers on standard output, everything else on standard error.
//!
//! - A table is for people. JSON is one document, JSON lines are one object a row. Plain values are separated by tabs, a line a
//!   row, without headings; a record or a single cell is its bare bytes. CSV is RFC 4180, with whole values.
//! - Errors have one shape, whoever found them.

use std::io::{self, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value as Json, json};

use crate::client::{Error, Reason};
use crate::types::Id;

use super::arguments::{Format, Printing};
use super::column::Column;
use super::exit::Exit;
use super::json;
use super::problem::{Own, Problem};
use super::table::{self, Layout, Shape};

type Result<T = ()> = std::result::Result<T, Problem>;

/// Where a command prints.
pub(super) struct Output {
    out: Box<dyn Write>,
    printing: Printing,
    /// How wide the terminal is, if standard output is one.
    width: Option<usize>,
}

impl Output {
    /// Prints to standard output and standard error.
    pub(super) fn new(printing: Printing) -> Self {
        let stdout = io::stdout();
        let width = if stdout.is_terminal() { terminal_size::terminal_size_of(&stdout) } else { None };
        let width = width.map(|(terminal_size::Width(columns), _)| columns.into());
        Self { out: Box::new(io::BufWriter::new(stdout)), printing, width }
    }

    pub(super) fn format(&self) -> Format {
        self.printing.output
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.printing.quiet
    }

    pub(super) fn flush(&mut self) -> Result {
        Ok(self.out.flush()?)
    }

    /// Prints one row; as JSON it is the document itself.
    pub(super) fn one<R>(&mut self, columns: &[Column<R>], row: &R) -> Result {
        match self.format() {
            Format::Json => self.document(&Object { columns, row }),
            Format::Table => {
                let (shapes, cells) = (shapes(columns, std::slice::from_ref(row)), cells(columns, row));
                let layout = Layout::new(&shapes, self.width);
                let text = if layout.is_one_block() {
                    layout.lines(&shapes, &[cells])
                } else {
                    table::upright(&shapes, &cells)
                };
                Ok(self.out.write_all(text.as_bytes())?)
            }
            Format::Jsonl | Format::Plain | Format::Csv => self.rows(columns, std::slice::from_ref(row)),
        }
    }

    /// Prints many rows; the JSON document is an object that has them under a name.
    pub(super) fn many<R>(&mut self, name: &'static str, columns: &[Column<R>], rows: &[R]) -> Result {
        self.many_in(&[], &(), name, columns, rows)
    }

    /// The same, in a JSON document that also says something about all of them.
    pub(super) fn many_in<H, R>(
        &mut self,
        head_columns: &[Column<H>],
        head: &H,
        name: &'static str,
        columns: &[Column<R>],
        rows: &[R],
    ) -> Result {
        match self.format() {
            Format::Json => {
                let head = Object { columns: head_columns, row: head };
                self.document(&Document { head, name, rows: Objects { columns, rows } })
            }
            Format::Table | Format::Jsonl | Format::Plain | Format::Csv => self.rows(columns, rows),
        }
    }

    /// Prints rows that need nothing around them; as JSON each is a line.
    pub(super) fn rows<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result {
        if self.format() == Format::Table {
            let shapes = shapes(columns, rows);
            let cells: Vec<_> = rows.iter().map(|row| cells(columns, row)).collect();
            return Ok(self.out.write_all(Layout::new(&shapes, self.width).lines(&shapes, &cells).as_bytes())?);
        }
        if self.format() == Format::Csv {
            csv_line(&mut self.out, columns.iter().flat_map(Column::csv_names))?;
        }
        self.further_rows(columns, rows)
    }

    /// Prints the headings of rows that come one by one. As people see them their columns are as wide as they mostly are.
    pub(super) fn headings<R>(&mut self, columns: &[Column<R>]) -> Result {
        match self.format() {
            Format::Table => {
                let shapes = shapes(columns, &[]);
                let headings: Vec<_> = shapes.iter().map(|shape| shape.heading.to_owned()).collect();
                writeln!(self.out, "{}", Layout::new(&shapes, self.width).row(&headings))?;
            }
            Format::Csv => csv_line(&mut self.out, columns.iter().flat_map(Column::csv_names))?,
            Format::Json | Format::Jsonl | Format::Plain => {}
        }
        self.flush()
    }

    /// Prints rows under headings that are there already.
    pub(super) fn further_rows<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result {
        let layout = (self.format() == Format::Table).then(|| Layout::new(&shapes(columns, &[]), self.width));
        for row in rows {
            match self.format() {
                Format::Table => {
                    let line = layout.as_ref().map(|layout| layout.row(&cells(columns, row))).unwrap_or_default();
                    writeln!(self.out, "{line}")?;
                }
                Format::Json | Format::Jsonl => {
                    serde_json::to_writer(&mut self.out, &Object { columns, row }).map_err(io::Error::from)?;
                    self.out.write_all(b"\n")?;
                }
                Format::Plain => {
                    let values = columns.iter().filter(|column| column.is_plain());
                    let values: Vec<_> = values.map(|column| column.value(row).plain()).collect();
                    self.out.write_all(&values.join(&b'\t'))?;
                    self.out.write_all(b"\n")?;
                }
                Format::Csv => csv_line(&mut self.out, columns.iter().flat_map(|column| column.csv_cells(row)))?,
            }
        }
        Ok(())
    }

    /// Says something more in a line of its own; the machine formats say it in their own way.
    pub(super) fn text(&mut self, text: &str) -> Result {
        if self.format() == Format::Table {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }

    /// Prints a text as it is.
    pub(super) fn verbatim(&mut self, text: &str) -> Result {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Says on standard error what no program needs, unless it is to be quiet.
    pub(super) fn note(&self, text: &str) {
        note(self.printing, text);
    }

    /// Says on standard error what went wrong, and what to do.
    pub(super) fn report(&self, problem: &Problem) {
        report(self.printing, problem);
    }

    fn document(&mut self, document: &impl Serialize) -> Result {
        serde_json::to_writer_pretty(&mut self.out, document).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }
}

/// Says on standard error what no program needs, unless it is to be quiet.
pub(super) fn note(printing: Printing, text: &str) {
    if !printing.quiet {
        // That a note cannot be written is no failure.
        let _unheard = writeln!(anstream::stderr(), "{text}");
    }
}

/// Says on standard error what went wrong, and what to do.
pub(super) fn report(printing: Printing, problem: &Problem) {
    // Where even errors cannot be written, the exit code still tells.
    let _unheard = write_problem(&mut anstream::stderr(), printing.output, problem);
}

/// A row as a JSON value, for a field of another.
pub(super) fn object<R>(columns: &[Column<R>], row: &R) -> Json {
    serde_json::to_value(Object { columns, row }).unwrap_or_default()
}

/// A row as bytes of JSON.
pub(super) fn json_line<R>(columns: &[Column<R>], row: &R) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Object { columns, row })?;
    line.push(b'\n');
    Ok(line)
}

struct Object<'a, R> {
    columns: &'a [Column<R>],
    row: &'a R,
}

impl<R> Object<'_, R> {
    fn serialize_into<M: serde::ser::SerializeMap>(&self, map: &mut M) -> std::result::Result<(), M::Error> {
        self.columns.iter().try_for_each(|column| match column.name() {
            Some(name) => column.value(self.row).serialize_into(name, map),
            None => Ok(()),
        })
    }
}

impl<R> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_into(&mut map)?;
        map.end()
    }
}

struct Objects<'a, R> {
    columns: &'a [Column<R>],
    rows: &'a [R],
}

impl<R> Serialize for Objects<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|row| Object { columns: self.columns, row }))
    }
}

struct Document<'a, H, R> {
    head: Object<'a, H>,
    name: &'static str,
    rows: Objects<'a, R>,
}

impl<H, R> Serialize for Document<'_, H, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.head.serialize_into(&mut map)?;
        map.serialize_entry(self.name, &self.rows)?;
        map.end()
    }
}

fn cells<R>(columns: &[Column<R>], row: &R) -> Vec<String> {
    let shown = columns.iter().filter(|column| column.heading_in_table().is_some());
    shown.map(|column| column.value(row).for_people()).collect()
}

/// What is known of the columns of a table: of these rows, or if there are none yet, of rows as they mostly are.
fn shapes<R>(columns: &[Column<R>], rows: &[R]) -> Vec<Shape> {
    let shape = |column: &Column<R>| {
        let heading = column.heading_in_table()?;
        let values: Vec<_> = rows.iter().map(|row| column.value(row)).collect();
        let widths = values.iter().map(|value| table::width(&value.for_people()));
        Some(Shape {
            heading,
            width: if rows.is_empty() { column.width() } else { widths.max().unwrap_or(0).max(heading.len()) },
            is_empty: !rows.is_empty() && values.iter().all(super::value::Value::is_none),
            is_spare: column.is_spare(),
            is_long: column.is_long(),
        })
    };
    columns.iter().filter_map(shape).collect()
}

/// One line of RFC 4180.
fn csv_line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    write!(out, "{}\r\n", cells.map(quoted).collect::<Vec<_>>().join(","))
}

fn write_problem(err: &mut impl Write, format: Format, problem: &Problem) -> io::Result<()> {
    let told = match problem {
        Problem::NobodyReads => return Ok(()),
        Problem::Client(error) => Told::of_client(error),
        Problem::Own(own) => Told::of_own(own),
    };
    match format {
        Format::Json | Format::Jsonl => writeln!(err, "{}", told.document()),
        Format::Table | Format::Plain | Format::Csv => told.write(err),
    }
}

/// What is said of a problem, whoever found it.
struct Told<'a> {
    message: String,
    reason: &'static str,
    effect: &'static str,
    advice: String,
    error: Option<&'a Error>,
}

impl<'a> Told<'a> {
    fn of_client(error: &'a Error) -> Self {
        Self {
            message: format!("cannot {}: {}", error.doing, error.cause),
            reason: error.reason().map_or(Exit::of(error).reason(), Reason::as_str),
            effect: error.effect.as_str(),
            advice: error.advice(),
            error: Some(error),
        }
    }

    fn of_own(own: &Own) -> Self {
        let effect = if own.exit == Exit::InDoubt { "unknown" } else { "none" };
        Self { message: own.message.clone(), reason: own.reason, effect, advice: own.advice.to_string(), error: None }
    }

    fn write(&self, err: &mut impl Write) -> io::Result<()> {
        let doubt = if self.effect == "unknown" { " (it may have taken effect)" } else { "" };
        let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        writeln!(err, "{style}error:{style:#} {}{doubt}", self.message)?;
        let mut line = |name: &str, text: &str| {
            let style = Style::new().bold();
            writeln!(err, "  {style}{name}:{style:#} {text}")
        };
        if let Some(id) = self.error.and_then(|error| error.id.as_ref()) {
            line("id", id.text())?;
        }
        for tried in self.error.map_or(&[][..], |error| &error.tried) {
            let times = match tried.attempts {
                1 => String::new(),
                many => format!(" {many} times"),
            };
            line("tried", &format!("{}{times}: {}", tried.address, tried.last))?;
        }
        line("help", &self.advice)
    }

    fn document(&self) -> Json {
        let tried = self.error.map_or(&[][..], |error| &error.tried).iter().map(|tried| {
            json!({
                "address": tried.address,
                "attempts": tried.attempts,
                "reason": tried.last.reason.as_str(),
                "effect": tried.last.effect.as_str(),
                "message": tried.last.message,
                "metadata": tried.last.metadata,
            })
        });
        json!({
            "error": {
                "message": self.message,
                "reason": self.reason,
                "effect": self.effect,
                "id": self.error.and_then(|error| error.id.as_ref()).map(Id::text),
                "tried": tried.collect::<Vec<_>>(),
                "refusal": self.error.and_then(Error::refusal).map(json::refusal),
                "advice": self.advice,
            }
        })
    }
}

/// What would be printed on standard output, in a terminal of a width if there is one.
#[cfg(test)]
pub(super) fn printed_at(width: Option<usize>, output: Format, print: impl FnOnce(&mut Output) -> Result) -> Vec<u8> {
    use std::cell::RefCell;
    use std::rc::Rc;

    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let shared = Rc::new(RefCell::new(Vec::new()));
    let printing = Printing { output, quiet: true };
    print(&mut Output { out: Box::new(Shared(Rc::clone(&shared))), printing, width }).unwrap();
    shared.take()
}

#[cfg(test)]
impl Output {
    /// Prints nowhere.
    pub(super) fn silent() -> Self {
        Self { out: Box::new(io::sink()), printing: Printing::default(), width: None }
    }
}

/// What would be printed on standard output.
#[cfg(test)]
pub(super) fn printed(format: Format, print: impl FnOnce(&mut Output) -> Result) -> String {
    String::from_utf8(printed_at(None, format, print)).unwrap()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::client::{Cause, ErrorReport, Tried};
    use crate::types::{AttemptEffect, Found, History, LogTime, Outcome, Refusal, Sequence, Step, Verdict};

    use super::*;

    struct Pair {
        name: &'static str,
        count: u64,
        bytes: &'static [u8],
    }

    const PAIRS: [Pair; 2] = [
        Pair { name: "orders", count: 12, bytes: b"two\nlines, \"quoted\"" },
        Pair { name: "a", count: 3, bytes: b"\xff" },
    ];

    fn columns() -> Vec<Column<Pair>> {
        vec![
            Column::new("name", "NAME", |pair: &Pair| pair.name),
            Column::new("count", "COUNT", |pair: &Pair| pair.count),
            Column::json("twice", |pair: &Pair| pair.count * 2),
            Column::new("bytes", "P99.9 B/S", |pair: &Pair| bytes::Bytes::from_static(pair.bytes))
                .binary()
                .not_in_table(),
        ]
    }

    fn many(format: Format) -> Vec<u8> {
        printed_at(None, format, |out| out.many("pairs", &columns(), &PAIRS))
    }

    #[test]
    fn one_description_of_the_columns_makes_every_format() {
        assert_eq!(many(Format::Table), b"NAME    COUNT\norders  12\na       3\n");
        assert_eq!(many(Format::Plain), b"orders\t12\ttwo\nlines, \"quoted\"\na\t3\t\xff\n");
        let csv = "name,count,p99_9_b_per_s,p99_9_b_per_s_base64\r\n\
                   orders,12,\"two\nlines, \"\"quoted\"\"\",\r\na,3,,/w==\r\n";
        assert_eq!(String::from_utf8(many(Format::Csv)).unwrap(), csv);
        let lines = "{\"name\":\"orders\",\"count\":12,\"twice\":24,\"bytes\":\"two\\nlines, \\\"quoted\\\"\"}\n\
                     {\"name\":\"a\",\"count\":3,\"twice\":6,\"bytes_base64\":\"/w==\"}\n";
        assert_eq!(String::from_utf8(many(Format::Jsonl)).unwrap(), lines);
        let document: Json = serde_json::from_slice(&many(Format::Json)).unwrap();
        assert_eq!(document["pairs"][1], json!({"name": "a", "count": 3, "twice": 6, "bytes_base64": "/w=="}));
    }

    #[test]
    fn one_row_is_its_own_document() {
        let text = printed(Format::Json, |out| out.one(&columns()[..2], &PAIRS[0]));
        assert_eq!(text, "{\n  \"name\": \"orders\",\n  \"count\": 12\n}\n");
    }

    #[test]
    fn rows_that_come_one_by_one_have_the_headings_once() {
        let text = printed(Format::Table, |out| {
            out.headings(&columns())?;
            out.further_rows(&columns(), &PAIRS[..1])?;
            out.further_rows(&columns(), &PAIRS[1..])
        });
        assert_eq!(text, "NAME  COUNT\norders  12\na     3\n");
    }

    #[test]
    fn a_single_row_stands_upright_where_the_terminal_is_too_narrow_for_it() {
        let text = printed_at(Some(12), Format::Table, |out| out.one(&columns(), &PAIRS[0]));
        assert_eq!(String::from_utf8(text).unwrap(), "NAME   orders\nCOUNT  12\n");
    }

    fn error() -> Error {
        let no_leader = ErrorReport::without_effect(Reason::NoLeader, "an election is under way");
        let silent = ErrorReport::new(Reason::Foreign, AttemptEffect::Unknown, "no answer within 3.3 s");
        Error {
            doing: "append to log `orders`".to_owned(),
            id: Some(Id::new("pay-1").unwrap()),
            effect: AttemptEffect::Unknown,
            cause: Cause::TimeOver(Duration::from_secs(10)),
            tried: vec![
                Tried { address: "a:1".to_owned(), attempts: 7, last: no_leader },
                Tried { address: "b:1".to_owned(), attempts: 1, last: silent },
            ],
        }
    }

    fn told(format: Format, problem: impl Into<Problem>) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write_problem(&mut out, format, &problem.into()).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn an_error_says_what_failed_who_was_asked_and_what_to_do() {
        let expected = "\
error: cannot append to log `orders`: no node could do it within 10.0 s (it may have taken effect)
  id: pay-1
  tried: a:1 7 times: an election is under way
  tried: b:1: no answer within 3.3 s
  help: It may have taken effect. Send the same again under the id `pay-1` to find out, or settle that id: either is always safe.
";
        assert_eq!(told(Format::Table, error()), expected);
        assert_eq!(told(Format::Plain, error()), expected);
    }

    #[test]
    fn every_error_has_one_shape_in_json_whoever_found_it() {
        let document = |problem: Problem| serde_json::from_str::<Json>(&told(Format::Jsonl, problem)).unwrap();
        let theirs = document(error().into());
        assert_eq!((&theirs["error"]["effect"], &theirs["error"]["id"]), (&json!("unknown"), &json!("pay-1")));
        assert_eq!(theirs["error"]["reason"], "OUTCOME_UNKNOWN");
        assert_eq!(theirs["error"]["tried"][0]["reason"], "NO_LEADER");
        let ours = document(Problem::not_found("there is no cell `k`", "Check the key.").because(Reason::NoSuchCell));
        assert_eq!((&ours["error"]["reason"], &ours["error"]["effect"]), (&json!("NO_SUCH_CELL"), &json!("none")));
        let ours = document(Problem::usage("that cannot be", "Type something else."));
        assert_eq!((&ours["error"]["reason"], &ours["error"]["effect"]), (&json!("USAGE"), &json!("none")));
        let fields = |document: &Json| document["error"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&ours), fields(&theirs));
    }

    #[test]
    fn a_refusal_is_told_to_programs_in_its_parts() {
        let refusal = Refusal { step: Step::Action(0), found: Found::OutOfBounds(30) };
        let outcome = Outcome {
            verdict: Verdict::Refused(refusal.clone()),
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::ZERO,
        };
        let mut report = ErrorReport::without_effect(Reason::GuardFailed, refusal.to_string());
        report.outcome = Some(Box::new(outcome));
        let cause = Cause::Refused(Box::new(report));
        let refused = Error { cause, tried: Vec::new(), effect: AttemptEffect::None, ..error() };
        let document: Json = serde_json::from_str(&told(Format::Json, refused)).unwrap();
        let expected = json!({"step": "action", "index": 0, "found": "out_of_bounds", "value": 30});
        assert_eq!(document["error"]["refusal"], expected);
    }
}
