//! The leader's and the candidate's side of the peer service.
//!
//! - Entries go over one bidirectional stream, pipelined; answers come back in order.
//! - Replication has no deadline of its own: an fsync may be slow. A broken or hanging connection is found by keepalive.
//! - Every failure is `Unreachable`, so that openraft backs off instead of spinning.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use openraft::base::{BoxFuture, BoxStream};
use openraft::error::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendError, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, alias::SnapshotOf};
use tonic::{Code, Status};

use crate::types::{Member, NodeId};

use super::identity::LocalIdentity;
use super::message;
use super::peers::{self, Peer};
use super::snapshot_transfer;
use super::state_machine::SnapshotData;
use super::type_config::{RaftVote, TypeConfig};

/// Makes connections to members.
pub(super) struct Network {
    local: Arc<LocalIdentity>,
}

impl Network {
    /// Connections that name this node as their sender.
    pub(super) fn new(local: Arc<LocalIdentity>) -> Self {
        Self { local }
    }
}

/// A connection for one purpose to one member; an address that does not parse is unreachable for ever.
pub(super) struct Connection {
    peer: Result<Peer, String>,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Connection;

    async fn new_client(&mut self, target: NodeId, node: &Member) -> Connection {
        Connection { peer: Peer::new(target, node, self.local.clone()).map_err(|error| error.to_string()) }
    }
}

impl Connection {
    fn peer(&self) -> Result<&Peer, Unreachable<TypeConfig>> {
        self.peer.as_ref().map_err(Unreachable::from_string)
    }
}

fn unreachable_peer(peer: &Peer, status: &Status) -> Unreachable<TypeConfig> {
    // It is of another cluster, or this is not its port for other nodes.
    let is_refusal = matches!(status.code(), Code::FailedPrecondition | Code::Unimplemented);
    if is_refusal && peer.refusals.is_news(status.message()) {
        tracing::error!(node = %peer.id, address = %peer.address, "refused by node: {}", status.message());
    }
    Unreachable::from_string(format!("node {} at {}: {}", peer.id, peer.address, peers::words(status)))
}

async fn within<T>(
    peer: &Peer,
    limit: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, RPCError<TypeConfig>> {
    let answered = tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded(format!("no answer within {limit:?}"))));
    answered.map(tonic::Response::into_inner).map_err(|status| unreachable_peer(peer, &status).into())
}

impl RaftNetworkV2<TypeConfig> for Connection {
    type SnapshotData = SnapshotData;

    /// Openraft replicates by `stream_append`; this serves whoever asks for a single exchange.
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let mut answers = self.stream_append(Box::pin(stream::once(async { rpc })), option).await?;
        match answers.next().await {
            Some(Ok(result)) => Ok(AppendEntriesResponse::from(result)),
            Some(Err(error)) => Err(error),
            None => Err(Unreachable::from_string("the stream ended without an answer").into()),
        }
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>>, RPCError<TypeConfig>>,
    >
    where
        S: futures::Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            let peer = self.peer()?;
            let mut input = input;
            // Openraft waits out its backoff inside the input: without a first request there is none, and a dead peer would
            // be dialled without a pause.
            let Some(first) = input.next().await else {
                let nothing: BoxStream<'s, _> = Box::pin(stream::empty());
                return Ok(nothing);
            };
            let requests = stream::once(async { first }).chain(input).map(message::replicate_request);
            let answers = peer.client().replicate(peer.request(requests)).await;
            let answers = answers.map_err(|status| unreachable_peer(peer, &status))?;
            let answers = stream::unfold(Some(answers.into_inner()), move |answers| async move {
                let mut answers = answers?;
                let answer = match answers.message().await {
                    Ok(None) => return None,
                    Ok(Some(answer)) => message::read_replicate_response(answer),
                    Err(status) => Err(status),
                };
                match answer {
                    // Nothing valid follows a conflict or a higher vote.
                    Ok(Err(refusal @ (StreamAppendError::Conflict(_) | StreamAppendError::HigherVote(_)))) => {
                        Some((Ok(Err(refusal)), None))
                    }
                    Ok(Ok(matched)) => Some((Ok(Ok(matched)), Some(answers))),
                    Err(status) => Some((Err(unreachable_peer(peer, &status).into()), None)),
                }
            });
            let answers: BoxStream<'s, _> = Box::pin(answers);
            Ok(answers)
        })
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask_for_vote(&rpc, false, &option).await
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask_for_vote(&rpc, true, &option).await
    }

    async fn full_snapshot(
        &mut self,
        vote: RaftVote,
        snapshot: SnapshotOf<TypeConfig, SnapshotData>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let peer = self.peer()?;
        let SnapshotData::Published(snapshot) = snapshot.snapshot else {
            return Err(Unreachable::from_string("only a published snapshot can be sent").into());
        };
        tokio::select! {
            closed = cancel => Err(closed.into()),
            sent = snapshot_transfer::send(peer, &vote, snapshot) => {
                let vote = sent.map_err(|status| unreachable_peer(peer, &status))?;
                Ok(SnapshotResponse::new(vote))
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        req: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let peer = self.peer()?;
        let request = peer.request(message::transfer_request(&req));
        let answer = within(peer, option.hard_ttl(), peer.client().transfer_leader(request)).await?;
        if answer.refused.is_empty() {
            Ok(Ok(()))
        } else {
            Err(Unreachable::from_string(format!("node {} does not take over: {}", peer.id, answer.refused)).into())
        }
    }
}

impl Connection {
    async fn ask_for_vote(
        &self,
        rpc: &VoteRequest<TypeConfig>,
        pre_vote: bool,
        option: &RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let peer = self.peer()?;
        let request = peer.request(message::vote_request(rpc, pre_vote));
        let answer = within(peer, option.hard_ttl(), peer.client().vote(request)).await?;
        message::read_vote_response(answer).map_err(|status| unreachable_peer(peer, &status).into())
    }
}
