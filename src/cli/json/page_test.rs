//! The page on commands has an example of every guard and every action, each of which is read here, and names every result
//! and everything that a refusal can have found.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::types::{
    ActionResult, Command, FateKind, Found, History, Holder, Id, LogTime, MachineVersion, Offset, Refusal, Sequence,
    SpaceName, Step, Token, Version,
};

use super::words::{ACTIONS, GUARDS};
use super::{Written, read, refusal, results};

const PAGE: &str = include_str!("../../docs/commands.md");

/// The blocks of the page that are in JSON.
fn examples() -> Vec<&'static str> {
    let mut rest = PAGE;
    let mut found = Vec::new();
    while let Some((_, after)) = rest.split_once("```json\n") {
        let (block, after) = after.split_once("```").expect("a block ends");
        found.push(block);
        rest = after;
    }
    found
}

#[test]
fn every_example_of_the_page_is_a_command_that_a_node_would_take() {
    assert!(examples().len() > 5, "the page has examples");
    for example in examples() {
        let written = read(example.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{example}"));
        let Written { id, guards, actions } = written;
        let is_of_system = actions.iter().any(crate::types::Action::is_of_system);
        let space = if is_of_system { SpaceName::system() } else { SpaceName::main() };
        let id = id.unwrap_or_else(|| Id::new("some-id").unwrap());
        let command = Command { space, id, guards, actions };
        command.check().unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn every_guard_and_every_action_has_an_example_in_the_page() {
    let guards: BTreeSet<&str> = GUARDS.iter().map(|(word, _)| *word).collect();
    let actions: BTreeSet<&str> = ACTIONS.iter().map(|(word, _)| *word).collect();
    for (list, words) in [("guards", guards), ("actions", actions)] {
        let mut shown = BTreeSet::new();
        for example in examples() {
            let document: Value = serde_json::from_str(example).unwrap();
            let steps = document.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
            shown.extend(steps.iter().filter_map(Value::as_object).flat_map(|step| step.keys().cloned()));
        }
        assert!(shown.iter().map(String::as_str).eq(words.iter().copied()), "{list}: {shown:?} and not {words:?}");
    }
}

#[test]
fn every_result_and_all_that_can_be_found_has_its_line_in_the_page() {
    let token = Token { history: History(3), sequence: Sequence(17) };
    let (time, version) = (LogTime::ZERO, Version(1));
    let got = [
        ActionResult::Appended { first: Offset(0), count: 1 },
        ActionResult::Put { version },
        ActionResult::Deleted { version },
        ActionResult::Added { value: 1, version },
        ActionResult::Moved { version },
        ActionResult::Locked { token, expires: time },
        ActionResult::Released,
        ActionResult::Trimmed { start: Offset(0) },
        ActionResult::Compensated,
        ActionResult::LogCreated,
        ActionResult::RetentionSet,
        ActionResult::LogDeleted { end: Offset(0) },
        ActionResult::ReaderDeleted { version },
        ActionResult::SpaceCreated,
        ActionResult::SpaceSet,
        ActionResult::SpaceDeleted,
        ActionResult::VersionRaised { version: MachineVersion(1) },
    ];
    for result in results(&got).as_array().expect("a list") {
        let (word, fields) = result.as_object().and_then(|object| object.iter().next()).expect("one word");
        let keys: Vec<_> = fields.as_object().expect("fields").keys().map(|key| format!("`{key}`")).collect();
        let line = PAGE.lines().find(|line| line.contains(&format!("`{word}`")) && line.starts_with("| `"));
        let line = line.unwrap_or_else(|| panic!("`{word}` has no line in the page"));
        for key in keys {
            assert!(line.contains(&key), "{word}: {key} is not in `{line}`");
        }
    }
    let found = [
        Found::LogEnd(Offset(0)),
        Found::PastEnd(Offset(0)),
        Found::CellVersion(version),
        Found::TooLittle(1),
        Found::OutOfBounds(1),
        Found::Position { offset: Offset(0), version },
        Found::LockHeld { holder: Holder::new("worker").unwrap(), token, expires: time },
        Found::Fate(FateKind::Applied),
        Found::TargetTooOld { floor: time },
        Found::TargetBornAhead { clock: time },
        Found::AlreadyCompensated { by: Id::new("by").unwrap() },
        Found::VersionInForce(MachineVersion(1)),
        Found::NoLog,
        Found::LogExists,
        Found::NoCell,
        Found::NotANumber,
        Found::NoReader,
        Found::LockFree,
        Found::NoSpace,
        Found::SpaceExists,
        Found::SpaceDeleted { at: time },
        Found::MemoryIsFixed,
        Found::TooManyChanges,
    ];
    // The page on errors has the table, in the same words.
    let errors = include_str!("../../docs/errors.md");
    for found in found {
        let printed = refusal(&Refusal { step: Step::Guard(0), found });
        for (key, value) in printed.as_object().expect("an object") {
            let word = if key == "found" { value.as_str().expect("a word") } else { key };
            assert!(errors.contains(&format!("`{word}`")), "`{word}` is not in the page on errors");
        }
    }
}
