//! Streams of appends, as a client written by somebody else would use them.
//!
//! - [`Stream`] is one stream to one node, and no more than the protocol says of it.
//! - [`Sender`] keeps the rule for clients: when a stream breaks, what it has not answered is unknown, and is sent again,
//!   in order and under its ids, on a new stream, before anything new. Every send is an attempt in the history.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Code, Streaming};

use crate::client::{Acknowledgement, Client, Effect, Failure};
use crate::history::{AttemptNumber, History, OperationNumber, StreamPlace};
use crate::proto::append_reply::Result as ReplyResult;
use crate::proto::{AppendReply, AppendRequest, AppendStreamRequest, AppendStreamResponse, CommandId, NewRecord};

/// Messages that wait for the connection.
const MESSAGES_AHEAD: usize = 64;
/// Between a stream that broke and the next.
const BACKOFF: Duration = Duration::from_millis(25);
/// A stream that answers nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(1);

/// An append as it is sent.
pub fn request(log: &str, id: &str, payloads: &[Bytes]) -> AppendRequest {
    let records = payloads.iter().map(|payload| NewRecord { payload: payload.clone(), headers: Vec::new() }).collect();
    let id = Some(CommandId { text: id.to_owned(), birth_ms: None });
    AppendRequest { space: String::new(), log: log.to_owned(), id, records }
}

/// An answer to one append.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Which one.
    pub position: u64,
    /// The id that it was sent with.
    pub id: String,
    /// What it got.
    pub result: Result<Acknowledgement, Failure>,
}

impl Reply {
    fn from_message(reply: AppendReply) -> Self {
        let result = match reply.result.expect("a reply has a result") {
            ReplyResult::Appended(response) => Ok(Acknowledgement::from_message(&response)),
            ReplyResult::Failure(failure) => Err(Failure::from_message(failure)),
        };
        Self { position: reply.position, id: reply.id.unwrap_or_default().text, result }
    }
}

/// One stream. Dropping it takes back nothing.
#[derive(Debug)]
pub struct Stream {
    requests: Option<mpsc::Sender<AppendStreamRequest>>,
    replies: Streaming<AppendStreamResponse>,
}

impl Stream {
    /// Opens a stream to the client's node.
    pub async fn open(client: &Client) -> Result<Self, Failure> {
        Self::open_with(client, MESSAGES_AHEAD).await
    }

    /// The same with at most so many messages that wait for the connection.
    pub async fn open_with(client: &Client, ahead: usize) -> Result<Self, Failure> {
        let (requests, waiting) = mpsc::channel(ahead);
        let outgoing = futures::stream::unfold(waiting, |mut waiting: mpsc::Receiver<_>| async move {
            Some((waiting.recv().await?, waiting))
        });
        let replies = client.append_stream(outgoing).await?;
        Ok(Self { requests: Some(requests), replies })
    }

    /// Sends a message as soon as there is room. If the stream has ended nothing is sent; its answers say why it has.
    pub async fn send(&self, appends: Vec<AppendRequest>) {
        if let Some(requests) = &self.requests {
            drop(requests.send(AppendStreamRequest { appends }).await);
        }
    }

    /// Where messages go in; for a sender on its own.
    pub fn requests(&self) -> mpsc::Sender<AppendStreamRequest> {
        self.requests.clone().expect("an open stream")
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        self.requests = None;
    }

    /// The next message of answers; none when the stream has ended well.
    pub async fn next(&mut self) -> Result<Option<Vec<Reply>>, Failure> {
        let message = self.replies.message().await.map_err(|status| Failure::from_status(&status))?;
        Ok(message.map(|message| message.replies.into_iter().map(Reply::from_message).collect()))
    }

    /// All answers until the stream ends, and how it ends.
    pub async fn rest(&mut self) -> (Vec<Reply>, Result<(), Failure>) {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(replies)) => all.extend(replies),
                Ok(None) => return (all, Ok(())),
                Err(failure) => return (all, Err(failure)),
            }
        }
    }
}

/// An append that has no answer yet.
#[derive(Debug)]
struct Given {
    operation: OperationNumber,
    request: AppendRequest,
}

#[derive(Debug)]
struct Open {
    node: u64,
    number: usize,
    stream: Stream,
    /// What was sent and is not answered, by position.
    sent: BTreeMap<u64, (Given, AttemptNumber)>,
    next: u64,
    heard: Instant,
}

/// Sends appends over streams, one after the other.
#[derive(Debug)]
pub struct Sender {
    nodes: Vec<(u64, Client)>,
    turn: usize,
    history: Arc<History>,
    waiting: VecDeque<Given>,
    open: Option<Open>,
    /// When the next stream may be opened.
    rested: Instant,
}

impl Sender {
    /// One that begins at the node whose turn it is. The clients' deadline is for opening a stream.
    pub fn new(nodes: Vec<(u64, Client)>, turn: usize, history: &Arc<History>) -> Self {
        Self { nodes, turn, history: Arc::clone(history), waiting: VecDeque::new(), open: None, rested: Instant::now() }
    }

    /// How many appends have no answer.
    pub fn unanswered(&self) -> usize {
        self.waiting.len() + self.open.as_ref().map_or(0, |open| open.sent.len())
    }

    /// Takes an append, which goes out after all that were given before.
    pub fn give(&mut self, client: usize, log: &str, id: &str, payloads: &[Bytes]) {
        let operation = self.history.operation(client, log, id, payloads);
        self.waiting.push_back(Given { operation, request: request(log, id, payloads) });
    }

    /// Sends what waits, in messages of at most so many appends, and takes in answers for a while.
    pub async fn exchange(&mut self, packed: usize, time: Duration) {
        if self.open.is_none() {
            sleep_until(self.rested).await;
            if !self.open_next().await {
                return;
            }
        }
        let end = Instant::now() + time;
        self.send_waiting(packed).await;
        while let Some(open) = &mut self.open {
            let silence = open.heard + SILENCE;
            tokio::select! {
                answer = open.stream.next() => self.take_in(answer),
                () = sleep_until(silence), if !open.sent.is_empty() => self.lost(&silent()),
                () = sleep_until(end) => return,
            }
        }
    }

    /// Ends the stream: nothing more is sent. What is on the way gets its answer, or stays unknown.
    pub async fn finish(&mut self) {
        if let Some(open) = &mut self.open {
            open.stream.finish();
            open.heard = Instant::now();
        }
        while let Some(open) = &mut self.open {
            match timeout_at(open.heard + SILENCE, open.stream.next()).await {
                Ok(answer) => self.take_in(answer),
                Err(_elapsed) => self.lost(&silent()),
            }
        }
        self.turn += 1;
    }

    async fn open_next(&mut self) -> bool {
        let (node, client) = self.nodes.get(self.turn % self.nodes.len()).expect("a turn names a node");
        match Stream::open(client).await {
            Ok(stream) => {
                let number = self.history.stream();
                let sent = BTreeMap::new();
                self.open = Some(Open { node: *node, number, stream, sent, next: 0, heard: Instant::now() });
                true
            }
            Err(_of_nothing_sent) => {
                self.turn += 1;
                self.rested = Instant::now() + BACKOFF;
                false
            }
        }
    }

    async fn send_waiting(&mut self, packed: usize) {
        let Some(open) = &mut self.open else { return };
        while !self.waiting.is_empty() {
            let group: Vec<Given> = self.waiting.drain(..packed.min(self.waiting.len())).collect();
            let appends = group.iter().map(|given| given.request.clone()).collect();
            if open.sent.is_empty() {
                open.heard = Instant::now();
            }
            for given in group {
                let place = StreamPlace { stream: open.number, position: open.next };
                let attempt = self.history.invoke_streamed(given.operation, open.node, place);
                open.sent.insert(open.next, (given, attempt));
                open.next += 1;
            }
            open.stream.send(appends).await;
        }
    }

    fn take_in(&mut self, answer: Result<Option<Vec<Reply>>, Failure>) {
        let replies = match answer {
            Ok(Some(replies)) => replies,
            Ok(None) => return self.lost(&Failure::silence(Code::Ok, "the node ended the stream")),
            Err(failure) => return self.lost(&failure),
        };
        let open = self.open.as_mut().expect("answers come from an open stream");
        open.heard = Instant::now();
        for reply in replies {
            let answered = open.sent.remove(&reply.position);
            let (given, attempt) =
                answered.unwrap_or_else(|| panic!("node {} answers what has no answer due: {reply:?}", open.node));
            assert_eq!(given.request.id.unwrap_or_default().text, reply.id, "position {}", reply.position);
            assert!(reply.result.is_ok(), "node {} refuses a good append: {reply:?}", open.node);
            self.history.complete(attempt, reply.result);
        }
    }

    /// The stream has ended: all that it has not answered is unknown, whatever was said of the end, and waits again.
    fn lost(&mut self, failure: &Failure) {
        let Some(open) = self.open.take() else { return };
        for (given, attempt) in open.sent.into_values().rev() {
            self.history.complete(attempt, Err(Failure { effect: Effect::Unknown, ..failure.clone() }));
            self.waiting.push_front(given);
        }
        self.turn += 1;
        self.rested = Instant::now() + BACKOFF;
    }
}

fn silent() -> Failure {
    Failure::silence(Code::DeadlineExceeded, format!("no answer within {SILENCE:?}"))
}
