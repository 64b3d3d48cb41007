//! The account of a batch that is under way: what became of its lines, as it is counted and as it is told.
//!
//! - JSON lines and plain values tell every answer; the other formats tell the counts at the end.
//! - A line that failed is told as any error is, with its number. Without an outbox only the first are, and the rest are
//!   counted; what leaves an outbox is told however much there is.

use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::lines::Line;
use crate::cli::append::{self, Answer};
use crate::cli::arguments::{Append, Format};
use crate::cli::column::Column;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::cli::problem::Problem;
use crate::cli::stake::Stake;
use crate::cli::value::{Value, float};
use crate::client::Error;
use crate::types::{Id, NewRecord};

/// How many lines that failed are told one by one.
const FAILURES_TOLD: u64 = 20;

/// What became of all lines.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// An earlier run had left them in the outbox.
    pub(super) waited: u64,
    lines: u64,
    sent: u64,
    appended: u64,
    replayed: u64,
    /// Nodes answered that they never take effect as they are.
    refused: u64,
    /// They may have taken effect.
    in_doubt: u64,
    /// No node took them.
    failed: u64,
    /// They were not sent, because they say nothing that could be.
    malformed: u64,
    seconds: f64,
    /// How the worst of them ended.
    worst: Exit,
}

fn columns() -> Vec<Column<Summary>> {
    vec![
        Column::new("waited", "WAITED", |summary: &Summary| summary.waited),
        Column::new("lines", "LINES", |summary: &Summary| summary.lines),
        Column::new("sent", "SENT", |summary: &Summary| summary.sent),
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

/// The account.
pub(super) struct Account<'a> {
    append: &'a Append,
    pub(super) out: &'a mut Output,
    pub(super) summary: Summary,
    progress: ProgressBar,
    failures_told: u64,
    started: Instant,
}

impl<'a> Account<'a> {
    /// Begins with nothing. The size is that of all lines, if it is known.
    pub(super) fn new(append: &'a Append, out: &'a mut Output, size: Option<u64>) -> Self {
        let (progress, summary) = (progress(out, size), Summary::default());
        Self { append, out, summary, progress, failures_told: 0, started: Instant::now() }
    }

    /// What a line asks for; one that says nothing that could be sent is told.
    pub(super) fn take(&mut self, line: Line) -> Option<(u64, Option<Id>, NewRecord)> {
        self.summary.lines += 1;
        self.progress.inc(line.bytes);
        let read = line.append.and_then(|(id, record)| {
            let numbered = || self.append.id_prefix.as_ref().map(|prefix| Id::new(format!("{prefix}{}", line.number)));
            let id = id.map(Ok).or_else(numbered).transpose().map_err(|error| error.to_string())?;
            Ok((line.number, id, record))
        });
        self.summary.sent += u64::from(read.is_ok());
        read.map_err(|message| self.malformed(line.number, &message)).ok()
    }

    /// Tells that a line was not sent.
    pub(super) fn malformed(&mut self, line: u64, message: &str) {
        self.summary.add_malformed();
        self.tell(&Problem::usage(format!("line {line}: {message}"), "Correct the line, and append it."));
    }

    /// The same of a line that had seemed good.
    pub(super) fn malformed_after_all(&mut self, line: u64, message: &str) {
        self.summary.sent -= 1;
        self.malformed(line, message);
    }

    /// Takes in that a line was appended.
    pub(super) fn answered(&mut self, answer: &Answer) -> Result<(), Problem> {
        let count = if answer.appended.replayed { &mut self.summary.replayed } else { &mut self.summary.appended };
        *count += 1;
        if self.progress.length().is_none() {
            self.progress.set_message(format!("{} answered", self.summary.answered()));
        }
        if !matches!(self.out.format(), Format::Jsonl | Format::Plain) {
            return Ok(());
        }
        self.out.rows(&append::columns(), std::slice::from_ref(answer))?;
        self.out.flush()
    }

    /// Takes in that a line was not appended, or may not have been. Without a number it was left by an earlier run. With an
    /// outbox there is advice about its entry.
    pub(super) fn failed(&mut self, line: Option<u64>, mut error: Box<Error>, advice: Option<String>) {
        self.summary.add_failure(Exit::of(&error));
        let which = line.map_or_else(|| "left by an earlier run".to_owned(), |line| format!("line {line}"));
        error.doing = format!("{} ({which})", error.doing);
        self.tell(&match advice {
            Some(advice) => Problem::Advised(error, advice),
            None => Problem::Client(error),
        });
    }

    fn tell(&mut self, problem: &Problem) {
        self.failures_told += 1;
        let is_told = self.append.outbox.is_some() || self.failures_told <= FAILURES_TOLD;
        let is_last = self.append.outbox.is_none() && self.failures_told == FAILURES_TOLD;
        self.progress.suspend(|| {
            if is_told {
                self.out.report(problem);
            }
            if is_last {
                self.out.note("further lines that fail are only counted");
            }
        });
    }

    /// Ends it because of something that concerns more than a line. What became of the lines before counts, too.
    pub(super) fn give_up(self, problem: Problem) -> Exit {
        self.progress.finish_and_clear();
        self.out.worse(self.summary.worst, Err(problem))
    }

    /// Tells what all came to.
    pub(super) fn finish(mut self) -> Result<Exit, Problem> {
        self.progress.finish_and_clear();
        // Nothing of it waits in the outbox to be printed.
        self.out.stakes(Stake::Change);
        let summary = &mut self.summary;
        summary.seconds = (self.started.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
        let told = match self.out.format() {
            Format::Table | Format::Json | Format::Csv => self.out.one(&columns(), summary),
            // The answers were printed; what they come to is a note.
            Format::Jsonl | Format::Plain => {
                let counts: Vec<_> = columns().iter().map(|column| column.told(summary)).collect();
                self.out.note(&counts.join(", "));
                Ok(())
            }
        };
        told.and_then(|()| self.out.flush()).map(|()| summary.worst)
    }
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
}
