//! The table of records, read: a record has the number of its space, that of its log, and its offset for a key.

use super::id::Id;
use super::reader::{Read, Reader};
use crate::history::Content;
use crate::oracle::Stored;
use crate::proto::Header;

/// The number of a space and that of a log in it.
pub type LogNumber = (u32, u64);

/// Reads a row: whose it is, the record, and how many bytes its headers have.
pub(super) fn read(key: &[u8], value: &[u8]) -> Read<(LogNumber, Stored, u64)> {
    let mut reader = Reader::new(key);
    let (number, offset) = ((reader.fixed_u32()?, reader.fixed_u64()?), reader.fixed_u64()?);
    reader.finish()?;
    let mut reader = Reader::version_one(value)?;
    let time_ms = reader.time()?;
    let id = Id::read(&mut reader)?;
    let headers = reader.list(|reader| {
        let key = reader.text()?.to_owned();
        Ok(Header { key, value: reader.bytes()?.to_vec().into() })
    })?;
    let payload = reader.rest();
    let stored = Stored { offset, id: id.text.into(), content: Content::of_record(payload, &headers), time_ms };
    let header_bytes = headers.iter().map(|header| (header.key.len() + header.value.len()) as u64).sum();
    Ok((number, stored, header_bytes))
}
