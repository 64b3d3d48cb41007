//! Actions ⇄ messages. What is wrong with one is named by its field.
//!
//! - Payloads are shared, not copied.

use std::time::Duration;

use crate::types::{Action, LogCreation, MachineVersion, Memory, Offset, SpacePolicy};

use super::cell::{
    log_creation, log_creation_message, milliseconds, retention, retention_message, token, token_message, value,
    value_message,
};
use super::command::{command_id, new_record, record_message};
use super::fields::{self, Wrong};
use super::v1;
use super::v1::action::Action as Message;

/// An action that was received, in the field `at`.
pub(super) fn action(at: &str, message: v1::Action) -> Result<Action, Wrong> {
    let unknown = || Wrong::malformed(at, &"an action is required; if one is set, this node does not know its kind");
    let field = |name: &str| format!("{at}.{name}");
    Ok(match message.action.ok_or_else(unknown)? {
        Message::Append(v1::AppendRecords { log, records }) => Action::Append {
            log: fields::log_name(&field("append.log"), &log)?,
            records: records.into_iter().map(new_record).collect(),
        },
        Message::Put(v1::PutCell { key, value: put }) => Action::Put {
            key: fields::cell_key(&field("put.key"), &key)?,
            value: fields::needed(&field("put.value"), value(put))?,
        },
        Message::Delete(v1::DeleteCell { key }) => {
            Action::Delete { key: fields::cell_key(&field("delete.key"), &key)? }
        }
        Message::Add(v1::AddToCell { key, amount, least, most, absent_is }) => Action::Add {
            key: fields::cell_key(&field("add.key"), &key)?,
            amount,
            least: least.unwrap_or(i64::MIN),
            most: most.unwrap_or(i64::MAX),
            absent: absent_is,
        },
        Message::Move(v1::MoveReader { reader, log, to }) => Action::Move {
            reader: fields::reader_name(&field("move.reader"), &reader)?,
            log: fields::log_name(&field("move.log"), &log)?,
            to: Offset(to),
        },
        Message::Acquire(v1::AcquireLock { lock, holder, time_ms }) => Action::Acquire {
            lock: fields::lock_name(&field("acquire.lock"), &lock)?,
            holder: fields::holder(&field("acquire.holder"), &holder)?,
            time: Duration::from_millis(time_ms),
        },
        Message::Renew(v1::RenewLock { lock, token: held, time_ms }) => Action::Renew {
            lock: fields::lock_name(&field("renew.lock"), &lock)?,
            token: token(fields::needed(&field("renew.token"), held)?),
            time: Duration::from_millis(time_ms),
        },
        Message::Release(v1::ReleaseLock { lock, token: held }) => Action::Release {
            lock: fields::lock_name(&field("release.lock"), &lock)?,
            token: token(fields::needed(&field("release.token"), held)?),
        },
        Message::Trim(v1::TrimLog { log, before }) => {
            Action::Trim { log: fields::log_name(&field("trim.log"), &log)?, before: Offset(before) }
        }
        Message::Compensate(v1::CompensateCommand { target }) => {
            Action::Compensate { target: fields::id_at(&field("compensate.target"), target)? }
        }
        Message::CreateLog(v1::CreateLog { log, retention: kept }) => {
            Action::CreateLog { log: fields::log_name(&field("create_log.log"), &log)?, retention: retention(kept) }
        }
        Message::SetRetention(v1::SetRetention { log, retention: kept }) => Action::SetRetention {
            log: fields::log_name(&field("set_retention.log"), &log)?,
            retention: retention(kept),
        },
        Message::DeleteLog(v1::DeleteLog { log }) => {
            Action::DeleteLog { log: fields::log_name(&field("delete_log.log"), &log)? }
        }
        Message::DeleteReader(v1::DeleteReader { reader, log }) => Action::DeleteReader {
            reader: fields::reader_name(&field("delete_reader.reader"), &reader)?,
            log: fields::log_name(&field("delete_reader.log"), &log)?,
        },
        Message::CreateSpace(v1::CreateSpace { name, memory_ms, logs }) => Action::CreateSpace {
            name: fields::named_space(&field("create_space.name"), &name)?,
            policy: SpacePolicy {
                memory: memory_ms.map_or(Memory::Forever, |ms| Memory::For(Duration::from_millis(ms))),
                logs: creation(&field("create_space.logs"), logs)?.unwrap_or_default(),
            },
        },
        Message::SetSpace(v1::SetSpace { name, memory_ms, logs }) => Action::SetSpace {
            name: fields::named_space(&field("set_space.name"), &name)?,
            memory: memory_ms.map(Duration::from_millis),
            logs: creation(&field("set_space.logs"), logs)?,
        },
        Message::DeleteSpace(v1::DeleteSpace { name }) => {
            Action::DeleteSpace { name: fields::named_space(&field("delete_space.name"), &name)? }
        }
        Message::RaiseVersion(v1::RaiseVersion { to }) => Action::RaiseVersion {
            to: MachineVersion(
                u16::try_from(to)
                    .map_err(|_| Wrong::malformed(field("raise_version.to"), &"no version is as great"))?,
            ),
        },
    })
}

fn creation(at: &str, value: i32) -> Result<Option<LogCreation>, Wrong> {
    log_creation(value).map_err(|_| Wrong::malformed(at, &format_args!("{value} is no way that this node knows")))
}

/// An action to be sent.
pub(super) fn action_message(action: &Action) -> v1::Action {
    let text = |name: &str| name.to_owned();
    let message = match action {
        Action::Append { log, records } => Message::Append(v1::AppendRecords {
            log: text(log.as_str()),
            records: records.iter().map(record_message).collect(),
        }),
        Action::Put { key, value } => {
            Message::Put(v1::PutCell { key: text(key.as_str()), value: Some(value_message(value)) })
        }
        Action::Delete { key } => Message::Delete(v1::DeleteCell { key: text(key.as_str()) }),
        Action::Add { key, amount, least, most, absent } => Message::Add(v1::AddToCell {
            key: text(key.as_str()),
            amount: *amount,
            least: (*least != i64::MIN).then_some(*least),
            most: (*most != i64::MAX).then_some(*most),
            absent_is: *absent,
        }),
        Action::Move { reader, log, to } => {
            Message::Move(v1::MoveReader { reader: text(reader.as_str()), log: text(log.as_str()), to: to.0 })
        }
        Action::Acquire { lock, holder, time } => Message::Acquire(v1::AcquireLock {
            lock: text(lock.as_str()),
            holder: text(holder.as_str()),
            time_ms: milliseconds(*time),
        }),
        Action::Renew { lock, token, time } => Message::Renew(v1::RenewLock {
            lock: text(lock.as_str()),
            token: Some(token_message(*token)),
            time_ms: milliseconds(*time),
        }),
        Action::Release { lock, token } => {
            Message::Release(v1::ReleaseLock { lock: text(lock.as_str()), token: Some(token_message(*token)) })
        }
        Action::Trim { log, before } => Message::Trim(v1::TrimLog { log: text(log.as_str()), before: before.0 }),
        Action::Compensate { target } => {
            Message::Compensate(v1::CompensateCommand { target: Some(command_id(target)) })
        }
        Action::CreateLog { log, retention } => {
            Message::CreateLog(v1::CreateLog { log: text(log.as_str()), retention: Some(retention_message(retention)) })
        }
        Action::SetRetention { log, retention } => Message::SetRetention(v1::SetRetention {
            log: text(log.as_str()),
            retention: Some(retention_message(retention)),
        }),
        Action::DeleteLog { log } => Message::DeleteLog(v1::DeleteLog { log: text(log.as_str()) }),
        Action::DeleteReader { reader, log } => {
            Message::DeleteReader(v1::DeleteReader { reader: text(reader.as_str()), log: text(log.as_str()) })
        }
        Action::CreateSpace { name, policy } => Message::CreateSpace(v1::CreateSpace {
            name: text(name.as_str()),
            memory_ms: memory_message(policy.memory),
            logs: log_creation_message(policy.logs),
        }),
        Action::SetSpace { name, memory, logs } => Message::SetSpace(v1::SetSpace {
            name: text(name.as_str()),
            memory_ms: memory.map(milliseconds),
            logs: logs.map_or(v1::LogCreation::Unspecified.into(), log_creation_message),
        }),
        Action::DeleteSpace { name } => Message::DeleteSpace(v1::DeleteSpace { name: text(name.as_str()) }),
        Action::RaiseVersion { to } => Message::RaiseVersion(v1::RaiseVersion { to: to.0.into() }),
    };
    v1::Action { action: Some(message) }
}

pub(super) fn memory_message(memory: Memory) -> Option<u64> {
    match memory {
        Memory::Forever => None,
        Memory::For(duration) => Some(milliseconds(duration)),
    }
}
