//! Forgetting in a finite space: in whole buckets, never back, never a second run.

use super::*;

/// Where the bucket of what is born at [`CLOCK_MS`] ends, and when it goes.
const BUCKET_END_MS: u64 = CLOCK_MS + 100_000;
const DUE_MS: u64 = BUCKET_END_MS + 6_400_000;

#[test]
fn an_id_is_remembered_until_its_whole_bucket_is_older_than_the_memory() {
    let mut overlay = begin();
    let mine = || in_finite(born("a", CLOCK_MS), "one");
    let first = decide(&mut overlay, mine());
    assert_eq!(overlay.next_due().map(|(at, _)| at), Some(time(DUE_MS)));

    let before = run_at(&mut overlay, DUE_MS - 1, vec![mine()]);
    let then = run_at(&mut overlay, DUE_MS, vec![mine(), in_finite(born("b", BUCKET_END_MS), "two")]);

    assert_eq!(before.answers, [replay_of(&first)]);
    let floor = time(BUCKET_END_MS);
    assert_eq!(then.answers[0], Answer::Rejected(Rejection::TooOld { floor }));
    assert!(matches!(then.answers[1], Answer::Decided { replayed: false, .. }), "at the floor an id is young enough");
    let forget = Effect::Forget { space: SpaceNumber(2), from: time(FLOOR_MS), below: floor };
    assert_eq!(then.effects.last(), Some(&forget));
    let space = overlay.space(&finite_name()).expect("there");
    assert_eq!((space.floor, space.ids), (floor, 1));
    assert_eq!(overlay.remembered(SpaceNumber(2), &born("a", CLOCK_MS)), None);
}

#[test]
fn a_floor_never_goes_back_whatever_the_memory_becomes() {
    let mut overlay = begin();
    decide(&mut overlay, in_finite(born("a", CLOCK_MS), "one"));
    set_memory(&mut overlay, "short", Duration::from_mins(1));
    // Its bucket goes as soon as it is older than the new memory: forgotten is forgotten.
    run_at(&mut overlay, BUCKET_END_MS + 60_000, Vec::new());
    set_memory(&mut overlay, "long", MEMORY * 10);
    let ran = run_at(&mut overlay, BUCKET_END_MS + 60_000, vec![in_finite(born("a", CLOCK_MS), "one")]);
    assert_eq!(ran.answers, [Answer::Rejected(Rejection::TooOld { floor: time(BUCKET_END_MS) })]);
}

#[test]
fn a_longer_memory_keeps_what_is_not_forgotten_yet() {
    let mut overlay = begin();
    let mine = || in_finite(born("a", CLOCK_MS), "one");
    let first = decide(&mut overlay, mine());
    set_memory(&mut overlay, "long", MEMORY * 2);
    let ran = run_at(&mut overlay, DUE_MS + 6_400_000 - 1, vec![mine()]);
    assert_eq!(ran.answers, [replay_of(&first)]);
    let ran = run_at(&mut overlay, DUE_MS + 6_400_000, vec![mine()]);
    assert_eq!(ran.answers, [Answer::Rejected(Rejection::TooOld { floor: time(BUCKET_END_MS) })]);
}

#[test]
fn another_width_holds_only_where_no_id_can_have_been_born() {
    let mut overlay = begin();
    let of = |overlay: &Overlay, ms| overlay.space(&finite_name()).expect("there").bucket_of(time(ms)).expect("finite");
    let before: Vec<_> = (0..=600_000).step_by(10_000).map(|later| of(&overlay, CLOCK_MS + later)).collect();
    set_memory(&mut overlay, "short", Duration::from_secs(640));
    let after: Vec<_> = (0..=600_000).step_by(10_000).map(|later| of(&overlay, CLOCK_MS + later)).collect();
    assert_eq!(before, after);
    // 600001 ms ahead is in the bucket that ends at 700000.
    let (start, end) = of(&overlay, CLOCK_MS + 700_000);
    assert_eq!((start, end), (time(CLOCK_MS + 700_000), time(CLOCK_MS + 710_000)));

    set_memory(&mut overlay, "other", Duration::from_secs(1_280));
    let eras = &overlay.space(&finite_name()).expect("there").eras;
    let pending = Era { from: time(CLOCK_MS + 700_000), width: Duration::from_secs(20) };
    assert_eq!(eras[1..], [pending], "what holds from then on is the last word");
    set_memory(&mut overlay, "as before", MEMORY);
    assert_eq!(overlay.space(&finite_name()).expect("there").eras.len(), 1);
}

#[test]
fn a_clock_far_on_forgets_bucket_by_bucket_and_leaves_the_rest_due() {
    const AHEAD_MS: u64 = 500_000;
    let mut overlay = begin();
    let buckets = u64::try_from(due_in_entry(1)).expect("small") + 1;
    for bucket in 0..buckets {
        // Each id is born a little ahead, so that none is due while they come.
        let ms = CLOCK_MS + bucket * 100_000;
        run_at(&mut overlay, ms, vec![in_finite(born("a", ms + AHEAD_MS), "one")]);
    }
    let far_ms = CLOCK_MS + 1_000_000_000;
    let last = || in_finite(born("a", CLOCK_MS + AHEAD_MS + (buckets - 1) * 100_000), "one");

    let first = run_at(&mut overlay, far_ms, vec![last()]);
    let second = run_at(&mut overlay, far_ms, vec![last()]);

    assert!(matches!(first.answers[..], [Answer::Decided { replayed: true, .. }]), "it has not been its turn yet");
    let floor = time(CLOCK_MS + AHEAD_MS + buckets * 100_000);
    assert_eq!(second.answers, [Answer::Rejected(Rejection::TooOld { floor })]);
    let space = overlay.space(&finite_name()).expect("there");
    assert_eq!((space.ids, space.id_bytes, space.due), (0, 0, None));
    let forgets = first.effects.iter().filter(|effect| matches!(effect, Effect::Forget { .. })).count();
    assert_eq!(forgets, 1, "ranges that follow on each other are one");
}

#[test]
fn an_id_that_would_be_forgotten_at_once_is_not_taken_however_far_the_floor_lags() {
    let mut overlay = begin();
    let later_ms = CLOCK_MS + 10 * 6_400_000;
    // The bucket of what is as old as the memory is not over yet, and what is in it is taken.
    let closed_ms = later_ms - 6_400_000;
    let refused = Answer::Rejected(Rejection::TooOld { floor: time(closed_ms) });
    let old = || in_finite(born("old", closed_ms - 1), "one");

    let taken = run_at(&mut overlay, later_ms + 99_999, vec![old(), in_finite(born("young", closed_ms), "one")]);
    assert_eq!(taken.answers[0], refused);
    assert!(matches!(taken.answers[1], Answer::Decided { replayed: false, .. }));

    set_memory(&mut overlay, "longer", Duration::from_secs(64_000));
    assert_eq!(run_at(&mut overlay, later_ms, vec![old()]).answers, [refused], "what was too old stays so");
}

#[test]
fn a_new_space_takes_nothing_that_it_would_forget_at_once() {
    let mut overlay = begin();
    let name = || SpaceName::new("short").expect("valid");
    let policy = SpacePolicy { memory: Memory::For(Duration::from_secs(64)), logs: LogCreation::ByAppend };
    system::act(&mut overlay, "make", vec![Action::CreateSpace { name: name(), policy }]);
    let floor = overlay.space(&name()).expect("just made").floor;
    assert_eq!(floor, time(CLOCK_MS - 64_000));
}

#[test]
fn a_stamp_that_goes_back_moves_no_floor() {
    let mut overlay = begin();
    decide(&mut overlay, in_finite(born("a", CLOCK_MS), "one"));
    run_at(&mut overlay, DUE_MS, Vec::new());
    let ran = run_at(&mut overlay, CLOCK_MS, vec![in_finite(born("a", CLOCK_MS), "one")]);
    assert_eq!(ran.answers, [Answer::Rejected(Rejection::TooOld { floor: time(BUCKET_END_MS) })]);
}

#[test]
fn a_guard_on_a_fate_below_the_floor_refuses_whatever_it_wants() {
    let mut overlay = begin();
    for is in [FateIs::Applied, FateIs::InForce, FateIs::Refused, FateIs::Cancelled, FateIs::Unknown] {
        let id = born(&format!("{is:?}"), CLOCK_MS);
        let guards = vec![Guard::Fate { target: born("t", FLOOR_MS - 1), is }];
        let command = Command { space: finite_name(), id, guards, actions: vec![put("k", 1)] };
        let found = Found::TargetTooOld { floor: time(FLOOR_MS) };
        assert_eq!(verdict(decide(&mut overlay, Proposal::Command(command))), refuses(Step::Guard(0), found));
    }
}

fn set_memory(overlay: &mut Overlay, text: &str, memory: Duration) {
    let actions = vec![Action::SetSpace { name: finite_name(), memory: Some(memory), logs: None }];
    let verdict = system::act(overlay, text, actions);
    assert_eq!(verdict, Verdict::Applied(vec![ActionResult::SpaceSet]));
}
