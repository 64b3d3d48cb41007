//! Clients that wait at one node for what another client does at another: for a log's end, an id, a cell, a number, a
//! reader and a free lock. About a third of what they wait for never comes, and then the node has to say so when the time
//! is over. P24 insists that what a wait tells is so.

use std::time::Duration;

use futures::future::join;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{acquire, add_up, command, move_reader, put_bytes, record, release};
use crate::history::{Answer, Got, Identity, Job, Name, Wanted};
use crate::proto::{Action, SubmitRequest, Token};
use crate::sample;

/// Between two waits.
const BREATH: Duration = Duration::from_millis(150);
/// How long what comes is waited for, and what does not come.
const PATIENT: Duration = Duration::from_millis(1_500);
const SHORT: Duration = Duration::from_millis(200);
/// The same until the time of a lock is over, and for a while thereafter.
const UNTIL_EXPIRED: Duration = Duration::from_secs(5);
/// How long the change is held back, so that somebody waits for it.
const HELD_BACK: Duration = Duration::from_millis(15);
/// For how long a lock is taken: the least there is.
const LOCK_MS: u64 = 1_000;

/// What one client changes: nobody else does, so that it knows what is there.
struct Mine {
    log: String,
    cell: String,
    number: String,
    reader: String,
    lock: String,
    end: u64,
    sum: i64,
    version: u64,
    offset: u64,
}

pub(super) async fn run(work: Work) {
    let own = Uuid::new_v4().simple().to_string();
    let mut mine = Mine {
        log: format!("awaited-{own}"),
        cell: format!("awaited/bytes/{own}"),
        number: format!("awaited/number/{own}"),
        reader: format!("awaited-{own}"),
        lock: format!("awaited-{own}"),
        end: 0,
        sum: 0,
        version: 0,
        offset: 0,
    };
    while !work.is_stopped() {
        let kind = rand::rng().random_range(0..6);
        if one(&work, &mut mine, kind).await.is_none() {
            return;
        }
        sleep(BREATH).await;
    }
}

/// One wait with its change, or without. None: the load was stopped.
async fn one(work: &Work, mine: &mut Mine, kind: u8) -> Option<()> {
    let id = format!("awaited/{}", Uuid::new_v4().simple());
    let of = |actions: Vec<Action>| command(&id, vec![], actions);
    match kind {
        0 => {
            let wanted = Wanted::LogEnd { log: Name::of(&mine.log), end: mine.end + 1 };
            mine.end += u64::from(wait(work, wanted, &of(vec![record(&mine.log, sample::marked(&id))])).await?);
        }
        1 => {
            let wanted = Wanted::Decided(Identity { text: Name::of(&id), birth_ms: None });
            wait(work, wanted, &of(vec![put_bytes(&mine.cell, sample::marked(&id).into())])).await?;
            mine.version = cell_version_now(work, &mine.cell).await.unwrap_or(mine.version);
        }
        2 => {
            let wanted = Wanted::CellChanged { key: Name::of(&mine.cell), version: mine.version };
            wait(work, wanted, &of(vec![put_bytes(&mine.cell, sample::marked(&id).into())])).await?;
            mine.version = cell_version_now(work, &mine.cell).await.unwrap_or(mine.version);
        }
        3 => {
            let wanted = Wanted::CellAtLeast { key: Name::of(&mine.number), least: mine.sum + 1 };
            mine.sum += i64::from(wait(work, wanted, &of(vec![add_up(&mine.number, 1)])).await?);
        }
        4 if mine.offset < mine.end => {
            let offset = mine.offset + 1;
            let change = of(vec![move_reader(&mine.reader, &mine.log, offset)]);
            let wanted = Wanted::Position { reader: Name::of(&mine.reader), log: Name::of(&mine.log), offset };
            mine.offset += u64::from(wait(work, wanted, &change).await?);
        }
        _ => free(work, &mine.lock, &id).await?,
    }
    Some(())
}

/// Waits, while the change is made at another node; or only waits. True: the change was made. None: the load was stopped.
async fn wait(work: &Work, wanted: Wanted, change: &SubmitRequest) -> Option<bool> {
    let (turn, comes, linearizable) = {
        let mut random = rand::rng();
        (work.turn(), random.random_ratio(2, 3), random.random_ratio(3, 4))
    };
    if !comes {
        work.ask_wait(turn, wanted, SHORT, linearizable).await;
        return Some(false);
    }
    let number = work.history.command(work.client, Job::Prepare, change);
    let changed = async {
        sleep(HELD_BACK).await;
        work.try_command(number, change, turn + 1).await;
    };
    join(work.ask_wait(turn, wanted, PATIENT, linearizable), changed).await;
    work.settle(number, change).await.map(|sealed| sealed.is_applied())
}

/// Takes a lock, and waits until it is free: because it is given back, or because its time is over.
async fn free(work: &Work, lock: &str, id: &str) -> Option<()> {
    let job = Job::Acquire { lock: lock.to_owned() };
    let sealed = work.command(job, &command(id, vec![], vec![acquire(lock, "somebody who waits", LOCK_MS)])).await?;
    // It may be held still, from before.
    let held_by = sealed.got().iter().find_map(|got| match got {
        Got::Locked { token, .. } => Some(*token),
        _ => None,
    });
    let wanted = Wanted::LockFree { lock: Name::of(lock) };
    let (turn, gives_back) = (work.turn(), rand::rng().random_ratio(1, 2));
    let Some((history, sequence)) = held_by.filter(|_| gives_back) else {
        work.ask_wait(turn, wanted, UNTIL_EXPIRED, true).await;
        return Some(());
    };
    let back = command(&format!("{id}/back"), vec![], vec![release(lock, Token { history, sequence })]);
    let job = Job::Release { lock: lock.to_owned(), token: (history, sequence) };
    let changed = async {
        sleep(HELD_BACK).await;
        work.command(job, &back).await
    };
    join(work.ask_wait(turn, wanted, PATIENT, true), changed).await.1.map(drop)
}

/// The version of a cell, by a wait for any.
async fn cell_version_now(work: &Work, key: &str) -> Option<u64> {
    let wanted = Wanted::CellChanged { key: Name::of(key), version: 0 };
    match work.ask_wait(work.turn(), wanted, SHORT, true).await? {
        Answer::Cell(cell) => cell.map(|cell| cell.version),
        _ => None,
    }
}
