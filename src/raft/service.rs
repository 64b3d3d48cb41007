//! The addressee's side of the peer service.
//!
//! Every call but `Identify` is checked before anything of it is looked at; a stream is checked once, when it opens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use openraft::error::Fatal;
use openraft::raft::SnapshotResponse;
use openraft::storage::Snapshot;
use std::pin::Pin;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::store::identity;
use crate::store::state::Staging;
use crate::types::MachineVersion;
use crate::types::limits::PEER_MESSAGE_BYTES_MAX;
use crate::wire::peer::{self, peer_service_server};

use super::handle::Raft;
use super::message;
use super::quiet::Quiet;
use super::snapshot_transfer::{self, internal};
use super::state_machine::SnapshotData;
use super::type_config::{self as convert, RaftSnapshotMeta, RaftVote, TypeConfig};

/// Proposals that another node sends to this one because it leads.
pub struct ForwardedProposals {
    /// Each as the machine encodes it.
    pub proposals: Vec<Bytes>,
    /// How long the sender still waits.
    pub remaining: Duration,
}

/// Why a forwarded proposal got no answer; the numbers are the engine's.
#[derive(Debug, Clone)]
pub struct ForwardedFailure {
    /// The engine's number for it.
    pub kind: u32,
    /// Whether it may have taken effect.
    pub effect_unknown: bool,
    /// What happened.
    pub message: String,
}

/// Some proposals of a stream, in order: each with the position by which its sender knows it, as the machine encodes it.
pub type StreamedProposals = Vec<(u64, Bytes)>;

/// Some answers to them, as the machine encodes them. A failure is the end of the stream.
pub type StreamedReplies = Result<Vec<(u64, Bytes)>, ForwardedFailure>;

/// Who handles forwarded proposals: the layer above.
#[tonic::async_trait]
pub trait LeaderRequests: Send + Sync + 'static {
    /// One encoded answer or failure for each proposal, in order.
    async fn propose(&self, request: ForwardedProposals) -> Vec<Result<Bytes, ForwardedFailure>>;

    /// Answers in any order. Ends without a failure when the proposals have ended and all are answered.
    async fn propose_stream(
        &self,
        proposals: BoxStream<'static, StreamedProposals>,
    ) -> BoxStream<'static, StreamedReplies>;
}

/// The peer service of one node.
pub struct PeerService {
    raft: Raft,
    refusals: Quiet,
    leader_requests: Arc<dyn LeaderRequests>,
}

type AnswerStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl PeerService {
    /// A tonic service with this project's limits.
    pub fn server(
        raft: Raft,
        leader_requests: Arc<dyn LeaderRequests>,
    ) -> peer_service_server::PeerServiceServer<Self> {
        peer_service_server::PeerServiceServer::new(Self { raft, refusals: Quiet::default(), leader_requests })
            .max_decoding_message_size(PEER_MESSAGE_BYTES_MAX)
            .max_encoding_message_size(PEER_MESSAGE_BYTES_MAX)
    }

    /// Checks a message that a node without a cluster can't take.
    fn check(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if self.checked(metadata)?.1 { Ok(()) } else { Err(refused(&super::identity::Refused::NoClusterYet)) }
    }

    /// Checks a Raft message; a node without a cluster adopts the sender's, on disk, before it handles the message.
    async fn check_or_adopt(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let (envelope, has_cluster) = self.checked(metadata)?;
        if has_cluster {
            return Ok(());
        }
        let local = self.raft.local().clone();
        let adopted = tokio::task::spawn_blocking(move || local.adopt(envelope.cluster)).await.map_err(internal)?;
        adopted.map_err(|error| match error {
            // Another cluster was faster; that is no failure of this node.
            identity::Error::OtherCluster { found, asked } => {
                refused(&super::identity::Refused::OtherCluster { here: found, there: asked })
            }
            other => {
                self.raft.report_failure(format!("the cluster id could not be stored: {other}"));
                internal(other)
            }
        })?;
        tracing::info!(cluster = %envelope.cluster, leader = %envelope.sender, "joined a cluster");
        Ok(())
    }

    fn checked(&self, metadata: &MetadataMap) -> Result<(super::identity::Envelope, bool), Status> {
        let envelope = message::envelope(metadata)?;
        let checked = self.raft.local().check(&envelope, &self.raft.membership());
        let has_cluster = checked.map_err(|error| {
            if matches!(error, super::identity::Refused::OtherIncarnation { .. }) {
                self.raft.note_refusal(error.to_string());
            }
            let words = format!("refused node {}: {error}", envelope.sender);
            if self.refusals.is_news(&words) {
                tracing::warn!("{words}");
            }
            refused(&error)
        })?;
        Ok((envelope, has_cluster))
    }
}

fn refused(error: &super::identity::Refused) -> Status {
    Status::new(Code::FailedPrecondition, error.to_string())
}

fn failure_message(failure: ForwardedFailure) -> peer::ProposalFailure {
    let ForwardedFailure { kind, effect_unknown, message } = failure;
    peer::ProposalFailure { kind, effect_unknown, message }
}

pub(super) fn read_failure(message: peer::ProposalFailure) -> ForwardedFailure {
    let peer::ProposalFailure { kind, effect_unknown, message } = message;
    ForwardedFailure { kind, effect_unknown, message }
}

async fn install(
    raft: &Raft,
    vote: RaftVote,
    staging: Staging,
) -> Result<SnapshotResponse<TypeConfig>, Fatal<TypeConfig>> {
    let manifest = staging.manifest();
    let meta = RaftSnapshotMeta {
        last_log_id: manifest.last.map(convert::raft_log_id),
        last_membership: convert::raft_stored_membership(manifest.membership.clone()),
    };
    let snapshot = Snapshot { meta, snapshot: SnapshotData::Staged(Box::new(staging)) };
    raft.core().install_full_snapshot(vote, snapshot).await
}

#[tonic::async_trait]
impl peer_service_server::PeerService for PeerService {
    type ReplicateStream = AnswerStream<peer::ReplicateResponse>;
    type ProposeStreamStream = AnswerStream<peer::ProposeStreamResponse>;

    async fn identify(
        &self,
        _request: Request<peer::IdentifyRequest>,
    ) -> Result<Response<peer::IdentifyResponse>, Status> {
        let local = self.raft.local();
        let addresses = self.raft.addresses();
        Ok(Response::new(peer::IdentifyResponse {
            node_id: local.node_id().0,
            incarnation: Bytes::copy_from_slice(local.incarnation().as_bytes()),
            peer_address: addresses.peer.clone(),
            client_address: addresses.client.clone(),
            cluster_id: local.cluster_id().map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default(),
        }))
    }

    async fn replicate(
        &self,
        request: Request<Streaming<peer::ReplicateRequest>>,
    ) -> Result<Response<Self::ReplicateStream>, Status> {
        self.check_or_adopt(request.metadata()).await?;
        // A malformed or broken message ends the input; what came before it is still answered, in order.
        let heard = self.raft.clone();
        let requests = request.into_inner().scan((), move |(), item| {
            let read = item.and_then(message::read_replicate_request);
            if read.is_ok() {
                heard.leader_heard();
            }
            std::future::ready(read.map_err(|status| tracing::debug!("replication ended: {status}")).ok())
        });
        let raft = self.raft.clone();
        let answers = self.raft.core().stream_append(requests).map(move |answer| match answer {
            Ok(result) => {
                raft.watch_conflicts(&result);
                Ok(message::replicate_response(&result))
            }
            Err(fatal) => Err(Status::unavailable(format!("this node has stopped: {fatal}"))),
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn vote(&self, request: Request<peer::VoteRequest>) -> Result<Response<peer::VoteResponse>, Status> {
        self.check_or_adopt(request.metadata()).await?;
        let request = request.into_inner();
        let pre_vote = request.pre_vote;
        let request = message::read_vote_request(request)?;
        let core = self.raft.core();
        let answer = if pre_vote { core.pre_vote(request).await } else { core.vote(request).await };
        let answer = answer.map_err(|fatal| Status::unavailable(format!("this node has stopped: {fatal}")))?;
        Ok(Response::new(message::vote_response(&answer)))
    }

    async fn transfer_leader(
        &self,
        request: Request<peer::TransferLeaderRequest>,
    ) -> Result<Response<peer::TransferLeaderResponse>, Status> {
        self.check(request.metadata())?;
        let request = message::read_transfer_request(request.into_inner())?;
        let answer = self.raft.core().handle_transfer_leader(request).await;
        let answer = answer.map_err(|fatal| Status::unavailable(format!("this node has stopped: {fatal}")))?;
        let refused = answer.err().map(|error| error.to_string()).unwrap_or_default();
        Ok(Response::new(peer::TransferLeaderResponse { refused }))
    }

    async fn offer_snapshot(
        &self,
        request: Request<peer::OfferSnapshotRequest>,
    ) -> Result<Response<peer::OfferSnapshotResponse>, Status> {
        self.check_or_adopt(request.metadata()).await?;
        let manifest = message::read_manifest(request.into_inner().manifest)?;
        let _one_at_a_time = self.raft.receiving().lock().await;
        let staging = snapshot_transfer::stage(self.raft.state(), manifest).await?;
        let present = staging.present();
        Ok(Response::new(peer::OfferSnapshotResponse { present }))
    }

    async fn send_snapshot(
        &self,
        request: Request<Streaming<peer::SnapshotPart>>,
    ) -> Result<Response<peer::SendSnapshotResponse>, Status> {
        self.check_or_adopt(request.metadata()).await?;
        let one_at_a_time = self.raft.receiving().clone().lock_owned().await;
        let (vote, staging) = snapshot_transfer::receive(self.raft.state(), request.into_inner()).await?;
        // The installation goes on when the sender's connection breaks; nothing else may be received before its end.
        let raft = self.raft.clone();
        let installing = tokio::spawn(async move {
            let _one_at_a_time = one_at_a_time;
            install(&raft, vote, staging).await
        });
        let answer = installing.await.map_err(internal)?;
        let answer = answer.map_err(|fatal| Status::unavailable(format!("this node has stopped: {fatal}")))?;
        Ok(Response::new(peer::SendSnapshotResponse { vote: Some(message::vote(&answer.vote)) }))
    }

    async fn exchange(
        &self,
        request: Request<peer::ExchangeRequest>,
    ) -> Result<Response<peer::ExchangeResponse>, Status> {
        self.check(request.metadata())?;
        let digests = self.raft.state().last_remembered_digests();
        let remembered = digests.into_iter().map(|(index, digest)| peer::RememberedDigest {
            index: index.0,
            digest: Bytes::copy_from_slice(digest.as_bytes()),
        });
        Ok(Response::new(peer::ExchangeResponse {
            wall_ms: self.raft.wall_clock().as_ms(),
            applied_index: self.raft.applied_index().0,
            digests: remembered.collect(),
            machine_version: MachineVersion::CURRENT.0.into(),
        }))
    }

    async fn propose(&self, request: Request<peer::ProposeRequest>) -> Result<Response<peer::ProposeResponse>, Status> {
        self.check(request.metadata())?;
        let request = request.into_inner();
        let forwarded =
            ForwardedProposals { proposals: request.proposals, remaining: Duration::from_millis(request.remaining_ms) };
        let replies = self.leader_requests.propose(forwarded).await.into_iter().map(|reply| {
            use peer::proposal_reply::Reply;
            let reply = match reply {
                Ok(answer) => Reply::Answer(answer),
                Err(failure) => Reply::Failure(failure_message(failure)),
            };
            peer::ProposalReply { reply: Some(reply) }
        });
        Ok(Response::new(peer::ProposeResponse { replies: replies.collect() }))
    }

    async fn propose_stream(
        &self,
        request: Request<Streaming<peer::ProposeStreamRequest>>,
    ) -> Result<Response<Self::ProposeStreamStream>, Status> {
        self.check(request.metadata())?;
        let proposals = request.into_inner().scan((), |(), item| {
            let group = item.map(|group| {
                group.proposals.into_iter().map(|streamed| (streamed.position, streamed.proposal)).collect()
            });
            std::future::ready(group.map_err(|status| tracing::debug!("a forwarded stream ended: {status}")).ok())
        });
        let replies = self.leader_requests.propose_stream(proposals.boxed()).await.map(|replies| {
            let message = match replies {
                Ok(answers) => {
                    let answers = answers.into_iter();
                    let answers = answers.map(|(position, answer)| peer::StreamedAnswer { position, answer }).collect();
                    peer::ProposeStreamResponse { answers, failure: None }
                }
                Err(failure) => {
                    peer::ProposeStreamResponse { answers: Vec::new(), failure: Some(failure_message(failure)) }
                }
            };
            Ok(message)
        });
        Ok(Response::new(Box::pin(replies)))
    }

    async fn read_index(
        &self,
        request: Request<peer::ReadIndexRequest>,
    ) -> Result<Response<peer::ReadIndexResponse>, Status> {
        self.check(request.metadata())?;
        let read = self.raft.read_index_as_leader().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(peer::ReadIndexResponse { read: Some(message::log_id(read)) }))
    }
}
