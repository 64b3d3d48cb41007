//! A sound replica is accepted. Damaged in one place, it is rejected, for that reason.

use super::super::agreement::judge;
use super::super::{Bucket, Cell, DeletedLog, Due, Globals, Id, Position, Span, Table, Value};
use super::sample::{BRIEF, MAIN, Sample, plain};
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;

fn found<T>(damage: impl FnOnce(&mut Sample) -> T) -> Vec<String> {
    let mut sample = Sample::sound();
    damage(&mut sample);
    let mut found = Vec::new();
    judge(&sample.dump(), &mut |what| found.push(what));
    found
}

/// The damage is found, and a sentence says what it is.
fn finds<T>(words: &str, damage: impl FnOnce(&mut Sample) -> T) {
    let found = found(damage);
    assert!(found.iter().any(|what| what.contains(words)), "{words:?} is not in {found:#?}");
}

fn main(name: &str) -> (u32, String) {
    (MAIN, name.to_owned())
}

#[test]
fn a_sound_replica_is_accepted() {
    assert_eq!(found(|_| ()), Vec::<String>::new());
}

#[test]
fn rows_that_cannot_be_read_are_found() {
    for table in [Table::Records, Table::Ids, Table::Small, Table::Other] {
        let name = table.name();
        finds(&format!("table {name}: the row 99 can't be read"), |it| it.more.push((table, vec![0x99], vec![1])));
    }
}

#[test]
fn a_whole_that_is_not_that_of_its_entry_is_found() {
    finds("the row of what holds for all spaces is missing", |it| it.small.globals = None);
    finds("the row of the applied entry is missing", |it| it.small.applied = None);
    finds("the row of the membership is missing", |it| it.small.membership = None);
    finds("and the replica is at 2100", |it| {
        it.small.applied.as_mut().unwrap().as_mut().unwrap().index = 2_099;
    });
    finds("the digest is Some", |it| it.small.digest = Some("09".repeat(16)));
    finds("no digest is remembered at 2048", |it| it.small.digests.remove(&2_048));
    finds("a digest is remembered at 2050", |it| it.small.digests.insert(2_050, "08".repeat(16)));
    finds("a digest is remembered at 3072", |it| it.small.digests.insert(3_072, "08".repeat(16)));
    finds("and is remembered as 0808", |it| {
        it.small.applied.as_mut().unwrap().as_mut().unwrap().index = 2_048;
    });
    finds("65 digests are remembered", |it| {
        it.small.digests = (1..=65).map(|count| (1_024 * count, "08".repeat(16))).collect();
    });
    finds("node 4 votes and is no member", |it| {
        it.small.membership.as_mut().unwrap().configs.push([4].into());
    });
    finds("the membership is of", |it| {
        it.small.membership.as_mut().unwrap().log_id.as_mut().unwrap().index = 2_101;
    });
}

#[test]
fn spaces_that_cannot_be_are_found() {
    finds("the space main, which is number 1", |it| it.small.spaces.remove("main"));
    finds("are both number 1", |it| it.space("brief").number = MAIN);
    finds("is number 2, and the next is 2", |it| {
        let globals = it.small.globals.unwrap();
        it.small.globals = Some(Globals { next_space: 2, ..globals });
    });
    finds("is there, and was deleted at", |it| it.small.deleted_spaces.insert("brief".to_owned(), 8_000));
    finds("the floor of space brief is of 10001", |it| it.space("brief").floor = 10_001);
    finds("closed of space brief is of 10001", |it| it.space("brief").closed = 10_001);
    finds("the deletion of space gone is of 10001", |it| it.small.deleted_spaces.insert("gone".into(), 10_001));
    finds("remembers for ever, and is about to forget", |it| it.space("main").floor = 1);
    finds("space brief forgets, and has no eras", |it| it.space("brief").eras.clear());
}

#[test]
fn what_is_due_without_a_reason_and_reasons_without_what_is_due_are_found() {
    for due in Sample::sound().small.due {
        if matches!(due.1, Due::Lock(3, _)) {
            continue;
        }
        finds("the index of what is due does not have it", |it| assert!(it.small.due.remove(&due)));
        finds("and there is no reason for it", |it| assert!(it.small.due.insert((due.0 + 1, due.1.clone()))));
    }
    finds("there is no reason for it", |it| assert!(it.small.due.insert((9, Due::Floor("gone".to_owned())))));
    finds("there is no reason for it", |it| assert!(it.small.due.insert((9, Due::Lock(4, "old".to_owned())))));
    finds("there is no reason for it", |it| it.small.deleted_spaces.clear());
    finds("space brief is due at Some(67001)", |it| it.space("brief").due = Some(67_001));
    finds("space brief is due at None", |it| it.space("brief").due = None);
    finds("its oldest bucket at Some(66000)", |it| {
        it.small.buckets.get_mut(&(BRIEF, 6_000)).unwrap().end = 6_000;
    });
}

/// What was due was never asked for before.
#[test]
fn what_is_due_and_is_never_done_is_found() {
    let at = |clock: u64| move |it: &mut Sample| it.small.globals.as_mut().unwrap().clock = clock;
    assert_eq!(found(at(30_000)), Vec::<String>::new(), "the next entry does it");
    finds("Lock(3, \"old\") was due at 20000, and at 30001 it is not done", at(30_001));
}

#[test]
fn records_that_are_not_those_of_their_log_are_found() {
    finds("log 9 of space 1 is not there, and has records from Some(0)", |it| {
        let kept = it.records.get(&(MAIN, 1, 1)).unwrap().clone();
        it.records.insert((MAIN, 9, 0), kept);
    });
    finds("the log orders is of space 7", |it| {
        let head = it.small.logs.get(&main("orders")).unwrap().clone();
        it.small.logs.insert((7, "orders".to_owned()), head);
    });
    finds("has a record at 2, and 1 is to come", |it| it.records.remove(&(MAIN, 1, 1)));
    finds("has a record at 0, and 1 is to come", |it| {
        let kept = it.records.get(&(MAIN, 1, 1)).unwrap().clone();
        it.records.insert((MAIN, 1, 0), kept);
    });
    finds("ends at 4, and its last record is before 3", |it| it.log("orders").end = 4);
    finds("are both number 1", |it| it.log("drafts").number = 1);
    finds("is number 0, and the next is 3", |it| it.log("orders").number = 0);
    finds("is number 2, and the next is 2", |it| it.space("main").next_log = 2);
    finds("the record orders/2 is of 1001, not between 1002", |it| {
        it.records.get_mut(&(MAIN, 1, 2)).unwrap().time = 1_001;
    });
    finds("the record orders/1 is of 900", |it| it.records.get_mut(&(MAIN, 1, 1)).unwrap().time = 900);
    finds("was appended to at 1003, and its last record is of 1002", |it| it.log("orders").last = 1_003);
    finds("the last append of the log orders is of 10001", |it| it.log("orders").last = 10_001);
    finds("the creation of the log orders is of 10001", |it| it.log("orders").created = 10_001);
}

#[test]
fn pieces_and_bytes_that_are_not_those_of_the_records_are_found() {
    finds("the pieces of the log orders are not in order", |it| it.log("orders").marks.clear());
    finds("not in order", |it| it.log("orders").marks[1].first = 1);
    finds("not in order", |it| it.log("orders").start = 4);
    finds("not in order", |it| it.log("orders").marks[1].opened = 1_003);
    finds("counts 10 bytes from 2 on, and has 9", |it| it.log("orders").bytes_ever += 1);
    finds("counts 8 bytes from 2 on, and has 9", |it| it.log("orders").marks[1].bytes_before = 12);
    finds("counts 9 bytes from 2 on, and has 5", |it| it.records.get_mut(&(MAIN, 1, 2)).unwrap().headers.clear());
    finds("counts 20 bytes, and has 109", |it| it.records.get_mut(&(MAIN, 1, 1)).unwrap().payload = vec![0; 100]);
}

#[test]
fn a_retention_that_is_not_kept_in_mind_is_found() {
    let not_due = |it: &mut Sample, due: Option<u64>| {
        it.log("orders").due = due;
        it.small.due.retain(|(_, due)| !matches!(due, Due::Log(..)));
        it.small.due.extend(due.map(|at| (at, Due::Log(MAIN, "orders".to_owned()))));
    };
    assert_eq!(found(|it| not_due(it, Some(2_000))), Vec::<String>::new(), "it may be due too early");
    finds("is to go at 61002, and the log is due at None", |it| not_due(it, None));
    finds("is to go at 61002, and the log is due at Some(61003)", |it| not_due(it, Some(61_003)));
    finds("is to go at 10000, and the log is due at Some(61002)", |it| it.log("orders").records = Some(1));
    finds("is to go at 10000, and the log is due at Some(61002)", |it| it.log("orders").bytes = Some(9));
}

#[test]
fn a_log_that_does_not_go_on_where_it_was_deleted_is_found() {
    let deleted = |it: &mut Sample| it.small.deleted_logs.get(&main("drafts")).copied().unwrap();
    finds("does not go on from there", |it| {
        let mark = deleted(it);
        it.small.deleted_logs.insert(main("drafts"), DeletedLog { end: 3, ..mark });
    });
    finds("does not go on from there", |it| it.log("drafts").created = 1_007);
    finds("another log has the number 2", |it| {
        let mark = deleted(it);
        it.small.deleted_logs.insert(main("old"), mark);
    });
    finds("what stays of the log old is of space 7", |it| {
        let mark = deleted(it);
        it.small.deleted_logs.insert((7, "old".to_owned()), mark);
    });
    finds("what stays of the log drafts is of 10001", |it| {
        let mark = deleted(it);
        it.small.deleted_logs.insert(main("drafts"), DeletedLog { at: 10_001, ..mark });
    });
}

#[test]
fn cells_positions_and_locks_that_cannot_be_are_found() {
    let cell = |version, time| Cell { value: Value::Integer(1), version, time };
    finds("the cell z is of space 7", |it| it.small.cells.insert((7, "z".to_owned()), cell(1, 1)));
    finds("the cell z is of 10001", |it| it.small.cells.insert(main("z"), cell(3, 10_001)));
    finds("the cell z has version 12", |it| it.small.cells.insert(main("z"), cell(12, 1)));
    finds("the cell z has the version of a", |it| it.small.cells.insert(main("z"), cell(1, 1)));
    let reader = |log: &str| (MAIN, "s".to_owned(), log.to_owned());
    let position = |offset| Position { offset, version: 4, time: 1 };
    finds("of s in never, which never was", |it| it.small.positions.insert(reader("never"), position(0)));
    finds("is 4, and the log ends at 3", |it| it.small.positions.insert(reader("orders"), position(4)));
    finds("has version 4, and was deleted with 9", |it| {
        it.small.positions.insert(reader("orders"), position(1));
        it.small.deleted_positions.insert(reader("orders"), 9);
    });
    finds("has version 12", |it| it.small.deleted_positions.insert(reader("orders"), 12));
    finds("has the version of again", |it| it.small.deleted_positions.insert(reader("orders"), 10));
    let lock = |it: &mut Sample, token| it.small.locks.get_mut(&main("l")).unwrap().token = token;
    finds("the lock l is of history 4", |it| lock(it, (4, 5)));
    finds("the lock l has version 12", |it| lock(it, (3, 12)));
    finds("the lock l has the version of d", |it| lock(it, (3, 4)));
}

#[test]
fn ids_that_are_not_counted_are_found() {
    finds("space main counts 12 ids", |it| it.space("main").ids += 1);
    finds("space main counts 11 ids of", |it| it.space("main").id_bytes += 1);
    finds("space main counts 11 ids of", |it| it.ids.remove(&(MAIN, plain("d"))));
    finds("space main has 12 outcomes, and remembers 11 ids", |it| it.space("main").last_sequence = 12);
    finds("the bucket 6000 of space brief counts", |it| it.small.buckets.get_mut(&(BRIEF, 6_000)).unwrap().ids = 2);
    finds("the bucket 6000 of space brief counts", |it| it.small.buckets.get_mut(&(BRIEF, 6_000)).unwrap().bytes += 1);
    finds("the bucket 8000 of space brief counts", |it| {
        it.small.buckets.insert((BRIEF, 8_000), Bucket { end: 9_000, ids: 0, bytes: 0 });
    });
    finds("the bucket 6000 to 7000 of space brief is below 6001", |it| it.space("brief").floor = 6_001);
    finds("and no bucket is there for it", |it| it.small.buckets.remove(&(BRIEF, 6_000)));
}

#[test]
fn ids_that_cannot_be_are_found() {
    finds("was born at 6100, and all is forgotten below 6101", |it| it.space("brief").floor = 6_101);
    finds("late born at 6100 is of space 2, which is not there", |it| it.small.spaces.remove("brief"));
    finds("has no birth, in a space that forgets", |it| {
        let remembered = it.remembered("a").clone();
        it.ids.insert((BRIEF, plain("z")), remembered);
    });
    finds("has a birth beside it, in a space that never forgets", |it| {
        let remembered = it.remembered("a").clone();
        it.ids.insert((MAIN, Id { text: "z".to_owned(), birth: Some(7) }), remembered);
    });
    finds("the outcome of a is of 10001", |it| it.remembered("a").outcome.time_ms = 10_001);
    finds("the outcome of a is of history 4", |it| it.remembered("a").outcome.history = 4);
    finds("the outcome of a is at 12, and the last at 11", |it| it.remembered("a").outcome.sequence = 12);
    finds("outcomes of space main at 2 and 2", |it| it.remembered("a").outcome.sequence = 2);
    finds("outcomes of space main at 1 and 2 are of 1500", |it| it.remembered("a").outcome.time_ms = 1_500);
    finds("has a fingerprint without content, or content without one", |it| it.remembered("a").fingerprint = None);
    finds("has a fingerprint without content", |it| it.remembered("never").fingerprint = Some((1, [0; 16])));
    finds("the cell x has version 6, and no id has that sequence", |it| it.ids.remove(&(MAIN, plain("undo"))));
}

#[test]
fn marks_that_name_what_undid_nothing_are_found_and_so_are_lost_marks() {
    finds("undo of space main undid something, and nothing says", |it| it.remembered("c").compensated_by = None);
    finds("c of space main was undone by d, which undid nothing", |it| {
        it.remembered("c").compensated_by = Some(plain("d"));
    });
    finds("was undone by undo, which undid nothing, or something else", |it| {
        it.remembered("d").compensated_by = Some(plain("undo"));
    });
    finds("never was undone, and has never done anything", |it| {
        it.remembered("never").compensated_by = Some(plain("undo"));
    });
}

#[test]
fn records_that_no_outcome_tells_of_and_outcomes_without_records_are_found() {
    finds("orders/1 and 1 more: no outcome of their id says so", |it| it.ids.remove(&(MAIN, plain("b"))));
    finds("drafts/2 and 0 more: no outcome of their id says so", |it| {
        it.records.get_mut(&(MAIN, 2, 2)).unwrap().id = plain("nobody");
    });
    finds("the outcome of again says that it wrote 1 records, and 0 are there", |it| {
        it.records.get_mut(&(MAIN, 2, 2)).unwrap().id = plain("nobody");
        it.log("orders").start = 0;
        it.log("orders").marks.truncate(1);
    });
    finds("the outcome of b says that it wrote 2 records, and 3 are there", |it| {
        let kept = it.records.get(&(MAIN, 1, 2)).unwrap().clone();
        it.records.insert((MAIN, 2, 2), kept);
    });
    finds("orders/1 and 1 more: no outcome of their id says so", |it| {
        let Some(Verdict::Applied(applied)) = &mut it.remembered("b").outcome.verdict else { panic!("it is applied") };
        let Some(Got::Appended(appended)) = &mut applied.results[0].result else { panic!("it has appended") };
        appended.count = 1;
    });
}

/// Times of records were only laid beside each other and those of the head before.
#[test]
fn a_record_of_another_time_than_its_outcome_is_found() {
    finds("b was decided at 1002, and its record 1 is of 1001", |it| {
        for offset in [1, 2] {
            it.records.get_mut(&(MAIN, 1, offset)).unwrap().time = 1_001;
        }
    });
}

#[test]
fn memory_is_a_span() {
    assert_eq!(Span { seconds: 2, nanoseconds: 1_999_999 }.ms(), 2_001);
    assert_eq!(Span { seconds: u64::MAX, nanoseconds: 0 }.ms(), u64::MAX);
}
