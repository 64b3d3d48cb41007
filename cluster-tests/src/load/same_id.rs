//! Two or three clients that send the same append at the same moment to different nodes, as overlapping retries do: P2
//! and P3 insist that it takes effect once, and that only one of them was the first.

use std::time::Duration;

use futures::future::join_all;
use rand::RngExt as _;
use tokio::time::sleep;

use super::work::Work;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(250);

pub(super) async fn run(work: Work) {
    for number in 0.. {
        let order = work.made_order(number);
        let at_once = rand::rng().random_range(2..=3);
        let first = work.turn();
        let answers = join_all((first..first + at_once).map(|turn| work.send(&order, turn))).await;
        if answers.iter().all(Option::is_none) && work.append(&order).await.is_none() {
            return;
        }
        sleep(BREATH).await;
        if work.is_stopped() {
            return;
        }
    }
}
