//! The nodes that a client knows, and which of them to ask first: the leader once it is known, else whoever answered last.
//!
//! - One channel a node, never a balanced one: a request goes where it was sent or fails, so what is known of it is known.
//! - A channel connects when it is used, and again when it must.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

use crate::types::limits::{CALLS_GIVEN_UP_KNOWN_MAX, CALLS_OUT_OF_ORDER_MAX};
use crate::wire::LEADER;

use super::error::{Cause, Error};
use super::hooks::Hooks;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A node and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) address: String,
    pub(super) channel: Channel,
}

impl Node {
    pub(super) fn new(address: &str, hooks: &Hooks) -> Result<Self, Error> {
        let (address, endpoint) = Self::endpoint(address)?;
        Ok(Self { address, channel: hooks.connect(endpoint) })
    }

    /// The address in its plain form, and the endpoint there.
    pub(super) fn endpoint(address: &str) -> Result<(String, Endpoint), Error> {
        let bad = || Error::before_any_attempt("reach a node", Cause::BadAddress(address.to_owned()));
        let plain = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let endpoint = Endpoint::from_shared(format!("http://{plain}")).map_err(|_| bad())?;
        if endpoint.uri().port_u16().is_none() || endpoint.uri().path() != "/" {
            return Err(bad());
        }
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .http2_max_concurrent_reset_streams(CALLS_GIVEN_UP_KNOWN_MAX)
            .http2_max_local_error_reset_streams(CALLS_OUT_OF_ORDER_MAX);
        Ok((plain.to_owned(), endpoint))
    }
}

/// At least one node.
#[derive(Debug)]
pub(super) struct Nodes {
    all: Vec<Node>,
    hooks: Hooks,
    // A hint: whoever reads a stale one asks another node first, that is all.
    answered_last: AtomicUsize,
}

impl Nodes {
    pub(super) fn new(all: Vec<Node>, hooks: Hooks) -> Self {
        Self { all, hooks, answered_last: AtomicUsize::new(0) }
    }

    pub(super) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(super) fn all(&self) -> &[Node] {
        &self.all
    }

    /// All of them, from the one that answered last on.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, &Node)> {
        let first = self.answered_last.load(Ordering::Relaxed);
        self.all.iter().enumerate().cycle().skip(first).take(self.all.len())
    }

    /// The node that leads, if the answer of another one names it and it is known here.
    pub(super) fn leader(&self, metadata: &MetadataMap) -> Option<usize> {
        let address = metadata.get(LEADER)?.to_str().ok()?;
        self.all.iter().position(|node| node.address == address)
    }

    pub(super) fn answered(&self, index: usize) {
        self.answered_last.store(index, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(addresses: &[&str]) -> Nodes {
        let hooks = Hooks::default();
        Nodes::new(addresses.iter().map(|address| Node::new(address, &hooks).unwrap()).collect(), hooks)
    }

    #[tokio::test]
    async fn a_leader_is_gone_to_if_it_is_known() {
        let nodes = nodes(&["a:1", "b:1"]);
        let named = |address: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert(LEADER, address.parse().unwrap());
            nodes.leader(&metadata)
        };
        assert_eq!((named("b:1"), named("c:1"), nodes.leader(&MetadataMap::new())), (Some(1), None, None));
    }

    #[tokio::test]
    async fn whoever_answered_last_is_asked_first() {
        let nodes = nodes(&["a:1", "b:1", "c:1"]);
        nodes.answered(1);
        let order: Vec<_> = nodes.in_order().map(|(index, node)| (index, node.address.as_str())).collect();
        assert_eq!(order, [(1, "b:1"), (2, "c:1"), (0, "a:1")]);
    }
}
