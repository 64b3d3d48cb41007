//! Every bit of a small file, turned over.

use std::fs;

use super::super::frame::HEADER_BYTES;
use super::super::recovery::{Unreadable, read_back};
use super::*;

#[test]
fn a_flipped_bit_is_told_with_its_place_or_undoes_the_last_write_and_never_makes_another_entry() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = open(&path);
    let mut starts = vec![0];
    let mut frame = || starts.push(usize::try_from(fs::metadata(&path).unwrap().len()).unwrap());
    frame();
    keep(&mut ledger, &["a", "b"]).unwrap();
    frame();
    keep(&mut ledger, &["c"]).unwrap();
    confirm(&mut ledger, &[1]).unwrap();
    keep(&mut ledger, &["d"]).unwrap();
    drop(ledger);
    let whole = fs::read(&path).unwrap();
    // The second frame is that of `c`, the last one that of `d`, which also confirms.
    let last = read_back(&whole).unwrap().last;
    starts.push(last);
    let without_last = read_back(&whole[..last]).unwrap();
    assert_eq!(starts.len(), 4);
    assert_eq!(starts[1], HEADER_BYTES);

    for bit in 0..8 * whole.len() {
        let (place, mask) = (bit / 8, 1 << (bit % 8));
        let mut file = whole.clone();
        file[place] ^= mask;
        let read = read_back(&file);
        if place >= last {
            assert_eq!(read.as_ref(), Ok(&without_last), "bit {bit}");
            continue;
        }
        let start = *starts.iter().rfind(|start| **start <= place).unwrap();
        let expected = match place {
            0..15 => Unreadable::Foreign,
            15 => Unreadable::UnknownVersion(2 ^ mask),
            _ => Unreadable::DamagedAt(start),
        };
        assert_eq!(read, Err(expected), "bit {bit}");
    }
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut ledger = open(&path);
    keep(&mut ledger, &["a"]).unwrap();
    keep(&mut ledger, &["b"]).unwrap();
    drop(ledger);
    let mut file = fs::read(&path).unwrap();
    file[HEADER_BYTES + 20] ^= 1;
    fs::write(&path, &file).unwrap();
    let error = Ledger::open(&path, NO_COMPACTION).unwrap_err();
    let place = fs::canonicalize(&path).unwrap();
    assert!(error.to_string().starts_with(&format!("{} is damaged at byte 36,", place.display())), "{error}");
    assert_eq!(fs::read(&path).unwrap(), file);
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    for (content, expected) in [
        ("", "is not an outbox"),
        ("[settings]\n", "is not an outbox"),
        ("oncelog outbox\n\u{1}…", "with the build that wrote it"),
        ("oncelog outbox\n\u{3}…", "with the build that wrote it"),
    ] {
        fs::write(&path, content).unwrap();
        let error = Ledger::open(&path, NO_COMPACTION).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content.as_bytes());
    }
}
