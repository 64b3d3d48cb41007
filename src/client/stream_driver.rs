//! Drives a stream: sends its appends to a node that takes them, over one connection at a time.
//!
//! - When a connection breaks, or answers nothing for as long as one attempt may take, the driver goes to the next node.
//! - After each round of all nodes it pauses, longer each time. An answer resets the pause.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::wire::{self, ErrorReport, Reason, v1};

use super::attempts::Tried;
use super::backlog::{Backlog, Pending};
use super::error::Cause;
use super::nodes::{Node, Nodes};
use super::operation::{no_answer, read_report};
use super::retry::{self, Next};
use super::{Client, logs};

/// Messages that wait for the connection. One more is being written; more would only make what is packed shorter.
const MESSAGES_AHEAD: usize = 1;

/// A node, and a stream to it in both directions.
type Opened = (usize, Node, mpsc::Sender<v1::AppendStreamRequest>, Streaming<v1::AppendStreamResponse>);

/// What sends the appends of one stream.
#[derive(Debug)]
pub(super) struct StreamDriver {
    nodes: Arc<Nodes>,
    timeout: Duration,
    attempt_timeout: Duration,
    given: mpsc::UnboundedReceiver<Pending>,
    is_closed: bool,
    backlog: Backlog,
    /// Nodes that said they cannot, until any answers.
    unable: HashSet<usize>,
    /// The node whose stream broke last, until any answers.
    failed: Option<usize>,
    round: u32,
}

/// A connection that was given up.
struct Broken {
    index: usize,
    address: String,
    report: ErrorReport,
}

impl StreamDriver {
    pub(super) fn new(client: &Client, given: mpsc::UnboundedReceiver<Pending>) -> Self {
        Self {
            nodes: client.nodes.clone(),
            timeout: client.timeout,
            attempt_timeout: client.attempt_timeout,
            given,
            is_closed: false,
            backlog: Backlog::default(),
            unable: HashSet::new(),
            failed: None,
            round: 0,
        }
    }

    /// Sends until nothing more is given and everything is answered.
    pub(super) async fn run(mut self) {
        while self.wait_for_work().await {
            let order: Vec<(usize, Node)> = self.nodes.in_order().map(|(index, node)| (index, node.clone())).collect();
            let mut asked_pause = None;
            for (index, node) in order {
                if self.unable.contains(&index) {
                    continue;
                }
                let Some(Broken { index, address, report }) = self.send_over(index, &node).await else {
                    break;
                };
                self.backlog.lost(&address, &report);
                self.nodes.hooks().tell(&Tried { address, attempts: 1, last: report.clone() });
                self.failed = Some(index);
                asked_pause = asked_pause.max(report.retry_after);
                match Next::after(&report) {
                    Next::Again => {}
                    Next::Elsewhere => {
                        self.unable.insert(index);
                    }
                    Next::Stop => self.backlog.fail_all(|| Cause::Refused(Box::new(report.clone()))),
                }
                self.backlog.expire(Instant::now(), self.timeout, None);
                if self.backlog.is_empty() {
                    break;
                }
            }
            if self.unable.len() == self.nodes.all().len() {
                self.backlog.fail_all(|| Cause::NoNodeLeft);
                self.unable.clear();
            }
            if !self.backlog.is_empty() {
                self.pause(asked_pause).await;
            }
        }
    }

    /// Waits until there is something to send. `false`: nothing more will be given.
    async fn wait_for_work(&mut self) -> bool {
        while self.backlog.is_empty() {
            match self.given.recv().await {
                Some(pending) => self.backlog.push(pending),
                None => return false,
            }
        }
        true
    }

    /// Waits before the next round, and takes and gives up what must be meanwhile.
    async fn pause(&mut self, asked: Option<Duration>) {
        let Some(deadline) = self.backlog.deadline() else { return };
        let left = deadline.saturating_duration_since(Instant::now());
        // Without time for another attempt the first deadline is waited for; what was given later goes on after it.
        let pause = retry::pause(self.round, rand::random(), asked, left).unwrap_or(left);
        self.round += 1;
        sleep(pause).await;
        while let Ok(pending) = self.given.try_recv() {
            self.backlog.push(pending);
        }
        self.backlog.expire(Instant::now(), self.timeout, None);
    }

    /// Sends over one connection. None: all that was given is answered, and nothing more will be given. Otherwise it returns
    /// why the connection was given up.
    async fn send_over(&mut self, index: usize, node: &Node) -> Option<Broken> {
        let (index, node, messages, mut answers) = match self.open_at_leader(index, node).await {
            Ok(opened) => opened,
            // The request may have gone out; of this stream nothing was sent yet.
            Err(report) => return Some(Broken { index, address: node.address.clone(), report }),
        };
        let broken = |report| Some(Broken { index, address: node.address.clone(), report });
        let (mut heard, mut is_deaf) = (Instant::now(), false);
        loop {
            let silent_since = if self.backlog.has_open() || is_deaf { heard } else { Instant::now() };
            let deadline = self.backlog.deadline();
            tokio::select! {
                biased;
                answer = answers.message() => {
                    heard = Instant::now();
                    if let Some(report) = self.take_in(answer, index, &node.address) {
                        return broken(report);
                    }
                }
                pending = self.given.recv(), if !self.is_closed => match pending {
                    Some(pending) => {
                        self.backlog.push(pending);
                        // Whoever else is about to give something may do so first: it travels in the same message.
                        tokio::task::yield_now().await;
                        while let Ok(pending) = self.given.try_recv() {
                            self.backlog.push(pending);
                        }
                    }
                    None => self.is_closed = true,
                },
                place = messages.reserve(), if self.backlog.has_waiting() && !is_deaf => match place {
                    Ok(place) => {
                        if !self.backlog.has_open() {
                            heard = Instant::now();
                        }
                        place.send(self.backlog.message());
                    }
                    // The node takes no more messages; its last words say why.
                    Err(_closed) => is_deaf = true,
                },
                () = sleep_until(silent_since + self.attempt_timeout), if self.backlog.has_open() || is_deaf => {
                    return broken(no_answer(self.attempt_timeout));
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.backlog.expire(Instant::now(), self.timeout, Some(&node.address));
                }
            }
            if self.is_closed && self.backlog.is_empty() {
                return None;
            }
        }
    }

    /// Opens a stream at a node; where the node says that another leads, at that one, if it takes it.
    async fn open_at_leader(&self, index: usize, node: &Node) -> Result<Opened, ErrorReport> {
        let (messages, response) = self.open(node).await?;
        let leader = self.nodes.leader(response.metadata());
        // One that has just failed is not yet known to lead no more.
        let leader = leader.filter(|leader| self.failed != Some(*leader));
        if let Some((leader, there)) = leader.and_then(|leader| Some((leader, self.nodes.all().get(leader)?.clone())))
            && let Ok((messages, response)) = self.open(&there).await
        {
            return Ok((leader, there, messages, response.into_inner()));
        }
        // One hop more, but it works.
        Ok((index, node.clone(), messages, response.into_inner()))
    }

    async fn open(
        &self,
        node: &Node,
    ) -> Result<(mpsc::Sender<v1::AppendStreamRequest>, Response<Streaming<v1::AppendStreamResponse>>), ErrorReport>
    {
        let (messages, outgoing) = mpsc::channel(MESSAGES_AHEAD);
        let mut client = logs(node.channel.clone());
        let call = client.append_stream(self.nodes.hooks().request(ReceiverStream::new(outgoing)));
        match timeout(self.attempt_timeout, call).await {
            Ok(Ok(response)) => Ok((messages, response)),
            Ok(Err(status)) => Err(read_report(&status, self.attempt_timeout)),
            Err(_elapsed) => Err(no_answer(self.attempt_timeout)),
        }
    }

    /// Handles a message. Some: the connection ends with it, for this reason.
    fn take_in(
        &mut self,
        message: Result<Option<v1::AppendStreamResponse>, Status>,
        index: usize,
        address: &str,
    ) -> Option<ErrorReport> {
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return Some(ErrorReport::outcome_unknown("the node ended the stream")),
            Err(status) => return Some(unanswered(read_report(&status, self.attempt_timeout))),
        };
        self.nodes.answered(index);
        self.unable.clear();
        self.failed = None;
        self.round = 0;
        for reply in message.replies {
            let reply = match wire::reply(reply) {
                Ok(reply) => reply,
                Err(unreadable) => return Some(ErrorReport::outcome_unknown(unreadable.to_string())),
            };
            if let Err(report) = &reply.result
                && Next::after(report) != Next::Stop
            {
                return Some(unanswered(report.clone()));
            }
            // What was given up meanwhile has had its answer.
            let _late = self.backlog.answer(reply.position, reply.result, address);
        }
        None
    }
}

/// The end of a stream says nothing about a single append: the effect of what is unanswered is unknown.
fn unanswered(report: ErrorReport) -> ErrorReport {
    let effect = crate::types::AttemptEffect::Unknown;
    // An end that would be final for one append is none for those that follow it.
    let reason = if Next::after(&report) == Next::Stop && report.reason != Reason::Foreign {
        Reason::OutcomeUnknown
    } else {
        report.reason
    };
    ErrorReport { reason, effect, ..report }
}
