//! Readers of two logs that grow together, record by record of the same commands. Readers are moved on and back, deleted,
//! guarded by where they were seen, and moved again, by several clients at once; each is looked for at any node, and all
//! are listed page by page. P8 insists that each is where its version has put it, P24 that lists leave none out and show
//! none that is gone, P1 and P2 that the records of a command are in both logs.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{command, delete_reader, move_reader, position_is, record};
use crate::history::{Answer, Got, Job, Sealed};
use crate::proto::{Action, Guard};
use crate::sample;

/// Between two commands.
const BREATH: Duration = Duration::from_millis(180);
const LOGS: [&str; 2] = ["minutes", "minutes.copy"];
/// How many readers each log has, at most.
const READERS: u32 = 7;
/// How many commands come between two lists.
const CHANGES: usize = 6;
/// How many positions a page has.
const PAGE: u32 = 3;

pub(super) async fn run(work: Work) {
    let mut ends = [0; LOGS.len()];
    let mut seen = None;
    for count in 0_usize.. {
        if work.is_stopped() {
            return;
        }
        let (reader, place, linearizable) = {
            let mut random = rand::rng();
            let reader = format!("reader-{}", random.random_range(0..READERS));
            (reader, random.random_range(0..LOGS.len()), random.random_ratio(3, 4))
        };
        let (log, end) = LOGS.get(place).zip(ends.get(place)).expect("a log with its end");
        let (guards, actions) = change(&reader, log, *end, seen.take());
        let id = format!("minutes/{}", Uuid::new_v4().simple());
        let request = command(&id, guards, actions);
        let Some(sealed) = work.command(Job::Prepare, &request).await else { return };
        learn(&mut ends, &sealed);
        let turn = work.turn();
        if let Some(Answer::Position { offset, version }) = work.ask_position(turn, &reader, log, linearizable).await {
            seen = Some((reader.clone(), *log, offset, version));
        }
        if count.is_multiple_of(CHANGES) {
            // Of one reader, or of all.
            let of = if rand::rng().random_ratio(1, 3) { reader.as_str() } else { "" };
            list(&work, turn + 1, of, linearizable).await;
        }
        sleep(BREATH).await;
    }
}

type Seen = (String, &'static str, u64, u64);

/// A change: both logs grow, or a reader is moved, or deleted; now and then guarded by where another was seen.
fn change(reader: &str, log: &str, end: u64, seen: Option<Seen>) -> (Vec<Guard>, Vec<Action>) {
    let mut random = rand::rng();
    let text = Uuid::new_v4().simple().to_string();
    let grow = || LOGS.map(|log| record(log, sample::marked(&format!("{text} in {log}"))));
    let actions = match random.random_range(0..8) {
        0..3 => grow().into(),
        // It is refused, with where the log ends.
        3 if random.random_ratio(1, 4) => vec![move_reader(reader, log, end + 1_000_000)],
        3..6 => vec![move_reader(reader, log, random.random_range(0..=end))],
        _ => vec![delete_reader(reader, log)],
    };
    let guards = match seen.filter(|_| random.random_ratio(1, 3)) {
        Some((reader, log, offset, version)) => vec![position_is(&reader, log, offset, version)],
        None => vec![],
    };
    (guards, actions)
}

/// Where both logs end, if a command has made them grow.
fn learn(ends: &mut [u64], sealed: &Sealed) {
    let appended = sealed.got().iter().filter_map(|got| match got {
        Got::Appended { first_offset, count } => Some(first_offset + u64::from(*count)),
        _ => None,
    });
    for (end, grown) in ends.iter_mut().zip(appended) {
        *end = grown;
    }
}

/// All positions of one reader or of all, page by page, at one node.
async fn list(work: &Work, turn: usize, reader: &str, linearizable: bool) {
    let mut after = (String::new(), String::new());
    while let Some(Answer::Positions { positions, more: true }) =
        work.ask_positions(turn, reader, (&after.0, &after.1), PAGE, linearizable).await
    {
        let Some(last) = positions.last() else { return };
        after = (last.reader.to_string(), last.log.to_string());
    }
}
