//! Connections to other nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::types::limits::{CALLS_GIVEN_UP_KNOWN_MAX, CALLS_OUT_OF_ORDER_MAX, PEER_MESSAGE_BYTES_MAX};
use crate::types::{Incarnation, Member, NodeId};
use crate::wire::peer::peer_service_client::PeerServiceClient;

use super::identity::{Envelope, LocalIdentity};
use super::message;
use super::quiet::Quiet;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A silent connection is probed this often, and given up when a probe stays unanswered for as long again: this is what
/// ends a stream to a node that hangs or was cut off.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// Flow-control windows that let a full pipeline of entries travel.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

pub(super) type Client = PeerServiceClient<Channel>;

/// One connection to one node, made when it is first used and made again when it breaks.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) id: NodeId,
    pub(super) address: String,
    incarnation: Incarnation,
    local: Arc<LocalIdentity>,
    client: Client,
    /// Refusals by it that were logged.
    pub(super) refusals: Arc<Quiet>,
}

/// An address that is no address.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{address:?} is not an address of the form host:port")]
pub(super) struct BadAddress {
    /// What was given.
    pub address: String,
}

pub(super) fn connect(address: &str) -> Result<Client, BadAddress> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|_| BadAddress { address: address.to_owned() })?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_concurrent_reset_streams(CALLS_GIVEN_UP_KNOWN_MAX)
        .http2_max_local_error_reset_streams(CALLS_OUT_OF_ORDER_MAX);
    Ok(PeerServiceClient::new(endpoint.connect_lazy())
        .max_decoding_message_size(PEER_MESSAGE_BYTES_MAX)
        .max_encoding_message_size(PEER_MESSAGE_BYTES_MAX))
}

/// What a failed call says, with the cause at the bottom of it: "tcp connect error" alone helps nobody.
pub(super) fn words(status: &tonic::Status) -> String {
    let mut cause = std::error::Error::source(status);
    let mut root = None;
    while let Some(error) = cause {
        root = Some(error.to_string());
        cause = error.source();
    }
    let message = status.message();
    match root {
        Some(root) if message.is_empty() => root,
        Some(root) if !message.contains(&root) => format!("{message}: {root}"),
        _ if message.is_empty() => format!("gRPC code {:?}", status.code()),
        _ => message.to_owned(),
    }
}

impl Peer {
    pub(super) fn new(id: NodeId, member: &Member, local: Arc<LocalIdentity>) -> Result<Self, BadAddress> {
        Ok(Self {
            id,
            address: member.peer_address.clone(),
            incarnation: member.incarnation,
            local,
            client: connect(&member.peer_address)?,
            refusals: Arc::default(),
        })
    }

    pub(super) fn is_of(&self, member: &Member) -> bool {
        self.address == member.peer_address && self.incarnation == member.incarnation
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A request with both ends named on it. A node that knows members has a cluster.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(cluster) = self.local.cluster_id() {
            let envelope = Envelope {
                cluster,
                sender: self.local.node_id(),
                sender_incarnation: self.local.incarnation(),
                addressee: self.id,
                addressee_incarnation: self.incarnation,
            };
            message::attach(&envelope, request.metadata_mut());
        }
        request
    }
}

/// The connections for everything but replication and votes, made when they are first needed and again when a member
/// moves.
pub(super) struct PeerBook {
    local: Arc<LocalIdentity>,
    peers: Mutex<BTreeMap<NodeId, Peer>>,
}

impl PeerBook {
    pub(super) fn new(local: Arc<LocalIdentity>) -> Self {
        Self { local, peers: Mutex::new(BTreeMap::new()) }
    }

    pub(super) fn get(&self, id: NodeId, member: &Member) -> Result<Peer, BadAddress> {
        let mut peers = self.peers.lock().expect("no holder of the connections panics");
        if let Some(peer) = peers.get(&id).filter(|peer| peer.is_of(member)) {
            return Ok(peer.clone());
        }
        let peer = Peer::new(id, member, self.local.clone())?;
        peers.insert(id, peer.clone());
        Ok(peer)
    }
}
