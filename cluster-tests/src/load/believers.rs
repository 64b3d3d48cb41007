//! Clients that take `effect: none` at its word: they never send that id again, and go on with another one. Each knows
//! one node only, leader or not, in an election or while it stops. P10 insists that nothing of what they gave up is ever
//! anywhere: it is left out of all that is sent again, and they look some of it up later.
//!
//! - Most of their appends have a deadline of a few milliseconds, that the node hears of and their own side does not: so
//!   they hear what the node says, and not that the time is over.
//! - What nobody knows of is sent again while the node serves, or in the end.
//! - Some keep a steady pace, alone or over streams, whatever is answered: when a leader is lost, much is on its way.
//! - One in a while sends more at once than a leader's queue holds.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{RangeFrom, RangeInclusive};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use rand::RngExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::work::{Order, Work};
use crate::client::{Effect, Failure};
use crate::command::{command, create_log};
use crate::history::{AttemptNumber, Job, LookedUp, Name, StreamPlace};
use crate::proto::Consistency;
use crate::sample;
use crate::stream::{self, Reply, Stream};

/// After an attempt without effect: the next one has another id.
const FAST: Duration = Duration::from_millis(4);
/// After so many without effect, one behind the other, a client takes its time once.
const FAST_MAX: u32 = 60;
/// After anything else, so that these clients leave room for others.
const CALM: Duration = Duration::from_millis(90);
/// Between two appends that come at a steady pace.
const STEADY_MS: std::ops::Range<u64> = 20..50;
/// How many of them are on their way, at most.
const STEADY_MAX: usize = 64;
/// How long the node has for each of them: mostly longer than an election.
const PATIENCE_MS: std::ops::Range<u64> = 300..3_000;
/// Every how manieth of what was given up is looked up.
const LOOKED_UP: u64 = 16;
/// How long after that, at least.
const LATER: Duration = Duration::from_secs(2);

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
        2..8 if after_none && random.random_ratio(4, 5) => random.random_range(1..=300),
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

/// Appends one after the other at a steady pace, whatever is answered, each with time enough to outlast its leader: when
/// that is lost, some are on their way to it.
pub(super) async fn steady(work: Work) {
    let mut on_the_way = FuturesUnordered::new();
    let (mut numbers, mut due) = (0.., Instant::now());
    while !work.is_stopped() {
        tokio::select! {
            () = sleep_until(due), if on_the_way.len() < STEADY_MAX => {
                let work = &work;
                on_the_way.extend(numbers.by_ref().take(1).map(|number| async move {
                    let time = Duration::from_millis(rand::rng().random_range(PATIENCE_MS));
                    drop(work.hurry(&work.believing_order(number), 0, time).await);
                }));
                due = Instant::now() + Duration::from_millis(rand::rng().random_range(STEADY_MS));
            }
            Some(()) = on_the_way.next(), if !on_the_way.is_empty() => {}
            // The load may have been stopped.
            () = sleep(CALM) => {}
        }
    }
    while on_the_way.next().await.is_some() {}
}

/// How a stream is used.
#[derive(Debug, Clone)]
struct Manner {
    /// How many appends a group has, at most.
    group: usize,
    /// How many have no answer, at most, when another group goes out.
    unanswered: usize,
    /// Between two groups.
    breath_ms: RangeInclusive<u64>,
    /// A stream that answers nothing for so long is given up.
    silence: Duration,
}

/// A group at a time, that waits for all answers to the one before.
const CALM_STREAM: Manner = Manner {
    group: 12,
    unanswered: 0,
    breath_ms: RangeInclusive::new(250, 250),
    silence: Duration::from_millis(1_200),
};
/// Group after group, whatever is answered. When a leader is lost, some of what it has not answered is on its way, and more
/// comes that it turns away: only the end of the stream says what became of all of it, and a node may take its time.
const HURRIED_STREAM: Manner =
    Manner { group: 3, unanswered: 45, breath_ms: RangeInclusive::new(20, 100), silence: Duration::from_secs(5) };

/// Appends over streams, a group at a time, and takes an answer to an append at its word as much as the end of the stream.
pub(super) async fn stream(work: Work) {
    streams(work, CALM_STREAM).await;
}

/// The same, without waiting for answers.
pub(super) async fn hurried_stream(work: Work) {
    streams(work, HURRIED_STREAM).await;
}

async fn streams(work: Work, manner: Manner) {
    let mut numbers = 0..;
    while !work.is_stopped() {
        let Ok(stream) = Stream::open(work.node(0).1).await else {
            // Nothing was sent.
            sleep(CALM).await;
            continue;
        };
        let number = work.history.stream();
        let spoken = Spoken { work: &work, stream, number, next: 0, sent: BTreeMap::new(), heard: Instant::now() };
        spoken.speak(&manner, &mut numbers).await;
    }
}

/// A stream, and what was sent over it and is not answered.
struct Spoken<'a> {
    work: &'a Work,
    stream: Stream,
    number: usize,
    /// The position of the next append.
    next: u64,
    sent: BTreeMap<u64, AttemptNumber>,
    heard: Instant,
}

impl Spoken<'_> {
    /// Sends groups until the stream is over or the load is stopped, and hears all answers.
    async fn speak(mut self, manner: &Manner, numbers: &mut RangeFrom<u64>) {
        let mut due = Instant::now();
        loop {
            let stops = self.work.is_stopped();
            if stops {
                self.stream.finish();
                if self.sent.is_empty() {
                    return;
                }
            }
            let may_send = !stops && self.sent.len() <= manner.unanswered;
            let silence = self.heard + manner.silence;
            tokio::select! {
                () = sleep_until(due), if may_send => {
                    let (count, breath_ms) = {
                        let mut random = rand::rng();
                        (random.random_range(1..=manner.group), random.random_range(manner.breath_ms.clone()))
                    };
                    self.send(numbers.by_ref().take(count)).await;
                    due = Instant::now() + Duration::from_millis(breath_ms);
                }
                answer = self.stream.next() => match answer {
                    Ok(Some(replies)) => self.take_in(replies),
                    Ok(None) => return self.ended(&Failure::silence(tonic::Code::Ok, "the node ended the stream")),
                    Err(failure) => return self.ended(&failure),
                },
                () = sleep_until(silence), if !self.sent.is_empty() => {
                    let silence = Failure::silence(tonic::Code::DeadlineExceeded, "no answer in a stream");
                    return self.ended(&silence);
                }
                // The load may have been stopped.
                () = sleep(CALM) => {}
            }
        }
    }

    async fn send(&mut self, numbers: impl Iterator<Item = u64>) {
        if self.sent.is_empty() {
            self.heard = Instant::now();
        }
        let mut appends = Vec::new();
        for number in numbers {
            let order = self.work.believing_order(number);
            let place = StreamPlace { stream: self.number, position: self.next };
            let attempt = self.work.history.invoke_streamed(order.number, self.work.node(0).0, place);
            self.sent.insert(self.next, attempt);
            self.next += 1;
            appends.push(stream::request(&order.log, &order.id, &order.payloads));
        }
        self.stream.send(appends).await;
    }

    fn take_in(&mut self, replies: Vec<Reply>) {
        self.heard = Instant::now();
        for reply in replies {
            let attempt = self.sent.remove(&reply.position).expect("an answer to what has none yet");
            self.work.history.complete(attempt, reply.result);
        }
    }

    /// The stream is over: what it says of its end is said of all that it has not answered.
    fn ended(self, failure: &Failure) {
        for attempt in self.sent.into_values() {
            self.work.history.complete(attempt, Err(failure.clone()));
        }
    }
}

/// Where bursts go. Little of it is kept.
const BURST_LOG: &str = "bursts";
const BURST_KEPT: u64 = 8;
/// What a leader's queue takes, what its first entries take out of it, and some more.
const BURST_APPENDS: u64 = 36;
/// Three of the longest records nearly fill a command.
const BURST_RECORDS: usize = 3;
const BURST_RECORD_BYTES: usize = 1 << 20;
/// How long the node has for each: long enough for all of them to arrive.
const BURST_TIME: Duration = Duration::from_millis(900);
/// Between two bursts.
const BURST_BREATH_MS: std::ops::Range<u64> = 20_000..40_000;

/// Sends in one moment more than a leader's queue holds, each append with a deadline that most can't keep.
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
