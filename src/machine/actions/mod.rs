//! What each action does to a draft, or why it can't: one file for each, the three of locks together.
//!
//! - An action sees what those before it in the command have done.
//! - What an action can't do refuses the whole command: whoever calls drops the draft.

mod acquire_renew_release;
mod add;
mod append;
mod create_log;
mod create_space;
mod delete;
mod delete_log;
mod delete_reader;
mod delete_space;
mod move_reader;
mod put;
mod raise_version;
mod set_retention;
mod set_space;
mod spoiled;
mod trim;

use crate::types::{Action, ActionResult, Found};

use super::draft::Draft;
use super::view::View;

/// Does one action. A compensation was looked at before all of them, and goes on.
pub(super) fn perform<'a>(draft: &mut Draft<'a, impl View>, action: &'a Action) -> Result<ActionResult, Found> {
    match action {
        Action::Append { log, records } => append::append(draft, log, records),
        Action::Put { key, value } => Ok(put::put(draft, key, value)),
        Action::Delete { key } => delete::delete(draft, key),
        Action::Add { key, amount, least, most, absent } => add::add(draft, key, *amount, *least..=*most, *absent),
        Action::Move { reader, log, to } => move_reader::move_reader(draft, reader, log, *to),
        Action::Acquire { lock, holder, time } => acquire_renew_release::acquire(draft, lock, holder, *time),
        Action::Renew { lock, token, time } => acquire_renew_release::renew(draft, lock, *token, *time),
        Action::Release { lock, token } => acquire_renew_release::release(draft, lock, *token),
        Action::Trim { log, before } => trim::trim(draft, log, *before),
        Action::Compensate { .. } => Ok(ActionResult::Compensated),
        Action::CreateLog { log, retention } => create_log::create_log(draft, log, *retention),
        Action::SetRetention { log, retention } => set_retention::set_retention(draft, log, *retention),
        Action::DeleteLog { log } => delete_log::delete_log(draft, log),
        Action::DeleteReader { reader, log } => delete_reader::delete_reader(draft, reader, log),
        Action::CreateSpace { name, policy } => create_space::create_space(draft, name, *policy),
        Action::SetSpace { name, memory, logs } => set_space::set_space(draft, name, *memory, *logs),
        Action::DeleteSpace { name } => delete_space::delete_space(draft, name),
        Action::RaiseVersion { to } => raise_version::raise_version(draft, *to),
    }
}
