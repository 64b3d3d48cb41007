//! Appends one by one: each is sent to one node after the other until it is acknowledged. P1 to P8, P13 and P16 look at
//! them.

use tokio::time::sleep;

use super::BREATH;
use super::work::Work;

pub(super) async fn run(work: Work) {
    for number in 0.. {
        let order = work.made_order(number);
        if work.append(&order).await.is_none() {
            return;
        }
        sleep(BREATH).await;
    }
}
