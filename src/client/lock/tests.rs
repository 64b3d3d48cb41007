//! Locks against a node that plays a script: replayed and slow answers, renewals that are refused or not answered, clocks
//! that step.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Status;

use crate::client::scripted::{self, Script};
use crate::client::{Cause, Client, Kind};
use crate::types::{
    Action, ActionResult, Answer, Command, Found, History, Holder, Id, Lock, LockName, LockReading, LogIndex, LogTime,
    Met, Outcome, Refusal, Sequence, SpaceName, Step, Token, Verdict,
};
use crate::wire::{self, Asked, ErrorReport, Reason, v1};

/// How the node answers one command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Locks {
        sequence: u64,
        replayed: bool,
    },
    Releases,
    Refuses(Found),
    /// It can't, and nobody else can.
    StandsAside,
    Silence,
}

/// What a node says to whoever waits until the lock is free.
#[derive(Debug, Clone)]
enum Tells {
    Nothing,
    Free,
    /// Once that it can't tell, then that it is free.
    FreeLater(Arc<Mutex<bool>>),
}

#[derive(Debug, Clone)]
struct Actor {
    acts: Arc<Mutex<VecDeque<Act>>>,
    heard: mpsc::UnboundedSender<Command>,
    /// What a look at the lock shows, and how much of its time that leaves.
    shown: Option<(Token, Duration)>,
    tells: Tells,
}

fn token(sequence: u64) -> Token {
    Token { history: History(1), sequence: Sequence(sequence) }
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome { verdict, sequence: Sequence(1), history: History(1), time: LogTime::ZERO }
}

impl Script for Actor {
    async fn submit(&self, request: v1::SubmitRequest) -> Result<v1::SubmitResponse, Status> {
        self.heard.send(wire::submit_command(request).unwrap()).unwrap();
        let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Silence);
        let (results, replayed) = match act {
            Act::Locks { sequence, replayed } => {
                (ActionResult::Locked { token: token(sequence), expires: LogTime::ZERO }, replayed)
            }
            Act::Releases => (ActionResult::Released, false),
            Act::Refuses(found) => {
                let refused = outcome(Verdict::Refused(Refusal { step: Step::Action(0), found }));
                return Err(ErrorReport::without_effect(Reason::GuardFailed, "").with_outcome(&refused).to_status());
            }
            Act::StandsAside => return Err(stands_aside()),
            Act::Silence => pending().await,
        };
        let answer = Answer::Decided { outcome: outcome(Verdict::Applied(vec![results])), replayed };
        wire::submit_answer(Asked::id(&SpaceName::main(), &Id::new("a").unwrap()), &answer)
            .map_err(|report| report.to_status())
    }

    async fn wait(&self, _: v1::WaitRequest) -> Result<v1::WaitResponse, Status> {
        let is_free = match &self.tells {
            Tells::Nothing => pending().await,
            Tells::Free => true,
            Tells::FreeLater(asked) => std::mem::replace(&mut *asked.lock().unwrap(), true),
        };
        if is_free {
            return Ok(wire::wait_response(&Met::LockFree, LogIndex(1)).unwrap());
        }
        Err(stands_aside())
    }

    fn get_lock(&self, _: v1::GetLockRequest) -> Result<v1::GetLockResponse, Status> {
        let clock = LogTime::from_ms(1_000).unwrap();
        let lock = self.shown.map(|(token, left)| {
            let expires = clock.saturating_add(left);
            Lock { holder: holder(), token, expires }
        });
        Ok(wire::get_lock_response(&name(), &LockReading { lock, clock }, LogIndex(1)))
    }
}

fn stands_aside() -> Status {
    ErrorReport::without_effect(Reason::StandsAside, "its disk is damaged").to_status()
}

fn name() -> LockName {
    LockName::new("nightly").unwrap()
}

fn holder() -> Holder {
    Holder::new("host-7").unwrap()
}

fn locks(sequence: u64) -> Act {
    Act::Locks { sequence, replayed: false }
}

fn is_held() -> Act {
    Act::Refuses(Found::LockHeld { holder: holder(), token: token(1), expires: LogTime::ZERO })
}

/// A client of a node that acts so, and what it hears.
async fn act_and_tell(
    script: impl IntoIterator<Item = Act>,
    shown: Option<(Token, Duration)>,
    tells: Tells,
) -> (Client, mpsc::UnboundedReceiver<Command>) {
    let (heard, received) = mpsc::unbounded_channel();
    let acts = Arc::new(Mutex::new(script.into_iter().collect()));
    let address = scripted::play(Actor { acts, heard, shown, tells }).await;
    let client = Client::builder().addresses([address]).timeout(Duration::from_secs(30)).build().unwrap();
    (client, received)
}

async fn act(
    script: impl IntoIterator<Item = Act>,
    shown: Option<Token>,
) -> (Client, mpsc::UnboundedReceiver<Command>) {
    act_and_tell(script, shown.map(|token| (token, LONG)), Tells::Nothing).await
}

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_replayed_acquisition_that_nobody_sees_any_more_is_tried_again_under_another_id() {
    let replayed = Act::Locks { sequence: 5, replayed: true };
    let (client, mut heard) = act([replayed, locks(9)], Some(token(9))).await;
    let held = client.lock(&name(), &holder()).acquire().await.unwrap();
    assert!(held.is_held());
    assert_eq!(held.token(), token(9));
    let (one, other) = (heard.recv().await.unwrap(), heard.recv().await.unwrap());
    assert_ne!(one.id, other.id);
    assert_eq!(one.actions, other.actions);
}

#[tokio::test]
async fn a_replayed_acquisition_that_everybody_sees_is_held() {
    let (client, _heard) = act([Act::Locks { sequence: 5, replayed: true }], Some(token(5))).await;
    assert_eq!(client.lock(&name(), &holder()).acquire().await.unwrap().token(), token(5));
}

#[tokio::test]
async fn a_lock_that_somebody_has_is_tried_again_when_it_is_free_or_given_up() {
    let (client, mut heard) = act_and_tell([is_held(), locks(9), is_held()], None, Tells::Free).await;
    let held = client.lock(&name(), &holder()).acquire().await.unwrap();
    assert_eq!(held.token(), token(9));
    assert_ne!(heard.recv().await.unwrap().id, heard.recv().await.unwrap().id);
    let error = client.lock(&name(), &holder()).wait(Duration::ZERO).acquire().await.unwrap_err();
    assert!(matches!(&error.cause, Cause::LockHeld(lock) if lock.token == token(1)), "{error}");
    assert!(error.kind() == Kind::Conflict && !error.in_doubt());
}

#[tokio::test]
async fn a_lock_whose_renewal_is_refused_is_lost_and_never_held_again() {
    let (client, mut heard) = act([locks(9), Act::Refuses(Found::LockFree)], None).await;
    let held = client.lock(&name(), &holder()).time(SHORT).acquire().await.unwrap();
    held.lost().await;
    assert!(!held.is_held());
    heard.recv().await.unwrap();
    let renewal = heard.recv().await.unwrap();
    assert_eq!(renewal.actions, [Action::Renew { lock: name(), token: token(9), time: SHORT }]);
}

#[tokio::test]
async fn a_lock_whose_renewal_is_not_answered_is_lost_when_its_own_count_is_over() {
    let (client, _heard) = act([locks(9), locks(9), Act::Silence], None).await;
    let held = client.lock(&name(), &holder()).time(SHORT).acquire().await.unwrap();
    held.lost().await;
    assert!(!held.is_held());
}

#[tokio::test]
async fn a_lock_that_is_given_back_or_dropped_is_released_by_its_token() {
    let (client, mut heard) = act([locks(9), Act::Releases, locks(10), Act::Releases], None).await;
    let held = client.lock(&name(), &holder()).acquire().await.unwrap();
    held.release().await.unwrap();
    drop(client.lock(&name(), &holder()).acquire().await.unwrap());
    let mut released = Vec::new();
    while released.len() < 2 {
        let command = heard.recv().await.unwrap();
        released.extend(command.actions.into_iter().filter(|action| matches!(action, Action::Release { .. })));
    }
    assert_eq!(released, [9, 10].map(|at| Action::Release { lock: name(), token: token(at) }));
}

#[tokio::test]
async fn a_release_that_comes_too_late_says_so() {
    let (client, _heard) = act([locks(9), Act::Refuses(Found::LockFree)], None).await;
    let held = client.lock(&name(), &holder()).acquire().await.unwrap();
    let error = held.release().await.unwrap_err();
    assert_eq!(error.refusal().map(|refusal| refusal.found.clone()), Some(Found::LockFree));
}

fn replayed(sequence: u64) -> Act {
    Act::Locks { sequence, replayed: true }
}

#[tokio::test]
async fn a_wait_for_a_lock_outlasts_a_time_in_which_no_node_answers() {
    let (client, _heard) = act_and_tell([is_held(), locks(9)], None, Tells::FreeLater(Arc::default())).await;
    assert_eq!(client.lock(&name(), &holder()).acquire().await.unwrap().token(), token(9));
}

#[tokio::test]
async fn a_clock_that_steps_forward_ends_a_lock_as_soon_as_a_node_says_so() {
    let (client, _heard) = act_and_tell([locks(9)], None, Tells::Free).await;
    let held = client.lock(&name(), &holder()).time(LONG).acquire().await.unwrap();
    assert!(held.is_held());
    assert_eq!(held.while_held(pending::<()>()).await, None);
    assert!(!held.is_held());
}

#[tokio::test]
async fn after_a_replayed_answer_no_more_time_is_counted_than_a_look_leaves() {
    // The clock has stepped since: of the hour a second is left.
    let (client, _heard) = act_and_tell([replayed(5)], Some((token(5), SHORT)), Tells::Nothing).await;
    let held = client.lock(&name(), &holder()).time(LONG).acquire().await.unwrap();
    assert!(held.is_held());
    held.lost().await;
    assert!(!held.is_held());
}

#[tokio::test]
async fn a_clock_that_stands_still_makes_no_lock_last_longer() {
    let (client, _heard) = act_and_tell([replayed(5)], Some((token(5), LONG)), Tells::Nothing).await;
    let held = client.lock(&name(), &holder()).time(SHORT).acquire().await.unwrap();
    held.lost().await;
    assert!(!held.is_held());
}

#[tokio::test]
async fn a_replayed_renewal_counts_only_if_the_token_is_still_shown() {
    let acts = [locks(9)].into_iter().chain(std::iter::repeat_n(replayed(9), 200));
    let (client, mut heard) = act(acts, Some(token(12))).await;
    let held = client.lock(&name(), &holder()).time(SHORT).acquire().await.unwrap();
    held.lost().await;
    heard.recv().await.unwrap();
    heard.recv().await.unwrap();
    assert!(heard.try_recv().is_err(), "it is not renewed a second time");
}

#[tokio::test]
async fn a_lock_that_is_only_taken_is_neither_renewed_nor_released() {
    let (client, mut heard) = act([locks(9)], None).await;
    let taken = client.lock(&name(), &holder()).time(SHORT).take().await.unwrap();
    assert_eq!((taken.token, taken.submitted.token()), (token(9), Some(token(9))));
    assert!(heard.recv().await.is_some());
    // A keeper would renew it after a third of its time.
    assert!(tokio::time::timeout(SHORT, heard.recv()).await.is_err(), "nothing more is sent");
}

#[tokio::test]
async fn a_lock_under_an_id_of_its_own_is_tried_once() {
    let id = Id::new("nightly-7").unwrap();
    let (client, mut heard) = act_and_tell([is_held(), replayed(5)], None, Tells::Free).await;
    let wanted = client.lock(&name(), &holder()).id(id.clone());
    let error = wanted.clone().take().await.unwrap_err();
    assert!(matches!(error.cause, Cause::LockHeld(_)), "{error}");
    assert_eq!(heard.recv().await.unwrap().id, id);
    let error = wanted.take().await.unwrap_err();
    assert!(matches!(error.cause, Cause::LockLost(lost) if lost == token(5)), "{error}");
    assert_eq!((error.kind(), error.in_doubt()), (Kind::Conflict, false));
}

#[tokio::test]
async fn an_attempt_outlasts_that_time_only_once_it_is_known_that_somebody_has_the_lock() {
    let (client, _heard) = act([Act::StandsAside, locks(9)], None).await;
    let error = client.lock(&name(), &holder()).acquire().await.unwrap_err();
    assert_eq!((error.kind(), error.in_doubt()), (Kind::Unavailable, false), "{error}");

    let (client, mut heard) = act_and_tell([is_held(), Act::StandsAside, locks(9)], None, Tells::Free).await;
    assert_eq!(client.lock(&name(), &holder()).acquire().await.unwrap().token(), token(9));
    heard.recv().await.unwrap();
    assert_eq!(heard.recv().await.unwrap().id, heard.recv().await.unwrap().id);
}
