//! Whole commands in few words: guards and actions as the protos have them.

use bytes::Bytes;

use crate::client::{Client, Failure, is_replay};
use crate::history::{self, Content, Decided, Packed, Sealed};
use crate::proto::action::Action as Kind;
use crate::proto::action_result::Result as Got;
use crate::proto::guard::Guard as Wanted;
use crate::proto::outcome::Verdict;
use crate::proto::refused::Found;
use crate::proto::{
    AcquireLock, Action, AddToCell, AppendRecords, CellIsAbsent, CellIsAtLeast, CellValue, CellVersionIs, CommandId,
    CompensateCommand, CreateLog, CreateSpace, DeleteCell, DeleteLog, DeleteReader, DeleteSpace, FateIs, Guard,
    LockIsHeld, Locked, LogCreation, LogEndIs, MoveReader, NewRecord, Outcome, PositionIs, PutCell, RaiseVersion,
    ReleaseLock, RenewLock, Retention, SetRetention, SetSpace, SubmitRequest, SubmitResponse, Token, TrimLog,
    WantedFate, cell_value,
};

/// The space of commands about spaces and versions.
pub const SYSTEM: &str = "oncelog.system";

/// An id without a birth beside it.
pub fn id(text: &str) -> CommandId {
    CommandId { text: text.to_owned(), birth_ms: None }
}

/// An id with a birth beside it.
pub fn born(text: &str, birth_ms: u64) -> CommandId {
    CommandId { text: text.to_owned(), birth_ms: Some(birth_ms) }
}

/// A command of the space `main`.
pub fn command(text: &str, guards: Vec<Guard>, actions: Vec<Action>) -> SubmitRequest {
    SubmitRequest { space: String::new(), id: Some(id(text)), guards, actions }
}

/// A command of another space.
pub fn command_in(space: &str, id: CommandId, guards: Vec<Guard>, actions: Vec<Action>) -> SubmitRequest {
    SubmitRequest { space: space.to_owned(), id: Some(id), guards, actions }
}

fn guard(wanted: Wanted) -> Guard {
    Guard { guard: Some(wanted) }
}

fn action(kind: Kind) -> Action {
    Action { action: Some(kind) }
}

/// The cell is not there.
pub fn cell_absent(key: &str) -> Guard {
    guard(Wanted::CellAbsent(CellIsAbsent { key: key.to_owned() }))
}

/// The cell holds a number that is at least this.
pub fn cell_at_least(key: &str, least: i64) -> Guard {
    guard(Wanted::CellAtLeast(CellIsAtLeast { key: key.to_owned(), least }))
}

/// The log ends here.
pub fn log_end(log: &str, end: u64) -> Guard {
    guard(Wanted::LogEnd(LogEndIs { log: log.to_owned(), end }))
}

/// The cell has this version.
pub fn cell_version(key: &str, version: u64) -> Guard {
    guard(Wanted::CellVersion(CellVersionIs { key: key.to_owned(), version }))
}

/// The reader is here.
pub fn position_is(reader: &str, log: &str, offset: u64, version: u64) -> Guard {
    guard(Wanted::Position(PositionIs { reader: reader.to_owned(), log: log.to_owned(), offset, version }))
}

/// The lock is held by this token.
pub fn lock_held(lock: &str, token: Token) -> Guard {
    guard(Wanted::LockHeld(LockIsHeld { lock: lock.to_owned(), token: Some(token) }))
}

/// The fate of another id.
pub fn fate_is(target: &str, wanted: WantedFate) -> Guard {
    fate_of(id(target), wanted)
}

/// The fate of another id, which may have a birth beside it.
pub fn fate_of(target: CommandId, wanted: WantedFate) -> Guard {
    guard(Wanted::Fate(FateIs { id: Some(target), is: wanted.into() }))
}

/// Records for a log.
pub fn append(log: &str, payloads: &[&'static str]) -> Action {
    let record =
        |payload: &&'static str| NewRecord { payload: Bytes::from_static(payload.as_bytes()), headers: vec![] };
    action(Kind::Append(AppendRecords { log: log.to_owned(), records: payloads.iter().map(record).collect() }))
}

/// One record for a log.
pub fn record(log: &str, payload: impl Into<Bytes>) -> Action {
    let records = vec![NewRecord { payload: payload.into(), headers: vec![] }];
    action(Kind::Append(AppendRecords { log: log.to_owned(), records }))
}

/// Records for a log, whose bytes were made just now.
pub fn records(log: &str, payloads: Vec<Bytes>) -> Action {
    append_records(log, payloads.into_iter().map(|payload| NewRecord { payload, headers: vec![] }).collect())
}

/// Records for a log, whole.
pub fn append_records(log: &str, records: Vec<NewRecord>) -> Action {
    action(Kind::Append(AppendRecords { log: log.to_owned(), records }))
}

/// The logs that a command appends to, as a dump of a replica names them, and what its records hold.
pub fn appends(request: &SubmitRequest) -> Vec<(String, Vec<Content>)> {
    let mut parts: Vec<(String, Vec<Content>)> = Vec::new();
    for action in &request.actions {
        let Some(Kind::Append(append)) = &action.action else { continue };
        let log = log_in(&request.space, &append.log);
        let is_new = parts.iter().all(|(known, _)| *known != log);
        assert!(is_new, "a command of a history appends to {log} once");
        let contents = append.records.iter().map(|record| Content::of_record(&record.payload, &record.headers));
        parts.push((log, contents.collect()));
    }
    parts
}

/// A log as a dump of a replica names it: with its space before it, unless that is `main`.
pub fn log_in(space: &str, log: &str) -> String {
    if space.is_empty() || space == "main" { log.to_owned() } else { format!("{space}/{log}") }
}

/// A number for a cell.
pub fn put(key: &str, number: i64) -> Action {
    let value = Some(CellValue { value: Some(cell_value::Value::Integer(number)) });
    action(Kind::Put(PutCell { key: key.to_owned(), value }))
}

/// Bytes for a cell.
pub fn put_bytes(key: &str, bytes: Bytes) -> Action {
    let value = Some(CellValue { value: Some(cell_value::Value::Bytes(bytes)) });
    action(Kind::Put(PutCell { key: key.to_owned(), value }))
}

/// An addition that leaves at least nothing.
pub fn add(key: &str, amount: i64) -> Action {
    action(Kind::Add(AddToCell { key: key.to_owned(), amount, least: Some(0), most: None, absent_is: None }))
}

/// An addition without bounds, to nothing if the cell is not there.
pub fn add_up(key: &str, amount: i64) -> Action {
    action(Kind::Add(AddToCell { key: key.to_owned(), amount, least: None, most: None, absent_is: Some(0) }))
}

/// A cell that goes.
pub fn delete_cell(key: &str) -> Action {
    action(Kind::Delete(DeleteCell { key: key.to_owned() }))
}

/// A reader's new position.
pub fn move_reader(reader: &str, log: &str, to: u64) -> Action {
    action(Kind::Move(MoveReader { reader: reader.to_owned(), log: log.to_owned(), to }))
}

/// A lock for a holder.
pub fn acquire(lock: &str, holder: &str, time_ms: u64) -> Action {
    action(Kind::Acquire(AcquireLock { lock: lock.to_owned(), holder: holder.to_owned(), time_ms }))
}

/// A lock for longer.
pub fn renew(lock: &str, token: Token, time_ms: u64) -> Action {
    action(Kind::Renew(RenewLock { lock: lock.to_owned(), token: Some(token), time_ms }))
}

/// A lock that is given back.
pub fn release(lock: &str, token: Token) -> Action {
    action(Kind::Release(ReleaseLock { lock: lock.to_owned(), token: Some(token) }))
}

/// A log without its beginning.
pub fn trim(log: &str, before: u64) -> Action {
    action(Kind::Trim(TrimLog { log: log.to_owned(), before }))
}

/// The undoing of another command.
pub fn compensate(target: &str) -> Action {
    compensate_of(id(target))
}

/// The undoing of another command whose id may have a birth beside it.
pub fn compensate_of(target: CommandId) -> Action {
    action(Kind::Compensate(CompensateCommand { target: Some(target) }))
}

/// A log of which so many records are kept.
pub fn create_log(log: &str, records: Option<u64>) -> Action {
    create_log_with(log, Retention { records, ..Retention::default() })
}

/// A log of which this is kept.
pub fn create_log_with(log: &str, retention: Retention) -> Action {
    action(Kind::CreateLog(CreateLog { log: log.to_owned(), retention: Some(retention) }))
}

/// Another retention of a log.
pub fn set_retention(log: &str, retention: Retention) -> Action {
    action(Kind::SetRetention(SetRetention { log: log.to_owned(), retention: Some(retention) }))
}

/// A log that goes.
pub fn delete_log(log: &str) -> Action {
    action(Kind::DeleteLog(DeleteLog { log: log.to_owned() }))
}

/// A reader's position that goes.
pub fn delete_reader(reader: &str, log: &str) -> Action {
    action(Kind::DeleteReader(DeleteReader { reader: reader.to_owned(), log: log.to_owned() }))
}

/// A space that goes.
pub fn delete_space(name: &str) -> Action {
    action(Kind::DeleteSpace(DeleteSpace { name: name.to_owned() }))
}

/// A space that remembers for so long, or for ever.
pub fn create_space(name: &str, memory_ms: Option<u64>) -> Action {
    action(Kind::CreateSpace(CreateSpace { name: name.to_owned(), memory_ms, logs: 0 }))
}

/// A space that remembers for so long, or for ever, in which logs come to be so.
pub fn create_space_with(name: &str, memory_ms: Option<u64>, logs: LogCreation) -> Action {
    action(Kind::CreateSpace(CreateSpace { name: name.to_owned(), memory_ms, logs: logs.into() }))
}

/// Another memory of a space.
pub fn set_space(name: &str, memory_ms: u64) -> Action {
    set_space_with(name, Some(memory_ms), LogCreation::Unspecified)
}

/// Another memory of a space, another way for logs to come to be in it, or both.
pub fn set_space_with(name: &str, memory_ms: Option<u64>, logs: LogCreation) -> Action {
    action(Kind::SetSpace(SetSpace { name: name.to_owned(), memory_ms, logs: logs.into() }))
}

/// Another machine version.
pub fn raise(to: u32) -> Action {
    action(Kind::RaiseVersion(RaiseVersion { to }))
}

/// Sends a command that is to be applied, and returns what its actions got.
pub async fn applied(client: &Client, request: SubmitRequest) -> Vec<Got> {
    let what = format!("{:?}", request.id);
    let response = client.command(request).await.unwrap_or_else(|failure| panic!("{what}: {failure}"));
    results(&response)
}

/// What the actions of a command got that was applied.
pub fn results(response: &SubmitResponse) -> Vec<Got> {
    match response.outcome.as_ref().and_then(|outcome| outcome.verdict.as_ref()) {
        Some(Verdict::Applied(applied)) => {
            applied.results.iter().map(|it| it.result.expect("a result says what it is")).collect()
        }
        other => panic!("what is answered without an error is applied, not {other:?}"),
    }
}

/// Sends a command that takes a lock, and returns what it is held by.
pub async fn locked(client: &Client, request: SubmitRequest) -> Locked {
    match applied(client, request).await.as_slice() {
        [Got::Locked(locked)] => *locked,
        other => panic!("a lock was asked for, and this was done: {other:?}"),
    }
}

/// What an answer says of an id for ever; the failure if it says nothing.
pub fn decided(answer: Result<SubmitResponse, Failure>) -> Result<Decided, Failure> {
    match answer {
        Ok(response) => {
            let replayed = is_replay(response.arrival());
            Ok(Decided { replayed, sealed: sealed(&response.outcome.expect("an answer has an outcome")) })
        }
        Err(Failure { outcome: Some(outcome), metadata, .. }) => {
            let replayed = metadata.get("replayed").is_some_and(|replayed| replayed == "true");
            Ok(Decided { replayed, sealed: sealed(&outcome) })
        }
        Err(failure) => Err(failure),
    }
}

/// An outcome as a history has it.
pub fn sealed(outcome: &Outcome) -> Sealed {
    let verdict = match outcome.verdict.as_ref().expect("an outcome has a verdict") {
        Verdict::Applied(applied) => {
            let results = applied.results.iter().map(|it| it.result.expect("a result says what it is"));
            history::Verdict::Applied(results.map(got).collect())
        }
        Verdict::Refused(refused) => {
            let number = match &refused.found {
                Some(Found::OutOfBounds(number)) => Some(*number),
                _ => None,
            };
            history::Verdict::Refused { found: format!("{:?}", refused.found), number }
        }
        Verdict::Cancelled(_) => history::Verdict::Cancelled,
    };
    let Outcome { sequence, history, time_ms, .. } = *outcome;
    Sealed { sequence, history, time_ms, verdict, whole: Some(Packed::of(outcome)) }
}

fn got(result: Got) -> history::Got {
    match result {
        Got::Appended(it) => history::Got::Appended { first_offset: it.first_offset, count: it.count },
        Got::Added(it) => history::Got::Added(it.value),
        Got::LogDeleted(it) => history::Got::LogDeleted { end: it.end },
        Got::Locked(it) => {
            let token = it.token.expect("a lock is held by a token");
            history::Got::Locked { token: (token.history, token.sequence), expires_ms: it.expires_ms }
        }
        _ => history::Got::Done,
    }
}

/// Insists that a failure is a refusal with its outcome, and returns what was found.
pub fn found(failure: &Failure) -> (&Outcome, &Found) {
    let said = (failure.code.as_str(), failure.reason.as_str(), failure.effect);
    assert_eq!(said, ("FailedPrecondition", "GUARD_FAILED", crate::client::Effect::None), "{failure}");
    let outcome = failure.outcome.as_deref().expect("a refusal carries its outcome");
    match &outcome.verdict {
        Some(Verdict::Refused(refused)) => (outcome, refused.found.as_ref().expect("a refusal says what was found")),
        other => panic!("a refused command has the verdict {other:?}"),
    }
}
