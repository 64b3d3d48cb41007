//! The table of everything but records and ids, read: what its keys and values say.
//!
//! The keys are those of the table in the product's `store/state/keys.rs`. A row that can't be read is left out here and is
//! named by [`Small::read`], so that whoever judges knows it.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Read, Reader, any_name, check_time, name};
use super::rows::Rows;
use super::values::{self, Bucket, Cell, DeletedLog, Due, Globals, Head, Lock, LogId, Membership, Position, Space};

/// Names of logs and more, by the number of their space.
pub type OfSpace<T> = BTreeMap<(u32, String), T>;
/// What readers have, by the number of their space, reader and log.
pub type OfReader<T> = BTreeMap<(u32, String, String), T>;

/// Everything but records and ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Small {
    /// What holds for all spaces.
    pub globals: Option<Globals>,
    /// The last entry applied, if the row is there: none before the first.
    pub applied: Option<Option<LogId>>,
    /// Who is in the cluster.
    pub membership: Option<Membership>,
    /// The digest after the last entry, in hexadecimal digits.
    pub digest: Option<String>,
    /// The remembered digests, by their index.
    pub digests: BTreeMap<u64, String>,
    /// The spaces by name.
    pub spaces: BTreeMap<String, Space>,
    /// The logs.
    pub logs: OfSpace<Head>,
    /// The cells.
    pub cells: OfSpace<Cell>,
    /// Where readers are.
    pub positions: OfReader<Position>,
    /// The locks, expired or not.
    pub locks: OfSpace<Lock>,
    /// The buckets, by space and first birth.
    pub buckets: BTreeMap<(u32, u64), Bucket>,
    /// What is due, and when.
    pub due: BTreeSet<(u64, Due)>,
    /// What stays of logs.
    pub deleted_logs: OfSpace<DeletedLog>,
    /// What stays of positions: their versions.
    pub deleted_positions: OfReader<u64>,
    /// What stays of spaces: when they were deleted.
    pub deleted_spaces: BTreeMap<String, u64>,
}

impl Small {
    /// Reads all rows. Says of each that can't be read its key and why.
    pub fn read(rows: &Rows, broken: &mut dyn FnMut(&[u8], String)) -> Self {
        let mut small = Self::default();
        for (key, value) in rows {
            if let Err(why) = small.take(key, value) {
                broken(key, why);
            }
        }
        small
    }

    /// What a row says, in words for people.
    pub fn describe(key: &[u8], value: &[u8]) -> String {
        let mut small = Self::default();
        if let Err(why) = small.take(key, value) {
            return format!("a row that can't be read ({why})");
        }
        let said = [
            small.globals.map(|it| format!("{it:?}")),
            small.applied.map(|it| format!("applied {it:?}")),
            small.membership.map(|it| format!("{it:?}")),
            small.digest.map(|it| format!("digest {it}")),
            first(&small.digests),
            first(&small.spaces),
            first(&small.logs),
            first(&small.cells),
            first(&small.positions),
            first(&small.locks),
            first(&small.buckets),
            small.due.first().map(|it| format!("due {it:?}")),
            first(&small.deleted_logs).map(|it| format!("deleted log {it}")),
            first(&small.deleted_positions).map(|it| format!("deleted position {it}")),
            first(&small.deleted_spaces).map(|it| format!("deleted space {it}")),
        ];
        said.into_iter().flatten().next().unwrap_or_default()
    }

    /// The name of a space with this number.
    pub fn space_of(&self, number: u32) -> Option<(&str, &Space)> {
        self.spaces.iter().find(|(_, space)| space.number == number).map(|(name, space)| (name.as_str(), space))
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Read<()> {
        let mut reader = Reader::new(key);
        let tag = reader.byte()?;
        match tag {
            0x01..=0x04 => {
                reader.finish()?;
                return self.take_one(tag, value);
            }
            0x05 => {
                let index = reader.fixed_u64()?;
                reader.finish()?;
                self.digests.insert(index, values::digest(value)?);
            }
            0x06 => {
                self.spaces.insert(name(reader.rest())?, values::space(value)?);
            }
            0x0c => {
                let at = check_time(reader.fixed_u64()?)?;
                let due = due(&mut reader)?;
                values::nothing(value)?;
                self.due.insert((at, due));
            }
            0x0f => {
                self.deleted_spaces.insert(name(reader.rest())?, values::deleted_space(value)?);
            }
            0x07..=0x0b | 0x0d | 0x0e => {
                let space = reader.fixed_u32()?;
                return self.take_of_space(tag, space, reader.rest(), value);
            }
            found => return Err(format!("{found:#04x} is no tag of a row")),
        }
        Ok(())
    }

    fn take_one(&mut self, tag: u8, value: &[u8]) -> Read<()> {
        match tag {
            0x01 => self.globals = Some(values::globals(value)?),
            0x02 => self.applied = Some(values::applied(value)?),
            0x03 => self.membership = Some(values::membership(value)?),
            _ => self.digest = Some(values::digest(value)?),
        }
        Ok(())
    }

    fn take_of_space(&mut self, tag: u8, space: u32, rest: &[u8], value: &[u8]) -> Read<()> {
        match tag {
            0x07 => {
                self.logs.insert((space, name(rest)?), values::head(value)?);
            }
            0x08 => {
                self.cells.insert((space, any_name(rest)?), values::cell(value)?);
            }
            0x09 => {
                let (reader, log) = reader_and_log(rest)?;
                self.positions.insert((space, reader, log), values::position(value)?);
            }
            0x0a => {
                self.locks.insert((space, any_name(rest)?), values::lock(value)?);
            }
            0x0b => {
                let mut reader = Reader::new(rest);
                let start = check_time(reader.fixed_u64()?)?;
                reader.finish()?;
                self.buckets.insert((space, start), values::bucket(value)?);
            }
            0x0d => {
                self.deleted_logs.insert((space, name(rest)?), values::deleted_log(value)?);
            }
            _ => {
                let (reader, log) = reader_and_log(rest)?;
                self.deleted_positions.insert((space, reader, log), values::deleted_position(value)?);
            }
        }
        Ok(())
    }
}

fn first<K: std::fmt::Debug + Ord, V: std::fmt::Debug>(rows: &BTreeMap<K, V>) -> Option<String> {
    rows.first_key_value().map(|(key, value)| format!("{key:?}: {value:?}"))
}

fn due(reader: &mut Reader<'_>) -> Read<Due> {
    match reader.byte()? {
        0 => Ok(Due::Floor(name(reader.rest())?)),
        1 => Ok(Due::Lock(reader.fixed_u32()?, any_name(reader.rest())?)),
        2 => Ok(Due::Log(reader.fixed_u32()?, name(reader.rest())?)),
        found => Err(format!("{found} is no kind of what is due")),
    }
}

/// A reader, in which `0xff` follows each `0x00`, then `0x00 0x01`, then a log.
fn reader_and_log(mut rest: &[u8]) -> Read<(String, String)> {
    let mut reader = Vec::new();
    loop {
        match rest {
            [0, 1, log @ ..] => return Ok((any_name(&reader)?, name(log)?)),
            [0, 0xff, after @ ..] => {
                reader.push(0);
                rest = after;
            }
            [0, ..] | [] => return Err("the name of a reader does not end".to_owned()),
            [byte, after @ ..] => {
                reader.push(*byte);
                rest = after;
            }
        }
    }
}
