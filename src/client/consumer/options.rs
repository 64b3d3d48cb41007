//! Settings of a consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::client::Client;
use crate::client::error::{Cause, Error};
use crate::types::{Holder, LogName, ReaderName};

use super::membership::{Membership, bad_name};
use super::{Consumer, Followed, Sharing};

/// How many records make a batch by default.
const BATCH_RECORDS: usize = 100;
/// For how long a silent member keeps its logs by default.
const TIME: Duration = Duration::from_secs(10);

/// Settings of a consumer that is to be opened.
#[derive(Debug, Clone)]
#[must_use = "a consumer begins with `open`"]
pub struct Options {
    client: Client,
    reader: ReaderName,
    logs: BTreeSet<LogName>,
    batch_records: usize,
    member: Option<Holder>,
    time: Duration,
}

impl Options {
    pub(super) fn new(client: Client, reader: ReaderName, logs: BTreeSet<LogName>) -> Self {
        Self { client, reader, logs, batch_records: BATCH_RECORDS, member: None, time: TIME }
    }

    /// The most records in a batch; a hundred by default. A batch also ends at a mebibyte of payload.
    pub fn batch(self, records: usize) -> Self {
        Self { batch_records: records, ..self }
    }

    /// Shares the logs with other members of the same reader. The name is for others to see; it need not be unique.
    pub fn member(self, name: &Holder) -> Self {
        Self { member: Some(name.clone()), ..self }
    }

    /// For how long a silent member keeps its logs; ten seconds by default. When a member dies, others take over after this
    /// time.
    pub fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// Makes the consumer. Nothing is sent before the first batch is asked for.
    pub fn open(self) -> Result<Consumer, Error> {
        let Self { client, reader, logs, batch_records, member, time } = self;
        if logs.is_empty() {
            return Err(Error::before_any_attempt("read logs", Cause::BadUse("a consumer reads at least one log")));
        }
        let logs: Vec<LogName> = logs.into_iter().collect();
        let sharing = match member {
            None => None,
            Some(holder) => {
                let membership = Membership::new(client.clone(), &reader, &logs, holder, time).map_err(bad_name)?;
                Some(Sharing { membership, held: BTreeMap::new() })
            }
        };
        // A member follows what it holds, which is nothing yet.
        let followed = |log| Followed::new(log, None);
        let followed = if sharing.is_some() { Vec::new() } else { logs.into_iter().map(followed).collect() };
        Ok(Consumer { client, reader, batch_records, followed, turn: 0, commit: None, sharing })
    }
}
