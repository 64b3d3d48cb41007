//! `append --batch`: every line of a file or a pipe is a record, sent over one stream.
//!
//! - The lines are appended in their order, each once: those that were sent when a node or a connection failed are sent
//!   again under their ids.
//! - A line that cannot be sent, or is refused, is told with its number and holds nothing back.
//! - With ids of one's own (in the lines, or by `--id-prefix`) the whole batch may be run again: what was appended before
//!   is answered *replayed*.
//! - With an outbox lines are kept on disk before they are sent ([`kept`]).

mod account;
mod kept;
mod lines;

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use self::account::Account;
use self::lines::{Line, open, read_ahead, unreadable};
use super::append::Answer;
use super::arguments::Append;
use super::call::Call;
use super::exit::Exit;
use super::outbox;
use super::problem::Problem;
use crate::client::{Appended, Client, Error, Receipt};
use crate::types::{Id, LogName, SpaceName};

/// Appends all lines of the source that `--batch` names.
pub(super) async fn run(call: &mut Call, append: Append) -> Result<Exit, Problem> {
    let source = append.batch.as_deref().unwrap_or("-");
    let client = call.client.clone();
    let sender = match &append.outbox {
        Some(path) => Some(outbox::open(&client, path).await?),
        None => None,
    };
    let (reader, size) = open(source)?;
    let mut account = Account::new(&append, &mut call.out, size);
    if let Some(sender) = &sender {
        match kept::send_waiting(sender, &mut account).await {
            Ok(true) => {}
            Ok(false) => return account.finish(),
            Err(problem) => return Ok(account.give_up(problem)),
        }
    }
    let (mut lines, reading) = read_ahead(reader, append.lines);
    let sent = if let Some(sender) = &sender {
        kept::send(sender, &append, &mut account, &mut lines).await
    } else {
        let target = Target { space: &call.speaking.space, log: &append.log };
        send(&client, &target, append.in_flight, &mut account, &mut lines).await.map(|()| true)
    };
    let is_read_whole = match sent {
        Ok(is_read_whole) => is_read_whole,
        Err(problem) => return Ok(account.give_up(problem)),
    };
    let mut exit = account.finish()?;
    if let Some(sender) = sender {
        exit = call.out.worse(exit, outbox::close(&sender).await);
    }
    if is_read_whole {
        let read = reading.await.map_err(std::io::Error::other).and_then(|read| read);
        exit = call.out.worse(exit, read.map_err(|error| unreadable(source, &error)));
    }
    Ok(exit)
}

/// Sends all lines in their order, over one stream.
async fn send(
    client: &Client,
    target: &Target<'_>,
    in_flight: usize,
    account: &mut Account<'_>,
    lines: &mut mpsc::Receiver<Line>,
) -> Result<(), Problem> {
    let stream = client.append_stream_of(in_flight);
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some(sent) = open.next() => target.tell(account, sent)?,
            line = lines.recv() => {
                let Some(line) = line else { break };
                let Some((number, id, record)) = account.take(line) else { continue };
                let id = id.unwrap_or_else(|| client.fresh_id());
                // Room comes with answers, which have to be looked at meanwhile, or a full output would never be seen.
                let mut sending = std::pin::pin!(stream.send(target.log, vec![record], Some(id.clone())));
                let receipt = loop {
                    tokio::select! {
                        receipt = &mut sending => break receipt,
                        Some(sent) = open.next() => target.tell(account, sent)?,
                    }
                };
                match receipt {
                    Ok(receipt) => open.push(outcome(number, id, receipt)),
                    Err(error) => target.tell(account, (number, id, Err(error)))?,
                }
            }
        }
    }
    while let Some(sent) = open.next().await {
        target.tell(account, sent)?;
    }
    stream.finish().await;
    Ok(())
}

/// Where the lines go.
struct Target<'a> {
    space: &'a SpaceName,
    log: &'a LogName,
}

/// A line, its id, and what became of it.
type Sent = (u64, Id, Result<Appended, Error>);

impl Target<'_> {
    fn tell(&self, account: &mut Account<'_>, (line, id, result): Sent) -> Result<(), Problem> {
        match result {
            Ok(appended) => {
                account.answered(&Answer { space: self.space.clone(), log: self.log.clone(), id, appended })
            }
            Err(error) => {
                account.failed(Some(line), Box::new(error), None);
                Ok(())
            }
        }
    }
}

async fn outcome(line: u64, id: Id, receipt: Receipt) -> Sent {
    (line, id, receipt.await)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use crate::cli::arguments::{self, ClientCommand, Command, Session};
    use crate::cli::output::Output;
    use crate::types::limits::BATCH_LINE_BYTES_MAX;

    use super::*;

    /// How a batch ends if nothing listens.
    async fn exit_of(lines: &[u8]) -> Exit {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("lines");
        std::fs::write(&path, lines).unwrap();
        let words = ["oncelog", "append", "orders", "--batch", path.to_str().unwrap()].map(OsString::from);
        let (command, Session { speaking, .. }) = arguments::read(&words, |_| None).unwrap();
        let Command::Client(ClientCommand::Append(append)) = command else { panic!("it appends") };
        let client = Client::builder().addresses(["127.0.0.1:1"]).timeout(Duration::from_millis(200)).build().unwrap();
        run(&mut Call { client, speaking, out: Output::silent() }, append).await.unwrap()
    }

    #[tokio::test]
    async fn what_became_of_the_lines_counts_even_if_the_rest_cannot_be_read() {
        let too_long = vec![b'x'; BATCH_LINE_BYTES_MAX + 2];
        assert_eq!(exit_of(&too_long).await, Exit::Failure);
        assert_eq!(exit_of(&[b"one\n", &too_long[..]].concat()).await, Exit::Unavailable);
    }
}
