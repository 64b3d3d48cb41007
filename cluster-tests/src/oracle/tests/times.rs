//! What one wrong clock may not do: P16. Only the stamps of appends were judged before, and every run counted.

use super::commands::{broken_whole, command, locked, refused_with, sealed};
use super::*;
use crate::command::{SYSTEM, born, create_space};
use crate::faults::KINDS;
use crate::history::{Answer, Asked, Command, Identity, Job, Packed, Question, Verdict};

const HOUR_MS: u64 = 3_600_000;

/// What P16 says.
fn wrong(events: Events) -> Vec<String> {
    let meant = Some(Meant { wall_ms: WALL_MS, ..Meant::default() });
    let found = judge(&Events { meant, ..events }, &[]).into_iter().filter(|violation| violation.property == "P16");
    found.map(|violation| violation.found).collect()
}

#[test]
fn a_stamp_of_a_command_that_is_not_of_its_time_is_found() {
    let stamped = |ms| broken_whole(|events, _| sealed(events, "t1").time_ms = ms);
    assert_eq!(stamped(WALL_MS + 4_000), Vec::<&str>::new());
    assert_eq!(stamped(WALL_MS + HOUR_MS), ["P16"]);
    assert_eq!(stamped(WALL_MS - HOUR_MS), ["P16"]);
}

#[test]
fn only_what_came_while_a_clock_was_wrong_is_judged() {
    let name = "clock-jumps";
    assert!(KINDS.iter().any(|kind| kind.name == name), "the fault that is looked for is there");
    let judged = |effective, begun, healed| {
        let (mut events, dumps) = sound();
        let (kind, what) = (name.to_owned(), "the clock of node 1 is an hour ahead".to_owned());
        events.faults = vec![Fault { kind, what, begun: at(begun), healed: Some(at(healed)), effective }];
        let property = PROPERTIES.iter().find(|property| property.name == "P16").unwrap();
        (property.judged)(Evidence::of(&events, &dumps))
    };
    // `a` was acknowledged at 15 ms, and `b` at 25 ms.
    assert_eq!(judged(Effective::Installed, 0, 100), 2);
    assert_eq!(judged(Effective::Installed, 20, 100), 1);
    assert_eq!(judged(Effective::Installed, 30, 100), 0);
    assert_eq!(judged(Effective::Indeterminate, 0, 100), 0);
}

/// One who wants a lock, from a time on, and is told at once.
fn acquiring(id: &str, sequence: u64, at_ms: u64, time_ms: u64, verdict: Verdict) -> Command {
    let mut command = command(id, Job::Acquire { lock: "l".to_owned() }, sequence, time_ms, verdict);
    (command.attempts[0].invoked, command.attempts[0].completed) = (at(at_ms), Some(at(at_ms + 5)));
    command
}

#[test]
fn a_lock_that_goes_to_another_long_before_its_time_is_over_is_found() {
    let given = |at_ms| {
        let first = acquiring("l1", 1, 1_000, 1_000, locked(1, 21_000));
        let next = acquiring("l2", 2, at_ms, 21_500, locked(2, 41_500));
        wrong(Events { commands: vec![first, next].into(), ..Events::default() })
    };
    assert_eq!(given(21_500), Vec::<String>::new());
    let found = given(1_500);
    assert!(found.iter().any(|found| found.contains("lock l was given to l2")), "{found:?}");
}

#[test]
fn a_lock_that_is_kept_long_after_its_time_is_found() {
    let refused_at = |at_ms| {
        let first = acquiring("l1", 1, 1_000, 1_000, locked(1, 2_000));
        let next = acquiring("l2", 2, at_ms, 1_900, refused_with(None));
        let mut told = acknowledgement(0, 1);
        told.place.time_ms = WALL_MS + 20_000;
        // A majority was there.
        let operations = vec![operation("a", 1, 20_000, Ok(told))].into();
        wrong(Events { commands: vec![first, next].into(), operations, ..Events::default() })
    };
    assert_eq!(refused_at(1_900), Vec::<String>::new());
    let found = refused_at(23_000);
    assert!(found.iter().any(|found| found.contains("lock l was refused to l2")), "{found:?}");
}

fn look(question: Question, answer: Answer) -> Events {
    let (space, invoked, completed) = (Name::of("forgetful"), at(1_000), at(1_005));
    let asked = Asked { node: 2, linearizable: true, space, invoked, completed, applied: 0, question, answer };
    Events { asked: vec![asked].into(), ..Events::default() }
}

#[test]
fn an_id_that_is_too_old_by_a_clock_that_is_ahead_is_found() {
    let called = |age_ms| {
        let create = crate::command::command_in(
            SYSTEM,
            crate::command::id("make"),
            vec![],
            vec![create_space("forgetful", Some(60_000))],
        );
        let mut making = command("make", Job::Prepare, 1, 0, Verdict::Applied(vec![]));
        (making.space, making.request) = (SYSTEM.into(), Packed::of(&create));
        let id = born("a", WALL_MS + 1_000 - age_ms);
        let events = look(Question::Fate(Identity::of(&id)), Answer::TooOld);
        wrong(Events { commands: vec![making].into(), ..events })
    };
    assert_eq!(called(61_000), Vec::<String>::new());
    assert!(called(30_000)[0].contains("was too old"), "by a clock that is half a minute ahead at least");
}

#[test]
fn a_clock_beside_a_lock_that_is_an_hour_ahead_is_found() {
    let shown = |clock_ms| wrong(look(Question::Lock { lock: "l".into() }, Answer::Lock { held: None, clock_ms }));
    assert_eq!(shown(WALL_MS + 900), Vec::<String>::new());
    assert!(shown(WALL_MS + HOUR_MS)[0].contains("showed the clock"));
}
