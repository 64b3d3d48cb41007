//! The undoing of another command: never of what was not done, never twice.

use super::*;

#[test]
fn what_was_done_is_undone_once_by_whoever_comes_first() {
    let mut overlay = begin();
    let paid = pay(&mut overlay);
    let undone = act(&mut overlay, "undo", undoing("pay"));
    let retried = act(&mut overlay, "undo", undoing("pay"));
    let again = act(&mut overlay, "undo too", undoing("pay"));

    let added = ActionResult::Added { value: 10, version: Version(3) };
    assert_eq!(undone, Verdict::Applied(vec![added, ActionResult::Compensated]));
    assert_eq!(retried, undone);
    assert_eq!(again, refuses(Step::Action(1), Found::AlreadyCompensated { by: id("undo") }));
    assert_eq!(number(&overlay, "ann"), Some(10));
    let remembered = overlay.remembered(SpaceNumber(1), &id("pay")).expect("it was decided");
    assert_eq!(remembered.compensated_by, Some(id("undo")));
    assert_eq!(remembered.outcome.verdict, paid, "the outcome of what was undone never changes");
    assert_eq!(act(&mut overlay, "pay", vec![add("ann", -4)]), paid);
}

#[test]
fn what_was_never_done_is_not_paid_back_and_never_will_be_done() {
    let mut overlay = begin();
    act(&mut overlay, "open", vec![put("ann", 10)]);
    let undone = propose(&mut overlay, vec![Proposal::Command(Command { actions: undoing("pay"), ..command("undo") })]);
    let late = decide(&mut overlay, Proposal::Command(Command { actions: vec![add("ann", -4)], ..command("pay") }));

    assert_eq!(undone.answers, [decided(3, Verdict::NothingToUndo)], "the tombstone comes before it");
    assert_eq!(late, replay_of(&decided(2, Verdict::Cancelled)));
    assert_eq!(number(&overlay, "ann"), Some(10));
    assert!(!undone.effects.iter().any(|effect| matches!(effect, Effect::Cell { .. })));
}

#[test]
fn there_is_nothing_to_undo_of_what_was_refused_or_cancelled_or_had_nothing_to_undo_itself() {
    let mut overlay = begin();
    act(&mut overlay, "open", vec![put("ann", 10)]);
    act(&mut overlay, "refused", vec![add("ann", -11)]);
    decide(&mut overlay, cancel(id("cancelled")));
    act(&mut overlay, "nothing", undoing("unseen"));
    for target in ["refused", "cancelled", "nothing", "unseen"] {
        let text = format!("undo {target}");
        assert_eq!(act(&mut overlay, &text, undoing(target)), Verdict::NothingToUndo, "{target}");
        let remembered = overlay.remembered(SpaceNumber(1), &id(target)).expect("it was decided");
        assert_eq!(remembered.compensated_by, None);
    }
    assert_eq!(number(&overlay, "ann"), Some(10));
}

#[test]
fn an_undoing_whose_actions_refuse_marks_nothing() {
    let mut overlay = begin();
    pay(&mut overlay);
    let mut actions = undoing("pay");
    actions.push(add("ann", 1_000));
    assert_eq!(act(&mut overlay, "too much", actions), refuses(Step::Action(2), Found::OutOfBounds(10)));
    assert_eq!(overlay.remembered(SpaceNumber(1), &id("pay")).expect("decided").compensated_by, None);
    assert_eq!(number(&overlay, "ann"), Some(6));
    assert!(matches!(act(&mut overlay, "undo", undoing("pay")), Verdict::Applied(_)));
}

#[test]
fn guards_come_before_an_undoing_and_a_refusal_by_them_cancels_nothing() {
    let mut overlay = begin();
    act(&mut overlay, "open", vec![put("ann", 6)]);
    let guard = Guard::Fate { target: id("pay"), is: FateIs::Applied };
    let undone = act_at(&mut overlay, CLOCK_MS, "undo", vec![guard], undoing("pay"));
    assert_eq!(undone, refuses(Step::Guard(0), Found::Fate(FateKind::Unknown)));
    let paid = act(&mut overlay, "pay", vec![add("ann", -4)]);
    assert!(matches!(paid, Verdict::Applied(_)));
}

#[test]
fn fates_tell_what_is_in_force_from_what_was_undone() {
    let mut overlay = begin();
    pay(&mut overlay);
    act(&mut overlay, "undo", undoing("pay"));
    act(&mut overlay, "refused", vec![add("ann", -11)]);
    decide(&mut overlay, cancel(id("cancelled")));
    for (target, kind, holding) in [
        ("pay", FateKind::Compensated, vec![FateIs::Applied]),
        ("undo", FateKind::Applied, vec![FateIs::Applied, FateIs::InForce]),
        ("refused", FateKind::Refused, vec![FateIs::Refused]),
        ("cancelled", FateKind::Cancelled, vec![FateIs::Cancelled]),
        ("unseen", FateKind::Unknown, vec![FateIs::Unknown]),
    ] {
        for is in [FateIs::Applied, FateIs::InForce, FateIs::Refused, FateIs::Cancelled, FateIs::Unknown] {
            let guard = Guard::Fate { target: id(target), is };
            let verdict = act_at(&mut overlay, CLOCK_MS, &format!("{target} {is:?}"), vec![guard], vec![put("k", 1)]);
            if holding.contains(&is) {
                assert!(matches!(verdict, Verdict::Applied(_)), "{target} {is:?}");
            } else {
                assert_eq!(verdict, refuses(Step::Guard(0), Found::Fate(kind)), "{target} {is:?}");
            }
        }
    }
}

#[test]
fn an_undoing_can_be_undone() {
    let mut overlay = begin();
    pay(&mut overlay);
    act(&mut overlay, "undo", undoing("pay"));
    let actions = vec![add("ann", -4), Action::Compensate { target: id("undo") }];
    assert!(matches!(act(&mut overlay, "redo", actions), Verdict::Applied(_)));
    let again = act(&mut overlay, "undo again", undoing("pay"));
    assert_eq!(again, refuses(Step::Action(1), Found::AlreadyCompensated { by: id("undo") }));
}

#[test]
fn what_was_born_below_the_floor_or_too_far_ahead_is_not_undone() {
    let mut overlay = begin();
    let undo = |overlay: &mut Overlay, text: &str, target: Id| {
        let actions = vec![put("k", 1), Action::Compensate { target }];
        let command = Command { space: finite_name(), id: born(text, CLOCK_MS), guards: Vec::new(), actions };
        verdict(decide(overlay, Proposal::Command(command)))
    };
    let too_old = undo(&mut overlay, "a", born("old", FLOOR_MS - 1));
    let at_the_floor = undo(&mut overlay, "b", born("old", FLOOR_MS));
    let ahead = undo(&mut overlay, "c", born("new", AHEAD_MS + 1));
    let at_the_edge = undo(&mut overlay, "d", born("new", AHEAD_MS));

    assert_eq!(too_old, refuses(Step::Action(1), Found::TargetTooOld { floor: time(FLOOR_MS) }));
    assert_eq!(at_the_floor, Verdict::NothingToUndo);
    assert_eq!(ahead, refuses(Step::Action(1), Found::TargetBornAhead { clock: time(CLOCK_MS) }));
    assert_eq!(at_the_edge, Verdict::NothingToUndo);
    assert_eq!(
        decide(&mut overlay, in_finite(born("old", FLOOR_MS), "one")),
        replay_of(&decided(2, Verdict::Cancelled))
    );
}

#[test]
fn a_target_without_the_birth_that_its_space_wants_is_turned_away() {
    let mut overlay = begin();
    let guard = |target| vec![Guard::Fate { target, is: FateIs::Unknown }];
    let beside = Command { guards: guard(born("t", CLOCK_MS)), actions: vec![put("k", 1)], ..command("a") };
    let without = Command { space: finite_name(), id: born("a", CLOCK_MS), guards: guard(id("t")), ..beside.clone() };
    let ran = propose(&mut overlay, vec![Proposal::Command(beside), Proposal::Command(without)]);
    let expected = [Rejection::BirthBesideForever, Rejection::WithoutBirth].map(Answer::Rejected);
    assert_eq!(ran.answers, expected);
    assert_eq!(ran.effects, []);
}

#[test]
fn a_command_that_undoes_itself_or_two_others_is_malformed() {
    let mut overlay = begin();
    let undo = |text| Action::Compensate { target: id(text) };
    for actions in [vec![undo("a")], vec![undo("b"), undo("c")]] {
        let ran = propose(&mut overlay, vec![Proposal::Command(Command { actions, ..command("a") })]);
        assert_eq!(ran.answers, [Answer::Rejected(Rejection::Malformed)]);
        assert_eq!(ran.effects, []);
    }
}

/// Ann has 10, and pays 4 of them.
fn pay(overlay: &mut Overlay) -> Verdict {
    act(overlay, "open", vec![put("ann", 10)]);
    act(overlay, "pay", vec![add("ann", -4)])
}

/// Pays 4 back, and says only then what for.
fn undoing(target: &str) -> Vec<Action> {
    vec![add("ann", 4), Action::Compensate { target: id(target) }]
}
