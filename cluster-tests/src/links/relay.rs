//! One way to a node: takes connections in its place, and carries what is sent as the rules of the moment say.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::owner::owner;
use super::{CLIENTS, Laid, Processes, Rules, Way, WayKind, composed};

const PIECE_BYTES: usize = 64 << 10;
/// How many pieces are on their way; more stay with the sender.
const PIECES: usize = 64;

/// Opens it; aborted, it takes its connections with it.
pub(super) fn open(way: Way, rules: watch::Receiver<Rules>, processes: Arc<Processes>) -> AbortHandle {
    let listener = std::net::TcpListener::bind(way.outside).expect("listen in a node's place");
    listener.set_nonblocking(true).expect("have the listener wait for nobody");
    let listener = TcpListener::from_std(listener).expect("listen within the runtime");
    let accepting = async move {
        let mut connections = JoinSet::new();
        loop {
            // Out of descriptors, say: whoever wants to connect tries again.
            let Ok((stream, from)) = listener.accept().await else { continue };
            connections.spawn(connect(way, stream, from, rules.clone(), Arc::clone(&processes)));
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::spawn(accepting).abort_handle()
}

async fn connect(
    way: Way,
    outside: TcpStream,
    from: SocketAddr,
    rules: watch::Receiver<Rules>,
    processes: Arc<Processes>,
) {
    let Some(other) = other_end(way, from, processes).await else { return };
    let mut there = Passage { from: other, to: way.node, rules: rules.clone() };
    let mut back = Passage { from: way.node, to: other, rules };
    // A first packet that is lost, or whose answer is.
    there.open().await;
    back.open().await;
    // Nobody listens there: the one who wanted to connect hears of the end.
    let Ok(inside) = TcpStream::connect(way.inside).await else { return };
    for stream in [&outside, &inside] {
        // It only makes it slower.
        drop(stream.set_nodelay(true));
    }
    let (outside_reads, outside_writes) = outside.into_split();
    let (inside_reads, inside_writes) = inside.into_split();
    tokio::join!(carry(outside_reads, inside_writes, there), carry(inside_reads, outside_writes, back));
}

/// Who has connected. Whoever can't be told by a way for peers is let go, and comes again: it must not slip through a cut.
async fn other_end(way: Way, from: SocketAddr, processes: Arc<Processes>) -> Option<u64> {
    match way.kind {
        WayKind::Clients => Some(CLIENTS),
        WayKind::Peers => {
            let look = move || owner(from, way.outside, &processes.all());
            tokio::task::spawn_blocking(look).await.ok().flatten()
        }
    }
}

/// One direction between two ends.
struct Passage {
    from: u64,
    to: u64,
    rules: watch::Receiver<Rules>,
}

impl Passage {
    /// Waits as long as nothing gets through. If the harness is done with it all, it stays so.
    async fn open(&mut self) {
        let ends = (self.from, self.to);
        let cut = |laid: &&Laid| laid.rule.cut;
        self.rules.borrow().get(&ends).into_iter().flatten().filter(cut).for_each(Laid::touch);
        let is_open = |rules: &Rules| !rules.get(&ends).is_some_and(|laid| laid.iter().any(|laid| laid.rule.cut));
        if self.rules.wait_for(is_open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// When what came at `arrived` may go on, not before what came earlier.
    fn due(&self, arrived: Instant, bytes: usize, earlier: Instant) -> Instant {
        let rules = self.rules.borrow();
        let laid = rules.get(&(self.from, self.to)).map(Vec::as_slice).unwrap_or_default();
        let Some(rule) = composed(laid) else { return arrived };
        laid.iter().filter(|laid| !laid.rule.cut).for_each(Laid::touch);
        earlier.max(arrived + rule.late()) + rule.takes(bytes)
    }
}

/// Carries until one side has ended, and tells the other.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut passage: Passage) {
    let (pieces, mut arrived) = mpsc::channel::<(Instant, Bytes)>(PIECES);
    let reading = async move {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE_BYTES);
            let read = from.read_buf(&mut piece).await;
            if !read.is_ok_and(|bytes| bytes > 0) || pieces.send((Instant::now(), piece.freeze())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        let mut due = Instant::now();
        while let Some((arrived, piece)) = arrived.recv().await {
            due = passage.due(arrived, piece.len(), due);
            sleep_until(due).await;
            passage.open().await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        passage.open().await;
        // It may have ended, too.
        drop(to.shutdown().await);
    };
    // When nobody takes it any more, nothing more is read.
    tokio::pin!(reading, writing);
    tokio::select! {
        () = &mut writing => {}
        () = &mut reading => writing.await,
    }
}
