//! Cells, positions, logs: what guards ask and actions do, all or nothing.

use super::*;

#[test]
fn a_transfer_moves_money_or_nothing() {
    let mut overlay = begin();
    act(&mut overlay, "open", vec![put("ann", 10), put("bob", 95)]);
    let transfer = |amount: i64| vec![add("ann", -amount), add("bob", amount), action("audit", &["moved"])];

    let done = act(&mut overlay, "a", transfer(4));
    let too_much_for_ann = act(&mut overlay, "b", transfer(7));
    let too_much_for_bob = act(&mut overlay, "c", transfer(2));

    let added = |value| ActionResult::Added { value, version: Version(2) };
    let audit = ActionResult::Appended { first: Offset(0), count: 1 };
    assert_eq!(done, Verdict::Applied(vec![added(6), added(99), audit]));
    assert_eq!(too_much_for_ann, refuses(Step::Action(0), Found::OutOfBounds(6)));
    assert_eq!(too_much_for_bob, refuses(Step::Action(1), Found::OutOfBounds(99)));
    assert_eq!((number(&overlay, "ann"), number(&overlay, "bob")), (Some(6), Some(99)));
    assert_eq!(head(&overlay, "audit").end, Offset(1));
}

#[test]
fn a_sum_refuses_rather_than_wraps_and_both_bounds_are_allowed() {
    let mut overlay = begin();
    let wide = |amount| Action::Add { key: key("n"), amount, least: i64::MIN, most: i64::MAX, absent: Some(0) };
    assert!(matches!(act(&mut overlay, "a", vec![wide(i64::MAX)]), Verdict::Applied(_)));
    assert_eq!(act(&mut overlay, "b", vec![wide(1)]), refuses(Step::Action(0), Found::OutOfBounds(i64::MAX)));
    act(&mut overlay, "c", vec![put("n", i64::MIN)]);
    assert_eq!(act(&mut overlay, "d", vec![wide(-1)]), refuses(Step::Action(0), Found::OutOfBounds(i64::MIN)));

    act(&mut overlay, "e", vec![put("n", 50)]);
    assert!(matches!(act(&mut overlay, "f", vec![add("n", 50)]), Verdict::Applied(_)));
    assert!(matches!(act(&mut overlay, "g", vec![add("n", -100)]), Verdict::Applied(_)));
    assert_eq!(act(&mut overlay, "h", vec![add("n", -1)]), refuses(Step::Action(0), Found::OutOfBounds(0)));
}

#[test]
fn a_missing_cell_counts_as_what_the_sender_says_or_refuses() {
    let mut overlay = begin();
    let counted = |absent| Action::Add { key: key("n"), amount: 5, least: 0, most: 100, absent };
    assert_eq!(act(&mut overlay, "a", vec![counted(None)]), refuses(Step::Action(0), Found::NoCell));
    assert_eq!(act(&mut overlay, "b", vec![counted(Some(98))]), refuses(Step::Action(0), Found::OutOfBounds(98)));
    let added = ActionResult::Added { value: 15, version: Version(3) };
    assert_eq!(act(&mut overlay, "c", vec![counted(Some(10))]), Verdict::Applied(vec![added]));
    act(&mut overlay, "d", vec![put("n", "text")]);
    assert_eq!(act(&mut overlay, "e", vec![counted(Some(10))]), refuses(Step::Action(0), Found::NotANumber));
}

#[test]
fn no_two_states_of_a_cell_share_a_version_not_even_after_a_deletion() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![put("k", 1), put("k", 2)]);
    let seen = Guard::CellVersion { key: key("k"), version: Version(1) };
    act(&mut overlay, "b", vec![Action::Delete { key: key("k") }]);
    let gone = act_at(&mut overlay, CLOCK_MS, "c", vec![seen.clone()], vec![put("k", 9)]);
    act(&mut overlay, "d", vec![put("k", 1)]);
    let other = act_at(&mut overlay, CLOCK_MS, "e", vec![seen], vec![put("k", 9)]);

    assert_eq!(gone, refuses(Step::Guard(0), Found::NoCell));
    assert_eq!(other, refuses(Step::Guard(0), Found::CellVersion(Version(4))));
    let delete = || Action::Delete { key: key("k") };
    let twice = act(&mut overlay, "f", vec![delete(), delete()]);
    assert_eq!(twice, refuses(Step::Action(1), Found::NoCell));
    assert_eq!(number(&overlay, "k"), Some(1));
}

#[test]
fn guards_about_cells_say_what_they_found() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![put("n", 5), put("t", "text")]);
    let absent = |text| Guard::CellAbsent { key: key(text) };
    let least = |text, least| Guard::CellAtLeast { key: key(text), least };
    for (place, (guard, expected)) in [
        (absent("n"), Some(Found::CellVersion(Version(1)))),
        (absent("none"), None),
        (least("n", 5), None),
        (least("n", 6), Some(Found::TooLittle(5))),
        (least("t", 0), Some(Found::NotANumber)),
        (least("none", i64::MIN), Some(Found::NoCell)),
        (Guard::CellVersion { key: key("none"), version: Version(0) }, Some(Found::NoCell)),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("guard {place}");
        let verdict = act_at(&mut overlay, CLOCK_MS, &text, vec![guard], vec![put("other", 1)]);
        match expected {
            None => assert!(matches!(verdict, Verdict::Applied(_)), "{text}"),
            Some(found) => assert_eq!(verdict, refuses(Step::Guard(0), found), "{text}"),
        }
    }
}

#[test]
fn a_retry_is_answered_though_its_own_effect_made_every_guard_false() {
    let mut overlay = begin();
    let guards = vec![
        Guard::CellAbsent { key: key("k") },
        Guard::LogEnd { log: log("x"), end: Offset(0) },
        Guard::Fate { target: id("other"), is: FateIs::Unknown },
    ];
    let actions = vec![put("k", 1), action("x", &["one"]), Action::Compensate { target: id("done") }];
    act(&mut overlay, "done", vec![put("paid", 1)]);
    let once = Proposal::Command(Command { guards, actions, ..command("a") });
    let first = decide(&mut overlay, once.clone());
    decide(&mut overlay, cancel(id("other")));

    let again = propose(&mut overlay, vec![once]);

    assert_eq!(again.answers, [replay_of(&first)]);
    assert_eq!(again.effects, []);
}

#[test]
fn a_consumer_commits_its_output_and_its_position_together_and_a_zombie_loses() {
    let mut overlay = begin();
    act(&mut overlay, "in", vec![action("in", &["one", "two", "three"])]);
    let reader = || ReaderName::new("enrich").expect("valid");
    let at = |offset, version| {
        vec![Guard::Position { reader: reader(), log: log("in"), offset: Offset(offset), version: Version(version) }]
    };
    let commit = |to| vec![action("out", &["done"]), Action::Move { reader: reader(), log: log("in"), to: Offset(to) }];

    let first = act_at(&mut overlay, CLOCK_MS, "a", at(0, 0), commit(2));
    let zombie = act_at(&mut overlay, CLOCK_MS, "b", at(0, 0), commit(2));
    let back = act_at(&mut overlay, CLOCK_MS, "c", at(2, 2), commit(0));
    let zombie_at_the_old_place = act_at(&mut overlay, CLOCK_MS, "d", at(0, 0), commit(2));

    let moved = |version| ActionResult::Moved { version: Version(version) };
    let appended = |first| ActionResult::Appended { first: Offset(first), count: 1 };
    assert_eq!(first, Verdict::Applied(vec![appended(0), moved(2)]));
    assert_eq!(zombie, refuses(Step::Guard(0), Found::Position { offset: Offset(2), version: Version(2) }));
    assert_eq!(back, Verdict::Applied(vec![appended(1), moved(4)]));
    let found = Found::Position { offset: Offset(0), version: Version(4) };
    assert_eq!(zombie_at_the_old_place, refuses(Step::Guard(0), found));
    let position = Position { offset: Offset(0), version: Version(4), time: time(CLOCK_MS) };
    assert_eq!(overlay.position(SpaceNumber(1), &reader(), &log("in")), Some(&position));
}

#[test]
fn a_reader_moves_up_to_the_end_that_its_own_command_makes_and_in_no_log_that_is_not_there() {
    let mut overlay = begin();
    let to = |to| Action::Move { reader: ReaderName::new("r").expect("valid"), log: log("x"), to: Offset(to) };
    assert_eq!(act(&mut overlay, "a", vec![to(0)]), refuses(Step::Action(0), Found::NoLog));
    let past = act(&mut overlay, "b", vec![action("x", &["one"]), to(2)]);
    assert_eq!(past, refuses(Step::Action(1), Found::PastEnd(Offset(1))));
    assert!(matches!(act(&mut overlay, "c", vec![action("x", &["one"]), to(1)]), Verdict::Applied(_)));
}

#[test]
fn a_log_that_is_to_be_made_explicitly_is_not_made_by_an_append() {
    let mut overlay = begin();
    let main = Space { logs: LogCreation::Explicit, ..overlay.space(&SpaceName::main()).expect("genesis").clone() };
    overlay.insert_space(SpaceName::main(), main);
    let create = || Action::CreateLog { log: log("x"), retention: Retention::EVERYTHING };

    let without = act(&mut overlay, "a", vec![action("x", &["one"])]);
    let with = act(&mut overlay, "b", vec![create(), action("x", &["one"])]);
    let twice = act(&mut overlay, "c", vec![create()]);

    assert_eq!(without, refuses(Step::Action(0), Found::NoLog));
    let appended = ActionResult::Appended { first: Offset(0), count: 1 };
    assert_eq!(with, Verdict::Applied(vec![ActionResult::LogCreated, appended]));
    assert_eq!(twice, refuses(Step::Action(0), Found::LogExists));
}
