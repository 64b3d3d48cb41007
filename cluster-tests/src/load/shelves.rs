//! Tens of spaces and thousands of short logs in them, made by their first append or by a command of their own where the
//! space wants that, and listed page by page at every node. P24 insists that lists are linearizable and in order, P5 and
//! P23 that all replicas have the same.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{SYSTEM, command_in, create_log, create_space_with, id, record};
use crate::history::{Answer, Job};
use crate::proto::{Action, LogCreation};
use crate::sample;

/// Between two commands.
const BREATH: Duration = Duration::from_millis(45);
/// How many spaces a client makes.
const SPACES: usize = 12;
/// How many logs a client makes at most; then it appends to those that are there.
const LOGS: usize = 3_000;
/// How many logs a page has.
const PAGE: u32 = 40;
/// Every how manieth command a page is asked for.
const LISTED: usize = 6;

struct Shelf {
    space: String,
    explicit: bool,
    logs: Vec<String>,
}

pub(super) async fn run(work: Work) {
    let Some(mut shelves) = shelves(&work).await else { return };
    for count in 0.. {
        if work.is_stopped() {
            return;
        }
        let place = rand::rng().random_range(0..shelves.len());
        let shelf = shelves.get_mut(place).expect("a shelf");
        if fill(&work, shelf, count < LOGS).await.is_none() {
            return;
        }
        if count.is_multiple_of(LISTED) {
            list(&work, shelf, count).await;
        }
        sleep(BREATH).await;
    }
}

/// Spaces, half of which want a command for each log. None: the load was stopped.
async fn shelves(work: &Work) -> Option<Vec<Shelf>> {
    let mut shelves = Vec::new();
    for number in 0..SPACES {
        let space = format!("shelf-{number:02}-{}", Uuid::new_v4().simple());
        let explicit = number.is_multiple_of(2);
        let creation = if explicit { LogCreation::Explicit } else { LogCreation::ByAppend };
        let create =
            command_in(SYSTEM, id(&format!("shelf/{space}")), vec![], vec![create_space_with(&space, None, creation)]);
        work.command(Job::Prepare, &create).await?;
        shelves.push(Shelf { space, explicit, logs: Vec::new() });
    }
    Some(shelves)
}

/// Another log, or another record for one that is there. None: the load was stopped.
async fn fill(work: &Work, shelf: &mut Shelf, may_grow: bool) -> Option<()> {
    let (new, lacks) = {
        let mut random = rand::rng();
        (may_grow && random.random_ratio(3, 4) || shelf.logs.is_empty(), random.random_ratio(1, 12))
    };
    let log = if new {
        format!("book-{}", Uuid::new_v4().simple())
    } else {
        let place = rand::rng().random_range(0..shelf.logs.len());
        shelf.logs.get(place).expect("a log").clone()
    };
    // In a space that wants its logs made an append alone is refused, and makes none.
    let actions = match (new, shelf.explicit, lacks) {
        (true, true, false) => vec![create_log(&log, None), line(&log)],
        (true, false, true) => vec![create_log(&log, None)],
        _ => vec![line(&log)],
    };
    let request = command_in(&shelf.space, id(&format!("book/{}", Uuid::new_v4().simple())), vec![], actions);
    let sealed = work.command(Job::Prepare, &request).await?;
    if new && sealed.is_applied() {
        shelf.logs.push(log);
    }
    Some(())
}

fn line(log: &str) -> Action {
    record(log, sample::marked(&format!("{log}/{}", Uuid::new_v4().simple())))
}

/// Asks a node for pages: two of them, one after the other, from anywhere.
async fn list(work: &Work, shelf: &Shelf, turn: usize) {
    let mut after = match rand::rng().random_range(0..=shelf.logs.len()) {
        0 => String::new(),
        place => shelf.logs.get(place - 1).cloned().unwrap_or_default(),
    };
    let linearizable = rand::rng().random_ratio(3, 4);
    for _ in 0..2 {
        match work.ask_logs(turn, &shelf.space, &after, PAGE, linearizable).await {
            Some(Answer::Logs { logs, more: true }) => match logs.last() {
                Some(last) => after = last.name.to_string(),
                None => return,
            },
            _ => return,
        }
    }
}
