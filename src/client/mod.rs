//! The client library: finds a node that answers, keeps the id, retries what is safe, and says what it knows.
//!
//! - A command has its id before its first attempt and keeps it through all: retrying is always safe.
//! - Every operation ends within its total time; one attempt never takes all of it, so a node that hangs costs a part.
//! - An error says what failed, whether it is *in doubt*, and what each address said last. It says that nothing happened
//!   only if every attempt said so, or if the id's outcome is known.
//! - Every future may be dropped at any time. One that only reads leaves nothing behind; of one that changes something it
//!   is then unknown whether it did, and the same id, sent again or [settled](Client::settle), finds out.
//! - Nothing runs by itself but what a stream, an outbox or a lock was given: a task in the Tokio runtime in which the
//!   stream was opened or the lock taken, a thread for an outbox's file.
//!
//! The [first page](crate) leads through it. The tests run this example, `examples/client.rs`, against a real cluster:
//!
#![doc = "```no_run"]
#![doc = include_str!("../../examples/client.rs")]
#![doc = "```"]

mod attempts;
mod backlog;
mod builder;
mod clock;
pub mod consumer;
mod error;
mod hooks;
mod ids;
mod inspect;
mod items;
pub mod lock;
mod nodes;
mod operation;
pub mod outbox;
mod pages;
mod request;
mod retry;
#[cfg(test)]
#[cfg(feature = "server")]
mod scripted;
mod stream;
mod stream_driver;
#[cfg(test)]
#[cfg(feature = "server")]
mod stream_test;
mod tail;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::Channel;

pub use crate::wire::{Appended, ErrorReport, FieldViolation, Reason, Unreadable};
pub use attempts::Tried;
pub use builder::Builder;
pub use error::{Cause, Error, Kind};
pub use items::Stream;
pub use pages::{Pages, Seen};
pub use request::{Request, Submitted};
pub use stream::{AppendStream, Receipt};
pub use tail::Tail;

use crate::types::limits::CLIENT_MESSAGE_BYTES_MAX;
use crate::types::{
    Consistency, Decided, Fate, Founded, Id, Listing, LogDescription, LogName, NewRecord, NodeStatus, Offset, Page,
    Snapshotted, SpaceName, Verdict,
};
use crate::wire::{self, v1};
use nodes::{Node, Nodes};
use operation::{Operation, Patience};

/// What to do with an id that has no outcome yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Nothing: it may still take effect.
    Leave,
    /// It must never take effect.
    Cancel,
}

/// A client of one cluster and one space. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    nodes: Arc<Nodes>,
    space: SpaceName,
    timeout: Duration,
    attempt_timeout: Duration,
}

impl Client {
    /// Begins a client.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A client of the nodes that listen for clients at these addresses (`host:port`), with everything else as it is by
    /// default. Nothing connects yet: that happens at the first attempt.
    pub fn connect(addresses: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, Error> {
        Self::builder().addresses(addresses).build()
    }

    /// The addresses of the nodes.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.nodes.all().iter().map(|node| node.address.as_str())
    }

    /// A client of another space, over the same connections.
    #[must_use]
    pub fn in_space(&self, space: SpaceName) -> Self {
        Self { space, ..self.clone() }
    }

    /// A client whose operations may take this long, all attempts together, over the same connections: for one call that may
    /// take more or less time than others.
    ///
    /// ```no_run
    /// # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// let patient = client.with_timeout(Duration::from_mins(5));
    /// patient.append(&"orders".parse()?, ["two tickets"], None).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, attempt_timeout: builder::attempt_timeout(timeout), ..self.clone() }
    }

    /// A new id, born now: a `UUIDv7`.
    pub fn fresh_id(&self) -> Id {
        ids::fresh(clock::now())
    }

    /// Adds records to the end of a log: all or none, once. Without an id it makes one, which an error names.
    ///
    /// ```no_run
    /// # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let id = client.fresh_id(); // Or one of the program's own, such as the number of an order.
    /// let appended = client.append(&"orders".parse()?, ["two tickets", "a programme"], Some(id)).await?;
    /// println!("{} records from offset {} on", appended.count, appended.first);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn append(
        &self,
        log: &LogName,
        records: impl IntoIterator<Item = impl Into<NewRecord>>,
        id: Option<Id>,
    ) -> Result<Appended, Error> {
        let id = id.unwrap_or_else(|| self.fresh_id());
        let records: Vec<NewRecord> = records.into_iter().map(Into::into).collect();
        let request = wire::append_request(&self.space, log, &id, &records);
        let operation = self.operation(format!("append to log `{log}`")).of_id(id);
        if let Err(report) = wire::append_command(request.clone()) {
            return Err(operation.refused_before_the_first_attempt(report));
        }
        let answer = operation.run(|attempt| {
            let request = attempt.request(request.clone());
            async move {
                let response = logs(attempt.channel).append(request).await?;
                Ok((wire::appended(response.get_ref())?, self.nodes.leader(response.metadata())))
            }
        });
        let (appended, leader) = answer.await?;
        if let Some(leader) = leader {
            self.nodes.answered(leader);
        }
        Ok(appended)
    }

    /// Opens a stream, which has many appends in flight at once. Call it in a Tokio runtime.
    pub fn append_stream(&self) -> AppendStream {
        AppendStream::open(self, stream::IN_FLIGHT)
    }

    /// The same with at most this many appends in flight.
    pub fn append_stream_of(&self, in_flight: usize) -> AppendStream {
        AppendStream::open(self, in_flight)
    }

    /// Makes sure that an id never takes effect, unless it already has. The answer is the id's outcome, which is final.
    pub async fn cancel(&self, id: &Id) -> Result<Decided, Error> {
        let request = wire::cancel_request(&self.space, id);
        let operation = self.operation(format!("cancel id `{id}`")).of_id(id.clone());
        if let Err(report) = wire::cancel(request.clone()) {
            return Err(operation.refused_before_the_first_attempt(report));
        }
        let answer = operation.run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::decided(logs(attempt.channel).cancel(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// Ends the doubt about an id: says what became of it. If nothing has yet, it leaves or cancels the id.
    ///
    /// [`Fate::Unknown`] comes only with [`Undecided::Leave`]: then it may still take effect.
    pub async fn settle(&self, id: &Id, undecided: Undecided) -> Result<Fate, Error> {
        let fate = self.lookup(id, Consistency::Linearizable).await?;
        match (&fate, undecided) {
            (Fate::Unknown, Undecided::Cancel) => {}
            (Fate::Decided { .. } | Fate::TooOld { .. }, _) | (Fate::Unknown, Undecided::Leave) => return Ok(fate),
        }
        match self.cancel(id).await {
            // Between the two it may have been applied, and even undone: then only another look tells by whom.
            Ok(Decided { outcome, .. }) if outcome.verdict == Verdict::Cancelled => {
                Ok(Fate::Decided { outcome, compensated_by: None })
            }
            Ok(_) => self.lookup(id, Consistency::Linearizable).await,
            // It has grown too old in between.
            Err(error) if error.reason() == Some(Reason::IdTooOld) => self.lookup(id, Consistency::Linearizable).await,
            Err(error) => Err(error),
        }
    }

    /// Follows a log as it grows, from an offset on or from the first that is left. A log that is not there is waited for.
    /// An offset that is trimmed away, now or before it is read, is an error: nothing is left out in silence.
    pub fn tail(&self, log: LogName, from: impl Into<Option<Offset>>, consistency: Consistency) -> Tail {
        Tail::new(self.clone(), log, from.into(), consistency)
    }

    /// Reads one page, from an offset on or from the first that is left. A `limit` of 0 means as many records as a page
    /// holds. An offset that is trimmed away is an error.
    pub async fn read(
        &self,
        log: &LogName,
        from: impl Into<Option<Offset>>,
        limit: u32,
        consistency: Consistency,
    ) -> Result<Page, Error> {
        let request = v1::ReadRequest {
            space: self.space.as_str().to_owned(),
            log: log.as_str().to_owned(),
            from: from.into().map(|offset| offset.0),
            limit,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation(format!("read log `{log}`")).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::page(logs(attempt.channel).read(request).await?.into_inner())?) }
        });
        answer.await
    }

    /// Reads from an offset, or from the first that is left, to the end that the log has when the first page is read, or to
    /// `limit` records.
    pub fn pages(
        &self,
        log: LogName,
        from: impl Into<Option<Offset>>,
        limit: Option<u64>,
        consistency: Consistency,
    ) -> Pages {
        Pages::new(self.clone(), log, from.into(), limit, consistency)
    }

    /// Asks what became of an id.
    pub async fn lookup(&self, id: &Id, consistency: Consistency) -> Result<Fate, Error> {
        let request = v1::LookupRequest {
            space: self.space.as_str().to_owned(),
            id: Some(wire::command_id(id)),
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation(format!("look up id `{id}`")).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::fate(logs(attempt.channel).lookup(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// Describes a log.
    pub async fn describe_log(&self, log: &LogName, consistency: Consistency) -> Result<LogDescription, Error> {
        let request = v1::DescribeLogRequest {
            space: self.space.as_str().to_owned(),
            log: log.as_str().to_owned(),
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation(format!("describe log `{log}`")).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::description(logs(attempt.channel).describe_log(request).await?.into_inner())?) }
        });
        answer.await
    }

    /// Lists the space's logs whose names come after a name.
    pub async fn list_logs(&self, after: Option<&LogName>, consistency: Consistency) -> Result<Listing, Error> {
        let request = v1::ListLogsRequest {
            space: self.space.as_str().to_owned(),
            after: after.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            limit: 0,
            consistency: wire::consistency_message(consistency),
        };
        let answer = self.operation("list logs".to_owned()).only_reading().run(|attempt| {
            let request = attempt.request(request.clone());
            async move { Ok(wire::listing(logs(attempt.channel).list_logs(request).await?.get_ref())?) }
        });
        answer.await
    }

    /// Asks one node for its status, once.
    pub async fn status(&self, address: &str) -> Result<NodeStatus, Error> {
        let operation = self.operation_at(address, format!("ask {address} for its status"))?;
        let answer = operation.only_reading().patience(Patience::OneAttempt).run(|attempt| {
            let request = attempt.request(v1::StatusRequest {});
            async move { Ok(wire::node_status(admin(attempt.channel).status(request).await?.into_inner())?) }
        });
        answer.await
    }

    /// Makes a cluster of the node at `address` and its empty peers, which are named by their peer addresses. Sent again, it
    /// answers with the cluster that was made.
    pub async fn init(&self, address: &str, peers: &[String]) -> Result<Founded, Error> {
        let operation = self.operation_at(address, "initialise the cluster".to_owned())?;
        let answer = operation.patience(Patience::LongAttempts).run(|attempt| {
            let request = attempt.request(v1::InitRequest { peers: peers.to_vec() });
            async move { Ok(wire::founded(admin(attempt.channel).init(request).await?.into_inner())?) }
        });
        answer.await
    }

    /// Makes a snapshot on one node and purges its Raft log behind it.
    pub async fn snapshot(&self, address: &str) -> Result<Snapshotted, Error> {
        let operation = self.operation_at(address, format!("make a snapshot on {address}"))?;
        let answer = operation.patience(Patience::LongAttempts).run(|attempt| {
            let request = attempt.request(v1::SnapshotRequest {});
            async move { Ok(wire::snapshotted(admin(attempt.channel).snapshot(request).await?.into_inner())) }
        });
        answer.await
    }

    fn operation(&self, doing: String) -> Operation {
        Operation::new(doing, Arc::clone(&self.nodes), self.timeout, self.attempt_timeout)
    }

    fn operation_at(&self, address: &str, doing: String) -> Result<Operation, Error> {
        let node = match self.nodes.all().iter().find(|node| node.address == address) {
            Some(node) => node.clone(),
            None => Node::new(address, self.nodes.hooks())?,
        };
        let nodes = Arc::new(Nodes::new(vec![node], self.nodes.hooks().clone()));
        Ok(Operation::new(doing, nodes, self.timeout, self.attempt_timeout))
    }
}

fn logs(channel: Channel) -> v1::log_service_client::LogServiceClient<Channel> {
    v1::log_service_client::LogServiceClient::new(channel)
        .max_encoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
}

fn admin(channel: Channel) -> v1::admin_service_client::AdminServiceClient<Channel> {
    v1::admin_service_client::AdminServiceClient::new(channel).max_decoding_message_size(CLIENT_MESSAGE_BYTES_MAX)
}
