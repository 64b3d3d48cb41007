//! Trimming, by command and by time: it takes whole pieces from the front and forgets no id.

use super::*;

#[test]
fn a_trim_moves_the_start_up_to_the_end_and_never_back() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![action("x", &["one", "two", "three"])]);
    let trim = |before| vec![Action::Trim { log: log("x"), before: Offset(before) }];
    let trimmed = |start| Verdict::Applied(vec![ActionResult::Trimmed { start: Offset(start) }]);

    assert_eq!(act(&mut overlay, "b", trim(2)), trimmed(2));
    assert_eq!(act(&mut overlay, "c", trim(1)), trimmed(2));
    assert_eq!(act(&mut overlay, "d", trim(4)), refuses(Step::Action(0), Found::PastEnd(Offset(3))));
    assert_eq!(act(&mut overlay, "e", trim(3)), trimmed(3));
    assert_eq!(head(&overlay, "x").bytes(), 0);
    let none = act(&mut overlay, "f", vec![Action::Trim { log: log("none"), before: Offset(0) }]);
    assert_eq!(none, refuses(Step::Action(0), Found::NoLog));
    let retry = decide(&mut overlay, append("a", "x", &["one", "two", "three"]));
    assert!(matches!(retry, Answer::Decided { replayed: true, .. }), "no id is forgotten for it");
    let next = act(&mut overlay, "g", vec![action("x", &["four"])]);
    assert_eq!(next, Verdict::Applied(vec![ActionResult::Appended { first: Offset(3), count: 1 }]));
}

#[test]
fn records_that_come_and_go_in_one_entry_are_written_before_their_range_goes() {
    let mut overlay = begin();
    let trim = |before| Action::Trim { log: log("x"), before: Offset(before) };
    let command = |text, actions| Proposal::Command(Command { actions, ..command(text) });
    let ran = propose(
        &mut overlay,
        vec![
            command("a", vec![action("x", &["one", "two"]), trim(1)]),
            command("b", vec![action("x", &["three"]), trim(2)]),
            append("c", "x", &["four"]),
        ],
    );
    let (space, number) = (SpaceNumber(1), LogNumber(1));
    let range = Effect::Trim { space, log: number, from: Offset(0), before: Offset(2) };
    assert_eq!(ran.effects.last(), Some(&range));
    assert_eq!(ran.effects.iter().filter(|effect| matches!(effect, Effect::Trim { .. })).count(), 1);
    assert_eq!((head(&overlay, "x").start, head(&overlay, "x").end), (Offset(2), Offset(4)));
}

#[test]
fn by_age_a_piece_goes_when_its_newest_record_is_as_old_and_not_a_millisecond_earlier() {
    let mut overlay = begin();
    let age = Duration::from_secs(64);
    create(&mut overlay, Retention { age: Some(age), ..Retention::EVERYTHING });
    act(&mut overlay, "a", vec![action("x", &["one"])]);
    act_at(&mut overlay, CLOCK_MS + 999, "b", Vec::new(), vec![action("x", &["two"])]);
    act_at(&mut overlay, CLOCK_MS + 1_000, "c", Vec::new(), vec![action("x", &["three"])]);

    // The first piece holds the first two, and the third begins another.
    let start_at = |overlay: &mut Overlay, ms| {
        run_at(overlay, ms, Vec::new());
        head(overlay, "x").start
    };
    assert_eq!(start_at(&mut overlay, CLOCK_MS + 64_999), Offset(0));
    assert_eq!(start_at(&mut overlay, CLOCK_MS + 65_000), Offset(3), "the last piece is as old as its last record");
    assert_eq!(overlay.next_due(), None, "of an empty log nothing is due");
}

#[test]
fn by_age_an_append_keeps_the_last_piece_without_being_asked_for_each() {
    let mut overlay = begin();
    create(&mut overlay, Retention { age: Some(Duration::from_secs(64)), ..Retention::EVERYTHING });
    act(&mut overlay, "a", vec![action("x", &["one"])]);
    let armed = overlay.next_due().map(|(at, _)| at);
    act_at(&mut overlay, CLOCK_MS + 500, "b", Vec::new(), vec![action("x", &["two"])]);
    assert_eq!(overlay.next_due().map(|(at, _)| at), armed, "an append doesn't move it on");

    let early = run_at(&mut overlay, CLOCK_MS + 64_000, Vec::new());
    assert!(!early.effects.iter().any(|effect| matches!(effect, Effect::Trim { .. })));
    assert_eq!(overlay.next_due().map(|(at, _)| at), Some(time(CLOCK_MS + 64_500)));
    run_at(&mut overlay, CLOCK_MS + 64_500, Vec::new());
    assert_eq!(head(&overlay, "x").start, Offset(2));
}

#[test]
fn by_records_and_bytes_at_least_as_much_is_left_as_is_to_be_kept() {
    for retention in
        [Retention { records: Some(2), ..Retention::EVERYTHING }, Retention { bytes: Some(6), ..Retention::EVERYTHING }]
    {
        let mut overlay = begin();
        create(&mut overlay, retention);
        for text in ["a", "b", "c"] {
            act(&mut overlay, text, vec![action("x", &["one"])]);
        }
        assert_eq!(head(&overlay, "x").start, Offset(0), "what is too much goes with the next entry");
        run_at(&mut overlay, CLOCK_MS, Vec::new());
        assert_eq!(head(&overlay, "x").start, Offset(1));
        assert_eq!(head(&overlay, "x").bytes(), 6);
        act(&mut overlay, "d", vec![action("x", &["one", "one", "one"])]);
        run_at(&mut overlay, CLOCK_MS, Vec::new());
        assert_eq!(head(&overlay, "x").start, Offset(3), "all that is to go goes at once");
    }
}

#[test]
fn another_retention_takes_what_is_too_much_by_it_and_brings_nothing_back() {
    let mut overlay = begin();
    create(&mut overlay, Retention { records: Some(100), ..Retention::EVERYTHING });
    for number in 0..10 {
        act(&mut overlay, &format!("{number}"), vec![action("x", &["one"])]);
    }
    let set = |retention| vec![Action::SetRetention { log: log("x"), retention }];
    act(&mut overlay, "short", set(Retention { records: Some(3), ..Retention::EVERYTHING }));
    run_at(&mut overlay, CLOCK_MS, Vec::new());
    assert_eq!(head(&overlay, "x").start, Offset(7));
    act(&mut overlay, "all", set(Retention::EVERYTHING));
    run_at(&mut overlay, CLOCK_MS + 1_000_000_000, Vec::new());
    assert_eq!((head(&overlay, "x").start, head(&overlay, "x").due), (Offset(7), None));
    let none = vec![Action::SetRetention { log: log("none"), retention: Retention::EVERYTHING }];
    assert_eq!(act(&mut overlay, "none", none), refuses(Step::Action(0), Found::NoLog));
}

#[test]
fn the_marks_of_a_log_are_bounded_however_much_is_appended() {
    let mut overlay = begin();
    create(&mut overlay, Retention { bytes: Some(64), records: Some(1_000_000), ..Retention::EVERYTHING });
    // One batch, so that time takes nothing: each append is a piece of its own.
    let appends = (0..2_000).map(|number| append(&format!("{number}"), "x", &["a byte or more"])).collect();
    propose(&mut overlay, appends);
    let marks = &head(&overlay, "x").marks;
    assert!(marks.len() <= 256, "{}", marks.len());
    assert_eq!(marks[0].first, Offset(0));
    assert!(marks.windows(2).all(|pair| pair[0].first < pair[1].first));
    run_at(&mut overlay, CLOCK_MS, Vec::new());
    let head = head(&overlay, "x");
    assert!(head.bytes() >= 64 && head.bytes() < 64 + 2 * 14 * 16, "{}", head.bytes());
}

#[test]
fn a_log_that_keeps_everything_has_pieces_so_that_its_bytes_can_be_told_after_a_trim() {
    let mut overlay = begin();
    let appends = (0..40).map(|number| append(&format!("{number}"), "x", &["ten bytes!"; 100])).collect();
    propose(&mut overlay, appends);
    let firsts: Vec<_> = head(&overlay, "x").marks.iter().map(|mark| mark.first.0).collect();
    assert_eq!(firsts, [0, 1_100, 2_200, 3_300]);
    act(&mut overlay, "trim", vec![Action::Trim { log: log("x"), before: Offset(2_500) }]);
    assert_eq!(head(&overlay, "x").bytes(), 18_000);
}

fn create(overlay: &mut Overlay, retention: Retention) {
    let made = act(overlay, "create", vec![Action::CreateLog { log: log("x"), retention }]);
    assert_eq!(made, Verdict::Applied(vec![ActionResult::LogCreated]));
}
