//! The beginning of the index of what is due, in memory.
//!
//! - It is what is on disk: it changes after a write, with it.
//! - What is due first is always known, and as long as the index is short no disk is asked about it at all. A search from
//!   its beginning on disk would pass over all that was due once, and locks come and go by the thousand.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::generation::Generation;
use super::keys;
use crate::machine::Due;
use crate::types::LogTime;
use crate::types::limits::HOT_DUE_MAX;

/// The first rows of the index.
#[derive(Debug)]
pub(super) struct DueFirst {
    rows: BTreeSet<(LogTime, Due)>,
    /// Rows whose keys are this or greater are on disk alone; none: there is no such row.
    rest: Option<Vec<u8>>,
}

impl DueFirst {
    /// Reads the beginning.
    pub(super) fn read(generation: &Generation) -> Result<Self, Error> {
        let mut first = Self { rows: BTreeSet::new(), rest: Some(keys::ALL_DUE.into()) };
        first.settle(generation)?;
        Ok(first)
    }

    /// When something is due first.
    pub(super) fn time(&self) -> Option<LogTime> {
        self.rows.first().map(|(at, _)| *at)
    }

    /// The first `limit` things that are due by `until`.
    pub(super) fn due_by(
        &mut self,
        generation: &Generation,
        until: LogTime,
        limit: usize,
    ) -> Result<Vec<(LogTime, Due)>, Error> {
        let by_until = keys::due_from(until);
        while self.rows.len() < limit
            && let Some(rest) = &self.rest
            && rest.get(..by_until.len()).is_none_or(|at| at <= by_until.as_slice())
        {
            self.read_on(generation)?;
        }
        Ok(self.rows.iter().take_while(|(at, _)| *at <= until).take(limit).cloned().collect())
    }

    /// Takes in what was written: whether something is due at a time, or no longer is.
    pub(super) fn take(
        &mut self,
        generation: &Generation,
        changes: &BTreeMap<(LogTime, Due), bool>,
    ) -> Result<(), Error> {
        for (row, is) in changes {
            let is_here = self.rest.as_ref().is_none_or(|rest| keys::due(row.0, &row.1) < *rest);
            if is_here && *is {
                self.rows.insert(row.clone());
            } else if is_here {
                self.rows.remove(row);
            }
        }
        self.settle(generation)
    }

    /// Keeps something while there is anything, and not too much.
    fn settle(&mut self, generation: &Generation) -> Result<(), Error> {
        while self.rows.is_empty() && self.rest.is_some() {
            self.read_on(generation)?;
        }
        while self.rows.len() > HOT_DUE_MAX
            && let Some((at, due)) = self.rows.pop_last()
        {
            self.rest = Some(keys::due(at, &due));
        }
        Ok(())
    }

    fn read_on(&mut self, generation: &Generation) -> Result<(), Error> {
        let Some(rest) = self.rest.take() else { return Ok(()) };
        let found = generation.due(&rest, HOT_DUE_MAX / 2)?;
        if found.len() == HOT_DUE_MAX / 2 {
            self.rest = found.last().map(|(at, due)| [&keys::due(*at, due)[..], &[0]].concat());
        }
        self.rows.extend(found);
        Ok(())
    }
}
