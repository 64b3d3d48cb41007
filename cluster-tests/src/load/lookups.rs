//! Somebody who asks what became of ids: nearly always linearizably, for P8, and now and then what a node has applied
//! itself. P3 insists that whatever is found is the one answer of the id.

use std::time::Duration;

use futures::future::join_all;
use rand::RngExt as _;
use tokio::time::sleep;

use super::work::Work;
use crate::history::{Fate, LookedUp, Name};
use crate::judgement::place;
use crate::proto::{Consistency, LookupResponse, lookup_response};

/// Between two questions.
const BREATH: Duration = Duration::from_millis(100);
/// Between two appends that are looked up everywhere.
const CHASE_BREATH: Duration = Duration::from_millis(150);
/// How many of the last operations are asked for most of the time: those that may be on their way.
const LATE: usize = 32;

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let (place, late, local) = {
            let mut random = rand::rng();
            (random.random::<u32>(), random.random_ratio(1, 2), random.random_ratio(1, 8))
        };
        let place = usize::try_from(place).unwrap_or_default();
        let operation =
            if late { work.history.late_operation(place % LATE) } else { work.history.some_operation(place) };
        if let Some(operation) = operation {
            let consistency = if local { Consistency::Local } else { Consistency::Linearizable };
            look(&work, operation.id, work.turn(), consistency).await;
        }
        sleep(BREATH).await;
    }
}

/// Appends at one node, and asks all others at once when that is answered. What a node that follows has not applied yet
/// must be waited for, or is a moment too old.
pub(super) async fn chase(work: Work) {
    for number in 0.. {
        if work.is_stopped() {
            return;
        }
        let (order, turn) = (work.made_order(number), work.turn());
        if work.send(&order, turn).await.is_some() {
            let (id, work) = (Name::of(&order.id), &work);
            let others = (1..work.nodes.len()).map(|other| async move {
                look(work, id, turn + other, Consistency::Linearizable).await;
                look(work, id, turn + other, Consistency::Local).await;
            });
            join_all(others).await;
        } else if work.append(&order).await.is_none() {
            return;
        }
        sleep(CHASE_BREATH).await;
    }
}

/// Asks one node what became of an append. A look that failed saw nothing.
async fn look(work: &Work, id: Name, turn: usize, consistency: Consistency) {
    let (node, client) = work.node(turn);
    let invoked = work.history.now();
    let response = client.lookup(&id, consistency).await;
    if let Ok(response) = work.heard(node, "what became of an id", response) {
        let (completed, fate) = (work.history.now(), fate(&response));
        let linearizable = consistency == Consistency::Linearizable;
        work.history.remember(LookedUp { id, node, linearizable, invoked, completed, fate });
    }
}

pub(super) fn fate(response: &LookupResponse) -> Fate {
    match response.fate.as_ref().expect("a lookup says what became of the id") {
        lookup_response::Fate::Unknown(_) => Fate::Unknown,
        lookup_response::Fate::TooOld(_) => Fate::TooOld,
        lookup_response::Fate::Decided(decided) => {
            let outcome = decided.outcome.as_ref().expect("what is decided has an outcome");
            place(outcome).map_or_else(|| Fate::Other(format!("{:?}", outcome.verdict)), Fate::Appended)
        }
    }
}
