//! The messages between nodes, translated from and to what Raft speaks.

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, StreamAppendError, StreamAppendResult, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use prost::Message;
use tonic::Status;
use tonic::metadata::{BinaryMetadataValue, MetadataMap};

use crate::store::entry::{decode_entry, decode_membership, encode_entry, encode_membership};
use crate::store::state::{FilePart, Manifest};
use crate::types::{ClusterId, Incarnation, LogId, LogIndex, NodeId, StoredMembership, Vote};
use crate::wire::peer;

use super::identity::Envelope;
use super::type_config::{self as convert, RaftLogId, RaftVote, TypeConfig};

/// The metadata key that carries the envelope.
const ENVELOPE: &str = "oncelog-peer-bin";

/// Says that a message lacks a field or breaks a rule of its type. Only a faulty node sends such a one.
pub(super) fn malformed(what: &'static str) -> Status {
    Status::invalid_argument(format!("malformed message between nodes: {what}"))
}

pub(super) fn attach(envelope: &Envelope, metadata: &mut MetadataMap) {
    let encoded = peer::Envelope {
        cluster_id: Bytes::copy_from_slice(envelope.cluster.as_bytes()),
        sender: envelope.sender.0,
        sender_incarnation: Bytes::copy_from_slice(envelope.sender_incarnation.as_bytes()),
        addressee: envelope.addressee.0,
        addressee_incarnation: Bytes::copy_from_slice(envelope.addressee_incarnation.as_bytes()),
    };
    metadata.insert_bin(ENVELOPE, BinaryMetadataValue::from_bytes(&encoded.encode_to_vec()));
}

pub(super) fn envelope(metadata: &MetadataMap) -> Result<Envelope, Status> {
    let bytes = metadata.get_bin(ENVELOPE).ok_or_else(|| malformed("no envelope"))?;
    let bytes = bytes.to_bytes().map_err(|_| malformed("envelope"))?;
    let envelope = peer::Envelope::decode(bytes).map_err(|_| malformed("envelope"))?;
    let sixteen = |bytes: &Bytes| <[u8; 16]>::try_from(bytes.as_ref()).map_err(|_| malformed("identity"));
    Ok(Envelope {
        cluster: ClusterId::from_bytes(sixteen(&envelope.cluster_id)?),
        sender: NodeId(envelope.sender),
        sender_incarnation: Incarnation::from_bytes(sixteen(&envelope.sender_incarnation)?),
        addressee: NodeId(envelope.addressee),
        addressee_incarnation: Incarnation::from_bytes(sixteen(&envelope.addressee_incarnation)?),
    })
}

pub(super) fn log_id(id: LogId) -> peer::LogId {
    peer::LogId { term: id.term, node: id.node.0, index: id.index.0 }
}

pub(super) fn read_log_id(id: peer::LogId) -> LogId {
    LogId { term: id.term, node: NodeId(id.node), index: LogIndex(id.index) }
}

fn from_raft_log_id(id: &RaftLogId) -> peer::LogId {
    log_id(convert::log_id(id))
}

fn to_raft_log_id(id: peer::LogId) -> RaftLogId {
    convert::raft_log_id(read_log_id(id))
}

pub(super) fn vote(vote: &RaftVote) -> peer::BallotVote {
    let Vote { term, node, committed } = convert::vote(vote);
    peer::BallotVote { term, node: node.0, committed }
}

pub(super) fn read_vote(vote: Option<peer::BallotVote>) -> Result<RaftVote, Status> {
    let vote = vote.ok_or_else(|| malformed("no vote"))?;
    Ok(convert::raft_vote(Vote { term: vote.term, node: NodeId(vote.node), committed: vote.committed }))
}

pub(super) fn replicate_request(request: AppendEntriesRequest<TypeConfig>) -> peer::ReplicateRequest {
    peer::ReplicateRequest {
        vote: Some(vote(&request.vote)),
        previous: request.prev_log_id.as_ref().map(from_raft_log_id),
        entries: request.entries.into_iter().map(|entry| encode_entry(&convert::entry(entry))).collect(),
        leader_commit: request.leader_commit.as_ref().map(from_raft_log_id),
    }
}

pub(super) fn read_replicate_request(
    request: peer::ReplicateRequest,
) -> Result<AppendEntriesRequest<TypeConfig>, Status> {
    let entries = request.entries.into_iter().map(|bytes| decode_entry(bytes).map(convert::raft_entry));
    Ok(AppendEntriesRequest {
        vote: read_vote(request.vote)?,
        prev_log_id: request.previous.map(to_raft_log_id),
        entries: entries.collect::<Result<_, _>>().map_err(|_| malformed("entry"))?,
        leader_commit: request.leader_commit.map(to_raft_log_id),
    })
}

pub(super) fn replicate_response(result: &StreamAppendResult<TypeConfig>) -> peer::ReplicateResponse {
    use peer::replicate_response::Result;
    let result = match result {
        Ok(last) => Result::Matched(peer::Matched { last: last.as_ref().map(from_raft_log_id) }),
        Err(StreamAppendError::Conflict(id)) => Result::Conflict(from_raft_log_id(id)),
        Err(StreamAppendError::HigherVote(higher)) => Result::HigherVote(vote(higher)),
    };
    peer::ReplicateResponse { result: Some(result) }
}

pub(super) fn read_replicate_response(
    response: peer::ReplicateResponse,
) -> Result<StreamAppendResult<TypeConfig>, Status> {
    use peer::replicate_response::Result;
    match response.result.ok_or_else(|| malformed("no result"))? {
        Result::Matched(matched) => Ok(Ok(matched.last.map(to_raft_log_id))),
        Result::Conflict(id) => Ok(Err(StreamAppendError::Conflict(to_raft_log_id(id)))),
        Result::HigherVote(higher) => Ok(Err(StreamAppendError::HigherVote(read_vote(Some(higher))?))),
    }
}

pub(super) fn vote_request(request: &VoteRequest<TypeConfig>, pre_vote: bool) -> peer::VoteRequest {
    peer::VoteRequest {
        vote: Some(vote(&request.vote)),
        last: request.last_log_id.as_ref().map(from_raft_log_id),
        leadership_transfer: request.leadership_transfer,
        pre_vote,
    }
}

pub(super) fn read_vote_request(request: peer::VoteRequest) -> Result<VoteRequest<TypeConfig>, Status> {
    Ok(VoteRequest {
        vote: read_vote(request.vote)?,
        last_log_id: request.last.map(to_raft_log_id),
        leadership_transfer: request.leadership_transfer,
    })
}

pub(super) fn vote_response(response: &VoteResponse<TypeConfig>) -> peer::VoteResponse {
    peer::VoteResponse {
        vote: Some(vote(&response.vote)),
        granted: response.vote_granted,
        last: response.last_log_id.as_ref().map(from_raft_log_id),
    }
}

pub(super) fn read_vote_response(response: peer::VoteResponse) -> Result<VoteResponse<TypeConfig>, Status> {
    Ok(VoteResponse {
        vote: read_vote(response.vote)?,
        vote_granted: response.granted,
        last_log_id: response.last.map(to_raft_log_id),
    })
}

pub(super) fn transfer_request(request: &TransferLeaderRequest<TypeConfig>) -> peer::TransferLeaderRequest {
    peer::TransferLeaderRequest {
        from: Some(vote(request.from_leader())),
        to: request.to_node_id().0,
        last: request.last_log_id().map(from_raft_log_id),
    }
}

pub(super) fn read_transfer_request(
    request: peer::TransferLeaderRequest,
) -> Result<TransferLeaderRequest<TypeConfig>, Status> {
    let last = request.last.map(to_raft_log_id);
    Ok(TransferLeaderRequest::new(read_vote(request.from)?, NodeId(request.to), last))
}

pub(super) fn manifest(manifest: &Manifest) -> peer::SnapshotManifest {
    let file =
        |file: &FilePart| peer::SnapshotFile { name: file.name.clone(), bytes: file.bytes, checksum: file.checksum };
    peer::SnapshotManifest {
        last: manifest.last.map(log_id),
        membership_log_id: manifest.membership.log_id.map(log_id),
        membership: encode_membership(&manifest.membership.membership).into(),
        files: manifest.files.iter().map(file).collect(),
    }
}

pub(super) fn read_manifest(manifest: Option<peer::SnapshotManifest>) -> Result<Manifest, Status> {
    let manifest = manifest.ok_or_else(|| malformed("no manifest"))?;
    let file = |file: peer::SnapshotFile| FilePart { name: file.name, bytes: file.bytes, checksum: file.checksum };
    Ok(Manifest {
        last: manifest.last.map(read_log_id),
        membership: StoredMembership {
            log_id: manifest.membership_log_id.map(read_log_id),
            membership: decode_membership(manifest.membership).map_err(|_| malformed("membership"))?,
        },
        files: manifest.files.into_iter().map(file).collect(),
    })
}
