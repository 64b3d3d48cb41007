//! One operation: attempts at one node after another until one answers, an answer is final, or the time is over.

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Request, Status, TimeoutExpired};

use crate::types::{AttemptEffect, Id};
use crate::wire::{ErrorReport, Reason, Unreadable};

use super::attempts::Attempts;
use super::error::{Cause, Error, told};
use super::nodes::Nodes;
use super::retry::{self, Next};

/// Longer than anyone waits; keeps sums of times from overflowing.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// What an attempt may use.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) channel: Channel,
    nodes: Arc<Nodes>,
    time: Duration,
}

impl Attempt {
    /// The message as a request that tells its time.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.nodes.hooks().request(message);
        request.set_timeout(self.time);
        request
    }
}

/// Why an attempt got no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error came back, or none did.
    Status(Status),
    /// An answer came back that makes no sense.
    Unreadable(Unreadable),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// How an operation spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Many attempts, each with a part of the time.
    ManyAttempts,
    /// Attempts that may each take all that is left, because the work is long.
    LongAttempts,
    /// A single one.
    OneAttempt,
}

/// Something to be done within a time.
#[derive(Debug)]
pub(super) struct Operation {
    doing: String,
    id: Option<Id>,
    changes: bool,
    nodes: Arc<Nodes>,
    time: Duration,
    attempt_time: Duration,
    patience: Patience,
}

impl Operation {
    pub(super) fn new(doing: String, nodes: Arc<Nodes>, time: Duration, attempt_time: Duration) -> Self {
        let time = time.min(LONGEST);
        Self { doing, id: None, changes: true, nodes, time, attempt_time, patience: Patience::ManyAttempts }
    }

    /// It is done once under this id.
    pub(super) fn of_id(self, id: Id) -> Self {
        Self { id: Some(id), ..self }
    }

    /// It changes nothing, so it never leaves doubt.
    pub(super) fn only_reading(self) -> Self {
        Self { changes: false, ..self }
    }

    pub(super) fn patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// It breaks a rule that every node would refuse it for.
    pub(super) fn refused_before_the_first_attempt(self, report: ErrorReport) -> Error {
        self.failed(Attempts::default(), Cause::Refused(Box::new(report)))
    }

    /// Makes attempts until the end.
    pub(super) async fn run<T, F>(self, call: impl Fn(Attempt) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let deadline = Instant::now() + self.time;
        let mut attempts = Attempts::default();
        let mut candidates: VecDeque<usize> = self.nodes.in_order().map(|(index, _)| index).collect();
        let (mut round, mut asked_in_round) = (0, 0);
        while let Some(index) = candidates.pop_front() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(node) = self.nodes.all().get(index).filter(|_| !left.is_zero()) else {
                break;
            };
            let time = match self.patience {
                Patience::ManyAttempts | Patience::OneAttempt => self.attempt_time.min(left),
                Patience::LongAttempts => left,
            };
            let attempt = Attempt { channel: node.channel.clone(), nodes: Arc::clone(&self.nodes), time };
            let report = match timeout(time, call(attempt)).await {
                Ok(Ok(answer)) => {
                    self.nodes.answered(index);
                    return Ok(answer);
                }
                Ok(Err(Failure::Status(status))) => read_report(&status, time),
                Ok(Err(Failure::Unreadable(unreadable))) => {
                    let report = ErrorReport::outcome_unknown(unreadable.to_string());
                    self.nodes.hooks().tell(&attempts.add(&node.address, report));
                    return Err(self.failed(attempts, Cause::Unreadable(unreadable)));
                }
                Err(_elapsed) => no_answer(time),
            };
            let (next, asked_pause) = (Next::after(&report), report.retry_after);
            self.nodes.hooks().tell(&attempts.add(&node.address, report.clone()));
            match next {
                Next::Stop => return Err(self.failed(attempts, Cause::Refused(Box::new(report)))),
                Next::Again if self.patience != Patience::OneAttempt => candidates.push_back(index),
                Next::Again | Next::Elsewhere => {}
            }

            asked_in_round += 1;
            if candidates.is_empty() {
                return Err(self.failed(attempts, Cause::NoNodeLeft));
            }
            if asked_in_round >= candidates.len() || asked_pause.is_some() {
                let left = deadline.saturating_duration_since(Instant::now());
                let Some(pause) = retry::pause(round, rand::random(), asked_pause, left) else {
                    break;
                };
                sleep(pause).await;
                (round, asked_in_round) = (round + 1, 0);
            }
        }
        let time = self.time;
        Err(self.failed(attempts, Cause::TimeOver(time)))
    }

    fn failed(self, attempts: Attempts, cause: Cause) -> Error {
        let effect = if self.changes { attempts.effect() } else { AttemptEffect::None };
        Error { doing: self.doing, id: self.id, effect, cause, tried: attempts.into_tried() }
    }
}

/// What a status says. Two kinds are made on this side, without a mark; of a connection that was never made it is known
/// that nothing was sent. A third kind is made by whoever does not know the request, and so has not done it.
pub(super) fn read_report(status: &Status, time: Duration) -> ErrorReport {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(ConnectError(why)) = error.downcast_ref() {
            let report = ErrorReport::from_status(status);
            let message = format!("cannot connect: {}", innermost(why.as_ref()));
            return ErrorReport { effect: AttemptEffect::None, code: Code::Unavailable, message, ..report };
        }
        if error.is::<TimeoutExpired>() {
            return no_answer(time);
        }
        source = error.source();
    }
    let report = ErrorReport::from_status(status);
    match (report.reason, report.code) {
        (Reason::Foreign, Code::Unimplemented) => {
            let message = "this is not the client address of a node: what listens there does not know the request";
            ErrorReport { effect: AttemptEffect::None, message: message.to_owned(), ..report }
        }
        (Reason::Foreign, code) if report.message.is_empty() => {
            let message = format!("an error that says no more than its gRPC code {}: {code}", i32::from(code));
            ErrorReport { message, ..report }
        }
        _ => report,
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A node was silent for as long as it had.
pub(super) fn no_answer(time: Duration) -> ErrorReport {
    let message = format!("no answer within {}", told(time));
    ErrorReport::new(Reason::Foreign, AttemptEffect::Unknown, message).with_code(Code::DeadlineExceeded)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::net::TcpListener;

    use crate::client::hooks::Hooks;
    use crate::client::nodes::Node;
    use crate::client::{Client, Kind};
    use crate::types::{LogName, NewRecord};

    use super::*;

    type Script = Vec<Result<u32, ErrorReport>>;

    const TIME: Duration = Duration::from_secs(5);

    fn none(reason: Reason) -> ErrorReport {
        ErrorReport::without_effect(reason, reason.as_str())
    }

    fn nodes(addresses: &[&str]) -> Arc<Nodes> {
        let hooks = Hooks::default();
        let nodes = addresses.iter().map(|address| Node::new(address, &hooks).unwrap()).collect();
        Arc::new(Nodes::new(nodes, hooks))
    }

    fn operation(addresses: &[&str], time: Duration) -> Operation {
        Operation::new("count".to_owned(), nodes(addresses), time, Duration::from_secs(1))
    }

    async fn play(operation: Operation, script: Script) -> Result<u32, Error> {
        let script = Mutex::new(script.into_iter());
        let answer = operation.run(|_attempt| {
            let line = script.lock().unwrap().next().expect("the script is long enough");
            async move { line.map_err(|report| report.to_status().into()) }
        });
        let answer = answer.await;
        assert_eq!(script.lock().unwrap().len(), 0, "the whole script was played");
        answer
    }

    fn said(error: &Error) -> Vec<(&str, u32, Reason)> {
        error.tried.iter().map(|tried| (tried.address.as_str(), tried.attempts, tried.last.reason)).collect()
    }

    #[tokio::test]
    async fn the_first_answer_ends_it_whatever_came_before() {
        let script = vec![Err(none(Reason::NoLeader)), Err(ErrorReport::outcome_unknown("lost")), Ok(7)];
        assert_eq!(play(operation(&["a:1", "b:1"], TIME), script).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn whoever_answered_is_asked_first_the_next_time() {
        let nodes = nodes(&["a:1", "b:1"]);
        let operation = || Operation::new("count".to_owned(), Arc::clone(&nodes), TIME, TIME);
        play(operation(), vec![Err(none(Reason::NoLeader)), Ok(1)]).await.unwrap();
        let error = play(operation(), vec![Err(none(Reason::Malformed))]).await.unwrap_err();
        assert_eq!(said(&error), [("b:1", 1, Reason::Malformed)]);
    }

    #[tokio::test]
    async fn a_final_answer_is_not_asked_for_again() {
        let error = play(operation(&["a:1", "b:1"], TIME), vec![Err(none(Reason::IdReused))]).await.unwrap_err();
        assert_eq!((error.kind(), error.in_doubt(), error.reason()), (Kind::Conflict, false, Some(Reason::IdReused)));
    }

    #[tokio::test]
    async fn a_final_answer_does_not_hide_the_doubt_of_an_earlier_attempt() {
        let script = vec![Err(ErrorReport::outcome_unknown("lost")), Err(none(Reason::NoSuchSpace))];
        let error = play(operation(&["a:1", "b:1"], TIME), script).await.unwrap_err();
        assert_eq!((error.kind(), error.in_doubt()), (Kind::NotFound, true));
    }

    #[tokio::test]
    async fn a_node_that_cannot_is_left_out_and_when_none_is_left_that_is_the_end() {
        let script = [Reason::NotInitialised, Reason::NoLeader, Reason::StandsAside].map(|reason| Err(none(reason)));
        let error = play(operation(&["a:1", "b:1"], TIME), script.into()).await.unwrap_err();
        assert!(matches!(error.cause, Cause::NoNodeLeft), "{error}");
        assert_eq!(said(&error), [("a:1", 1, Reason::NotInitialised), ("b:1", 2, Reason::StandsAside)]);
        assert!(!error.in_doubt());
    }

    #[tokio::test]
    async fn a_pause_that_would_not_end_in_time_is_not_begun() {
        let long = none(Reason::Overloaded).with_retry_after(Duration::from_hours(1));
        let error = play(operation(&["a:1", "b:1"], TIME), vec![Err(long)]).await.unwrap_err();
        assert!(matches!(error.cause, Cause::TimeOver(TIME)), "{error}");
        assert_eq!(error.kind(), Kind::Unavailable);
    }

    #[tokio::test]
    async fn one_attempt_is_one_attempt() {
        let operation = operation(&["a:1"], TIME).patience(Patience::OneAttempt);
        let error = play(operation, vec![Err(none(Reason::NoLeader))]).await.unwrap_err();
        assert!(matches!(error.cause, Cause::NoNodeLeft), "{error}");
    }

    #[tokio::test]
    async fn an_operation_that_only_reads_leaves_no_doubt() {
        let script = vec![Err(ErrorReport::outcome_unknown("lost")), Err(none(Reason::NoSuchLog))];
        let error = play(operation(&["a:1"], TIME).only_reading(), script).await.unwrap_err();
        assert!(!error.in_doubt());
    }

    async fn append(address: String) -> Error {
        let client = Client::builder().addresses([address]).timeout(Duration::from_millis(300)).build().unwrap();
        client.append(&LogName::new("orders").unwrap(), ["x"], None).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_connection_that_was_never_made_leaves_no_doubt() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = append(address.clone()).await;
        assert_eq!((error.kind(), error.in_doubt()), (Kind::Unavailable, false), "{error}");
        let [tried] = error.tried.as_slice() else { panic!("one address was tried: {error}") };
        assert!(tried.last.message.starts_with("cannot connect: "), "{error}");
        assert_eq!(tried.address, address);
    }

    #[test]
    fn an_error_without_our_mark_is_told_in_a_sentence() {
        let report = read_report(&Status::unimplemented(""), TIME);
        assert_eq!((report.reason, report.effect), (Reason::Foreign, AttemptEffect::None));
        assert!(report.message.starts_with("this is not the client address of a node"), "{report}");
        let report = read_report(&Status::internal(""), TIME);
        assert_eq!(report.effect, AttemptEffect::Unknown);
        assert_eq!(report.message, "an error that says no more than its gRPC code 13: Internal error");
        assert_eq!(read_report(&Status::internal("a proxy is full"), TIME).message, "a proxy is full");
    }

    #[tokio::test]
    async fn the_address_of_another_service_is_a_mistake_and_nothing_has_happened() {
        let script = Mutex::new(vec![Status::unimplemented("")]);
        let answer = operation(&["peer:1"], TIME).run(|_attempt| {
            let status = script.lock().unwrap().pop().expect("it is asked once");
            async move { Err::<u32, _>(status.into()) }
        });
        let error = answer.await.unwrap_err();
        assert_eq!((error.kind(), error.in_doubt()), (Kind::BadRequest, false), "{error}");
        assert!(error.advice().contains("client address"), "{}", error.advice());
    }

    #[tokio::test]
    async fn a_node_that_takes_the_request_and_is_silent_leaves_doubt() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = append(listener.local_addr().unwrap().to_string()).await;
        assert_eq!((error.kind(), error.in_doubt()), (Kind::Unavailable, true), "{error}");
        assert!(error.id.is_some());
    }

    #[tokio::test]
    async fn what_no_node_would_take_is_not_sent() {
        let client = Client::builder().addresses(["127.0.0.1:1"]).build().unwrap();
        let error = client.append(&LogName::new("orders").unwrap(), Vec::<NewRecord>::new(), None).await.unwrap_err();
        assert_eq!((error.kind(), error.in_doubt()), (Kind::BadRequest, false));
        assert!(error.tried.is_empty());
    }
}
