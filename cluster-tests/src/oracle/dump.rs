//! All that one replica holds, read from its own state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::client::Failure;
use crate::command::{SYSTEM, log_in};
use crate::history::{Content, Name};
use crate::node::Node;
use crate::tables::{Cell, Tables, Value};

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
    /// Every row of its tables; a replica that was made by hand has none.
    #[serde(skip)]
    pub tables: Option<Tables>,
    /// All logs by name, those of other spaces than `main` with their space before it. Replicas share those that are equal.
    #[serde(skip)]
    pub logs: BTreeMap<String, Arc<LogDump>>,
}

/// Has each replica share the logs and the tables in which it equals the first one.
pub fn share(replicas: &mut [Dump]) {
    let Some((first, others)) = replicas.split_first_mut() else { return };
    for other in others {
        for (name, log) in &mut other.logs {
            if let Some(same) = first.logs.get(name).filter(|same| *same == log) {
                *log = Arc::clone(same);
            }
        }
        if let Some((tables, same)) = other.tables.as_mut().zip(first.tables.as_ref()) {
            tables.share(same);
        }
    }
}

impl Dump {
    /// Reads a replica in full. Fails if it changes meanwhile, or does not answer.
    pub async fn take(node: &Node) -> Result<Self, String> {
        let said = |failure: Failure| format!("node {}: {failure}", node.id());
        let before = node.status().await.map_err(said)?;
        let read = Tables::take(node, before.applied_index).await?;
        let after = node.status().await.map_err(said)?;
        if before.applied_index != after.applied_index {
            return Err(format!("node {} applied more while it was read", node.id()));
        }
        let dump = Self {
            node: node.id(),
            applied_index: after.applied_index,
            digest: after.digest,
            remembered: after.digests.into_iter().map(|at| (at.index, at.digest)).collect(),
            ..Self::default()
        };
        let logs = read.logs.into_iter().map(|((space, log), dump)| (log_in(&space, &log), Arc::new(dump))).collect();
        Ok(Self { logs, ..dump.with_tables(read.tables) })
    }

    /// The same with these tables, and with what they say of spaces, cells, positions and locks.
    #[must_use]
    pub fn with_tables(mut self, tables: Tables) -> Self {
        let small = tables.small();
        let clock = small.globals.map_or(0, |globals| globals.clock);
        let named: BTreeMap<u32, &str> =
            (small.spaces.iter().map(|(name, space)| (space.number, name.as_str()))).collect();
        let of_space = |number: &u32| named.get(number).copied();
        self.spaces = small.spaces.keys().filter(|name| *name != SYSTEM).cloned().collect();
        let cells =
            small.cells.iter().filter_map(|((space, key), cell)| Some((log_in(of_space(space)?, key), Held::of(cell))));
        self.cells = cells.collect();
        let positions = small.positions.iter().filter_map(|((space, reader, log), position)| {
            let name = format!("{reader} in {}", log_in(of_space(space)?, log));
            Some((name, (position.offset, position.version)))
        });
        self.positions = positions.collect();
        let held = small.locks.iter().filter(|(_, lock)| lock.expires > clock);
        let locks =
            held.filter_map(|((space, name), lock)| Some((log_in(of_space(space)?, name), (lock.token, lock.expires))));
        self.locks = locks.collect();
        self.tables = Some(tables);
        self
    }
}

impl Held {
    fn of(cell: &Cell) -> Self {
        let (number, content) = match &cell.value {
            Value::Integer(number) => (Some(*number), None),
            Value::Bytes(bytes) => (None, Some(Content::of(bytes))),
        };
        Self { number, content, version: cell.version }
    }
}
