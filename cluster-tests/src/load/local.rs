//! Somebody who reads what a node has applied itself, here and there, for P9 and P11.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;

use super::work::{LOGS, Work, log_name};
use crate::history::{AllSeen, LocalSeen, Name, RecordSeen};
use crate::proto::Consistency;

/// Between two looks.
const BREATH: Duration = Duration::from_millis(100);
/// How many records of a look are remembered one by one.
const RECORDS: usize = 16;

pub(super) async fn run(work: Work) {
    let (node, client) = work.node(0);
    let mut ends = BTreeMap::new();
    for number in 0.. {
        if work.is_stopped() {
            return;
        }
        let log = log_name(number % LOGS);
        let end: &mut u64 = ends.entry(number % LOGS).or_default();
        let from = rand::rng().random_range(0..=*end);
        let invoked = work.history.now();
        let page = client.read(&log, from, Consistency::Local).await;
        if let Ok(page) = work.heard(node, "a page of a log", page) {
            *end = page.end;
            let records = page.records.iter().take(RECORDS).map(RecordSeen::of).collect();
            let completed = work.history.now();
            let all = AllSeen::of(page.records.iter().map(RecordSeen::of));
            let (start, end) = (page.start, page.end);
            let seen = LocalSeen { node, log: Name::of(&log), invoked, completed, start, end, records, all };
            work.history.remember(seen);
            work.history.show(node, "", &log, page.records.iter().map(RecordSeen::of));
        }
        sleep(BREATH).await;
    }
}
