//! Tables in the file of a history: a line a row, as the row lies on a disk, so that whoever reads the file reads the row
//! with the same decoders as whoever read the replica.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Rows, Sums, Table, Tables, hex, unhex};

/// A line of a file. The lines of a replica's tables follow that of the replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The tables begin, and this is known of all records.
    Sums(Sums),
    /// A table is that of the first replica, row by row.
    Same {
        /// Which.
        table: Table,
    },
    /// A row.
    Row {
        /// Its table.
        table: Table,
        /// Its key, in hexadecimal digits.
        key: String,
        /// Its value, in hexadecimal digits.
        value: String,
    },
}

impl Tables {
    /// The lines of these tables, in a file in which those of the first replica come before.
    pub fn lines<'a>(&'a self, first: Option<&'a Self>) -> impl Iterator<Item = Line> + 'a {
        let tables = Table::ALL.into_iter().flat_map(move |table| {
            let same = first.is_some_and(|first| self.shares(first, table));
            let rows = self.rows(table).iter().filter(move |_| !same);
            let rows = rows.map(move |(key, value)| Line::Row { table, key: hex(key), value: hex(value) });
            same.then_some(Line::Same { table }).into_iter().chain(rows)
        });
        std::iter::once(Line::Sums(self.sums().clone())).chain(tables)
    }
}

/// Tables, as their lines come.
#[derive(Debug, Default)]
pub struct Gathering {
    rows: BTreeMap<Table, Rows>,
    same: BTreeSet<Table>,
    sums: Option<Sums>,
}

impl Gathering {
    /// Takes the next line.
    pub fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Sums(sums) => self.sums = Some(sums),
            Line::Same { table } => {
                self.same.insert(table);
            }
            Line::Row { table, key, value } => {
                let (key, value) = unhex(&key).zip(unhex(&value)).ok_or("a row is not in hexadecimal digits")?;
                if !self.rows.entry(table).or_default().push(&key, &value) {
                    return Err("a row is not in the order of its keys".to_owned());
                }
            }
        }
        Ok(())
    }

    /// The tables of a replica that has some. The first replica of the file may be named by its lines.
    pub fn finish(self, first: Option<&Tables>) -> Option<Tables> {
        let mut tables = Tables::new(self.rows, self.sums?);
        if let Some(first) = first {
            tables.take_over(first, self.same);
        }
        Some(tables)
    }
}
