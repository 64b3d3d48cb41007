//! What every command that speaks to nodes works with.

use crate::client::{Client, Error, Submitted};
use crate::types::{Action, ActionResult, Guard, Id, Listed, SpaceName, Version};

use super::arguments::{NewId, Speaking};
use super::column::{Column, Trait};
use super::output::Output;
use super::problem::Problem;
use super::value;

/// One call of a command.
pub(super) struct Call {
    pub(super) client: Client,
    pub(super) speaking: Speaking,
    pub(super) out: Output,
}

impl Call {
    /// Submits one action under a guard, and prints what it got.
    pub(super) async fn act(&mut self, id: NewId, guard: Option<Guard>, action: Action) -> Result<(), Problem> {
        let space = if action.is_of_system() { SpaceName::system() } else { self.speaking.space.clone() };
        let client = self.client.in_space(space.clone());
        let (_, mut own) = words(&action, guard.as_ref());
        let (done, result) = submit(&client, id.get()?, guard, action.clone()).await?;
        own.extend(result_columns(&action, result).ok_or_else(|| unexpected("another result"))?);
        self.out.answers(&done.id);
        self.out.one(&outcome_columns(&space, own), &done)
    }
}

/// What an action does, as the end of a sentence, and how an answer names what it is about.
fn words(action: &Action, guard: Option<&Guard>) -> (String, Vec<Column<Submitted>>) {
    let json = |name, value: &str| Column::given_json(name, value);
    let name = |value: &str| vec![Column::given("name", "NAME", value)];
    match action {
        Action::Put { key, .. } => (format!("put cell `{key}`"), vec![json("key", key.as_str())]),
        Action::Delete { key } => (format!("delete cell `{key}`"), vec![json("key", key.as_str())]),
        Action::Add { key, .. } => (format!("add to cell `{key}`"), vec![json("key", key.as_str())]),
        Action::Move { reader, log, to } => {
            let from = if let Some(Guard::Position { offset, .. }) = guard { Some(offset.0) } else { None };
            let (from, to) = (Column::given("from", "FROM", from), Column::given("offset", "OFFSET", to.0));
            let own = vec![json("reader", reader.as_str()), json("log", log.as_str()), from, to];
            (format!("move reader `{reader}` of log `{log}`"), own)
        }
        Action::DeleteReader { reader, log } => {
            let reader_column = Column::given("reader", "READER", reader.as_str());
            let own = vec![reader_column, Column::given("log", "LOG", log.as_str())];
            (format!("delete reader `{reader}` of log `{log}`"), own)
        }
        Action::Renew { lock, .. } => (format!("renew lock `{lock}`"), vec![json("name", lock.as_str())]),
        Action::Release { lock, .. } => (format!("release lock `{lock}`"), name(lock.as_str())),
        Action::CreateLog { log, .. } => (format!("create log `{log}`"), name(log.as_str())),
        Action::SetRetention { log, .. } => (format!("change log `{log}`"), name(log.as_str())),
        Action::Trim { log, .. } => (format!("trim log `{log}`"), vec![json("name", log.as_str())]),
        Action::DeleteLog { log } => (format!("delete log `{log}`"), name(log.as_str())),
        Action::CreateSpace { name: space, .. } => (format!("create space `{space}`"), name(space.as_str())),
        Action::SetSpace { name: space, .. } => (format!("change space `{space}`"), name(space.as_str())),
        Action::DeleteSpace { name: space } => (format!("delete space `{space}`"), name(space.as_str())),
        Action::RaiseVersion { to } => {
            let own = vec![Column::given("machine_version", "MACHINE", to.0)];
            (format!("raise the machine version to {}", to.0), own)
        }
        // `append` and `lock acquire` have answers of their own, and `submit` alone compensates.
        Action::Append { .. } | Action::Acquire { .. } | Action::Compensate { .. } => Default::default(),
    }
}

/// What an answer says of what an action got; none if that is the result of another action.
fn result_columns(action: &Action, result: ActionResult) -> Option<Vec<Column<Submitted>>> {
    let version = |version: Version| vec![Column::given("version", "VERSION", version.0)];
    let (is_its_own, columns) = match result {
        ActionResult::Put { version: at } => (matches!(action, Action::Put { .. }), version(at)),
        ActionResult::Deleted { version: at } => (matches!(action, Action::Delete { .. }), version(at)),
        ActionResult::Added { value, version: at } => {
            let sum = Column::given("integer", "VALUE", value);
            (matches!(action, Action::Add { .. }), std::iter::once(sum).chain(version(at)).collect())
        }
        ActionResult::Moved { version: at } => (matches!(action, Action::Move { .. }), version(at)),
        ActionResult::ReaderDeleted { version: at } => (matches!(action, Action::DeleteReader { .. }), version(at)),
        ActionResult::Trimmed { start } => {
            (matches!(action, Action::Trim { .. }), vec![Column::given("start", "START", start.0)])
        }
        ActionResult::LogDeleted { end } => {
            (matches!(action, Action::DeleteLog { .. }), vec![Column::given("end", "END", end.0)])
        }
        ActionResult::Released => (matches!(action, Action::Release { .. }), Vec::new()),
        ActionResult::LogCreated => (matches!(action, Action::CreateLog { .. }), Vec::new()),
        ActionResult::RetentionSet => (matches!(action, Action::SetRetention { .. }), Vec::new()),
        ActionResult::SpaceCreated => (matches!(action, Action::CreateSpace { .. }), Vec::new()),
        ActionResult::SpaceSet => (matches!(action, Action::SetSpace { .. }), Vec::new()),
        ActionResult::SpaceDeleted => (matches!(action, Action::DeleteSpace { .. }), Vec::new()),
        ActionResult::VersionRaised { .. } => (matches!(action, Action::RaiseVersion { .. }), Vec::new()),
        // `append`, `lock` and `submit` print these by themselves.
        ActionResult::Appended { .. } | ActionResult::Locked { .. } | ActionResult::Compensated => (false, Vec::new()),
    };
    is_its_own.then_some(columns)
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

/// Submits one action under a guard.
pub(super) async fn submit(
    client: &Client,
    id: Option<Id>,
    guard: Option<Guard>,
    action: Action,
) -> Result<(Submitted, ActionResult), Problem> {
    let ((doing, _), is_own_id) = (words(&action, None), id.is_some());
    let mut request = guard.into_iter().fold(client.command(), crate::client::Request::require).then(action);
    if let Some(id) = id {
        request = request.id(id);
    }
    let done = request.submit().await.map_err(|error| not_done(error, doing, is_own_id))?;
    match done.results() {
        &[result] => Ok((done, result)),
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
        let action = Action::CreateLog { log: LogName::new("orders").unwrap(), retention: Retention::EVERYTHING };
        let (_, own) = words(&action, None);
        let columns = outcome_columns(&SpaceName::main(), own);
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
            not_done(error, words(&action, None).0, is_own_id)
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
