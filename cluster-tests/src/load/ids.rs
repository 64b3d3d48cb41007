//! Ids of every form: of one byte and of 128, of letters that are none of ASCII's, with spaces and quotes, `UUIDv7` in
//! lower case and in upper case, and, in a space that forgets, `UUIDv7` with the same birth beside it or with none. Each
//! is sent twice to two nodes and looked up at a third: P2 and P3 insist that it is one id and no other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::{Builder, Uuid};

use super::work::Work;
use crate::clock;
use crate::command::{SYSTEM, command_in, create_space, id, record};
use crate::history::{Identity, Job};
use crate::proto::CommandId;
use crate::sample;

/// Between two ids.
const BREATH: Duration = Duration::from_millis(250);
const LOG: &str = "named";
/// A space that forgets, so that births count, and what it remembers.
const SPACE: &str = "named-for-an-hour";
const MEMORY_MS: u64 = 3_600_000;
/// The longest id.
const LONGEST: usize = 128;
/// Letters of two, three and four bytes.
const LETTERS: [char; 6] = ['é', 'Ω', 'ж', '猫', '∞', '🦀'];

pub(super) async fn run(work: Work) {
    let create =
        command_in(SYSTEM, id(&Uuid::new_v4().to_string()), vec![], vec![create_space(SPACE, Some(MEMORY_MS))]);
    // Refused, where it is there.
    work.command(Job::Prepare, &create).await;
    for number in 0_u32.. {
        if work.is_stopped() {
            return;
        }
        let (space, id) = some_id(number);
        let (identity, log) = (Identity::of(&id), record(LOG, sample::marked(&id.text)));
        let request = command_in(space, id, vec![], vec![log]);
        let command = work.history.command(work.client, Job::Prepare, &request);
        if work.settle(command, &request).await.is_none() && work.is_stopped() {
            return;
        }
        let turn = work.turn();
        work.try_command(command, &request, turn).await;
        work.ask_fate(turn + 1, space, &identity, number.is_multiple_of(2)).await;
        sleep(BREATH).await;
    }
}

/// An id that nobody has used in this run, and its space.
fn some_id(number: u32) -> (&'static str, CommandId) {
    let plain = |text: String| ("", CommandId { text, birth_ms: None });
    let unique = Uuid::new_v4().simple().to_string();
    match number % 8 {
        // There are few of these.
        0 => plain(one_byte().unwrap_or(unique)),
        1 => plain(format!("{unique:=<LONGEST$}")),
        2 => {
            let letter = LETTERS.get(rand::rng().random_range(0..LETTERS.len())).expect("a letter");
            plain(format!("{letter}{unique}{letter}"))
        }
        3 => plain(format!(" \"{unique}\"\\ 'and/so on' %s ")),
        4 => plain(uuid(clock::wall_ms())),
        // It is not canonical: a text like any other.
        5 => plain(uuid(clock::wall_ms()).to_uppercase()),
        6 => (SPACE, CommandId { text: uuid(clock::wall_ms()), birth_ms: None }),
        _ => {
            let birth_ms = clock::wall_ms();
            let text = if rand::rng().random_ratio(1, 2) { uuid(birth_ms) } else { unique };
            (SPACE, CommandId { text, birth_ms: Some(birth_ms) })
        }
    }
}

/// A text of one byte that comes once in this process, as long as there are some.
fn one_byte() -> Option<String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    ('!'..='~').nth(NEXT.fetch_add(1, Ordering::Relaxed)).map(String::from)
}

fn uuid(birth_ms: u64) -> String {
    let mut random = [0; 10];
    rand::rng().fill(&mut random);
    Builder::from_unix_timestamp_millis(birth_ms, &random).into_uuid().hyphenated().to_string()
}
