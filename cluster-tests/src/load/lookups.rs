//! Somebody who asks what became of ids: nearly always linearizably, for P8, and now and then what a node has applied
//! itself. P3 insists that whatever is found is the one answer of the id.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;

use super::work::Work;
use crate::history::{Fate, LookedUp};
use crate::judgement::place;
use crate::proto::{Consistency, LookupResponse, lookup_response};

/// Between two questions.
const BREATH: Duration = Duration::from_millis(100);
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
            let (node, client) = work.node(work.turn());
            let invoked = work.history.now();
            let response = client.lookup(&operation.id, consistency).await;
            if let Ok(response) = work.heard(node, "what became of an id", response) {
                let (completed, fate) = (work.history.now(), fate(&response));
                let seen = LookedUp { id: operation.id, node, linearizable: !local, invoked, completed, fate };
                work.history.remember(seen);
            }
        }
        sleep(BREATH).await;
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
