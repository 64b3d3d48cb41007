//! Bytes that change or go: a torn write that nobody was told of is cut off, everything else is refused.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::*;
use crate::store::crash_point::{self, Hook};
use crate::store::log::wal;
use crate::store::log::watermark::Watermark;

/// Writes some groups and leaves the directory as a killed process would, at the last time that it came to this point.
///
/// Entries 0 to 4 are one group each, then comes a vote, then entries 5 to 7 in one group of 60 KB.
fn killed_at(directory: &Path, point: &'static str) {
    let live = directory.with_extension("live");
    let image = Arc::new(Mutex::new(0));
    let log = Log::open(&live, options()).unwrap();
    for index in 0..5 {
        append(&log, entries_of(1, index..index + 1)).unwrap();
    }
    wait(log.save_vote(vote(3))).unwrap();
    let hook = Hook::install(&live, {
        let (live, directory, image) = (live.clone(), directory.to_owned(), image.clone());
        move |reached| {
            if reached == point {
                *image.lock().unwrap() += 1;
                crash_point::image(&live, &directory);
            }
        }
    });
    append(&log, (5..8).map(|index| entry_of(1, index, 20_000)).collect()).unwrap();
    drop(log);
    drop(hook);
    assert_eq!(*image.lock().unwrap(), 1);
    fs::remove_dir_all(live).unwrap();
}

/// A log whose last group was not acknowledged and is broken in its middle, so that the database refuses it.
pub(super) fn torn_group(directory: &Path) {
    killed_at(directory, "group.synced");
    let (path, mut bytes) = newest_wal(directory);
    let at = bytes.len() - 30_000;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn newest_wal(directory: &Path) -> (PathBuf, Vec<u8>) {
    let path = wal::files_of(&directory.join("log")).unwrap().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

/// Where the group with this text begins in the write-ahead log.
fn place_of(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
}

#[test]
fn a_torn_tail_that_nobody_was_told_of_is_cut_off() {
    for options in [options(), after_power_cut()] {
        for cut in [1, 7, 100, 30_000, 60_000] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path().join("log");
            killed_at(&directory, "group.synced");
            let (path, bytes) = newest_wal(&directory);
            fs::write(path, &bytes[..bytes.len() - cut]).unwrap();
            let log = Log::open(&directory, options.clone()).unwrap();
            assert_eq!(all(&log), entries_of(1, 0..5));
            assert_eq!(log.vote(), Some(vote(3)));
            append(&log, entries_of(3, 5..6)).unwrap();
            drop(log);
            assert_eq!(Log::open(&directory, options.clone()).unwrap().last(), Some(id(3, 5)));
        }
    }
}

#[test]
fn a_last_group_with_a_hole_is_cut_off_even_where_the_database_refuses_it() {
    for options in [options(), after_power_cut()] {
        for blank in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path().join("log");
            torn_group(&directory);
            if blank {
                let (path, mut bytes) = newest_wal(&directory);
                let end = bytes.len();
                bytes[end - 50_000..end - 10_000].fill(0);
                fs::write(path, bytes).unwrap();
            }
            let log = Log::open(&directory, options.clone()).unwrap();
            assert_eq!(all(&log), entries_of(1, 0..5));
            append(&log, entries_of(3, 5..6)).unwrap();
            drop(log);
            assert_eq!(Log::open(&directory, options.clone()).unwrap().last(), Some(id(3, 5)));
        }
    }
}

#[test]
fn a_tail_that_was_acknowledged_is_missed_whatever_the_boot() {
    for options in [options(), after_power_cut()] {
        for cut in [1, 100, 60_000] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path().join("log");
            killed_at(&directory, "group.marked");
            let (path, bytes) = newest_wal(&directory);
            fs::write(path, &bytes[..bytes.len() - cut]).unwrap();
            // The first open may consume the write-ahead log; the second must not be deceived.
            for _ in 0..2 {
                let message = damage(&directory, options.clone());
                assert!(message.contains("it ends at T1-N1.4, but T1-N1.7 was on disk"), "{message}");
                assert!(message.contains("start a new node with an empty data directory"), "{message}");
            }
        }
    }
}

#[test]
fn a_broken_last_group_that_was_acknowledged_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    killed_at(&directory, "group.marked");
    let (path, mut bytes) = newest_wal(&directory);
    let at = bytes.len() - 30_000;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    for _ in 0..2 {
        let message = damage(&directory, options());
        assert!(message.contains("T1-N1.7 was on disk"), "{message}");
    }
    assert!(!directory.join("log.copy").exists());
}

#[test]
fn a_damaged_middle_of_the_write_ahead_log_is_refused_and_left_as_it_is() {
    // The second half of the last group is not synced, and the watermark is as old as it gets after a power cut.
    for options in [options(), after_power_cut()] {
        for (number, change) in [-7_i64, -3, -2, -1, 0, 10].into_iter().enumerate() {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path().join("log");
            killed_at(&directory, "group.marked");
            let (path, mut bytes) = newest_wal(&directory);
            let payload = place_of(&bytes, "1.2 ");
            // From checksum, length and type of the group's fragment up to its content. The value lies behind the
            // fragment's header (7), the group's (12), and the key and lengths of the change.
            let begin =
                (0..payload).rev().find(|at| bytes[at + 6] == 1 && bytes[at + 5] == 0 && payload - at < 80).unwrap();
            let at = usize::try_from(i64::try_from(begin).unwrap() + 7 + change).unwrap();
            bytes[at] ^= 0x40;
            fs::write(&path, &bytes).unwrap();
            let message = damage(&directory, options.clone());
            assert!(message.contains("more follows"), "{number}: {message}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{number}");
        }
    }
}

#[test]
fn a_middle_that_is_gone_or_blank_is_refused() {
    for blank in [false, true] {
        for options in [options(), after_power_cut()] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path().join("log");
            killed_at(&directory, "group.marked");
            let (path, mut bytes) = newest_wal(&directory);
            let (from, to) = (place_of(&bytes, "1.1 "), place_of(&bytes, "1.3 "));
            if blank {
                bytes[from..to].fill(0);
            } else {
                bytes.drain(from..to);
            }
            fs::write(&path, &bytes).unwrap();
            let message = damage(&directory, options);
            assert!(message.contains("more follows"), "{message}");
        }
    }
}

#[test]
fn a_log_in_several_write_ahead_log_files_is_whole_until_one_of_them_is_not() {
    let cases = [
        ("left over", options()),
        ("left over", after_power_cut()),
        ("broken", options()),
        ("gone", options()),
        ("cut", options()),
    ];
    for (change, boot) in cases {
        let directory = tempfile::tempdir().unwrap();
        let (live, image) = (directory.path().join("live"), directory.path().join("image"));
        let log = Log::open(&live, options()).unwrap();
        for index in 0..5 {
            append(&log, entries_of(1, index..index + 1)).unwrap();
        }
        let first = newest_wal(&live).0;
        let mut kept = fs::read(&first).unwrap();
        log.inner.shared.database.flush();
        append(&log, entries_of(1, 5..9)).unwrap();
        let second = newest_wal(&live).0;
        assert_ne!(first, second);
        crash_point::image(&live, &image);
        // A file that the database no longer needs may be left over, even a broken one.
        if change == "broken" {
            kept[150] ^= 1;
        }
        let database = image.join("log");
        fs::write(database.join(first.file_name().unwrap()), kept).unwrap();
        let second = database.join(second.file_name().unwrap());
        match change {
            "gone" => fs::remove_file(second).unwrap(),
            "cut" => fs::write(&second, &fs::read(&second).unwrap()[..60]).unwrap(),
            _ => {
                assert_eq!(all(&Log::open(&image, boot).unwrap()), entries_of(1, 0..9));
                continue;
            }
        }
        damage(&image, boot);
    }
}

#[test]
fn a_write_ahead_log_that_is_gone_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    killed_at(&directory, "group.marked");
    fs::remove_file(newest_wal(&directory).0).unwrap();
    damage(&directory, options());
}

/// A log whose entries lie in one table file.
fn with_table(directory: &Path) -> PathBuf {
    let log = Log::open(directory, options()).unwrap();
    append(&log, (0..50).map(|index| entry_of(1, index, 3_000)).collect()).unwrap();
    wait(log.save_vote(vote(3))).unwrap();
    log.inner.shared.database.flush();
    drop(log);
    let items = fs::read_dir(directory.join("log")).unwrap();
    let mut tables: Vec<_> = items.map(|item| item.unwrap().path()).collect();
    tables.retain(|path| path.extension().is_some_and(|extension| extension == "sst"));
    assert_eq!(tables.len(), 1);
    tables.remove(0)
}

#[test]
fn a_flipped_byte_in_a_table_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let table = with_table(directory.path());
    let whole = fs::read(&table).unwrap();
    for at in [10, 1_000, 70_000, whole.len() / 2, whole.len() - 60] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&table, &bytes).unwrap();
        damage(directory.path(), options());
    }
    fs::write(&table, &whole).unwrap();
    assert_eq!(Log::open(directory.path(), options()).unwrap().last(), Some(id(1, 49)));
}

#[test]
fn a_table_the_directory_of_the_database_or_the_watermark_that_is_gone_is_missed() {
    for gone in ["table", "log", "log/CURRENT", "watermark"] {
        let directory = tempfile::tempdir().unwrap();
        let table = with_table(directory.path());
        let path = if gone == "table" { table } else { directory.path().join(gone) };
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        let message = damage(directory.path(), options());
        assert!(gone == "table" || message.contains("is gone"), "{message}");
        damage(directory.path(), after_power_cut());
    }
}

/// Changes a closed log's database behind its back, where every checksum of the database's own is right.
fn tamper(directory: &Path, change: impl FnOnce(&mut crate::store::log::database::Batch)) {
    use crate::store::log::database::{Database, Recovery};
    let database = Database::open(&directory.join("log"), 3, Recovery::Strict, false).unwrap();
    let mut batch = database.batch();
    change(&mut batch);
    database.write(batch).unwrap();
}

#[test]
fn an_entry_that_the_database_vouches_for_is_still_checked_against_the_chain() {
    use crate::store::log::keys::Key;
    use crate::store::log::record::{Link, encode_entry, encode_purged};
    let tampered = |change: &dyn Fn(&mut crate::store::log::database::Batch)| {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(directory.path(), options()).unwrap();
        append(&log, entries_of(1, 0..9)).unwrap();
        wait(log.save_vote(vote(3))).unwrap();
        drop(log);
        tamper(directory.path(), change);
        damage(directory.path(), options())
    };
    let key = |index| Key::Entry(LogIndex(index));
    let message = tampered(&|batch| batch.put(key(4), encode_entry(Link(0), &entry_of(1, 4, 1)).0));
    assert!(message.contains("entry 4 has changed on disk"), "{message}");
    let message = tampered(&|batch| batch.remove(LogIndex(4), LogIndex(6)));
    assert!(message.contains("entries 4 up to 6 are gone"), "{message}");
    let message = tampered(&|batch| batch.remove(LogIndex(0), LogIndex(2)));
    assert!(message.contains("entry 2 has changed on disk"), "{message}");
    let message = tampered(&|batch| batch.remove(LogIndex(7), LogIndex(9)));
    assert!(message.contains("it ends at T1-N1.6, but T1-N1.8 was on disk"), "{message}");
    let message = tampered(&|batch| batch.put(Key::Purged, encode_purged(id(1, 3), Link(77))));
    assert!(message.contains("entry 4 has changed on disk"), "{message}");
    let message = tampered(&|batch| batch.put(Key::Vote, crate::store::entry::encode_vote(&vote(2))));
    assert!(message.contains("its vote is"), "{message}");
    let message = tampered(&|batch| batch.put(key(8), b"\x09"));
    assert!(message.contains("entry 8 can't be read"), "{message}");
    let message = tampered(&|batch| batch.put(Key::Vote, b"\x01"));
    assert!(message.contains("its vote can't be read"), "{message}");
}

#[test]
fn another_entry_at_the_index_of_the_watermark_is_not_the_one_that_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), options()).unwrap();
    append(&log, entries_of(1, 0..9)).unwrap();
    drop(log);
    let mut watermark = Watermark::open(directory.path()).unwrap().unwrap();
    watermark.raise(Some(id(2, 4)), None).unwrap();
    let message = damage(directory.path(), options());
    assert!(message.contains("it holds T1-N1.4, but T2-N1.4 was on disk"), "{message}");
}

#[test]
fn an_entry_that_goes_while_the_log_is_open_is_an_error_and_never_a_shorter_answer() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path(), without_cache()).unwrap();
    append(&log, entries_of(1, 0..9)).unwrap();
    let mut batch = log.inner.shared.database.batch();
    batch.remove(LogIndex(4), LogIndex(5));
    log.inner.shared.database.write(batch).unwrap();
    assert!(matches!(log.entries(LogIndex(2)..LogIndex(8)), Err(Error::Hole(LogIndex(4)))));
    assert!(matches!(append(&log, entries_of(1, 9..10)), Err(Error::Hole(LogIndex(4)))));
}

#[test]
fn one_half_of_the_watermark_may_be_lost_but_not_both() {
    let directory = tempfile::tempdir().unwrap();
    for halves in [vec![0], vec![4_096], vec![0, 4_096]] {
        let directory = directory.path().join(format!("{halves:?}"));
        killed_at(&directory, "group.marked");
        let path = directory.join("watermark");
        let mut bytes = fs::read(&path).unwrap();
        for half in &halves {
            bytes[half + 20] ^= 1;
        }
        fs::write(&path, bytes).unwrap();
        if halves.len() == 1 {
            let log = Log::open(&directory, options()).unwrap();
            assert_eq!((log.last(), log.vote()), (Some(id(1, 7)), Some(vote(3))));
        } else {
            let message = damage(&directory, options());
            assert!(message.contains("neither half of its watermark can be read"), "{message}");
        }
    }
}

#[test]
fn a_log_that_has_to_be_there_is_never_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(&directory.path().join("raft"), Options { must_exist: true, ..options() });
    assert!(matches!(log, Err(Error::Damaged { .. })), "{log:?}");
}
