//! A space that remembers for a minute, and ids that are nearly as old, or older, when they are first sent. They are
//! sent again when they are forgotten, to other nodes. P15 insists that what was once too old stays so, P10 that what was
//! always too old is nowhere, and P2 that nothing that was forgotten is done again.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::clock;
use crate::command::{SYSTEM, born, command_in, create_space, id, record};
use crate::history::{CommandNumber, Job};
use crate::proto::SubmitRequest;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(500);
const SPACE: &str = "forgetful";
const LOG: &str = "readings";
/// The least there is.
const MEMORY_MS: u64 = 60_000;
/// How old ids are that are still taken, for some seconds.
const OLD_MS: u64 = 50_000;
/// How old those are that never were.
const TOO_OLD_MS: u64 = 120_000;
/// After how many more ids one is sent again: when it is on the brink, or just beyond it.
const LATER: usize = 24;

pub(super) async fn run(work: Work) {
    let create =
        command_in(SYSTEM, id(&Uuid::new_v4().to_string()), vec![], vec![create_space(SPACE, Some(MEMORY_MS))]);
    // Refused, where it is there.
    work.command(Job::Prepare, &create).await;
    let mut sent: VecDeque<(CommandNumber, SubmitRequest)> = VecDeque::new();
    while !work.is_stopped() {
        let age_ms = if rand::rng().random_ratio(1, 4) { TOO_OLD_MS } else { OLD_MS };
        let text = format!("reading/{}", Uuid::new_v4().simple());
        let born = born(&text, clock::wall_ms().saturating_sub(age_ms));
        let request = command_in(SPACE, born, vec![], vec![record(LOG, Bytes::from(text))]);
        let number = work.history.command(work.client, Job::Forgettable, &request);
        work.settle(number, &request).await;
        sent.push_back((number, request));
        if sent.len() > LATER
            && let Some((number, request)) = sent.pop_front()
        {
            // To two nodes: one may have come to another answer than the other.
            let first = work.turn();
            for turn in [first, first + 1] {
                work.try_command(number, &request, turn).await;
            }
        }
        sleep(BREATH).await;
    }
}
