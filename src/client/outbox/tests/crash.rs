//! Crashes at every byte of a write, and at every step of a compaction.

use std::fs;

use super::super::entry::{Entry, EntryNumber};
use super::super::frame::{self, HEADER_BYTES, Header};
use super::super::recovery::{Unreadable, read_back};
use super::*;

/// What the file holds after each step of a run that keeps, confirms, confirms again before anything is synced, and keeps.
fn a_run() -> Vec<Vec<u8>> {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = open(&path);
    let mut states = vec![fs::read(&path).unwrap()];
    let mut state = || states.push(fs::read(&path).unwrap());
    keep(&mut ledger, &["a"]).unwrap();
    state();
    keep(&mut ledger, &["b", "c"]).unwrap();
    state();
    confirm(&mut ledger, &[1]).unwrap();
    state();
    confirm(&mut ledger, &[3]).unwrap();
    state();
    keep(&mut ledger, &["d"]).unwrap();
    state();
    confirm(&mut ledger, &[2, 4]).unwrap();
    state();
    states
}

/// What is said by the frames that are whole in the first bytes of a file, by reading them one by one.
fn whole_frames(file: &[u8]) -> (usize, Vec<Entry>) {
    let salt = Header::read(file).unwrap().salt;
    let (mut end, mut waiting) = (HEADER_BYTES, Vec::<Entry>::new());
    while let Ok(frame) = frame::read(salt, file, end) {
        waiting.retain(|entry| !frame.confirmed.contains(&entry.number));
        waiting.extend(frame.kept);
        end = frame.end;
    }
    (end, waiting)
}

#[test]
fn each_step_is_in_the_file_when_it_returns() {
    let states = a_run();
    let waiting: Vec<Vec<u64>> =
        states.iter().map(|file| read_back(file).unwrap().waiting.keys().map(|number| number.0).collect()).collect();
    assert_eq!(waiting, [vec![], vec![1], vec![1, 2, 3], vec![2, 3], vec![2], vec![2, 4], vec![]]);
    for file in &states {
        assert_eq!(read_back(file).unwrap().end, file.len());
    }
}

#[test]
fn a_file_cut_at_any_byte_holds_just_its_whole_frames() {
    for whole in a_run() {
        for length in 0..=whole.len() {
            let cut = &whole[..length];
            if length < HEADER_BYTES {
                let expected = if length == 0 { Unreadable::Foreign } else { Unreadable::DamagedAt(0) };
                assert_eq!(read_back(cut), Err(expected));
                continue;
            }
            let (end, waiting) = whole_frames(cut);
            let recovered = read_back(cut).unwrap();
            assert_eq!(recovered.end, end, "cut at {length}");
            assert_eq!(recovered.waiting.into_values().collect::<Vec<_>>(), waiting, "cut at {length}");
        }
    }
}

#[test]
fn what_was_acknowledged_is_there_whatever_became_of_the_write_behind_it() {
    let states = a_run();
    for (before, after) in states.iter().zip(&states[1..]) {
        let unsynced_from = before.iter().zip(after).take_while(|(one, other)| one == other).count();
        let [acknowledged, next] = [before, after].map(|file| whole_frames(file).1);
        // The new write in part, over what was there: what a killed process leaves.
        for length in unsynced_from..=after.len() {
            let mut file = after[..length].to_vec();
            file.extend(before.get(length..).unwrap_or_default());
            let waiting: Vec<_> = read_back(&file).unwrap().waiting.into_values().collect();
            // A confirmation that was not synced may be taken back, and nothing else may.
            for entry in &acknowledged {
                assert!(waiting.contains(entry) || !next.contains(entry), "{entry:?} of {length} bytes");
            }
            for entry in &waiting {
                let kept = states.iter().any(|file| whole_frames(file).1.contains(entry));
                assert!(kept, "{entry:?} was never kept");
            }
        }
    }
}

#[test]
fn an_outbox_goes_on_behind_a_cut_as_if_the_write_had_never_been() {
    let states = a_run();
    let whole = &states[2];
    for length in states[1].len()..whole.len() {
        let directory = TempDir::new().unwrap();
        let path = path_in(&directory);
        fs::write(&path, &whole[..length]).unwrap();
        let mut ledger = open(&path);
        assert_eq!(waiting(&ledger), ["a"], "cut at {length}");
        assert_eq!(fs::read(&path).unwrap(), states[1], "cut at {length}");
        let kept = keep(&mut ledger, &["x"]).unwrap();
        assert_eq!(kept[0].number, EntryNumber(2));
        drop(ledger);
        assert_eq!(waiting(&open(&path)), ["a", "x"], "cut at {length}");
    }
}

/// A file with three entries of which one waits, and the file that compaction makes of it.
fn a_compaction() -> (Vec<u8>, Vec<u8>) {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = Ledger::open(&path, 1).unwrap();
    keep(&mut ledger, &["a", "b", "c"]).unwrap();
    confirm(&mut ledger, &[1, 3]).unwrap();
    let before = fs::read(&path).unwrap();
    ledger.compact_if_worth_it().unwrap();
    let after = fs::read(&path).unwrap();
    assert!(after.len() < before.len());
    assert!(!fs::exists(directory.path().join("outbox.rewrite")).unwrap());
    (before, after)
}

#[test]
fn a_compaction_that_a_crash_interrupts_at_any_step_changes_nothing() {
    let (before, after) = a_compaction();
    // Step by step: the new file grows beside the old one, then it takes its name.
    let mut steps: Vec<(&[u8], Option<&[u8]>)> = vec![(&before, None)];
    steps.extend((0..=after.len()).map(|length| (before.as_slice(), Some(&after[..length]))));
    steps.push((&after, None));
    for (number, (file, beside)) in steps.into_iter().enumerate() {
        let directory = TempDir::new().unwrap();
        let path = path_in(&directory);
        fs::write(&path, file).unwrap();
        if let Some(beside) = beside {
            fs::write(directory.path().join("outbox.rewrite"), beside).unwrap();
        }
        let mut ledger = Ledger::open(&path, 1).unwrap();
        assert_eq!(waiting(&ledger), ["b"], "step {number}");
        assert!(!fs::exists(directory.path().join("outbox.rewrite")).unwrap(), "step {number}");
        assert_eq!(keep(&mut ledger, &["d"]).unwrap()[0].number, EntryNumber(4), "step {number}");
    }
}

#[test]
fn a_creation_that_a_crash_interrupts_is_done_again() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    fs::write(directory.path().join("outbox.rewrite"), "oncelog out").unwrap();
    let mut ledger = open(&path);
    keep(&mut ledger, &["a"]).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn numbers_grow_through_compactions_and_restarts() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    for round in 0..4 {
        let mut ledger = Ledger::open(&path, 1).unwrap();
        let number = keep(&mut ledger, &["a"]).unwrap()[0].number;
        assert_eq!(number, EntryNumber(round + 1));
        confirm(&mut ledger, &[number.0]).unwrap();
        ledger.compact_if_worth_it().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), HEADER_BYTES as u64);
        if round % 2 == 0 {
            ledger.close().unwrap();
        }
    }
}
