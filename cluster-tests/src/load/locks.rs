//! Contenders for a lock that lasts a short while. Who has it writes under its token, sometimes renews it, sometimes
//! gives it back, and sometimes stands still until it is lost and writes then, too. P19 insists that it has one holder,
//! that tokens grow, and that a write with an old one is refused, P8 that whoever asks, or lists all locks page by page,
//! sees who has it, P16 that its time is right.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{acquire, command, lock_held, record, release, renew};
use crate::history::{Answer, Got, Job};
use crate::proto::{Action, Guard, Token};

/// Between two tries.
const BREATH: Duration = Duration::from_millis(400);
/// For how long the lock is taken: the least there is.
const LOCK_MS: u64 = 1_000;
/// How long a holder stands still.
const STILL: Duration = Duration::from_millis(1_300);
/// How many locks a page of their list has.
const PAGE: u32 = 2;
const LOCK: &str = "turnstile";
const WRITES: &str = "turnstile.writes";

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let (turn, linearizable) = (work.turn(), rand::rng().random_ratio(3, 4));
        work.ask_lock(turn, LOCK, linearizable).await;
        if rand::rng().random_ratio(1, 3) {
            list(&work, turn + 1, linearizable).await;
        }
        if let Some(token) = take(&work).await {
            hold(&work, token).await;
        }
        sleep(BREATH).await;
    }
}

/// Lists all locks of all clients, page by page, at one node.
async fn list(work: &Work, turn: usize, linearizable: bool) {
    let mut after = String::new();
    while let Some(Answer::Locks { locks, more: true, .. }) =
        work.ask_locks(turn, (&after, ""), PAGE, linearizable).await
    {
        let Some((last, _)) = locks.last() else { return };
        after = last.to_string();
    }
}

async fn submit(work: &Work, job: Job, guards: Vec<Guard>, action: Action) -> Option<crate::history::Sealed> {
    let id = format!("lock/{}/{}", work.client, Uuid::new_v4().simple());
    work.command(job, &command(&id, guards, vec![action])).await
}

/// Tries to take the lock. None: it is another's.
async fn take(work: &Work) -> Option<(u64, u64)> {
    let holder = format!("client {}", work.client);
    let job = Job::Acquire { lock: LOCK.to_owned() };
    let sealed = submit(work, job, vec![], acquire(LOCK, &holder, LOCK_MS)).await?;
    match sealed.got() {
        [Got::Locked { token, .. }] => Some(*token),
        _ => None,
    }
}

/// Does what holders do.
async fn hold(work: &Work, held: (u64, u64)) {
    let (lock, token) = (|| LOCK.to_owned(), Token { history: held.0, sequence: held.1 });
    let (renews, stands_still, releases) = {
        let mut random = rand::rng();
        (random.random_ratio(1, 3), random.random_ratio(1, 3), random.random_ratio(1, 2))
    };
    let write = || record(WRITES, format!("{held:?} {}", Uuid::new_v4().simple()));
    let job = || Job::Write { lock: lock(), token: held };
    submit(work, job(), vec![lock_held(LOCK, token)], write()).await;
    if renews {
        submit(work, Job::Renew { lock: lock(), token: held }, vec![], renew(LOCK, token, LOCK_MS)).await;
    }
    if stands_still {
        sleep(STILL).await;
        submit(work, job(), vec![lock_held(LOCK, token)], write()).await;
    }
    if releases {
        submit(work, Job::Release { lock: lock(), token: held }, vec![], release(LOCK, token)).await;
    }
}
