//! How a workload asks nodes, so that each answer is remembered.

use std::time::Duration;

use super::work::Work;
use crate::client::Failure;
use crate::command::SYSTEM;
use crate::history::{
    Answer, Asked, CellSeen, Identity, LockSeen, LogSeen, Name, PositionSeen, Question, RecordSeen, SpaceSeen, Wanted,
};
use crate::proto::{Consistency, LogDescription};

/// What is asked, of whom, when, and how fresh the answer is to be.
struct Began<'a> {
    work: &'a Work,
    node: u64,
    linearizable: bool,
    space: &'a str,
    invoked: Duration,
}

impl<'a> Began<'a> {
    fn now(work: &'a Work, node: u64, space: &'a str, linearizable: bool) -> Self {
        Self { work, node, linearizable, space, invoked: work.history.now() }
    }

    /// Remembers an answer, and returns it. A question that failed has seen nothing.
    fn ended(self, question: Question, said: Option<(Answer, u64)>) -> Option<Answer> {
        let (answer, applied) = said?;
        let Self { work, node, linearizable, space, invoked } = self;
        work.history.asked(Asked {
            node,
            linearizable,
            space: Name::of(space),
            invoked,
            completed: work.history.now(),
            applied,
            question,
            answer: answer.clone(),
        });
        Some(answer)
    }
}

fn consistency(linearizable: bool) -> Consistency {
    if linearizable { Consistency::Linearizable } else { Consistency::Local }
}

fn log_seen(log: LogDescription) -> LogSeen {
    LogSeen { name: Name::from(log.name), start: log.start, end: log.end }
}

impl Work {
    /// Remembers why a read failed, if that is worth a look. It has seen nothing.
    pub(super) fn heard<T>(&self, node: u64, what: &str, answer: Result<T, Failure>) -> Result<T, Failure> {
        answer.inspect_err(|failure| self.history.read_failed(node, what, failure))
    }

    /// Reads a page of at most so many records.
    pub(super) async fn ask_records(
        &self,
        turn: usize,
        (space, log): (&str, &str),
        from: Option<u64>,
        limit: u32,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, space, linearizable);
        let answer = client.page_of(space, log, from, limit, consistency(linearizable)).await;
        let answer = self.heard(node, "a page of a log", answer);
        if let Ok(page) = &answer {
            self.history.show(node, space, log, page.records.iter().map(RecordSeen::of));
        }
        began.ended(Question::Records { log: Name::of(log), from }, Answer::to_read(&answer))
    }

    /// Lists logs, one page.
    pub(super) async fn ask_logs(
        &self,
        turn: usize,
        space: &str,
        after: &str,
        limit: u32,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, space, linearizable);
        let page = client.page_of_logs(space, after, limit, consistency(linearizable)).await;
        let page = self.heard(node, "a page of the list of logs", page).ok()?;
        let logs = page.logs.into_iter().map(log_seen).collect();
        let said = (Answer::Logs { logs, more: page.more }, page.applied_index);
        began.ended(Question::Logs { after: after.to_owned(), limit }, Some(said))
    }

    /// Lists cells of `main` whose keys begin so, one page.
    pub(super) async fn ask_cells(
        &self,
        turn: usize,
        (after, prefix): (&str, &str),
        limit: u32,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let page = client.page_of_cells("", (after, prefix), limit, consistency(linearizable)).await;
        let page = self.heard(node, "a page of the list of cells", page).ok()?;
        let cells = page.cells.iter().map(CellSeen::of).collect();
        let said = (Answer::Cells { cells, more: page.more }, page.applied_index);
        let (after, prefix) = (after.to_owned(), prefix.to_owned());
        began.ended(Question::Cells { after, prefix, limit }, Some(said))
    }

    /// Reads a cell of `main`.
    pub(super) async fn ask_cell(&self, turn: usize, key: &str, linearizable: bool) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let answer = client.look_at_cell(key, consistency(linearizable)).await;
        // That there is none is an answer.
        let answer = if answer.as_ref().is_err_and(|failure| failure.reason == "NO_SUCH_CELL") {
            answer
        } else {
            self.heard(node, "a cell", answer)
        };
        began.ended(Question::Cell { key: Name::of(key) }, Answer::to_cell(&answer))
    }

    /// Lists spaces, one page.
    pub(super) async fn ask_spaces(&self, turn: usize, after: &str, limit: u32, linearizable: bool) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, SYSTEM, linearizable);
        let page = client.page_of_spaces(after, limit, consistency(linearizable)).await;
        let page = self.heard(node, "a page of the list of spaces", page).ok()?;
        let spaces = page.spaces.iter().map(SpaceSeen::of).collect();
        let said = (Answer::Spaces { spaces, more: page.more }, page.applied_index);
        began.ended(Question::Spaces { after: after.to_owned(), limit }, Some(said))
    }

    /// Lists positions in `main`, of one reader or of all, one page.
    pub(super) async fn ask_positions(
        &self,
        turn: usize,
        reader: &str,
        after: (&str, &str),
        limit: u32,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let page = client.page_of_positions(reader, after, limit, consistency(linearizable)).await;
        let page = self.heard(node, "a page of the list of positions", page).ok()?;
        let positions = page.positions.iter().map(PositionSeen::of).collect();
        let said = (Answer::Positions { positions, more: page.more }, page.applied_index);
        let after = (after.0.to_owned(), after.1.to_owned());
        began.ended(Question::Positions { reader: reader.to_owned(), after, limit }, Some(said))
    }

    /// Lists locks of `main` whose names begin so, one page.
    pub(super) async fn ask_locks(
        &self,
        turn: usize,
        (after, prefix): (&str, &str),
        limit: u32,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let page = client.page_of_locks((after, prefix), limit, consistency(linearizable)).await;
        let page = self.heard(node, "a page of the list of locks", page).ok()?;
        let locks = page.locks.iter().map(|lock| (Name::of(&lock.name), LockSeen::of(lock))).collect();
        let said = (Answer::Locks { locks, more: page.more, clock_ms: page.clock_ms }, page.applied_index);
        let (after, prefix) = (after.to_owned(), prefix.to_owned());
        began.ended(Question::Locks { after, prefix, limit }, Some(said))
    }

    /// Looks an id up.
    pub(super) async fn ask_fate(&self, turn: usize, space: &str, id: &Identity, linearizable: bool) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, space, linearizable);
        let answer = client.lookup_in(space, id.message(), consistency(linearizable)).await;
        let answer = self.heard(node, "what became of an id", answer);
        began.ended(Question::Fate(*id), Answer::to_lookup(&answer))
    }

    /// Asks where a reader of `main` is.
    pub(super) async fn ask_position(
        &self,
        turn: usize,
        reader: &str,
        log: &str,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let response = client.look_at_position(reader, log, consistency(linearizable)).await;
        let response = self.heard(node, "the position of a reader", response).ok()?;
        let question = Question::Position { reader: Name::of(reader), log: Name::of(log) };
        began.ended(question, Some(Answer::to_position(&response)))
    }

    /// Asks who holds a lock of `main`.
    pub(super) async fn ask_lock(&self, turn: usize, lock: &str, linearizable: bool) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let began = Began::now(self, node, "", linearizable);
        let response = client.lock(lock, consistency(linearizable)).await;
        let response = self.heard(node, "who holds a lock", response).ok()?;
        began.ended(Question::Lock { lock: Name::of(lock) }, Some(Answer::to_lock(&response)))
    }

    /// Waits for a condition in `main`, at most so long.
    pub(super) async fn ask_wait(
        &self,
        turn: usize,
        wanted: Wanted,
        deadline: Duration,
        linearizable: bool,
    ) -> Option<Answer> {
        let (node, client) = self.node(turn);
        let client = client.with_deadline(deadline);
        let began = Began::now(self, node, "", linearizable);
        let answer = client.wait_for("", wanted.message(), consistency(linearizable)).await;
        let answer = self.heard(node, "a wait", answer);
        began.ended(Question::Wait { wanted, deadline }, Answer::to_wait(&answer))
    }
}
