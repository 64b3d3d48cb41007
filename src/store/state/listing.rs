//! Lists what a space holds: page after page, each in the order of its keys.
//!
//! - A page goes on behind the last row of the one before it, whatever happened in between.
//! - A page is bounded by a count and by bytes.

use bytes::Bytes;

use super::error::Error;
use super::generation::ReadRow;
use super::view::View;
use super::{keys, rows};
use crate::machine::{LogHead, Space};
use crate::types::codec::DecodeError;
use crate::types::limits::PAGE_BYTES_MAX;
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{
    CellKey, KeyedCell, LockName, LogName, LogTime, NamedLock, ReaderName, ReaderPosition, SpaceDescription, SpaceName,
    SpacePolicy,
};

/// Some of what there is, and whether more follows.
type Listed<T> = (Vec<T>, bool);

/// Some rows: those whose keys begin with a prefix and come after another key, at most so many.
struct Wanted<'a> {
    prefix: &'a [u8],
    after: Option<Vec<u8>>,
    limit: usize,
}

impl View {
    /// The logs of a space in the order of their names, at most `limit` from the one after `after` on, and whether there
    /// are more. A space that does not exist has none.
    pub fn logs(
        &self,
        space: &SpaceName,
        after: Option<&LogName>,
        limit: usize,
    ) -> Result<Listed<(LogName, LogHead)>, Error> {
        let Some(space) = self.space(space)? else { return Ok((Vec::new(), false)) };
        let number = space.number;
        let after = after.map(|after| keys::log(number, after));
        let wanted = Wanted { prefix: &keys::logs(number), after, limit };
        self.list(self.generation().database(), wanted, |key, value| {
            let Some(name) = keys::log_name(number, key) else { return Ok(None) };
            Ok(Some((name, rows::read_log(value)?)))
        })
    }

    /// The cells whose keys begin with `prefix` and come after `after`, in the order of their keys.
    pub fn cells(
        &self,
        space: &SpaceName,
        after: Option<&CellKey>,
        prefix: &str,
        limit: usize,
    ) -> Result<Listed<KeyedCell>, Error> {
        let Some(space) = self.space(space)? else { return Ok((Vec::new(), false)) };
        let number = space.number;
        let prefix = [&keys::cells(number)[..], prefix.as_bytes()].concat();
        let after = after.map(|after| keys::cell(number, after));
        let wanted = Wanted { prefix: &prefix, after, limit };
        self.list(self.generation().database(), wanted, |key, value| {
            let Some(key) = keys::cell_key(number, key) else { return Ok(None) };
            Ok(Some(KeyedCell { key, cell: rows::read_cell(value)? }))
        })
    }

    /// The positions of one reader or of all, that come after a reader and a log, in the order of these.
    pub fn positions(
        &self,
        space: &SpaceName,
        after: Option<(&ReaderName, &LogName)>,
        reader: Option<&ReaderName>,
        limit: usize,
    ) -> Result<Listed<ReaderPosition>, Error> {
        let Some(space) = self.space(space)? else { return Ok((Vec::new(), false)) };
        let number = space.number;
        // Of one moment: no reader is past the end of its log.
        let moment = self.generation().database().snapshot();
        let prefix = match reader {
            None => keys::positions(number).to_vec(),
            Some(reader) => keys::positions_of(number, reader),
        };
        let after = after.map(|(reader, log)| keys::position(number, reader, log));
        let wanted = Wanted { prefix: &prefix, after, limit };
        let (found, more) = self.list(&moment, wanted, |key, value| {
            let Some((reader, log)) = keys::position_of(number, key) else { return Ok(None) };
            Ok(Some((reader, log, rows::read_position(value)?)))
        })?;
        let with_end = |(reader, log, position)| {
            let end = self.generation().log_end(&moment, number, &log)?;
            Ok(ReaderPosition { reader, log, position, end })
        };
        Ok((found.into_iter().map(with_end).collect::<Result<_, Error>>()?, more))
    }

    /// The locks that are held, whose names begin with `prefix` and come after `after`, in the order of their names.
    pub fn locks(
        &self,
        space: &SpaceName,
        after: Option<&LockName>,
        prefix: &str,
        limit: usize,
    ) -> Result<Listed<NamedLock>, Error> {
        let Some(space) = self.space(space)? else { return Ok((Vec::new(), false)) };
        let number = space.number;
        // Of one moment with the clock that says which of them are held.
        let moment = self.generation().database().snapshot();
        let clock = self.generation().globals(&moment)?.clock;
        let prefix = [&keys::locks(number)[..], prefix.as_bytes()].concat();
        let mut after = after.map(|after| keys::lock(number, after));
        let mut held: Vec<NamedLock> = Vec::new();
        // Rows of locks that have expired may not be gone yet.
        loop {
            let wanted = Wanted { prefix: &prefix, after, limit: limit - held.len() };
            let (found, more) = self.list(&moment, wanted, |key, value| {
                let Some(name) = keys::lock_name(number, key) else { return Ok(None) };
                Ok(Some(NamedLock { name, lock: rows::read_lock(value)? }))
            })?;
            after = found.last().map(|last| keys::lock(number, &last.name));
            held.extend(found.into_iter().filter(|named| clock < named.lock.expires));
            if !more || held.len() == limit {
                return Ok((held, more));
            }
        }
    }

    /// A space as readers see it.
    pub fn space_description(&self, name: &SpaceName) -> Result<Option<SpaceDescription>, Error> {
        self.check()?;
        let moment = self.generation().database().snapshot();
        let clock = self.generation().globals(&moment)?.clock;
        Ok(self.generation().space(&moment, name)?.map(|space| description(name.clone(), &space, clock)))
    }

    /// The spaces whose names come after `after`, without the reserved one, in the order of their names.
    pub fn spaces(&self, after: Option<&SpaceName>, limit: usize) -> Result<Listed<SpaceDescription>, Error> {
        self.check()?;
        let moment = self.generation().database().snapshot();
        let clock = self.generation().globals(&moment)?.clock;
        // One more, for the reserved one may be among them.
        let wanted = Wanted { prefix: &keys::SPACES, after: after.map(keys::space), limit: limit.saturating_add(1) };
        let (mut spaces, mut more) = self.list(&moment, wanted, |key, value| {
            let Some(name) = keys::space_name(key) else { return Ok(None) };
            Ok(Some(description(name, &rows::read_space(value)?, clock)))
        })?;
        spaces.retain(|space| space.name != SpaceName::system());
        more |= spaces.len() > limit;
        spaces.truncate(limit);
        Ok((spaces, more))
    }

    /// Reads rows with their keys; at least one if there is any and the limit lets it.
    fn list<T>(
        &self,
        from: &impl ReadRow,
        wanted: Wanted<'_>,
        read: impl Fn(&[u8], Bytes) -> Result<Option<T>, DecodeError>,
    ) -> Result<Listed<T>, Error> {
        let Wanted { prefix, after, limit } = wanted;
        let after = after.map(|after| [&after[..], &[0]].concat());
        // Whoever reads page after page never sees it.
        let skipped = usize::from(after.is_some() && seeded(Bug::ListSkipsRow));
        let first = after.filter(|after| after.as_slice() > prefix).unwrap_or_else(|| prefix.to_vec());
        let (mut found, mut bytes) = (Vec::new(), 0);
        for row in self.generation().scan(from, prefix, &first).skip(skipped) {
            let (key, value) = row?;
            if found.len() == limit || bytes > PAGE_BYTES_MAX {
                return Ok((found, true));
            }
            bytes += key.len() + value.len();
            let place = || format!("row under key {}", key.escape_ascii());
            let item = read(&key, value).map_err(Error::undecodable(place()))?;
            found.push(item.ok_or_else(|| Error::corrupt(place(), "the key is of no such row"))?);
        }
        Ok((found, false))
    }
}

fn description(name: SpaceName, space: &Space, clock: LogTime) -> SpaceDescription {
    SpaceDescription {
        name,
        policy: SpacePolicy { memory: space.memory, logs: space.logs },
        floor: space.floor,
        clock,
        ids: space.ids,
        id_bytes: space.id_bytes,
        last_sequence: space.last_sequence,
    }
}
