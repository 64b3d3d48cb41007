//! Logs of which a part is kept: by records, by bytes and by age, set when they are made, changed while they grow, and
//! dropped. P4 insists that no more goes than may, P1 that what is kept is there, P5 that all replicas let the same go.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{command, create_log_with, delete_log, records, set_retention};
use crate::history::Job;
use crate::proto::{Action, Retention};
use crate::sample;

/// Between two appends.
const BREATH: Duration = Duration::from_millis(120);
/// How many appends come between two changes.
const APPENDS: usize = 12;
/// How often what is kept of a log is changed, before another log begins.
const CHANGES: usize = 6;

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let log = format!("kept-{}", Uuid::new_v4().simple());
        if keep(&work, &log).await.is_none() {
            return;
        }
    }
}

/// The life of a log. None: the load was stopped.
async fn keep(work: &Work, log: &str) -> Option<()> {
    act(work, Job::Prepare, create_log_with(log, some_retention())).await?;
    for _ in 0..CHANGES {
        for _ in 0..APPENDS {
            grow(work, log).await?;
            sleep(BREATH).await;
        }
        work.ask_records(work.turn(), ("", log), None, 8, true).await;
        act(work, Job::Prepare, set_retention(log, some_retention())).await?;
        work.ask_records(work.turn(), ("", log), None, 8, true).await;
    }
    if rand::rng().random_ratio(1, 4) {
        act(work, Job::DeleteLog { log: log.to_owned() }, delete_log(log)).await?;
        // It goes on where it ended.
        grow(work, log).await?;
    }
    Some(())
}

async fn act(work: &Work, job: Job, action: Action) -> Option<()> {
    let id = format!("keep/{}", Uuid::new_v4().simple());
    work.command(job, &command(&id, vec![], vec![action])).await.map(drop)
}

async fn grow(work: &Work, log: &str) -> Option<()> {
    let id = format!("kept/{}", Uuid::new_v4().simple());
    let (count, bytes) = {
        let mut random = rand::rng();
        (random.random_range(1..=24), random.random_range(10..=900))
    };
    let record = |number| {
        let mut text = sample::marked_one(&id, number, count);
        text.extend(std::iter::repeat_n('.', bytes));
        Bytes::from(text)
    };
    let action = records(log, (0..count).map(record).collect());
    work.command(Job::Prepare, &command(&id, vec![], vec![action])).await.map(drop)
}

/// Any part of a log, or all of it. What is kept for so short a time is gone within the run.
fn some_retention() -> Retention {
    let mut random = rand::rng();
    let mut some = |least: u64, most: u64| random.random_ratio(1, 2).then(|| random.random_range(least..=most));
    Retention { records: some(1, 300), bytes: some(1_000, 100_000), age_ms: some(1_500, 8_000) }
}
