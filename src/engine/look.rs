//! Looking at what a space holds beside its logs, and at spaces themselves.
//!
//! - Whether a lock is held, the space's clock says: the greatest stamp applied, never a clock of this node.
//! - A page ends near a bound of bytes, too, and no more than a few values are read past it.

use tokio::time::Instant;

use crate::store::state::{self, View};
use crate::types::limits::PAGE_BYTES_MAX;
use crate::types::{
    Cell, CellKey, Consistency, Duplicates, KeyedCell, Lock, LockName, LockReading, LogName, LogTime, NamedLock,
    ReaderName, ReaderPosition, SpaceDescription, SpaceName,
};

use super::Engine;
use super::error::Error;
use super::read::Seen;

/// How many cells are read before their bytes are looked at: each may be as long as a page.
const CELLS_A_LOOK: usize = 16;

impl Engine {
    /// A cell, if it is there. Nothing found: there is no such space.
    pub async fn cell(
        &self,
        space: SpaceName,
        key: CellKey,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<Option<Cell>>, Error> {
        self.look(space, consistency, deadline, move |view, space| view.cell(space, &key)).await
    }

    /// Cells by key whose keys begin with `prefix`, and whether more follow. Nothing found: there is no such space.
    pub async fn cells(
        &self,
        space: SpaceName,
        after: Option<CellKey>,
        prefix: String,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<(Vec<KeyedCell>, bool)>, Error> {
        self.look(space, consistency, deadline, move |view, space| {
            page(limit, after, |after, limit| view.cells(space, after, &prefix, limit))
        })
        .await
    }

    /// A reader's position in a log. Nothing found: there is no such space.
    pub async fn position(
        &self,
        space: SpaceName,
        reader: ReaderName,
        log: LogName,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<ReaderPosition>, Error> {
        self.look(space, consistency, deadline, move |view, space| reader_position(view, space, reader, log)).await
    }

    /// Positions by reader and log, all or one reader's, and whether more follow. Nothing found: there is no such space.
    pub async fn positions(
        &self,
        space: SpaceName,
        after: Option<(ReaderName, LogName)>,
        reader: Option<ReaderName>,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<(Vec<ReaderPosition>, bool)>, Error> {
        self.look(space, consistency, deadline, move |view, space| {
            view.positions(space, after.as_ref().map(|(reader, log)| (reader, log)), reader.as_ref(), limit)
        })
        .await
    }

    /// A lock, if it is held. Nothing found: there is no such space.
    pub async fn lock(
        &self,
        space: SpaceName,
        name: LockName,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<LockReading>, Error> {
        self.look(space, consistency, deadline, move |view, space| {
            Ok(LockReading { lock: held(view, space, &name)?, clock: view.globals().clock })
        })
        .await
    }

    /// Locks that are held, by name, whether more follow, and the space's clock. Nothing found: there is no such space.
    pub async fn locks(
        &self,
        space: SpaceName,
        after: Option<LockName>,
        prefix: String,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<(Vec<NamedLock>, bool, LogTime)>, Error> {
        self.look(space, consistency, deadline, move |view, space| {
            let (locks, more) = view.locks(space, after.as_ref(), &prefix, limit)?;
            Ok((locks, more, view.globals().clock))
        })
        .await
    }

    /// A space. Nothing found: there is no such space.
    pub async fn space(
        &self,
        space: SpaceName,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<SpaceDescription>, Error> {
        self.read(consistency, deadline, move |view| view.space_description(&space)).await
    }

    /// Spaces by name, and whether more follow.
    pub async fn spaces(
        &self,
        after: Option<SpaceName>,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Seen<(Vec<SpaceDescription>, bool)>, Error> {
        self.read(consistency, deadline, move |view| view.spaces(after.as_ref(), limit).map(Some)).await
    }

    /// How old duplicates were when they arrived at this node.
    pub fn duplicates(&self, space: &SpaceName) -> Duplicates {
        Duplicates { node: self.raft().local().node_id(), ages: self.inner.duplicates.of(space) }
    }

    /// Reads something of a space, if that is there.
    async fn look<T: Send + 'static>(
        &self,
        space: SpaceName,
        consistency: Consistency,
        deadline: Instant,
        look: impl FnOnce(&View, &SpaceName) -> Result<T, state::Error> + Send + 'static,
    ) -> Result<Seen<T>, Error> {
        self.read(consistency, deadline, move |view| {
            let seen = look(view, &space)?;
            // After what was read: a space that was deleted meanwhile was never empty.
            Ok(view.space(&space)?.map(|_| seen))
        })
        .await
    }
}

/// A lock, if somebody holds it.
pub(super) fn held(view: &View, space: &SpaceName, name: &LockName) -> Result<Option<Lock>, state::Error> {
    Ok(view.lock(space, name)?.filter(|lock| view.globals().clock < lock.expires))
}

/// How far a reader has come.
pub(super) fn reader_position(
    view: &View,
    space: &SpaceName,
    reader: ReaderName,
    log: LogName,
) -> Result<ReaderPosition, state::Error> {
    let position = view.position(space, &reader, &log)?;
    let end = view.log_end(space, &log)?;
    Ok(ReaderPosition { reader, log, position, end })
}

/// A page of cells that `next` reads a few of at a time.
fn page<E>(
    limit: usize,
    mut after: Option<CellKey>,
    next: impl Fn(Option<&CellKey>, usize) -> Result<(Vec<KeyedCell>, bool), E>,
) -> Result<(Vec<KeyedCell>, bool), E> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    loop {
        let (cells, more) = next(after.as_ref(), CELLS_A_LOOK.min(limit - page.len()))?;
        for cell in cells {
            bytes += cell.key.as_str().len() + cell.cell.value.size();
            if bytes > PAGE_BYTES_MAX && !page.is_empty() {
                return Ok((page, true));
            }
            after = Some(cell.key.clone());
            page.push(cell);
        }
        if !more || page.len() >= limit {
            return Ok((page, more));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;

    use super::*;
    use crate::types::{CellValue, Version};

    fn cells(count: usize, bytes: usize) -> Vec<KeyedCell> {
        let cell = |number: usize| KeyedCell {
            key: CellKey::new(&format!("key-{number:04}")).unwrap(),
            cell: Cell {
                value: CellValue::Bytes(Bytes::from(vec![0; bytes])),
                version: Version(1),
                time: LogTime::ZERO,
            },
        };
        (0..count).map(cell).collect()
    }

    fn page_of(all: &[KeyedCell], limit: usize, after: Option<CellKey>) -> (Vec<KeyedCell>, bool) {
        let next = |after: Option<&CellKey>, limit: usize| {
            let rest: Vec<_> = all.iter().filter(|cell| after.is_none_or(|after| cell.key > *after)).cloned().collect();
            let more = rest.len() > limit;
            Ok::<_, Infallible>((rest.into_iter().take(limit).collect(), more))
        };
        page(limit, after, next).unwrap()
    }

    #[test]
    fn pages_of_any_size_make_the_whole() {
        for bytes in [0, 10_000, PAGE_BYTES_MAX / 2, PAGE_BYTES_MAX] {
            let all = cells(50, bytes);
            for limit in [1, 15, 16, 17, 49, 50, 1_000] {
                let (mut found, mut after) = (Vec::new(), None);
                loop {
                    let (cells, more) = page_of(&all, limit, after);
                    let sum: usize = cells.iter().map(|cell| cell.cell.value.size()).sum();
                    assert!(cells.len() <= limit && (sum <= PAGE_BYTES_MAX || cells.len() == 1));
                    after = cells.last().map(|cell| cell.key.clone());
                    found.extend(cells);
                    if !more {
                        break;
                    }
                }
                assert_eq!(found, all);
            }
        }
    }
}
