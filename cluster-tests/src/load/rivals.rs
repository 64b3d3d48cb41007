//! One id with two contents, sent to two nodes at the same moment, again and again: both are on their way before either is
//! known. P14 insists that one of the two is done and the other refused as reuse, for ever, whoever is asked.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{append_records, cell_absent, command, put, record, records};
use crate::history::Job;
use crate::proto::{Header, NewRecord, SubmitRequest};
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

/// Other bytes, another log, other headers, one more record, one more action, a guard, or the same cell in another way.
fn other_content(id: &str) -> SubmitRequest {
    let other = format!("{id}, and something else");
    let same = || record(LOG, sample::marked(id));
    let (guards, actions) = match rand::rng().random_range(0..7) {
        0 => (vec![], vec![record(LOG, other)]),
        1 => (vec![], vec![record(OTHER_LOG, other)]),
        2 => {
            let header = Header { key: "trace".to_owned(), value: Bytes::from(other) };
            let records = vec![NewRecord { payload: Bytes::from(id.to_owned()), headers: vec![header] }];
            (vec![], vec![append_records(LOG, records)])
        }
        3 => (vec![], vec![records(LOG, vec![Bytes::from(other.clone()), Bytes::from(other)])]),
        4 => (vec![], vec![record(LOG, other), put("contested", 1)]),
        5 => (vec![cell_absent("contested/never")], vec![same()]),
        _ => (vec![], vec![put("contested", 2)]),
    };
    command(id, guards, actions)
}
