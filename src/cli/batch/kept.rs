//! A batch with an outbox: lines are on disk before they are sent.
//!
//! - What an earlier run has left is sent and told first; if no node takes it, the batch is not begun.
//! - Lines are kept in groups, each with one sync, and sent by many calls at once: those on the way at the same time are
//!   appended in any order.
//! - When a line finds no node that takes it, no further line is read: what is kept waits for the next run.

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use super::account::Account;
use super::lines::{LINES_AHEAD, Line};
use crate::cli::arguments;
use crate::cli::outbox;
use crate::cli::problem::Problem;
use crate::client::outbox::{Delivery, Error, Kept, Sender, Undelivered};
use crate::types::Command;

/// The bytes of records at which a group is closed.
const GROUP_BYTES: usize = 4 << 20;

type Result<T> = std::result::Result<T, Problem>;
type Sent = std::result::Result<Delivery, Undelivered>;

/// Sends what an earlier run has left. `false`: no node took something.
pub(super) async fn send_waiting(sender: &Sender, account: &mut Account<'_>) -> Result<bool> {
    for kept in outbox::waiting(sender).await? {
        account.summary.waited += 1;
        if !told(account, None, kept.send().await).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keeps and sends all lines. `false`: no node took something, and there may be further lines.
pub(super) async fn send(
    sender: &Sender,
    append: &arguments::Append,
    account: &mut Account<'_>,
    lines: &mut mpsc::Receiver<Line>,
) -> Result<bool> {
    let mut open = FuturesUnordered::new();
    let (mut goes_on, mut has_more) = (true, true);
    while goes_on && has_more || !open.is_empty() {
        let room = append.in_flight.saturating_sub(open.len()).min(LINES_AHEAD);
        tokio::select! {
            biased;
            Some((line, sent)) = open.next() => goes_on &= told(account, Some(line), sent).await?,
            group = next_group(lines, room), if goes_on && has_more && room > 0 => match group {
                None => has_more = false,
                Some(group) => {
                    let kept = keep(sender, append, account, group).await;
                    let are_sent = !open.is_empty();
                    let kept = kept.map_err(|problem| if are_sent { problem.after_sending() } else { problem })?;
                    for (line, kept) in kept {
                        open.push(async move { (line, kept.send().await) });
                    }
                }
            },
        }
    }
    Ok(goes_on)
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

/// Keeps the good lines of a group, and says which are kept.
async fn keep(
    sender: &Sender,
    append: &arguments::Append,
    account: &mut Account<'_>,
    group: Vec<Line>,
) -> Result<Vec<(u64, Kept)>> {
    let mut good = Vec::new();
    for line in group {
        if let Some((number, id, record)) = account.take(line) {
            good.push((number, sender.make_append(&append.log, vec![record], id)));
        }
    }
    let kept = keep_what_is_sound(sender, account, good).await?;
    outbox::print_kept(account.out, kept.iter().map(|(line, kept)| (Some(*line), kept)))?;
    Ok(kept)
}

/// All with one sync, if all are sound; otherwise one by one, and those that no node would take are told.
async fn keep_what_is_sound(
    sender: &Sender,
    account: &mut Account<'_>,
    good: Vec<(u64, Command)>,
) -> Result<Vec<(u64, Kept)>> {
    let appends: Vec<_> = good.iter().map(|(_, append)| append.clone()).collect();
    match sender.keep(appends).await {
        Ok(kept) => return Ok(good.into_iter().map(|(line, _)| line).zip(kept).collect()),
        Err(Error::Malformed(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let mut sound = Vec::new();
    for (line, append) in good {
        match sender.keep([append]).await {
            Ok(kept) => sound.extend(kept.into_iter().map(|kept| (line, kept))),
            Err(Error::Malformed(error)) => account.malformed_after_all(line, &error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sound)
}

/// Tells what became of one, and removes it from the outbox once that is told. `false`: nothing is decided.
async fn told(account: &mut Account<'_>, line: Option<u64>, sent: Sent) -> Result<bool> {
    match sent {
        Ok(delivery) => {
            account.answered(&outbox::answer(&delivery)?)?;
            delivery.confirm().await.map_err(|error| Problem::from(error).after_sending())?;
            Ok(true)
        }
        Err(undelivered) => {
            let advice = Some(outbox::advice(&undelivered));
            let confirmed = outbox::confirm(&undelivered).await;
            account.failed(line, undelivered.error, advice);
            confirmed.map_err(|error| Problem::from(error).after_sending())
        }
    }
}
