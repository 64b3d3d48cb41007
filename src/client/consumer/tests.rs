//! Consumers against a node that plays a script: answers that are lost, and instances that are overtaken.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tonic::Status;

use crate::client::scripted::{self, Answers, Script};
use crate::client::{Client, Kind, Reason};
use crate::types::{
    Action, ActionResult, Answer, Command, Found, Guard, History, Id, LogIndex, LogName, LogTime, Offset, Outcome,
    Page, Position, ReaderName, ReaderPosition, Record, Refusal, Sequence, SpaceName, Step, Verdict, Version,
};
use crate::wire::{self, Asked, ErrorReport, v1};

use super::Consumer;

/// How the node answers one command.
#[derive(Debug, Clone)]
enum Act {
    Applies,
    Fails(ErrorReport),
    Refuses(Step),
}

#[derive(Debug, Clone, Default)]
struct Actor {
    acts: Arc<Mutex<VecDeque<Act>>>,
    heard: Arc<Mutex<Vec<Command>>>,
    /// The positions that are read, one after the other.
    positions: Arc<Mutex<VecDeque<Position>>>,
    /// The first offset that is left.
    start: u64,
}

fn log() -> LogName {
    LogName::new("orders").unwrap()
}

fn reader() -> ReaderName {
    ReaderName::new("billing").unwrap()
}

fn at(offset: u64, version: u64) -> Position {
    Position { offset: Offset(offset), version: Version(version), time: LogTime::from_ms_saturating(version) }
}

const SEQUENCE: u64 = 40;
const END: u64 = 9;

fn outcome(verdict: Verdict) -> Outcome {
    Outcome { verdict, sequence: Sequence(SEQUENCE), history: History(1), time: LogTime::from_ms_saturating(SEQUENCE) }
}

impl Script for Actor {
    async fn submit(&self, request: v1::SubmitRequest) -> Result<v1::SubmitResponse, Status> {
        let command = wire::submit_command(request).unwrap();
        let results = command.actions.iter().map(|_| ActionResult::Moved { version: Version(SEQUENCE) }).collect();
        self.heard.lock().unwrap().push(command);
        // What the script ends with goes on.
        let act = {
            let mut acts = self.acts.lock().unwrap();
            if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
        };
        match act.expect("the script has an act") {
            Act::Applies => {
                let answer = Answer::Decided { outcome: outcome(Verdict::Applied(results)), replayed: true };
                wire::submit_answer(Asked::id(&SpaceName::main(), &Id::new("a").unwrap()), &answer)
                    .map_err(|report| report.to_status())
            }
            Act::Fails(report) => Err(report.to_status()),
            Act::Refuses(step) => {
                let found = Found::Position { offset: Offset(3), version: Version(7) };
                let refused = outcome(Verdict::Refused(Refusal { step, found }));
                Err(ErrorReport::without_effect(Reason::GuardFailed, "").with_outcome(&refused).to_status())
            }
        }
    }

    fn get_position(&self, _: v1::GetPositionRequest) -> Result<v1::GetPositionResponse, Status> {
        let position = self.positions.lock().unwrap().pop_front().expect("the script has a position");
        let at = ReaderPosition { reader: reader(), log: log(), position, end: Offset(END) };
        Ok(wire::get_position_response(&at, LogIndex(1)))
    }

    fn tail(&self, request: v1::TailRequest) -> Answers<v1::TailResponse> {
        let from = request.from.unwrap_or(self.start);
        if from < self.start {
            let trimmed = ErrorReport::without_effect(Reason::Trimmed, "trimmed").to_status();
            return stream::iter([Err(trimmed)]).boxed();
        }
        let record = |offset| Record {
            offset: Offset(offset),
            payload: format!("order {offset}").into(),
            headers: Vec::new(),
            id: Id::new("a").unwrap(),
            time: LogTime::ZERO,
        };
        let (start, end, applied) = (Offset(self.start), Offset(END), LogIndex(1));
        let page = Page { records: (from..END).map(record).collect(), next: end, end, start, applied };
        stream::iter([Ok(wire::tail_response(page))]).chain(stream::pending()).boxed()
    }
}

/// A consumer of batches of two, of a node that acts so.
async fn act(acts: impl IntoIterator<Item = Act>, positions: impl IntoIterator<Item = Position>) -> (Consumer, Actor) {
    act_on(0, acts, positions).await
}

/// The same with a log that begins at this offset.
async fn act_on(
    start: u64,
    acts: impl IntoIterator<Item = Act>,
    positions: impl IntoIterator<Item = Position>,
) -> (Consumer, Actor) {
    let actor = Actor { start, ..Actor::default() };
    actor.acts.lock().unwrap().extend(acts);
    actor.positions.lock().unwrap().extend(positions);
    let address = scripted::play(actor.clone()).await;
    let client = Client::builder().addresses([address]).timeout(Duration::from_millis(200)).build().unwrap();
    (client.consumer(&reader(), [log()]).batch(2).open().unwrap(), actor)
}

async fn next(consumer: &mut Consumer) -> Vec<u64> {
    let batch = consumer.next().await.unwrap();
    batch.records().map(|(_, record)| record.offset.0).collect()
}

async fn commit(consumer: &mut Consumer) -> Result<(), crate::client::Error> {
    let batch = consumer.next().await.unwrap();
    batch.commit([Action::put(&crate::types::CellKey::new("done").unwrap(), 1)]).await.map(|_| ())
}

fn guard(position: Position) -> Guard {
    Guard::Position { reader: reader(), log: log(), offset: position.offset, version: position.version }
}

fn lost() -> Act {
    Act::Fails(ErrorReport::outcome_unknown("the connection broke"))
}

#[tokio::test]
async fn what_was_committed_does_not_come_again_and_what_was_not_does() {
    let (mut consumer, actor) = act([Act::Applies], [at(0, 0)]).await;
    assert_eq!(next(&mut consumer).await, [0, 1]);
    assert_eq!(next(&mut consumer).await, [0, 1]);
    commit(&mut consumer).await.unwrap();
    assert_eq!(next(&mut consumer).await, [2, 3]);
    commit(&mut consumer).await.unwrap();
    let heard = actor.heard.lock().unwrap().clone();
    let guards: Vec<_> = heard.iter().map(|command| command.guards.clone()).collect();
    // The second is guarded by what the first one made.
    assert_eq!(guards, [[guard(at(0, 0))], [guard(at(2, SEQUENCE))]]);
    let moved = |command: &Command| match command.actions.last() {
        Some(Action::Move { to, .. }) => to.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(heard.iter().map(moved).collect::<Vec<_>>(), [2, 4]);
}

#[tokio::test]
async fn a_reader_that_was_never_moved_begins_where_a_trimmed_log_begins() {
    let (mut consumer, actor) = act_on(5, [Act::Applies], [at(0, 0)]).await;
    assert_eq!(next(&mut consumer).await, [5, 6]);
    commit(&mut consumer).await.unwrap();
    assert_eq!(next(&mut consumer).await, [7, 8]);
    let heard = actor.heard.lock().unwrap().clone();
    assert_eq!(heard[0].guards, [guard(at(0, 0))], "the guard is where the reader was");
    assert!(matches!(heard[0].actions.last(), Some(Action::Move { to: Offset(7), .. })), "{heard:?}");
}

#[tokio::test]
async fn a_reader_that_was_moved_leaves_out_nothing_in_silence() {
    for (offset, version) in [(0, 3), (4, 3)] {
        let (mut consumer, _) = act_on(5, [], [at(offset, version)]).await;
        assert_eq!(consumer.next().await.unwrap_err().reason(), Some(Reason::Trimmed));
    }
}

#[tokio::test]
async fn what_an_overtaken_new_reader_has_fetched_comes_again_if_the_other_one_did_nothing() {
    let (mut consumer, _) = act_on(5, [Act::Refuses(Step::Guard(0)), Act::Applies], [at(0, 0), at(0, 0)]).await;
    assert_eq!(commit(&mut consumer).await.unwrap_err().kind(), Kind::Overtaken);
    assert_eq!(next(&mut consumer).await, [5, 6]);
}

#[tokio::test]
async fn a_commit_in_doubt_is_sent_again_under_its_id_before_anything_is_handed_out() {
    let (mut consumer, actor) = act([lost()], [at(0, 0)]).await;
    let error = commit(&mut consumer).await.unwrap_err();
    assert!(error.in_doubt(), "{error}");
    // It is still in doubt when nobody leads, though that attempt did nothing.
    *actor.acts.lock().unwrap() = [Act::Fails(ErrorReport::without_effect(Reason::NoLeader, ""))].into();
    let error = consumer.next().await.unwrap_err();
    assert!(error.in_doubt(), "{error}");
    *actor.acts.lock().unwrap() = [Act::Applies].into();
    assert_eq!(next(&mut consumer).await, [2, 3]);
    let heard = actor.heard.lock().unwrap().clone();
    assert!(heard.len() > 2 && heard.iter().all(|command| *command == heard[0]), "{heard:?}");
}

#[tokio::test]
async fn a_commit_that_nobody_waited_for_is_sent_again_before_anything_is_handed_out() {
    let (mut consumer, actor) = act([lost()], [at(0, 0)]).await;
    {
        let mut committing = Box::pin(commit(&mut consumer));
        while actor.heard.lock().unwrap().is_empty() {
            assert!(futures::poll!(&mut committing).is_pending());
            tokio::task::yield_now().await;
        }
    }
    *actor.acts.lock().unwrap() = [Act::Applies].into();
    assert_eq!(next(&mut consumer).await, [2, 3]);
}

#[tokio::test]
async fn an_instance_that_was_overtaken_goes_on_behind_the_other_one() {
    let (mut consumer, actor) = act([Act::Refuses(Step::Guard(0)), Act::Applies], [at(0, 0), at(5, 33)]).await;
    let error = commit(&mut consumer).await.unwrap_err();
    assert_eq!((error.kind(), error.in_doubt()), (Kind::Overtaken, false), "{error}");
    assert_eq!(next(&mut consumer).await, [5, 6]);
    commit(&mut consumer).await.unwrap();
    assert_eq!(actor.heard.lock().unwrap()[1].guards, [guard(at(5, 33))]);
}

#[tokio::test]
async fn an_output_that_is_refused_leaves_the_records_to_come_again() {
    let (mut consumer, _) = act([Act::Refuses(Step::Action(0)), Act::Applies], [at(0, 0)]).await;
    assert_eq!(commit(&mut consumer).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(next(&mut consumer).await, [0, 1]);
    commit(&mut consumer).await.unwrap();
    assert_eq!(next(&mut consumer).await, [2, 3]);
}

#[tokio::test]
async fn an_output_that_undoes_a_command_is_not_sent() {
    let (mut consumer, actor) = act([], [at(0, 0)]).await;
    let undo = Action::Compensate { target: Id::new("pay-1").unwrap() };
    let error = consumer.next().await.unwrap().commit([undo]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::BadRequest);
    assert!(actor.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_consumer_of_nothing_is_refused() {
    let client = Client::connect(["127.0.0.1:1"]).unwrap();
    assert_eq!(client.consumer(&reader(), []).open().unwrap_err().kind(), Kind::BadRequest);
}
