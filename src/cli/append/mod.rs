//! `append`: one record, or with `--batch` every line of a file or a pipe, each once.
//!
//! - The lines of a batch are appended in their order, over one stream: those that were sent when a node or a connection
//!   failed are sent again under their ids. A line that cannot be sent, or is refused, is told with its number and holds
//!   nothing back.
//! - With ids of one's own (in the lines, or by `--id-prefix`) the whole batch may be run again: what was appended before
//!   is answered *replayed*.
//! - With an outbox every record is on disk before it is sent, and what an earlier run has left is sent first. Lines are
//!   kept in groups, each with one sync; those that are in flight at once are appended in any order. When a line finds no
//!   node that takes it, no further line is read: what is kept waits for the next run.

mod account;
mod lines;

use std::io;

use futures::future::{FutureExt as _, LocalBoxFuture};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use self::account::{Account, Answer, Sent, columns};
use self::lines::{LINES_AHEAD, Line};
use super::arguments::Append;
use super::call::Call;
use super::exit::Exit;
use super::input::{self, Wanted};
use super::outbox;
use super::problem::Problem;
use crate::client::outbox::{Kept, Sender};
use crate::client::{AppendStream, Client};
use crate::types::limits::RECORD_BYTES_MAX;
use crate::types::{Id, NewRecord, SpaceName};

/// The bytes of records at which a group is closed.
const GROUP_BYTES: usize = 4 << 20;

pub(super) async fn run(call: &mut Call, append: Append) -> Result<Exit, Problem> {
    if let Some(source) = &append.batch {
        return batch(call, &append, source).await;
    }
    let wanted = Wanted {
        what: "a record",
        most: RECORD_BYTES_MAX,
        advice: "Append it in parts, or keep it elsewhere and append where it is.",
        allow_empty: append.allow_empty,
    };
    let records = [NewRecord::new(input::value(append.value.as_deref(), wanted)?)];
    let id = append.id.get()?;
    let Some(path) = &append.outbox else {
        let id = id.unwrap_or_else(|| call.client.fresh_id());
        let appended = call.client.append(&append.log, records, Some(id.clone())).await?;
        call.out.answers(&id);
        let answer = Answer { space: call.speaking.space.clone(), log: append.log, id, appended };
        return call.out.one(&columns(), &answer).map(|()| Exit::Done);
    };
    let sender = outbox::open(&call.client, path).await?;
    let waiting = outbox::waiting(&sender).await?;
    // Kept in any case: it waits behind what no node takes, and however this run ends.
    let kept = sender.keep([sender.make_append(&append.log, records, id)]).await?;
    let mut account = Account::of_one(&mut call.out);
    let sent = send_one(&mut account, waiting, kept).await;
    let exit = account.finish(sent).await?;
    Ok(call.out.worse(exit, outbox::close(&sender).await))
}

/// Sends what an earlier run has left and then what was just kept, as far as nodes take it.
async fn send_one(account: &mut Account<'_>, waiting: Vec<Kept>, kept: Vec<Kept>) -> Result<(), Problem> {
    account.kept(kept.iter().map(|kept| (None, kept)))?;
    if send_waiting(account, waiting).await? {
        return send_waiting(account, kept).await.map(|_| ());
    }
    for kept in kept {
        account.note(&format!("id `{}` is kept in the outbox behind it; the next run sends it", kept.id()));
    }
    Ok(())
}

/// Sends one after another. `false`: no node took something.
async fn send_waiting(account: &mut Account<'_>, waiting: Vec<Kept>) -> Result<bool, Problem> {
    for kept in waiting {
        if !account.tell(None, Sent::Kept(kept.send().await)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Appends all lines of a file or a pipe.
async fn batch(call: &mut Call, append: &Append, source: &str) -> Result<Exit, Problem> {
    let way = match &append.outbox {
        Some(path) => Way::Outbox(outbox::open(&call.client, path).await?),
        None => Way::Stream(call.client.append_stream_of(append.in_flight), call.speaking.space.clone()),
    };
    let (reader, size) = lines::open(source)?;
    let mut account = Account::of_batch(&mut call.out, append.outbox.is_some(), size);
    let sent = async {
        if let Way::Outbox(sender) = &way
            && !send_waiting(&mut account, outbox::waiting(sender).await?).await?
        {
            return Ok(None);
        }
        let (lines, reading) = lines::read_ahead(reader, append);
        let is_read_whole = way.send(&call.client, append, &mut account, lines).await?;
        Ok(is_read_whole.then_some(reading))
    };
    let (reading, sent) = match sent.await {
        Ok(reading) => (reading, Ok(())),
        Err(problem) => (None, Err(problem)),
    };
    let mut exit = account.finish(sent).await?;
    if let Way::Outbox(sender) = way {
        exit = call.out.worse(exit, outbox::close(&sender).await);
    }
    if let Some(reading) = reading {
        let read = reading.await.map_err(io::Error::other).and_then(|read| read);
        exit = call.out.worse(exit, read.map_err(|error| lines::unreadable(source, &error)));
    }
    Ok(exit)
}

/// How the lines of a batch are sent.
enum Way {
    Stream(AppendStream, SpaceName),
    Outbox(Sender),
}

impl Way {
    /// Sends all lines in their order. `false`: no node took something that is kept, and there may be further lines.
    async fn send(
        &self,
        client: &Client,
        append: &Append,
        account: &mut Account<'_>,
        mut lines: mpsc::Receiver<Line>,
    ) -> Result<bool, Problem> {
        let mut open = FuturesUnordered::new();
        let (mut goes_on, mut has_more) = (true, true);
        while goes_on && has_more || !open.is_empty() {
            let room = append.in_flight.saturating_sub(open.len()).min(LINES_AHEAD);
            tokio::select! {
                biased;
                Some((line, sent)) = open.next() => goes_on &= account.tell(Some(line), sent).await?,
                group = next_group(&mut lines, room), if goes_on && has_more && room > 0 => match group {
                    None => has_more = false,
                    Some(group) => {
                        let good = group.into_iter().filter_map(|line| account.take(line)).collect();
                        let begun = self.begin(client, append, account, good).await;
                        // A failure must not look as if nothing had happened while something is in flight.
                        open.extend(begun.map_err(|it| if open.is_empty() { it } else { it.after_sending() })?);
                    }
                },
            }
        }
        Ok(goes_on)
    }

    /// Sends some lines over the stream, or keeps them, and says which of them are to be waited for.
    async fn begin(
        &self,
        client: &Client,
        append: &Append,
        account: &mut Account<'_>,
        good: Vec<(u64, Option<Id>, NewRecord)>,
    ) -> Result<Vec<LocalBoxFuture<'static, (u64, Sent)>>, Problem> {
        let mut begun = Vec::new();
        match self {
            Self::Stream(stream, space) => {
                for (line, id, record) in good {
                    let (space, log, id) = (space.clone(), append.log.clone(), id.unwrap_or_else(|| client.fresh_id()));
                    let receipt = stream.send(&log, [record], Some(id.clone())).await;
                    let sent = async move { Ok(Answer { appended: receipt?.await?, space, log, id }) };
                    begun.push(async move { (line, Sent::Streamed(sent.await)) }.boxed_local());
                }
            }
            Self::Outbox(sender) => {
                let (mut numbers, mut appends) = (Vec::new(), Vec::new());
                for (line, id, record) in good {
                    let append = sender.make_append(&append.log, [record], id);
                    if let Err(error) = append.check() {
                        account.malformed(line, &error.to_string());
                    } else {
                        numbers.push(line);
                        appends.push(append);
                    }
                }
                let kept = sender.keep(appends).await?;
                account.kept(numbers.iter().copied().map(Some).zip(&kept))?;
                for (line, kept) in numbers.into_iter().zip(kept) {
                    begun.push(async move { (line, Sent::Kept(kept.send().await)) }.boxed_local());
                }
            }
        }
        Ok(begun)
    }
}

/// Whatever lines there are by now, at least one; none when there are no more.
async fn next_group(lines: &mut mpsc::Receiver<Line>, room: usize) -> Option<Vec<Line>> {
    // Nothing is awaited once a line is taken: it would be lost if this is dropped.
    let mut group = vec![lines.recv().await?];
    let mut bytes = 0;
    while group.len() < room && bytes < GROUP_BYTES {
        let Ok(line) = lines.try_recv() else { break };
        bytes += line.append.as_ref().map_or(0, |(_, record)| record.size());
        group.push(line);
    }
    Some(group)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use crate::cli::arguments::{self, ClientCommand, Command, Format, Session};
    use crate::cli::output::Output;
    use crate::cli::stake::Stake;
    use crate::types::limits::BATCH_LINE_BYTES_MAX;

    use super::*;

    /// How an append ends if nothing listens.
    async fn exit_of_append(words: &[&str], out: Output) -> Exit {
        let words: Vec<OsString> = ["oncelog", "append"].iter().chain(words).map(Into::into).collect();
        let (command, Session { speaking, .. }) = arguments::read(&words, |_| None).unwrap();
        let Command::Client(ClientCommand::Append(append)) = command else { panic!("it appends") };
        let client = Client::builder().addresses(["127.0.0.1:1"]).timeout(Duration::from_millis(200)).build().unwrap();
        run(&mut Call { client, speaking, out }, append).await.unwrap()
    }

    async fn exit_of(lines: &[u8]) -> Exit {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("lines");
        std::fs::write(&path, lines).unwrap();
        exit_of_append(&["orders", "--batch", path.to_str().unwrap()], Output::silent()).await
    }

    #[tokio::test]
    async fn what_became_of_the_lines_counts_even_if_the_rest_cannot_be_read() {
        let too_long = vec![b'x'; BATCH_LINE_BYTES_MAX + 2];
        assert_eq!(exit_of(&too_long).await, Exit::Failure);
        assert_eq!(exit_of(&[b"one\n", &too_long[..]].concat()).await, Exit::Unavailable);
    }

    #[tokio::test]
    async fn a_record_is_kept_and_in_doubt_if_nobody_reads_that_it_is() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("outbox");
        let mut out = Output::unread(Format::Jsonl);
        out.stakes(Stake::Outbox { changes: true });
        let words = ["payments", "7 EUR", "--outbox", path.to_str().unwrap()];
        assert_eq!(exit_of_append(&words, out).await, Exit::InDoubt);
        let client = Client::connect(["127.0.0.1:1"]).unwrap();
        let sender = outbox::open(&client, &path).await.unwrap();
        assert_eq!(sender.waiting().await.unwrap().len(), 1);
    }
}
