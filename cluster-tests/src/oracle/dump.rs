//! All that one replica holds, read from its own state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::Content;
use crate::node::Node;
use crate::proto::Consistency;

/// A record on a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its place.
    pub offset: u64,
    /// The id that wrote it.
    pub id: String,
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
    /// All logs by name.
    #[serde(skip)]
    pub logs: BTreeMap<String, LogDump>,
}

impl Dump {
    /// Reads a replica in full. Fails if it changes meanwhile, or does not answer.
    pub async fn take(node: &Node) -> Result<Self, String> {
        let said = |failure: crate::client::Failure| format!("node {}: {failure}", node.id());
        let before = node.status().await.map_err(said)?;
        let mut logs = BTreeMap::new();
        for description in node.client().logs(Consistency::Local).await.map_err(said)? {
            let mut log = LogDump { start: description.start, end: description.end, records: Vec::new() };
            let mut next = description.start;
            while next < description.end {
                let page = node.client().read(&description.name, next, Consistency::Local).await.map_err(said)?;
                if page.records.is_empty() || page.next <= next {
                    // The oracle will say what is missing; reading on would never end.
                    break;
                }
                next = page.next;
                log.records.extend(page.records.into_iter().map(|record| Stored {
                    offset: record.offset,
                    id: record.id.map(|id| id.text).unwrap_or_default(),
                    content: Content::of(&record.payload),
                    time_ms: record.time_ms,
                }));
            }
            logs.insert(description.name, log);
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
            logs,
        })
    }
}
