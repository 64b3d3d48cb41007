//! The one place that prints: answers on standard output, everything else on standard error.
//!
//! - A table is for people. JSON is one document, JSON lines are one object a row. Plain values are separated by tabs, a line a
//!   row, without headings; a record or a single cell is its bare bytes. CSV is RFC 4180, with whole values.
//! - Errors have one shape, whoever found them.

use std::io::{self, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};

use crate::client::{Cause, Error, Reason, Tried};
use crate::types::{AttemptEffect, Found, Id, Lock, Refusal, Step};

use super::arguments::{Format, Printing};
use super::column::{Column, Trait};
use super::exit::Exit;
use super::json;
use super::problem::Problem;
use super::stake::Stake;
use super::table::Layout;

type Result<T = ()> = std::result::Result<T, Problem>;

/// Where a command prints.
pub(super) struct Output {
    out: Box<dyn Write>,
    printing: Printing,
    stake: Stake,
    /// The id of the command whose answer is printed.
    id: Option<Id>,
    /// How wide the terminal is, if standard output is one.
    width: Option<usize>,
}

impl Output {
    /// Prints to standard output and standard error.
    pub(super) fn new(printing: Printing) -> Self {
        let stdout = io::stdout();
        let width = if stdout.is_terminal() { terminal_size::terminal_size_of(&stdout) } else { None };
        let width = width.map(|(terminal_size::Width(columns), _)| columns.into());
        Self { out: Box::new(io::BufWriter::new(stdout)), printing, stake: Stake::Stream, id: None, width }
    }

    /// What is at stake from now on if the answer can't be printed.
    pub(super) fn stakes(&mut self, stake: Stake) {
        self.stake = stake;
    }

    /// Whose answer is printed from now on.
    pub(super) fn answers(&mut self, id: &Id) {
        self.id = Some(id.clone());
    }

    pub(super) fn format(&self) -> Format {
        self.printing.output
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.printing.quiet
    }

    pub(super) fn flush(&mut self) -> Result {
        let flushed = self.out.flush();
        self.judge(flushed)
    }

    /// Prints one row; as JSON it is the document itself.
    pub(super) fn one<R>(&mut self, columns: &[Column<R>], row: &R) -> Result {
        if self.format() == Format::Json {
            return self.document(&object(columns, row));
        }
        self.rows(columns, std::slice::from_ref(row))
    }

    /// Prints many rows; the JSON document is an object that has them under a name.
    pub(super) fn many<R>(&mut self, name: &'static str, columns: &[Column<R>], rows: &[R]) -> Result {
        self.many_in(&[], name, columns, rows)
    }

    /// The same, in a JSON document that also says something about all of them.
    pub(super) fn many_in<R>(
        &mut self,
        head: &[Column<()>],
        name: &'static str,
        columns: &[Column<R>],
        rows: &[R],
    ) -> Result {
        if self.format() != Format::Json {
            return self.rows(columns, rows);
        }
        let all = (name.to_owned(), objects(columns, rows));
        self.document(&Json::Object(fields(head, &()).chain([all]).collect()))
    }

    /// Prints rows that need nothing around them; as JSON each is a line.
    pub(super) fn rows<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result {
        if self.format() == Format::Table {
            return self.verbatim(&Layout::new(columns, Some(rows), self.width).lines(rows));
        }
        self.headings(columns)?;
        self.further_rows(columns, rows)
    }

    /// Prints the headings of rows that come one by one. As people see them their columns are as wide as they mostly are.
    pub(super) fn headings<R>(&mut self, columns: &[Column<R>]) -> Result {
        match self.format() {
            Format::Table => self.verbatim(&Layout::new(columns, None, self.width).headings()),
            Format::Csv => self.verbatim(&csv_line(columns, None)),
            Format::Json | Format::Jsonl | Format::Plain => Ok(()),
        }
    }

    /// Prints rows under headings that are there already.
    pub(super) fn further_rows<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result {
        let layout = Layout::new(columns, None, self.width);
        rows.iter().try_for_each(|row| {
            let line = match self.format() {
                Format::Table => layout.row(row).into_bytes(),
                Format::Json | Format::Jsonl => json_line(columns, row),
                Format::Plain => {
                    let plain = columns.iter().filter(|column| column.heading.is_some() && !column.is(Trait::NotPlain));
                    let values: Vec<_> = plain.map(|column| column.value(row).plain()).collect();
                    [values.join(&b'\t'), b"\n".to_vec()].concat()
                }
                Format::Csv => csv_line(columns, Some(row)).into_bytes(),
            };
            self.bytes(&line)
        })
    }

    /// Says something more in a line of its own; the machine formats say it in their own way.
    pub(super) fn text(&mut self, text: &str) -> Result {
        if self.format() == Format::Table { self.verbatim(&format!("{text}\n")) } else { Ok(()) }
    }

    /// Prints a text as it is.
    pub(super) fn verbatim(&mut self, text: &str) -> Result {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result {
        let written = self.out.write_all(bytes);
        self.judge(written)
    }

    /// Says on standard error what no program needs, unless it is to be quiet.
    pub(super) fn note(&self, text: &str) {
        note(self.printing, text);
    }

    /// Says on standard error what went wrong, and what to do.
    pub(super) fn report(&self, problem: &Problem) {
        report(self.printing, problem);
    }

    /// The same of an error after which a command goes on, unless it is to be quiet.
    pub(super) fn complain(&self, error: Error) {
        if !self.is_quiet() {
            self.report(&error.into());
        }
    }

    /// Says of several parts of a command how it ends: what failed in this one is reported, and the worst counts.
    pub(super) fn worse(&self, exit: Exit, part: Result) -> Exit {
        match part {
            Ok(()) => exit,
            Err(problem) => {
                self.report(&problem);
                exit.worse(problem.exit())
            }
        }
    }

    /// What it means that standard output was written, or was not.
    fn judge(&self, written: io::Result<()>) -> Result {
        const WHERE: &str = "Check where standard output goes";
        let Err(error) = written else { return Ok(()) };
        let is_unread = error.kind() == io::ErrorKind::BrokenPipe;
        let message = format!("cannot write the answer: {error}");
        Err(match self.stake {
            Stake::Stream if is_unread => Problem::NobodyReads,
            Stake::Answer | Stake::Change if is_unread => return Ok(()),
            Stake::Stream | Stake::Answer => Problem::failure(message, format!("{WHERE}.")),
            Stake::Change => {
                let ids = self.id.as_ref().map_or_else(|| "the same ids".to_owned(), |id| format!("the id `{id}`"));
                let advice = format!("{WHERE}. Send the same again with {ids} to find out: that is always safe.");
                Problem::in_doubt(message, advice).about(self.id.clone())
            }
            Stake::Outbox { changes } => {
                let message = if is_unread { "nobody reads the answers any more".to_owned() } else { message };
                let advice = "What was not printed stays in the outbox: the next `append --outbox` sends it, and \
                              `settle --outbox` prints what became of it.";
                if changes { Problem::in_doubt(message, advice) } else { Problem::failure(message, advice) }
            }
        })
    }

    fn document(&mut self, document: &Json) -> Result {
        self.verbatim(&format!("{document:#}\n"))
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

fn fields<R>(columns: &[Column<R>], row: &R) -> impl Iterator<Item = (String, Json)> {
    columns.iter().filter_map(|column| column.value(row).field(column.name?))
}

/// A row as a JSON object.
pub(super) fn object<R>(columns: &[Column<R>], row: &R) -> Json {
    Json::Object(fields(columns, row).collect())
}

/// Rows as a list of JSON objects.
pub(super) fn objects<R>(columns: &[Column<R>], rows: &[R]) -> Json {
    rows.iter().map(|row| object(columns, row)).collect()
}

/// A row as a line of JSON.
pub(super) fn json_line<R>(columns: &[Column<R>], row: &R) -> Vec<u8> {
    format!("{}\n", object(columns, row)).into_bytes()
}

/// One line of RFC 4180: of a row, or of the headings.
fn csv_line<R>(columns: &[Column<R>], row: Option<&R>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    columns.iter().flat_map(|column| column.csv(row)).map(quoted).collect::<Vec<_>>().join(",") + "\r\n"
}

fn write_problem(err: &mut impl Write, format: Format, problem: &Problem) -> io::Result<()> {
    let (message, reason, effect, advice, id, error) = match problem {
        Problem::NobodyReads => return Ok(()),
        Problem::Client(error) | Problem::Advised(error, _) => {
            let advice = if let Problem::Advised(_, advice) = problem { advice.clone() } else { error.advice() };
            let reason = error.reason().map_or(problem.exit().reason(), Reason::as_str);
            let message = format!("cannot {}: {}", error.doing, error.cause);
            (message, reason, error.effect, advice, &error.id, Some(error))
        }
        Problem::Own(own) => {
            let effect = if own.exit == Exit::InDoubt { AttemptEffect::Unknown } else { AttemptEffect::None };
            (own.message.clone(), own.reason, effect, own.advice.to_string(), &own.id, None)
        }
    };
    let id = id.as_ref().map(Id::text);
    let tried = error.map_or(&[][..], |error| &error.tried);
    if matches!(format, Format::Json | Format::Jsonl) {
        let attempts = |Tried { address, attempts, last }: &Tried| {
            json!({
                "address": address, "attempts": attempts, "reason": last.reason.as_str(), "effect": last.effect.as_str(),
                "message": last.message, "metadata": last.metadata,
            })
        };
        let document = json!({
            "message": message, "reason": reason, "effect": effect.as_str(), "id": id,
            "tried": tried.iter().map(attempts).collect::<Json>(),
            "refusal": error.and_then(|error| refusal(error)).as_ref().map(json::refusal), "advice": advice,
        });
        return writeln!(err, "{}", json!({ "error": document }));
    }
    let (bold, red) = (Style::new().bold(), Style::new().bold().fg_color(Some(AnsiColor::Red.into())));
    let doubt = if problem.exit() == Exit::InDoubt { " (it may have taken effect)" } else { "" };
    writeln!(err, "{red}error:{red:#} {message}{doubt}")?;
    if let Some(id) = id {
        writeln!(err, "  {bold}id:{bold:#} {id}")?;
    }
    // A final answer has said it all.
    let is_final = error.is_some_and(|error| matches!(error.cause, Cause::Refused(_)));
    for Tried { address, attempts, last } in tried.iter().filter(|_| !is_final) {
        let times = if *attempts == 1 { String::new() } else { format!(" {attempts} times") };
        writeln!(err, "  {bold}tried:{bold:#} {address}{times}: {last}")?;
    }
    writeln!(err, "  {bold}help:{bold:#} {advice}")
}

/// Which step of a command was refused. Whoever wants a lock that is held was refused, too, perhaps several times.
fn refusal(error: &Error) -> Option<Refusal> {
    let Cause::LockHeld(lock) = &error.cause else { return error.refusal().cloned() };
    let Lock { holder, token, expires } = (**lock).clone();
    Some(Refusal { step: Step::Action(0), found: Found::LockHeld { holder, token, expires } })
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
    let out: Box<dyn Write> = Box::new(Shared(Rc::clone(&shared)));
    print(&mut Output { out, printing, stake: Stake::Stream, id: None, width }).unwrap();
    shared.take()
}

#[cfg(test)]
impl Output {
    /// Prints nowhere.
    pub(super) fn silent() -> Self {
        Self::to(io::sink(), Format::Table)
    }

    /// Prints to a pipe whose reader has gone.
    pub(super) fn unread(output: Format) -> Self {
        let (_gone, writer) = io::pipe().unwrap();
        Self::to(writer, output)
    }

    fn to(out: impl Write + 'static, output: Format) -> Self {
        let printing = Printing { output, quiet: true };
        Self { out: Box::new(out), printing, stake: Stake::Stream, id: None, width: None }
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

    use crate::client::ErrorReport;
    use crate::types::{History, Holder, LogTime, Outcome, Sequence, Token, Verdict};

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
                .with(Trait::Binary)
                .with(Trait::NotInTable),
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

    #[test]
    fn a_reader_that_goes_ends_a_stream_and_is_a_doubt_only_where_an_outbox_waits_for_it() {
        let unread = |stake| {
            let mut out = Output::unread(Format::Plain);
            out.stakes(stake);
            out.rows(&columns(), &PAIRS).and_then(|()| out.flush())
        };
        assert!(matches!(unread(Stake::Stream), Err(Problem::NobodyReads)));
        for stake in [Stake::Answer, Stake::Change] {
            assert!(unread(stake).is_ok(), "{stake:?}");
        }
        assert_eq!(unread(Stake::Outbox { changes: true }).unwrap_err().exit(), Exit::InDoubt);
        assert_eq!(unread(Stake::Outbox { changes: false }).unwrap_err().exit(), Exit::Failure);
    }

    #[test]
    fn of_the_parts_of_a_command_the_worst_decides_how_it_ends() {
        let out = Output::silent();
        let failure = || Err(Problem::failure("it failed", "Look."));
        assert_eq!(out.worse(Exit::InDoubt, failure()), Exit::InDoubt);
        assert_eq!(out.worse(Exit::Conflict, failure()), Exit::Failure);
        assert_eq!(out.worse(Exit::Conflict, Ok(())), Exit::Conflict);
    }

    #[test]
    fn a_change_whose_answer_cannot_be_written_is_a_doubt_about_its_id() {
        let full = |stake| {
            let mut out = Output::to(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap(), Format::Jsonl);
            out.stakes(stake);
            out.answers(&Id::new("pay-1").unwrap());
            out.one(&columns(), &PAIRS[0]).unwrap_err()
        };
        let told = told(Format::Json, full(Stake::Change));
        let document: Json = serde_json::from_str(&told).unwrap();
        let error = &document["error"];
        assert_eq!((&error["id"], &error["effect"]), (&json!("pay-1"), &json!("unknown")), "{told}");
        assert_eq!(error["reason"], "OUTCOME_UNKNOWN");
        assert_eq!(full(Stake::Change).exit(), Exit::InDoubt);
        assert_eq!(full(Stake::Outbox { changes: true }).exit(), Exit::InDoubt);
        for stake in [Stake::Stream, Stake::Answer, Stake::Outbox { changes: false }] {
            assert_eq!(full(stake).exit(), Exit::Failure, "{stake:?}");
        }
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

    #[test]
    fn who_holds_a_lock_and_how_long_is_told_to_programs_in_the_same_parts() {
        let token = Token { history: History(3), sequence: Sequence(17) };
        let expires = LogTime::from_ms(1_760_000_000_123).unwrap();
        let lock = Lock { holder: Holder::new("ada").unwrap(), token, expires };
        let cause = Cause::LockHeld(Box::new(lock));
        let held = Error { cause, tried: Vec::new(), effect: AttemptEffect::None, ..error() };
        let document: Json = serde_json::from_str(&told(Format::Json, held)).unwrap();
        assert_eq!(document["error"]["reason"], "GUARD_FAILED");
        let expected = json!({
            "step": "action", "index": 0, "found": "lock_held",
            "holder": "ada", "token": "3/17", "expires_ms": 1_760_000_000_123_u64,
        });
        assert_eq!(document["error"]["refusal"], expected);
    }
}
