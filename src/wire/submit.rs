//! Whole commands ⇄ messages, and what they got.

use crate::types::{Answer, Command, Decided, Verdict};

use super::action::{action, action_message};
use super::answer::{Asked, arrival, cancelled, is_replay, refused, rejection};
use super::command::{check_record, command_id};
use super::fields::{self, Wrong, Wrongs};
use super::guard::{guard, guard_message};
use super::outcome::{Unreadable, outcome, outcome_message};
use super::status::ErrorReport;
use super::v1;

/// What a client asks for, as a command.
pub fn submit_command(request: v1::SubmitRequest) -> Result<Command, ErrorReport> {
    let mut wrongs = Wrongs::default();
    let space = wrongs.take(fields::space(&request.space));
    let id = wrongs.take(fields::id(request.id));
    let mut guards = Vec::with_capacity(request.guards.len());
    for (place, message) in request.guards.into_iter().enumerate() {
        guards.extend(wrongs.take(guard(&format!("guards[{place}]"), message)));
    }
    let mut actions = Vec::with_capacity(request.actions.len());
    for (place, message) in request.actions.into_iter().enumerate() {
        check_records(place, &message, &mut wrongs);
        actions.extend(wrongs.take(action(&format!("actions[{place}]"), message)));
    }
    let (Some(space), Some(id)) = (space, id) else {
        return Err(wrongs.into_report());
    };
    let command = Command { space, id, guards, actions };
    if wrongs.is_empty()
        && let Err(malformed) = command.check()
    {
        wrongs.add(Wrong::about(fields::field_of(&malformed), &malformed));
    }
    if wrongs.is_empty() { Ok(command) } else { Err(wrongs.into_report()) }
}

fn check_records(place: usize, message: &v1::Action, wrongs: &mut Wrongs) {
    let Some(v1::action::Action::Append(append)) = &message.action else { return };
    for (index, record) in append.records.iter().enumerate() {
        check_record(&format!("actions[{place}].append.records[{index}]"), record, wrongs);
        if wrongs.is_full() {
            break;
        }
    }
}

/// What a client sends to have a command done.
pub fn submit_request(command: &Command) -> v1::SubmitRequest {
    v1::SubmitRequest {
        space: command.space.as_str().to_owned(),
        id: Some(command_id(&command.id)),
        guards: command.guards.iter().map(guard_message).collect(),
        actions: command.actions.iter().map(action_message).collect(),
    }
}

/// The answer to a whole command.
pub fn submit_answer(asked: Asked<'_>, answer: &Answer) -> Result<v1::SubmitResponse, ErrorReport> {
    let (outcome, replayed) = match answer {
        Answer::Decided { outcome, replayed } => (outcome, *replayed),
        Answer::Rejected(rejected) => return Err(rejection(asked, rejected)),
    };
    match &outcome.verdict {
        Verdict::Applied(_) | Verdict::NothingToUndo => {
            Ok(v1::SubmitResponse { arrival: arrival(replayed).into(), outcome: Some(outcome_message(outcome)) })
        }
        Verdict::Refused(refusal) => Err(refused(asked, refusal, outcome, replayed)),
        Verdict::Cancelled => Err(cancelled(asked, outcome, replayed)),
    }
}

/// What the answer to a whole command says.
pub fn submitted(message: &v1::SubmitResponse) -> Result<Decided, Unreadable> {
    let outcome = outcome(message.outcome.as_ref().ok_or(Unreadable("outcome"))?)?;
    Ok(Decided { outcome, replayed: is_replay(message.arrival)? })
}
