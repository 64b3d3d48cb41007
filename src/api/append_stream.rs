//! A stream of packed appends: translated in both directions.
//!
//! - A malformed append is answered here, and holds nothing back.
//! - Nothing is read from a client that does not read its answers: those of the engine are bounded by the engine, those
//!   made here by a queue of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use crate::engine::{Engine, Error, StreamAnswers};
use crate::types::limits::{STREAM_GROUP_MAX, STREAM_REFUSALS_MAX, STREAM_REPLIES_MAX};
use crate::types::{Action, Answer, Id, Proposal, SpaceName};
use crate::wire::{self, Asked, ErrorReport, FieldViolation, Reason, v1};

use super::error::report;

/// What goes back to the client.
pub(super) type Responses = BoxStream<'static, Result<v1::AppendStreamResponse, Status>>;

/// Submits everything that comes in, and answers it.
pub(super) fn serve(engine: &Engine, input: Streaming<v1::AppendStreamRequest>) -> Result<Responses, Error> {
    let (refuse, refusals) = mpsc::channel(STREAM_REFUSALS_MAX);
    let shared = Arc::new(Shared::default());
    let incoming = Incoming { input, next: 0, shared: shared.clone(), refuse };
    let groups = stream::unfold(incoming, |mut incoming| async move { Some((incoming.group().await?, incoming)) });
    // It is asked again after its end, for what was refused meanwhile.
    let answers = engine.submit_stream(groups.boxed())?.fuse().boxed();
    let outgoing = Outgoing { answers: Some(answers), refusals, shared };
    Ok(stream::unfold(outgoing, |mut outgoing| async move { Some((outgoing.response().await?, outgoing)) }).boxed())
}

/// What both directions know.
#[derive(Default)]
struct Shared {
    /// What the engine has and has not answered, by its position.
    sent: Mutex<HashMap<u64, Sent>>,
    /// Why the input ended, if not by its sender's will.
    broken: OnceLock<Status>,
}

/// What the answer to an append is about.
struct Sent {
    space: SpaceName,
    id: Id,
    /// The append, without its records: those are in memory elsewhere until it is decided.
    actions: Vec<Action>,
}

fn without_records(action: &Action) -> Option<Action> {
    match action {
        Action::Append { log, .. } => Some(Action::Append { log: log.clone(), records: Vec::new() }),
        _ => None,
    }
}

impl Shared {
    fn sent(&self) -> MutexGuard<'_, HashMap<u64, Sent>> {
        // Nothing that holds it can leave it half done.
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Incoming {
    input: Streaming<v1::AppendStreamRequest>,
    next: u64,
    shared: Arc<Shared>,
    refuse: mpsc::Sender<Vec<v1::AppendReply>>,
}

impl Incoming {
    /// The next group of well-formed appends, if any more come.
    async fn group(&mut self) -> Option<Vec<(u64, Proposal)>> {
        loop {
            let message = match self.input.message().await {
                Ok(message) => message?,
                Err(status) => {
                    let _first = self.shared.broken.set(status);
                    return None;
                }
            };
            if message.appends.len() > STREAM_GROUP_MAX {
                let rule =
                    format!("a message has at most {STREAM_GROUP_MAX} appends; this one has {}", message.appends.len());
                let violation = FieldViolation { field: "appends".to_owned(), description: rule };
                let _first =
                    self.shared.broken.set(ErrorReport::bad_request(Reason::TooLarge, vec![violation]).to_status());
                return None;
            }
            let (group, mut refused) = self.read(message);
            while !refused.is_empty() {
                let rest = refused.split_off(refused.len().min(STREAM_REPLIES_MAX));
                if self.refuse.send(std::mem::replace(&mut refused, rest)).await.is_err() {
                    // Nobody reads the answers any more.
                    return None;
                }
            }
            if !group.is_empty() {
                return Some(group);
            }
        }
    }

    fn read(&mut self, message: v1::AppendStreamRequest) -> (Vec<(u64, Proposal)>, Vec<v1::AppendReply>) {
        let mut sent = self.shared.sent();
        let (mut group, mut refused) = (Vec::with_capacity(message.appends.len()), Vec::new());
        for append in message.appends {
            let position = self.next;
            self.next += 1;
            let sent_id = append.id.clone();
            match wire::append_command(append) {
                Ok(command) => {
                    let actions = command.actions.iter().filter_map(without_records).collect();
                    sent.insert(position, Sent { space: command.space.clone(), id: command.id.clone(), actions });
                    group.push((position, Proposal::Command(command)));
                }
                Err(report) => refused.push(wire::append_reply(position, sent_id, Err(report))),
            }
        }
        (group, refused)
    }
}

struct Outgoing {
    answers: Option<StreamAnswers>,
    refusals: mpsc::Receiver<Vec<v1::AppendReply>>,
    shared: Arc<Shared>,
}

impl Outgoing {
    /// The next message; none when everything is answered.
    async fn response(&mut self) -> Option<Result<v1::AppendStreamResponse, Status>> {
        let answers = self.answers.as_mut()?;
        let replies = tokio::select! {
            biased;
            Some(refused) = self.refusals.recv() => refused,
            answered = answers.next() => match answered {
                Some(Ok(answered)) => self.replies(answered),
                Some(Err(error)) => {
                    self.answers = None;
                    return Some(Err(report(&error).to_status()));
                }
                // The input has ended, and with it its end of the refusals. It may have refused something just now.
                None => if let Some(refused) = self.refusals.recv().await {
                    refused
                } else {
                    self.answers = None;
                    return self.shared.broken.get().map(|status| Err(status.clone()));
                }
            }
        };
        Some(Ok(v1::AppendStreamResponse { replies }))
    }

    fn replies(&self, answered: Vec<(u64, Answer)>) -> Vec<v1::AppendReply> {
        let mut sent = self.shared.sent();
        let reply = |(position, answer): (u64, Answer)| {
            let Sent { space, id, actions } = sent.remove(&position).expect("the engine answers each place once");
            let answer = wire::append_answer(Asked::actions(&space, &id, &actions), &answer);
            wire::append_reply(position, Some(wire::command_id(&id)), answer)
        };
        answered.into_iter().map(reply).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last append is malformed, and the input ends between the look for refusals and the look for answers.
    #[tokio::test]
    async fn what_is_refused_while_the_answers_end_is_answered() {
        let (refuse, refusals) = mpsc::channel(1);
        let mut refuse = Some(refuse);
        let answers = stream::poll_fn(move |_| {
            if let Some(refuse) = refuse.take() {
                refuse.try_send(vec![v1::AppendReply::default()]).unwrap();
            }
            std::task::Poll::Ready(None)
        });
        let mut outgoing = Outgoing { answers: Some(answers.fuse().boxed()), refusals, shared: Arc::default() };
        assert_eq!(outgoing.response().await.unwrap().unwrap().replies.len(), 1);
        assert!(outgoing.response().await.is_none());
    }
}
