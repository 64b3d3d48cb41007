//! `append`: one record, or with `--batch` every line of a file or a pipe, each once.
//!
//! - The lines of a batch are appended in their order, over one stream: those that were sent when a node or a connection
//!   failed are sent again under their ids. A line that cannot be sent, or is refused, is told with its number and holds
//!   nothing back.
//! - With ids of one's own (in the lines, or by `--id-prefix`) the whole batch may be run again: what was appended before
//!   is answered *replayed*.
//! - With an outbox every record is on disk before it is sent, and what an earlier run has left is sent first. Lines that
//!   are in flight at once are appended in any order. When a line finds no node that takes it, no further line is read:
//!   what is kept waits for the next run.

mod account;
mod lines;

use std::io;
use std::pin::pin;

use futures::future::FutureExt as _;
use futures::stream::{FuturesUnordered, Stream, StreamExt as _};

use self::account::{Account, Answer, Sent, columns};
use self::lines::Line;
use super::arguments::Append;
use super::call::Call;
use super::exit::Exit;
use super::input::{self, Wanted};
use super::outbox::{self, after_sending};
use super::problem::Problem;
use crate::client::Client;
use crate::client::outbox::{Error, Kept, Sender};
use crate::types::limits::RECORD_BYTES_MAX;
use crate::types::{NewRecord, SpaceName};

pub(super) async fn run(call: &mut Call, append: Append) -> Result<Exit, Problem> {
    match &append.batch {
        Some(source) => batch(call, &append, source).await,
        None => one(call, &append).await,
    }
}

async fn one(call: &mut Call, append: &Append) -> Result<Exit, Problem> {
    let wanted = Wanted {
        what: "a record",
        most: RECORD_BYTES_MAX,
        advice: "Append it in parts, or keep it elsewhere and append where it is.",
        allow_empty: append.allow_empty,
    };
    let records = [NewRecord::new(input::value(append.value.as_deref(), wanted)?)];
    let id = append.id.get()?;
    let Some(path) = &append.outbox else {
        let (space, log, id) =
            (call.speaking.space.clone(), append.log.clone(), id.unwrap_or_else(|| call.client.fresh_id()));
        let appended = call.client.append(&log, records, Some(id.clone())).await?;
        call.out.answers(&id);
        return call.out.one(&columns(), &Answer { space, log, id, appended }).map(|()| Exit::Done);
    };
    let sender = outbox::open(&call.client, path).await?;
    let waiting = outbox::waiting(&sender).await?;
    // Kept in any case: it waits behind what no node takes, and however this run ends.
    let kept = sender.keep([sender.make_append(&append.log, records, id)]).await?;
    let mut account = Account::new(append, &mut call.out, None);
    let sent = async {
        kept.iter().try_for_each(|kept| account.kept(None, kept))?;
        if send_kept(&mut account, waiting).await? {
            return send_kept(&mut account, kept).await;
        }
        for kept in kept {
            account.out.note(&format!("id `{}` is kept in the outbox behind it; the next run sends it", kept.id()));
        }
        Ok(false)
    };
    let sent = sent.await.map(|_| ());
    let exit = account.finish(sent).await?;
    Ok(call.out.worse(exit, outbox::close(&sender).await))
}

/// Sends what waits, one after another. `false`: no node took something.
async fn send_kept(account: &mut Account<'_>, waiting: Vec<Kept>) -> Result<bool, Problem> {
    for kept in waiting {
        if !account.tell(None, Sent::Kept(kept.send().await)).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn batch(call: &mut Call, append: &Append, source: &str) -> Result<Exit, Problem> {
    let sender = match &append.outbox {
        Some(path) => Some(outbox::open(&call.client, path).await?),
        None => None,
    };
    let (reader, size) = lines::open(source)?;
    let mut account = Account::new(append, &mut call.out, size);
    let sent = async {
        if let Some(sender) = &sender
            && !send_kept(&mut account, outbox::waiting(sender).await?).await?
        {
            return Ok(Ok(()));
        }
        let lines = lines::read(reader, append.lines, append.id_prefix.as_deref());
        send_lines(&call.client, &call.speaking.space, sender.as_ref(), append, &mut account, lines).await
    };
    let (sent, read) = sent.await.map_or_else(|problem| (Err(problem), Ok(())), |read| (Ok(()), read));
    let mut exit = account.finish(sent).await?;
    if let Some(sender) = sender {
        exit = call.out.worse(exit, outbox::close(&sender).await);
    }
    Ok(call.out.worse(exit, read.map_err(|error| lines::unreadable(source, &error))))
}

/// Sends all lines, over a stream or from an outbox, and says whether all could be read.
async fn send_lines(
    client: &Client,
    space: &SpaceName,
    sender: Option<&Sender>,
    append: &Append,
    account: &mut Account<'_>,
    lines: impl Stream<Item = io::Result<Line>>,
) -> Result<io::Result<()>, Problem> {
    let stream = client.append_stream_of(append.in_flight);
    let mut lines = pin!(lines);
    // Those that are kept at the same time share a sync.
    let (mut keeping, mut sending) = (FuturesUnordered::new(), FuturesUnordered::new());
    // The one that waits for room in the stream: those behind it may not overtake it, and answers are printed meanwhile.
    let mut entering = FuturesUnordered::new();
    let (mut goes_on, mut read) = (true, Ok(()));
    while goes_on || !keeping.is_empty() || !entering.is_empty() || !sending.is_empty() {
        let has_room = entering.is_empty() && keeping.len() + sending.len() < append.in_flight;
        // In no fixed order: lines go out between answers, so that the nodes never wait for either.
        tokio::select! {
            Some((line, sent)) = sending.next() => goes_on &= account.tell(Some(line), sent).await?,
            Some((line, kept)) = keeping.next() => match kept {
                Ok(kept) => for kept in kept {
                    account.kept(Some(line), &kept)?;
                    sending.push(async move { (line, Sent::Kept(kept.send().await)) }.boxed_local());
                },
                Err(Error::Malformed(error)) => account.malformed(line, &error.to_string()),
                Err(error) if sending.is_empty() => return Err(error.into()),
                Err(error) => return Err(after_sending(error)),
            },
            Some((line, id, receipt)) = entering.next() => {
                let (space, log) = (space.clone(), append.log.clone());
                let sent = async move { Ok(Answer { appended: receipt?.await?, space, log, id }) };
                sending.push(async move { (line, Sent::Streamed(sent.await)) }.boxed_local());
            }
            line = lines.next(), if goes_on && has_room => {
                let line = line.transpose().unwrap_or_else(|error| {
                    read = Err(error);
                    None
                });
                goes_on = line.is_some();
                let Some((line, id, record)) = line.and_then(|line| account.take(line)) else { continue };
                if let Some(sender) = sender {
                    let append = sender.make_append(&append.log, [record], id);
                    keeping.push(async move { (line, sender.keep([append]).await) });
                } else {
                    let (stream, id) = (&stream, id.unwrap_or_else(|| client.fresh_id()));
                    entering.push(async move {
                        let receipt = stream.send(&append.log, [record], Some(id.clone())).await;
                        (line, id, receipt)
                    });
                }
            }
        }
    }
    Ok(read)
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
