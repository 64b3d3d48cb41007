//! A snapshot on its way from one node to another: an offer, then the files that are missing, in checksummed chunks.
//!
//! A cut leaves whole files behind; the next attempt goes on after them.

use std::io::Read;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::store::state::{Snapshot, Staging, State};
use crate::types::limits::SNAPSHOT_CHUNK_BYTES;
use crate::wire::peer::{self, snapshot_part::Part};

use super::message;
use super::peers::Peer;
use super::type_config::RaftVote;

/// Chunks read ahead of the socket.
const CHUNKS_AHEAD: usize = 4;

/// Sends what the peer lacks and waits until it has installed everything.
pub(super) async fn send(peer: &Peer, vote: &RaftVote, snapshot: Snapshot) -> Result<RaftVote, Status> {
    // The first manifest after a start reads every file: minutes, on a large state.
    let (snapshot, manifest) = tokio::task::spawn_blocking(move || {
        let manifest = snapshot.manifest();
        (snapshot, manifest)
    })
    .await
    .map_err(internal)?;
    let manifest = message::manifest(&manifest.map_err(internal)?);
    let offer = peer::OfferSnapshotRequest { manifest: Some(manifest.clone()) };
    let present = peer.client().offer_snapshot(peer.request(offer)).await?.into_inner().present;
    let missing: Vec<String> =
        manifest.files.iter().filter(|file| !present.contains(&file.name)).map(|file| file.name.clone()).collect();

    let (parts, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let start = peer::SnapshotStart { vote: Some(message::vote(vote)), manifest: Some(manifest) };
    let reader = tokio::task::spawn_blocking(move || read_files(&snapshot, start, &missing, &parts));
    let sent = peer.client().send_snapshot(peer.request(ReceiverStream::new(receiver))).await;
    let read = reader.await.map_err(internal)?;
    // The peer's own word says more than our broken pipe.
    let answer = sent?.into_inner();
    read?;
    message::read_vote(answer.vote)
}

fn read_files(
    snapshot: &Snapshot,
    start: peer::SnapshotStart,
    files: &[String],
    parts: &mpsc::Sender<peer::SnapshotPart>,
) -> Result<(), Status> {
    let send = |part: Part| {
        let part = peer::SnapshotPart { part: Some(part) };
        parts.blocking_send(part).map_err(|_| Status::cancelled("the receiver is gone"))
    };
    send(Part::Start(start))?;
    for name in files {
        let mut file = snapshot.open_file(name).map_err(internal)?;
        let mut at = 0;
        loop {
            let mut bytes = Vec::with_capacity(SNAPSHOT_CHUNK_BYTES);
            let limit = u64::try_from(SNAPSHOT_CHUNK_BYTES).expect("a chunk's size fits");
            let length = file.by_ref().take(limit).read_to_end(&mut bytes).map_err(internal)?;
            if length == 0 {
                break;
            }
            let checksum = crc32c::crc32c(&bytes);
            send(Part::Chunk(peer::SnapshotChunk { file: name.clone(), at, bytes: Bytes::from(bytes), checksum }))?;
            at += u64::try_from(length).expect("a chunk's length fits");
        }
    }
    Ok(())
}

/// Takes the chunks into the staging directory. Returns the sender's vote and what is to be installed.
pub(super) async fn receive(
    state: &State,
    mut parts: Streaming<peer::SnapshotPart>,
) -> Result<(RaftVote, Staging), Status> {
    let first = parts.message().await?.and_then(|part| part.part);
    let Some(Part::Start(start)) = first else { return Err(message::malformed("a snapshot starts with its manifest")) };
    let vote = message::read_vote(start.vote)?;
    let manifest = message::read_manifest(start.manifest)?;
    let mut staging = stage(state, manifest).await?;
    while let Some(part) = parts.message().await? {
        let Some(Part::Chunk(chunk)) = part.part else { return Err(message::malformed("a chunk was expected")) };
        staging = tokio::task::spawn_blocking(move || {
            staging.write(&chunk.file, chunk.at, &chunk.bytes, chunk.checksum).map(|()| staging)
        })
        .await
        .map_err(internal)?
        .map_err(internal)?;
    }
    Ok((vote, staging))
}

/// Opens the staging directory for a manifest, with what an earlier attempt left there.
pub(super) async fn stage(state: &State, manifest: crate::store::state::Manifest) -> Result<Staging, Status> {
    let state = state.clone();
    tokio::task::spawn_blocking(move || state.receive(&manifest)).await.map_err(internal)?.map_err(internal)
}

pub(super) fn internal(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}
