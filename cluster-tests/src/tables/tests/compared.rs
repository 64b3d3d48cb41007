//! Replicas are compared byte for byte, and what is the same on both is held once.

use std::time::Duration;

use super::super::{Table, Tables, describe};
use super::sample::{MAIN, Sample, plain};
use crate::history::{Event, Events, file};
use crate::oracle::{Dump, judge, share};
use crate::scratch::Scratch;

fn second<T>(damage: impl FnOnce(&mut Sample) -> T) -> Dump {
    let mut sample = Sample::sound();
    damage(&mut sample);
    Dump { node: 2, ..sample.dump() }
}

fn broken<T>(damage: impl FnOnce(&mut Sample) -> T) -> Vec<String> {
    let replicas = [Sample::sound().dump(), second(damage)];
    let found = judge(&Events::default(), &replicas);
    found.into_iter().filter(|it| it.property == "P5").map(|it| it.found).collect()
}

#[test]
fn a_row_that_differs_is_named_with_its_table_its_key_and_both_values() {
    assert_eq!(broken(|_| ()), Vec::<String>::new());
    let found = broken(|it| it.remembered("c").compensated_by = None);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("table ids, key 000000010163: node 1 has id c of space 1"), "{found:?}");
    assert!(found[0].contains("compensated_by: Some(") && found[0].contains("compensated_by: None"), "{found:?}");
    let found = broken(|it| it.small.deleted_positions.pop_first());
    assert!(found[0].contains("node 2 has no such row"), "{found:?}");
}

#[test]
fn each_row_that_one_replica_lacks_is_found() {
    let rows = Sample::sound().rows();
    for (table, key) in rows.keys() {
        let left = rows.iter().filter(|(name, _)| *name != &(*table, key.clone()));
        let left = left.map(|((table, key), value)| (*table, key.as_slice(), value.as_slice()));
        let read = Tables::read_rows(left).unwrap();
        let dump = second(|_| ()).with_tables(read.tables);
        let found = judge(&Events::default(), &[Sample::sound().dump(), dump]);
        assert!(found.iter().any(|it| it.property == "P5"), "{}", describe(*table, key, &[]));
    }
}

#[test]
fn a_birth_beside_an_id_of_a_record_is_compared_too() {
    let found = broken(|it| it.records.get_mut(&(MAIN, 2, 2)).unwrap().id.birth = Some(7));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("table records: node 1 has 3 rows with the hash"), "{found:?}");
}

#[test]
fn what_is_the_same_on_both_is_held_once() {
    let first = Sample::sound().dump().tables.unwrap();
    let mut other = second(|it| it.remembered("a").outcome.history = 2).tables.unwrap();
    other.share(&first);
    assert_eq!(Table::ALL.map(|table| other.shares(&first, table)), [true, false, true, true]);
    assert!(other.id(MAIN, &plain("a")).unwrap().outcome.history == 2);
}

fn ended() -> Event {
    Event::Ended { at: Duration::ZERO, broken_off: None }
}

#[test]
fn what_was_written_to_a_file_is_judged_like_what_was_read_from_a_replica() {
    let scratch = Scratch::new("tables-in-a-file");
    let path = scratch.path().join("history.jsonl");
    let judged = |damage: fn(&mut Sample)| {
        let mut replicas = [Sample::sound().dump(), second(damage)];
        share(&mut replicas);
        let look = file::look(Duration::ZERO, &replicas).chain([ended()]);
        file::Writer::create(&path).unwrap().write_all(look).unwrap();
        let (events, read) = file::read(&path).unwrap();
        assert_eq!(read.iter().map(|it| &it.tables).collect::<Vec<_>>(), replicas.each_ref().map(|it| &it.tables));
        let found = judge(&events, &read);
        assert_eq!(found, judge(&Events::default(), &replicas));
        let of_tables = found.into_iter().filter(|it| it.property == "P5" || it.property == "P23");
        (of_tables.count(), std::fs::read_to_string(&path).unwrap().matches("\"row\"").count())
    };
    let rows = Sample::sound().rows();
    let kept = rows.keys().filter(|(table, _)| *table != Table::Records);
    let (ids, all) = (rows.keys().filter(|(table, _)| *table == Table::Ids).count(), kept.count());
    assert_eq!(judged(|_| ()), (0, all), "a table that is the same is told once");
    assert_eq!(judged(|it| it.remembered("c").compensated_by = None), (2, all + ids));
    let unreadable = judged(|it| it.more.push((Table::Other, vec![1], vec![2])));
    assert_eq!(unreadable, (2, all + 1));

    for line in [r#"{"table":{"row":{"table":"ids","key":"0","value":""}}}"#, r#"{"table":{"same":{"table":"ids"}}}"#] {
        std::fs::write(&path, format!("{line}\n")).unwrap();
        assert!(file::read(&path).unwrap_err().to_string().contains("a table of no replica"), "{line}");
    }
}
