//! Somebody who reads where the logs end, linearizably, at one node after the other, for P8.

use tokio::time::sleep;

use super::BREATH;
use super::work::{LOGS, Work, log_name};

pub(super) async fn run(work: Work) {
    for number in 0.. {
        if work.is_stopped() {
            return;
        }
        let log = log_name(number % LOGS);
        let (_, asked) = work.node(number);
        let invoked = work.history.now();
        // A read that failed saw nothing.
        if let Ok(end) = asked.end(&log).await {
            work.history.end_seen(&log, invoked, end);
        }
        sleep(BREATH).await;
    }
}
