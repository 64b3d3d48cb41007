//! Looks at cells, positions and locks that can't be: P8, and what a node knows of compensations: P3. All of this was
//! accepted before, but for versions of accounts that went back.

use super::model::Story;
use super::*;
use crate::command::{acquire, add_up, command, move_reader, put, release};
use crate::history::{Answer, Asked, CellSeen, Identity, Job, LockSeen, Question, Sealed, Verdict as Told};
use crate::proto::action_result::Result as Got;
use crate::proto::{Action, Added, CellPut, Locked, ReaderMoved, Released, Token};

/// What P8 says of looks at a time, each from 100 ms on, 10 ms apart.
pub(super) fn wrong(story: &Story, looks: &[(bool, Question, Answer)]) -> Vec<String> {
    story.found("P8", Events { asked: asked(looks).into(), ..Events::default() }, &[])
}

pub(super) fn asked(looks: &[(bool, Question, Answer)]) -> Vec<Asked> {
    let look = |(number, (linearizable, question, answer)): (u64, &(bool, Question, Answer))| Asked {
        node: 2,
        linearizable: *linearizable,
        space: Name::default(),
        invoked: at(100 + 10 * number),
        completed: at(105 + 10 * number),
        applied: 0,
        question: question.clone(),
        answer: answer.clone(),
    };
    (0..).zip(looks).map(look).collect()
}

fn one(id: &str, action: Action) -> crate::proto::SubmitRequest {
    command(id, vec![], vec![action])
}

#[test]
fn a_cell_that_is_seen_older_than_any_command_has_made_it_or_with_another_value_is_found() {
    let mut story = Story::at(1_000);
    story.done(&one("a", put("k", 7)), &[Got::Put(CellPut { version: 1 })]);
    story.done(&one("b", add_up("k", 3)), &[Got::Added(Added { value: 10, version: 2 })]);
    let look = |linearizable, version, number| {
        let cell = CellSeen { key: "k".into(), version, number: Some(number), content: None };
        let question = Question::Cells { after: String::new(), prefix: String::new(), limit: 9 };
        wrong(&story, &[(linearizable, question, Answer::Cells { cells: vec![cell], more: false })])
    };
    assert_eq!(look(true, 2, 10), Vec::<String>::new());
    assert_eq!(look(false, 1, 7), Vec::<String>::new(), "a local look may be behind");
    assert!(look(true, 1, 7)[0].contains("had the version 2"));
    assert!(look(false, 1, 10)[0].contains("showed version 1"));
    assert!(look(true, 2, 7)[0].contains("showed version 2"));
}

#[test]
fn a_position_that_is_seen_older_than_known_or_elsewhere_is_found() {
    let mut story = Story::at(1_000);
    story.done(&one("a", move_reader("r", "l", 4)), &[Got::Moved(ReaderMoved { version: 1 })]);
    story.done(&one("b", move_reader("r", "l", 9)), &[Got::Moved(ReaderMoved { version: 2 })]);
    let look = |linearizable, offset, version| {
        let question = Question::Position { reader: "r".into(), log: "l".into() };
        (linearizable, question, Answer::Position { offset, version })
    };
    assert_eq!(wrong(&story, &[look(false, 4, 1), look(true, 9, 2)]), Vec::<String>::new());
    assert!(wrong(&story, &[look(true, 4, 1)])[0].contains("had the version 2"));
    assert!(wrong(&story, &[look(true, 4, 2)])[0].contains("version 2 has r at l/9"));
    // Nobody was told of the third, and still somebody saw it.
    assert!(wrong(&story, &[look(false, 12, 3), look(true, 9, 2)])[0].contains("had the version 3"));
}

/// `l` is taken for a second at 1,000 by the first outcome, and given back by the second if that is wanted.
pub(super) fn lock_story(is_given_back: bool) -> Story {
    let lock = || "l".to_owned();
    let token = Token { history: 7, sequence: 1 };
    let mut story = Story::at(1_000);
    story.done(&one("a", acquire("l", "me", 1_000)), &[Got::Locked(Locked { token: Some(token), expires_ms: 2_000 })]);
    story.commands[0].job = Job::Acquire { lock: lock() };
    if is_given_back {
        story.done(&one("b", release("l", token)), &[Got::Released(Released {})]);
        story.commands[1].job = Job::Release { lock: lock(), token: (7, 1) };
    }
    story
}

#[test]
fn a_lock_that_is_seen_free_or_held_when_it_can_not_be_is_found() {
    let look = |is_given_back, held: Option<(u64, u64)>, clock_ms| {
        let held = held.map(|(sequence, expires_ms)| LockSeen { token: (7, sequence), expires_ms });
        let question = Question::Lock { lock: "l".into() };
        wrong(&lock_story(is_given_back), &[(true, question, Answer::Lock { held, clock_ms })])
    };
    let holder = Some((1, 2_000));
    assert_eq!(look(false, holder, 1_999), Vec::<String>::new());
    assert_eq!(look(false, None, 2_000), Vec::<String>::new());
    assert_eq!(look(true, None, 1_500), Vec::<String>::new());
    assert!(look(false, None, 1_999)[0].contains("holds it until 2000"));
    assert!(look(false, holder, 2_000)[0].contains("its time was over"));
    assert!(look(true, holder, 1_500)[0].contains("it was given back"));
    assert!(look(false, Some((1, 3_000)), 1_500)[0].contains("nobody has taken it so"));
    assert!(look(false, Some((9, 2_000)), 1_500)[0].contains("nobody has taken it so"));
}

#[test]
fn a_lock_that_is_seen_under_an_older_token_than_known_is_found() {
    let mut story = lock_story(true);
    let token = Token { history: 7, sequence: 3 };
    let again = one("c", acquire("l", "me", 1_000));
    story.later(100).done(&again, &[Got::Locked(Locked { token: Some(token), expires_ms: 2_100 })]);
    story.commands[2].job = Job::Acquire { lock: "l".to_owned() };
    let look = |linearizable, sequence, expires_ms| {
        let held = Some(LockSeen { token: (7, sequence), expires_ms });
        wrong(&story, &[(linearizable, Question::Lock { lock: "l".into() }, Answer::Lock { held, clock_ms: 1_500 })])
    };
    assert_eq!(look(true, 3, 2_100), Vec::<String>::new());
    assert_eq!(look(false, 1, 2_000), Vec::<String>::new(), "a local look may be behind");
    assert!(look(true, 1, 2_000)[0].contains("was known"));
}

#[test]
fn a_node_that_forgets_who_has_undone_a_command_is_found() {
    let id = |text: &str| Identity { text: text.into(), birth_ms: None };
    let look = |by: Option<&str>| {
        let outcome = Sealed { sequence: 1, history: 7, time_ms: 1_000, verdict: Told::Applied(vec![]), whole: None };
        let answer = Answer::Decided { outcome, compensated_by: by.map(id) };
        (false, Question::Fate(id("a")), answer)
    };
    let wrong = |looks: &[(bool, Question, Answer)]| {
        Story::at(1_000).found("P3", Events { asked: asked(looks).into(), ..Events::default() }, &[])
    };
    assert_eq!(wrong(&[look(None), look(Some("b"))]), Vec::<String>::new());
    assert_eq!(wrong(&[look(Some("b")), look(None)]), ["node 2 knew that a was undone, and later did not"]);
    let unknown = (false, Question::Fate(id("a")), Answer::Unknown);
    assert_eq!(wrong(&[look(None), unknown]), ["node 2 knew what became of a, and later did not"]);
}
