//! Consumers that race for one log: each reads where the reader is, handles what comes next, and moves the reader in the
//! same command as its effect, guarded by where it has seen it. P20 insists that each record is handled once, in order;
//! who was too late is refused. P8 insists that each sees where the reader is.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::{Order, Work};
use crate::command::{command, move_reader, position_is, records};
use crate::history::{Answer, Job, RecordSeen};
use crate::proto::Consistency;
use crate::sample;

/// Between two records that are made.
const MADE_BREATH: Duration = Duration::from_millis(150);
/// Between two looks of a consumer.
const BREATH: Duration = Duration::from_millis(300);
/// How many records are handled at once, at most.
const BATCH: u32 = 8;
/// What is read, by whom, and where the effect goes.
const SOURCE: &str = "tickets";
const READER: &str = "clerk";
const EFFECTS: &str = "receipts";

/// Makes what is to be handled.
pub(super) async fn produce(work: Work) {
    for made in 0.. {
        let id = sample::id(work.client, made);
        let payloads = sample::payloads(&id, 1, 1);
        let number = work.history.operation(work.client, SOURCE, &id, &payloads);
        if work.append(&Order { number, log: SOURCE.to_owned(), id, payloads }).await.is_none() {
            return;
        }
        sleep(MADE_BREATH).await;
    }
}

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        handle(&work).await;
        sleep(BREATH).await;
    }
}

/// Handles what comes next, if there is something and the node says so.
async fn handle(work: &Work) -> Option<()> {
    let answer = work.ask_position(work.turn(), READER, SOURCE, true).await?;
    let Answer::Position { offset: at, version } = answer else { panic!("a position was asked for: {answer:?}") };
    // A local read shows less at most, and never anything else.
    let local = rand::rng().random_ratio(1, 2);
    let consistency = if local { Consistency::Local } else { Consistency::Linearizable };
    let (node, client) = work.node(work.turn());
    let page = client.read_in("", SOURCE, at, BATCH, consistency).await;
    let page = work.heard(node, "a page of a log", page).ok()?;
    work.history.show(node, "", SOURCE, page.records.iter().map(RecordSeen::of));
    if page.records.is_empty() {
        return None;
    }
    let effects = page.records.iter().map(|record| {
        let id = record.id.clone().unwrap_or_default().text;
        sample::effect(record.offset, &id)
    });
    let guard = position_is(READER, SOURCE, at, version);
    let actions = vec![records(EFFECTS, effects.collect()), move_reader(READER, SOURCE, page.next)];
    let id = format!("handle/{}/{}", work.client, Uuid::new_v4().simple());
    let (reader, source) = (READER.to_owned(), SOURCE.to_owned());
    let job = Job::Handle { reader, source, from: at, to: page.next };
    work.command(job, &command(&id, vec![guard], actions)).await.map(|_| ())
}
