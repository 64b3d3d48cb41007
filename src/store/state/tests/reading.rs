//! What a reader sees.

use super::*;
use crate::types::{Offset, Verdict};

fn payloads(page: &super::super::Page) -> Vec<String> {
    page.records.iter().map(|record| String::from_utf8(record.payload.to_vec()).unwrap()).collect()
}

#[test]
fn pages_follow_each_other_without_a_gap_and_stop_at_count_and_bytes() {
    let (_directory, state) = fresh();
    let texts: Vec<String> = (0..10).map(|number| format!("record {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    state.apply(vec![batch(0, vec![append("a", "orders", &texts), append("b", "other", &["beside"])])]).unwrap();
    let view = state.view();
    let read = |from, count, bytes| view.records(&main_space(), &log("orders"), Offset(from), count, bytes).unwrap();

    let mut seen = Vec::new();
    let mut next = Offset(0);
    while seen.len() < 10 {
        let page = read(next.0, 3, 1_000).unwrap();
        assert_eq!((page.start, page.end), (Offset(0), Offset(10)));
        assert!(page.records.iter().zip(next.0..).all(|(record, offset)| record.offset == Offset(offset)));
        assert_eq!(page.next, next.plus(page.records.len() as u64));
        next = page.next;
        seen.extend(payloads(&page));
    }
    assert_eq!(seen, texts);

    assert_eq!(payloads(&read(4, 100, 17).unwrap()), ["record 4", "record 5"]);
    assert_eq!(payloads(&read(4, 100, 1).unwrap()), ["record 4"], "the first whatever its length");
    assert_eq!(read(4, 0, 100).unwrap().next, Offset(4));
    let beyond = read(10, 5, 100).unwrap();
    assert!(beyond.records.is_empty());
    assert_eq!((beyond.next, beyond.end), (Offset(10), Offset(10)));
    let record = &read(9, 1, 100).unwrap().records[0];
    assert_eq!((record.id.text(), record.time), ("a", LogTime::from_ms(1_000).unwrap()));
}

#[test]
fn what_does_not_exist_is_none_and_not_an_error() {
    let (_directory, state) = fresh();
    state.apply(story(10)).unwrap();
    let (view, nowhere) = (state.view(), SpaceName::new("nowhere").unwrap());
    assert_eq!(view.space(&nowhere).unwrap(), None);
    assert_eq!(view.log(&nowhere, &log("log-1")).unwrap(), None);
    assert_eq!(view.log(&main_space(), &log("nothing")).unwrap(), None);
    assert_eq!(view.records(&nowhere, &log("log-1"), Offset(0), 1, 1).unwrap(), None);
    assert_eq!(view.records(&main_space(), &log("nothing"), Offset(0), 1, 1).unwrap(), None);
    assert_eq!(view.remembered(&nowhere, &id("id-1")).unwrap(), None);
    assert_eq!(view.remembered(&main_space(), &id("nobody")).unwrap(), None);
    assert_eq!(view.logs(&nowhere, None, 5).unwrap(), (vec![], false));
}

#[test]
fn what_memory_calls_unknown_is_unknown_wherever_the_rows_lie() {
    let (_directory, state) = fresh();
    state.apply(story(10)).unwrap();
    let known = |state: &State| state.view().remembered(&main_space(), &id("id-1")).unwrap().is_some();
    let lacks = |name: &str| state.view().surely_lacks(&main_space(), &id(name)).unwrap();
    assert!(known(&state) && !lacks("id-1") && lacks("nobody"));
    assert!(state.view().surely_lacks(&SpaceName::new("nowhere").unwrap(), &id("id-1")).unwrap());
    state.flush().unwrap();
    // Now the row is in a table, perhaps in no cache: it must not be called unknown.
    assert!(!lacks("id-1"));
    assert!(known(&state) && !lacks("id-1"));
    // Filters let a few of the absent through to the disk.
    let told = (0..1_000).filter(|number| lacks(&format!("nobody-{number}"))).count();
    assert!(told > 900, "memory tells of most ids that they are new: {told}");
}

#[test]
fn logs_are_listed_in_order_in_pages_and_of_one_space_only() {
    let (_directory, state) = fresh();
    let names = ["a", "a-b", "a.b", "ab", "b"];
    let mut elsewhere = append("system", "zz", &["x"]);
    if let Proposal::Command(command) = &mut elsewhere {
        command.space = SpaceName::system();
    }
    let appends = names.iter().rev().map(|name| append(name, name, &["x"]));
    state.apply(vec![batch(0, appends.chain([elsewhere]).collect())]).unwrap();
    let view = state.view();
    let list = |after: Option<&str>, limit| {
        let (logs, more) = view.logs(&main_space(), after.map(log).as_ref(), limit).unwrap();
        (logs.iter().map(|(name, _)| name.as_str().to_owned()).collect::<Vec<_>>(), more)
    };
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(list(None, 10), (owned(&names), false));
    assert_eq!(list(None, 5), (owned(&names), false));
    assert_eq!(list(None, 2), (owned(&names[..2]), true));
    assert_eq!(list(Some("a-b"), 2), (owned(&names[2..4]), true));
    assert_eq!(list(Some("ab"), 2), (owned(&names[4..]), false));
    assert_eq!(list(Some("aa"), 1), (owned(&["ab"]), true), "after a name that is not there");
    assert_eq!(list(Some("b"), 2), (vec![], false));
    let (_, head) = &view.logs(&main_space(), None, 1).unwrap().0[0];
    assert_eq!(Some(head), view.log(&main_space(), &log("a")).unwrap().as_ref());
}

#[test]
fn many_ids_are_looked_up_each_in_its_place() {
    let (_directory, state) = fresh();
    let v7 = "00000000-03e8-7abc-8def-012345678901";
    state
        .apply(vec![batch(0, vec![append("z", "l", &["1"]), append("a", "l", &["2"]), append(v7, "l", &["3"])])])
        .unwrap();
    let view = state.view();
    let nowhere = SpaceName::new("nowhere").unwrap();
    let wanted = [
        (main_space(), id("z")),
        (nowhere, id("z")),
        (main_space(), id("missing")),
        (main_space(), id(v7)),
        (main_space(), id("a")),
        (main_space(), id("z")),
    ];
    let found = view.remembered_many(&wanted).unwrap();
    let sequence = |at: usize| found[at].as_ref().map(|remembered| remembered.outcome.sequence.0);
    assert_eq!((0..6).map(sequence).collect::<Vec<_>>(), [Some(1), None, None, Some(3), Some(2), Some(1)]);
    for ((space, id), found) in wanted.iter().zip(&found) {
        assert_eq!(&view.remembered(space, id).unwrap(), found);
    }
    let verdict = &found[0].as_ref().unwrap().outcome.verdict;
    assert!(matches!(verdict, Verdict::Applied(results) if results.len() == 1));
}

#[test]
fn a_view_shows_at_least_its_applied_index_and_pages_are_whole_while_entries_are_applied() {
    let (_directory, state) = fresh();
    state.apply(vec![batch(0, vec![append("first", "l", &["x"])])]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 1..300 {
                let ids = (0..3).map(|number| append(&format!("{index}/{number}"), "l", &["x", "y"]));
                state.apply(vec![batch(index, ids.collect())]).unwrap();
            }
        });
        loop {
            let done = writer.is_finished();
            let view = state.view();
            let index = view.applied_index().unwrap().0;
            let page = view.records(&main_space(), &log("l"), Offset(0), 10_000, 1 << 20).unwrap().unwrap();
            assert_eq!(page.end.0, page.records.len() as u64);
            assert_eq!(page.end.0 % 6, 1, "a page shows whole entries");
            assert!(page.end.0 > index * 6);
            if done {
                break;
            }
        }
    });
}
