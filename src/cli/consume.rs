//! `tail --reader --exec`: a command works on a log's records, batch by batch, and the reader's position remembers how far.
//!
//! - The position moves only after the command has ended with 0; whatever is killed, the batch comes again.
//! - With `--into` what the command prints is appended by the very command that moves the position: it is there exactly
//!   once. What it does elsewhere it may do twice, and does at least once.
//! - Two of these that run at once do no harm: one is overtaken, and goes on behind the other. With `--member` they take
//!   turns.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::arguments::Consume;
use super::call::Call;
use super::exit::Exit;
use super::group::{self, Group};
use super::locks::holder;
use super::output;
use super::problem::Problem;
use super::records;
use super::signals::Signals;
use super::trying::Outage;
use crate::client::consumer::{Batch, Consumer};
use crate::client::{Client, Error, Kind, Reason};
use crate::types::limits::COMMAND_BYTES_MAX;
use crate::types::{Action, Consistency, LogName, NewRecord, Offset, ReaderName};

/// How long the command has to end when its work is no longer wanted.
const GRACE: Duration = Duration::from_secs(1);

pub(super) async fn run(call: &Call, log: LogName, consume: Consume) -> Result<Exit, Problem> {
    let mut signals = Signals::listen()?;
    let until = if consume.once { Some(work_ahead(&call.client, &consume.reader, &log).await?) } else { None };
    let mut asked = call.client.consumer(&consume.reader, [log.clone()]).batch(consume.batch);
    if consume.member {
        asked = asked.member(&holder(None)?);
    }
    let mut consumer = asked.open()?;
    let work = Work { call, log: &log, consume: &consume, until };
    let result = work.on(&mut consumer, &mut signals).await;
    if let Err(error) = consumer.leave().await {
        // The others wait until its time is over.
        call.out.complain(error);
    }
    result.map(|()| Exit::Done)
}

struct Work<'a> {
    call: &'a Call,
    log: &'a LogName,
    consume: &'a Consume,
    /// Where the work ends.
    until: Option<Offset>,
}

impl Work<'_> {
    /// Works until the end, or until somebody ends us, and goes on after errors that pass.
    async fn on(&self, consumer: &mut Consumer, signals: &mut Signals) -> Result<(), Problem> {
        let mut outage = Outage::of(self.call.speaking.timeout);
        while !signals.were_heard() && !self.is_over().await? {
            let batch = tokio::select! {
                batch = consumer.next() => batch,
                _number = signals.next() => break,
            };
            let worked = match batch {
                Ok(batch) => self.work(batch, signals).await,
                Err(error) => Err(error.into()),
            };
            match worked {
                Err(Problem::Client(error)) => match error.kind() {
                    Kind::Overtaken => {}
                    Kind::Unavailable => outage.tell(&self.call.out, *error).await,
                    _ if error.reason() == Some(Reason::Trimmed) => return Err(self.trimmed(&error)),
                    _ => return Err(Problem::Client(error)),
                },
                worked => worked?,
            }
        }
        Ok(())
    }

    async fn is_over(&self) -> Result<bool, Error> {
        let Some(until) = self.until else { return Ok(false) };
        let at = self.call.client.position(&self.consume.reader, self.log, Consistency::Linearizable).await?;
        Ok(at.position.offset >= until)
    }

    fn trimmed(&self, error: &Error) -> Problem {
        let Consume { reader, .. } = self.consume;
        Problem::not_found(
            format!("reader `{reader}` is where log `{}` was trimmed: {}", self.log, error.cause),
            "The trimmed records are never processed. `oncelog reader move READER LOG start` goes on behind them.",
        )
        .because(Reason::Trimmed)
    }

    /// Has the command work on a batch, and commits it. It is given up if somebody ends us, or if another member has the log.
    async fn work(&self, batch: Batch<'_>, signals: &mut Signals) -> Result<(), Problem> {
        let mut command = group::shell(&self.consume.exec);
        command.env("ONCELOG_READER", self.consume.reader.as_str()).env("ONCELOG_LOG", self.log.as_str());
        if self.consume.into.is_some() {
            command.stdout(Stdio::piped());
        }
        let mut group = Group::start(&mut command)?;
        // As `read -o jsonl` prints them.
        let columns = records::columns();
        let input = batch.records().flat_map(|(_, record)| output::json_line(&columns, record)).collect();
        let finished = tokio::select! {
            finished = exchange(&mut group, input) => Some(finished),
            () = batch.lost() => None,
            _number = signals.next() => None,
        };
        let Some(finished) = finished else {
            return group.end(GRACE).await.map(|_status| ()).map_err(|error| unseen(&error));
        };
        let (status, printed) = finished.map_err(|error| unseen(&error))?;
        if !status.success() {
            let offsets: Vec<_> = batch.records().map(|(_, record)| record.offset.0).collect();
            let (first, last) = (offsets.first().unwrap_or(&0), offsets.last().unwrap_or(&0));
            let (status, log) = (group::code(status), self.log);
            return Err(Problem::failure(
                format!("the command failed with {status} on the records {first} to {last} of log `{log}`"),
                "Nothing of this batch is committed; it comes again at the next run.",
            ));
        }
        batch.commit(self.outputs(&printed)?).await?;
        Ok(())
    }

    /// Each line that the command has printed is a record.
    fn outputs(&self, printed: &[u8]) -> Result<Option<Action>, Problem> {
        if printed.len() > COMMAND_BYTES_MAX {
            return Err(Problem::failure(
                format!("the command printed more than {COMMAND_BYTES_MAX} bytes, the most that go into one commit"),
                "Give it fewer records at once, with --batch.",
            ));
        }
        let Some(into) = self.consume.into.as_ref().filter(|_| !printed.is_empty()) else { return Ok(None) };
        let lines = printed.strip_suffix(b"\n").unwrap_or(printed).split(|byte| *byte == b'\n');
        Ok(Some(Action::append(into, lines.map(|line| NewRecord::new(line.to_vec())))))
    }
}

/// Where the work that is there now ends. For a reader that was never moved, or was deleted since, that is 0 if
/// nothing is left of the log.
async fn work_ahead(client: &Client, reader: &ReaderName, log: &LogName) -> Result<Offset, Error> {
    let Some(found) = records::described(client, log, Consistency::Linearizable).await? else { return Ok(Offset(0)) };
    let has_records = found.start < found.end;
    let counts = has_records || client.position(reader, log, Consistency::Linearizable).await?.position.was_moved();
    Ok(if counts { found.end } else { Offset(0) })
}

/// Writes what the command reads while it is read what it prints, until it has ended.
async fn exchange(group: &mut Group, input: Vec<u8>) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stdout) = (group.child.stdin.take(), group.child.stdout.take());
    let mut printed = Vec::new();
    let write = async { if let Some(mut stdin) = stdin { stdin.write_all(&input).await } else { Ok(()) } };
    let read = async {
        // One more than may be: then it is told, and the rest is of no interest.
        let limit = COMMAND_BYTES_MAX as u64 + 1;
        if let Some(stdout) = stdout { stdout.take(limit).read_to_end(&mut printed).await } else { Ok(0) }
    };
    let (written, read) = tokio::join!(write, read);
    // It may not care for all of the records.
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }).and(read)?;
    Ok((group.ended().await?, printed))
}

fn unseen(error: &io::Error) -> Problem {
    Problem::failure(format!("cannot speak to the command: {error}"), "Check the limits of this machine.")
}
