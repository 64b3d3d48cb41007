//! A client that is not sure of what it has sent, and cancels it: sometimes before anything was sent at all. Then the
//! append comes once more, as a delayed duplicate does. P10 insists that what was cancelled is nowhere, P3 that what was
//! applied before keeps its answer.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{sleep, timeout};

use super::work::{Order, Work};
use crate::client::{Acknowledgement, is_replay};
use crate::judgement::place;
use crate::proto::outcome::Verdict;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(300);
/// Before the cancel is sent again.
const BACKOFF: Duration = Duration::from_millis(25);
/// How long an attempt lasts, at most, before the client has its doubts.
const VISIT_MICROS: u64 = 2_000;

pub(super) async fn run(work: Work) {
    for number in 0.. {
        let order = work.made_order(number);
        let time = Duration::from_micros(rand::rng().random_range(0..=VISIT_MICROS));
        if rand::rng().random_ratio(3, 4) {
            // An attempt that is dropped is remembered as sent, and gets no answer.
            drop(timeout(time, work.send(&order, work.turn())).await);
        }
        if !cancel(&work, &order).await {
            return;
        }
        work.send(&order, work.turn()).await;
        sleep(BREATH).await;
        if work.is_stopped() {
            return;
        }
    }
}

/// Cancels an id until that is answered. False: the load was stopped first.
async fn cancel(work: &Work, order: &Order) -> bool {
    work.history.doubt(order.number);
    for turn in work.turn().. {
        if work.is_stopped() {
            break;
        }
        let (node, client) = work.node(turn);
        if let Ok(response) = client.cancel(&order.id).await {
            let replayed = is_replay(response.arrival());
            let outcome = response.outcome.expect("a cancel answers the id's outcome");
            match place(&outcome) {
                Some(place) => {
                    let attempt = work.history.invoke(order.number, node);
                    work.history.complete(attempt, Ok(Acknowledgement { replayed, place }));
                }
                None if matches!(outcome.verdict, Some(Verdict::Cancelled(_))) => {
                    work.history.cancelled(order.number, &outcome);
                }
                None => panic!("{} is an append, and came to {outcome:?}", order.id),
            }
            return true;
        }
        sleep(BACKOFF).await;
    }
    false
}
