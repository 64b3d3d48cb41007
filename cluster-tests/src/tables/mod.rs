//! Every row of every table of a replica, read by decoders of the harness's own.
//!
//! - A replica is read from a checkpoint of its state that it published as a snapshot, so at one index and whole: nothing
//!   stands between the rows and whoever judges them, least of all the product's own reading.
//! - A layout is read as it is documented, and strictly. What is of an unknown kind or version, is cut, or is too long,
//!   is a row that can't be read: a violation, and no panic.
//! - Rows stay packed. Replicas share a table that is the same on all of them.
//!
//! | table | key | here |
//! |---|---|---|
//! | `records` | space, log, offset | in `LogDump`; bytes as their hash |
//! | `ids` | space, id | [`Tables::ids`] |
//! | `small` | a tag, and more | [`Small`] |

pub mod agreement;
mod checkpoint;
pub mod fingerprint;
mod id;
mod line;
mod outcome;
mod reader;
mod records;
mod rows;
mod small;
mod take;
#[cfg(test)]
mod tests;
mod values;

pub use checkpoint::Read;
pub use id::Id;
pub use line::{Gathering, Line};
pub use records::LogNumber;
pub use rows::{Difference, Iter, Rows};
pub use small::{OfReader, OfSpace, Small};
pub use take::{copy_of, copy_snapshot};
pub use values::{
    Bucket, Cell, DeletedLog, Due, Era, Globals, Head, Lock, LogId, Mark, Member, Membership, Position, Remembered,
    Space, Span, Value,
};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::oracle::Stored;

use reader::Reader;

/// A table of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Records of logs. Of these, only the rows that can't be read are kept as rows.
    Records,
    /// What became of ids.
    Ids,
    /// Everything else.
    Small,
    /// What a state must not hold: rows of no table that it has.
    Other,
}

impl Table {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Records, Self::Ids, Self::Small, Self::Other];

    /// The one with a name, as `RocksDB` has it.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|table| table.name() == name).unwrap_or(Self::Other)
    }

    /// Its name, as `RocksDB` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Ids => "ids",
            Self::Small => "small",
            Self::Other => "default",
        }
    }
}

/// The rows of a replica, but for records that can be read: those are in its logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    rows: BTreeMap<Table, Arc<Rows>>,
    small: Arc<Small>,
    sums: Arc<Sums>,
}

/// What is known of all records beside the records themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sums {
    /// How many rows the table of records has.
    pub count: u64,
    /// A hash over all of them: keys and values, byte for byte.
    pub hash: String,
    /// Where records have headers, and how many bytes these have: by space and log, offset and bytes.
    pub headers: Vec<(LogNumber, u64, u64)>,
    /// Logs that have records, and no head.
    pub strays: Vec<(LogNumber, Vec<Stored>)>,
}

/// A row that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken<'a> {
    /// Its table.
    pub table: Table,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// Why.
    pub why: String,
}

impl Tables {
    /// The tables with these rows, of which the small ones are read now.
    pub fn new(rows: BTreeMap<Table, Rows>, sums: Sums) -> Self {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|(table, rows)| (table, Arc::new(rows))).collect();
        let mut tables = Self { rows, small: Arc::default(), sums: Arc::new(sums) };
        tables.small = Arc::new(Small::read(tables.rows(Table::Small), &mut |_, _| ()));
        tables
    }

    /// Tables of which only the small one has rows, read already.
    #[cfg(test)]
    pub fn holding(small: Small) -> Self {
        Self { small: Arc::new(small), ..Self::default() }
    }

    /// The rows of a table that are kept as rows.
    pub fn rows(&self, table: Table) -> &Rows {
        static NONE: Rows = Rows::NONE;
        self.rows.get(&table).map_or(&NONE, |rows| rows)
    }

    /// Everything but records and ids.
    pub fn small(&self) -> &Small {
        &self.small
    }

    /// What is known of all records.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// All ids that can be read, in the order of their keys: the number of the space, the id, and what is remembered.
    pub fn ids(&self) -> impl Iterator<Item = (u32, Id, Remembered)> {
        self.rows(Table::Ids).iter().filter_map(|(key, value)| read_id(key, value).ok())
    }

    /// What a space remembers of an id.
    pub fn id(&self, space: u32, id: &Id) -> Option<Remembered> {
        let key = [&space.to_be_bytes()[..], &id.key()].concat();
        values::remembered(self.rows(Table::Ids).get(&key)?).ok()
    }

    /// The rows that can't be read, and those that should not be there.
    pub fn broken(&self) -> Vec<Broken<'_>> {
        let mut broken = Vec::new();
        for table in Table::ALL {
            for (key, value) in self.rows(table) {
                if let Err(why) = check(table, key, value) {
                    broken.push(Broken { table, key, value, why });
                }
            }
        }
        broken
    }

    /// What is the same in the other is held once from now on.
    pub fn share(&mut self, other: &Self) {
        for (table, rows) in &mut self.rows {
            if let Some(same) = other.rows.get(table).filter(|theirs| *theirs == rows) {
                *rows = Arc::clone(same);
            }
        }
        if self.small == other.small {
            self.small = Arc::clone(&other.small);
        }
        if self.sums == other.sums {
            self.sums = Arc::clone(&other.sums);
        }
    }

    /// Has these tables of the other instead of its own.
    fn take_over(&mut self, other: &Self, tables: impl IntoIterator<Item = Table>) {
        for table in tables {
            if let Some(rows) = other.rows.get(&table) {
                self.rows.insert(table, Arc::clone(rows));
            }
        }
        self.small = Arc::new(Small::read(self.rows(Table::Small), &mut |_, _| ()));
        self.share(other);
    }

    /// Whether a table is held once for both.
    pub fn shares(&self, other: &Self, table: Table) -> bool {
        match (self.rows.get(&table), other.rows.get(&table)) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }
}

/// What a row says, in words for people.
pub fn describe(table: Table, key: &[u8], value: &[u8]) -> String {
    match table {
        Table::Records => match records::read(key, value) {
            Ok((_, stored, _)) => format!("{stored:?}"),
            Err(why) => format!("a row that can't be read ({why})"),
        },
        Table::Ids => match read_id(key, value) {
            Ok((space, id, remembered)) => format!("id {id} of space {space}: {remembered:?}"),
            Err(why) => format!("a row that can't be read ({why})"),
        },
        Table::Small => Small::describe(key, value),
        Table::Other => "a row that should not be there".to_owned(),
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("text takes all that is written");
        digits
    })
}

/// Hexadecimal digits as bytes.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?, 16).ok()).collect()
}

fn check(table: Table, key: &[u8], value: &[u8]) -> Result<(), String> {
    match table {
        Table::Records => records::read(key, value).map(drop),
        Table::Ids => read_id(key, value).map(drop),
        Table::Small => {
            let mut found = Ok(());
            let mut rows = Rows::default();
            rows.push(key, value);
            Small::read(&rows, &mut |_, why| found = Err(why));
            found
        }
        Table::Other => Err("a state has no such rows".to_owned()),
    }
}

fn read_id(key: &[u8], value: &[u8]) -> Result<(u32, Id, Remembered), String> {
    let mut reader = Reader::new(key);
    let space = reader.fixed_u32()?;
    Ok((space, Id::read_key(&mut reader)?, values::remembered(value)?))
}
