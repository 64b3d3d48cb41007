//! `append`: one record, once; with `--batch` many, each once; with `--outbox` also across crashes of this program.

use crate::client::outbox::Sender;
use crate::types::NewRecord;
use crate::types::limits::RECORD_BYTES_MAX;

use super::append::{self, Answer};
use super::arguments::Append;
use super::call::Call;
use super::exit::Exit;
use super::input::{self, Wanted};
use super::outbox;
use super::problem::Problem;

pub(super) async fn run(call: &mut Call, append: Append) -> Result<Exit, Problem> {
    let wanted = Wanted {
        what: "a record",
        most: RECORD_BYTES_MAX,
        advice: "Append it in parts, or keep it elsewhere and append where it is.",
        allow_empty: append.allow_empty,
    };
    let payload = input::value(append.value.as_deref(), wanted)?;
    let id = append.id.get()?;
    let records = vec![NewRecord::new(payload)];
    if let Some(path) = &append.outbox {
        let make = |sender: &Sender| sender.make_append(&append.log, records, id);
        return outbox::append(call, path, make).await;
    }
    let id = id.unwrap_or_else(|| call.client.fresh_id());
    let appended = call.client.append(&append.log, records, Some(id.clone())).await?;
    let answer = Answer { space: call.speaking.space.clone(), log: append.log, id, appended };
    call.out.answers(&answer.id);
    call.out.one(&append::columns(), &answer)?;
    Ok(Exit::Done)
}
