//! What the rows of a state say, and how their values are read.
//!
//! The layouts are those of the tables in the product's `store/state/rows` and `store/entry.rs`. Times are in milliseconds
//! since 1970.

use std::collections::{BTreeMap, BTreeSet};

use super::id::Id;
use super::outcome;
use super::reader::{Read, Reader, any_name};
use crate::proto::Outcome;

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Whole seconds.
    pub seconds: u64,
    /// The rest.
    pub nanoseconds: u32,
}

impl Span {
    /// In whole milliseconds, or as many as there can be.
    pub fn ms(self) -> u64 {
        self.seconds.saturating_mul(1_000).saturating_add(u64::from(self.nanoseconds / 1_000_000))
    }
}

/// What holds for all spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Globals {
    /// The cluster's history.
    pub history: u64,
    /// The greatest stamp seen.
    pub clock: u64,
    /// The machine version in force.
    pub version: u32,
    /// The number that the next space gets.
    pub next_space: u32,
}

/// The name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogId {
    /// Its term.
    pub term: u64,
    /// The node that led then.
    pub node: u64,
    /// Its index.
    pub index: u64,
}

/// Who is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The entry that it came with.
    pub log_id: Option<LogId>,
    /// The voters: two sets while they change.
    pub configs: Vec<BTreeSet<u64>>,
    /// The members.
    pub members: BTreeMap<u64, Member>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where peers reach it.
    pub peer_address: String,
    /// Where clients reach it.
    pub client_address: String,
    /// Which life of its data this is.
    pub incarnation: [u8; 16],
    /// Its history.
    pub history: u64,
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its number.
    pub number: u32,
    /// How long it remembers ids; none: for ever.
    pub memory: Option<Span>,
    /// Whether its logs are made by commands of their own.
    pub explicit: bool,
    /// The time below which it has forgotten.
    pub floor: u64,
    /// The birth below which an unknown id is too old since its memory changed.
    pub closed: u64,
    /// How births are gathered in buckets, oldest first.
    pub eras: Vec<Era>,
    /// When its oldest bucket can go.
    pub due: Option<u64>,
    /// How many ids it remembers.
    pub ids: u64,
    /// About how many bytes they take.
    pub id_bytes: u64,
    /// The sequence of its latest outcome.
    pub last_sequence: u64,
    /// The number that its next log gets.
    pub next_log: u64,
}

/// How births are gathered from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// The first birth of it.
    pub from: u64,
    /// How much time a bucket covers.
    pub width: Span,
}

/// Ids that were born in one piece of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The first birth after it.
    pub end: u64,
    /// How many ids.
    pub ids: u64,
    /// About how many bytes they take.
    pub bytes: u64,
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// The first offset that is there.
    pub start: u64,
    /// The offset that the next record gets.
    pub end: u64,
    /// Bytes of all records that it ever had.
    pub bytes_ever: u64,
    /// When it was made.
    pub created: u64,
    /// When it was appended to last.
    pub last: u64,
    /// For how long its records are kept.
    pub age: Option<Span>,
    /// How many bytes of them.
    pub bytes: Option<u64>,
    /// How many of them.
    pub records: Option<u64>,
    /// When a piece is to go.
    pub due: Option<u64>,
    /// Where its pieces begin.
    pub marks: Vec<Mark>,
}

/// Where a piece of a log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its first record.
    pub first: u64,
    /// Bytes of all records before it.
    pub bytes_before: u64,
    /// The time of its first record.
    pub opened: u64,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes.
    Bytes(Vec<u8>),
    /// A number.
    Integer(i64),
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it holds.
    pub value: Value,
    /// The sequence of the command that made it so.
    pub version: u64,
    /// When that was.
    pub time: u64,
}

/// Where a reader is in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The first offset that it has not done.
    pub offset: u64,
    /// The sequence of the command that moved it.
    pub version: u64,
    /// When that was.
    pub time: u64,
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Who holds it.
    pub holder: String,
    /// History and sequence of the command that took it.
    pub token: (u64, u64),
    /// When it expires.
    pub expires: u64,
}

/// What time does something to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A space can forget its oldest bucket.
    Floor(String),
    /// A lock of a space expires.
    Lock(u32, String),
    /// A piece of a log of a space is to go.
    Log(u32, String),
}

/// What stays of a log that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedLog {
    /// Its number.
    pub number: u64,
    /// Where it ended.
    pub end: u64,
    /// When it was deleted.
    pub at: u64,
}

/// What a space knows of an id.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// The version and the hash of the command that decided it; a tombstone has none.
    pub fingerprint: Option<(u8, [u8; 16])>,
    /// The id of the command that has undone it.
    pub compensated_by: Option<Id>,
    /// What became of it, as clients are told.
    pub outcome: Outcome,
    /// How many bytes the outcome takes, which is counted.
    pub outcome_bytes: usize,
}

pub(super) fn remembered(value: &[u8]) -> Read<Remembered> {
    let mut reader = Reader::version_one(value)?;
    let fingerprint = reader.option(|reader| match reader.byte()? {
        1 => Ok((1, reader.array()?)),
        found => Err(format!("{found} is no version of fingerprints")),
    })?;
    let compensated_by = reader.option(Id::read)?;
    let rest = reader.rest();
    Ok(Remembered { fingerprint, compensated_by, outcome: outcome::read(rest)?, outcome_bytes: rest.len() })
}

pub(super) fn globals(value: &[u8]) -> Read<Globals> {
    let mut reader = Reader::version_one(value)?;
    let (history, clock) = (reader.varint()?, reader.time()?);
    let (version, next_space) = (outcome::version(&mut reader)?, reader.varint_u32()?);
    reader.finish()?;
    Ok(Globals { history, clock, version, next_space })
}

/// A digest as nodes say it.
pub(super) fn digest(value: &[u8]) -> Read<String> {
    let mut reader = Reader::version_one(value)?;
    let digest = reader.array::<16>()?;
    reader.finish()?;
    Ok(super::hex(&digest))
}

pub(super) fn applied(value: &[u8]) -> Read<Option<LogId>> {
    let mut reader = Reader::version_one(value)?;
    let log_id = reader.option(log_id)?;
    reader.finish()?;
    Ok(log_id)
}

fn log_id(reader: &mut Reader<'_>) -> Read<LogId> {
    Ok(LogId { term: reader.varint()?, node: reader.varint()?, index: reader.varint()? })
}

pub(super) fn membership(value: &[u8]) -> Read<Membership> {
    let mut reader = Reader::version_one(value)?;
    let log_id = reader.option(log_id)?;
    let configs = reader.list(|reader| {
        let voters = reader.list(Reader::varint)?;
        let set: BTreeSet<u64> = voters.iter().copied().collect();
        if set.iter().eq(&voters) { Ok(set) } else { Err("voters are not in order".to_owned()) }
    })?;
    let members = reader.list(|reader| {
        let node = reader.varint()?;
        let (peer_address, client_address) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let (incarnation, history) = (reader.array()?, reader.varint()?);
        Ok((node, Member { peer_address, client_address, incarnation, history }))
    })?;
    if !members.is_sorted_by(|(before, _), (after, _)| before < after) {
        return Err("members are not in order".to_owned());
    }
    reader.finish()?;
    Ok(Membership { log_id, configs, members: members.into_iter().collect() })
}

pub(super) fn space(value: &[u8]) -> Read<Space> {
    let mut reader = Reader::version_one(value)?;
    let space = Space {
        number: reader.varint_u32()?,
        memory: reader.option(Reader::span)?,
        explicit: reader.flag()?,
        floor: reader.time()?,
        closed: reader.time()?,
        eras: reader.list(|reader| Ok(Era { from: reader.time()?, width: reader.span()? }))?,
        due: reader.option(Reader::time)?,
        ids: reader.varint()?,
        id_bytes: reader.varint()?,
        last_sequence: reader.varint()?,
        next_log: reader.varint()?,
    };
    reader.finish()?;
    if space.eras.is_sorted_by(|before, after| before.from < after.from) {
        Ok(space)
    } else {
        Err("eras are not in order".to_owned())
    }
}

pub(super) fn bucket(value: &[u8]) -> Read<Bucket> {
    let mut reader = Reader::version_one(value)?;
    let bucket = Bucket { end: reader.time()?, ids: reader.varint()?, bytes: reader.varint()? };
    reader.finish()?;
    Ok(bucket)
}

pub(super) fn head(value: &[u8]) -> Read<Head> {
    let mut reader = Reader::version_one(value)?;
    let mut before = Mark { first: 0, bytes_before: 0, opened: 0 };
    let mark = |reader: &mut Reader<'_>| {
        let mut more = |than: u64| than.checked_add(reader.varint()?).ok_or("marks have more than 64 bits".to_owned());
        before = Mark {
            first: more(before.first)?,
            bytes_before: more(before.bytes_before)?,
            opened: super::reader::check_time(more(before.opened)?)?,
        };
        Ok(before)
    };
    let head = Head {
        number: reader.varint()?,
        start: reader.varint()?,
        end: reader.varint()?,
        bytes_ever: reader.varint()?,
        created: reader.time()?,
        last: reader.time()?,
        age: reader.option(Reader::span)?,
        bytes: reader.option(Reader::varint)?,
        records: reader.option(Reader::varint)?,
        due: reader.option(Reader::time)?,
        marks: reader.list(mark)?,
    };
    reader.finish()?;
    Ok(head)
}

pub(super) fn cell(value: &[u8]) -> Read<Cell> {
    let mut reader = Reader::version_one(value)?;
    let (version, time) = (reader.varint()?, reader.time()?);
    let value = match reader.byte()? {
        0 => Value::Bytes(reader.rest().to_vec()),
        1 => {
            let integer = i64::from_be_bytes(reader.array()?);
            reader.finish()?;
            Value::Integer(integer)
        }
        found => return Err(format!("{found} is no kind of cell")),
    };
    Ok(Cell { value, version, time })
}

pub(super) fn position(value: &[u8]) -> Read<Position> {
    let mut reader = Reader::version_one(value)?;
    let position = Position { offset: reader.varint()?, version: reader.varint()?, time: reader.time()? };
    reader.finish()?;
    Ok(position)
}

pub(super) fn lock(value: &[u8]) -> Read<Lock> {
    let mut reader = Reader::version_one(value)?;
    let holder = any_name(reader.bytes()?)?;
    let lock = Lock { holder, token: (reader.varint()?, reader.varint()?), expires: reader.time()? };
    reader.finish()?;
    Ok(lock)
}

pub(super) fn nothing(value: &[u8]) -> Read<()> {
    Reader::version_one(value)?.finish()
}

pub(super) fn deleted_log(value: &[u8]) -> Read<DeletedLog> {
    let mut reader = Reader::version_one(value)?;
    let deleted = DeletedLog { number: reader.varint()?, end: reader.varint()?, at: reader.time()? };
    reader.finish()?;
    Ok(deleted)
}

pub(super) fn deleted_position(value: &[u8]) -> Read<u64> {
    let mut reader = Reader::version_one(value)?;
    let version = reader.varint()?;
    reader.finish()?;
    Ok(version)
}

pub(super) fn deleted_space(value: &[u8]) -> Read<u64> {
    let mut reader = Reader::version_one(value)?;
    let at = reader.time()?;
    reader.finish()?;
    Ok(at)
}
