//! Somebody who follows a log at a node for a while: linearizably or locally, from here or there. P8 looks at where the
//! log ended for a linearizable tail, P9 at what a local one shows of a node, and at the order of pages, P11 at the
//! records. A tail that says nothing, although its node has more, is a wait in vain, for P24.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{sleep, timeout};
use tonic::Streaming;

use super::work::{LOGS, Work, log_name};
use crate::client::Failure;
use crate::history::{AllSeen, Answer, Asked, Name, PAGE_RECORDS, PageSeen, Question, RecordSeen, Wanted};
use crate::proto::{Consistency, TailResponse};

/// Between two pages: what comes meanwhile waits, and comes in one.
const BREATH: Duration = Duration::from_millis(200);
/// How long a page is waited for.
const SILENCE: Duration = Duration::from_secs(2);
/// How many pages of a tail are read, at most.
const PAGES: usize = 20;
/// How far before the end that was seen last a tail begins, at most.
const BACK: u64 = 100;

pub(super) async fn run(work: Work) {
    let mut ends = [0_u64; LOGS];
    while !work.is_stopped() {
        let (log, back, pages, linearizable) = {
            let mut random = rand::rng();
            let pages = random.random_range(1..=PAGES);
            (random.random_range(0..LOGS), random.random_range(0..=BACK), pages, random.random_ratio(1, 2))
        };
        let end = ends.get_mut(log).expect("a log among all");
        *end = follow(&work, &log_name(log), end.saturating_sub(back), pages, linearizable).await.max(*end);
        sleep(BREATH).await;
    }
}

/// Follows a log, and returns where it ended.
pub(super) async fn follow(work: &Work, log: &str, mut from: u64, pages: usize, linearizable: bool) -> u64 {
    let turn = work.turn();
    let (node, client) = work.node(turn);
    let consistency = if linearizable { Consistency::Linearizable } else { Consistency::Local };
    let (tail, invoked) = (work.history.tail(), work.history.now());
    let mut end = 0;
    let stream = client.tail(log, from, consistency).await;
    let Ok(mut stream) = work.heard(node, "a tail", stream) else { return end };
    for _ in 0..pages {
        // A tail that ends, or says nothing, has shown what it has shown.
        let Ok(page) = timeout(SILENCE, stream.message()).await else {
            doubt(work, turn, &mut stream, log, from).await;
            break;
        };
        let page = page.map_err(|status| Failure::from_status(&status));
        let Ok(Some(page)) = work.heard(node, "a page of a tail", page) else { break };
        let records = page.records.iter().take(PAGE_RECORDS).map(RecordSeen::of).collect();
        let seen = PageSeen {
            tail,
            node,
            log: log.into(),
            linearizable,
            invoked,
            completed: work.history.now(),
            from,
            next: page.next,
            start: page.start,
            end: page.end,
            records,
            all: AllSeen::of(page.records.iter().map(RecordSeen::of)),
        };
        (from, end) = (page.next, page.end);
        work.history.remember(seen);
        work.history.show(node, "", log, page.records.iter().map(RecordSeen::of));
        if work.is_stopped() {
            break;
        }
        sleep(BREATH).await;
    }
    end
}

/// A tail was silent. If its node has a record that it has not shown, and it goes on saying nothing, it waits in vain.
async fn doubt(work: &Work, turn: usize, stream: &mut Streaming<TailResponse>, log: &str, from: u64) {
    // Over the same connection: what holds back the tail would hold back this, too.
    let answer = work.ask_records(turn, ("", log), Some(from), 1, true).await;
    let has_more = matches!(answer, Some(Answer::Records { end, .. }) if end > from);
    let invoked = work.history.now();
    if has_more && timeout(SILENCE, stream.message()).await.is_err() {
        let wanted = Wanted::LogEnd { log: Name::of(log), end: from + 1 };
        work.history.asked(Asked {
            node: work.node(turn).0,
            linearizable: false,
            space: Name::default(),
            invoked,
            completed: work.history.now(),
            applied: 0,
            question: Question::Wait { wanted, deadline: SILENCE },
            answer: Answer::Late,
        });
    }
}
