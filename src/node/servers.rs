//! The two listeners of a node: one for clients, one for other nodes. Whoever mistakes one for the other is told so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{Router, TcpIncoming};

use crate::api;
use crate::engine::Engine;
use crate::raft::PeerService;
use crate::types::limits::{CALLS_GIVEN_UP_EARLY_MAX, CALLS_OUT_OF_ORDER_MAX};

use super::health::Health;

/// Flow-control windows that let a pipeline of entries or a page of records travel.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// How long calls that have their answer, or are told that the node stops, may take to be gone.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(500);

/// The running servers.
pub(super) struct Servers {
    health: Health,
    failure: watch::Receiver<Option<String>>,
    /// Ends the connections of clients when their calls are answered.
    closing: CancellationToken,
    clients: Mutex<Option<JoinHandle<()>>>,
}

pub(super) fn start(engine: &Engine, clients: TcpListener, peers: TcpListener) -> Servers {
    let (failed, failure) = watch::channel(None);
    let (health, health_service) = Health::start(engine.raft().clone());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(api::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };

    let here = engine.raft().local().node_id();
    let addresses = engine.raft().addresses();
    let for_clients = Routes::new(api::log_service(engine.clone()))
        .add_service(api::admin_service(engine.clone()))
        .add_service(health_service)
        .add_service(reflection().build_v1().expect("the descriptors were compiled with this program"))
        .add_service(reflection().build_v1alpha().expect("the descriptors were compiled with this program"));
    let for_peers = Routes::new(PeerService::server(engine.raft().clone(), Arc::new(engine.clone())));
    let client_router = server().add_routes(api::with_fallback(
        for_clients,
        &format!("this is the port of node {here} for clients; other nodes use {}", addresses.peer),
    ));
    let peer_router = server().add_routes(api::with_fallback(
        for_peers,
        &format!("this is the port of node {here} for other nodes; clients use {}", addresses.client),
    ));

    let closing = CancellationToken::new();
    let clients = spawn("client", client_router, clients, closing.clone(), failed.clone());
    // Other nodes are not waited for: their streams last until the process ends.
    drop(spawn("peer", peer_router, peers, CancellationToken::new(), failed));
    Servers { health, failure, closing, clients: Mutex::new(Some(clients)) }
}

fn spawn(
    name: &'static str,
    router: Router,
    listener: TcpListener,
    closing: CancellationToken,
    failed: watch::Sender<Option<String>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let served = router.serve_with_incoming_shutdown(incoming, closing.cancelled()).await;
        if !closing.is_cancelled() {
            let reason = served.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            failed.send_replace(Some(format!("the {name} listener failed: {reason}")));
        }
    })
}

fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_max_pending_accept_reset_streams(Some(CALLS_GIVEN_UP_EARLY_MAX))
        .http2_max_local_error_reset_streams(Some(CALLS_OUT_OF_ORDER_MAX))
}

impl Servers {
    /// Waits until a listener fails, and says why.
    pub(super) async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        match failure.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the listeners ended".to_owned(),
        }
    }

    /// Tells health checkers that this node is going.
    pub(super) async fn set_not_serving(&self) {
        self.health.set_not_serving().await;
    }

    /// Takes no more connections of clients, and ends those that are there once their calls are answered: a connection that
    /// breaks under an answer leaves its client in doubt.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let clients = self.clients.lock().expect("no holder of the listener panics").take();
        if let Some(clients) = clients {
            // What lasts longer ends with the process.
            let _ended = tokio::time::timeout(LAST_WORDS_TIMEOUT, clients).await;
        }
    }
}
