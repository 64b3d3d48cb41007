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

use super::arguments::{Consume, Place};
use super::call::Call;
use super::exit::Exit;
use super::group::{self, Group};
use super::holder::holder;
use super::output;
use super::problem::Problem;
use super::records;
use super::signals::Signals;
use super::trying::Outage;
use crate::client::consumer::{Batch, Consumer};
use crate::client::{Client, Error, Kind, Reason};
use crate::types::limits::COMMAND_BYTES_MAX;
use crate::types::{Action, Consistency, LogName, NewRecord, Offset, ReaderName};

/// The pause after the nodes could not be reached for a whole timeout.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the command has to end when its work is no longer wanted.
const GRACE: Duration = Duration::from_secs(1);

/// What became of one batch.
enum Worked {
    /// It is done, or somebody else has done it.
    Done,
    /// It was given up because somebody ends us, or because another member has the log.
    GivenUp,
}

pub(super) async fn run(call: &Call, log: LogName, consume: Consume) -> Result<Exit, Problem> {
    let mut signals = Signals::listen()?;
    let until = if consume.once { Some(work_ahead(&call.client, &consume.reader, &log).await?) } else { None };
    let mut asked = call.client.consumer(&consume.reader, [log.clone()]).batch(consume.batch);
    if consume.member {
        asked = asked.member(&holder(None)?);
    }
    let mut consumer = asked.open()?;
    let outage = Outage::of(call.speaking.timeout);
    let mut work = Work { call, log: &log, consume: &consume, until, outage };
    let result = work.on(&mut consumer, &mut signals).await;
    if let Err(error) = consumer.leave().await {
        // The others wait until its time is over.
        call.out.complain(error);
    }
    result
}

struct Work<'a> {
    call: &'a Call,
    log: &'a LogName,
    consume: &'a Consume,
    /// Where the work ends.
    until: Option<Offset>,
    outage: Outage,
}

impl Work<'_> {
    async fn on(&mut self, consumer: &mut Consumer, signals: &mut Signals) -> Result<Exit, Problem> {
        while !self.is_over().await? {
            let batch = tokio::select! {
                batch = consumer.next() => batch,
                _number = signals.next() => return Ok(Exit::Done),
            };
            let worked = match batch {
                Ok(batch) => self.work(batch, signals).await,
                Err(error) => Err(error.into()),
            };
            match worked {
                Ok(Worked::GivenUp) if signals.were_heard() => return Ok(Exit::Done),
                Ok(Worked::Done | Worked::GivenUp) => {}
                Err(Problem::Client(error)) => self.mind(*error).await?,
                Err(problem) => return Err(problem),
            }
        }
        Ok(Exit::Done)
    }

    /// Whether the reader has come to where the work ends.
    async fn is_over(&self) -> Result<bool, Error> {
        let Some(until) = self.until else { return Ok(false) };
        let at = self.call.client.position(&self.consume.reader, self.log, Consistency::Linearizable).await?;
        Ok(at.position.offset >= until)
    }

    /// Goes on after an error that passes.
    async fn mind(&mut self, error: Error) -> Result<(), Problem> {
        match error.kind() {
            Kind::Overtaken => {}
            Kind::Unavailable => {
                self.outage.tell(&self.call.out, error);
                tokio::time::sleep(PAUSE).await;
            }
            _ if error.reason() == Some(Reason::Trimmed) => {
                let Consume { reader, .. } = self.consume;
                let message = format!("reader `{reader}` is where log `{}` was trimmed: {}", self.log, error.cause);
                let advice = "The trimmed records are never processed. `oncelog reader move READER LOG start` goes on behind them.";
                return Err(Problem::not_found(message, advice).because(Reason::Trimmed));
            }
            _ => return Err(error.into()),
        }
        Ok(())
    }

    async fn work(&self, batch: Batch<'_>, signals: &mut Signals) -> Result<Worked, Problem> {
        let mut command = group::shell(&self.consume.exec);
        command.env("ONCELOG_READER", self.consume.reader.as_str()).env("ONCELOG_LOG", self.log.as_str());
        if self.consume.into.is_some() {
            command.stdout(Stdio::piped());
        }
        let mut group = Group::start(&mut command)?;
        let input = lines(&batch);
        let finished = tokio::select! {
            finished = exchange(&mut group, input) => Some(finished),
            () = batch.lost() => None,
            _number = signals.next() => None,
        };
        let Some(finished) = finished else {
            group.end(GRACE).await.map_err(|error| unseen(&error))?;
            return Ok(Worked::GivenUp);
        };
        let (status, printed) = finished.map_err(|error| unseen(&error))?;
        if !status.success() {
            return Err(self.failed(&batch, status));
        }
        let outputs = self.outputs(&printed)?;
        batch.commit(outputs).await?;
        Ok(Worked::Done)
    }

    fn failed(&self, batch: &Batch<'_>, status: ExitStatus) -> Problem {
        let (first, last) = ends(batch);
        let status = group::code(status);
        Problem::failure(
            format!("the command failed with {status} on the records {first} to {last} of log `{}`", self.log),
            "Nothing of this batch is committed; it comes again at the next run.",
        )
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
    let end = records::offset(client, log, Place::End, Consistency::Linearizable).await?.unwrap_or(Offset(0));
    let at = client.position(reader, log, Consistency::Linearizable).await?;
    if end == Offset(0) || at.position.was_moved() {
        return Ok(end);
    }
    let found = client.describe_log(log, Consistency::Linearizable).await?;
    Ok(if found.start == found.end { Offset(0) } else { found.end })
}

/// The records as `read -o jsonl` prints them.
fn lines(batch: &Batch<'_>) -> Vec<u8> {
    let columns = records::columns();
    let lines = batch.records().map(|(_, record)| output::json_line(&columns, record));
    lines.collect::<Vec<_>>().concat()
}

fn ends(batch: &Batch<'_>) -> (Offset, Offset) {
    let first = batch.records().next().map_or(Offset(0), |(_, record)| record.offset);
    (first, batch.records().last().map_or(first, |(_, record)| record.offset))
}

/// Writes what the command reads while it is read what it prints, until it has ended.
async fn exchange(group: &mut Group, input: Vec<u8>) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stdout) = (group.child.stdin.take(), group.child.stdout.take());
    let write = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(&input).await {
            // It may not care for all of them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    };
    let read = async {
        let mut printed = Vec::new();
        if let Some(stdout) = stdout {
            // One more than may be: then it is told, and the rest is of no interest.
            stdout.take(COMMAND_BYTES_MAX as u64 + 1).read_to_end(&mut printed).await?;
        }
        Ok(printed)
    };
    let ((), printed) = tokio::try_join!(write, read)?;
    Ok((group.ended().await?, printed))
}

fn unseen(error: &io::Error) -> Problem {
    Problem::failure(format!("cannot speak to the command: {error}"), "Check the limits of this machine.")
}
