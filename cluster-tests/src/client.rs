//! A client that makes one attempt at one node and says exactly what it heard.
//!
//! - It never retries: when to ask again, and whom, is the scenario's choice.
//! - An error without our mark is *unknown*, whatever it looks like.

mod ask;
mod list;
mod look;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::proto::admin_service_client::AdminServiceClient;
use crate::proto::log_service_client::LogServiceClient;
use crate::proto::{
    AppendRequest, AppendResponse, AppendStreamRequest, AppendStreamResponse, Arrival, CancelRequest, CancelResponse,
    CommandId, Consistency, DescribeLogRequest, InitRequest, InitResponse, ListLogsRequest, LogDescription,
    LookupRequest, LookupResponse, NewRecord, Outcome, ReadRequest, ReadResponse, SnapshotRequest, SnapshotResponse,
    StatusRequest, StatusResponse, TailRequest, TailResponse, WaitRequest, WaitResponse, wait_request,
};

const MESSAGE_BYTES_MAX: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The least that HTTP/2 begins with.
const WINDOW_BYTES: u32 = 65_535;

/// How many calls that it gave up such a client knows for a while.
const RESETS_KNOWN: usize = 10_000;

/// What an error says of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The attempt changed nothing and will not.
    None,
    /// It may have, or may still.
    Unknown,
}

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The gRPC code.
    pub code: String,
    /// The reason in the `ErrorInfo`; empty without one.
    pub reason: String,
    /// What it says of the attempt; unknown if it says nothing.
    pub effect: Effect,
    /// The sentence for people.
    pub message: String,
    /// Facts that belong to the reason.
    pub metadata: BTreeMap<String, String>,
    /// The id's outcome, if it was refused or cancelled.
    #[serde(with = "crate::history::packed_field")]
    pub outcome: Option<Box<Outcome>>,
}

impl Failure {
    /// What a node, or the transport on the way to it, said.
    pub fn from_status(status: &Status) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == "oncelog");
        let effect = info.as_ref().and_then(|info| info.metadata.get("effect")).map(String::as_str);
        Self {
            code: format!("{:?}", status.code()),
            effect: if effect == Some("none") { Effect::None } else { Effect::Unknown },
            reason: info.as_ref().map(|info| info.reason.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            metadata: info.map(|info| info.metadata.into_iter().collect()).unwrap_or_default(),
            outcome: outcome_of(status).map(Box::new),
        }
    }

    /// What a node said of one append of a stream.
    pub fn from_message(failure: crate::proto::Failure) -> Self {
        let effect = failure.effect();
        Self {
            code: format!("{:?}", Code::from_i32(failure.code)),
            effect: if effect == crate::proto::Effect::None { Effect::None } else { Effect::Unknown },
            reason: failure.reason,
            message: failure.message,
            metadata: failure.metadata.into_iter().collect(),
            outcome: failure.outcome.map(Box::new),
        }
    }

    /// What is known when nobody has said anything.
    pub fn silence(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: format!("{code:?}"),
            reason: String::new(),
            effect: Effect::Unknown,
            message: message.into(),
            metadata: BTreeMap::new(),
            outcome: None,
        }
    }

    /// Whether it is an answer to the command itself, and not about who could take it, or when.
    pub fn is_about_the_command(&self) -> bool {
        let codes =
            [Code::AlreadyExists, Code::FailedPrecondition, Code::Aborted, Code::InvalidArgument, Code::NotFound];
        // A node that has nothing any more refuses whatever comes.
        let of_the_node = self.reason == "NOT_INITIALISED";
        self.effect == Effect::None && !of_the_node && codes.iter().any(|code| self.code == format!("{code:?}"))
    }

    fn is_not_found(&self) -> bool {
        self.code == format!("{:?}", Code::NotFound)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} (effect {:?}): {}", self.code, self.reason, self.effect, self.message)
    }
}

/// The outcome among the details of a status.
fn outcome_of(status: &Status) -> Option<Outcome> {
    let details = tonic_types::pb::Status::decode(status.details()).ok()?.details;
    let detail = details.into_iter().find(|detail| detail.type_url == "type.googleapis.com/oncelog.v1.Outcome")?;
    Outcome::decode(detail.value.as_slice()).ok()
}

/// A promise: the records of an id are at these offsets, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Whether an earlier arrival decided the id.
    pub replayed: bool,
    /// The outcome, which all acknowledgements of an id share.
    pub place: Place,
}

/// The outcome of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where the first record is.
    pub first_offset: u64,
    /// How many records.
    pub count: u32,
    /// The outcome's place among all of the space.
    pub sequence: u64,
    /// The cluster's history.
    pub history: u64,
    /// The space's time.
    pub time_ms: u64,
}

impl Acknowledgement {
    /// What a node said of an append.
    pub fn from_message(response: &AppendResponse) -> Self {
        Self {
            replayed: is_replay(response.arrival()),
            place: Place {
                first_offset: response.first_offset,
                count: response.count,
                sequence: response.sequence,
                history: response.history,
                time_ms: response.time_ms,
            },
        }
    }
}

/// Whether an answer says that it is a replay; it has to say whether.
pub fn is_replay(arrival: Arrival) -> bool {
    match arrival {
        Arrival::First => false,
        Arrival::Replayed => true,
        Arrival::Unspecified => panic!("an answer does not say whether it is a replay"),
    }
}

/// A client of one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    logs: LogServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
    deadline: Duration,
}

impl Client {
    /// A client whose every attempt ends at the deadline. It connects when first used, and again when it must.
    pub fn new(address: SocketAddr, deadline: Duration) -> Self {
        Self::over(&endpoint(address), deadline)
    }

    /// The same with little room on its side for what it does not read.
    pub fn with_little_room(address: SocketAddr, deadline: Duration) -> Self {
        let endpoint = endpoint(address).initial_stream_window_size(WINDOW_BYTES).buffer_size(1);
        Self::over(&endpoint.initial_connection_window_size(WINDOW_BYTES), deadline)
    }

    /// The same that may give up any number of calls early: its own side never ends the connection for answers that come late.
    pub fn with_room_for_resets(address: SocketAddr, deadline: Duration) -> Self {
        let endpoint = endpoint(address).http2_max_concurrent_reset_streams(RESETS_KNOWN);
        Self::over(&endpoint.http2_max_local_error_reset_streams(None), deadline)
    }

    /// The same client, over the same connection, with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    fn over(endpoint: &Endpoint, deadline: Duration) -> Self {
        let channel = endpoint.connect_lazy();
        Self {
            logs: LogServiceClient::new(channel.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX),
            admin: AdminServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX),
            deadline,
        }
    }

    /// Appends records to a log of the space `main`.
    pub async fn append(&self, log: &str, id: &str, payloads: &[Bytes]) -> Result<Acknowledgement, Failure> {
        let records =
            payloads.iter().map(|payload| NewRecord { payload: payload.clone(), headers: Vec::new() }).collect();
        let id = Some(CommandId { text: id.to_owned(), birth_ms: None });
        self.submit(AppendRequest { space: String::new(), log: log.to_owned(), id, records }).await
    }

    /// Sends an append as it is.
    pub async fn submit(&self, request: AppendRequest) -> Result<Acknowledgement, Failure> {
        let mut logs = self.logs.clone();
        let response: AppendResponse = self.attempt(request, async |request| logs.append(request).await).await?;
        Ok(Acknowledgement::from_message(&response))
    }

    /// Opens a stream of appends. The deadline is for the opening.
    pub async fn append_stream(
        &self,
        requests: impl futures::Stream<Item = AppendStreamRequest> + Send + 'static,
    ) -> Result<Streaming<AppendStreamResponse>, Failure> {
        let mut logs = self.logs.clone();
        // No deadline for the node: a stream lasts.
        self.within(logs.append_stream(Request::new(requests))).await
    }

    /// Settles that an id never takes effect, unless it has.
    pub async fn cancel(&self, id: &str) -> Result<CancelResponse, Failure> {
        let id = Some(CommandId { text: id.to_owned(), birth_ms: None });
        let mut logs = self.logs.clone();
        let request = CancelRequest { space: String::new(), id };
        self.attempt(request, async |request| logs.cancel(request).await).await
    }

    /// Follows a log. The deadline is for the opening.
    pub async fn tail(
        &self,
        log: &str,
        from: u64,
        consistency: Consistency,
    ) -> Result<Streaming<TailResponse>, Failure> {
        self.tail_in("", log, from, consistency).await
    }

    /// Follows a log of another space.
    pub async fn tail_in(
        &self,
        space: &str,
        log: &str,
        from: u64,
        consistency: Consistency,
    ) -> Result<Streaming<TailResponse>, Failure> {
        let request = TailRequest {
            space: space.to_owned(),
            log: log.to_owned(),
            from: Some(from),
            consistency: consistency.into(),
        };
        let mut logs = self.logs.clone();
        self.within(logs.tail(Request::new(request))).await
    }

    /// Waits for a condition, linearizably, as long as this client's deadline.
    pub async fn wait(&self, condition: wait_request::Condition) -> Result<WaitResponse, Failure> {
        self.wait_in("", condition).await
    }

    /// Waits for a condition in another space.
    pub async fn wait_in(&self, space: &str, condition: wait_request::Condition) -> Result<WaitResponse, Failure> {
        let consistency = Consistency::Linearizable.into();
        let request = WaitRequest { space: space.to_owned(), condition: Some(condition), consistency };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.wait(request).await).await
    }

    /// Reads one page of a log.
    pub async fn read(&self, log: &str, from: u64, consistency: Consistency) -> Result<ReadResponse, Failure> {
        let request = ReadRequest {
            space: String::new(),
            log: log.to_owned(),
            from: Some(from),
            limit: 0,
            consistency: consistency.into(),
        };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.read(request).await).await
    }

    /// Asks what became of an id.
    pub async fn lookup(&self, id: &str, consistency: Consistency) -> Result<LookupResponse, Failure> {
        let id = Some(CommandId { text: id.to_owned(), birth_ms: None });
        let request = LookupRequest { space: String::new(), id, consistency: consistency.into() };
        let mut logs = self.logs.clone();
        self.attempt(request, async |request| logs.lookup(request).await).await
    }

    /// Where a log ends, linearizably; a log that is not there ends at 0.
    pub async fn end(&self, log: &str) -> Result<u64, Failure> {
        let consistency = Consistency::Linearizable.into();
        let request = DescribeLogRequest { space: String::new(), log: log.to_owned(), consistency };
        let mut logs = self.logs.clone();
        match self.attempt(request, async |request| logs.describe_log(request).await).await {
            Ok(response) => Ok(response.log.expect("a description describes a log").end),
            Err(failure) if failure.is_not_found() => Ok(0),
            Err(failure) => Err(failure),
        }
    }

    /// All logs of the space `main`.
    pub async fn logs(&self, consistency: Consistency) -> Result<Vec<LogDescription>, Failure> {
        let mut all: Vec<LogDescription> = Vec::new();
        loop {
            let after = all.last().map(|log| log.name.clone()).unwrap_or_default();
            let request = ListLogsRequest { space: String::new(), after, limit: 0, consistency: consistency.into() };
            let mut logs = self.logs.clone();
            let page = self.attempt(request, async |request| logs.list_logs(request).await).await?;
            let more = page.more && !page.logs.is_empty();
            all.extend(page.logs);
            if !more {
                return Ok(all);
            }
        }
    }

    /// Makes a cluster of the asked node and its peers.
    pub async fn init(&self, peers: Vec<String>) -> Result<InitResponse, Failure> {
        let mut admin = self.admin.clone();
        self.attempt(InitRequest { peers }, async |request| admin.init(request).await).await
    }

    /// How the asked node is.
    pub async fn status(&self) -> Result<StatusResponse, Failure> {
        let mut admin = self.admin.clone();
        self.attempt(StatusRequest {}, async |request| admin.status(request).await).await
    }

    /// Makes a snapshot on the asked node and purges behind it.
    pub async fn snapshot(&self) -> Result<SnapshotResponse, Failure> {
        let mut admin = self.admin.clone();
        self.attempt(SnapshotRequest {}, async |request| admin.snapshot(request).await).await
    }

    async fn attempt<Q, A>(
        &self,
        message: Q,
        call: impl AsyncFnOnce(Request<Q>) -> Result<tonic::Response<A>, Status>,
    ) -> Result<A, Failure> {
        let mut request = Request::new(message);
        request.set_timeout(self.deadline);
        self.within(call(request)).await
    }

    async fn within<A>(&self, call: impl Future<Output = Result<tonic::Response<A>, Status>>) -> Result<A, Failure> {
        // A paused node cannot keep its deadline: ours comes a little later.
        let ours = self.deadline + Duration::from_millis(200);
        match tokio::time::timeout(ours, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Failure::from_status(&status)),
            Err(_elapsed) => Err(Failure::silence(Code::DeadlineExceeded, format!("no answer within {ours:?}"))),
        }
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a URI");
    endpoint.connect_timeout(CONNECT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn an_error_without_our_mark_is_unknown() {
        let marked = |domain: &str, effect: &str| {
            let metadata = HashMap::from([("effect".to_owned(), effect.to_owned())]);
            let details = ErrorDetails::with_error_info("NO_LEADER", domain, metadata);
            Failure::from_status(&Status::with_error_details(Code::Unavailable, "try again", details))
        };
        assert_eq!(marked("oncelog", "none").effect, Effect::None);
        assert_eq!(marked("oncelog", "none").reason, "NO_LEADER");
        assert_eq!(marked("oncelog", "unknown").effect, Effect::Unknown);
        assert_eq!(marked("a-proxy", "none").effect, Effect::Unknown);
        assert_eq!(Failure::from_status(&Status::unavailable("connection refused")).effect, Effect::Unknown);
    }
}
