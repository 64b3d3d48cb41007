//! A stream of commands on its way through a node: to this node's own queue if it leads, or as one stream to the one
//! leader.
//!
//! - Commands are proposed in the order sent, and answered as each is decided. Full queues stop the reading.
//! - A stream is never moved: when its leader is lost, or leads anew, or one of its commands fails without an answer, it ends, and what
//!   is not answered is *unknown*. Its sender sends that again, under the same ids.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::machine::{decode_answer, encode_answer, encode_proposal};
use crate::raft::{StreamedProposals, StreamedReplies};
use crate::types::{Answer, NodeId, Proposal};

use super::Engine;
use super::error::Error;
use super::flight::{Boarding, Listener};
use super::lane::{Answers, Lane, Seat};
use super::submit::{RETRY_PAUSE, read_forwarded};

/// How long a command of a stream may take on this node. A stream has no timeout of its own that says it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How many groups of forwarded commands may wait for the connection to the leader.
const FORWARDED_GROUPS: usize = 4;

/// What comes back: groups of answers, each with the position of its command. An error is the end.
pub type StreamAnswers = BoxStream<'static, Result<Vec<(u64, Answer)>, Error>>;

impl Engine {
    /// Submits what a stream brings: groups of commands in the order sent, each with a position by which its sender knows
    /// it. Ends when the input has ended and all of it is answered.
    pub fn submit_stream(
        &self,
        input: impl Stream<Item = Vec<(u64, Proposal)>> + Send + Unpin + 'static,
    ) -> Result<StreamAnswers, Error> {
        let turn = self.inner.admission.stream()?;
        let (lane, answers) = Lane::new();
        let engine = self.clone();
        tokio::spawn(async move {
            let _turn = turn;
            let fed = tokio::select! {
                fed = engine.feed(input, &lane) => fed,
                () = lane.over() => Ok(()),
            };
            if let Err(error) = fed {
                lane.end(error);
            }
        });
        Ok(stream_of(answers))
    }

    /// The same for a stream that another node forwards to this one because it leads.
    pub(super) fn lead_stream(
        &self,
        input: BoxStream<'static, StreamedProposals>,
    ) -> BoxStream<'static, StreamedReplies> {
        let (lane, answers) = Lane::new();
        let engine = self.clone();
        tokio::spawn(async move {
            let fed = tokio::select! {
                fed = engine.feed_forwarded(input, &lane) => fed,
                () = lane.over() => Ok(()),
            };
            if let Err(error) = fed {
                lane.end(error);
            }
        });
        let encoded = stream_of(answers).map(|answers| {
            let answers = answers.map_err(|error| error.to_forwarded())?;
            Ok(answers.into_iter().map(|(position, answer)| (position, encode_answer(&answer))).collect())
        });
        encoded.boxed()
    }

    async fn feed(
        &self,
        input: impl Stream<Item = Vec<(u64, Proposal)>> + Unpin,
        lane: &Arc<Lane>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + COMMAND_TIMEOUT;
        loop {
            let leader = self.leader_in_time(deadline).await?;
            if leader == self.raft().local().node_id() {
                return self.feed_here(input, lane).await;
            }
            let (groups, waiting) = mpsc::channel::<StreamedProposals>(FORWARDED_GROUPS);
            let opened = tokio::select! {
                opened = self.raft().forward_stream(leader, ReceiverStream::new(waiting)) => opened,
                () = self.raft().leader_changed(Some(leader)) => continue,
            };
            match opened {
                Ok(replies) => return self.feed_to(leader, groups, replies, input, lane).await,
                // Nothing was sent yet, and its successor may be on its way.
                Err(_) if Instant::now() + RETRY_PAUSE < deadline => tokio::select! {
                    () = self.raft().leader_changed(Some(leader)) => {}
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                },
                Err(error) => {
                    return Err(Error::NoLeader(format!("node {leader}, which led last, can't be reached: {error}")));
                }
            }
        }
    }

    async fn feed_here(
        &self,
        mut input: impl Stream<Item = Vec<(u64, Proposal)>> + Unpin,
        lane: &Arc<Lane>,
    ) -> Result<(), Error> {
        let term = self.check_leads()?;
        while let Some(group) = input.next().await {
            self.lead(group, lane, term, |_, proposal| encode_proposal(proposal)).await?;
        }
        Ok(())
    }

    async fn feed_forwarded(
        &self,
        mut input: BoxStream<'static, StreamedProposals>,
        lane: &Arc<Lane>,
    ) -> Result<(), Error> {
        let term = self.check_leads()?;
        while let Some(group) = input.next().await {
            let (mut proposals, mut encoded) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
            for (position, bytes) in group {
                proposals.push((position, read_forwarded(&bytes)?));
                encoded.push(bytes);
            }
            let bytes_of = |place: usize, proposal: &Proposal| {
                encoded.get(place).cloned().unwrap_or_else(|| encode_proposal(proposal))
            };
            self.lead(proposals, lane, term, bytes_of).await?;
        }
        Ok(())
    }

    /// Takes a group into this node's own queue, in order. What has not entered yet is not encoded either: a group whose
    /// client does not read its answers waits here.
    async fn lead(
        &self,
        group: Vec<(u64, Proposal)>,
        lane: &Arc<Lane>,
        term: u64,
        encoded: impl Fn(usize, &Proposal) -> Bytes,
    ) -> Result<(), Error> {
        if self.check_leads()? != term {
            // What the stream has sent before may be lost with the earlier leadership, and must not be overtaken.
            return Err(Error::NoLeader("this node has lost the leadership, and has it again".to_owned()));
        }
        let group = if lane.expects_replays() {
            self.recall_all(group).await?
        } else {
            group.into_iter().map(|(position, proposal)| (position, proposal, None)).collect()
        };
        for (place, (position, proposal, answer)) in group.into_iter().enumerate() {
            let encoded = encoded(place, &proposal);
            let seat = self.seat(lane, position, encoded.len()).await?;
            match answer {
                Some(answer) => seat.tell(Ok(answer)),
                None => self.board(seat, encoded, term).await?,
            }
            if lane.is_broken() {
                // Nothing may overtake what has failed.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Room for a command: first in its lane, which only its own client makes by reading, then in the node.
    async fn seat(&self, lane: &Arc<Lane>, position: u64, bytes: usize) -> Result<Seat, Error> {
        let seat = lane.enter(position, bytes).await;
        Ok(seat.with_ticket(self.inner.admission.command_in_turn(bytes).await?))
    }

    /// Joins the flight of the same command, or queues a new one as soon as there is a place. Between boarding and queuing
    /// nothing is waited for: a stream that goes away in between would leave a flight that never departs. Its time begins
    /// here: what waits for room is not late.
    async fn board(&self, seat: Seat, encoded: Bytes, term: u64) -> Result<(), Error> {
        let place = self.inner.queue.place_in_turn(encoded.len()).await?;
        let deadline = Instant::now() + COMMAND_TIMEOUT;
        if let Boarding::New(flight) = self.inner.flights.board(encoded, term, deadline, Listener::Stream(seat))
            && let Err(error) = self.inner.queue.push(place, flight.clone())
        {
            self.inner.flights.land(&flight, Err(error));
        }
        Ok(())
    }

    /// Sends everything that this node can't answer itself to the leader, as one stream.
    async fn feed_to(
        &self,
        leader: NodeId,
        groups: mpsc::Sender<StreamedProposals>,
        mut replies: BoxStream<'static, StreamedReplies>,
        mut input: impl Stream<Item = Vec<(u64, Proposal)>> + Unpin,
        lane: &Arc<Lane>,
    ) -> Result<(), Error> {
        let seats = Arc::new(Seats::default());
        let send = async {
            while let Some(group) = input.next().await {
                let mut forwarded = Vec::with_capacity(group.len());
                for (position, proposal, answer) in self.recall_all(group).await? {
                    let encoded = encode_proposal(&proposal);
                    // What is gathered must not wait behind a full stream: its answers are what makes room.
                    if !lane.has_room(encoded.len()) && !forwarded.is_empty() {
                        send_group(&groups, std::mem::take(&mut forwarded)).await?;
                    }
                    let seat = self.seat(lane, position, encoded.len()).await?;
                    if let Some(answer) = answer {
                        seat.tell(Ok(answer));
                    } else {
                        seats.put(seat);
                        forwarded.push((position, encoded));
                    }
                }
                if !forwarded.is_empty() {
                    send_group(&groups, forwarded).await?;
                }
            }
            // The leader ends its side when it has answered everything; the lane ends with its last seat.
            drop(groups);
            Ok(())
        };
        let receive = async {
            while let Some(group) = replies.next().await {
                let group = group.map_err(|failure| seats.fail(&Error::from_forwarded(failure)))?;
                for (position, answer) in group {
                    let unreadable = || Error::Unknown(format!("node {leader} sent an answer that can't be read"));
                    let answer = decode_answer(answer).map_err(|_| unreadable())?;
                    seats.take(position).ok_or_else(unreadable)?.tell(Ok(answer));
                }
            }
            if seats.is_empty() { Ok(()) } else { Err(Error::Unknown(format!("node {leader} ended the stream"))) }
        };
        tokio::select! {
            done = async { tokio::try_join!(send, receive) } => done.map(|((), ())| ()),
            // A leader that hangs never answers; its successor knows, or can be told.
            () = self.raft().leader_changed(Some(leader)) => Err(Error::Unknown("the leader changed".to_owned())),
        }
    }

    /// Who leads, once somebody does.
    async fn leader_in_time(&self, deadline: Instant) -> Result<NodeId, Error> {
        let live = async {
            loop {
                let leader = self.raft().leader();
                if let Some(leader) = leader.filter(|_| self.raft().has_live_leader()) {
                    return leader;
                }
                self.raft().wait_serving(true).await;
            }
        };
        let elected = tokio::time::timeout_at(deadline, live).await;
        elected.map_err(|_| Error::NoLeader("no leader was heard before the deadline".to_owned()))
    }
}

async fn send_group(groups: &mpsc::Sender<StreamedProposals>, group: StreamedProposals) -> Result<(), Error> {
    groups.send(group).await.map_err(|_| Error::Unknown("the stream to the leader has ended".to_owned()))
}

/// What was forwarded and is not answered yet.
#[derive(Default)]
struct Seats {
    waiting: std::sync::Mutex<std::collections::HashMap<u64, Seat>>,
}

impl Seats {
    fn put(&self, seat: Seat) {
        self.lock().insert(seat.position(), seat);
    }

    fn take(&self, position: u64) -> Option<Seat> {
        self.lock().remove(&position)
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The leader has said how the stream ended, and that speaks for everything that it has not answered.
    fn fail(&self, error: &Error) -> Error {
        for (_, seat) in std::mem::take(&mut *self.lock()) {
            seat.tell(Err(error.clone()));
        }
        error.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<u64, Seat>> {
        self.waiting.lock().expect("no holder of the seats panics")
    }
}

fn stream_of(answers: Answers) -> StreamAnswers {
    stream::unfold(answers, |mut answers| async move { Some((answers.next().await?, answers)) }).boxed()
}
