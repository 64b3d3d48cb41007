//! A whole node: opens the data directory, starts every layer in order, and stops them in the reverse one.
//!
//! - The data directory belongs to one process; a second one is refused.
//! - Peers and `init` are served at once; clients once the node has caught up with what it knew before.
//! - SIGTERM and SIGINT end it cleanly: no more commands, leadership handed over, everything synced, exit code 0.
//! - A failed disk or an outvoted state ends it at once, with the reason.

mod clock;
pub mod config;
mod health;
mod logging;
mod servers;

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::engine::Engine;
use crate::raft::{self, Raft};
use crate::store::identity::{self, DataDirectory, Identity};
use crate::store::log::{self, Log};
use crate::store::state::{self, State};

use config::Config;

/// How long commands that were taken may take to land when the node stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a node did not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime, a directory or a listener could not be had.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The data directory is another node's, another process's, or of a newer format.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// The log can't be trusted.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The state can't be trusted.
    #[error(transparent)]
    State(#[from] state::Error),
    /// Raft did not start.
    #[error(transparent)]
    Start(#[from] raft::StartError),
    /// The node had to stop.
    #[error("this node stopped: {0}")]
    Failed(String),
}

impl Error {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Io { source, .. } | Self::Identity(identity::Error::Io(source)) => match source.kind() {
                ErrorKind::AddrInUse => {
                    "Stop the process that has the address, or give another one with --client-listen or --peer-listen."
                }
                ErrorKind::AddrNotAvailable => "Give an address that this machine has, such as 127.0.0.1:7420.",
                ErrorKind::PermissionDenied => "See that this user may use the address and the data directory.",
                _ => "See `oncelog config` for the settings of this node, and check the limits of this machine.",
            },
            Self::Identity(identity::Error::InUse(_)) => {
                "Stop the process that uses it, or give this node a directory of its own with --data-dir."
            }
            Self::Identity(_) => "`oncelog config` prints the data directory and where that setting comes from.",
            Self::Log(_) | Self::State(_) | Self::Start(_) | Self::Failed(_) => {
                "If there are lines above, they say what led to it."
            }
        }
    }
}

/// Runs a node until it is told to stop.
pub fn run(config: &Config) -> Result<(), Error> {
    logging::start(config);
    stop_on_panic();
    #[cfg(all(feature = "chaos", not(test)))]
    crate::store::crash_point::check().map_err(Error::Failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.worker_threads)
        .enable_all()
        .build()
        .map_err(io("cannot start the runtime"))?;
    let result = runtime.block_on(serve(config));
    // Streams to peers that hang would keep the runtime waiting; everything that matters is on disk.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}

/// A panic is a bug, and what it leaves behind in memory can't be trusted: a task that is gone would leave a node that
/// leads and never answers. The disk holds what was promised; the process ends, and the others go on.
fn stop_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}

async fn serve(config: &Config) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(io("cannot listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io("cannot listen for SIGINT"))?;
    let clients = listen("clients", &config.client_listen).await?;
    let peers = listen("peers", &config.peer_listen).await?;
    let (identity, log, state) = open(&config.data_dir, config)?;
    let who = identity.identity();
    tracing::info!(
        node = %who.node_id, incarnation = %who.incarnation, data = %config.data_dir.display(),
        clients = %config.client_listen, peers = %config.peer_listen, "starting"
    );
    let raft = raft::start(identity, log, state, options(config)).await?;
    let engine = Engine::start(raft.clone());
    let servers = servers::start(&engine, clients, peers);

    let result = tokio::select! {
        reason = raft.failed() => Err(Error::Failed(reason)),
        reason = servers.failed() => Err(Error::Failed(reason)),
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    };
    match result {
        Ok(signal) => {
            tracing::info!("stopping on {signal}");
            stop(&engine, &raft, &servers).await;
            tracing::info!("stopped");
            Ok(())
        }
        // Nothing more is written: memory is ahead of disk, and no later answer would be true.
        Err(error) => Err(error),
    }
}

async fn stop(engine: &Engine, raft: &Raft, servers: &servers::Servers) {
    servers.set_not_serving().await;
    if tokio::time::timeout(DRAIN_TIMEOUT, engine.drain()).await.is_err() {
        tracing::warn!("some commands were not decided in time; their outcome is unknown to their senders");
    }
    raft.shut_down().await;
    servers.close().await;
}

async fn listen(whom: &str, address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(io(format!("cannot listen for {whom} on {address}")))
}

fn open(data: &Path, config: &Config) -> Result<(DataDirectory, Log, State), Error> {
    let identity = Identity::open_or_create(data, config.node_id)?;
    // Both are made before a node can join a cluster. One that has a cluster and lacks either has lost what it
    // acknowledged, and must not come back as an empty voter.
    let must_exist = identity.identity().cluster_id.is_some();
    let log = Log::open(&data.join("raft"), log::Options { must_exist, ..log::Options::default() })?;
    let state = State::open(&data.join("state").join("0"), state::Options { must_exist, ..state::Options::default() })?;
    Ok((identity, log, state))
}

fn options(config: &Config) -> raft::Options {
    raft::Options {
        timing: raft::Timing {
            heartbeat: config.heartbeat,
            election_timeout_min: config.election_timeout_min,
            election_timeout_max: config.election_timeout_max,
        },
        snapshot_entries: config.snapshot_entries,
        snapshot_bytes: config.snapshot_bytes,
        keep_entries: config.keep_entries,
        addresses: raft::Addresses { peer: config.peer_advertise.clone(), client: config.client_advertise.clone() },
        wall_clock: clock::wall_clock(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_cannot_start_says_what_to_do() {
        let io = |kind: ErrorKind| Error::Io { what: "cannot listen".to_owned(), source: kind.into() };
        assert!(io(ErrorKind::AddrInUse).advice().contains("--client-listen"));
        let in_use = Error::Identity(identity::Error::InUse("data".into()));
        assert!(in_use.advice().contains("--data-dir"));
        for error in [io(ErrorKind::AddrInUse), io(ErrorKind::Other), in_use] {
            assert!(!error.advice().contains("lines above"), "{error}");
        }
    }
}
