//! Spaces that remember for a minute or a little more, and many ids that were born just as long ago: just inside of the
//! memory, and just outside. Each is sent again within seconds, when it may have come to lie outside, and is looked up, at
//! nodes that follow as much as at the one that leads. P15 insists that what is too old stays so and that nothing is
//! called so before its time, P2 that nothing forgotten is done again.

use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::work::Work;
use crate::clock;
use crate::command::{SYSTEM, born, command_in, compensate_of, create_space, fate_of, id, record};
use crate::history::{CommandNumber, Identity, Job};
use crate::proto::{SubmitRequest, WantedFate};
use crate::sample;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(100);
/// What each space remembers, its buckets being a second wide or a little more.
const MEMORIES_MS: [u64; 3] = [60_000, 64_500, 90_000];
/// How far from the end of the memory an id is born, in either direction.
const BRINK_MS: u64 = 2_500;
/// After how long one comes back: some stay inside, some have come to lie outside.
const BACK_MS: std::ops::Range<u64> = 100..3_500;

struct Sent {
    due: Instant,
    space: String,
    number: CommandNumber,
    request: SubmitRequest,
    id: Identity,
}

pub(super) async fn run(work: Work) {
    for memory_ms in MEMORIES_MS {
        let create = create_space(&space(memory_ms), Some(memory_ms));
        let create = command_in(SYSTEM, id(&Uuid::new_v4().to_string()), vec![], vec![create]);
        // Refused, where it is there.
        work.command(Job::Prepare, &create).await;
    }
    let mut sent: VecDeque<Sent> = VecDeque::new();
    while !work.is_stopped() {
        let turn = work.turn();
        let new = made(&work, sent.back());
        // Whoever follows may think otherwise than who leads: it is asked first, and looked up after that.
        work.try_command(new.number, &new.request, turn).await;
        look(&work, &new, turn + 1).await;
        sent.push_back(new);
        while let Some(old) = sent.pop_front_if(|old| old.due <= Instant::now()) {
            for turn in [turn + 1, turn + 2] {
                work.try_command(old.number, &old.request, turn).await;
                look(&work, &old, turn).await;
            }
        }
        sleep(BREATH).await;
    }
}

fn space(memory_ms: u64) -> String {
    format!("recent-{memory_ms}")
}

/// A command whose id is born on the brink, or long before or after it.
fn made(work: &Work, last: Option<&Sent>) -> Sent {
    let mut random = rand::rng();
    let memory_ms = *MEMORIES_MS.get(random.random_range(0..MEMORIES_MS.len())).expect("a memory");
    let age_ms = match random.random_range(0..16) {
        0 => 0,
        1 => 2 * memory_ms,
        _ => random.random_range(memory_ms - BRINK_MS..=memory_ms + BRINK_MS),
    };
    let (space, text) = (space(memory_ms), format!("recent/{}", Uuid::new_v4().simple()));
    let born = born(&text, clock::wall_ms().saturating_sub(age_ms));
    let mut guards = vec![];
    let mut actions = vec![record("readings", sample::marked(&text))];
    // Now and then another id is asked for, or undone, that is as old.
    if let Some(other) = last.filter(|other| other.space == space).map(|other| other.id.message()) {
        match random.random_range(0..8) {
            0 => guards.push(fate_of(other, WantedFate::WantedApplied)),
            1 => actions.push(compensate_of(other)),
            _ => {}
        }
    }
    let identity = Identity::of(&born);
    let request = command_in(&space, born, guards, actions);
    let number = work.history.command(work.client, Job::Forgettable, &request);
    let due = Instant::now() + Duration::from_millis(random.random_range(BACK_MS));
    Sent { due, space, number, request, id: identity }
}

/// Asks a node what became of it.
async fn look(work: &Work, sent: &Sent, turn: usize) {
    let linearizable = rand::rng().random_ratio(1, 2);
    work.ask_fate(turn, &sent.space, &sent.id, linearizable).await;
}
