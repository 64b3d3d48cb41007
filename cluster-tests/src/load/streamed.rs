//! Appends over streams: many of a client on the way at once, and a stream is left now and then for another node. Beside
//! what holds for all appends, P7 looks at their order.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use super::work::Work;
use crate::stream::Sender;

/// How many appends of a client have no answer, at most.
const UNANSWERED: usize = 48;
/// Between two messages of a client.
const BREATH: Duration = Duration::from_millis(25);

pub(super) async fn run(work: Work) {
    let mut sender = Sender::new(work.nodes.clone(), work.client, &Arc::clone(&work.history));
    let mut numbers = 0..;
    while !work.is_stopped() {
        let (given, packed, leaves) = {
            let mut random = rand::rng();
            (random.random_range(1..=8), random.random_range(1..=8), random.random_ratio(1, 100))
        };
        for number in numbers.by_ref().take(usize::min(given, UNANSWERED - sender.unanswered())) {
            let (log, id, payloads) = work.order(number);
            sender.give(work.client, &log, &id, &payloads);
        }
        sender.exchange(packed, BREATH).await;
        if leaves {
            sender.finish().await;
        }
    }
    sender.finish().await;
}
