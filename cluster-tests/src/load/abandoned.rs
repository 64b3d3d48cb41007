//! A client that is gone a millisecond after it has sent something, and asks again later. The attempt that it left has
//! no answer, ever; P2 and P3 insist that the later ones are about the same effect.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{sleep, timeout};

use super::work::Work;

/// Between two visits.
const BREATH: Duration = Duration::from_millis(200);
/// How long a visit lasts, at most.
const VISIT_MICROS: u64 = 2_000;
/// After how many more visits an id is sent again.
const LATER: usize = 4;

pub(super) async fn run(work: Work) {
    let mut left = VecDeque::new();
    for number in 0.. {
        let order = work.made_order(number);
        let time = Duration::from_micros(rand::rng().random_range(0..=VISIT_MICROS));
        // An attempt that is dropped is remembered as sent, and gets no answer.
        if !matches!(timeout(time, work.send(&order, work.turn())).await, Ok(Some(_))) {
            left.push_back(order);
        }
        if left.len() > LATER
            && let Some(order) = left.pop_front()
            && work.append(&order).await.is_none()
        {
            return;
        }
        sleep(BREATH).await;
        if work.is_stopped() {
            return;
        }
    }
}
