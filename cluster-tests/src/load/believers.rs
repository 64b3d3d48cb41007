//! Clients that take `effect: none` at its word: they never send that id again, and go on with another one. Each knows
//! one node only, leader or not, in an election or while it stops. P10 insists that nothing of what they gave up is ever
//! anywhere: it is left out of all that is sent again, and they look some of it up later.
//!
//! - Most of their appends have a deadline of a few milliseconds, that the node hears of and their own side does not: so
//!   they hear what the node says, and not that the time is over.
//! - What nobody knows of is sent again while the node serves, or in the end.
//! - One in a while sends more at once than a leader's queue holds.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use rand::RngExt as _;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::work::{Order, Work};
use crate::client::{Effect, Failure};
use crate::command::{command, create_log};
use crate::history::{AttemptNumber, Job, LookedUp, Name, StreamPlace};
use crate::proto::Consistency;
use crate::sample;
use crate::stream::{self, Stream};

/// After an attempt without effect: the next one has another id.
const FAST: Duration = Duration::from_millis(4);
/// After so many without effect, one behind the other, a client takes its time once.
const FAST_MAX: u32 = 60;
/// After anything else, so that these clients leave room for others.
const CALM: Duration = Duration::from_millis(90);
/// Every how manieth of what was given up is looked up.
const LOOKED_UP: u64 = 16;
/// How long after that, at least.
const LATER: Duration = Duration::from_secs(2);
/// How many appends a group of a stream has, at most.
const GROUP: usize = 12;
/// Between two groups of a stream.
const GROUP_BREATH: Duration = Duration::from_millis(250);
/// A stream that answers nothing for so long is given up.
const SILENCE: Duration = Duration::from_millis(1_200);

/// Appends one by one.
pub(super) async fn run(work: Work) {
    let mut doubtful: VecDeque<Order> = VecDeque::new();
    let mut given_up: VecDeque<(Instant, String)> = VecDeque::new();
    let mut without_effect = 0;
    for number in 0.. {
        if work.is_stopped() {
            return;
        }
        let order = work.believing_order(number);
        let answer = work.hurry(&order, 0, some_time(without_effect > 0)).await;
        if is_none(&answer) && without_effect < FAST_MAX {
            without_effect += 1;
            if number.is_multiple_of(LOOKED_UP) {
                given_up.push_back((Instant::now() + LATER, order.id));
            }
            sleep(FAST).await;
            continue;
        }
        without_effect = 0;
        match answer {
            Ok(_) => {
                // The node serves: what is in doubt gets its answer.
                if let Some(order) = doubtful.pop_front()
                    && work.send(&order, 0).await.is_none()
                {
                    doubtful.push_back(order);
                }
                look_up(&work, &mut given_up).await;
            }
            Err(failure) if failure.effect == Effect::None => {}
            Err(_unknown) => doubtful.push_back(order),
        }
        sleep(CALM).await;
    }
}

/// How long a node has: mostly too short for an answer, and now and then long enough for most. One that has just said that
/// it has done nothing leads, or knows nobody who does: it would know so of less time, too.
fn some_time(after_none: bool) -> Duration {
    let mut random = rand::rng();
    let micros = match random.random_range(0..8) {
        0..2 => random.random_range(1..=2_500),
        2..6 if after_none => random.random_range(1..=2_500),
        2..4 => random.random_range(2_500..=12_000),
        4..6 => random.random_range(12_000..=50_000),
        6 => random.random_range(50_000..=150_000),
        // Longer than an election: what ends such a forward is the loss of its leader.
        _ => random.random_range(400_000..=900_000),
    };
    Duration::from_micros(micros)
}

/// Whether an answer to the only attempt says that it has no effect. Then it is taken at its word.
fn is_none<T>(answer: &Result<T, Failure>) -> bool {
    matches!(answer, Err(failure) if failure.effect == Effect::None)
}

/// Asks what became of something that was given up long enough ago.
async fn look_up(work: &Work, given_up: &mut VecDeque<(Instant, String)>) {
    let Some((_, id)) = given_up.pop_front_if(|(due, _)| *due <= Instant::now()) else { return };
    let (node, client) = work.node(0);
    let invoked = work.history.now();
    let response = client.lookup(&id, Consistency::Linearizable).await;
    if let Ok(response) = work.heard(node, "what became of an id", response) {
        let (completed, fate) = (work.history.now(), super::lookups::fate(&response));
        let seen = LookedUp { id: Name::from(id), node, linearizable: true, invoked, completed, fate };
        work.history.remember(seen);
    }
}

/// Appends over streams, a group at a time, and takes an answer to an append at its word as much as the end of the stream.
pub(super) async fn stream(work: Work) {
    let mut number = 0;
    while !work.is_stopped() {
        let Ok(mut stream) = Stream::open(work.node(0).1).await else {
            // Nothing was sent.
            sleep(CALM).await;
            continue;
        };
        let stream_number = work.history.stream();
        let mut position = 0;
        while !work.is_stopped() {
            let count = rand::rng().random_range(1..=GROUP);
            let orders: Vec<Order> = (number..).take(count).map(|number| work.believing_order(number)).collect();
            number += u64::try_from(count).expect("a small number");
            let place = StreamPlace { stream: stream_number, position };
            position += u64::try_from(count).expect("a small number");
            if !group(&work, &mut stream, place, orders).await {
                break;
            }
            sleep(GROUP_BREATH).await;
        }
    }
}

/// Sends a group that begins at a place, and hears its answers. False: the stream is over.
async fn group(work: &Work, stream: &mut Stream, first: StreamPlace, orders: Vec<Order>) -> bool {
    let (node, _) = work.node(0);
    let appends = orders.iter().map(|order| stream::request(&order.log, &order.id, &order.payloads)).collect();
    let places = (first.position..).map(|position| StreamPlace { position, ..first });
    let mut sent: Vec<Option<AttemptNumber>> = orders
        .into_iter()
        .zip(places)
        .map(|(order, place)| Some(work.history.invoke_streamed(order.number, node, place)))
        .collect();
    stream.send(appends).await;
    let end = Instant::now() + SILENCE;
    while sent.iter().any(Option::is_some) {
        let failure = match timeout_at(end, stream.next()).await {
            Ok(Ok(Some(replies))) => {
                for reply in replies {
                    let place = usize::try_from(reply.position.saturating_sub(first.position)).unwrap_or(usize::MAX);
                    let attempt = sent.get_mut(place).and_then(Option::take).expect("an answer to what has none yet");
                    work.history.complete(attempt, reply.result);
                }
                continue;
            }
            Ok(Ok(None)) => Failure::silence(tonic::Code::Ok, "the node ended the stream"),
            Ok(Err(failure)) => failure,
            Err(_elapsed) => Failure::silence(tonic::Code::DeadlineExceeded, "no answer in a stream"),
        };
        for attempt in sent.into_iter().flatten() {
            work.history.complete(attempt, Err(failure.clone()));
        }
        return false;
    }
    true
}

/// Where bursts go. Little of it is kept.
const BURST_LOG: &str = "bursts";
const BURST_KEPT: u64 = 8;
/// As much as a leader's queue takes, and some more.
const BURST_APPENDS: u64 = 30;
/// Three of the longest records nearly fill a command.
const BURST_RECORDS: usize = 3;
const BURST_RECORD_BYTES: usize = 1 << 20;
/// How long the node has for each.
const BURST_TIME: Duration = Duration::from_millis(400);
/// Between two bursts.
const BURST_BREATH_MS: std::ops::Range<u64> = 15_000..30_000;

/// Sends in one moment more than a leader's queue holds, each append with a deadline that it can't keep.
pub(super) async fn burst(work: Work) {
    let id = format!("bursts/{}", sample::id(work.client, 1));
    work.command(Job::Prepare, &command(&id, vec![], vec![create_log(BURST_LOG, Some(BURST_KEPT))])).await;
    let record = Bytes::from(vec![b'!'; BURST_RECORD_BYTES]);
    for round in 0.. {
        let payloads = vec![record.clone(); BURST_RECORDS];
        let turn = work.turn();
        let sent = (0..BURST_APPENDS).map(|number| {
            let id = sample::id(work.client, round * BURST_APPENDS + number);
            let number = work.history.believing(work.client, BURST_LOG, &id, &payloads);
            let order = Order { number, log: BURST_LOG.to_owned(), id, payloads: payloads.clone() };
            let work = &work;
            async move { drop(work.hurry(&order, turn, BURST_TIME).await) }
        });
        join_all(sent).await;
        let next = Instant::now() + Duration::from_millis(rand::rng().random_range(BURST_BREATH_MS));
        while Instant::now() < next {
            if work.is_stopped() {
                return;
            }
            sleep_until(next.min(Instant::now() + CALM)).await;
        }
    }
}
