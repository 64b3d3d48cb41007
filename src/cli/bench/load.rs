//! Puts load on a cluster: tasks that send, wait for the answer, and send again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::meter::{Done, Meter};
use super::pace::Pace;
use crate::cli::arguments::{Ids, Load, Mode};
use crate::client::{AppendStream, Appended, Client, Error};
use crate::types::{Consistency, Id, LogName, NewRecord, Offset};

/// A client of its own for each connection, each beginning at another node.
pub(super) struct Connections {
    clients: Vec<Client>,
}

impl Connections {
    pub(super) fn open(load: &Load, builder: impl Fn(usize) -> Result<Client, Error>) -> Result<Self, Error> {
        Ok(Self { clients: (0..load.connections()).map(builder).collect::<Result<_, _>>()? })
    }

    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// What each of so many tasks sends with.
    pub(super) fn lines(&self, mode: Mode, tasks: u32) -> Vec<Line> {
        let in_flight = (tasks as usize).div_ceil(self.clients.len());
        let lines: Vec<Line> = self
            .clients
            .iter()
            .map(|client| match mode {
                Mode::Stream => Line::Stream(client.clone(), Arc::new(client.append_stream_of(in_flight))),
                Mode::Unary | Mode::Batch => Line::Unary(client.clone()),
            })
            .collect();
        lines.iter().cycle().take(tasks as usize).cloned().collect()
    }

    /// The client of each of so many tasks.
    pub(super) fn clients(&self, tasks: u32) -> Vec<Client> {
        self.clients.iter().cycle().take(tasks as usize).cloned().collect()
    }
}

/// The way of one task to the cluster.
#[derive(Clone)]
pub(super) enum Line {
    Stream(Client, Arc<AppendStream>),
    Unary(Client),
}

impl Line {
    pub(super) async fn append(&self, log: &LogName, records: Vec<NewRecord>, id: Id) -> Result<Appended, Error> {
        match self {
            Self::Stream(_, stream) => stream.send(log, records, Some(id)).await?.await,
            Self::Unary(client) => client.append(log, records, Some(id)).await,
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
    pub(super) fn records(&self, id: &Id) -> Vec<NewRecord> {
        let mut place = DefaultHasher::new();
        id.text().hash(&mut place);
        let room = self.bytes.len() - self.size;
        let record = |number: usize| {
            let from = place.finish().wrapping_add(number.wrapping_mul(self.size) as u64) % room as u64;
            let from = usize::try_from(from).unwrap_or(0);
            NewRecord { payload: self.bytes.slice(from..from + self.size), headers: Vec::new() }
        };
        (0..self.count).map(record).collect()
    }

    fn done(&self, appended: &Appended) -> Done {
        let records = self.count as u64;
        Done { records, bytes: records * self.size as u64, replayed: appended.replayed }
    }
}

/// Appends until the meter's end. A part of the appends is sent twice.
pub(super) async fn append(lines: Vec<Line>, cargo: &Cargo, duplicates: f64, load: &Load, meter: &Meter) {
    let (start, tasks) = (Instant::now(), load.clients);
    let mut running = JoinSet::new();
    for (task, line) in (0..).zip(lines) {
        let (cargo, meter) = (cargo.clone(), meter.clone());
        let mut pace = Pace::new(start, load.rate, task, tasks);
        running.spawn(async move {
            let mut again: Option<Id> = None;
            loop {
                let due = pace.due().await;
                if due >= meter.end() {
                    return;
                }
                let id = again.take().unwrap_or_else(|| line.fresh_id(cargo.ids));
                let result = line.append(&cargo.log, cargo.records(&id), id.clone()).await;
                let is_first = result.as_ref().is_ok_and(|appended| !appended.replayed);
                if is_first && duplicates > 0.0 && rand::rng().random_bool(duplicates) {
                    again = Some(id);
                }
                meter.record(due, result.as_ref().map(|appended| cargo.done(appended)));
                if result.is_err() {
                    breathe().await;
                }
            }
        });
    }
    running.join_all().await;
}

/// Sends known ids again until the meter's end.
pub(super) async fn resend(lines: Vec<Line>, cargo: &Cargo, known: Arc<Vec<Id>>, load: &Load, meter: &Meter) {
    let (start, tasks) = (Instant::now(), load.clients);
    let mut running = JoinSet::new();
    for (task, line) in (0..).zip(lines) {
        let (cargo, meter, known) = (cargo.clone(), meter.clone(), known.clone());
        let mut pace = Pace::new(start, load.rate, task, tasks);
        running.spawn(async move {
            loop {
                let due = pace.due().await;
                let Some(id) = known.get(rand::rng().random_range(0..known.len())).filter(|_| due < meter.end()) else {
                    return;
                };
                let result = line.append(&cargo.log, cargo.records(id), id.clone()).await;
                meter.record(due, result.as_ref().map(|appended| cargo.done(appended)));
                if result.is_err() {
                    breathe().await;
                }
            }
        });
    }
    running.join_all().await;
}

/// Reads pages from random offsets until the meter's end.
pub(super) async fn read(
    clients: Vec<Client>,
    log: &LogName,
    end: Offset,
    limit: u32,
    consistency: Consistency,
    load: &Load,
    meter: &Meter,
) {
    let (start, tasks) = (Instant::now(), load.clients);
    let mut running = JoinSet::new();
    for (task, client) in (0..).zip(clients) {
        let (log, meter) = (log.clone(), meter.clone());
        let mut pace = Pace::new(start, load.rate, task, tasks);
        running.spawn(async move {
            loop {
                let due = pace.due().await;
                if due >= meter.end() {
                    return;
                }
                let from = Offset(rand::rng().random_range(0..=end.0.saturating_sub(limit.into())));
                let result = client.read(&log, from, limit, consistency).await;
                meter.record(
                    due,
                    result.as_ref().map(|page| Done {
                        records: page.records.len() as u64,
                        bytes: page.records.iter().map(|record| record.payload.len() as u64).sum(),
                        replayed: false,
                    }),
                );
                if result.is_err() {
                    breathe().await;
                }
            }
        });
    }
    running.join_all().await;
}

/// Makes ids known: each is appended once.
pub(super) async fn prepare(lines: &[Line], cargo: &Cargo, count: u64) -> Result<Vec<Id>, Error> {
    let mut running = JoinSet::new();
    let tasks = lines.len() as u64;
    for (task, line) in (0..).zip(lines) {
        let (line, cargo) = (line.clone(), cargo.clone());
        running.spawn(async move {
            let mut ids = Vec::new();
            for _ in (task..count).step_by(usize::try_from(tasks).unwrap_or(usize::MAX)) {
                let id = line.fresh_id(cargo.ids);
                line.append(&cargo.log, cargo.records(&id), id.clone()).await?;
                ids.push(id);
            }
            Ok(ids)
        });
    }
    let mut all = Vec::new();
    for ids in running.join_all().await {
        all.extend(ids?);
    }
    Ok(all)
}

/// A cluster that refuses at once must not be asked in a tight loop.
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
