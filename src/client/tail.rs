//! Follows a log as it grows.
//!
//! - When the node that is read from fails, another goes on where it stopped: no record is missed and none comes twice.

use std::future::Future;

use tokio::time::{Instant, sleep};
use tonic::Streaming;

use crate::types::{Consistency, LogName, Offset, Page};
use crate::wire::{self, ErrorReport, v1};

use super::attempts::Attempts;
use super::error::{Cause, Error};
use super::operation::{no_answer, read_report};
use super::retry::{self, Next};
use super::{Client, logs};

/// Follows a log as it grows, from one node after another.
#[derive(Debug)]
pub struct Tail {
    client: Client,
    log: LogName,
    /// None: nothing was read yet, and the first that is left is wanted.
    next: Option<Offset>,
    consistency: Consistency,
    open: Option<Open>,
    trouble: Trouble,
}

/// A stream of pages from one node.
#[derive(Debug)]
struct Open {
    pages: Streaming<v1::TailResponse>,
    address: String,
    since: Instant,
}

/// What went wrong since the last page.
#[derive(Debug, Default)]
struct Trouble {
    since: Option<Instant>,
    attempts: Attempts,
    /// How many nodes were asked.
    asked: u32,
    /// The first node to ask.
    turn: usize,
}

impl Tail {
    pub(super) fn new(client: Client, log: LogName, from: Option<Offset>, consistency: Consistency) -> Self {
        Self { client, log, next: from, consistency, open: None, trouble: Trouble::default() }
    }

    /// The offset of the next record; 0 until the log's first record is known.
    pub fn position(&self) -> Offset {
        self.next.unwrap_or_default()
    }

    /// The next records, as soon as there are any. An error means that no node could serve for as long as an operation may
    /// take; the call may be repeated, and goes on where it was.
    ///
    /// Dropping the future loses nothing: it is cancel-safe.
    pub async fn next(&mut self) -> Result<Page, Error> {
        loop {
            let Some(open) = &mut self.open else {
                self.connect().await?;
                continue;
            };
            let (answer, address) = (open.pages.message().await, open.address.clone());
            let report = match answer.map(|message| message.map(wire::tail_page)) {
                Ok(Some(Ok(page))) => {
                    if page.records.is_empty() {
                        // A greeting: from here on nothing may be missed, whichever node goes on.
                        self.next = Some(page.next);
                        continue;
                    }
                    self.trouble = Trouble { turn: self.trouble.turn, ..Trouble::default() };
                    self.next = Some(page.next);
                    return Ok(page);
                }
                Ok(Some(Err(unreadable))) => ErrorReport::outcome_unknown(unreadable.to_string()),
                Ok(None) => ErrorReport::outcome_unknown("the node ended the stream"),
                Err(status) => read_report(&status, self.client.attempt_timeout),
            };
            if let Some(open) = self.open.take()
                && open.since.elapsed() > self.client.attempt_timeout
            {
                // It had gone well for a while: this is another trouble.
                self.trouble = Trouble { turn: self.trouble.turn, ..Trouble::default() };
            }
            self.trouble.turn += 1;
            self.failed(&address, report).await?;
        }
    }

    /// Opens a stream at a node.
    async fn connect(&mut self) -> Result<(), Error> {
        let nodes = self.client.nodes.clone();
        let count = nodes.all().len();
        let Some((index, node)) = nodes.in_order().nth(self.trouble.turn % count) else { return Ok(()) };
        let mut client = logs(node.channel.clone());
        let request = v1::TailRequest {
            space: self.client.space.as_str().to_owned(),
            log: self.log.as_str().to_owned(),
            from: self.next.map(|offset| offset.0),
            consistency: wire::consistency_message(self.consistency),
        };
        let time = self.client.attempt_timeout;
        let report = match within(time, client.tail(nodes.hooks().request(request))).await {
            Some(Ok(response)) => {
                nodes.answered(index);
                self.trouble.turn = 0;
                self.open =
                    Some(Open { pages: response.into_inner(), address: node.address.clone(), since: Instant::now() });
                return Ok(());
            }
            Some(Err(status)) => read_report(&status, time),
            None => no_answer(time),
        };
        self.trouble.turn += 1;
        self.failed(&node.address, report).await
    }

    /// Waits before the next attempt; an error if there should be none.
    async fn failed(&mut self, address: &str, report: ErrorReport) -> Result<(), Error> {
        let trouble = &mut self.trouble;
        let since = *trouble.since.get_or_insert_with(Instant::now);
        self.client.nodes.hooks().tell(&trouble.attempts.add(address, report.clone()));
        trouble.asked += 1;
        if Next::after(&report) == Next::Stop {
            return Err(self.give_up(Cause::Refused(Box::new(report))));
        }
        let count = u32::try_from(self.client.nodes.all().len()).unwrap_or(u32::MAX);
        if !trouble.asked.is_multiple_of(count) {
            return Ok(());
        }
        let left = self.client.timeout.saturating_sub(since.elapsed());
        match retry::pause(trouble.asked / count - 1, rand::random(), report.retry_after, left) {
            Some(pause) => {
                sleep(pause).await;
                Ok(())
            }
            None => Err(self.give_up(Cause::TimeOver(self.client.timeout))),
        }
    }

    fn give_up(&mut self, cause: Cause) -> Error {
        let trouble = std::mem::take(&mut self.trouble);
        let doing = format!("follow log `{}`", self.log);
        Error { tried: trouble.attempts.into_tried(), ..Error::before_any_attempt(&doing, cause) }
    }
}

async fn within<T>(time: std::time::Duration, call: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, call).await.ok()
}
