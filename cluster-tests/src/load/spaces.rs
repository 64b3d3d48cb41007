//! Spaces that are made, used, changed and deleted: how long each remembers, if it forgets at all, and whether its logs
//! come to be by a command alone, set together and each by itself, refused where a space never forgets. All are listed page
//! by page. Now and then somebody asks for a machine version: the one that is in force is refused, and the next one
//! comes into force only where every node knows it. P22 insists that each setting counts from its command on, P24 that
//! lists tell it, P21 that what is deleted stays deleted.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::clock;
use crate::command::{
    SYSTEM, born, command_in, create_log, create_space_with, delete_space, id, put, raise, record, set_space_with,
};
use crate::history::{Answer, Job};
use crate::proto::{Action, LogCreation};
use crate::sample;

/// Between two changes.
const BREATH: Duration = Duration::from_millis(350);
/// How often a space is changed before it goes.
const CHANGES: usize = 5;
/// How many spaces a page has.
const PAGE: u32 = 3;
/// How many pages are looked at, one after the other.
const PAGES: usize = 3;
/// What they remember, at least and at most.
const MEMORY_MS: std::ops::RangeInclusive<u64> = 60_000..=900_000;
/// What a space's log is called.
const LOG: &str = "deeds";

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let space = format!("estate-{}", Uuid::new_v4().simple());
        life(&work, &space).await;
    }
}

/// A space's life, or a part of it if the load is stopped.
async fn life(work: &Work, space: &str) {
    let forgets = rand::rng().random_ratio(2, 3);
    act(work, Job::Prepare, create_space_with(space, forgets.then(some_memory), some_logs())).await;
    for _ in 0..CHANGES {
        use_it(work, space, forgets).await;
        let (memory, logs, raises) = {
            let mut random = rand::rng();
            (random.random_ratio(2, 3), random.random_ratio(2, 3), random.random_range(0..12))
        };
        let logs = if logs { some_logs() } else { LogCreation::Unspecified };
        // At least one of the two is set.
        let memory = (memory || logs == LogCreation::Unspecified).then(some_memory);
        act(work, Job::Prepare, set_space_with(space, memory, logs)).await;
        list(work).await;
        if let version @ 1..=2 = raises {
            act(work, Job::Prepare, raise(version)).await;
        }
        if work.is_stopped() {
            return;
        }
        sleep(BREATH).await;
    }
    act(work, Job::DeleteSpace { space: space.to_owned() }, delete_space(space)).await;
    list(work).await;
}

fn some_memory() -> u64 {
    rand::rng().random_range(MEMORY_MS)
}

fn some_logs() -> LogCreation {
    if rand::rng().random_ratio(1, 2) { LogCreation::Explicit } else { LogCreation::ByAppend }
}

async fn act(work: &Work, job: Job, action: Action) {
    let request = command_in(SYSTEM, id(&format!("estate/{}", Uuid::new_v4().simple())), vec![], vec![action]);
    // Turned away, it never comes to be; and if the load was stopped, nobody minds.
    work.command(job, &request).await;
}

/// A record, for which there may be no log, with a log for it or without; and a number.
async fn use_it(work: &Work, space: &str, forgets: bool) {
    let text = format!("deed/{}", Uuid::new_v4().simple());
    let line = record(LOG, sample::marked(&text));
    let actions =
        if rand::rng().random_ratio(1, 3) { vec![create_log(LOG, None), line] } else { vec![line, put("count", 1)] };
    let (id, job) = if forgets { (born(&text, clock::wall_ms()), Job::Forgettable) } else { (id(&text), Job::Prepare) };
    work.command(job, &command_in(space, id, vec![], actions)).await;
}

/// Some pages of the list of spaces at one node: from the first one on, or from those of this load.
async fn list(work: &Work) {
    let (turn, linearizable, all) = {
        let mut random = rand::rng();
        (work.turn(), random.random_ratio(3, 4), random.random_ratio(1, 8))
    };
    let mut after = if all { String::new() } else { "estate".to_owned() };
    for _ in 0..PAGES {
        match work.ask_spaces(turn, &after, PAGE, linearizable).await {
            Some(Answer::Spaces { spaces, more: true }) => match spaces.last() {
                Some(last) => after = last.name.to_string(),
                None => return,
            },
            _ => return,
        }
    }
}
