//! Broken histories of lookups, tails, cells and rounds: P3, P5, P8, P9, P11 and P13. What was accepted before says so.

use super::commands::{broken_whole, of};
use super::*;
use crate::history::{Fate, LookedUp};

#[test]
fn replicas_whose_cells_positions_or_locks_differ_are_found() {
    let on_one = |damage: fn(&mut Dump)| broken_whole(|_, dumps| damage(&mut dumps[1]));
    assert_eq!(on_one(|dump| dump.cells.get_mut("x").unwrap().version = 12), ["P5"]);
    assert_eq!(on_one(|dump| dump.positions.extend([("z in z".to_owned(), (1, 1))])), ["P5"]);
    assert_eq!(on_one(|dump| dump.locks.extend([("l".to_owned(), ((7, 13), 1))])), ["P5"]);
}

#[test]
fn a_lookup_of_another_answer_is_found_and_one_that_lags_behind() {
    let fate = |place: usize, fate| broken_whole(|events, _| events.lookups[place].fate = fate);
    assert_eq!(fate(0, Fate::Appended(acknowledgement(1, 1).place)), ["P3"]);
    assert_eq!(fate(0, Fate::TooOld), ["P3"]);
    assert_eq!(fate(0, Fate::Other("cancelled".to_owned())), ["P3"]);
    assert_eq!(fate(0, Fate::Unknown), ["P8"]);
    let later = |node, linearizable| {
        broken_whole(|events, _| {
            let invoked = at(70);
            let again = LookedUp { node, linearizable, invoked, fate: Fate::Unknown, ..events.lookups[0].clone() };
            (events.lookups[0].id, events.lookups[0].fate) = ("c".into(), Fate::Appended(acknowledgement(3, 1).place));
            events.lookups.push(LookedUp { id: "c".into(), ..again });
        })
    };
    assert_eq!(later(2, true), ["P8"], "it was known before");
    assert_eq!(later(2, false), Vec::<&str>::new(), "a local look may lag behind");
    // This was accepted before.
    assert_eq!(later(1, false), ["P3"], "not behind what the same node has shown");
    assert_eq!(broken_whole(|events, _| events.lookups[0].id = "nobody's".into()), ["P3"]);
}

#[test]
fn a_tail_that_leaves_something_out_goes_back_or_shows_too_little_is_found() {
    assert_eq!(broken_whole(|events, _| events.pages[1].from = 4), ["P9"]);
    assert_eq!(broken_whole(|events, _| events.pages[0].records[1].offset = 2), ["P9", "P11"]);
    assert_eq!(broken_whole(|events, _| events.pages[1].records.clear()), ["P9"]);
    assert_eq!(broken_whole(|events, _| events.pages[1].end = 2), ["P9"]);
    assert_eq!(broken_whole(|events, _| events.pages[0].records[1].content = Content::of(b"another")), ["P11"]);
    let linearizable = |end| {
        broken_whole(|events, _| {
            events.pages.plain().truncate(1);
            let page = &mut events.pages[0];
            page.all = AllSeen::default();
            (page.linearizable, page.records, page.from, page.next, page.end) = (true, Vec::new(), end, end, end);
        })
    };
    assert_eq!(linearizable(3), Vec::<&str>::new());
    assert_eq!(linearizable(2), ["P8"], "3 were acknowledged before");
    assert_eq!(linearizable(9), ["P8"], "no 9 were sent");
    let later = |events: &mut Events| {
        let local =
            LocalSeen { end: 4, completed: at(20), invoked: at(19), records: Vec::new(), ..events.locals[0].clone() };
        events.locals = vec![local].into();
        events.pages.plain().clear();
    };
    assert_eq!(broken_whole(|events, _| later(events)), ["P8"], "what a node has applied is there for all");
}

/// What comes behind the first records of a page was not looked at before.
#[test]
fn a_page_of_which_a_record_that_is_not_remembered_by_itself_was_another_is_found() {
    let shows = |id: &'static str| {
        broken_whole(|events, _| {
            let local = &mut events.locals[0];
            let mut all = local.records.clone();
            all[2].id = id.into();
            (local.records, local.all) = (all[..2].to_vec(), AllSeen::of(all));
        })
    };
    assert_eq!(shows("b"), Vec::<&str>::new());
    assert_eq!(shows("c"), ["P9"]);
    let counts = |count| broken_whole(|events, _| events.pages[0].all.count = count);
    assert_eq!(counts(3), Vec::<&str>::new());
    assert_eq!(counts(4), ["P9"]);
}

/// Only the ends were compared before.
#[test]
fn a_node_that_shows_what_it_had_trimmed_away_is_found() {
    let starts = |first, second| {
        broken(|events, dumps| {
            on_every_node(dumps, |log| {
                log.start = 1;
                log.records.remove(0);
            });
            events.locals = [(50, first), (60, second)]
                .into_iter()
                .map(|(invoked, start)| LocalSeen { start, ..local(invoked, 3, Vec::new()) })
                .collect();
        })
    };
    // Nobody has trimmed the log, which is for P4 and P22 to say.
    assert!(!starts(0, 1).contains(&"P9"));
    assert!(!starts(1, 1).contains(&"P9"));
    assert!(starts(1, 0).contains(&"P9"));
    assert!(starts(1, 2).contains(&"P9"), "every replica has it from 1 on");
}

/// Pages were laid beside replicas only before.
#[test]
fn a_page_that_shows_an_id_where_it_was_not_told_to_be_is_found() {
    let shows = |offset| {
        broken(|events, dumps| {
            on_every_node(dumps, |log| {
                log.start = 4;
                log.records.clear();
            });
            let record = RecordSeen { offset, ..events.locals[0].records[2] };
            events.locals = vec![local(50, 3, vec![record])].into();
        })
    };
    // It is trimmed away since, and nobody has trimmed it: P4 and P22 say so.
    assert!(!shows(2).contains(&"P3"));
    assert!(shows(0).contains(&"P3"), "`b` was told 1 and 2");
}

/// Whether an error is a replay was not looked at before.
#[test]
fn an_error_with_an_outcome_that_does_not_say_that_it_is_a_replay_is_found() {
    let says = |replayed: &str| {
        let failure = Failure {
            metadata: BTreeMap::from([("replayed".to_owned(), replayed.to_owned())]),
            outcome: Some(Box::default()),
            ..refused("Aborted", "CANCELLED")
        };
        broken(|events, _| {
            events.operations[3].doubted = true;
            events.operations[3].attempts[0].answer = Some(Err(failure));
        })
    };
    // Nobody was told what the outcome is: P22 says so.
    assert!(!says("true").contains(&"P3"));
    assert!(says("false").contains(&"P3"));
}

#[test]
fn cells_that_are_older_than_known_are_found() {
    let version = |version| {
        broken_whole(|events, _| {
            for number in events.cells[0].cells.values_mut() {
                number.version = version;
            }
        })
    };
    assert_eq!(version(10), ["P8"], "the transfer was acknowledged before");
    assert_eq!(version(12), Vec::<&str>::new());
}

#[test]
fn a_round_that_leaves_something_open_or_sends_nothing_again_is_found() {
    let round = |begun, ended| Round { name: "healing".to_owned(), begun: at(begun), ended: at(ended) };
    let open = |events: &mut Events| {
        of(events, "t1").attempts[0].answer = None;
        of(events, "t1").attempts[0].completed = None;
        events.operations[2].cancels = cancelled(3);
        events.operations[3].cancels = cancelled(4);
    };
    let found = broken_whole(|events, dumps| {
        open(events);
        dumps.clear();
        events.rounds.push(round(215, 216));
    });
    assert!(found.contains(&"P13"), "{found:?}");
    let nothing = |events: &mut Events| {
        events.operations.plain().truncate(2);
        events.rounds.push(round(600, 700));
    };
    assert!(broken_whole(|events, _| nothing(events)).contains(&"P13"), "14 were known, and none was sent again");
    let found = broken_whole(|events, _| {
        nothing(events);
        let mut again = of(events, "t1").attempts[0].clone();
        (again.invoked, again.completed) = (at(650), Some(at(651)));
        let Some(Ok(decided)) = &mut again.answer else { panic!("t1 is decided") };
        decided.replayed = true;
        of(events, "t1").attempts.push(again);
    });
    assert!(!found.contains(&"P13"), "{found:?}");
}
