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
        let (node, asked) = work.node(number);
        let invoked = work.history.now();
        let end = asked.end(&log).await;
        if let Ok(end) = work.heard(node, "where a log ends", end) {
            work.history.end_seen(&log, invoked, end);
        }
        sleep(BREATH).await;
    }
}
