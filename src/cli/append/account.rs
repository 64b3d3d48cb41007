//! The account of an append that is under way: what became of its records, as it is counted and as it is told.
//!
//! - JSON lines and plain values tell every answer as it comes; of a batch the other formats tell the counts at the end.
//! - A line that failed is told as any error is, with its number. Without an outbox only the first are, and the rest are
//!   counted; what leaves an outbox is told however much there is.
//! - An entry leaves the outbox only after what became of it was printed. Where a batch prints the counts alone, what was
//!   appended is only counted.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::lines::Line;
use crate::cli::arguments::{Append, Format};
use crate::cli::call;
use crate::cli::column::Column;
use crate::cli::exit::Exit;
use crate::cli::outbox::{self, after_sending};
use crate::cli::output::Output;
use crate::cli::problem::Problem;
use crate::cli::stake::Stake;
use crate::cli::value::{self, Value, float};
use crate::client::outbox::{Delivery, Kept, Standing, Undelivered};
use crate::client::{Appended, Error};
use crate::types::{Command, Id, LogName, NewRecord, SpaceName};

/// How many lines that failed are told one by one.
const FAILURES_TOLD: u64 = 20;

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) space: SpaceName,
    pub(super) log: LogName,
    pub(super) id: Id,
    pub(super) appended: Appended,
}

pub(super) fn columns() -> Vec<Column<Answer>> {
    vec![
        Column::json("space", |answer: &Answer| answer.space.as_str().to_owned()),
        Column::json("log", |answer: &Answer| answer.log.as_str().to_owned()),
        Column::new("offset", "OFFSET", |answer: &Answer| answer.appended.first.0),
        Column::json("count", |answer: &Answer| answer.appended.count),
        Column::json("replayed", |answer: &Answer| answer.appended.replayed),
        Column::shown("ARRIVAL", |answer: &Answer| call::arrival(answer.appended.replayed)),
        Column::new("sequence", "SEQUENCE", |answer: &Answer| answer.appended.sequence.0),
        call::id_column(|answer: &Answer| &answer.id),
        Column::json("birth_ms", |answer: &Answer| value::birth_beside(&answer.id)),
        Column::json("history", |answer: &Answer| answer.appended.history.0),
        Column::json("time_ms", |answer: &Answer| answer.appended.time),
    ]
}

/// What became of a record that was sent over a stream, or from an outbox.
pub(super) enum Sent {
    Streamed(Result<Answer, Error>),
    Kept(Result<Delivery, Undelivered>),
}

#[derive(Debug, Default)]
struct Summary {
    /// An earlier run had left them in the outbox.
    waited: u64,
    lines: u64,
    /// They were not sent, because they say nothing that could be.
    malformed: u64,
    appended: u64,
    replayed: u64,
    /// Nodes answered that they never take effect as they are.
    refused: u64,
    /// They may have taken effect.
    in_doubt: u64,
    /// No node took them.
    failed: u64,
    seconds: f64,
    /// How the worst of them ended.
    worst: Exit,
}

fn counts() -> Vec<Column<Summary>> {
    vec![
        Column::new("waited", "WAITED", |summary: &Summary| summary.waited),
        Column::new("lines", "LINES", |summary: &Summary| summary.lines),
        Column::new("sent", "SENT", |summary: &Summary| summary.lines - summary.malformed),
        Column::new("appended", "APPENDED", |summary: &Summary| summary.appended),
        Column::new("replayed", "REPLAYED", |summary: &Summary| summary.replayed),
        Column::new("refused", "REFUSED", |summary: &Summary| summary.refused),
        Column::new("in_doubt", "IN DOUBT", |summary: &Summary| summary.in_doubt),
        Column::new("failed", "FAILED", |summary: &Summary| summary.failed),
        Column::new("malformed", "MALFORMED", |summary: &Summary| summary.malformed),
        Column::new("seconds", "SECONDS", |summary: &Summary| Value::Float(summary.seconds, 1)),
        Column::new("per_second", "PER SECOND", |summary: &Summary| {
            Value::Float((float(summary.answered()) / summary.seconds.max(0.001)).round(), 0)
        }),
    ]
}

impl Summary {
    fn answered(&self) -> u64 {
        self.appended + self.replayed
    }

    fn add_failure(&mut self, exit: Exit) {
        let count = match exit {
            Exit::InDoubt => &mut self.in_doubt,
            Exit::Unavailable => &mut self.failed,
            Exit::Done | Exit::Failure | Exit::Usage | Exit::NotFound | Exit::Conflict | Exit::Command(_) => {
                &mut self.refused
            }
        };
        *count += 1;
        self.worst = self.worst.worse(exit);
    }

    fn add_malformed(&mut self) {
        self.malformed += 1;
        self.worst = self.worst.worse(Exit::Usage);
    }
}

pub(super) struct Account<'a> {
    append: &'a Append,
    pub(super) out: &'a mut Output,
    summary: Summary,
    progress: ProgressBar,
    failures: u64,
    started: Instant,
    /// Answers that are printed at the end, in one piece.
    untold: Vec<(Answer, Kept)>,
}

impl<'a> Account<'a> {
    /// Begins with nothing. The size is that of all lines, if it is known.
    pub(super) fn new(append: &'a Append, out: &'a mut Output, size: Option<u64>) -> Self {
        let progress = if append.batch.is_some() { progress(out, size) } else { ProgressBar::hidden() };
        let (summary, started, untold) = (Summary::default(), Instant::now(), Vec::new());
        Self { append, out, summary, progress, failures: 0, started, untold }
    }

    fn prints_answers(&self) -> bool {
        matches!(self.out.format(), Format::Jsonl | Format::Plain)
    }

    /// What a line asks for; one that says nothing that could be sent is told.
    pub(super) fn take(&mut self, line: Line) -> Option<(u64, Option<Id>, NewRecord)> {
        self.summary.lines += 1;
        self.progress.inc(line.bytes);
        match line.append {
            Ok((id, record)) => Some((line.number, id, record)),
            Err(message) => {
                self.malformed(line.number, &message);
                None
            }
        }
    }

    pub(super) fn malformed(&mut self, line: u64, message: &str) {
        self.summary.add_malformed();
        self.report(&Problem::usage(format!("line {line}: {message}"), "Correct the line, and append it."));
    }

    /// Says as a JSON line that a record is on disk; the other formats say only what became of it.
    pub(super) fn kept(&mut self, line: Option<u64>, kept: &Kept) -> Result<(), Problem> {
        if self.out.format() != Format::Jsonl {
            return Ok(());
        }
        let Command { space, id, .. } = &kept.entry().command;
        let columns = [
            Column::given_json("kept", id.text()),
            Column::given_json("space", space.as_str()),
            Column::given_json("log", kept.entry().appends_to().map(LogName::as_str)),
            Column::given_json("entry", kept.entry().number.0),
            Column::given_json("line", line),
        ];
        self.out.rows(&columns, &[()])?;
        self.out.flush()
    }

    /// Takes in what became of a record; one without a line was not read from the batch. It leaves the outbox once that is
    /// told. `false`: nothing is decided about it.
    pub(super) async fn tell(&mut self, line: Option<u64>, sent: Sent) -> Result<bool, Problem> {
        self.summary.waited += u64::from(line.is_none());
        let told = match sent {
            Sent::Streamed(Ok(answer)) => return self.answered(&answer).map(|()| true),
            Sent::Streamed(Err(error)) => {
                self.failed(line, Box::new(error), None);
                return Ok(true);
            }
            Sent::Kept(Ok(delivery)) => {
                let answer = answer(&delivery)?;
                if self.append.batch.is_none() && !self.prints_answers() {
                    self.untold.push((answer, delivery.kept));
                    return Ok(true);
                }
                self.answered(&answer)?;
                delivery.kept
            }
            Sent::Kept(Err(undelivered)) => {
                let (standing, advice) = (undelivered.standing(), outbox::advice(&undelivered));
                self.failed(line, undelivered.error, Some(advice));
                match standing {
                    Standing::Open => return Ok(false),
                    Standing::TooOld | Standing::SpaceDeleted => return Ok(true),
                    Standing::Refused | Standing::Reused => undelivered.kept,
                }
            }
        };
        told.confirm().await.map_err(after_sending)?;
        Ok(true)
    }

    fn answered(&mut self, answer: &Answer) -> Result<(), Problem> {
        let count = if answer.appended.replayed { &mut self.summary.replayed } else { &mut self.summary.appended };
        *count += 1;
        if self.progress.length().is_none() {
            self.progress.set_message(format!("{} answered", self.summary.answered()));
        }
        if !self.prints_answers() {
            return Ok(());
        }
        self.out.rows(&columns(), std::slice::from_ref(answer))?;
        self.out.flush()
    }

    /// Takes in that a record was not appended, or may not have been. With an outbox there is advice about its entry.
    fn failed(&mut self, line: Option<u64>, mut error: Box<Error>, advice: Option<String>) {
        self.summary.add_failure(Exit::of(&error));
        if self.append.batch.is_some() {
            let which = line.map_or_else(|| "left by an earlier run".to_owned(), |line| format!("line {line}"));
            error.doing = format!("{} ({which})", error.doing);
        }
        self.report(&match advice {
            Some(advice) => Problem::Advised(error, advice),
            None => Problem::Client(error),
        });
    }

    fn report(&mut self, problem: &Problem) {
        self.failures += 1;
        self.progress.suspend(|| {
            let has_outbox = self.append.outbox.is_some();
            if has_outbox || self.failures <= FAILURES_TOLD {
                self.out.report(problem);
            }
            if !has_outbox && self.failures == FAILURES_TOLD {
                self.out.note("further lines that fail are only counted");
            }
        });
    }

    /// Tells what all came to, or what ended it that concerns more than a record. What became of those before counts, too.
    pub(super) async fn finish(mut self, sent: Result<(), Problem>) -> Result<Exit, Problem> {
        self.progress.finish_and_clear();
        if sent.is_err() {
            return Ok(self.out.worse(self.summary.worst, sent));
        }
        if self.append.batch.is_some() {
            self.print_counts()?;
        } else if !self.untold.is_empty() {
            let (answers, kept): (Vec<_>, Vec<_>) = self.untold.into_iter().unzip();
            self.out.many("answers", &columns(), &answers)?;
            self.out.flush()?;
            for kept in kept {
                kept.confirm().await.map_err(after_sending)?;
            }
        }
        Ok(self.summary.worst)
    }

    fn print_counts(&mut self) -> Result<(), Problem> {
        // Nothing of it waits in the outbox to be printed.
        self.out.stakes(Stake::Change);
        let summary = &mut self.summary;
        summary.seconds = (self.started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
        match self.out.format() {
            Format::Table | Format::Json | Format::Csv => self.out.one(&counts(), summary)?,
            // The answers were printed; what they come to is a note.
            Format::Jsonl | Format::Plain => {
                let told: Vec<_> = counts().iter().map(|column| column.told(summary)).collect();
                self.out.note(&told.join(", "));
            }
        }
        self.out.flush()
    }
}

fn answer(delivery: &Delivery) -> Result<Answer, Problem> {
    let entry = delivery.kept.entry();
    let (Some(appended), Some(log)) = (delivery.appended(), entry.appends_to()) else {
        let message = format!("a node answered the append `{}` with other results", delivery.kept.id());
        return Err(Problem::in_doubt(message, "Use builds of the same version. The entry stays in the outbox."));
    };
    let Command { space, id, .. } = &entry.command;
    Ok(Answer { space: space.clone(), log: log.clone(), id: id.clone(), appended })
}

fn progress(out: &Output, size: Option<u64>) -> ProgressBar {
    if out.is_quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (progress, template) = match size {
        Some(size) => (ProgressBar::new(size), "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"),
        None => (ProgressBar::no_length(), "{spinner} {msg}  {bytes} read  {bytes_per_sec}"),
    };
    progress.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use crate::cli::arguments::{self, ClientCommand, Command};
    use crate::cli::output::printed;
    use crate::client::Client;
    use crate::types::{History, LogTime, Offset, Sequence};

    use super::*;

    #[test]
    fn the_exit_code_tells_the_worst_that_happened() {
        let exit = |failures: &[Exit]| {
            let mut summary = Summary { appended: 9, replayed: 1, ..Summary::default() };
            for exit in failures {
                summary.add_failure(*exit);
            }
            summary.worst
        };
        assert_eq!(exit(&[]), Exit::Done);
        assert_eq!(exit(&[Exit::NotFound]), Exit::NotFound);
        assert_eq!(exit(&[Exit::Failure, Exit::NotFound]), Exit::Failure);
        assert_eq!(exit(&[Exit::Conflict, Exit::InDoubt]), Exit::InDoubt);
        assert_eq!(exit(&[Exit::InDoubt, Exit::Unavailable]), Exit::InDoubt);
        assert_eq!(exit(&[Exit::Unavailable, Exit::Failure]), Exit::Unavailable);
        let mut summary = Summary::default();
        summary.add_malformed();
        assert_eq!((summary.worst, summary.malformed), (Exit::Usage, 1));
        summary.add_failure(Exit::Conflict);
        assert_eq!((summary.worst, summary.refused), (Exit::Conflict, 1));
    }

    #[test]
    fn the_answer_says_where_and_whether_it_was_the_first() {
        let appended = Appended {
            first: Offset(41),
            count: 1,
            replayed: true,
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::from_ms(5).unwrap(),
        };
        let (log, id) = (LogName::new("orders").unwrap(), Id::new("pay-1").unwrap());
        let answer = Answer { space: SpaceName::main(), log, id, appended };
        let printed = |format| printed(format, |out| out.one(&columns(), &answer));
        assert_eq!(printed(Format::Table), "OFFSET  ARRIVAL   SEQUENCE  ID\n41      replayed  9         pay-1\n");
        assert_eq!(printed(Format::Plain), "41\treplayed\t9\tpay-1\n");
        let expected = "{\"space\":\"main\",\"log\":\"orders\",\"offset\":41,\"count\":1,\"replayed\":true,\"sequence\":9,\
                        \"id\":\"pay-1\",\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl), expected);
    }

    #[tokio::test]
    async fn what_no_node_takes_is_kept_and_waits_in_order() {
        let directory = tempfile::TempDir::new().unwrap();
        let words = ["oncelog", "append", "payments", "7 EUR", "--outbox", "outbox"].map(OsString::from);
        let (command, _) = arguments::read(&words, |_| None).unwrap();
        let Command::Client(ClientCommand::Append(append)) = command else { panic!("it appends") };
        // Nothing listens there.
        let client = Client::builder().addresses(["127.0.0.1:1"]).timeout(Duration::from_millis(200)).build().unwrap();
        let sender = outbox::open(&client, &directory.path().join("outbox")).await.unwrap();
        for (id, number) in [("pay-1", 1), ("pay-2", 2)] {
            let log = LogName::new("payments").unwrap();
            let payment = sender.make_append(&log, [NewRecord::new("7 EUR")], Some(Id::new(id).unwrap()));
            let kept = sender.keep([payment]).await.unwrap();
            let line = printed(Format::Jsonl, |out| {
                let mut account = Account::new(&append, out, None);
                kept.iter().try_for_each(|kept| account.kept(None, kept))
            });
            let expected =
                format!("{{\"kept\":\"{id}\",\"space\":\"main\",\"log\":\"payments\",\"entry\":{number}}}\n");
            assert_eq!(line, expected);
            let mut out = Output::silent();
            let mut account = Account::new(&append, &mut out, None);
            for kept in kept {
                assert!(!account.tell(None, Sent::Kept(kept.send().await)).await.unwrap());
            }
            assert_eq!(account.finish(Ok(())).await.unwrap(), Exit::Unavailable);
        }
        let waiting = sender.waiting().await.unwrap();
        assert_eq!(waiting.iter().map(|kept| kept.id().text()).collect::<Vec<_>>(), ["pay-1", "pay-2"]);
    }
}
