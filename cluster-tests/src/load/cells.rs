//! Cells that are put, added to, deleted, and put again, guarded by the version that they were seen with, by several
//! clients at once, and read at any node as soon as that is answered; and lists of them, page by page, at every node. P24 insists that lists are linearizable, P22 that each
//! guard saw what was there.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{add_up, cell_absent, cell_version, command, delete_cell, put, put_bytes};
use crate::history::{Answer, CellSeen, Job};
use crate::proto::{Action, Guard};
use crate::sample;

/// Between two changes.
const BREATH: Duration = Duration::from_millis(160);
/// How many cells there are at most.
const CELLS: u32 = 40;
/// How many changes come between two lists.
const CHANGES: usize = 5;
/// How many cells a page has.
const PAGE: u32 = 7;
/// What their keys begin with.
const SHELF: &str = "shelf/";

pub(super) async fn run(work: Work) {
    let mut seen: Vec<CellSeen> = Vec::new();
    for turn in work.turn().. {
        if work.is_stopped() {
            return;
        }
        for _ in 0..CHANGES {
            let key = format!("{SHELF}{:03}", rand::rng().random_range(0..CELLS));
            let (guards, actions) = change(&key, &seen);
            let id = format!("shelf/{}", Uuid::new_v4().simple());
            if work.command(Job::Prepare, &command(&id, guards, actions)).await.is_none() {
                return;
            }
            let (reader, linearizable) = (work.turn(), rand::rng().random_ratio(3, 4));
            work.ask_cell(reader, &key, linearizable).await;
            sleep(BREATH).await;
        }
        let linearizable = rand::rng().random_ratio(3, 4);
        if let Some(all) = list(&work, turn, linearizable).await {
            seen = all;
        }
    }
}

/// A change of a cell, guarded by how it was seen last: others may have been faster.
fn change(key: &str, seen: &[CellSeen]) -> (Vec<Guard>, Vec<Action>) {
    let mut random = rand::rng();
    let known = seen.iter().find(|cell| *cell.key == *key).map(|cell| cell.version);
    let guard = match known {
        Some(version) => cell_version(key, version),
        None => cell_absent(key),
    };
    let guards = if random.random_ratio(3, 4) { vec![guard] } else { vec![] };
    let action = match random.random_range(0..8) {
        0..3 => delete_cell(key),
        3..5 => put(key, random.random_range(-100..=100)),
        5 => add_up(key, random.random_range(-10..=10)),
        _ => put_bytes(key, Bytes::from(sample::marked(&Uuid::new_v4().to_string()))),
    };
    (guards, vec![action])
}

/// All cells, page by page, at one node. None: it did not say.
async fn list(work: &Work, turn: usize, linearizable: bool) -> Option<Vec<CellSeen>> {
    let mut all: Vec<CellSeen> = Vec::new();
    loop {
        let after = all.last().map(|cell| cell.key.to_string()).unwrap_or_default();
        match work.ask_cells(turn, (&after, SHELF), PAGE, linearizable).await? {
            Answer::Cells { cells, more } => {
                let ends = !more || cells.is_empty();
                all.extend(cells);
                if ends {
                    return Some(all);
                }
            }
            other => panic!("cells were asked for, and {other:?} was said"),
        }
    }
}
