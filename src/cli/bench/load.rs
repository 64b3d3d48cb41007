//! Puts load on a cluster: tasks that send, wait for the answer, and send again.
//!
//! With a rate, every task has its own share of the moments: latency counts from the moment, so that a slow answer is not
//! forgiven by the requests that were not sent meanwhile.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use rand::seq::IndexedRandom as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use crate::cli::arguments::{Ids, Mode, Sending};
use crate::cli::value::float;
use crate::client::{AppendStream, Appended, Client, Error};
use crate::types::{Consistency, Id, LogName, NewRecord, Offset};

/// The pause of a task after an error: a cluster that refuses at once must not be asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(10);
/// At so many places the records begin in the random bytes that they are parts of.
const PLACES: usize = 1 << 20;

/// What became of one request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) due: Instant,
    pub(super) at: Instant,
    pub(super) result: Result<Done, Error>,
}

/// What one request did.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) replayed: bool,
    /// Under which id, and where the records are, if it has appended some.
    pub(super) appended: Option<(Id, Offset)>,
}

/// What one of many tasks does over and over, with one request in flight.
#[derive(Clone)]
pub(super) enum Task {
    /// Appends under new ids, or under known ones if there are any; so many of the new ones are sent a second time.
    Append { line: Line, known: Arc<Vec<Id>>, duplicate_ratio: f64, again: Option<Id> },
    /// Reads pages from random offsets.
    Read { client: Client, log: LogName, end: Offset, limit: u32, consistency: Consistency },
}

impl Task {
    /// Sends a request and waits for its answer.
    async fn step(&mut self) -> Result<Done, Error> {
        match self {
            Self::Append { line, known, duplicate_ratio, again } => {
                let chosen = again.take().or_else(|| known.choose(&mut rand::rng()).cloned());
                let id = chosen.unwrap_or_else(|| line.fresh_id());
                let Appended { first, replayed, .. } = line.append(&id).await?;
                if !replayed && rand::random_bool(*duplicate_ratio) {
                    *again = Some(id.clone());
                }
                let (records, bytes) = (line.count as u64, (line.count * line.size) as u64);
                Ok(Done { records, bytes, replayed, appended: Some((id, first)) })
            }
            Self::Read { client, log, end, limit, consistency } => {
                let from = Offset(rand::random_range(0..=end.0.saturating_sub((*limit).into())));
                let page = client.read(log, from, *limit, *consistency).await?;
                let bytes = page.records.iter().map(|record| record.payload.len() as u64).sum();
                Ok(Done { records: page.records.len() as u64, bytes, ..Done::default() })
            }
        }
    }
}

/// Has so many tasks of these kinds go on, each when its next request is due, as long as somebody wants the answers.
pub(super) fn drive(kinds: &[Task], count: usize, rate: Option<f64>) -> UnboundedReceiver<Answer> {
    let (start, (sender, answers)) = (Instant::now(), unbounded_channel());
    for (first, kind) in kinds.iter().cycle().take(count).enumerate() {
        let (mut task, sender) = (kind.clone(), sender.clone());
        tokio::spawn(async move {
            for number in (first..).step_by(count) {
                let due = due(start, rate, number).await;
                if sender.is_closed() {
                    return;
                }
                let result = task.step().await;
                let has_failed = result.is_err();
                let _unwanted = sender.send(Answer { due, at: Instant::now(), result });
                if has_failed {
                    sleep(PAUSE).await;
                }
            }
        });
    }
    answers
}

/// Waits until the request of this number is due, and says when that was. Without a rate, that is now.
async fn due(start: Instant, rate: Option<f64>, number: usize) -> Instant {
    let Some(rate) = rate else { return Instant::now() };
    let due = start + Duration::from_secs_f64(float(number as u64) / rate);
    sleep_until(due).await;
    due
}

/// Makes so many ids known: each is appended once.
pub(super) async fn prepare(lines: &[Line], count: u64, in_flight: usize) -> Result<Vec<Id>, Error> {
    let append = async |(line, _): (&Line, u64)| {
        let id = line.fresh_id();
        line.append(&id).await?;
        Ok(id)
    };
    stream::iter(lines.iter().cycle().zip(0..count)).map(append).buffer_unordered(in_flight).try_collect().await
}

/// How appends go over one connection, and what they are.
#[derive(Clone)]
pub(super) struct Line {
    client: Client,
    /// None if every append is a request of its own.
    stream: Option<Arc<AppendStream>>,
    log: LogName,
    ids: Ids,
    size: usize,
    /// The records of one append.
    count: usize,
    /// Random, so no compression makes a record smaller.
    bytes: Bytes,
}

impl Line {
    /// A line over each connection, for so many appends in flight together.
    pub(super) fn over(clients: &[Client], log: &LogName, sending: &Sending, count: usize, tasks: usize) -> Vec<Self> {
        let Sending { size, mode, ids } = *sending;
        let mut bytes = vec![0_u8; size + PLACES];
        rand::fill(&mut bytes[..]);
        let bytes = Bytes::from(bytes);
        let of_each = tasks.div_ceil(clients.len().max(1));
        let line = |client: &Client| {
            let stream = (mode == Mode::Stream).then(|| Arc::new(client.append_stream_of(of_each)));
            Self { client: client.clone(), stream, log: log.clone(), ids, size, count, bytes: bytes.clone() }
        };
        clients.iter().map(line).collect()
    }

    /// Appends the records of an id: the same again for the same id.
    pub(super) async fn append(&self, id: &Id) -> Result<Appended, Error> {
        let place = BuildHasherDefault::<DefaultHasher>::default().hash_one(id.text());
        let place = usize::try_from(place % PLACES as u64).unwrap_or(0);
        let record = |number: usize| {
            let from = (place + number * self.size) % PLACES;
            NewRecord::new(self.bytes.slice(from..from + self.size))
        };
        let (records, id) = ((0..self.count).map(record), Some(id.clone()));
        match &self.stream {
            Some(stream) => stream.send(&self.log, records, id).await?.await,
            None => self.client.append(&self.log, records, id).await,
        }
    }

    pub(super) fn fresh_id(&self) -> Id {
        match self.ids {
            Ids::Uuidv7 => self.client.fresh_id(),
            Ids::Random => Id::new(format!("{:032x}", rand::random::<u128>())).expect("hexadecimal digits make an id"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_share_the_moments_of_a_rate_and_who_is_late_does_not_wait() {
        let start = Instant::now() - Duration::from_mins(1);
        for (task, expected) in [(0, [0, 200, 400]), (1, [100, 300, 500])] {
            for (number, expected) in (task..).step_by(2).zip(expected) {
                assert_eq!((due(start, Some(10.0), number).await - start).as_millis(), expected);
            }
        }
        assert!(due(start, None, 3).await > start, "it is due now");
    }
}
