//! A command's way through a node.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::BoxStream;
use tokio::time::Instant;

use crate::machine::{self, Overlay, Remembered, decode_answer, decode_proposal, encode_answer, encode_proposal};
use crate::raft::{
    ForwardError, ForwardedFailure, ForwardedProposals, LeaderRequests, StreamedProposals, StreamedReplies,
};
use crate::store::state::View;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{Answer, AttemptEffect, NodeId, Proposal};

use super::Engine;
use super::error::Error;
use super::flight::{Boarding, Listener, Waiter};
use super::guess::guess;

/// The pause before another attempt when the last one failed at once.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(20);

impl Engine {
    /// Submits a proposal on whichever node this is, and waits for its answer until the deadline.
    pub async fn submit(&self, proposal: &Proposal, deadline: Instant) -> Result<Answer, Error> {
        if let Some(answer) = self.recall(proposal).await? {
            return Ok(answer);
        }
        let encoded = encode_proposal(proposal);
        let _ticket = self.inner.admission.command(encoded.len())?;
        let mut effect = AttemptEffect::None;
        loop {
            let leader = self.raft().leader();
            let attempt = match leader {
                Some(leader) if leader == self.raft().local().node_id() => {
                    self.submit_here(proposal, encoded.clone(), deadline).await
                }
                Some(_) if !self.raft().has_live_leader() => {
                    Err(Error::NoLeader("the leader has not been heard for two election timeouts".to_owned()))
                }
                Some(leader) => self.forward(leader, encoded.clone(), deadline).await,
                None => Err(Error::NoLeader("an election is under way".to_owned())),
            };
            let error = match attempt {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            effect = effect.and(error.effect());
            let is_worth_another = matches!(error, Error::NoLeader(_) | Error::Unknown(_) | Error::Stopping);
            if !is_worth_another || Instant::now() + RETRY_PAUSE >= deadline {
                return Err(whole(error, effect));
            }
            // A new leader is worth asking at once; without one, what failed at once would fail at once again.
            tokio::select! {
                () = self.raft().leader_changed(leader) => {}
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                () = tokio::time::sleep_until(deadline) => return Err(whole(error, effect)),
            }
        }
    }

    /// The answer of an id that this node has applied already. It is final wherever it is known. For most ids memory alone
    /// tells that they are new; only the others are looked for where a disk may have to be waited for.
    async fn recall(&self, proposal: &Proposal) -> Result<Option<Answer>, Error> {
        let lacks = self.raft().state().view().surely_lacks(proposal.space(), proposal.id());
        if lacks.map_err(|error| self.fail(&error))? {
            return Ok(None);
        }
        let recalled = self.recall_all(vec![(0, proposal.clone())]).await?;
        Ok(recalled.into_iter().next().and_then(|(_, _, answer)| answer))
    }

    /// The same for many at once, each answer in its place. It reads on a thread that may wait for a disk.
    pub(super) async fn recall_all(
        &self,
        proposals: Vec<(u64, Proposal)>,
    ) -> Result<Vec<(u64, Proposal, Option<Answer>)>, Error> {
        let (view, duplicates) = (self.raft().state().view(), self.inner.duplicates.clone());
        let recall = move || {
            let wanted: Vec<_> = proposals.iter().map(|(_, it)| (it.space().clone(), it.id().clone())).collect();
            let remembered = view.remembered_many(&wanted)?.into_iter();
            let answered = proposals.into_iter().zip(remembered).map(|((position, proposal), remembered)| {
                let answer = remembered.map(|remembered| recalled(&view, &proposal, remembered)).transpose()?;
                if let Some(Answer::Decided { outcome, .. }) = &answer {
                    duplicates.count(&proposal, outcome, view.globals().clock);
                }
                Ok((position, proposal, answer))
            });
            answered.collect::<Result<Vec<_>, crate::store::state::Error>>()
        };
        let recalled = tokio::task::spawn_blocking(recall).await;
        recalled.map_err(|error| Error::not_run(&error))?.map_err(|error| self.fail(&error))
    }

    async fn submit_here(&self, proposal: &Proposal, encoded: Bytes, deadline: Instant) -> Result<Answer, Error> {
        let waiter = self.admit(proposal, encoded, deadline).await?;
        let guesses = seeded(Bug::AnswerBeforeCommit) || seeded(Bug::EarlyAnswerToRetry) && waiter.has_joined();
        if guesses && let Some(answer) = guess(self.raft(), proposal) {
            // The next leader may never have heard of what was acknowledged.
            return Ok(answer);
        }
        waiter.wait(&self.inner.flights).await
    }

    /// Joins the flight of the same command, or queues a new one.
    async fn admit(&self, proposal: &Proposal, encoded: Bytes, deadline: Instant) -> Result<Waiter, Error> {
        let term = self.check_leads()?;
        self.check_raise(proposal, deadline).await?;
        let place = self.inner.queue.place(encoded.len());
        let (listener, reply) = Listener::one();
        let boarding = self.inner.flights.board(encoded, term, deadline, listener);
        if let Boarding::New(flight) = &boarding
            && let Err(error) = place.and_then(|place| self.inner.queue.push(place, flight.clone()))
        {
            self.inner.flights.land(flight, Err(error.clone()));
            return Err(error);
        }
        Ok(boarding.waiter(reply, deadline))
    }

    async fn admit_forwarded(&self, encoded: Bytes, deadline: Instant) -> Result<Admitted, Error> {
        let proposal = read_forwarded(&encoded)?;
        match self.recall(&proposal).await? {
            Some(answer) => Ok(Admitted::Known(answer)),
            None => self.admit(&proposal, encoded, deadline).await.map(Admitted::Waiting),
        }
    }

    /// The term in which this node may take on work as the leader.
    pub(super) fn check_leads(&self) -> Result<u64, Error> {
        let term = self.raft().leading_term().ok_or_else(|| Error::NoLeader("this node does not lead".to_owned()))?;
        // What a leader without a majority accepts would hang until the deadline, joined or not.
        if !self.raft().majority_is_fresh() {
            return Err(Error::NoLeader("the leader does not hear a majority".to_owned()));
        }
        Ok(term)
    }

    async fn forward(&self, leader: NodeId, encoded: Bytes, deadline: Instant) -> Result<Answer, Error> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let lost = |what: String| Error::Unknown(format!("the answer of the leader was lost: {what}"));
        let forwarded = async {
            tokio::select! {
                replies = self.raft().forward(leader, vec![encoded], remaining) => replies,
                // A leader that hangs never answers; its successor knows, or can be told.
                () = self.raft().leader_changed(Some(leader)) => {
                    Err(ForwardError::Unknown("the leader changed".to_owned()))
                }
            }
        };
        let replies = match tokio::time::timeout_at(deadline, forwarded).await {
            Ok(Ok(replies)) => replies,
            Ok(Err(ForwardError::NotSent)) => {
                return Err(Error::NoLeader(format!("node {leader}, which led last, can't be reached")));
            }
            // It may have been decided all the same.
            Ok(Err(ForwardError::Unknown(what))) if seeded(Bug::LostForwardAsNone) => {
                return Err(Error::NoLeader(what));
            }
            Ok(Err(ForwardError::Unknown(what))) => return Err(lost(what)),
            Err(_elapsed) => return Err(lost("the deadline passed".to_owned())),
        };
        match replies.into_iter().next() {
            Some(Ok(answer)) => decode_answer(answer).map_err(|error| lost(error.to_string())),
            Some(Err(failure)) => Err(Error::from_forwarded(failure)),
            None => Err(lost("it answered nothing".to_owned())),
        }
    }
}

/// What the machine answers to a proposal whose id it remembers. Its space and that row are all that it needs: the id comes
/// before guards, targets and actions.
fn recalled(view: &View, proposal: &Proposal, remembered: Remembered) -> Result<Answer, crate::store::state::Error> {
    let mut overlay = Overlay::default();
    if let Some(space) = view.space(proposal.space())? {
        overlay.insert_remembered(space.number, proposal.id().clone(), remembered);
        overlay.insert_space(proposal.space().clone(), space);
    }
    overlay.set_globals(view.globals());
    let decision = machine::decide(&overlay, view.globals().version, proposal);
    assert!(decision.effects.is_empty(), "a known id changes nothing");
    Ok(decision.answer)
}

#[tonic::async_trait]
impl LeaderRequests for Engine {
    /// One hop only: what this node can't admit goes back. All are admitted, in order, before any is waited for.
    async fn propose(&self, request: ForwardedProposals) -> Vec<Result<Bytes, ForwardedFailure>> {
        let deadline = Instant::now() + request.remaining;
        let mut admitted = Vec::with_capacity(request.proposals.len());
        for encoded in request.proposals {
            admitted.push(self.admit_forwarded(encoded, deadline).await);
        }
        let answers = admitted.into_iter().map(|admitted| async {
            match admitted {
                Ok(Admitted::Known(answer)) => Ok(answer),
                Ok(Admitted::Waiting(waiter)) => waiter.wait(&self.inner.flights).await,
                Err(error) => Err(error),
            }
        });
        let answers = join_all(answers).await.into_iter();
        answers
            .map(|answer| answer.map(|answer| encode_answer(&answer)).map_err(|error| error.to_forwarded()))
            .collect()
    }

    /// One hop only, too: the stream ends when this node can't admit what it brings.
    async fn propose_stream(
        &self,
        proposals: BoxStream<'static, StreamedProposals>,
    ) -> BoxStream<'static, StreamedReplies> {
        self.lead_stream(proposals)
    }
}

/// A proposal that another node sends: from a door of its own, but perhaps of another build.
pub(super) fn read_forwarded(encoded: &Bytes) -> Result<Proposal, Error> {
    let malformed = |error| Error::Failed(format!("a forwarded proposal is malformed: {error}"));
    let proposal = decode_proposal(encoded.clone()).map_err(malformed)?;
    check_limits(&proposal)?;
    Ok(proposal)
}

/// The machine checks no limit, because a later build may raise it; so every door does.
fn check_limits(proposal: &Proposal) -> Result<(), Error> {
    match proposal {
        Proposal::Command(command) => command.check().map_err(|error| Error::Failed(error.to_string())),
        Proposal::Cancel(_) => Ok(()),
    }
}

enum Admitted {
    Known(Answer),
    Waiting(Waiter),
}

/// The error of all attempts together.
fn whole(last: Error, effect: AttemptEffect) -> Error {
    if effect == AttemptEffect::Unknown && last.effect() == AttemptEffect::None {
        Error::Unknown(format!("an earlier attempt was lost; the last one said: {last}"))
    } else {
        last
    }
}
