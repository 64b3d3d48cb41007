//! Locks: tokens, expiry on the space's clock, and holders that were declared dead.

use super::*;

const SECOND_LATER_MS: u64 = CLOCK_MS + 1_000;
const FIRST: Token = Token { history: History(7), sequence: Sequence(1) };

#[test]
fn a_lock_is_held_until_the_millisecond_before_it_expires() {
    for (ms, is_held) in [(SECOND_LATER_MS - 1, true), (SECOND_LATER_MS, false)] {
        let mut overlay = begin();
        let locked = act(&mut overlay, "a", vec![acquire("ann")]);
        let expires = time(SECOND_LATER_MS);
        assert_eq!(locked, Verdict::Applied(vec![ActionResult::Locked { token: FIRST, expires }]));

        let guarded = act_at(&mut overlay, ms, "b", vec![held(FIRST)], vec![put("k", 1)]);
        let taken = act_at(&mut overlay, ms, "c", Vec::new(), vec![acquire("bob")]);

        if is_held {
            assert!(matches!(guarded, Verdict::Applied(_)));
            let holder = Holder::new("ann").expect("valid");
            assert_eq!(taken, refuses(Step::Action(0), Found::LockHeld { holder, token: FIRST, expires }));
        } else {
            assert_eq!(guarded, refuses(Step::Guard(0), Found::LockFree));
            let next =
                ActionResult::Locked { token: Token { sequence: Sequence(3), ..FIRST }, expires: time(ms + 1_000) };
            assert_eq!(taken, Verdict::Applied(vec![next]));
        }
    }
}

#[test]
fn a_holder_that_was_declared_dead_can_neither_act_nor_renew_nor_release() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![acquire("ann")]);
    act_at(&mut overlay, SECOND_LATER_MS, "b", Vec::new(), vec![acquire("bob")]);
    let token = Token { sequence: Sequence(2), ..FIRST };
    let bobs = || Found::LockHeld {
        holder: Holder::new("bob").expect("valid"),
        token,
        expires: time(SECOND_LATER_MS + 1_000),
    };

    let acted = act_at(&mut overlay, SECOND_LATER_MS, "c", vec![held(FIRST)], vec![put("k", 1)]);
    let renewed = act_at(&mut overlay, SECOND_LATER_MS, "d", Vec::new(), vec![renew(FIRST, 9_000)]);
    let released = act_at(&mut overlay, SECOND_LATER_MS, "e", Vec::new(), vec![release(FIRST)]);

    assert_eq!(acted, refuses(Step::Guard(0), bobs()));
    assert_eq!(renewed, refuses(Step::Action(0), bobs()));
    assert_eq!(released, refuses(Step::Action(0), bobs()));
    let guarded = act_at(&mut overlay, SECOND_LATER_MS, "f", vec![held(token)], vec![put("k", 1)]);
    assert!(matches!(guarded, Verdict::Applied(_)));
}

#[test]
fn a_lock_that_is_held_is_refused_to_its_own_holder_too_and_a_retry_gets_the_first_token() {
    let mut overlay = begin();
    let first = act(&mut overlay, "a", vec![acquire("ann")]);
    let retry = act(&mut overlay, "a", vec![acquire("ann")]);
    let another = act(&mut overlay, "b", vec![acquire("ann")]);
    assert_eq!(first, retry);
    assert!(matches!(another, Verdict::Refused(_)));
}

#[test]
fn renewing_counts_from_now_and_moves_the_one_place_at_which_the_lock_is_due() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![acquire("ann")]);
    let renewed = act_at(&mut overlay, CLOCK_MS + 999, "b", Vec::new(), vec![renew(FIRST, 1_000)]);
    let expires = time(CLOCK_MS + 1_999);
    assert_eq!(renewed, Verdict::Applied(vec![ActionResult::Locked { token: FIRST, expires }]));
    assert_eq!(overlay.next_due().map(|(at, _)| at), Some(expires));

    let at_the_old_time = run_at(&mut overlay, SECOND_LATER_MS, Vec::new());
    assert!(at_the_old_time.effects.iter().all(|effect| matches!(effect, Effect::Globals(_))));
    let held_still = act_at(&mut overlay, CLOCK_MS + 1_998, "c", vec![held(FIRST)], vec![put("k", 1)]);
    assert!(matches!(held_still, Verdict::Applied(_)));

    let released = act_at(&mut overlay, CLOCK_MS + 1_998, "d", Vec::new(), vec![release(FIRST)]);
    assert_eq!(released, Verdict::Applied(vec![ActionResult::Released]));
    assert_eq!(overlay.next_due(), None);
}

#[test]
fn a_stamp_that_goes_back_brings_no_lock_back() {
    let mut overlay = begin();
    act(&mut overlay, "a", vec![acquire("ann")]);
    run_at(&mut overlay, SECOND_LATER_MS, Vec::new());
    let late = act_at(&mut overlay, CLOCK_MS, "b", vec![held(FIRST)], vec![put("k", 1)]);
    assert_eq!(late, refuses(Step::Guard(0), Found::LockFree));
}

#[test]
fn what_one_entry_has_no_room_for_stays_due_and_is_expired_all_the_same() {
    let mut overlay = begin();
    let name = |number: usize| LockName::new(&format!("{number:03}")).expect("valid");
    let holder = Holder::new("ann").expect("valid");
    let time_held = Duration::from_secs(1);
    let all = due_in_entry(1) + 2;
    let acquire = |number| Action::Acquire { lock: name(number), holder: holder.clone(), time: time_held };
    act(&mut overlay, "a", (0..all).map(acquire).collect());

    let guard = Guard::LockHeld { lock: name(all - 1), token: FIRST };
    let late = act_at(&mut overlay, SECOND_LATER_MS, "b", vec![guard], vec![put("k", 1)]);
    let rows =
        |overlay: &Overlay| (0..all).filter(|number| overlay.lock(SpaceNumber(1), &name(*number)).is_some()).count();

    assert_eq!(late, refuses(Step::Guard(0), Found::LockFree), "its row is there, and it has expired");
    assert_eq!(rows(&overlay), 2);
    let taken = act_at(&mut overlay, SECOND_LATER_MS - 1, "c", Vec::new(), vec![acquire(all - 1)]);
    assert!(matches!(taken, Verdict::Applied(_)));
    run_at(&mut overlay, SECOND_LATER_MS, Vec::new());
    let found = overlay.lock(SpaceNumber(1), &name(all - 1)).expect("just taken");
    assert_eq!((found.token.sequence, found.expires), (Sequence(3), time(SECOND_LATER_MS + 1_000)));
    assert_eq!(rows(&overlay), 1);
}

fn name() -> LockName {
    LockName::new("l").expect("valid")
}

fn acquire(holder: &str) -> Action {
    Action::Acquire { lock: name(), holder: Holder::new(holder).expect("valid"), time: Duration::from_secs(1) }
}

fn renew(token: Token, ms: u64) -> Action {
    Action::Renew { lock: name(), token, time: Duration::from_millis(ms) }
}

fn release(token: Token) -> Action {
    Action::Release { lock: name(), token }
}

fn held(token: Token) -> Guard {
    Guard::LockHeld { lock: name(), token }
}
