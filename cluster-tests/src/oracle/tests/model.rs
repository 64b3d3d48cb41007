//! Whole commands and what they were told, and what the model says of them when one thing is wrong: P22.

use super::*;
use crate::command::{
    SYSTEM, acquire, add, append, born, cell_absent, cell_version, command, command_in, compensate, create_log,
    create_space, decided, delete_log, delete_reader, delete_space, fate_is, id, lock_held, move_reader, position_is,
    put, record, release, renew, set_retention, set_space, trim,
};
use crate::history::{Answer, Asked, Command, CommandAttempt, Identity, Job, Packed, Question};
use crate::proto::action_result::Result as Got;
use crate::proto::outcome::Verdict;
use crate::proto::refused::{Found, Step};
use crate::proto::{
    Action, ActionResult, Added, Appended, Applied, Arrival, Cancelled, CellDeleted, CellPut, CommandId, Compensated,
    DeleteCell, FoundFate, FoundPosition, Guard, Locked, LogCreated, LogDeleted, LogEndIs, NoLog, Outcome,
    ReaderDeleted, ReaderMoved, Refused, Released, Retention, RetentionSet, SpaceCreated, SpaceDeleted, SpaceSet,
    SubmitRequest, SubmitResponse, Token, Trimmed, WantedFate, action, guard,
};

/// A history of whole commands, each sent when the one before it was answered.
#[derive(Default)]
pub(super) struct Story {
    pub(super) commands: Vec<Command>,
    time_ms: u64,
}

impl Story {
    /// One that begins at a time.
    pub(super) fn at(time_ms: u64) -> Self {
        Self { commands: Vec::new(), time_ms }
    }

    /// The next outcome of a space: so many are before it.
    fn sequence(&self, space: &str) -> u64 {
        self.commands.iter().filter(|it| it.space == space).count() as u64 + 1
    }

    /// Time goes on.
    pub(super) fn later(&mut self, ms: u64) -> &mut Self {
        self.time_ms += ms;
        self
    }

    /// A command is told this.
    fn told(&mut self, request: &SubmitRequest, verdict: Verdict) -> &mut Self {
        let sequence = self.sequence(&request.space);
        self.told_at(request, verdict, sequence)
    }

    /// The same, at another place than the next one.
    pub(super) fn told_at(&mut self, request: &SubmitRequest, verdict: Verdict, sequence: u64) -> &mut Self {
        let outcome = Outcome { sequence, history: 7, time_ms: self.time_ms, verdict: Some(verdict) };
        let response = SubmitResponse { arrival: Arrival::First.into(), outcome: Some(outcome) };
        self.answered(request, decided(Ok(response)))
    }

    /// A command gets this answer.
    pub(super) fn answered(
        &mut self,
        request: &SubmitRequest,
        answer: Result<crate::history::Decided, Failure>,
    ) -> &mut Self {
        let invoked = at(10 * self.commands.len() as u64);
        let attempt = CommandAttempt { node: 1, invoked, completed: Some(invoked + at(5)), answer: Some(answer) };
        let (log, contents) = crate::command::appends(request).pop().unwrap_or_default();
        self.commands.push(Command {
            client: 0,
            space: Name::of(&request.space),
            id: Name::of(&request.id.as_ref().unwrap().text),
            job: Job::Prepare,
            request: Packed::of(request),
            log: log.into(),
            contents,
            further: Vec::new(),
            attempts: vec![attempt],
        });
        self
    }

    /// A command is applied, and its actions get this.
    pub(super) fn done(&mut self, request: &SubmitRequest, got: &[Got]) -> &mut Self {
        self.told(request, applied(got))
    }

    /// A command is refused.
    fn fails(&mut self, request: &SubmitRequest, step: Step, found: Found) -> &mut Self {
        self.told(request, Verdict::Refused(Refused { step: Some(step), found: Some(found) }))
    }

    /// What the model says of it, without replicas.
    fn wrong(&self) -> Vec<String> {
        self.wrong_beside(None)
    }

    pub(super) fn wrong_beside(&self, dump: Option<Dump>) -> Vec<String> {
        let meant = dump.as_ref().map(|_| Meant::default());
        let replicas: Vec<Dump> = dump.into_iter().collect();
        self.found("P22", Events { meant, ..Events::default() }, &replicas)
    }

    /// What one property says of it, beside other events.
    pub(super) fn found(&self, property: &str, events: Events, replicas: &[Dump]) -> Vec<String> {
        let events = Events { commands: self.commands.clone().into(), ..events };
        let found = judge(&events, replicas).into_iter().filter(|violation| violation.property == property);
        found.map(|violation| violation.found).collect()
    }
}

fn applied(got: &[Got]) -> Verdict {
    let results = got.iter().map(|got| ActionResult { result: Some(*got) }).collect();
    Verdict::Applied(Applied { results, nothing_to_undo: false })
}

fn nothing_to_undo() -> Verdict {
    Verdict::Applied(Applied { results: Vec::new(), nothing_to_undo: true })
}

fn request(id: &str, guards: Vec<Guard>, actions: Vec<Action>) -> SubmitRequest {
    command(id, guards, actions)
}

fn one(id: &str, action: Action) -> SubmitRequest {
    command(id, vec![], vec![action])
}

fn at_first(first_offset: u64, count: u32) -> Got {
    Got::Appended(Appended { first_offset, count })
}

fn set(version: u64) -> Got {
    Got::Put(CellPut { version })
}

fn log_end(log: &str, end: u64) -> Guard {
    Guard { guard: Some(guard::Guard::LogEnd(LogEndIs { log: log.to_owned(), end })) }
}

fn delete(key: &str) -> Action {
    Action { action: Some(action::Action::Delete(DeleteCell { key: key.to_owned() })) }
}

/// Judges a story that is told rightly, and the same told wrongly: only that is found.
fn only_wrong_if_told<T>(tell: impl Fn(T) -> Story, rightly: T, wrongly: T, sentence: &str) {
    assert_eq!(tell(rightly).wrong(), Vec::<String>::new());
    let wrong = tell(wrongly).wrong();
    assert!(wrong.iter().any(|found| found.contains(sentence)), "{sentence} in {wrong:?}");
    assert_eq!(wrong.len(), 1, "one wrong answer is one finding: {wrong:?}");
}

#[test]
fn an_append_to_another_offset_is_found() {
    let tell = |first| {
        let mut story = Story::at(1_000);
        story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
        story.done(&one("b", append("l", &["z"])), &[at_first(first, 1)]);
        story
    };
    only_wrong_if_told(tell, 2, 3, "b, outcome 2 of main at 1000: action 0 got Appended");
}

#[test]
fn a_trim_that_takes_the_first_kept_record_is_found() {
    let tell = |start| {
        let mut story = Story::at(1_000);
        story.done(&one("a", append("l", &["x", "y", "z"])), &[at_first(0, 3)]);
        story.done(&one("b", trim("l", 1)), &[Got::Trimmed(Trimmed { start })]);
        story
    };
    only_wrong_if_told(tell, 1, 2, "got Trimmed");
}

#[test]
fn a_log_that_begins_ends_or_is_there_otherwise_is_found_on_a_replica() {
    let mut story = Story::at(1_000);
    story.done(&one("a", append("l", &["x", "y", "z"])), &[at_first(0, 3)]);
    story.done(&one("b", trim("l", 1)), &[Got::Trimmed(Trimmed { start: 1 })]);
    let dump = |start, end| Dump {
        spaces: BTreeSet::from(["main".to_owned()]),
        logs: BTreeMap::from([("l".to_owned(), Arc::new(LogDump { start, end, records: Vec::new() }))]),
        ..Dump::default()
    };
    assert_eq!(story.wrong_beside(Some(dump(1, 3))), Vec::<String>::new());
    assert_eq!(story.wrong_beside(Some(dump(2, 3))).len(), 1, "the first kept record is gone");
    assert_eq!(story.wrong_beside(Some(dump(1, 4))).len(), 1);
    let gone = Dump { logs: BTreeMap::new(), ..dump(1, 3) };
    assert_eq!(story.wrong_beside(Some(gone)).len(), 1);
    let mut more = dump(1, 3);
    more.logs.insert("m".to_owned(), Arc::default());
    assert_eq!(story.wrong_beside(Some(more)), ["node 0: the log m is there, and nobody made it"]);
}

#[test]
fn an_append_of_which_nobody_knows_may_be_there_in_a_space_of_which_nothing_else_is_known() {
    let mut story = Story::at(1_000);
    let create = command_in(SYSTEM, id("create"), vec![], vec![create_space("brief", None)]);
    story.done(&create, &[Got::SpaceCreated(SpaceCreated {})]);
    let dump = Dump {
        spaces: BTreeSet::from(["main".to_owned(), "brief".to_owned()]),
        logs: BTreeMap::from([("brief/notes".to_owned(), Arc::default())]),
        ..Dump::default()
    };
    let found = story.wrong_beside(Some(dump.clone()));
    assert_eq!(found, ["node 0: the log brief/notes is there, and nobody made it"]);
    let open = command_in("brief", id("a"), vec![], vec![record("notes", "x")]);
    story.answered(&open, Err(Failure::silence(tonic::Code::Unavailable, "no answer")));
    assert_eq!(story.wrong_beside(Some(dump)), Vec::<String>::new());
}

#[test]
fn a_retention_that_takes_too_much_is_found() {
    let dump = |start| Dump {
        spaces: BTreeSet::from(["main".to_owned()]),
        logs: BTreeMap::from([("l".to_owned(), Arc::new(LogDump { start, end: 130, records: Vec::new() }))]),
        ..Dump::default()
    };
    let mut story = Story::at(1_000);
    story.done(&one("make", create_log("l", Some(128))), &[Got::LogCreated(LogCreated {})]);
    for offset in 0..130 {
        let append = one(&format!("a{offset}"), append("l", &["x"]));
        story.later(1).done(&append, &[at_first(offset, 1)]);
    }
    // Pieces have two records, and the first one goes with the next entry.
    assert_eq!(story.wrong_beside(Some(dump(0))), Vec::<String>::new());
    assert_eq!(story.wrong_beside(Some(dump(2))), Vec::<String>::new());
    assert_eq!(story.wrong_beside(Some(dump(3))).len(), 1);
    assert_eq!(story.wrong_beside(Some(dump(4))).len(), 1);
    // What was trimmed is told as it is.
    let tell = |start| {
        let mut story = Story { commands: story.commands.clone(), ..Story::at(2_000) };
        story.done(&one("trim", trim("l", 1)), &[Got::Trimmed(Trimmed { start })]);
        story
    };
    only_wrong_if_told(tell, 2, 4, "got Trimmed");
}

#[test]
fn a_guard_that_reads_another_end_is_found() {
    let tell = |end| {
        let mut story = Story::at(1_000);
        story.done(&one("a", append("l", &["x"])), &[at_first(0, 1)]);
        story.fails(&request("b", vec![log_end("l", 7)], vec![put("k", 1)]), Step::Guard(0), Found::LogEnd(end));
        story
    };
    only_wrong_if_told(tell, 1, 0, "guard 0 failed with");
    let mut held = Story::at(1_000);
    held.done(&request("b", vec![log_end("l", 1)], vec![put("k", 1)]), &[set(1)]);
    assert!(held.wrong()[0].contains("guard 0 held"), "{:?}", held.wrong());
}

#[test]
fn a_guard_that_reads_another_cell_is_found() {
    let tell = |version| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        let guarded = request("b", vec![cell_absent("k")], vec![put("k", 6)]);
        story.fails(&guarded, Step::Guard(0), Found::CellVersion(version));
        story.done(&request("c", vec![cell_version("k", 1)], vec![put("k", 7)]), &[set(3)]);
        story
    };
    only_wrong_if_told(tell, 1, 2, "guard 0 failed with");
}

#[test]
fn a_cell_that_was_deleted_and_is_still_there_is_found() {
    let tell = |found| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        story.done(&one("b", delete("k")), &[Got::Deleted(CellDeleted { version: 2 })]);
        story.fails(&request("c", vec![cell_version("k", 1)], vec![put("k", 6)]), Step::Guard(0), found);
        story
    };
    let absent = || Found::NoCell(crate::proto::NoCell {});
    only_wrong_if_told(tell, absent(), Found::CellVersion(2), "guard 0 failed with");

    let story = tell(absent());
    let held = |number| crate::oracle::Held { number: Some(number), content: None, version: 1 };
    let dump = |cells| Dump { spaces: BTreeSet::from(["main".to_owned()]), cells, ..Dump::default() };
    assert_eq!(story.wrong_beside(Some(dump(BTreeMap::new()))), Vec::<String>::new());
    let still_there = dump(BTreeMap::from([("k".to_owned(), held(5))]));
    assert!(story.wrong_beside(Some(still_there))[0].ends_with("and was taken away"));
}

#[test]
fn a_wrong_sum_is_found_and_a_bound_that_is_not_kept() {
    let sum = |value| Got::Added(Added { value, version: 2 });
    let tell = |value| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        story.done(&one("b", add("k", -2)), &[sum(value)]);
        story.fails(&one("c", add("k", -5)), Step::Action(0), Found::OutOfBounds(value));
        story
    };
    only_wrong_if_told(tell, 3, 4, "action 0 got Added");
    let mut overdrawn = Story::at(1_000);
    overdrawn.done(&one("a", put("k", 5)), &[set(1)]).done(&one("b", add("k", -6)), &[sum(-1)]);
    assert!(overdrawn.wrong()[0].contains("action 0 was done"), "{:?}", overdrawn.wrong());
}

#[test]
fn half_of_a_refused_command_is_found() {
    let tell = |version| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        let both = request("b", vec![], vec![put("k", 6), add("m", 1)]);
        story.fails(&both, Step::Action(1), Found::NoCell(crate::proto::NoCell {}));
        let guarded = request("c", vec![cell_absent("k")], vec![put("k", 7)]);
        story.fails(&guarded, Step::Guard(0), Found::CellVersion(version));
        story
    };
    only_wrong_if_told(tell, 1, 2, "guard 0 failed with");
}

#[test]
fn a_position_that_is_read_or_moved_wrongly_is_found() {
    let position = |offset, version| Found::Position(FoundPosition { offset, version });
    let tell = |found| {
        let mut story = Story::at(1_000);
        story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
        story.done(&one("b", move_reader("r", "l", 1)), &[Got::Moved(ReaderMoved { version: 2 })]);
        let late = request("c", vec![position_is("r", "l", 0, 0)], vec![move_reader("r", "l", 1)]);
        story.fails(&late, Step::Guard(0), found);
        story.fails(&one("d", move_reader("r", "l", 3)), Step::Action(0), Found::PastEnd(2));
        story.done(&one("e", delete_reader("r", "l")), &[Got::ReaderDeleted(ReaderDeleted { version: 5 })]);
        let gone = request("f", vec![position_is("r", "l", 0, 5)], vec![move_reader("r", "l", 2)]);
        story.done(&gone, &[Got::Moved(ReaderMoved { version: 6 })]);
        story
    };
    only_wrong_if_told(tell, position(1, 2), position(0, 0), "guard 0 failed with");
}

/// A lock is taken for a second at 1,000, and asked for again at another time.
fn asked_for_a_lock(at_ms: u64, is_given: bool) -> Story {
    let token = Token { history: 7, sequence: 1 };
    let locked = |sequence, expires_ms| Got::Locked(Locked { token: Some(Token { history: 7, sequence }), expires_ms });
    let mut story = Story::at(1_000);
    story.done(&one("a", acquire("l", "one", 1_000)), &[locked(1, 2_000)]);
    story.time_ms = at_ms;
    let again = one("b", acquire("l", "two", 1_000));
    if is_given {
        story.done(&again, &[locked(2, at_ms + 1_000)]);
    } else {
        let (name, holder) = (String::new(), "one".to_owned());
        let held = crate::proto::Lock { name, holder, token: Some(token), expires_ms: 2_000 };
        story.fails(&again, Step::Action(0), Found::LockHeld(held));
    }
    story
}

#[test]
fn a_lock_that_is_given_early_or_late_is_found() {
    assert_eq!(asked_for_a_lock(1_999, false).wrong(), Vec::<String>::new());
    assert_eq!(asked_for_a_lock(2_000, true).wrong(), Vec::<String>::new());
    assert!(asked_for_a_lock(1_999, true).wrong()[0].contains("action 0 was done"), "early");
    assert!(asked_for_a_lock(2_000, false).wrong()[0].contains("action 0 failed"), "late");
}

#[test]
fn a_lock_is_held_by_its_token_alone_until_it_is_released() {
    let token = |sequence| Token { history: 7, sequence };
    let locked = |sequence, expires_ms| Got::Locked(Locked { token: Some(token(sequence)), expires_ms });
    let free = || Found::LockFree(crate::proto::LockFree {});
    let tell = |expires_ms| {
        let mut story = Story::at(1_000);
        story.done(&one("a", acquire("l", "one", 1_000)), &[locked(1, 2_000)]);
        story.later(500).done(&one("b", renew("l", token(1), 1_000)), &[locked(1, expires_ms)]);
        let write = request("c", vec![lock_held("l", token(1))], vec![put("k", 1)]);
        story.later(499).done(&write, &[set(3)]);
        story.done(&one("d", release("l", token(1))), &[Got::Released(Released {})]);
        story.fails(&request("e", vec![lock_held("l", token(1))], vec![put("k", 1)]), Step::Guard(0), free());
        story
    };
    only_wrong_if_told(tell, 2_500, 2_600, "got Locked");
}

#[test]
fn a_fate_that_is_read_wrongly_is_found() {
    let refuse = |found: FoundFate| Found::Fate(found.into());
    let tell = |found| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        story.told(&one("b", put("k", 6)), Verdict::Cancelled(Cancelled {}));
        let after = |id: &str, target: &str, wanted| request(id, vec![fate_is(target, wanted)], vec![put("m", 1)]);
        story.done(&after("c", "a", WantedFate::WantedInForce), &[set(3)]);
        story.done(&after("d", "later", WantedFate::WantedUnknown), &[set(4)]);
        story.fails(&after("e", "b", WantedFate::WantedApplied), Step::Guard(0), found);
        story.done(&one("later", put("k", 7)), &[set(6)]);
        story
    };
    only_wrong_if_told(tell, refuse(FoundFate::FoundCancelled), refuse(FoundFate::FoundUnknown), "guard 0 failed");
}

#[test]
fn a_compensation_that_undoes_twice_is_found_and_a_mark_that_is_lost() {
    let undone = |by: &str| Found::AlreadyCompensatedBy(id(by));
    let undo = |id: &str| request(id, vec![], vec![compensate("a"), put("k", 0)]);
    let tell = |is_marked: bool| {
        let mut story = Story::at(1_000);
        story.done(&one("a", put("k", 5)), &[set(1)]);
        story.done(&undo("b"), &[Got::Compensated(Compensated {}), set(2)]);
        if is_marked {
            story.fails(&undo("c"), Step::Action(0), undone("b"));
        } else {
            story.done(&undo("c"), &[Got::Compensated(Compensated {}), set(3)]);
        }
        story
    };
    only_wrong_if_told(tell, true, false, "it undid a, and this was to come");
    // Guards see the mark, too.
    let fate = |found: FoundFate| {
        let mut story = tell(true);
        let guarded = request("d", vec![fate_is("a", WantedFate::WantedInForce)], vec![put("k", 1)]);
        story.fails(&guarded, Step::Guard(0), Found::Fate(found.into()));
        story.wrong()
    };
    assert_eq!(fate(FoundFate::FoundCompensated), Vec::<String>::new());
    assert_eq!(fate(FoundFate::FoundApplied).len(), 1);
}

#[test]
fn a_compensation_of_what_is_unseen_cancels_it_and_does_nothing_else() {
    let undo = request("b", vec![], vec![compensate("a"), put("k", 0)]);
    let mut story = Story::at(1_000);
    // The unseen target takes the place before.
    story.told_at(&undo, nothing_to_undo(), 2);
    story.told_at(&one("c", put("k", 1)), applied(&[set(3)]), 3);
    assert_eq!(story.wrong(), Vec::<String>::new());
    story.told_at(&one("a", put("k", 2)), applied(&[set(4)]), 4);
    assert!(story.wrong()[0].contains("the id was decided at 1 already"), "{:?}", story.wrong());

    let mut paid_back = Story::at(1_000);
    paid_back.done(&undo, &[Got::Compensated(Compensated {}), set(1)]);
    assert!(paid_back.wrong()[0].contains("there is nothing to undo"), "{:?}", paid_back.wrong());

    let mut kept = Story::at(1_000);
    kept.done(&one("a", put("k", 2)), &[set(1)]).told(&undo, nothing_to_undo());
    assert!(kept.wrong()[0].contains("it had nothing to undo of a"), "{:?}", kept.wrong());
}

#[test]
fn a_log_that_is_made_again_goes_on_where_it_ended() {
    let tell = |first| {
        let mut story = Story::at(1_000);
        story.done(&one("a", append("l", &["x", "y"])), &[at_first(0, 2)]);
        story.done(&one("b", delete_log("l")), &[Got::LogDeleted(LogDeleted { end: 2 })]);
        story.fails(&one("c", trim("l", 0)), Step::Action(0), Found::NoLog(NoLog {}));
        story.done(&one("d", append("l", &["z"])), &[at_first(first, 1)]);
        story
    };
    only_wrong_if_told(tell, 2, 0, "action 0 got Appended");
}

#[test]
fn an_outcome_that_is_given_twice_or_goes_back_in_time_is_found() {
    let mut twice = Story::at(1_000);
    twice.done(&one("a", put("k", 1)), &[set(1)]).told_at(&one("b", put("m", 1)), applied(&[set(1)]), 1);
    assert!(twice.wrong()[0].contains("the outcome 1 was given to another id"), "{:?}", twice.wrong());
    let mut back = Story::at(1_000);
    back.done(&one("a", put("k", 1)), &[set(1)]);
    back.time_ms = 999;
    back.done(&one("b", put("m", 1)), &[set(2)]);
    assert!(back.wrong()[0].contains("after one that was decided at 1000"), "{:?}", back.wrong());
}

#[test]
fn what_an_open_command_may_have_touched_is_not_judged_and_all_else_is() {
    let open = || Err(failure(Effect::Unknown));
    let tell = |other_version| {
        let mut story = Story::at(1_000);
        story.done(&one("a", request_of_two()), &[set(1)]);
        story.answered(&one("open", put("k", 3)), open());
        // The place 2 was given to nobody.
        let seen = request("b", vec![cell_version("k", 2)], vec![put("n", 1)]);
        story.told_at(&seen, applied(&[set(3)]), 3);
        let other = request("c", vec![cell_absent("n")], vec![put("n", 1)]);
        let found = Found::CellVersion(other_version);
        story.told_at(&other, Verdict::Refused(Refused { step: Some(Step::Guard(0)), found: Some(found) }), 4);
        story
    };
    only_wrong_if_told(tell, 3, 1, "guard 0 failed with");
    // With an outcome that nobody can have, a run that knows every command is wrong.
    let mut story = tell(3);
    story.told_at(&one("d", put("k", 4)), applied(&[set(9)]), 9);
    let workloads = vec!["appends".to_owned()];
    let events = Events { commands: story.commands.clone().into(), workloads, ..Events::default() };
    let found = judge(&events, &[]).into_iter().filter(|violation| violation.property == "P22");
    let found: Vec<String> = found.map(|violation| violation.found).collect();
    assert!(found[0].contains("were given to nobody"), "{found:?}");
}

fn request_of_two() -> Action {
    put("k", 2)
}

const MEMORY_MS: u64 = 60_000;
const FORGETFUL: &str = "forgetful";

/// A space that remembers for a minute is made at a time.
fn forgetful(time_ms: u64) -> Story {
    let create = command_in(SYSTEM, id("make"), vec![], vec![create_space(FORGETFUL, Some(MEMORY_MS))]);
    let mut story = Story::at(time_ms);
    story.done(&create, &[Got::SpaceCreated(SpaceCreated {})]);
    story
}

fn in_forgetful(id: CommandId, action: Action) -> SubmitRequest {
    command_in(FORGETFUL, id, vec![], vec![action])
}

#[test]
fn an_id_that_is_run_although_it_is_forgotten_is_found() {
    let tell = |birth_ms| {
        let mut story = forgetful(1_000_500);
        story.done(&in_forgetful(born("a", birth_ms), record("l", "x")), &[at_first(0, 1)]);
        story
    };
    // The bucket of what is just a minute old has a second.
    only_wrong_if_told(tell, 940_000, 939_999, "it was run at 1000500, when ids were taken from 940000 on");
    only_wrong_if_told(tell, 1_600_500, 1_600_501, "born more than ten minutes later");
}

#[test]
fn an_id_that_is_forgotten_a_tenth_too_early_is_found() {
    let too_old = |floor_ms: u64| {
        let metadata = BTreeMap::from([("floor_ms".to_owned(), floor_ms.to_string())]);
        let told = Failure { metadata, ..refused("FailedPrecondition", "ID_TOO_OLD") };
        let mut story = forgetful(1_000_500);
        story.answered(&in_forgetful(born("a", floor_ms - 1), record("l", "x")), Err(told));
        // The clock was at most here.
        story.done(&in_forgetful(born("b", 1_000_000), record("l", "x")), &[at_first(0, 1)]);
        story.found("P15", Events::default(), &[])
    };
    assert_eq!(too_old(940_000), Vec::<String>::new());
    assert!(too_old(946_000)[0].contains("was forgotten early"), "{:?}", too_old(946_000));
}

/// Looks were not asked for their floor before.
#[test]
fn a_look_that_calls_an_id_too_old_a_tenth_too_early_or_takes_it_back_is_found() {
    let looks = |birth_ms: u64, answers: &[Answer]| {
        let look = |(number, answer): (u64, &Answer)| Asked {
            node: 2,
            linearizable: false,
            space: FORGETFUL.into(),
            invoked: at(6 + 2 * number),
            completed: at(7 + 2 * number),
            applied: 0,
            question: Question::Fate(Identity::of(&born("a", birth_ms))),
            answer: answer.clone(),
        };
        let mut story = forgetful(1_000_500);
        story.done(&in_forgetful(born("b", 1_000_000), record("l", "x")), &[at_first(0, 1)]);
        let asked: Vec<Asked> = (0..).zip(answers).map(look).collect();
        story.found("P15", Events { asked: asked.into(), ..Events::default() }, &[])
    };
    assert_eq!(looks(939_999, &[Answer::TooOld]), Vec::<String>::new());
    assert!(looks(940_000, &[Answer::TooOld])[0].contains("was forgotten early"));
    assert!(looks(945_000, &[Answer::TooOld])[0].contains("was forgotten early"));
    assert_eq!(looks(939_999, &[Answer::Unknown, Answer::TooOld]), Vec::<String>::new());
    assert!(looks(939_999, &[Answer::TooOld, Answer::Unknown])[0].contains("and then Unknown"));
}

#[test]
fn a_target_that_is_too_old_or_is_not_is_found() {
    let tell = |floor_ms: Option<u64>| {
        let mut story = forgetful(1_000_500);
        let undo = in_forgetful(
            born("b", 1_000_000),
            Action {
                action: Some(action::Action::Compensate(crate::proto::CompensateCommand {
                    target: Some(born("a", 939_000)),
                })),
            },
        );
        match floor_ms {
            Some(floor_ms) => story.fails(&undo, Step::Action(0), Found::TargetTooOldFloorMs(floor_ms)),
            None => story.told_at(&undo, nothing_to_undo(), 2),
        };
        story
    };
    only_wrong_if_told(tell, Some(940_000), None, "it had nothing to undo of a");
    only_wrong_if_told(tell, Some(940_000), Some(946_000), "the compensation failed with");
}

#[test]
fn a_memory_that_changes_takes_nothing_back() {
    let tell = |birth_ms| {
        let mut story = forgetful(1_000_500);
        let change = command_in(SYSTEM, id("change"), vec![], vec![set_space(FORGETFUL, 600_000)]);
        story.done(&change, &[Got::SpaceSet(SpaceSet {})]);
        story.later(1_000).done(&in_forgetful(born("a", birth_ms), record("l", "x")), &[at_first(0, 1)]);
        story
    };
    only_wrong_if_told(tell, 940_000, 939_999, "when ids were taken from 940000 on");
}

#[test]
fn what_is_decided_in_a_space_that_is_gone_or_never_was_is_found() {
    let tell = |is_gone: bool| {
        let mut story = forgetful(1_000_500);
        story.done(&in_forgetful(born("a", 1_000_000), record("l", "x")), &[at_first(0, 1)]);
        let delete = command_in(SYSTEM, id("delete"), vec![], vec![delete_space(FORGETFUL)]);
        story.later(10).done(&delete, &[Got::SpaceDeleted(SpaceDeleted {})]);
        let again = command_in(SYSTEM, id("again"), vec![], vec![create_space(FORGETFUL, None)]);
        story.fails(&again, Step::Action(0), Found::SpaceDeletedMs(1_000_510));
        if is_gone {
            story.later(10).done(&in_forgetful(born("b", 1_000_000), record("l", "x")), &[at_first(1, 1)]);
        }
        story
    };
    only_wrong_if_told(tell, false, true, "but the space was deleted at 1000510");
    let mut never = Story::at(1_000);
    never.done(&command_in("nowhere", id("a"), vec![], vec![put("k", 1)]), &[set(1)]);
    assert!(never.wrong()[0].contains("but the space was never made"), "{:?}", never.wrong());
}

#[test]
fn another_retention_takes_what_is_too_much_with_the_next_entry() {
    let tell = |start| {
        let mut story = Story::at(1_000);
        for offset in 0..3_000 {
            story.later(1).done(&one(&format!("a{offset}"), append("l", &["x"])), &[at_first(offset, 1)]);
        }
        let kept = Retention { records: Some(64), ..Retention::default() };
        story.done(&one("set", set_retention("l", kept)), &[Got::RetentionSet(RetentionSet {})]);
        story.later(1).done(&one("trim", trim("l", 0)), &[Got::Trimmed(Trimmed { start })]);
        story
    };
    // A log of which all is kept has pieces of 1,024 records at least.
    only_wrong_if_told(tell, 2_048, 2_936, "got Trimmed");
}
