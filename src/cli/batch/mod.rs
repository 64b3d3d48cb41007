//! `append --batch`: every line of a file or a pipe is a record, sent over one stream.
//!
//! - The lines are appended in their order, each once: those that were sent when a node or a connection failed are sent
//!   again under their ids.
//! - A line that cannot be sent, or is refused, is told with its number and holds nothing back.
//! - With ids of one's own (in the lines, or by `--id-prefix`) the whole batch may be run again: what was appended before
//!   is answered *replayed*.
//! - With an outbox lines are kept on disk before they are sent ([`kept`]).

mod kept;
mod lines;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read};
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use self::lines::{Line, Reader};
use super::append::{self, Answer};
use super::arguments::{Append, Format, Lines};
use super::call::Call;
use super::column::Column;
use super::exit::Exit;
use super::outbox;
use super::output::Output;
use super::problem::Problem;
use super::value::{Value, float};
use crate::client::{Appended, Client, Error, Kind, Receipt};
use crate::types::{Id, SpaceName};

/// How many lines are read ahead of what is sent.
const LINES_AHEAD: usize = 64;
/// What to do about a line that says nothing that could be sent.
const MEND: &str = "Mend the line, and append it.";
/// How many wrong lines are told one by one.
const COMPLAINTS: u64 = 20;

/// What became of all lines.
#[derive(Debug, Default)]
struct Summary {
    /// An earlier run had left them in the outbox.
    waited: u64,
    lines: u64,
    sent: u64,
    appended: u64,
    replayed: u64,
    refused: u64,
    /// They may have taken effect.
    in_doubt: u64,
    /// No node took them.
    failed: u64,
    /// They were not sent, because they say nothing that could be.
    malformed: u64,
    seconds: f64,
    per_second: f64,
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
        Column::new("per_second", "PER SECOND", |summary: &Summary| Value::Float(summary.per_second, 0)),
    ]
}

impl Summary {
    fn exit(&self) -> Exit {
        if self.in_doubt > 0 {
            Exit::InDoubt
        } else if self.failed > 0 {
            Exit::Unavailable
        } else if self.refused > 0 {
            Exit::Conflict
        } else if self.malformed > 0 {
            Exit::Usage
        } else {
            Exit::Done
        }
    }

    fn count(&mut self, result: &Result<Appended, Error>) {
        match result {
            Ok(appended) if appended.replayed => self.replayed += 1,
            Ok(_) => self.appended += 1,
            Err(error) => self.count_error(error),
        }
    }

    fn count_error(&mut self, error: &Error) {
        if error.in_doubt() {
            self.in_doubt += 1;
        } else if error.kind() == Kind::Unavailable {
            self.failed += 1;
        } else {
            self.refused += 1;
        }
    }
}

/// Appends all lines of the source that `--batch` names.
pub(super) async fn run(call: &mut Call, append: Append) -> Result<Exit, Problem> {
    let source = append.batch.as_deref().unwrap_or("-");
    let client = call.client.clone();
    let sender = match &append.outbox {
        Some(path) => Some(outbox::open(&client, path).await?),
        None => None,
    };
    let (reader, size) = open(source)?;
    let progress = progress(&call.out, size);
    let mut batch = Batch {
        space: &call.speaking.space,
        append: &append,
        progress,
        summary: Summary::default(),
        complaints: 0,
        out: &mut call.out,
        nobody_reads: false,
        started: Instant::now(),
    };
    if let Some(sender) = &sender
        && !kept::send_waiting(sender, &mut batch).await?
    {
        return batch.finish();
    }
    let (mut lines, reading) = read_ahead(reader, append.lines);
    let all_read = if let Some(sender) = &sender {
        kept::send(sender, &mut batch, &mut lines).await?
    } else {
        send(&client, &mut batch, &mut lines).await?;
        true
    };
    let exit = batch.finish()?;
    if let Some(sender) = sender {
        sender.outbox().clone().close().await?;
    }
    if all_read {
        let read = reading.await.map_err(|error| unreadable(source, &io::Error::other(error)))?;
        read.map_err(|error| unreadable(source, &error))?;
    }
    Ok(exit)
}

/// Sends all lines in their order, over one stream.
async fn send(client: &Client, batch: &mut Batch<'_>, lines: &mut mpsc::Receiver<Line>) -> Result<(), Problem> {
    let append = batch.append;
    let stream = client.append_stream_of(append.in_flight);
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some((number, id, result)) = open.next() => batch.answered(number, &id, result)?,
            line = lines.recv() => {
                let Some(line) = line else { break };
                let Some((number, id, record)) = batch.take(line) else { continue };
                let id = id.unwrap_or_else(|| client.fresh_id());
                // Room comes with answers, which have to be looked at meanwhile, or a full output would never be seen.
                let mut sending = std::pin::pin!(stream.send(&append.log, vec![record], Some(id.clone())));
                let sent = loop {
                    tokio::select! {
                        sent = &mut sending => break sent,
                        Some((number, id, result)) = open.next() => batch.answered(number, &id, result)?,
                    }
                };
                match sent {
                    Ok(receipt) => open.push(outcome(number, id, receipt)),
                    Err(error) => batch.answered(number, &id, Err(error))?,
                }
            }
        }
    }
    while let Some((number, id, result)) = open.next().await {
        batch.answered(number, &id, result)?;
    }
    stream.finish().await;
    Ok(())
}

async fn outcome(number: u64, id: Id, receipt: Receipt) -> (u64, Id, Result<Appended, Error>) {
    (number, id, receipt.await)
}

/// A batch that is under way.
struct Batch<'a> {
    space: &'a SpaceName,
    append: &'a Append,
    progress: ProgressBar,
    summary: Summary,
    complaints: u64,
    out: &'a mut Output,
    /// Whoever read the answers has gone.
    nobody_reads: bool,
    started: Instant,
}

impl Batch<'_> {
    /// What a line asks for; a line that says nothing good is told.
    fn take(&mut self, line: Line) -> Option<(u64, Option<Id>, crate::types::NewRecord)> {
        self.summary.lines += 1;
        self.progress.inc(line.bytes);
        let append = line.append.and_then(|(id, record)| {
            let numbered = || self.append.id_prefix.as_ref().map(|prefix| Id::new(format!("{prefix}{}", line.number)));
            let id = id.map(Ok).or_else(numbered).transpose().map_err(|error| error.to_string())?;
            Ok((id, record))
        });
        match append {
            Ok((id, record)) => {
                self.summary.sent += 1;
                Some((line.number, id, record))
            }
            Err(message) => {
                self.summary.malformed += 1;
                self.complain(&format!("line {}", line.number), &message, MEND);
                None
            }
        }
    }

    /// A line that had seemed good says nothing that could be sent.
    fn malformed(&mut self, line: u64, message: &str) {
        self.summary.sent -= 1;
        self.summary.malformed += 1;
        self.complain(&format!("line {line}"), message, MEND);
    }

    fn answered(&mut self, line: u64, id: &Id, result: Result<Appended, Error>) -> Result<(), Problem> {
        self.summary.count(&result);
        match result {
            Ok(appended) => {
                let (space, log) = (self.space.clone(), self.append.log.clone());
                self.print(&Answer { space, log, id: id.clone(), appended })?;
            }
            Err(error) => self.complain(&format!("line {line}"), &format!("{error}; id: {id}"), &error.advice()),
        }
        Ok(())
    }

    fn print(&mut self, answer: &Answer) -> Result<(), Problem> {
        if self.progress.length().is_none() {
            let answered = self.summary.appended + self.summary.replayed;
            self.progress.set_message(format!("{answered} answered"));
        }
        let is_told_one_by_one = match self.out.format() {
            Format::Jsonl | Format::Plain => true,
            Format::Table | Format::Json | Format::Csv => false,
        };
        if !is_told_one_by_one || self.nobody_reads {
            return Ok(());
        }
        let printed = self.out.rows(&append::columns(), std::slice::from_ref(answer));
        match printed.and_then(|()| self.out.flush()) {
            // Whoever read the answers may have seen enough; the lines are still to be appended.
            Err(Problem::NobodyReads) if self.append.outbox.is_none() => self.nobody_reads = true,
            Err(Problem::NobodyReads) => {
                return Err(Problem::failure(
                    "nobody reads the answers any more",
                    "What was not printed stays in the outbox, and the next run sends it again.",
                ));
            }
            other => other?,
        }
        Ok(())
    }

    fn complain(&mut self, what: &str, message: &str, advice: &str) {
        self.complaints += 1;
        // What leaves an outbox has to be told, however much there is.
        let is_bounded = self.append.outbox.is_none();
        if is_bounded && self.complaints > COMPLAINTS {
            return;
        }
        let last = if is_bounded && self.complaints == COMPLAINTS { " (further ones are only counted)" } else { "" };
        self.progress.suspend(|| {
            self.out.report(&Problem::failure(format!("{what}: {message}{last}"), advice.to_owned()));
        });
    }

    fn finish(mut self) -> Result<Exit, Problem> {
        self.progress.finish_and_clear();
        let summary = &mut self.summary;
        let seconds = self.started.elapsed().as_secs_f64();
        summary.seconds = (seconds * 1_000.0).round() / 1_000.0;
        summary.per_second = (float(summary.appended + summary.replayed) / seconds.max(0.001)).round();
        let told = match self.out.format() {
            Format::Table | Format::Json | Format::Csv => self.out.one(&columns(), summary),
            // The answers were printed; what they come to is a note.
            Format::Jsonl | Format::Plain => {
                let counts = columns().iter().map(|column| column.told(summary)).collect::<Vec<_>>().join(", ");
                self.out.note(&counts);
                Ok(())
            }
        };
        match told.and_then(|()| self.out.flush()) {
            // The exit code still tells.
            Ok(()) | Err(Problem::NobodyReads) => Ok(summary.exit()),
            Err(problem) => Err(problem),
        }
    }
}

type Source = Box<dyn Read + Send>;

fn open(source: &str) -> Result<(Source, Option<u64>), Problem> {
    if source == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(source).map_err(|error| unreadable(source, &error))?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(file), size))
}

fn unreadable(source: &str, error: &io::Error) -> Problem {
    Problem::failure(
        format!("cannot read {source}: {error}"),
        "Name a file of lines, or - for standard input. What was read before is sent; run it again with the same ids.",
    )
}

/// Reads on a thread of its own: a pipe may be slow, and must not hold up the answers.
fn read_ahead(source: Source, lines: Lines) -> (mpsc::Receiver<Line>, tokio::task::JoinHandle<io::Result<()>>) {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = Reader::new(BufReader::with_capacity(1 << 16, source), lines);
        while let Some(line) = reader.next()? {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
        Ok(())
    });
    (receiver, reading)
}

fn progress(out: &Output, size: Option<u64>) -> ProgressBar {
    if out.is_quiet() || !io::stderr().is_terminal() {
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
        let exit = |change: fn(&mut Summary)| {
            let mut summary = Summary { appended: 9, replayed: 1, ..Summary::default() };
            change(&mut summary);
            summary.exit()
        };
        assert_eq!(exit(|_| {}), Exit::Done);
        assert_eq!(exit(|summary| summary.malformed = 1), Exit::Usage);
        assert_eq!(exit(|summary| (summary.malformed, summary.refused) = (1, 1)), Exit::Conflict);
        assert_eq!(exit(|summary| (summary.refused, summary.in_doubt) = (1, 1)), Exit::InDoubt);
        assert_eq!(exit(|summary| (summary.failed, summary.in_doubt) = (1, 1)), Exit::InDoubt);
        assert_eq!(exit(|summary| summary.failed = 1), Exit::Unavailable);
    }
}
