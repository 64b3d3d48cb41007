//! The bytes of commands.
//!
//! | what | bytes |
//! |---|---|
//! | command | space · id · count, guards · count, actions |
//! | record | payload · count, headers (key · value) |
//! | fate | `1` applied · `2` in force · `3` refused · `4` cancelled · `5` unknown |
//!
//! | guard | bytes |
//! |---|---|
//! | `1` log's end | log · offset |
//! | `2` cell is absent | key |
//! | `3` cell's version | key · version |
//! | `4` cell is at least | key · number (signed) |
//! | `5` position | reader · log · offset · version |
//! | `6` lock is held | lock · token |
//! | `7` fate | id · fate |
//!
//! | action | bytes |
//! |---|---|
//! | `1` append | log · count, records |
//! | `2` put | key · value |
//! | `3` delete | key |
//! | `4` add | key · amount · least · most · absent (may be missing); all signed |
//! | `5` move | reader · log · offset |
//! | `6` acquire | lock · holder · duration |
//! | `7` renew | lock · token · duration |
//! | `8` release | lock · token |
//! | `9` trim | log · offset |
//! | `10` compensate | id |
//! | `11` create a log | log · retention |
//! | `12` set a log's retention | log · retention |
//! | `13` create a space | space · memory · creation of logs |
//! | `14` set a space | space · duration (may be missing) · creation of logs (may be missing) |
//! | `15` raise the version | version |
//! | `16` delete a log | log |
//! | `17` delete a reader | reader · log |
//! | `18` delete a space | space |

use crate::types::codec::{DecodeError, Decoder, Encoder};
use crate::types::{
    Action, Command, FateIs, Guard, Header, Id, LogName, NewRecord, Offset, Retention, SpacePolicy, Version,
};

use super::words::{
    read_cell_key, read_duration, read_holder, read_lock_name, read_log_creation, read_log_name, read_machine_version,
    read_memory, read_reader_name, read_retention, read_space_name, read_token, read_value, unknown, write_duration,
    write_log_creation, write_memory, write_retention, write_token, write_value,
};

/// About as many bytes as [`write_command`] writes, seldom fewer.
pub(in crate::machine) fn command_capacity(command: &Command) -> usize {
    let of_action = |action: &Action| match action {
        Action::Append { records, .. } => 8 + 8 * records.len(),
        _ => 48,
    };
    command.size() + command.actions.iter().map(of_action).sum::<usize>() + 64 * command.guards.len() + 32
}

pub(in crate::machine) fn write_command(encoder: &mut Encoder, command: &Command) {
    encoder.text(command.space.as_str());
    command.id.encode(encoder);
    encoder.list(&command.guards, write_guard);
    encoder.list(&command.actions, write_action);
}

pub(super) fn read_command(decoder: &mut Decoder) -> Result<Command, DecodeError> {
    Ok(Command {
        space: read_space_name(decoder)?,
        id: Id::decode(decoder)?,
        guards: decoder.list(read_guard)?,
        actions: decoder.list(read_action)?,
    })
}

fn write_guard(encoder: &mut Encoder, guard: &Guard) {
    match guard {
        Guard::LogEnd { log, end } => {
            encoder.byte(1);
            encoder.text(log.as_str());
            encoder.varint(end.0);
        }
        Guard::CellAbsent { key } => {
            encoder.byte(2);
            encoder.text(key.as_str());
        }
        Guard::CellVersion { key, version } => {
            encoder.byte(3);
            encoder.text(key.as_str());
            encoder.varint(version.0);
        }
        Guard::CellAtLeast { key, least } => {
            encoder.byte(4);
            encoder.text(key.as_str());
            encoder.signed_varint(*least);
        }
        Guard::Position { reader, log, offset, version } => {
            encoder.byte(5);
            encoder.text(reader.as_str());
            encoder.text(log.as_str());
            encoder.varint(offset.0);
            encoder.varint(version.0);
        }
        Guard::LockHeld { lock, token } => {
            encoder.byte(6);
            encoder.text(lock.as_str());
            write_token(encoder, *token);
        }
        Guard::Fate { target, is } => {
            encoder.byte(7);
            target.encode(encoder);
            encoder.byte(match is {
                FateIs::Applied => 1,
                FateIs::InForce => 2,
                FateIs::Refused => 3,
                FateIs::Cancelled => 4,
                FateIs::Unknown => 5,
            });
        }
    }
}

fn read_guard(decoder: &mut Decoder) -> Result<Guard, DecodeError> {
    Ok(match decoder.byte()? {
        1 => Guard::LogEnd { log: read_log_name(decoder)?, end: Offset(decoder.varint()?) },
        2 => Guard::CellAbsent { key: read_cell_key(decoder)? },
        3 => Guard::CellVersion { key: read_cell_key(decoder)?, version: Version(decoder.varint()?) },
        4 => Guard::CellAtLeast { key: read_cell_key(decoder)?, least: decoder.signed_varint()? },
        5 => Guard::Position {
            reader: read_reader_name(decoder)?,
            log: read_log_name(decoder)?,
            offset: Offset(decoder.varint()?),
            version: Version(decoder.varint()?),
        },
        6 => Guard::LockHeld { lock: read_lock_name(decoder)?, token: read_token(decoder)? },
        7 => Guard::Fate { target: Id::decode(decoder)?, is: read_fate(decoder)? },
        found => return Err(unknown("guard", found)),
    })
}

fn read_fate(decoder: &mut Decoder) -> Result<FateIs, DecodeError> {
    match decoder.byte()? {
        1 => Ok(FateIs::Applied),
        2 => Ok(FateIs::InForce),
        3 => Ok(FateIs::Refused),
        4 => Ok(FateIs::Cancelled),
        5 => Ok(FateIs::Unknown),
        found => Err(unknown("fate", found)),
    }
}

fn write_action(encoder: &mut Encoder, action: &Action) {
    match action {
        Action::Append { log, records } => {
            encoder.byte(1);
            encoder.text(log.as_str());
            write_records(encoder, records);
        }
        Action::Put { key, value } => {
            encoder.byte(2);
            encoder.text(key.as_str());
            write_value(encoder, value);
        }
        Action::Delete { key } => {
            encoder.byte(3);
            encoder.text(key.as_str());
        }
        Action::Add { key, amount, least, most, absent } => {
            encoder.byte(4);
            encoder.text(key.as_str());
            encoder.signed_varint(*amount);
            encoder.signed_varint(*least);
            encoder.signed_varint(*most);
            encoder.option(*absent, Encoder::signed_varint);
        }
        Action::Move { reader, log, to } => {
            encoder.byte(5);
            encoder.text(reader.as_str());
            encoder.text(log.as_str());
            encoder.varint(to.0);
        }
        Action::Acquire { lock, holder, time } => {
            encoder.byte(6);
            encoder.text(lock.as_str());
            encoder.text(holder.as_str());
            write_duration(encoder, *time);
        }
        Action::Renew { lock, token, time } => {
            encoder.byte(7);
            encoder.text(lock.as_str());
            write_token(encoder, *token);
            write_duration(encoder, *time);
        }
        Action::Release { lock, token } => {
            encoder.byte(8);
            encoder.text(lock.as_str());
            write_token(encoder, *token);
        }
        Action::Trim { log, before } => {
            encoder.byte(9);
            encoder.text(log.as_str());
            encoder.varint(before.0);
        }
        Action::Compensate { target } => {
            encoder.byte(10);
            target.encode(encoder);
        }
        Action::CreateLog { log, retention } => write_kept(encoder, 11, log, retention),
        Action::SetRetention { log, retention } => write_kept(encoder, 12, log, retention),
        Action::CreateSpace { name, policy } => {
            encoder.byte(13);
            encoder.text(name.as_str());
            write_memory(encoder, policy.memory);
            write_log_creation(encoder, policy.logs);
        }
        Action::SetSpace { name, memory, logs } => {
            encoder.byte(14);
            encoder.text(name.as_str());
            encoder.option(*memory, write_duration);
            encoder.option(*logs, write_log_creation);
        }
        Action::RaiseVersion { to } => {
            encoder.byte(15);
            encoder.varint(to.0.into());
        }
        Action::DeleteLog { log } => {
            encoder.byte(16);
            encoder.text(log.as_str());
        }
        Action::DeleteReader { reader, log } => {
            encoder.byte(17);
            encoder.text(reader.as_str());
            encoder.text(log.as_str());
        }
        Action::DeleteSpace { name } => {
            encoder.byte(18);
            encoder.text(name.as_str());
        }
    }
}

fn write_kept(encoder: &mut Encoder, kind: u8, log: &LogName, retention: &Retention) {
    encoder.byte(kind);
    encoder.text(log.as_str());
    write_retention(encoder, retention);
}

fn read_action(decoder: &mut Decoder) -> Result<Action, DecodeError> {
    Ok(match decoder.byte()? {
        1 => Action::Append { log: read_log_name(decoder)?, records: decoder.list(read_record)? },
        2 => Action::Put { key: read_cell_key(decoder)?, value: read_value(decoder)? },
        3 => Action::Delete { key: read_cell_key(decoder)? },
        4 => Action::Add {
            key: read_cell_key(decoder)?,
            amount: decoder.signed_varint()?,
            least: decoder.signed_varint()?,
            most: decoder.signed_varint()?,
            absent: decoder.option(Decoder::signed_varint)?,
        },
        5 => Action::Move {
            reader: read_reader_name(decoder)?,
            log: read_log_name(decoder)?,
            to: Offset(decoder.varint()?),
        },
        6 => Action::Acquire {
            lock: read_lock_name(decoder)?,
            holder: read_holder(decoder)?,
            time: read_duration(decoder)?,
        },
        7 => {
            Action::Renew { lock: read_lock_name(decoder)?, token: read_token(decoder)?, time: read_duration(decoder)? }
        }
        8 => Action::Release { lock: read_lock_name(decoder)?, token: read_token(decoder)? },
        9 => Action::Trim { log: read_log_name(decoder)?, before: Offset(decoder.varint()?) },
        10 => Action::Compensate { target: Id::decode(decoder)? },
        11 => Action::CreateLog { log: read_log_name(decoder)?, retention: read_retention(decoder)? },
        12 => Action::SetRetention { log: read_log_name(decoder)?, retention: read_retention(decoder)? },
        13 => Action::CreateSpace {
            name: read_space_name(decoder)?,
            policy: SpacePolicy { memory: read_memory(decoder)?, logs: read_log_creation(decoder)? },
        },
        14 => Action::SetSpace {
            name: read_space_name(decoder)?,
            memory: decoder.option(read_duration)?,
            logs: decoder.option(read_log_creation)?,
        },
        15 => Action::RaiseVersion { to: read_machine_version(decoder)? },
        16 => Action::DeleteLog { log: read_log_name(decoder)? },
        17 => Action::DeleteReader { reader: read_reader_name(decoder)?, log: read_log_name(decoder)? },
        18 => Action::DeleteSpace { name: read_space_name(decoder)? },
        found => return Err(unknown("action", found)),
    })
}

pub(in crate::machine) fn write_records(encoder: &mut Encoder, records: &[NewRecord]) {
    encoder.list(records, |encoder, record| {
        encoder.bytes(&record.payload);
        encoder.list(&record.headers, |encoder, header| {
            encoder.text(&header.key);
            encoder.bytes(&header.value);
        });
    });
}

fn read_record(decoder: &mut Decoder) -> Result<NewRecord, DecodeError> {
    let payload = decoder.bytes()?;
    let headers = decoder.list(|decoder| {
        let key = decoder.text()?;
        Ok(Header { key, value: decoder.bytes()? })
    })?;
    Ok(NewRecord { payload, headers })
}
