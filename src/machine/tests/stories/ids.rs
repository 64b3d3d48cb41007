//! One id, one outcome: retries, reuse, refusals, cancels, births, the clock.

use super::*;

#[test]
fn a_retry_gets_the_first_answer_and_changes_nothing() {
    let mut overlay = begin();
    let first = decide(&mut overlay, append("a", "x", &["one", "two"]));
    decide(&mut overlay, append("b", "x", &["three"]));

    let again = propose(&mut overlay, vec![append("a", "x", &["one", "two"])]);

    assert_eq!(first, applied(1, 0, 2));
    assert_eq!(again.answers, [replay_of(&first)]);
    assert_eq!(again.effects, []);
}

#[test]
fn the_same_id_with_other_content_is_refused_and_changes_nothing() {
    let mut overlay = begin();
    let first = decide(&mut overlay, append("a", "x", &["one"]));

    for other in [append("a", "x", &["two"]), append("a", "y", &["one"]), append("a", "x", &["one", "one"])] {
        let ran = propose(&mut overlay, vec![other]);
        assert_eq!(ran.answers, [Answer::Rejected(Rejection::Reused)]);
        assert_eq!(ran.effects, []);
    }
    assert_eq!(decide(&mut overlay, append("a", "x", &["one"])), replay_of(&first));
}

#[test]
fn the_same_id_in_another_space_is_another_id() {
    let mut overlay = begin();
    let with_birth = Id::with_birth("a", time(CLOCK_MS)).expect("valid");
    decide(&mut overlay, append("a", "x", &["one"]));
    assert_eq!(decide(&mut overlay, in_finite(with_birth, "two")), applied(1, 0, 1));
}

#[test]
fn a_refusal_is_remembered_and_replayed_when_its_guard_would_hold() {
    let mut overlay = begin();
    let guarded = || with_guards(append("a", "x", &["one"]), &[("x", 0), ("x", 1)]);

    let first = decide(&mut overlay, guarded());
    decide(&mut overlay, append("b", "x", &["other"]));
    let again = decide(&mut overlay, guarded());

    assert_eq!(first, refused(1, Step::Guard(1), Found::LogEnd(Offset(0))));
    assert_eq!(again, replay_of(&first));
    assert_eq!(overlay.log(SpaceNumber(1), &log("x")).expect("made by b").end, Offset(1));
}

#[test]
fn a_refused_command_makes_no_log() {
    let mut overlay = begin();
    let ran = propose(&mut overlay, vec![with_guards(append("a", "x", &["one"]), &[("y", 9)])]);
    assert!(!ran.effects.iter().any(|effect| matches!(effect, Effect::Log { .. } | Effect::Records { .. })));
    assert_eq!(overlay.space(&SpaceName::main()).expect("genesis").next_log, LogNumber(1));
}

#[test]
fn guards_see_the_state_before_the_commands_own_actions() {
    let mut overlay = begin();
    let command = with_guards(append("a", "x", &["one"]), &[("x", 0)]);
    assert_eq!(decide(&mut overlay, command.clone()), applied(1, 0, 1));
    assert_eq!(decide(&mut overlay, command), replay_of(&applied(1, 0, 1)));
}

#[test]
fn appends_of_one_command_to_one_log_follow_each_other() {
    let mut overlay = begin();
    let command = Command {
        actions: vec![action("x", &["one", "two"]), action("y", &["three"]), action("x", &["four"])],
        ..command("a")
    };

    let ran = propose(&mut overlay, vec![Proposal::Command(command)]);

    let appended = |first, count| ActionResult::Appended { first: Offset(first), count };
    let verdict = Verdict::Applied(vec![appended(0, 2), appended(0, 1), appended(2, 1)]);
    assert_eq!(ran.answers, [decided(1, verdict)]);
    assert_eq!(overlay.log(SpaceNumber(1), &log("x")).expect("made").end, Offset(3));
    assert_eq!(overlay.log(SpaceNumber(1), &log("x")).expect("made").number, LogNumber(1));
    assert_eq!(overlay.log(SpaceNumber(1), &log("y")).expect("made").number, LogNumber(2));
}

#[test]
fn a_duplicate_inside_one_entry_is_seen_and_each_row_is_written_once() {
    let mut overlay = begin();
    let ran = propose(
        &mut overlay,
        vec![
            append("a", "x", &["one"]),
            append("a", "x", &["one"]),
            append("a", "x", &["two"]),
            append("b", "x", &["three"]),
        ],
    );

    let first = applied(1, 0, 1);
    let reused = Answer::Rejected(Rejection::Reused);
    assert_eq!(ran.answers, [first.clone(), replay_of(&first), reused, applied(2, 1, 1)]);
    let kinds: Vec<_> = ran
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Space { .. } => "space",
            Effect::Log { .. } => "log",
            Effect::Records { .. } => "records",
            Effect::Remember { .. } => "remember",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["space", "log", "remember", "remember", "records", "records"]);
}

#[test]
fn after_a_cancel_the_id_never_takes_effect_whatever_it_brings() {
    let mut overlay = begin();
    let cancelled = decide(&mut overlay, cancel(id("a")));

    assert_eq!(cancelled, decided(1, Verdict::Cancelled));
    for late in [append("a", "x", &["one"]), append("a", "y", &["two"]), cancel(id("a"))] {
        let ran = propose(&mut overlay, vec![late]);
        assert_eq!(ran.answers, [replay_of(&cancelled)]);
        assert_eq!(ran.effects, []);
    }
}

#[test]
fn a_cancel_after_the_command_answers_the_outcome_that_was_there() {
    let mut overlay = begin();
    let done = decide(&mut overlay, append("a", "x", &["one"]));
    let refused = decide(&mut overlay, with_guards(append("b", "x", &["one"]), &[("x", 0)]));
    assert_eq!(decide(&mut overlay, cancel(id("a"))), replay_of(&done));
    assert_eq!(decide(&mut overlay, cancel(id("b"))), replay_of(&refused));
}

#[test]
fn below_the_floor_an_id_is_too_old_even_if_its_row_is_still_there() {
    let mut overlay = begin();
    let old = Id::with_birth("a", time(FLOOR_MS - 1)).expect("valid");
    let at_the_floor = Id::with_birth("a", time(FLOOR_MS)).expect("valid");
    let outcome =
        Outcome { verdict: Verdict::Cancelled, sequence: Sequence(1), history: History(7), time: time(CLOCK_MS) };
    overlay.insert_remembered(SpaceNumber(2), old.clone(), tombstone(outcome));

    let too_old = Answer::Rejected(Rejection::TooOld { floor: time(FLOOR_MS) });
    assert_eq!(decide(&mut overlay, in_finite(old.clone(), "one")), too_old);
    assert_eq!(decide(&mut overlay, cancel_in_finite(old)), too_old);
    assert_eq!(decide(&mut overlay, in_finite(at_the_floor, "one")), applied(1, 0, 1));
}

#[test]
fn an_id_may_be_born_ten_minutes_ahead_and_not_a_millisecond_more() {
    let mut overlay = begin();
    let at_the_edge = Id::with_birth("a", time(AHEAD_MS)).expect("valid");
    let beyond = Id::with_birth("a", time(AHEAD_MS + 1)).expect("valid");

    let ahead = Answer::Rejected(Rejection::BornAhead { clock: time(CLOCK_MS) });
    assert_eq!(decide(&mut overlay, in_finite(at_the_edge, "one")), applied(1, 0, 1));
    assert_eq!(decide(&mut overlay, in_finite(beyond.clone(), "one")), ahead);
    assert_eq!(decide(&mut overlay, cancel_in_finite(beyond.clone())), ahead);

    let later = Batch { stamp: time(CLOCK_MS + 1), ..batch(vec![in_finite(beyond, "one")]) };
    let ran = run(&mut overlay, &later);
    assert!(matches!(&ran.answers[..], [Answer::Decided { replayed: false, .. }]));
}

#[test]
fn an_id_that_is_known_is_replayed_however_far_ahead_it_was_born() {
    let mut overlay = begin();
    let beyond = Id::with_birth("a", time(AHEAD_MS + 1)).expect("valid");
    let outcome =
        Outcome { verdict: Verdict::Cancelled, sequence: Sequence(1), history: History(7), time: time(CLOCK_MS) };
    overlay.insert_remembered(SpaceNumber(2), beyond.clone(), tombstone(outcome.clone()));
    assert_eq!(decide(&mut overlay, in_finite(beyond, "one")), Answer::Decided { outcome, replayed: true });
}

#[test]
fn a_finite_space_takes_no_id_without_birth_and_an_infinite_one_no_birth_beside() {
    let mut overlay = begin();
    let beside = Id::with_birth("a", time(CLOCK_MS)).expect("valid");
    let without = Answer::Rejected(Rejection::WithoutBirth);
    let forever = Answer::Rejected(Rejection::BirthBesideForever);
    assert_eq!(decide(&mut overlay, in_finite(id("a"), "one")), without);
    assert_eq!(decide(&mut overlay, cancel_in_finite(id("a"))), without);
    assert_eq!(decide(&mut overlay, cancel(beside.clone())), forever);
    let carried = Id::new("018bcfe5-6800-7000-8000-000000000001").expect("valid");
    assert_eq!(carried.birth().time(), Some(time(CLOCK_MS)));
    assert_eq!(decide(&mut overlay, cancel(carried.clone())), decided(1, Verdict::Cancelled));
    assert_eq!(decide(&mut overlay, in_finite(carried, "one")), applied(1, 0, 1));
    assert_eq!(decide(&mut overlay, in_finite(beside, "one")), applied(2, 1, 1));
}

#[test]
fn in_a_finite_space_the_same_text_with_another_birth_is_another_id() {
    let mut overlay = begin();
    let one = Id::with_birth("a", time(CLOCK_MS)).expect("valid");
    let other = Id::with_birth("a", time(CLOCK_MS + 1)).expect("valid");
    assert_eq!(decide(&mut overlay, in_finite(one, "one")), applied(1, 0, 1));
    assert_eq!(decide(&mut overlay, in_finite(other, "two")), applied(2, 1, 1));
}

#[test]
fn a_space_that_is_not_there_takes_nothing() {
    let mut overlay = begin();
    let space = SpaceName::new("nowhere").expect("valid");
    let command = Command { space: space.clone(), actions: vec![action("x", &["one"])], ..command("a") };
    let cancel = Cancel { space, target: id("a") };
    let ran = propose(&mut overlay, vec![Proposal::Command(command), Proposal::Cancel(cancel)]);
    assert_eq!(ran.answers, [Answer::Rejected(Rejection::NoSuchSpace), Answer::Rejected(Rejection::NoSuchSpace)]);
    assert_eq!(ran.effects, []);
}

#[test]
fn a_command_that_does_nothing_is_malformed_and_leaves_no_trace() {
    let mut overlay = begin();
    let ran = propose(&mut overlay, vec![Proposal::Command(command("a")), append("a", "x", &[])]);
    assert_eq!(ran.answers, [Answer::Rejected(Rejection::Malformed), Answer::Rejected(Rejection::Malformed)]);
    assert_eq!(ran.effects, []);
}

#[test]
fn the_clock_never_goes_back_and_outcomes_carry_it() {
    let mut overlay = begin();
    let later = Batch { stamp: time(CLOCK_MS + 5), ..batch(vec![append("a", "x", &["one"])]) };
    let earlier = Batch { stamp: time(CLOCK_MS + 2), ..batch(vec![append("b", "x", &["two"])]) };

    let moved = run(&mut overlay, &later);
    let stayed = run(&mut overlay, &earlier);

    let globals = globals(CLOCK_MS + 5);
    assert_eq!(moved.effects[0], Effect::Globals(globals));
    assert!(!stayed.effects.iter().any(|effect| matches!(effect, Effect::Globals(_))));
    for ran in [moved, stayed] {
        let Answer::Decided { outcome, .. } = &ran.answers[0] else { panic!("both are decided") };
        assert_eq!(outcome.time, time(CLOCK_MS + 5));
    }
}

#[test]
fn an_empty_entry_moves_the_clock() {
    let mut overlay = begin();
    let tick = Batch { stamp: time(CLOCK_MS + 1), ..batch(Vec::new()) };
    let effect = Effect::Globals(globals(CLOCK_MS + 1));
    assert_eq!(run(&mut overlay, &tick), Ran { answers: Vec::new(), effects: vec![effect] });
}

#[test]
fn history_only_goes_up() {
    let globals = globals(CLOCK_MS);
    let admit = |members: &[u64]| admit_history(globals, members.iter().copied().map(History));
    assert_eq!(admit(&[]), None);
    assert_eq!(admit(&[7, 3]), None);
    assert_eq!(admit(&[7, 9, 8]), Some(Effect::Globals(Globals { history: History(9), ..globals })));
}

#[test]
fn a_remembered_fingerprint_is_of_the_command_that_was_applied() {
    let mut overlay = begin();
    let proposal = append("a", "x", &["one"]);
    decide(&mut overlay, proposal.clone());
    let Proposal::Command(command) = proposal else { panic!("an append is a command") };
    let remembered = overlay.remembered(SpaceNumber(1), &id("a")).expect("just decided");
    assert_eq!(remembered.fingerprint, Some(Fingerprint::of(&command)));
}

#[test]
#[should_panic(expected = "lacks the rules of machine version 2")]
fn an_entry_whose_rules_are_not_known_is_not_applied() {
    let next = MachineVersion(MachineVersion::CURRENT.0 + 1);
    assert!(knows(MachineVersion::FIRST) && knows(MachineVersion::CURRENT) && !knows(next));
    run(&mut begin(), &Batch { machine_version: next, ..batch(vec![append("a", "x", &["one"])]) });
}
