//! Raft, as the layers above use it: propose, ask for a read index, look at the state of things.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use openraft::RaftMetrics;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::error::{ClientWriteError, LinearizableReadError, RaftError};
use openraft::impls::ProgressResponder;
use openraft::impls::leader_id_adv::LeaderId;
use openraft::raft::{ClientWriteResult, StreamAppendResult};
use openraft::{Instant, ReadPolicy, ServerState};
use tokio::sync::watch;

use crate::store::log::Log;
use crate::store::state::State;
use crate::types::{Answer, LogId, LogIndex, LogTime, Member, Membership, NodeId};
use crate::wire::peer;

use super::contact::Contact;
use super::exchange::Readings;
use super::identity::LocalIdentity;
use super::message;
use super::options::{Addresses, Options};
use super::peers::{self, Peer, PeerBook};
use super::service::{ForwardedFailure, StreamedProposals, StreamedReplies, read_failure};
use super::state_machine::StateMachine;
use super::type_config::{self as convert, EncodedBatch, Taken, TypeConfig};

/// Openraft's metrics change many times with every entry. Who waits for something rare in them looks no more often than
/// this, or every node would spend its time on waking those who wait in vain.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// After this, a snapshot or a purge that has not come is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

pub(super) type Core = openraft::Raft<TypeConfig, StateMachine>;

/// One node's Raft. Cheap to clone.
#[derive(Clone)]
pub struct Raft {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) core: Core,
    pub(super) local: Arc<LocalIdentity>,
    pub(super) log: Log,
    pub(super) state: State,
    pub(super) peers: Arc<PeerBook>,
    pub(super) readings: Readings,
    pub(super) options: Options,
    /// The end of the log when the node was opened: clients are served once the cluster's commit has reached it.
    pub(super) recovered_tail: Option<LogIndex>,
    pub(super) receiving: Arc<tokio::sync::Mutex<()>>,
    pub(super) failure: watch::Sender<Option<String>>,
    pub(super) alarm: Mutex<Option<String>>,
    /// Why others refuse this node, if they do.
    pub(super) refusal: Mutex<Option<String>>,
    pub(super) contact: Contact,
    pub(super) initialising: tokio::sync::Mutex<()>,
    pub(super) background: Mutex<tokio::task::JoinSet<()>>,
}

/// A handle that does not keep Raft alive.
pub(super) struct WeakRaft {
    inner: std::sync::Weak<Inner>,
}

impl WeakRaft {
    pub(super) fn upgrade(&self) -> Option<Raft> {
        self.inner.upgrade().map(|inner| Raft { inner })
    }
}

/// Why a proposal has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// This node does not lead; nothing was proposed.
    #[error("this node does not lead")]
    NotLeader {
        /// Who does, as far as is known.
        leader: Option<NodeId>,
    },
    /// It may have been proposed, and may still be decided.
    #[error("the outcome of the proposal is unknown: {0}")]
    Unknown(String),
}

/// Why a linearizable read can't be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadIndexError {
    /// No leader is known.
    #[error("no leader is known")]
    NoLeader,
    /// The leader could not be asked, or could not confirm that it leads.
    #[error("{0}")]
    Unconfirmed(String),
}

/// A batch that was handed to Raft.
pub struct Proposed {
    taken: Taken,
    answer: openraft::alias::OneshotReceiverOf<TypeConfig, ClientWriteResult<TypeConfig>>,
}

impl Proposed {
    /// What tells when the batch is in the log. It does not tell of a refusal: [`answers`](Self::answers) does.
    pub fn taken(&self) -> Taken {
        self.taken.clone()
    }

    /// Waits until the batch is applied here: one answer for each proposal. The caller sets the deadline, because a leader
    /// that lost its quorum keeps what it accepted pending for ever.
    pub async fn answers(self) -> Result<Vec<Answer>, ProposeError> {
        match self.answer.await {
            Ok(Ok(response)) => Ok(response.data),
            Ok(Err(ClientWriteError::ForwardToLeader(forward))) => {
                Err(ProposeError::NotLeader { leader: forward.leader_id })
            }
            Ok(Err(other)) => Err(ProposeError::Unknown(other.to_string())),
            Err(_dropped) => Err(ProposeError::Unknown("this node has stopped".to_owned())),
        }
    }
}

/// How a node stands.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its part.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The last entry in its log.
    pub last: LogIndex,
    /// The last entry that it knows to be committed.
    pub committed: LogIndex,
    /// The last entry that its snapshot holds.
    pub snapshot: LogIndex,
    /// The last entry purged from its log.
    pub purged: LogIndex,
    /// The membership that it acts under.
    pub membership: Membership,
    /// Whether it may serve clients.
    pub serving: bool,
    /// What is wrong, if anything.
    pub problem: Option<String>,
}

/// A node's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// In no cluster yet.
    Empty,
    /// Receives entries and does not vote.
    Learner,
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
}

impl Raft {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn downgrade(&self) -> WeakRaft {
        WeakRaft { inner: Arc::downgrade(&self.inner) }
    }

    /// Shows what is wrong without stopping the node, or that nothing is.
    pub(super) fn raise_alarm(&self, alarm: Option<String>) {
        let mut current = self.inner.alarm.lock().expect("no holder of the alarm panics");
        if let Some(alarm) = alarm.as_ref().filter(|alarm| current.as_ref() != Some(alarm)) {
            tracing::error!("alarm: {alarm}");
        }
        *current = alarm;
    }

    /// Keeps why the cluster does not know this node's data directory, to show it to whoever asks.
    pub(super) fn note_refusal(&self, reason: String) {
        *self.inner.refusal.lock().expect("no holder of the refusal panics") = Some(reason);
    }

    pub(super) fn leader_heard(&self) {
        self.inner.contact.leader_heard();
    }

    /// Stops the node when its answers show that its log is an older copy.
    pub(super) fn watch_conflicts(&self, answer: &StreamAppendResult<TypeConfig>) {
        if self.inner.contact.has_lost_entries(answer) {
            let reason = "this node's log lacks entries that it has acknowledged to the leader: its data directory is an older \
                          copy, and what it forgot may be committed. Put the newest directory back, or replace the node: \
                          start one with a new id and an empty data directory";
            self.report_failure(reason.to_owned());
        }
    }

    pub(super) fn initialising(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.initialising
    }

    pub(super) fn core(&self) -> &Core {
        &self.inner.core
    }

    pub(super) fn receiving(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.inner.receiving
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Who this node is.
    pub fn local(&self) -> &Arc<LocalIdentity> {
        &self.inner.local
    }

    /// Where this node is reached.
    pub fn addresses(&self) -> &Addresses {
        &self.inner.options.addresses
    }

    /// What the node has applied.
    pub fn state(&self) -> &State {
        &self.inner.state
    }

    /// The node's log.
    pub fn log(&self) -> &Log {
        &self.inner.log
    }

    /// The other members' clocks.
    pub fn readings(&self) -> &Readings {
        &self.inner.readings
    }

    /// This machine's wall clock.
    pub fn wall_clock(&self) -> LogTime {
        (self.inner.options.wall_clock)()
    }

    /// The longest time without a leader's word before a node may campaign.
    pub fn election_timeout_max(&self) -> Duration {
        self.inner.options.timing.election_timeout_max
    }

    /// The membership that this node acts under.
    pub fn membership(&self) -> Membership {
        convert::membership(self.inner.core.server_metrics().borrow_watched().membership_config.membership())
    }

    /// Who leads, as far as this node knows.
    pub fn leader(&self) -> Option<NodeId> {
        self.inner.core.server_metrics().borrow_watched().current_leader
    }

    /// Whether this node leads, as far as it knows.
    pub fn is_leader(&self) -> bool {
        self.leader() == Some(self.inner.local.node_id())
    }

    /// The term in which this node leads, as far as it knows; none if it does not.
    pub fn leading_term(&self) -> Option<u64> {
        let metrics = self.inner.core.server_metrics();
        let metrics = metrics.borrow_watched();
        (metrics.current_leader == Some(self.inner.local.node_id())).then_some(metrics.vote.leader_id.term)
    }

    /// A member by its id.
    pub fn member(&self, id: NodeId) -> Option<Member> {
        self.inner.core.server_metrics().borrow_watched().membership_config.get_node(&id).cloned()
    }

    /// Waits until the leader that this node knows is another than `seen`.
    pub async fn leader_changed(&self, seen: Option<NodeId>) {
        let mut metrics = self.inner.core.server_metrics();
        while metrics.borrow_and_update().current_leader == seen {
            if metrics.changed().await.is_err() {
                // Raft has stopped: nobody will lead any more, and the caller's deadline ends its wait.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The last index that this node has applied.
    pub fn applied_index(&self) -> LogIndex {
        self.inner.state.applied().log_id.map_or(LogIndex(0), |id| id.index)
    }

    /// Waits until this node has applied `index`.
    pub async fn wait_applied(&self, index: LogIndex) {
        let mut applied = self.inner.state.watch_applied();
        let reached = applied.wait_for(|applied| applied.is_some_and(|applied| applied >= index)).await.is_ok();
        if !reached {
            std::future::pending::<()>().await;
        }
    }

    /// Hands a batch to Raft. Batches are ordered as this is called. It is refused unless this node leads in `term`: what was
    /// taken on by an earlier leadership of this node must not follow what another leader has put in between.
    pub async fn propose(&self, batch: Bytes, term: u64) -> Result<Proposed, ProposeError> {
        let (responder, answer) = ProgressResponder::complete_only();
        let leader = LeaderId { term, node_id: self.inner.local.node_id() };
        let (batch, taken) = EncodedBatch::proposed(batch);
        let sent = self.inner.core.write(batch).with_leader(leader).responder(responder).await;
        sent.map(|()| Proposed { taken, answer }).map_err(|fatal| ProposeError::Unknown(fatal.to_string()))
    }

    /// Whether a majority has been heard recently enough to accept work as a leader.
    pub fn majority_is_fresh(&self) -> bool {
        let server = self.inner.core.server_metrics();
        let is_alone = |voters: &std::collections::BTreeSet<NodeId>| voters.len() == 1;
        if server.borrow_watched().membership_config.get_joint_config().iter().all(is_alone) {
            return true;
        }
        let data = self.inner.core.data_metrics();
        let acknowledged = data.borrow_watched().last_quorum_acked;
        let limit = 2 * self.inner.options.timing.election_timeout_max;
        acknowledged.is_some_and(|at| at.into_inner().elapsed() < limit)
    }

    /// The log id that a linearizable read has to wait for, wherever the leader is.
    pub async fn read_index(&self) -> Result<LogId, ReadIndexError> {
        let leader = self.leader().ok_or(ReadIndexError::NoLeader)?;
        if leader == self.inner.local.node_id() {
            return self.read_index_as_leader().await;
        }
        let peer = self.peer(leader).ok_or(ReadIndexError::NoLeader)?;
        let answer = peer.client().read_index(peer.request(peer::ReadIndexRequest {})).await;
        let answer = answer.map_err(|status| ReadIndexError::Unconfirmed(about(&peer, &status)))?;
        let read = answer.into_inner().read.ok_or(ReadIndexError::NoLeader)?;
        Ok(message::read_log_id(read))
    }

    /// Confirms with a majority that this node still leads. Never from a lease: a restarted voter starts with none.
    pub(super) async fn read_index_as_leader(&self) -> Result<LogId, ReadIndexError> {
        match self.inner.core.get_read_linearizer(ReadPolicy::ReadIndex).await {
            Ok(linearizer) => Ok(convert::log_id(linearizer.read_log_id().log_id())),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(_))) => Err(ReadIndexError::NoLeader),
            Err(other) => Err(ReadIndexError::Unconfirmed(other.to_string())),
        }
    }

    /// Sends proposals to the leader. An error: it is unknown what became of any of them.
    pub async fn forward(
        &self,
        leader: NodeId,
        proposals: Vec<Bytes>,
        remaining: Duration,
    ) -> Result<Vec<Result<Bytes, ForwardedFailure>>, ForwardError> {
        let peer = self.peer(leader).ok_or(ForwardError::NotSent)?;
        let remaining_ms = u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX);
        let request = peer.request(peer::ProposeRequest { proposals, remaining_ms });
        let answer = peer.client().propose(request).await;
        let answer = answer.map_err(|status| {
            if was_refused(&status) { ForwardError::NotSent } else { ForwardError::Unknown(about(&peer, &status)) }
        })?;
        let answer = answer.into_inner();
        let replies = answer.replies.into_iter().map(|reply| {
            use peer::proposal_reply::Reply;
            match reply.reply {
                Some(Reply::Answer(answer)) => Ok(Ok(answer)),
                Some(Reply::Failure(failure)) => Ok(Err(read_failure(failure))),
                None => Err(ForwardError::Unknown(format!("node {leader} sent an empty reply"))),
            }
        });
        replies.collect()
    }

    /// Sends a stream of proposals to the leader. An error, or an end with something unanswered: it is unknown what becomes
    /// of that.
    pub async fn forward_stream(
        &self,
        leader: NodeId,
        proposals: impl Stream<Item = StreamedProposals> + Send + 'static,
    ) -> Result<BoxStream<'static, StreamedReplies>, ForwardError> {
        let peer = self.peer(leader).ok_or(ForwardError::NotSent)?;
        let requests = proposals.map(|group| peer::ProposeStreamRequest {
            proposals: group
                .into_iter()
                .map(|(position, proposal)| peer::StreamedProposal { position, proposal })
                .collect(),
        });
        let answer = peer.client().propose_stream(peer.request(requests)).await.map_err(|status| {
            if was_refused(&status) { ForwardError::NotSent } else { ForwardError::Unknown(about(&peer, &status)) }
        })?;
        let replies = answer.into_inner().map(move |message| match message {
            Ok(peer::ProposeStreamResponse { failure: Some(failure), .. }) => Err(read_failure(failure)),
            Ok(peer::ProposeStreamResponse { answers, failure: None }) => {
                Ok(answers.into_iter().map(|streamed| (streamed.position, streamed.answer)).collect())
            }
            Err(status) => Err(ForwardedFailure {
                kind: 0,
                effect_unknown: true,
                message: format!("the stream to the leader was lost: {}", about(&peer, &status)),
            }),
        });
        Ok(replies.boxed())
    }

    pub(super) fn peer(&self, id: NodeId) -> Option<Peer> {
        let member = self.member(id)?;
        self.inner.peers.get(id, &member).ok()
    }

    /// How this node stands.
    pub fn status(&self) -> Status {
        let metrics = self.inner.core.metrics().borrow_watched().clone();
        let index = |id: &Option<super::type_config::RaftLogId>| LogIndex(id.as_ref().map_or(0, |id| id.index));
        let membership = convert::membership(metrics.membership_config.membership());
        let role = match metrics.state {
            _ if membership.members.is_empty() => Role::Empty,
            ServerState::Learner | ServerState::Shutdown => Role::Learner,
            ServerState::Follower => Role::Follower,
            ServerState::Candidate => Role::Candidate,
            ServerState::Leader => Role::Leader,
        };
        Status {
            role,
            term: metrics.current_term,
            leader: metrics.current_leader,
            last: LogIndex(metrics.last_log_index.unwrap_or(0)),
            committed: index(&metrics.local_committed),
            snapshot: index(&metrics.snapshot),
            purged: index(&metrics.purged),
            membership,
            serving: self.is_serving(),
            problem: self.problem(),
        }
    }

    /// Whether clients may be served: a leader is known, and the node has recovered.
    pub fn is_serving(&self) -> bool {
        self.has_live_leader() && self.has_recovered() && self.inner.failure.borrow().is_none()
    }

    /// Whether there is a leader, and a sign of life of it: as the leader itself the word of a majority, as another node a
    /// word of the leader, not older than two election timeouts.
    pub fn has_live_leader(&self) -> bool {
        match self.leader() {
            None => false,
            Some(leader) if leader == self.inner.local.node_id() => self.majority_is_fresh(),
            Some(_) => self.inner.contact.is_within(2 * self.inner.options.timing.election_timeout_max),
        }
    }

    /// Whether what this node had in its log when it was opened is decided and applied. Before that a local read could go
    /// back behind what an earlier life of this node has shown.
    pub fn has_recovered(&self) -> bool {
        let metrics = self.inner.core.data_metrics().borrow_watched().clone();
        let index = |id: Option<super::type_config::RaftLogId>| id.map_or(0, |id| id.index);
        // A new leader may have cut off what was never committed; then the log's present end is the mark.
        let end = self.inner.log.last().map_or(0, |id| id.index.0);
        let tail = self.inner.recovered_tail.map_or(0, |tail| tail.0.min(end));
        index(metrics.local_committed) >= tail && self.applied_index().0 >= tail
    }

    /// Waits until the node has recovered.
    pub async fn wait_recovered(&self) {
        self.wait_until(Raft::has_recovered).await;
    }

    /// Waits until [`is_serving`](Self::is_serving) is what is wanted.
    pub async fn wait_serving(&self, wanted: bool) {
        self.wait_until(|raft| raft.is_serving() == wanted).await;
    }

    async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let mut metrics = self.inner.core.metrics();
        let mut applied = self.inner.state.watch_applied();
        let mut failure = self.inner.failure.subscribe();
        while !holds(self) {
            let goes_on = tokio::select! {
                changed = metrics.changed() => changed.is_ok(),
                changed = applied.changed() => changed.is_ok(),
                changed = failure.changed() => changed.is_ok(),
            };
            if !goes_on {
                // Raft has stopped: nothing will change any more, and the caller's deadline ends its wait.
                std::future::pending::<()>().await;
            }
            // Every entry changes something several times.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Stops the node for a reason that leaves no other choice.
    pub fn report_failure(&self, reason: String) {
        report(&self.inner.failure, reason);
    }

    /// Waits until the node has to stop, and says why. Any storage error is one: memory is ahead of disk, and no later
    /// answer would be true.
    pub async fn failed(&self) -> String {
        let mut metrics = self.inner.core.metrics();
        let mut failure = self.inner.failure.subscribe();
        loop {
            if let Some(reason) = failure.borrow_and_update().clone() {
                return reason;
            }
            if let Err(fatal) = &metrics.borrow_and_update().running_state {
                return fatal.to_string();
            }
            tokio::select! {
                changed = metrics.changed() => {
                    if changed.is_err() {
                        return "raft has stopped".to_owned();
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                _ = failure.changed() => {}
            }
        }
    }

    /// What is wrong with this node, if anything is known to be.
    pub fn problem(&self) -> Option<String> {
        let failure = self.inner.failure.borrow().clone();
        let refusal = || self.inner.refusal.lock().expect("no holder of the refusal panics").clone();
        failure.or_else(|| self.inner.alarm.lock().expect("no holder of the alarm panics").clone()).or_else(refusal)
    }

    /// Makes a snapshot of everything applied, and purges the log behind it.
    pub async fn snapshot(&self) -> Result<(LogIndex, LogIndex), SnapshotError> {
        let Some(target) = self.inner.state.applied().log_id else { return Err(SnapshotError::NothingApplied) };
        let mut metrics = self.inner.core.metrics();
        loop {
            let Kept { snapshot, purged } = kept(&metrics.borrow_and_update());
            if purged >= target.index {
                return Ok((snapshot, purged));
            }
            let is_made = snapshot >= target.index;
            if is_made {
                self.inner.core.trigger().purge_log(snapshot.0).await.map_err(|_| SnapshotError::Stopped)?;
            } else {
                self.inner.core.trigger().snapshot().await.map_err(|_| SnapshotError::Stopped)?;
            }
            // A snapshot may be under way that began before the target was applied. A purge waits for a follower that is
            // being sent what it would take, and openraft forgets it when another snapshot is made meanwhile.
            let further = async {
                loop {
                    metrics.changed().await.map_err(|_| SnapshotError::Stopped)?;
                    let now = kept(&metrics.borrow_and_update());
                    let is_further = if is_made { now.purged } else { now.snapshot } >= target.index;
                    if is_further {
                        return Ok(());
                    }
                }
            };
            if let Ok(changed) = tokio::time::timeout(ASK_AGAIN, further).await {
                changed?;
            }
        }
    }

    /// Hands leadership to a voter that is caught up, if this node leads and there is one; then stops Raft and closes the
    /// log. The caller has stopped proposing.
    pub async fn shut_down(&self) {
        self.hand_over().await;
        self.inner.background.lock().expect("no holder of the tasks panics").abort_all();
        if let Err(error) = self.inner.core.shutdown().await {
            tracing::error!("raft did not stop cleanly: {error}");
        }
        let state = self.inner.state.clone();
        match tokio::task::spawn_blocking(move || state.flush()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!("the state was not flushed; it will be replayed from the log: {error}"),
            Err(error) => tracing::error!("the state was not flushed; it will be replayed from the log: {error}"),
        }
        if let Err(error) = self.inner.log.close().await {
            tracing::error!("the log was not closed cleanly: {error}");
        }
    }

    async fn hand_over(&self) {
        let here = self.inner.local.node_id();
        if !self.is_leader() {
            return;
        }
        let metrics = self.inner.core.metrics().borrow_watched().clone();
        let replication = metrics.replication.unwrap_or_default();
        let voters: Vec<NodeId> = metrics.membership_config.voter_ids().collect();
        let best = replication
            .into_iter()
            .filter(|(id, _)| *id != here && voters.contains(id))
            .max_by_key(|(id, matched)| (matched.as_ref().map_or(0, |log_id| log_id.index), std::cmp::Reverse(*id)));
        let Some((heir, _)) = best else { return };
        tracing::info!(node = %heir, "handing over leadership");
        if self.inner.core.trigger().transfer_leader(heir).await.is_ok() {
            let handed_over = self.leader_changed(Some(here));
            if tokio::time::timeout(2 * self.election_timeout_max(), handed_over).await.is_err() {
                tracing::warn!(node = %heir, "this node did not take over in time; the others will elect a leader");
            }
        }
    }
}

/// How far a node's last snapshot and its purge reach.
struct Kept {
    snapshot: LogIndex,
    purged: LogIndex,
}

fn kept(metrics: &RaftMetrics<TypeConfig>) -> Kept {
    Kept {
        snapshot: LogIndex(metrics.snapshot.as_ref().map_or(0, |id| id.index)),
        purged: LogIndex(metrics.purged.as_ref().map_or(0, |id| id.index)),
    }
}

pub(super) fn report(failure: &watch::Sender<Option<String>>, reason: String) {
    failure.send_if_modified(|current| {
        let first = current.is_none();
        if first {
            tracing::error!("stopping this node: {reason}");
            *current = Some(reason);
        }
        first
    });
}

/// Why proposals did not reach the leader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// Nothing was sent.
    #[error("the leader can't be reached")]
    NotSent,
    /// Something was sent, and no answer came.
    #[error("{0}")]
    Unknown(String),
}

/// Why no snapshot was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The node has applied nothing.
    #[error("this node has applied nothing yet, so there is nothing to put into a snapshot")]
    NothingApplied,
    /// Raft has stopped.
    #[error("this node has stopped")]
    Stopped,
}

/// Whether nobody listens at the address, so that nothing was sent.
fn was_refused(status: &tonic::Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}

fn about(peer: &Peer, status: &tonic::Status) -> String {
    format!("node {} at {}: {}", peer.id, peer.address, peers::words(status))
}
