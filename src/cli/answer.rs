//! What a command of one action got, as it is printed: what is its own, and what every outcome has.

use serde::Serialize;

use crate::client::{Client, Submitted};
use crate::types::{Action, ActionResult, Guard, Id, SpaceName};

use super::output::{self, Row};
use super::report::Problem;

/// What is its own in an answer.
pub(super) trait What: Serialize {
    /// The headings of the answer: those of its own cells, then ARRIVAL, SEQUENCE and ID.
    const HEADINGS: &'static [&'static str];

    /// Its own values for people.
    fn cells(&self) -> Vec<String>;
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer<W> {
    space: String,
    #[serde(flatten)]
    what: W,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_ms: Option<u64>,
    replayed: bool,
    sequence: u64,
    history: u64,
    time_ms: u64,
}

impl<W> Answer<W> {
    pub(super) fn new(space: &SpaceName, done: &Submitted, what: W) -> Self {
        let outcome = &done.outcome;
        Self {
            space: space.as_str().to_owned(),
            what,
            id: done.id.text().to_owned(),
            birth_ms: output::birth_beside(&done.id),
            replayed: done.replayed,
            sequence: outcome.sequence.0,
            history: outcome.history.0,
            time_ms: outcome.time.as_ms(),
        }
    }
}

impl<W: What> Row for Answer<W> {
    const HEADINGS: &'static [&'static str] = W::HEADINGS;

    fn cells(&self) -> Vec<String> {
        let arrival = if self.replayed { "replayed" } else { "first" };
        let mut cells = self.what.cells();
        cells.extend([arrival.to_owned(), self.sequence.to_string(), self.id.clone()]);
        cells
    }
}

/// Has one action done, under the guards, and says what it got.
pub(super) async fn submit(
    client: &Client,
    id: Option<Id>,
    guards: impl IntoIterator<Item = Guard>,
    action: Action,
) -> Result<(Submitted, ActionResult), Problem> {
    let mut request = guards.into_iter().fold(client.command(), crate::client::Request::require).then(action);
    if let Some(id) = id {
        request = request.id(id);
    }
    let done = request.submit().await?;
    match done.results() {
        [result] => {
            let result = *result;
            Ok((done, result))
        }
        results => Err(unexpected(&format!("{} results", results.len()))),
    }
}

/// What a node that keeps the rules would never answer.
pub(super) fn unexpected(found: &str) -> Problem {
    Problem::Here {
        message: format!("a node answered one action with {found}"),
        advice: "See that the nodes run a build that goes with this one.",
    }
}

/// The own part of an answer that has nothing but a name to say.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

impl What for Named {
    const HEADINGS: &'static [&'static str] = &["NAME", "ARRIVAL", "SEQUENCE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{History, LogTime, Outcome, Sequence, Verdict};

    use super::*;

    #[test]
    fn an_answer_has_what_is_its_own_and_what_every_outcome_has() {
        let outcome = Outcome {
            verdict: Verdict::Applied(vec![ActionResult::LogCreated]),
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::from_ms(5).unwrap(),
        };
        let id = Id::with_birth("make-1", LogTime::from_ms(4).unwrap()).unwrap();
        let done = Submitted { id, outcome, replayed: true };
        let answer = Answer::new(&SpaceName::main(), &done, Named { name: "orders".to_owned() });
        let printed = |format| {
            let mut out = Vec::new();
            output::print_one(&mut out, format, &answer).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(Format::Plain), "orders\treplayed\t9\tmake-1\n");
        let expected = "{\"space\":\"main\",\"name\":\"orders\",\"id\":\"make-1\",\"birth_ms\":4,\"replayed\":true,\
                        \"sequence\":9,\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl), expected);
    }
}
