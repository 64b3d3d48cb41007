//! Puts load on a cluster: tasks that send, wait for the answer, and send again.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::meter::{Done, Meter};
use super::pace::Pace;
use crate::cli::arguments::{Ids, Mode};
use crate::client::{AppendStream, Appended, Client, Error};
use crate::types::{Consistency, Id, LogName, NewRecord, Offset};

/// The pause of a task after an error: a cluster that refuses at once must not be asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(10);

/// One of many tasks, each of which has one request in flight.
pub(super) trait Task: Send + 'static {
    /// Sends a request and waits for its answer.
    fn step(&mut self) -> impl Future<Output = Result<Done, Error>> + Send;
}

/// Has all tasks go on until the meter's end, each when its next request is due.
pub(super) async fn drive<T: Task>(tasks: Vec<T>, rate: Option<f64>, meter: Meter) {
    let (start, count) = (Instant::now(), tasks.len());
    let mut running = JoinSet::new();
    for (number, mut task) in tasks.into_iter().enumerate() {
        let mut pace = Pace::new(start, rate, number, count);
        let meter = meter.clone();
        running.spawn(async move {
            loop {
                let due = pace.due().await;
                if due >= meter.end() {
                    return;
                }
                let result = task.step().await;
                let has_failed = result.is_err();
                meter.record(due, result);
                if has_failed {
                    sleep(PAUSE).await;
                }
            }
        });
    }
    running.join_all().await;
}

/// Appends; a part of the appends is sent twice.
pub(super) struct Append {
    pub(super) line: Line,
    pub(super) cargo: Cargo,
    pub(super) duplicate_ratio: f64,
    /// The id that is sent a second time.
    pub(super) again: Option<Id>,
}

impl Task for Append {
    async fn step(&mut self) -> Result<Done, Error> {
        let id = self.again.take().unwrap_or_else(|| self.line.fresh_id(self.cargo.ids));
        let done = self.line.append(&self.cargo, &id).await?;
        if !done.replayed && self.duplicate_ratio > 0.0 && rand::rng().random_bool(self.duplicate_ratio) {
            self.again = Some(id);
        }
        Ok(done)
    }
}

/// Sends known ids again.
pub(super) struct Resend {
    pub(super) line: Line,
    pub(super) cargo: Cargo,
    /// At least one.
    pub(super) known: Arc<Vec<Id>>,
}

impl Task for Resend {
    async fn step(&mut self) -> Result<Done, Error> {
        let number = rand::rng().random_range(0..self.known.len());
        match self.known.get(number) {
            Some(id) => self.line.append(&self.cargo, id).await,
            None => Ok(Done::default()),
        }
    }
}

/// Reads pages from random offsets.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) client: Client,
    pub(super) log: LogName,
    pub(super) end: Offset,
    pub(super) limit: u32,
    pub(super) consistency: Consistency,
}

impl Task for Read {
    async fn step(&mut self) -> Result<Done, Error> {
        let from = Offset(rand::rng().random_range(0..=self.end.0.saturating_sub(self.limit.into())));
        let page = self.client.read(&self.log, from, self.limit, self.consistency).await?;
        let bytes = page.records.iter().map(|record| record.payload.len() as u64).sum();
        Ok(Done { records: page.records.len() as u64, bytes, replayed: false })
    }
}

/// The way of one task to the cluster.
#[derive(Clone)]
pub(super) enum Line {
    Stream(Client, Arc<AppendStream>),
    Unary(Client),
}

impl Line {
    /// A line over each connection, for so many tasks together.
    pub(super) fn over(clients: &[Client], mode: Mode, tasks: usize) -> Vec<Self> {
        let in_flight = tasks.div_ceil(clients.len().max(1));
        let line = |client: &Client| match mode {
            Mode::Stream => Self::Stream(client.clone(), Arc::new(client.append_stream_of(in_flight))),
            Mode::Unary | Mode::Batch => Self::Unary(client.clone()),
        };
        clients.iter().map(line).collect()
    }

    /// Appends the records of an id, and says what that did.
    pub(super) async fn append(&self, cargo: &Cargo, id: &Id) -> Result<Done, Error> {
        let appended = self.send(cargo, id).await?;
        let records = cargo.count as u64;
        Ok(Done { records, bytes: records * cargo.size as u64, replayed: appended.replayed })
    }

    /// Appends the records of an id.
    pub(super) async fn send(&self, cargo: &Cargo, id: &Id) -> Result<Appended, Error> {
        let (records, id) = (cargo.records(id), Some(id.clone()));
        match self {
            Self::Stream(_, stream) => stream.send(&cargo.log, records, id).await?.await,
            Self::Unary(client) => client.append(&cargo.log, records, id).await,
        }
    }

    pub(super) fn fresh_id(&self, ids: Ids) -> Id {
        let (Self::Stream(client, _) | Self::Unary(client)) = self;
        match ids {
            Ids::Uuidv7 => client.fresh_id(),
            Ids::Random => {
                let id = format!("{:032x}", rand::rng().random::<u128>());
                Id::new(id).expect("hexadecimal digits make an id")
            }
        }
    }
}

/// What is appended.
#[derive(Clone)]
pub(super) struct Cargo {
    pub(super) log: LogName,
    pub(super) ids: Ids,
    size: usize,
    count: usize,
    /// Random bytes, of which every record is a part: no compression makes them smaller.
    bytes: Bytes,
}

impl Cargo {
    /// So many records an append, each of so many bytes.
    pub(super) fn new(log: LogName, size: usize, count: usize, ids: Ids) -> Self {
        let mut bytes = vec![0_u8; size + (1 << 20)];
        rand::rng().fill(&mut bytes[..]);
        Self { log, ids, size, count, bytes: Bytes::from(bytes) }
    }

    /// The records of an id: the same again for the same id.
    fn records(&self, id: &Id) -> Vec<NewRecord> {
        let mut place = DefaultHasher::new();
        id.text().hash(&mut place);
        let starts = self.bytes.len() - self.size;
        let record = |number: usize| {
            let from = place.finish().wrapping_add(number.wrapping_mul(self.size) as u64) % starts as u64;
            let from = usize::try_from(from).unwrap_or(0);
            NewRecord::new(self.bytes.slice(from..from + self.size))
        };
        (0..self.count).map(record).collect()
    }
}

/// Makes ids known: each is appended once, by so many tasks.
pub(super) async fn prepare(lines: &[Line], cargo: &Cargo, count: u64, tasks: usize) -> Result<Vec<Id>, Error> {
    let mut running = JoinSet::new();
    for (task, line) in (0..).zip(lines.iter().cycle().take(tasks)) {
        let (line, cargo) = (line.clone(), cargo.clone());
        running.spawn(async move {
            let mut ids = Vec::new();
            for _ in (task..count).step_by(tasks) {
                let id = line.fresh_id(cargo.ids);
                line.append(&cargo, &id).await?;
                ids.push(id);
            }
            Ok(ids)
        });
    }
    let ids = running.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(ids.concat())
}
