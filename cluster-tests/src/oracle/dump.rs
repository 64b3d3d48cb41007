//! All that one replica holds, read from its own state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::client::{Client, Failure};
use crate::command::log_in;
use crate::history::{Content, Name};
use crate::node::Node;
use crate::proto::{Cell, Consistency, cell_value};

/// A record on a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its place.
    pub offset: u64,
    /// The id that wrote it.
    pub id: Name,
    /// What it holds.
    pub content: Content,
    /// The space's time when it was written.
    pub time_ms: u64,
}

/// A log on a replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogDump {
    /// The first offset that is there.
    pub start: u64,
    /// The offset that the next record gets.
    pub end: u64,
    /// All records, in the order read.
    pub records: Vec<Stored>,
}

impl LogDump {
    /// The record at an offset, if the log is dense up to there.
    pub fn at(&self, offset: u64) -> Option<&Stored> {
        let position = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.records.get(position)
    }
}

/// A cell on a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The number, if it holds one.
    pub number: Option<i64>,
    /// The bytes, if it holds some.
    pub content: Option<Content>,
    /// The sequence of the command that made it so.
    pub version: u64,
}

/// A replica.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// The node.
    pub node: u64,
    /// The last entry applied.
    pub applied_index: u64,
    /// The digest there.
    pub digest: String,
    /// Digests that the node remembers.
    pub remembered: BTreeMap<u64, String>,
    /// All spaces but the reserved one.
    #[serde(default)]
    pub spaces: BTreeSet<String>,
    /// All cells, by their space and key.
    #[serde(default)]
    pub cells: BTreeMap<String, Held>,
    /// All positions, by their space, reader and log: offset and version.
    #[serde(default)]
    pub positions: BTreeMap<String, (u64, u64)>,
    /// All locks that are held, by their space and name: the token, and when it expires.
    #[serde(default)]
    pub locks: BTreeMap<String, ((u64, u64), u64)>,
    /// All logs by name, those of other spaces than `main` with their space before it. Replicas share those that are equal.
    #[serde(skip)]
    pub logs: BTreeMap<String, Arc<LogDump>>,
}

/// Has each replica share the logs in which it equals the first one.
pub fn share(replicas: &mut [Dump]) {
    let Some((first, others)) = replicas.split_first_mut() else { return };
    for (name, log) in others.iter_mut().flat_map(|other| &mut other.logs) {
        if let Some(same) = first.logs.get(name).filter(|same| *same == log) {
            *log = Arc::clone(same);
        }
    }
}

impl Dump {
    /// Reads a replica in full. Fails if it changes meanwhile, or does not answer.
    pub async fn take(node: &Node) -> Result<Self, String> {
        let said = |failure: Failure| format!("node {}: {failure}", node.id());
        let before = node.status().await.map_err(said)?;
        let client = node.client();
        let mut dump = Self::default();
        for space in client.local_spaces().await.map_err(said)? {
            dump.take_space(client, &space).await.map_err(said)?;
            dump.spaces.insert(space);
        }
        let after = node.status().await.map_err(said)?;
        if before.applied_index != after.applied_index {
            return Err(format!("node {} applied more while it was read", node.id()));
        }
        Ok(Self {
            node: node.id(),
            applied_index: after.applied_index,
            digest: after.digest,
            remembered: after.digests.into_iter().map(|at| (at.index, at.digest)).collect(),
            ..dump
        })
    }

    async fn take_space(&mut self, client: &Client, space: &str) -> Result<(), Failure> {
        for description in client.local_logs(space).await? {
            let mut log = LogDump { start: description.start, end: description.end, records: Vec::new() };
            let mut next = description.start;
            while next < description.end {
                let page = client.read_in(space, &description.name, next, 0, Consistency::Local).await?;
                if page.records.is_empty() || page.next <= next {
                    // The oracle will say what is missing; reading on would never end.
                    break;
                }
                next = page.next;
                log.records.extend(page.records.into_iter().map(|record| Stored {
                    offset: record.offset,
                    content: Content::of_record(&record.payload, &record.headers),
                    id: record.id.map(|id| Name::from(id.text)).unwrap_or_default(),
                    time_ms: record.time_ms,
                }));
            }
            self.logs.insert(log_in(space, &description.name), Arc::new(log));
        }
        for cell in client.local_cells(space).await? {
            self.cells.insert(log_in(space, &cell.key), Held::of(&cell));
        }
        for position in client.local_positions(space).await? {
            let name = format!("{} in {}", position.reader, log_in(space, &position.log));
            self.positions.insert(name, (position.offset, position.version));
        }
        for lock in client.local_locks(space).await? {
            let token = lock.token.unwrap_or_default();
            let held = ((token.history, token.sequence), lock.expires_ms);
            self.locks.insert(log_in(space, &lock.name), held);
        }
        Ok(())
    }
}

impl Held {
    fn of(cell: &Cell) -> Self {
        let (number, content) = match cell.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(cell_value::Value::Integer(number)) => (Some(*number), None),
            Some(cell_value::Value::Bytes(bytes)) => (None, Some(Content::of(bytes))),
            None => (None, None),
        };
        Self { number, content, version: cell.version }
    }
}
