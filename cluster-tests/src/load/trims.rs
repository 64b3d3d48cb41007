//! A log that grows by thousands of records and loses thousands at once: to an offset in the middle of it, of a command's
//! records, to where it begins already, and beyond its end. A tail follows it meanwhile, and after each trim every node is
//! asked across the new start. P4 insists that the log begins exactly there, P1 that nothing behind it is lost, P24 that
//! readers see no other start.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::tails::follow;
use super::work::Work;
use crate::command::{command, records, trim};
use crate::history::{Got, Job};
use crate::sample;

/// Between two rounds.
const BREATH: Duration = Duration::from_millis(1_500);
/// How many records an append has.
const RECORDS: std::ops::RangeInclusive<u64> = 300..=2_000;
/// How many of them a reader reads.
const PAGE: u32 = 4;
/// How many pages of it are followed while it is trimmed.
const TAIL_PAGES: usize = 3;

pub(super) async fn run(work: Work) {
    let log = format!("pages-{}", Uuid::new_v4().simple());
    let (mut start, mut end) = (0, 0);
    while !work.is_stopped() {
        for _ in 0..2 {
            let Some(grown) = grow(&work, &log).await else { return };
            end = grown;
        }
        let before = {
            let mut random = rand::rng();
            match random.random_range(0..10) {
                // It begins there already.
                0 => start,
                // It is refused, with where the log ends.
                1 => end + random.random_range(1..=100),
                2 => end,
                _ => random.random_range(start + 1..end),
            }
        };
        let id = format!("trim/{}", Uuid::new_v4().simple());
        let request = command(&id, vec![], vec![trim(&log, before)]);
        // Somebody reads from the old start on meanwhile: the next page may be gone, and says so.
        let linearizable = rand::rng().random_ratio(1, 2);
        let (sealed, _) =
            join(work.command(Job::Prepare, &request), follow(&work, &log, start, TAIL_PAGES, linearizable)).await;
        let Some(sealed) = sealed else { return };
        if sealed.is_applied() {
            start = start.max(before);
        }
        for turn in 0..work.nodes.len() {
            across(&work, turn, &log, start).await;
        }
        sleep(BREATH).await;
    }
}

/// Appends many records at once. Where the log ends then.
async fn grow(work: &Work, log: &str) -> Option<u64> {
    let id = format!("grow/{}", Uuid::new_v4().simple());
    let count = rand::rng().random_range(RECORDS);
    let payloads = (0..count).map(|number| Bytes::from(sample::marked_one(&id, number, count))).collect();
    let sealed = work.command(Job::Prepare, &command(&id, vec![], vec![records(log, payloads)])).await?;
    sealed.got().iter().find_map(|got| match got {
        Got::Appended { first_offset, count } => Some(first_offset + u64::from(*count)),
        _ => None,
    })
}

/// Asks a node for the last record that is gone, for the first that is left, and for whatever is left.
async fn across(work: &Work, turn: usize, log: &str, start: u64) {
    for from in [start.checked_sub(1), Some(start)].into_iter().flatten() {
        work.ask_records(turn, ("", log), Some(from), PAGE, true).await;
    }
    let local = rand::rng().random_ratio(1, 2);
    work.ask_records(turn, ("", log), None, PAGE, !local).await;
}
