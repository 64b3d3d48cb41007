//! How fast commands are applied: told, not judged.

use std::time::Instant;

use super::*;

const ENTRIES: u64 = 300;
const COMMANDS: u64 = 100;

#[test]
fn commands_applied_in_a_second_are_counted_and_told() {
    let (_directory, state) = fresh();
    let payload = "x".repeat(256);
    let entry = |index: u64| {
        let command = |number: u64| {
            // Births of a few milliseconds, the rest scattered, as clients make them.
            let random = blake3::hash(&(index * COMMANDS + number).to_be_bytes());
            let mut bytes = *random.as_bytes().first_chunk::<16>().unwrap();
            bytes[..6].copy_from_slice(&(1_700_000_000_000 + index).to_be_bytes()[2..]);
            bytes[6] = 0x70 | bytes[6] & 0x0f;
            bytes[8] = 0x80 | bytes[8] & 0x3f;
            append(&uuid::Uuid::from_bytes(bytes).to_string(), &format!("log-{}", number % 8), &[&payload])
        };
        batch(index, (0..COMMANDS).map(command).collect())
    };
    let entries: Vec<_> = (0..ENTRIES).map(entry).collect();
    let began = Instant::now();
    for chunk in entries.chunks(8) {
        state.apply(chunk.to_vec()).unwrap();
    }
    let applied = began.elapsed();
    state.flush().unwrap();
    let commands = ENTRIES * COMMANDS;
    assert_eq!(state.counters().decided, commands);
    println!("{commands} commands of 256 bytes applied in {applied:?}, flushed after {:?}", began.elapsed());
}

#[test]
fn a_queue_of_one_record_at_a_time_is_read_and_trimmed_and_the_time_is_told() {
    const ROUNDS: u64 = 6_000;
    let (_directory, state) = fresh();
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    for index in 0..ROUNDS {
        let trim = command(&format!("trim-{index}"), vec![Action::Trim { log: log("l"), before: Offset(index) }]);
        state.apply(vec![batch(index, vec![append(&format!("id-{index}"), "l", &["x"]), trim])]).unwrap();
        let asked = Instant::now();
        let page = state.view().records(&main_space(), &log("l"), Offset(index), 10, 1_000).unwrap().unwrap();
        slowest = slowest.max(asked.elapsed());
        assert_eq!((page.start, page.records.len()), (Offset(index), 1));
    }
    println!("{ROUNDS} records appended, trimmed and read in {:?}, the slowest page in {slowest:?}", began.elapsed());
}
