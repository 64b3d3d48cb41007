//! Opens the log, and finds out whether it still holds what it was told to hold.
//!
//! - *Corrupt is not absent*: nothing that was synced is ever dropped silently. What can't be proven whole is
//!   [`Error::Damaged`], and the directory is left as it is.
//! - The retained entries are dense, chained from the anchor, and reach the watermark; the vote is not older than the
//!   watermark's.
//! - A torn last group is no damage: its sync never returned, so nobody was told. Where the database refuses it all the
//!   same, a copy is recovered up to it, checked like any other log, and put in the database's place.
//! - What is returned is on disk: opening moves everything from the write-ahead log into synced table files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::database::{Database, Recovery};
use super::error::Error;
use super::keys::Key;
use super::record::{self, Link, StoredEntry};
use super::wal::{self, Inspection};
use super::watermark::{Mark, Watermark};
use super::{Options, tail_cache::TailCache};
use crate::store::crash_point::{self, point};
use crate::store::{entry, files};
use crate::types::seeded_bug::{Bug, seeded};
use crate::types::{LogId, LogIndex, Vote};

/// An opened log.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) watermark: Watermark,
    pub(super) content: Content,
}

/// What the log holds.
pub(super) struct Content {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    /// Through where entries were removed, and the link that the first entry follows.
    pub(super) purged: Option<(LogId, Link)>,
    /// The index of the first entry, if there is any.
    pub(super) first: Option<LogIndex>,
    /// The last entry's, or `purged`.
    pub(super) last: Option<LogId>,
    /// The link of the last entry, or the anchor.
    pub(super) link: Link,
    pub(super) cache: TailCache,
}

/// Why the log is not whole.
type Reason = String;

/// Opens or makes the log in this directory.
pub(super) fn open(directory: &Path, options: &Options) -> Result<Opened, Error> {
    let paths = Paths::of(directory);
    let damaged = |reason: Reason| Error::Damaged { directory: directory.to_owned(), reason };
    files::create_directory(directory).map_err(Error::io("open"))?;
    finish_switch(&paths).map_err(Error::io("open"))?;

    let nothing = Mark { boot: options.boot, last: None, vote: None };
    let there_is_data = holds_data(&paths.database).map_err(Error::io("open"))?;
    if !Watermark::exists(directory).map_err(Error::io("open"))? {
        if there_is_data {
            return Err(damaged("its watermark is gone".to_owned()));
        }
        if options.must_exist {
            return Err(damaged("it is gone, but this node belongs to a cluster, so it had one".to_owned()));
        }
        Watermark::create(directory, nothing).map_err(Error::io("make"))?;
        crash_point::reached(directory, point::OPEN_WATERMARK_MADE);
    }
    let watermark = Watermark::open(directory).map_err(Error::io("open"))?;
    let mut watermark = watermark.ok_or_else(|| damaged("neither half of its watermark can be read".to_owned()))?;
    // Without the mark, a log that lost its end looks whole: what this node has acknowledged is gone, and it votes.
    let mark = if seeded(Bug::ShortWalAccepted) { nothing } else { watermark.mark() };

    let database = if has_current(&paths.database).map_err(Error::io("open"))? {
        open_existing(&paths, options, &mark)?
    } else if there_is_data || mark.last.is_some() || mark.vote.is_some() {
        return Err(damaged("its database is gone".to_owned()));
    } else {
        files::create_directory(&paths.database).map_err(Error::io("make"))?;
        Database::open(&paths.database, options.group, Recovery::Strict, true).map_err(Error::storage("make"))?
    };
    let content = walk(&database, &mark, options.tail_cache_bytes)?.map_err(damaged)?;
    crash_point::reached(directory, point::OPEN_VERIFIED);
    watermark
        .reset(Mark { boot: options.boot, last: content.last, vote: content.vote }, point::WATERMARK_HALF_RESET)
        .map_err(Error::io("write the watermark of"))?;
    Ok(Opened { database, watermark, content })
}

/// The database, and where a recovered copy of it is made.
struct Paths {
    directory: PathBuf,
    database: PathBuf,
    /// A copy that nobody vouches for yet.
    copy: PathBuf,
    /// A copy that is whole and takes the database's place.
    recovered: PathBuf,
}

impl Paths {
    fn of(directory: &Path) -> Self {
        let database = directory.join("log");
        Self {
            directory: directory.to_owned(),
            copy: files::beside(&database, "copy"),
            recovered: files::beside(&database, "recovered"),
            database,
        }
    }

    fn reached(&self, point: crash_point::Point) {
        crash_point::reached(&self.directory, point);
    }
}

/// Ends a switch to a recovered copy that a crash interrupted, and removes an unfinished copy.
fn finish_switch(paths: &Paths) -> io::Result<()> {
    files::remove_directory(&paths.copy)?;
    if paths.recovered.try_exists()? {
        files::remove_directory(&paths.database)?;
        paths.reached(point::OPEN_ORIGINAL_REMOVED);
        files::rename(&paths.recovered, &paths.database)?;
        paths.reached(point::OPEN_SWITCHED);
    }
    Ok(())
}

fn has_current(database: &Path) -> io::Result<bool> {
    database.join("CURRENT").try_exists()
}

/// Whether anything in the database's directory could hold entries.
fn holds_data(database: &Path) -> io::Result<bool> {
    if !database.try_exists()? {
        return Ok(false);
    }
    for item in fs::read_dir(database)? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            return Ok(true);
        }
    }
    Ok(has_current(database)? || !wal::files_of(database)?.is_empty())
}

fn open_existing(paths: &Paths, options: &Options, mark: &Mark) -> Result<Database, Error> {
    let damaged = |reason: Reason| Error::Damaged { directory: paths.directory.clone(), reason };
    let inspection = wal::inspect(&paths.database).map_err(Error::io("inspect"))?;
    let reason = if let Inspection::Lost(place) = &inspection {
        // The database might open such a log and say nothing.
        format!("{} is damaged at byte {}, and more follows", place.file, place.offset)
    } else {
        match Database::open(&paths.database, options.group, Recovery::Strict, false) {
            Ok(database) => return Ok(database),
            Err(error) if error.kind() == rocksdb::ErrorKind::Corruption => {
                format!("the database refuses it: {error}")
            }
            Err(error) => return Err(Error::storage("open")(error)),
        }
    };
    // In the same boot nothing of the watermark is lost, so a log that reaches it holds everything that was synced: then
    // the damage is in something that the database no longer needs. After another boot the watermark may be a second old,
    // and only a torn last group is certain to hold nothing that was synced.
    if mark.boot == options.boot || matches!(inspection, Inspection::Torn(_)) {
        open_copy(paths, options, mark, &reason)
    } else {
        Err(damaged(reason))
    }
}

/// Recovers a copy up to the damage. If the copy is whole and reaches the watermark it becomes the database.
fn open_copy(paths: &Paths, options: &Options, mark: &Mark, reason: &str) -> Result<Database, Error> {
    files::link_directory(&paths.database, &paths.copy).map_err(Error::io("copy"))?;
    paths.reached(point::OPEN_COPIED);
    let whole = match Database::open(&paths.copy, options.group, Recovery::PointInTime, false) {
        Ok(copy) => walk(&copy, mark, 0)?.map(drop),
        Err(error) => Err(format!("it can't be recovered: {error}")),
    };
    if let Err(rest) = whole {
        files::remove_directory(&paths.copy).map_err(Error::io("remove the copy of"))?;
        return Err(Error::Damaged { directory: paths.directory.clone(), reason: format!("{reason}; {rest}") });
    }
    tracing::warn!(reason, "cutting an incomplete write off the end of the Raft log; it was never acknowledged");
    files::rename(&paths.copy, &paths.recovered).map_err(Error::io("switch"))?;
    paths.reached(point::OPEN_COPY_PUBLISHED);
    finish_switch(paths).map_err(Error::io("switch"))?;
    Database::open(&paths.database, options.group, Recovery::Strict, false).map_err(Error::storage("open"))
}

/// Reads everything that is retained and checks it.
fn walk(database: &Database, mark: &Mark, cache_bytes: usize) -> Result<Result<Content, Reason>, Error> {
    match Walk::run(database, mark, cache_bytes) {
        Ok(content) => Ok(Ok(content)),
        Err(Stop::Damage(reason)) => Ok(Err(reason)),
        // What is read and is not what was written stays so; a medium that refuses to be read may be well tomorrow.
        Err(Stop::Error(Error::Storage { cause, corrupt: true, .. })) => Ok(Err(cause)),
        Err(Stop::Error(error)) => Err(error),
    }
}

enum Stop {
    Damage(Reason),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

struct Walk;

impl Walk {
    fn run(database: &Database, mark: &Mark, cache_bytes: usize) -> Result<Content, Stop> {
        let damage = |what: &str, error: &dyn std::fmt::Display| Stop::Damage(format!("{what} can't be read: {error}"));
        let vote = database.get(Key::Vote)?.map(entry::decode_vote).transpose();
        let vote = vote.map_err(|error| damage("its vote", &error))?;
        let committed = database.get(Key::Committed)?.map(entry::decode_log_id).transpose();
        let committed = committed.map_err(|error| damage("its committed log id", &error))?.flatten();
        let purged = database.get(Key::Purged)?.map(record::decode_purged).transpose();
        let purged = purged.map_err(|error| damage("its purged log id", &error))?;
        check_vote(vote, mark.vote)?;

        let last = purged.map(|(purged, _)| purged);
        let link = purged.map_or(Link::START, |(_, anchor)| anchor);
        let mut content = Content { vote, committed, purged, first: None, last, link, cache: TailCache::default() };
        let start = last.map_or(LogIndex(0), |purged| purged.index.next());
        for stored in database.entries_from(start) {
            let (index, value) = stored?;
            let stored = StoredEntry::decode(value).map_err(|error| damage(&format!("entry {index}"), &error))?;
            let expected = content.last.map_or(index, |last| last.index.next());
            if index != expected {
                return Err(Stop::Damage(format!("entries {expected} up to {index} are gone")));
            }
            content.link = content.link.next(&stored.bytes);
            if content.link != stored.link {
                return Err(Stop::Damage(format!(
                    "entry {index} has changed on disk, or does not follow the entry before it"
                )));
            }
            let entry = stored.entry().map_err(|error| damage(&format!("entry {index}"), &error))?;
            if entry.id.index != index {
                return Err(Stop::Damage(format!("entry {} lies at index {index}", entry.id)));
            }
            check_mark(mark.last, entry.id)?;
            content.first.get_or_insert(index);
            content.last = Some(entry.id);
            content.cache.push(entry);
            content.cache.shrink(cache_bytes, Some(index));
        }
        let reached = content.last.map(|last| last.index);
        match mark.last {
            Some(marked) if reached < Some(marked.index) => Err(Stop::Damage(format!(
                "it ends at {}, but {marked} was on disk",
                content.last.map_or_else(|| "its beginning".to_owned(), |last| last.to_string())
            ))),
            _ => Ok(content),
        }
    }
}

/// The marked entry itself must be there, not another at its index.
fn check_mark(marked: Option<LogId>, found: LogId) -> Result<(), Stop> {
    match marked {
        Some(marked) if marked.index == found.index && marked != found => {
            Err(Stop::Damage(format!("it holds {found}, but {marked} was on disk")))
        }
        _ => Ok(()),
    }
}

fn check_vote(found: Option<Vote>, marked: Option<Vote>) -> Result<(), Stop> {
    let rank = |vote: Vote| (vote.term, vote.node, vote.committed);
    if found.map(rank) < marked.map(rank) {
        return Err(Stop::Damage(format!("its vote is {found:?}, but {marked:?} was on disk")));
    }
    Ok(())
}
