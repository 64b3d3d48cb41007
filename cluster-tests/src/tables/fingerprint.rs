//! The fingerprint of a command, made by the harness's own hand: half of the BLAKE3 hash of a version byte and of the
//! command in the bytes that the product documents in `machine/encoding/command.rs` and `words.rs`.

use bytes::Bytes;

use super::id::{Id, uuid_v7};
use crate::command::{command, records};
use crate::proto::action::Action as Kind;
use crate::proto::cell_value::Value;
use crate::proto::guard::Guard as Wanted;
use crate::proto::{Action, CellValue, CommandId, Guard, LogCreation, NewRecord, Retention, SubmitRequest, Token};

/// Of a command. None if it is malformed, and so never decided.
pub fn of(request: &SubmitRequest) -> Option<[u8; 16]> {
    let mut writer = Writer(vec![1]);
    writer.text(if request.space.is_empty() { "main" } else { &request.space });
    writer.id(request.id.as_ref()?);
    writer.count(request.guards.len());
    for guard in &request.guards {
        writer.guard(guard)?;
    }
    writer.count(request.actions.len());
    for action in &request.actions {
        writer.action(action)?;
    }
    blake3::hash(&writer.0).as_bytes().first_chunk().copied()
}

/// Of an append to a log of `main` whose records have no headers.
pub fn of_append(log: &str, id: &str, payloads: &[Bytes]) -> Option<[u8; 16]> {
    of(&command(id, vec![], vec![records(log, payloads.to_vec())]))
}

/// Writes primitives as the product does.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(0x80 | u8::try_from(number & 0x7f).expect("seven bits"));
            number >>= 7;
        }
        self.byte(u8::try_from(number).expect("seven bits"));
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn id(&mut self, id: &CommandId) {
        let Id { text, birth } = Id::of(id);
        match (uuid_v7(&text), birth) {
            (Some(uuid), _) => {
                self.byte(0);
                self.0.extend_from_slice(uuid.as_bytes());
            }
            (None, None) => {
                self.byte(1);
                self.text(&text);
            }
            (None, Some(birth)) => {
                self.byte(2);
                self.number(birth);
                self.text(&text);
            }
        }
    }

    fn token(&mut self, token: Option<&Token>) -> Option<()> {
        let Token { history, sequence } = token?;
        self.number(*history);
        self.number(*sequence);
        Some(())
    }

    fn value(&mut self, value: Option<&CellValue>) -> Option<()> {
        match value?.value.as_ref()? {
            Value::Bytes(bytes) => {
                self.byte(1);
                self.bytes(bytes);
            }
            Value::Integer(integer) => {
                self.byte(2);
                self.signed(*integer);
            }
        }
        Some(())
    }

    fn retention(&mut self, retention: Option<&Retention>) {
        let kept = retention.copied().unwrap_or_default();
        for bound in [kept.age_ms, kept.bytes, kept.records] {
            self.option(bound, Self::number);
        }
    }

    fn creation(&mut self, logs: LogCreation) {
        self.byte(if logs == LogCreation::Explicit { 2 } else { 1 });
    }

    fn records(&mut self, records: &[NewRecord]) {
        self.count(records.len());
        for record in records {
            self.bytes(&record.payload);
            self.count(record.headers.len());
            for header in &record.headers {
                self.text(&header.key);
                self.bytes(&header.value);
            }
        }
    }

    fn named(&mut self, kind: u8, name: &str) {
        self.byte(kind);
        self.text(name);
    }

    fn guard(&mut self, guard: &Guard) -> Option<()> {
        match guard.guard.as_ref()? {
            Wanted::LogEnd(it) => {
                self.named(1, &it.log);
                self.number(it.end);
            }
            Wanted::CellAbsent(it) => self.named(2, &it.key),
            Wanted::CellVersion(it) => {
                self.named(3, &it.key);
                self.number(it.version);
            }
            Wanted::CellAtLeast(it) => {
                self.named(4, &it.key);
                self.signed(it.least);
            }
            Wanted::Position(it) => {
                self.named(5, &it.reader);
                self.text(&it.log);
                self.number(it.offset);
                self.number(it.version);
            }
            Wanted::LockHeld(it) => {
                self.named(6, &it.lock);
                self.token(it.token.as_ref())?;
            }
            Wanted::Fate(it) => {
                self.byte(7);
                self.id(it.id.as_ref()?);
                // The numbers of the message are those of the bytes; 0 is none.
                self.byte(u8::try_from(it.is).ok().filter(|is| (1..=5).contains(is))?);
            }
        }
        Some(())
    }

    fn action(&mut self, action: &Action) -> Option<()> {
        match action.action.as_ref()? {
            Kind::Append(it) => {
                self.named(1, &it.log);
                self.records(&it.records);
            }
            Kind::Put(it) => {
                self.named(2, &it.key);
                self.value(it.value.as_ref())?;
            }
            Kind::Delete(it) => self.named(3, &it.key),
            Kind::Add(it) => {
                self.named(4, &it.key);
                self.signed(it.amount);
                self.signed(it.least.unwrap_or(i64::MIN));
                self.signed(it.most.unwrap_or(i64::MAX));
                self.option(it.absent_is, Self::signed);
            }
            Kind::Move(it) => {
                self.named(5, &it.reader);
                self.text(&it.log);
                self.number(it.to);
            }
            Kind::Acquire(it) => {
                self.named(6, &it.lock);
                self.text(&it.holder);
                self.number(it.time_ms);
            }
            Kind::Renew(it) => {
                self.named(7, &it.lock);
                self.token(it.token.as_ref())?;
                self.number(it.time_ms);
            }
            Kind::Release(it) => {
                self.named(8, &it.lock);
                self.token(it.token.as_ref())?;
            }
            Kind::Trim(it) => {
                self.named(9, &it.log);
                self.number(it.before);
            }
            Kind::Compensate(it) => {
                self.byte(10);
                self.id(it.target.as_ref()?);
            }
            other => return self.rule(other),
        }
        Some(())
    }

    /// Writes an action that makes, changes or deletes what others are done in.
    fn rule(&mut self, action: &Kind) -> Option<()> {
        match action {
            Kind::CreateLog(it) => {
                self.named(11, &it.log);
                self.retention(it.retention.as_ref());
            }
            Kind::SetRetention(it) => {
                self.named(12, &it.log);
                self.retention(it.retention.as_ref());
            }
            Kind::CreateSpace(it) => {
                self.named(13, &it.name);
                self.option(it.memory_ms, Self::number);
                self.creation(it.logs());
            }
            Kind::SetSpace(it) => {
                self.named(14, &it.name);
                self.option(it.memory_ms, Self::number);
                self.option(Some(it.logs()).filter(|logs| *logs != LogCreation::Unspecified), Self::creation);
            }
            Kind::RaiseVersion(it) => {
                self.byte(15);
                self.number(it.to.into());
            }
            Kind::DeleteLog(it) => self.named(16, &it.log),
            Kind::DeleteReader(it) => {
                self.named(17, &it.reader);
                self.text(&it.log);
            }
            Kind::DeleteSpace(it) => self.named(18, &it.name),
            _ => return None,
        }
        Some(())
    }
}
