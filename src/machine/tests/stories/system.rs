//! Spaces and versions, in the reserved space.

use super::*;

#[test]
fn a_space_is_made_once_and_takes_commands_from_the_next_proposal_on() {
    let mut overlay = begin();
    let name = || SpaceName::new("orders").expect("valid");
    let create = |name| vec![Action::CreateSpace { name, policy: policy(Memory::For(MEMORY)) }];
    let mine = Command { space: name(), id: born("a", CLOCK_MS), actions: vec![put("k", 1)], ..command("a") };
    let ran = propose(&mut overlay, vec![in_system("make", create(name())), Proposal::Command(mine)]);

    assert!(ran.answers.iter().all(|answer| matches!(answer, Answer::Decided { replayed: false, .. })));
    let space = overlay.space(&name()).expect("just made");
    assert_eq!((space.number, space.floor, space.ids), (SpaceNumber(3), time(CLOCK_MS - 6_400_000), 1));
    assert_eq!(space.eras, [Era { from: LogTime::ZERO, width: Duration::from_secs(100) }]);
    assert_eq!(overlay.globals().next_space, SpaceNumber(4));
    for (text, taken) in [("again", name()), ("main", SpaceName::main()), ("system", SpaceName::system())] {
        assert_eq!(act(&mut overlay, text, create(taken)), refuses(Step::Action(0), Found::SpaceExists));
    }
}

#[test]
fn whether_a_space_forgets_is_fixed() {
    let mut overlay = begin();
    let set = |name, memory, logs| vec![Action::SetSpace { name, memory, logs }];
    let forever = act(&mut overlay, "a", set(SpaceName::main(), Some(MEMORY), None));
    assert_eq!(forever, refuses(Step::Action(0), Found::MemoryIsFixed));
    let nowhere = act(&mut overlay, "b", set(SpaceName::new("nowhere").expect("valid"), Some(MEMORY), None));
    assert_eq!(nowhere, refuses(Step::Action(0), Found::NoSpace));
    let logs = act(&mut overlay, "c", set(SpaceName::main(), None, Some(LogCreation::Explicit)));
    assert_eq!(logs, Verdict::Applied(vec![ActionResult::SpaceSet]));
    assert_eq!(overlay.space(&SpaceName::main()).expect("genesis").logs, LogCreation::Explicit);
    let own = act(&mut overlay, "d", set(SpaceName::system(), None, Some(LogCreation::Explicit)));
    assert_eq!(own, Verdict::Applied(vec![ActionResult::SpaceSet]));
    assert_eq!(overlay.space(&SpaceName::system()).expect("genesis").last_sequence, Sequence(4));
}

#[test]
fn a_memory_is_not_changed_more_often_than_can_be_remembered() {
    // A bucket is a 64th of it.
    let memory_after = |changes: u32| MEMORY + Duration::from_millis(64) * changes;
    let mut overlay = begin();
    let mut ms = CLOCK_MS;
    let mut set = |overlay: &mut Overlay, number: u32| {
        // Each change is in force before the next, and all of them within the memory: so none is over.
        ms += 100_100;
        let memory = Some(memory_after(number));
        let actions = vec![Action::SetSpace { name: finite_name(), memory, logs: None }];
        let ran = run_at(overlay, ms, vec![in_system(&format!("{number}"), actions)]);
        verdict(ran.answers.into_iter().next().expect("one"))
    };
    for number in 1..64 {
        assert_eq!(set(&mut overlay, number), Verdict::Applied(vec![ActionResult::SpaceSet]), "{number}");
    }
    assert_eq!(set(&mut overlay, 64), refuses(Step::Action(0), Found::TooManyChanges));
    assert_eq!(overlay.space(&finite_name()).expect("there").memory, Memory::For(memory_after(63)));
}

#[test]
fn the_memory_of_a_space_that_nobody_uses_can_be_changed_for_ever() {
    let mut overlay = begin();
    for number in 1..200_u32 {
        let ms = CLOCK_MS + u64::from(number) * 2_000_000;
        let memory = Some(MEMORY * (1 + number % 2));
        let actions = vec![Action::SetSpace { name: finite_name(), memory, logs: None }];
        let ran = run_at(&mut overlay, ms, vec![in_system(&format!("{number}"), actions)]);
        let found = verdict(ran.answers.into_iter().next().expect("one"));
        assert_eq!(found, Verdict::Applied(vec![ActionResult::SpaceSet]), "{number}");
    }
}

#[test]
fn the_version_only_goes_up_and_to_ask_for_what_is_in_force_changes_nothing() {
    let mut overlay = begin();
    let raise = |to| vec![Action::RaiseVersion { to: MachineVersion(to) }];
    let raised = |to| Verdict::Applied(vec![ActionResult::VersionRaised { version: MachineVersion(to) }]);

    assert_eq!(act(&mut overlay, "a", raise(1)), raised(1));
    assert_eq!(overlay.globals(), globals(CLOCK_MS));
    // The entry is decided by the rules that its proposer had: only those that follow are to be by the new ones.
    let ran =
        propose(&mut overlay, vec![in_system("b", raise(3)), in_system("c", raise(2)), append("d", "x", &["one"])]);
    let verdicts: Vec<_> = ran.answers.into_iter().map(verdict).collect();
    assert_eq!(verdicts[..2], [raised(3), refuses(Step::Action(0), Found::VersionInForce(MachineVersion(3)))]);
    assert!(matches!(verdicts[2], Verdict::Applied(_)));
    assert_eq!(overlay.globals().version, MachineVersion(3));
}

#[test]
fn the_reserved_space_takes_commands_about_spaces_alone_and_no_other_space_takes_those() {
    let mut overlay = begin();
    let raise = || Action::RaiseVersion { to: MachineVersion(1) };
    for proposal in [
        in_system("a", vec![put("k", 1)]),
        in_system("a", vec![raise(), put("k", 1)]),
        in_system("a", vec![raise(), Action::Compensate { target: id("b") }]),
        Proposal::Command(Command { actions: vec![raise()], ..command("a") }),
    ] {
        let ran = propose(&mut overlay, vec![proposal]);
        assert_eq!(ran.answers, [Answer::Rejected(Rejection::Malformed)]);
        assert_eq!(ran.effects, []);
    }
    let target = Proposal::Cancel(Cancel { space: SpaceName::system(), target: id("a") });
    assert_eq!(decide(&mut overlay, target), decided(1, Verdict::Cancelled));
    assert_eq!(act(&mut overlay, "a", vec![raise()]), Verdict::Cancelled);
    let guards = vec![Guard::Fate { target: id("a"), is: FateIs::Cancelled }];
    let guarded = Command { space: SpaceName::system(), guards, actions: vec![raise()], ..command("b") };
    assert!(matches!(verdict(decide(&mut overlay, Proposal::Command(guarded))), Verdict::Applied(_)));
}

/// What becomes of the actions in the reserved space, at the clock.
pub(super) fn act(overlay: &mut Overlay, text: &str, actions: Vec<Action>) -> Verdict {
    verdict(decide(overlay, in_system(text, actions)))
}

fn in_system(text: &str, actions: Vec<Action>) -> Proposal {
    Proposal::Command(Command { space: SpaceName::system(), actions, ..command(text) })
}

fn policy(memory: Memory) -> SpacePolicy {
    SpacePolicy { memory, logs: LogCreation::ByAppend }
}
