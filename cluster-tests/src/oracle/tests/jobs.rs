//! Broken histories of what commands are for: P18 to P20.

use super::commands::{
    EFFECTS, appended, broken_whole, came_to, command, handle, locked, of, sealed, transfer, under, whole,
};
use super::*;
use crate::history::{Got, Job, Verdict};

#[test]
fn money_that_is_lost_or_made_is_found() {
    assert_eq!(broken_whole(|events, _| events.cells[0].cells.clear()), ["P18"], "a node that shows no account");
    let added = |from, to| Verdict::Applied(vec![Got::Added(from), Got::Added(to), appended(0, 1)]);
    assert_eq!(came_to("t1", added(70, 131)), ["P18"]);
    assert_eq!(came_to("t1", added(40, 160)), ["P18"], "as if it had been made twice");
    let held = |x| {
        broken_whole(|_, dumps| {
            for dump in dumps {
                dump.cells.get_mut("x").unwrap().number = x;
            }
        })
    };
    assert_eq!(held(Some(71)), ["P18"]);
    assert_eq!(held(None), ["P18"]);
    assert_eq!(broken_whole(|events, _| events.cells[0].cells.get_mut("x").unwrap().number = 69), ["P18"]);
    let twice = |events: &mut Events| {
        let accounts = vec!["x".to_owned(), "y".to_owned()];
        let open = Job::Open { accounts, balance: 0 };
        events.commands.push(command("open-2", open, 30, 0, Verdict::Applied(vec![Got::Done])));
    };
    assert_eq!(broken_whole(|events, _| twice(events)), ["P18"]);
    assert_eq!(broken_whole(|events, _| of(events, "t2").job = transfer(70)), ["P18"], "enough was there");
    assert_eq!(broken_whole(|events, _| of(events, "t1").job = transfer(120)), ["P18"], "too little was there");
}

#[test]
fn a_lock_of_two_holders_is_found_and_a_token_that_does_not_grow() {
    assert_eq!(
        broken_whole(|events, _| sealed(events, "l3").time_ms = WALL_MS + 1_900),
        ["P19"],
        "it was held until 2,000"
    );
    assert_eq!(came_to("l2", locked(15, 2_900)), ["P19"]);
    assert_eq!(came_to("l3", locked(12, 3_500)), ["P19"], "13 was seen before");
    assert_eq!(broken_whole(|events, _| sealed(events, "l2").time_ms = WALL_MS + 2_100), ["P19"], "nobody held it");
    let late = |events: &mut Events| {
        sealed(events, "w1").time_ms = WALL_MS + 2_000;
        sealed(events, "l2").time_ms = WALL_MS + 1_999;
    };
    assert_eq!(broken_whole(|events, _| late(events)), ["P19"], "it was written when the time was over");
    assert_eq!(broken_whole(|events, _| of(events, "w1").job = under(12)), ["P19"], "an old token wrote");
    assert_eq!(broken_whole(|events, _| of(events, "w2").job = under(16)), ["P19"], "the holder was refused");
}

#[test]
fn records_that_are_handled_twice_not_or_otherwise_are_found() {
    assert_eq!(broken_whole(|events, _| of(events, "h2").job = handle(1, 4)), ["P20"]);
    assert_eq!(broken_whole(|events, _| of(events, "h2").job = handle(3, 4)), ["P20"]);
    let position = |offset| {
        broken_whole(|_, dumps| {
            for dump in dumps {
                dump.positions.values_mut().for_each(|position| position.0 = offset);
            }
        })
    };
    assert_eq!(position(2), ["P20"]);
    let other = |events: &mut Events, dumps: &mut Vec<Dump>| {
        let content = Content::of(&sample::effect(0, "b"));
        of(events, "h1").contents[0] = content;
        for dump in dumps {
            log_of(dump, EFFECTS).records[0].content = content;
        }
    };
    assert_eq!(broken_whole(other), ["P20"]);
}

/// What is sorted takes a little more than ten times as long for ten times as much, what is searched a hundred times.
#[test]
fn many_transfers_are_judged_by_sorting() {
    let (few, many) = (judging_transfers(2_500), judging_transfers(25_000));
    assert!(many < few * 40 + Duration::from_millis(500), "{few:?} for 2,500, and {many:?} for 25,000");
}

/// How long it takes to judge so many transfers there and back.
fn judging_transfers(count: u64) -> Duration {
    let (mut events, dumps) = whole();
    let job = |from: &str, to: &str| Job::Transfer { from: from.to_owned(), to: to.to_owned(), amount: 1 };
    for number in 0..count {
        let made = |from, to| Verdict::Applied(vec![Got::Added(from), Got::Added(to)]);
        let there = command(&format!("there-{number}"), job("x", "y"), 100 + 2 * number, 0, made(69, 131));
        let back = command(&format!("back-{number}"), job("y", "x"), 101 + 2 * number, 0, made(130, 70));
        events.commands.extend([there, back]);
    }
    let begun = std::time::Instant::now();
    assert_eq!(judge(&events, &dumps), []);
    begun.elapsed()
}
