//! One id with two contents, sent to two nodes at the same moment, again and again: both are on their way before either is
//! known. P14 insists that one of the two is done and the other refused as reuse, for ever, whoever is asked.

use std::time::Duration;

use futures::future::join;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{command, put, record};
use crate::history::Job;
use crate::proto::SubmitRequest;
use crate::sample;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(250);
const LOG: &str = "contested";
const OTHER_LOG: &str = "contested.too";

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let id = format!("contested/{}", Uuid::new_v4().simple());
        let first = command(&id, vec![], vec![record(LOG, sample::marked(&id))]);
        let second = other_content(&id);
        let (one, two) = (&first, &second);
        let numbers = [one, two].map(|request| work.history.command(work.client, Job::Rival, request));
        let [first, second] = numbers;
        let turn = work.turn();
        join(work.try_command(first, one, turn), work.try_command(second, two, turn + 1)).await;
        // Until both know what they are.
        work.settle(second, two).await;
        work.settle(first, one).await;
        for turn in [turn + 1, turn + 2] {
            work.try_command(first, one, turn).await;
            work.try_command(second, two, turn).await;
        }
        sleep(BREATH).await;
    }
}

/// Other bytes, another log, or one more action.
fn other_content(id: &str) -> SubmitRequest {
    let other = format!("{id}, and something else");
    let actions = match rand::rng().random_range(0..3) {
        0 => vec![record(LOG, other)],
        1 => vec![record(OTHER_LOG, other)],
        _ => vec![record(LOG, other), put("contested", 1)],
    };
    command(id, vec![], actions)
}
