//! Somebody who follows a log, and checks that each record comes once and in its turn.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tonic::Streaming;

use crate::client::{Client, Failure};
use crate::history::{Content, Name};
use crate::oracle::Stored;
use crate::proto::{Consistency, TailResponse};
use crate::wait::{PATIENCE, until};

const BACKOFF: Duration = Duration::from_millis(25);

/// Follows one log through whatever happens to the nodes.
#[derive(Debug)]
pub struct Follower {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

/// What a follower has got.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// All records, in the order in which they came.
    pub records: Vec<Stored>,
    /// How many tails were opened.
    pub opened: usize,
    /// How tails ended.
    pub ends: Vec<Failure>,
}

impl Follower {
    /// Follows from an offset on, at the first of the nodes; when a tail ends, at the next.
    pub fn start(nodes: Vec<Client>, log: &str, from: u64) -> Self {
        let (sender, seen) = watch::channel(Seen::default());
        let log = log.to_owned();
        let task = tokio::spawn(async move {
            let mut next = from;
            for node in nodes.iter().cycle() {
                let ended = match node.tail(&log, next, Consistency::Linearizable).await {
                    Ok(pages) => {
                        sender.send_modify(|seen| seen.opened += 1);
                        read(pages, &mut next, &sender).await
                    }
                    Err(failure) => failure,
                };
                sender.send_modify(|seen| seen.ends.push(ended));
                sleep(BACKOFF).await;
            }
        });
        Self { seen, task }
    }

    /// Waits until it has got all records before this offset, and returns what it saw.
    pub async fn up_to(self, end: u64) -> Seen {
        until(&format!("a follower has all records before {end}"), PATIENCE, || {
            let at = self.seen.borrow().records.last().map_or(0, |record| record.offset + 1);
            let panicked = self.task.is_finished();
            async move {
                assert!(!panicked, "a follower does not end");
                if at >= end { Ok(()) } else { Err(format!("it is at {at}")) }
            }
        })
        .await;
        self.task.abort();
        self.seen.borrow().clone()
    }
}

/// Reads pages until there are no more. Every page has to go on where the one before has stopped.
async fn read(mut pages: Streaming<TailResponse>, next: &mut u64, sender: &watch::Sender<Seen>) -> Failure {
    loop {
        let page = match pages.message().await {
            Ok(Some(page)) => page,
            Ok(None) => panic!("a tail ends only with an error"),
            Err(status) => return Failure::from_status(&status),
        };
        let records = in_turn(page, next);
        sender.send_modify(|seen| seen.records.extend(records));
    }
}

/// The records of a page, which has to go on at `next`.
pub fn in_turn(page: TailResponse, next: &mut u64) -> Vec<Stored> {
    let offsets: Vec<u64> = page.records.iter().map(|record| record.offset).collect();
    let expected = *next..*next + offsets.len() as u64;
    assert!(offsets.iter().copied().eq(expected.clone()), "records {offsets:?} came where {expected:?} were due");
    assert_eq!(page.next, expected.end, "where to go on is behind the last record");
    *next = page.next;
    let records = page.records.into_iter().map(|record| Stored {
        offset: record.offset,
        content: Content::of_record(&record.payload, &record.headers),
        id: record.id.map(|id| Name::from(id.text)).unwrap_or_default(),
        time_ms: record.time_ms,
    });
    records.collect()
}
