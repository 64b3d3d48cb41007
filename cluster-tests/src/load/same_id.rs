//! Two or three clients that send the same append at the same moment to different nodes, as overlapping retries do: P2
//! and P3 insist that it takes effect once, and that only one of them was the first. Sometimes all of them have little
//! time: when the leader is lost on whom their attempts have met, none of them knows more, and a later one finds out.

use std::time::Duration;

use futures::future::join_all;
use rand::RngExt as _;
use tokio::time::sleep;

use super::work::Work;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(120);
/// How long nodes have for those that have little time.
const LITTLE_MS: std::ops::RangeInclusive<u64> = 40..=400;

pub(super) async fn run(work: Work) {
    for number in 0.. {
        let order = &work.made_order(number);
        let (at_once, little) = {
            let mut random = rand::rng();
            (random.random_range(2..=3), Duration::from_millis(random.random_range(LITTLE_MS)))
        };
        let first = work.turn();
        let work = &work;
        let answers = join_all((first..first + at_once).map(|turn| async move {
            if number.is_multiple_of(2) {
                work.send(order, turn).await
            } else {
                work.hurry(order, turn, little).await.ok()
            }
        }))
        .await;
        if answers.iter().all(Option::is_none) && work.append(order).await.is_none() {
            return;
        }
        sleep(BREATH).await;
        if work.is_stopped() {
            return;
        }
    }
}
