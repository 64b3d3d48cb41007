//! Somebody who takes an id that is acknowledged for something else: other bytes, another log, or one more record. P14
//! insists that it is refused and changes nothing.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::sleep;

use super::work::Work;
use crate::history::{Content, Reuse};

/// Between two tries.
const BREATH: Duration = Duration::from_millis(200);

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let (place, other) = {
            let mut random = rand::rng();
            (random.random::<u32>(), random.random_range(0..3))
        };
        let taken = work.history.some_operation(usize::try_from(place).unwrap_or_default());
        if let Some(operation) = taken.filter(|operation| operation.acknowledged().is_some()) {
            let new = Bytes::from(format!("{} is used for something else", operation.id));
            let (log, payloads) = match other {
                0 => (operation.log, vec![new]),
                1 => ("reused".into(), operation.payloads),
                _ => (operation.log, operation.payloads.into_iter().chain([new]).collect()),
            };
            let (node, client) = work.node(work.turn());
            let invoked = work.history.now();
            let answer = client.append(&log, &operation.id, &payloads).await;
            let completed = work.history.now();
            let contents = payloads.iter().map(|payload| Content::of(payload)).collect();
            let reuse = Reuse { id: operation.id, log, contents, node, invoked, completed, answer };
            work.history.remember(reuse);
        }
        sleep(BREATH).await;
    }
}
