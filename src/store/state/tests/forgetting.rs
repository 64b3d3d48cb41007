//! What goes by itself: records that were trimmed, ids that were forgotten, locks that expired.

use std::time::Instant;

use super::super::keys;
use super::model::Model;
use super::*;
use crate::types::SpaceNumber;
use crate::types::limits::HOT_DUE_MAX;

/// An append to the finite space, born and stamped at once.
fn append_finite(index: u64, stamp: u64) -> LogEntry {
    let proposal = command_in(&finite_space(), born(&format!("b-{index}"), stamp), vec![records(log("l"), &["x"])]);
    batch_at(index, stamp, vec![proposal])
}

/// Two ids of the finite space, a minute apart: the third entry forgets the first.
fn two_ids() -> Vec<LogEntry> {
    vec![
        batch_at(0, 100_000, vec![make_finite_space()]),
        append_finite(1, 100_000),
        append_finite(2, 130_000),
        batch_at(3, 161_000, vec![]),
    ]
}

fn knows(state: &State, text: &str, birth: u64) -> bool {
    state.view().remembered(&finite_space(), &born(text, birth)).unwrap().is_some()
}

fn floor(state: &State) -> LogTime {
    state.view().space(&finite_space()).unwrap().unwrap().floor
}

#[test]
fn an_id_goes_with_the_write_that_moves_the_floor_and_not_before() {
    let (directory, state) = fresh();
    let entries = two_ids();
    // Made with a memory of a minute.
    let begun = ms(40_000);
    state.apply(entries[..3].to_vec()).unwrap();
    state.flush().unwrap();
    assert!(knows(&state, "b-1", 100_000) && floor(&state) == begun);
    assert_eq!(state.view().next_due().unwrap(), Some(ms(161_000)));

    state.apply(entries[3..].to_vec()).unwrap();
    assert!(!knows(&state, "b-1", 100_000) && knows(&state, "b-2", 130_000));
    assert_eq!(floor(&state), ms(101_000));

    // A crash before the flush loses both; after it neither comes back.
    for (flushed, floor_left) in [(false, begun), (true, ms(101_000))] {
        if flushed {
            state.flush().unwrap();
        }
        let image = directory.path().join(format!("image {flushed}"));
        crate::store::crash_point::image(&directory.path().join("0"), &image);
        let left = open(&image);
        assert_eq!((floor(&left), knows(&left, "b-1", 100_000)), (floor_left, !flushed));
        let applied = if flushed { 4 } else { 3 };
        assert_eq!(rows(&left), Model::after(&entries[..applied]).rows());
        left.apply(entries[applied..].to_vec()).unwrap();
        assert_eq!(rows(&left), rows(&state));
        assert_eq!(standing(&left), standing(&state));
    }
}

#[test]
fn what_is_forgotten_is_unknown_to_memory_and_disk_and_what_is_live_is_not() {
    let (_directory, state) = fresh();
    let entries = two_ids();
    let lacks = |text: &str, birth| state.view().surely_lacks(&finite_space(), &born(text, birth)).unwrap();
    state.apply(entries[..3].to_vec()).unwrap();
    state.flush().unwrap();
    assert!(!lacks("b-1", 100_000) && !lacks("b-2", 130_000));
    state.apply(entries[3..].to_vec()).unwrap();
    for _ in 0..2 {
        assert!(!knows(&state, "b-1", 100_000) && knows(&state, "b-2", 130_000));
        assert!(!lacks("b-2", 130_000), "it is known");
        assert_eq!(state.view().remembered_many(&[(finite_space(), born("b-1", 100_000))]).unwrap(), [None]);
        // Below the floor, and never seen.
        assert!(!knows(&state, "b-0", 1));
        state.flush().unwrap();
    }
}

#[test]
fn a_view_of_before_sees_a_page_without_a_gap_while_records_are_trimmed() {
    let (_directory, state) = fresh();
    let first = append("first", "l", &["0", "1", "2", "3"]);
    state.apply(vec![batch(0, vec![first])]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 1..400 {
                let trim =
                    command(&format!("trim-{index}"), vec![Action::Trim { log: log("l"), before: Offset(index * 2) }]);
                state.apply(vec![batch(index, vec![append(&format!("a-{index}"), "l", &["x", "y"]), trim])]).unwrap();
                if index % 100 == 0 {
                    state.flush().unwrap();
                }
            }
        });
        loop {
            let done = writer.is_finished();
            let page = state.view().records(&main_space(), &log("l"), Offset(0), 10, 1_000).unwrap().unwrap();
            assert_eq!(page.records.len(), 4, "from {} to {}", page.start, page.end);
            assert_eq!((page.records[0].offset, page.next), (page.start, page.end));
            if done {
                break;
            }
        }
    });
}

#[test]
fn a_reader_below_the_start_is_told_where_the_log_begins_on_disk_and_in_memory() {
    let (_directory, state) = fresh();
    state.apply(vec![batch(0, vec![append("a", "l", &["0"])])]).unwrap();
    let number = state.view().log(&main_space(), &log("l")).unwrap().unwrap().number;
    let followed = state.follow(SpaceNumber(1), number);
    let trim = |to| command(&format!("trim {to}"), vec![Action::Trim { log: log("l"), before: Offset(to) }]);
    // In one write: what comes, and what goes of it.
    state.apply(vec![batch(1, vec![append("b", "l", &["1", "2", "3"]), trim(2)])]).unwrap();
    assert!(followed.records(Offset(1), 100).unwrap().is_none(), "it is sent to the disk");
    let page = |from| state.view().records(&main_space(), &log("l"), Offset(from), 10, 100).unwrap().unwrap();
    let below = page(1);
    assert_eq!((below.start, below.next, below.records.len()), (Offset(2), Offset(4), 2));
    let (left, end) = followed.records(Offset(2), 100).unwrap().unwrap();
    assert_eq!((left.len(), end), (2, Offset(4)));

    state.apply(vec![batch(2, vec![trim(4)])]).unwrap();
    assert!(followed.records(Offset(3), 100).unwrap().is_none());
    let empty = page(3);
    assert_eq!((empty.start, empty.next, empty.end), (Offset(4), Offset(4), Offset(4)));
    assert!(empty.records.is_empty());
    let at_the_end = page(4);
    assert_eq!((at_the_end.start, at_the_end.next), (Offset(4), Offset(4)));
}

#[test]
fn more_than_an_entry_can_do_is_done_alike_however_entries_are_cut() {
    let locks: Vec<_> = (0..400).map(lock_name).collect();
    let take = |chunk: &[LockName]| chunk.iter().map(|name| acquire(name.clone(), 10)).collect();
    let mut entries = vec![batch_at(0, 1_000, vec![make_finite_space()])];
    let acquired = locks.chunks(100).map(|chunk| command(chunk[0].as_str(), take(chunk))).collect();
    entries.push(batch_at(1, 1_000, acquired));
    let births = (0..100).map(|number| 1_000 + number * 1_000);
    let ids = births.map(|birth| command_in(&finite_space(), born("b", birth), vec![records(log("l"), &["x"])]));
    entries.push(batch_at(2, 1_500, ids.collect()));
    // All of it is due, and in between some of it is taken again, which takes places in the index away.
    for index in 3..20 {
        let again = locks.iter().skip(usize::try_from(index).unwrap() * 13).step_by(7).take(20);
        let again = again.map(|name| command(&format!("{index} {name}"), vec![acquire(name.clone(), 1)])).collect();
        entries.push(batch_at(index, 400_000 + index * 10, again));
    }
    let model = Model::after(&entries);
    for chunk in [1, 2, 5, 20] {
        let (_directory, state) = fresh();
        for entries in entries.chunks(chunk) {
            state.apply(entries.to_vec()).unwrap();
        }
        assert_eq!(state.applied().digest, model.digest, "in chunks of {chunk}");
        assert!(rows(&state) == model.rows(), "in chunks of {chunk}");
    }
}

#[test]
fn more_that_is_due_than_memory_holds_is_found_on_disk_in_time() {
    let (directory, mut state) = fresh();
    let count = 2 * HOT_DUE_MAX as u64 + 1_000;
    let mut names = (0..count).map(lock_name);
    let mut index = 0;
    let mut stamp = 1_000;
    let due_on_disk = |state: &State| {
        let generation = state.current().generation.clone();
        generation.due(&keys::ALL_DUE, 1).unwrap().first().map(|(at, _)| *at)
    };
    loop {
        // Later ones expire earlier, so that rows come before those in memory.
        let length = 60 - index / 10;
        let actions: Vec<_> = names.by_ref().take(1_000).map(|name| acquire(name, length)).collect();
        if actions.is_empty() {
            break;
        }
        state.apply(vec![batch_at(index, stamp, vec![command(&format!("take {index}"), actions)])]).unwrap();
        assert_eq!(state.view().next_due().unwrap(), due_on_disk(&state));
        index += 1;
    }
    for round in 0.. {
        stamp += 5_000;
        let chunk: Vec<_> = (0..100).map(|number| batch_at(index + number, stamp, vec![])).collect();
        index += 100;
        state.apply(chunk).unwrap();
        let next_due = state.view().next_due().unwrap();
        assert_eq!(next_due, due_on_disk(&state));
        if next_due.is_none() {
            break;
        }
        if round == 5 {
            state.flush().unwrap();
            drop(state);
            state = open(&directory.path().join("0"));
            assert_eq!(state.view().next_due().unwrap(), next_due);
        }
    }
    assert_eq!(state.view().locks(&main_space(), None, "", 10).unwrap(), (vec![], false));
    assert!(state.view().lock(&main_space(), &lock_name(0)).unwrap().is_none());
}

#[test]
fn ranges_that_were_taken_away_do_not_pile_up_in_memory() {
    let (_directory, state) = fresh();
    let many = vec!["x"; 300];
    let generation = state.current().generation.clone();
    let flushed = || {
        let levels = generation.database().property_int_value_cf(generation.records(), "rocksdb.num-files-at-level0");
        levels.unwrap().unwrap()
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut index = 0;
    while flushed() == 0 {
        assert!(Instant::now() < deadline, "a memtable of few bytes and many ranges is flushed");
        let trim = Action::Trim { log: log("l"), before: Offset((index + 1) * 300) };
        let both = command(&format!("{index}"), vec![records(log("l"), &many), trim]);
        state.apply(vec![batch(index, vec![both])]).unwrap();
        index += 1;
    }
    let page = state.view().records(&main_space(), &log("l"), Offset(0), 10, 100).unwrap().unwrap();
    assert_eq!((page.start, page.end, page.records.len()), (Offset(index * 300), Offset(index * 300), 0));
}
