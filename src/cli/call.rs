//! What every command that speaks to nodes works with.

use crate::client::{Client, Error, Submitted};
use crate::types::{Action, ActionResult, Guard, Id, Listed, SpaceName};

use super::arguments::{NewId, Speaking};
use super::column::{Column, Trait};
use super::output::Output;
use super::problem::Problem;
use super::value::{self, Value};

/// One call of a command.
pub(super) struct Call {
    pub(super) client: Client,
    pub(super) speaking: Speaking,
    pub(super) out: Output,
}

impl Call {
    /// Submits one action under a guard, and prints what it got: what is its own, and what every outcome has.
    pub(super) async fn act(
        &mut self,
        id: NewId,
        guard: Option<Guard>,
        action: Action,
        own: impl FnOnce(&ActionResult) -> Option<Vec<Column<Submitted>>>,
    ) -> Result<(), Problem> {
        let space = if action.is_of_system() { SpaceName::system() } else { self.speaking.space.clone() };
        let (done, result) = submit(&self.client.in_space(space.clone()), id.get()?, guard, action).await?;
        let own = own(&result).ok_or_else(|| unexpected("another result"))?;
        self.out.answers(&done.id);
        self.out.one(&outcome_columns(&space, own), &done)
    }
}

/// The columns of an answer: its own, and those of every outcome.
pub(super) fn outcome_columns(space: &SpaceName, own: Vec<Column<Submitted>>) -> Vec<Column<Submitted>> {
    let mut columns = vec![Column::given_json("space", space.as_str())];
    columns.extend(own);
    columns.extend([
        Column::json("replayed", |done: &Submitted| done.replayed),
        Column::shown("ARRIVAL", |done: &Submitted| arrival(done.replayed)),
        Column::new("sequence", "SEQUENCE", |done: &Submitted| done.outcome.sequence.0),
        id_column(|done: &Submitted| &done.id),
        Column::json("birth_ms", |done: &Submitted| value::birth_beside(&done.id)),
        Column::json("history", |done: &Submitted| done.outcome.history.0),
        Column::json("time_ms", |done: &Submitted| done.outcome.time),
    ]);
    columns
}

/// The column of an id.
pub(super) fn id_column<R: 'static>(id: fn(&R) -> &Id) -> Column<R> {
    const UUID_WIDTH: usize = 36;
    Column::new("id", "ID", move |row: &R| id(row).text().to_owned()).with(Trait::Width(UUID_WIDTH))
}

/// Whether this was the first answer for its id, for people.
pub(super) fn arrival(replayed: bool) -> &'static str {
    if replayed { "replayed" } else { "first" }
}

/// The own columns of an answer that has only a name to say.
pub(super) fn named(name: impl Into<Value>) -> Vec<Column<Submitted>> {
    vec![Column::given("name", "NAME", name)]
}

/// Submits one action under a guard.
pub(super) async fn submit(
    client: &Client,
    id: Option<Id>,
    guard: Option<Guard>,
    action: Action,
) -> Result<(Submitted, ActionResult), Problem> {
    let (doing, is_own_id) = (doing(&action), id.is_some());
    let mut request = guard.into_iter().fold(client.command(), crate::client::Request::require).then(action);
    if let Some(id) = id {
        request = request.id(id);
    }
    let done = request.submit().await.map_err(|error| not_done(error, doing, is_own_id))?;
    match done.results() {
        [result] => {
            let result = *result;
            Ok((done, result))
        }
        results => Err(unexpected(&format!("{} results", results.len()))),
    }
}

/// Why an action was not done. Nobody knows an id that the command made up, so a refusal does not speak of it.
fn not_done(error: Error, doing: String, is_own_id: bool) -> Problem {
    let error = Box::new(Error { doing, ..error });
    if error.refusal().is_some() && !error.in_doubt() && !is_own_id {
        return Problem::Advised(error, "Look at what has changed, then send what is right now.".to_owned());
    }
    Problem::Client(error)
}

/// What an action does, as the end of a sentence.
fn doing(action: &Action) -> String {
    match action {
        Action::Append { log, .. } => format!("append to log `{log}`"),
        Action::Put { key, .. } => format!("put cell `{key}`"),
        Action::Delete { key } => format!("delete cell `{key}`"),
        Action::Add { key, .. } => format!("add to cell `{key}`"),
        Action::Move { reader, log, .. } => format!("move reader `{reader}` of log `{log}`"),
        Action::DeleteReader { reader, log } => format!("delete reader `{reader}` of log `{log}`"),
        Action::Acquire { lock, .. } => format!("acquire lock `{lock}`"),
        Action::Renew { lock, .. } => format!("renew lock `{lock}`"),
        Action::Release { lock, .. } => format!("release lock `{lock}`"),
        Action::CreateLog { log, .. } => format!("create log `{log}`"),
        Action::SetRetention { log, .. } => format!("change log `{log}`"),
        Action::Trim { log, .. } => format!("trim log `{log}`"),
        Action::DeleteLog { log } => format!("delete log `{log}`"),
        Action::Compensate { target } => format!("undo the command `{target}`"),
        Action::CreateSpace { name, .. } => format!("create space `{name}`"),
        Action::SetSpace { name, .. } => format!("change space `{name}`"),
        Action::DeleteSpace { name } => format!("delete space `{name}`"),
        Action::RaiseVersion { to } => format!("raise the machine version to {}", to.0),
    }
}

/// A node answered what it never should.
pub(super) fn unexpected(found: &str) -> Problem {
    Problem::failure(
        format!("a node answered one action with {found}"),
        "Check that the nodes run a build that goes with this one.",
    )
}

/// All items of a listing, page by page; the next page comes after the last item of the one before it.
pub(super) async fn all<T>(
    mut page_after: impl AsyncFnMut(Option<&T>) -> Result<Listed<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    loop {
        let page = page_after(items.last()).await?;
        let is_last = !page.more || page.items.is_empty();
        items.extend(page.items);
        if is_last {
            return Ok(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::client::{Cause, ErrorReport, Reason};
    use crate::types::{
        AttemptEffect, Found, History, LogIndex, LogName, LogTime, Outcome, Refusal, Retention, Sequence, Step, Verdict,
    };

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
        let columns = outcome_columns(&SpaceName::main(), named("orders"));
        let printed = |format| printed(format, |out| out.one(&columns, &done));
        assert_eq!(printed(Format::Plain), "orders\treplayed\t9\tmake-1\n");
        assert_eq!(printed(Format::Csv), "name,arrival,sequence,id\r\norders,replayed,9,make-1\r\n");
        let expected = "{\"space\":\"main\",\"name\":\"orders\",\"replayed\":true,\"sequence\":9,\"id\":\"make-1\",\
                        \"birth_ms\":4,\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl), expected);
    }

    #[test]
    fn a_refusal_names_what_was_not_done_and_speaks_only_of_an_id_that_was_given() {
        let refusal = Refusal { step: Step::Action(0), found: Found::LogExists };
        let outcome = Outcome {
            verdict: Verdict::Refused(refusal),
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::ZERO,
        };
        let refused = |is_own_id| {
            let mut report = ErrorReport::without_effect(Reason::GuardFailed, "log `orders` is there already");
            report.outcome = Some(Box::new(outcome.clone()));
            let (id, cause) = (Some(Id::new("make-1").unwrap()), Cause::Refused(Box::new(report)));
            let error = Error { doing: String::new(), id, effect: AttemptEffect::None, cause, tried: Vec::new() };
            let action = Action::CreateLog { log: LogName::new("orders").unwrap(), retention: Retention::EVERYTHING };
            not_done(error, doing(&action), is_own_id)
        };
        let Problem::Client(own) = refused(true) else { panic!("the advice of the client stands") };
        assert_eq!(own.to_string(), "cannot create log `orders`: log `orders` is there already");
        assert!(own.advice().contains("final for this id"), "{}", own.advice());
        let Problem::Advised(made_up, advice) = refused(false) else { panic!("it has its own advice") };
        assert!(made_up.id.is_some() && !advice.contains("id"), "{advice}");
    }

    #[tokio::test]
    async fn a_listing_is_read_to_its_end_page_by_page() {
        let page = async |after: Option<&u64>| {
            let first = after.map_or(0, |last| last + 1);
            Ok(Listed { items: (first..first + 3).collect(), more: first < 6, applied: LogIndex(1) })
        };
        assert_eq!(all(page).await.unwrap(), (0..9).collect::<Vec<u64>>());
        let empty = async |_: Option<&u64>| Ok(Listed { items: Vec::new(), more: true, applied: LogIndex(1) });
        assert_eq!(all(empty).await.unwrap(), Vec::<u64>::new());
    }
}
