//! A whole command: it is put together step by step and done once.
//!
//! - Its id is made before the first attempt and kept through all, so every retry is safe.
//! - A refusal is an outcome and an error at once: [`Error::refusal`] says which guard or action failed and what was found.
//!   Under the same id it stays refused for ever.

use std::ops::RangeBounds;

use crate::types::{
    Action, ActionResult, CellKey, CellValue, Command, Guard, Id, LogName, NewRecord, Offset, Outcome, Token, Verdict,
};
use crate::wire::{self, Appended};

use super::error::Error;
use super::{Client, logs};

/// A command that is being put together: guards, which must all hold, and actions, which are all done or none.
///
/// ```no_run
/// # async fn example(client: oncelog::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use oncelog::types::{CellKey, Guard};
///
/// let (ada, bob) = (CellKey::new("balance/ada")?, CellKey::new("balance/bob")?);
/// let transfer = client.command().id("pay-7".parse()?).add(&ada, -20, 0..).add_from(&bob, 0, 20, ..);
/// let done = transfer.append(&"payments".parse()?, "ada pays bob 20").submit().await?;
/// println!("it stands at offset {:?}", done.first_offset());
///
/// // What was seen may have changed since: then nothing is done, and the error says what was found.
/// if let Some(seen) = client.cell(&ada, Default::default()).await? {
///     let change = client.command().require(Guard::cell_version(&ada, seen.cell.version)).put(&ada, 0);
///     match change.submit().await {
///         Ok(_) => println!("the account is empty now"),
///         Err(error) if error.refusal().is_some() => println!("look again: {error}"),
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a command does nothing until it is submitted"]
pub struct Request {
    client: Client,
    id: Option<Id>,
    guards: Vec<Guard>,
    actions: Vec<Action>,
}

/// A command that took effect, once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submitted {
    /// The id.
    pub id: Id,
    /// What became of it: its verdict is [`Verdict::Applied`] or [`Verdict::NothingToUndo`].
    pub outcome: Outcome,
    /// Whether an earlier arrival of the id decided it, perhaps of the very same attempt.
    pub replayed: bool,
}

impl Submitted {
    /// What each action got, in order; nothing if there was nothing to undo.
    pub fn results(&self) -> &[ActionResult] {
        match &self.outcome.verdict {
            Verdict::Applied(results) => results,
            Verdict::NothingToUndo | Verdict::Refused(_) | Verdict::Cancelled => &[],
        }
    }

    /// Whether it was to undo a command that had not been done, and now never will be. Then none of its own actions was done.
    pub fn nothing_to_undo(&self) -> bool {
        self.outcome.verdict == Verdict::NothingToUndo
    }

    /// Where its first record is, if it appended any.
    pub fn first_offset(&self) -> Option<Offset> {
        self.results().iter().find_map(|result| match result {
            ActionResult::Appended { first, .. } => Some(*first),
            _ => None,
        })
    }

    /// What it got, if it was nothing but an append.
    pub fn appended(&self) -> Option<Appended> {
        let [ActionResult::Appended { first, count }] = *self.results() else { return None };
        let Outcome { sequence, history, time, .. } = self.outcome;
        Some(Appended { first, count, replayed: self.replayed, sequence, history, time })
    }

    /// The token of the lock that it acquired or renewed, if it did.
    pub fn token(&self) -> Option<Token> {
        self.results().iter().find_map(|result| match result {
            ActionResult::Locked { token, .. } => Some(*token),
            _ => None,
        })
    }
}

impl Request {
    pub(super) fn new(client: Client) -> Self {
        Self { client, id: None, guards: Vec::new(), actions: Vec::new() }
    }

    /// Uses this id instead of a fresh one. A program that may crash before the answer keeps the id where it survives.
    pub fn id(self, id: Id) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Adds a guard: if it does not hold, the command is refused.
    pub fn require(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// Adds an action.
    pub fn then(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Appends one record. [`Action::append`] takes many.
    pub fn append(self, log: &LogName, record: impl Into<NewRecord>) -> Self {
        self.then(Action::append(log, [record]))
    }

    /// Sets a cell, whatever it held.
    pub fn put(self, key: &CellKey, value: impl Into<CellValue>) -> Self {
        self.then(Action::put(key, value))
    }

    /// Deletes a cell.
    pub fn delete(self, key: &CellKey) -> Self {
        self.then(Action::delete(key))
    }

    /// Adds to the number in a cell that is there. A sum outside of the bounds refuses the whole command: `0..` never lets
    /// a balance fall below nothing, `..` bounds nothing.
    pub fn add(self, key: &CellKey, amount: i64, bounds: impl RangeBounds<i64>) -> Self {
        self.then(Action::add(key, amount, bounds))
    }

    /// The same, and a cell that is not there counts as `absent`.
    pub fn add_from(self, key: &CellKey, absent: i64, amount: i64, bounds: impl RangeBounds<i64>) -> Self {
        self.then(Action::add_from(key, absent, amount, bounds))
    }

    /// Makes this the undoing of another command; the actions beside it undo what that one did. If that one was not done,
    /// it never will be, and nothing is undone.
    pub fn compensate(self, target: &Id) -> Self {
        self.then(Action::compensate(target))
    }

    /// Submits the command: all of it happens or nothing, once, however many attempts it takes.
    pub async fn submit(self) -> Result<Submitted, Error> {
        let client = self.client.clone();
        client.submit(&self.into_command()).await
    }

    /// The command with its id, to be kept or to be sent more than once.
    pub fn into_command(self) -> Command {
        let Self { client, id, guards, actions } = self;
        let id = id.unwrap_or_else(|| client.fresh_id());
        Command { space: client.space.clone(), id, guards, actions }
    }
}

impl Client {
    /// Begins a command in this client's space.
    pub fn command(&self) -> Request {
        Request::new(self.clone())
    }

    /// Submits a command that was put together elsewhere, in the space that it names.
    pub async fn submit(&self, command: &Command) -> Result<Submitted, Error> {
        let request = wire::submit_request(command);
        let id = command.id.clone();
        let operation = self.operation(doing(command)).of_id(id.clone());
        if let Err(report) = wire::submit_command(request.clone()) {
            return Err(operation.refused_before_the_first_attempt(report));
        }
        let answer = operation.run(|attempt| {
            let request = attempt.request(request.clone());
            async move {
                let response = logs(attempt.channel).submit(request).await?;
                Ok((wire::submitted(response.get_ref())?, self.nodes.leader(response.metadata())))
            }
        });
        let (decided, leader) = answer.await?;
        if let Some(leader) = leader {
            self.nodes.answered(leader);
        }
        Ok(Submitted { id, outcome: decided.outcome, replayed: decided.replayed })
    }
}

/// An append is called so, whichever way it is sent.
fn doing(command: &Command) -> String {
    match command.actions.as_slice() {
        [Action::Append { log, .. }] => format!("append to log `{log}`"),
        _ => format!("submit command `{}`", command.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_no_node_would_take_is_not_sent() {
        let client = Client::connect(["127.0.0.1:1"]).unwrap();
        let error = client.command().submit().await.unwrap_err();
        assert!(!error.in_doubt() && error.tried.is_empty() && error.id.is_some(), "{error}");
        let own = client.fresh_id();
        let error = client.command().id(own.clone()).compensate(&own).submit().await.unwrap_err();
        assert!(error.to_string().contains("own id as a target"), "{error}");
    }
}
