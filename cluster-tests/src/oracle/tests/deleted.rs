//! Broken histories of logs, readers and spaces that were deleted: P21, and what other properties make of deletions.

use super::commands::{EFFECTS, appended, command, handle, of, sealed, whole};
use super::*;
use crate::history::{Command, Got, Job, Verdict};

const DRAFTS: &str = "drafts";

fn draft(id: &str, sequence: u64, offset: u64) -> Command {
    let appended = command(id, Job::Prepare, sequence, 0, Verdict::Applied(vec![appended(offset, 1)]));
    Command { log: DRAFTS.into(), contents: vec![Content::of(id.as_bytes())], ..appended }
}

fn done(id: &str, job: Job, sequence: u64, got: Got) -> Command {
    command(id, job, sequence, 0, Verdict::Applied(vec![got]))
}

/// A log that was deleted at 2 and goes on, a space that was deleted, and a reader that was deleted and began again.
fn sound_with_deletions() -> (Events, Vec<Dump>) {
    let (mut events, mut dumps) = whole();
    let in_brief = |command| Command { space: "brief".into(), log: "brief/l".into(), ..command };
    let delete_log = Job::DeleteLog { log: DRAFTS.to_owned() };
    let delete_reader = Job::DeleteReader { reader: "r".to_owned(), source: LOG.to_owned() };
    let delete_space = done("gone", Job::DeleteSpace { space: "brief".to_owned() }, 27, Got::Done);
    events.commands.extend([
        draft("one", 22, 0),
        draft("two", 23, 1),
        done("log", delete_log, 24, Got::LogDeleted { end: 2 }),
        draft("three", 25, 2),
        in_brief(draft("use", 26, 0)),
        Command { space: "oncelog.system".into(), ..delete_space },
        done("reader", delete_reader, 28, Got::Done),
        Command { log: EFFECTS.into(), ..again() },
    ]);
    for dump in &mut dumps {
        let records = vec![extra(2, "three", Content::of(b"three"))];
        dump.logs.insert(DRAFTS.to_owned(), Arc::new(LogDump { start: 2, end: 3, records }));
        let effects = log_of(dump, EFFECTS);
        effects.records.push(extra(4, "again", again().contents[0]));
        effects.end = 5;
        dump.positions.values_mut().for_each(|position| *position = (1, 29));
        dump.spaces = ["main".to_owned(), "forgetful".to_owned()].into();
    }
    (events, dumps)
}

/// The first record, handled again.
fn again() -> Command {
    let done = Verdict::Applied(vec![appended(4, 1), Got::Done]);
    let contents = vec![Content::of(&sample::effect(0, "a"))];
    Command { contents, ..command("again", handle(0, 1), 29, 0, done) }
}

fn broken_deletion(damage: impl FnOnce(&mut Events, &mut Vec<Dump>)) -> Vec<&'static str> {
    let (mut events, mut dumps) = sound_with_deletions();
    damage(&mut events, &mut dumps);
    let mut found: Vec<_> = judge(&events, &dumps).into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

#[test]
fn what_goes_with_its_log_or_its_space_is_not_missed() {
    let (events, dumps) = sound_with_deletions();
    assert_eq!(judge(&events, &dumps), []);
}

#[test]
fn records_that_are_lost_without_a_deletion_are_found_though_others_were_deleted() {
    let lose = |_: &mut Events, dumps: &mut Vec<Dump>| dumps.iter_mut().for_each(|dump| drop(dump.logs.remove(DRAFTS)));
    assert_eq!(broken_deletion(lose), ["P1"], "what came after the deletion");
    let back = |_: &mut Events, dumps: &mut Vec<Dump>| {
        for dump in dumps {
            let log = log_of(dump, DRAFTS);
            log.start = 1;
            log.records.insert(0, extra(1, "two", Content::of(b"two")));
        }
    };
    assert_eq!(broken_deletion(back), ["P4"], "what was deleted is there");
}

#[test]
fn an_offset_that_is_given_again_after_a_deletion_is_found() {
    let again = |events: &mut Events, dumps: &mut Vec<Dump>| {
        sealed(events, "three").verdict = Verdict::Applied(vec![appended(0, 1)]);
        for dump in dumps {
            let log = log_of(dump, DRAFTS);
            (log.start, log.end, log.records[0].offset) = (0, 1, 0);
        }
    };
    assert_eq!(broken_deletion(again), ["P4", "P21"]);
}

#[test]
fn a_space_that_comes_back_is_found() {
    let listed = |_: &mut Events, dumps: &mut Vec<Dump>| {
        for dump in dumps {
            dump.spaces.extend(["brief".to_owned()]);
        }
    };
    assert_eq!(broken_deletion(listed), ["P21"]);
    let on_one = |_: &mut Events, dumps: &mut Vec<Dump>| dumps[1].spaces.extend(["brief".to_owned()]);
    assert_eq!(broken_deletion(on_one), ["P5", "P21"]);
    let decided = |replayed| {
        broken_deletion(|events, _| {
            let mut late = of(events, "use").attempts[0].clone();
            (late.invoked, late.completed) = (at(900), Some(at(905)));
            let Some(Ok(decided)) = &mut late.answer else { panic!("it is decided") };
            decided.replayed = replayed;
            of(events, "use").attempts.push(late);
        })
    };
    assert_eq!(decided(true), Vec::<&str>::new(), "a node that is behind still knows it");
    assert_eq!(decided(false), ["P3", "P21"]);
}

#[test]
fn a_reader_that_is_deleted_begins_at_the_beginning() {
    let goes_on = |events: &mut Events, _: &mut Vec<Dump>| of(events, "again").job = handle(3, 4);
    assert!(broken_deletion(goes_on).contains(&"P20"));
    let listed = |events: &mut Events, _: &mut Vec<Dump>| {
        events.commands.plain().retain(|command| command.id != "again");
    };
    assert!(broken_deletion(listed).contains(&"P20"), "it is at no place then");
}
