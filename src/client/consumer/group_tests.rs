//! Members of a group against a node that plays a script: a log that is lost and taken again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tonic::Status;

use crate::client::Client;
use crate::client::scripted::{self, Answers, Script};
use crate::types::{
    Action, ActionResult, Answer, Found, History, Holder, Id, Listed, Lock, LockName, LogIndex, LogName, LogTime,
    NamedLock, Offset, Outcome, Page, Position, ReaderName, ReaderPosition, Record, Refusal, Sequence, SpaceName, Step,
    Token, Verdict, Version,
};
use crate::wire::{self, Asked, ErrorReport, Reason, v1};

/// A node that refuses to renew the lock of any log, so that a member soon loses it, and finds it free again.
#[derive(Debug, Clone, Default)]
struct Actor {
    /// The sequence of the last acquisition.
    sequence: Arc<Mutex<u64>>,
    /// The member's own lock.
    member: Arc<Mutex<Option<LockName>>>,
    /// How often the reader's position was read.
    looks: Arc<Mutex<u64>>,
}

const END: u64 = 9;

fn log() -> LogName {
    LogName::new("orders").unwrap()
}

fn reader() -> ReaderName {
    ReaderName::new("billing").unwrap()
}

fn token(sequence: u64) -> Token {
    Token { history: History(1), sequence: Sequence(sequence) }
}

fn is_of_a_log(lock: &LockName) -> bool {
    lock.as_str().contains("/log/")
}

impl Actor {
    fn acquired(&self, lock: &LockName) -> u64 {
        if !is_of_a_log(lock) {
            *self.member.lock().unwrap() = Some(lock.clone());
        }
        let mut sequence = self.sequence.lock().unwrap();
        *sequence += 1;
        *sequence
    }
}

impl Script for Actor {
    async fn submit(&self, request: v1::SubmitRequest) -> Result<v1::SubmitResponse, Status> {
        let command = wire::submit_command(request).unwrap();
        let [action] = command.actions.as_slice() else { panic!("{command:?}") };
        let verdict = match action {
            Action::Acquire { lock, .. } => {
                let token = token(self.acquired(lock));
                Verdict::Applied(vec![ActionResult::Locked { token, expires: LogTime::ZERO }])
            }
            Action::Renew { lock, .. } if is_of_a_log(lock) => {
                Verdict::Refused(Refusal { step: Step::Action(0), found: Found::LockFree })
            }
            Action::Renew { token, .. } => {
                Verdict::Applied(vec![ActionResult::Locked { token: *token, expires: LogTime::ZERO }])
            }
            Action::Release { .. } => Verdict::Applied(vec![ActionResult::Released]),
            other => panic!("{other:?}"),
        };
        let outcome = Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO };
        if let Verdict::Refused(_) = outcome.verdict {
            return Err(ErrorReport::without_effect(Reason::GuardFailed, "").with_outcome(&outcome).to_status());
        }
        let answer = Answer::Decided { outcome, replayed: false };
        wire::submit_answer(Asked::id(&SpaceName::main(), &Id::new("a").unwrap()), &answer)
            .map_err(|report| report.to_status())
    }

    async fn wait(&self, _: v1::WaitRequest) -> Result<v1::WaitResponse, Status> {
        std::future::pending().await
    }

    fn list_locks(&self, _: v1::ListLocksRequest) -> Result<v1::ListLocksResponse, Status> {
        let lock = Lock { holder: Holder::new("me").unwrap(), token: token(1), expires: LogTime::ZERO };
        let member = self.member.lock().unwrap().clone();
        let items = member.into_iter().map(|name| NamedLock { name, lock: lock.clone() }).collect();
        Ok(wire::list_locks_response(&Listed { items, more: false, applied: LogIndex(1) }, LogTime::ZERO))
    }

    /// Each time, somebody else has come three records further.
    fn get_position(&self, _: v1::GetPositionRequest) -> Result<v1::GetPositionResponse, Status> {
        let mut looks = self.looks.lock().unwrap();
        *looks += 1;
        let (offset, version, time) = (Offset(3 * *looks), Version(*looks), LogTime::from_ms(1).unwrap());
        let position = Position { offset, version, time };
        let at = ReaderPosition { reader: reader(), log: log(), position, end: Offset(END) };
        Ok(wire::get_position_response(&at, LogIndex(1)))
    }

    fn tail(&self, request: v1::TailRequest) -> Answers<v1::TailResponse> {
        let record = |offset| Record {
            offset: Offset(offset),
            payload: "an order".into(),
            headers: Vec::new(),
            id: Id::new("a").unwrap(),
            time: LogTime::ZERO,
        };
        let records = (request.from.unwrap()..END).map(record).collect();
        let page = Page { records, next: Offset(END), end: Offset(END), start: Offset(0), applied: LogIndex(1) };
        stream::iter([Ok(wire::tail_response(page))]).chain(stream::pending()).boxed()
    }
}

#[tokio::test]
async fn a_log_that_was_lost_and_taken_again_in_one_round_is_read_from_where_the_reader_is_now() {
    let address = scripted::play(Actor::default()).await;
    let client = Client::builder().addresses([address]).timeout(Duration::from_secs(30)).build().unwrap();
    let asked = client.consumer(&reader(), [log()]).member(&Holder::new("me").unwrap()).time(Duration::from_secs(1));
    let mut consumer = asked.batch(2).open().unwrap();
    for expected in [[3, 4], [6, 7]] {
        let batch = consumer.next().await.unwrap();
        let offsets: Vec<_> = batch.records().map(|(_, record)| record.offset.0).collect();
        assert_eq!(offsets, expected);
        batch.lost().await;
    }
}
