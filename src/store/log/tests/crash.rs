//! A crash at every step: each leaves an image of the directory, and each image opens and holds what was promised.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::store::crash_point::{self, Hook};

/// Every point, so that one which is never reached fails the test.
const POINTS: &[&str] = &[
    "committed.begun",
    "committed.synced",
    "group.answered",
    "group.begun",
    "group.marked",
    "group.synced",
    "open.verified",
    "open.watermark_made",
    "purge.begun",
    "purge.synced",
    "restart.begun",
    "restart.lowered",
    "restart.marked",
    "restart.synced",
    "truncate.begun",
    "truncate.lowered",
    "truncate.synced",
    "vote.begun",
    "vote.marked",
    "vote.synced",
    "watermark.half_lowered",
    "watermark.half_reset",
    "watermark.raised",
    "watermark.reset",
    "watermark.synced",
];
/// Points that are no steps of a write: where a step may be refused, and within a read.
const OTHERS: &[&str] = &["entries.read", "watermark.sync", "watermark.write", "log.write"];

/// What the log owes at one moment.
#[derive(Debug, Clone, Default)]
struct Promise {
    vote: Option<Vote>,
    /// Entries that were acknowledged and not asked to be removed.
    entries: BTreeMap<u64, LogEntry>,
    /// Every entry that was ever appended at an index.
    appended: BTreeMap<u64, Vec<LogEntry>>,
    /// Purges that were asked for.
    purged: Vec<LogId>,
    /// A purge that starts a new chain was asked for: from then on the log may hold nothing but what is behind it.
    restart: Option<LogId>,
}

impl Promise {
    fn check(&self, log: &Log, what: &str) {
        let vote = log.vote().map(|vote| vote.term);
        assert!(vote >= self.vote.map(|vote| vote.term), "{what}: vote {vote:?}");
        let purged = log.purged();
        assert!(purged.is_none_or(|purged| self.purged.contains(&purged)), "{what}: purged {purged:?}");
        let found: BTreeMap<_, _> = all(log).into_iter().map(|entry| (entry.id.index.0, entry)).collect();
        for (index, entry) in &self.entries {
            let gone = purged.is_some_and(|purged| purged.index.0 >= *index);
            assert!(gone || found.get(index) == Some(entry), "{what}: entry {index} is {:?}", found.get(index));
        }
        for (index, entry) in &found {
            assert!(self.appended[index].contains(entry), "{what}: nobody appended {entry:?}");
        }
        if let Some(restart) = self.restart {
            wait(log.complete_purge(restart)).unwrap();
            assert!(log.last() >= Some(restart), "{what}");
        }
    }
}

#[derive(Clone)]
struct Image {
    point: &'static str,
    path: PathBuf,
    promise: Promise,
    /// The watermark as a power cut would leave it: what was synced last.
    synced_watermark: Option<Vec<u8>>,
}

struct Story {
    log: Log,
    promise: Arc<Mutex<Promise>>,
}

impl Story {
    fn append(&self, entries: Vec<LogEntry>) {
        let mut promise = self.promise.lock().unwrap();
        for entry in &entries {
            promise.appended.entry(entry.id.index.0).or_default().push(entry.clone());
        }
        drop(promise);
        let (done, answer) = completion();
        let promise = self.promise.clone();
        let acknowledged = entries.clone();
        let promising: Completion = Box::new(move |result| {
            result.clone().unwrap();
            promise.lock().unwrap().entries.extend(acknowledged.into_iter().map(|entry| (entry.id.index.0, entry)));
            done(result);
        });
        self.log.append(entries, promising).unwrap();
        answer.recv().unwrap().unwrap();
    }

    fn vote(&self, term: u64) {
        wait(self.log.save_vote(vote(term))).unwrap();
        self.promise.lock().unwrap().vote = Some(vote(term));
    }

    fn truncate(&self, last: LogId) {
        self.promise.lock().unwrap().entries.retain(|index, _| *index <= last.index.0);
        wait(self.log.truncate_after(Some(last))).unwrap();
    }

    fn purge(&self, through: LogId) {
        self.promise.lock().unwrap().purged.push(through);
        wait(self.log.purge(through)).unwrap();
    }

    fn restart(&self, through: LogId) {
        let mut promise = self.promise.lock().unwrap();
        promise.purged.push(through);
        promise.restart = Some(through);
        promise.entries.clear();
        drop(promise);
        wait(self.log.complete_purge(through)).unwrap();
    }

    fn tell(&self) {
        self.vote(1);
        self.append(entries_of(1, 0..4));
        self.append((4..7).map(|index| entry_of(1, index, 40_000)).collect());
        self.log.save_committed(Some(id(1, 3))).unwrap();
        self.truncate(id(1, 4));
        self.vote(2);
        self.append(entries_of(2, 5..9));
        self.purge(id(1, 2));
        self.append(entries_of(2, 9..11));
        self.restart(id(4, 20));
        self.append(entries_of(5, 21..24));
        // A snapshot that contradicts the log's end: what is behind it goes, too.
        self.restart(id(7, 22));
        self.append(entries_of(8, 23..25));
        wait(self.log.close()).unwrap();
    }
}

/// Tells the story and takes an image at every point.
fn images(directory: &Path) -> Vec<Image> {
    let live = directory.join("live");
    let taken = Arc::new(Mutex::new(Vec::new()));
    let promise = Arc::new(Mutex::new(Promise::default()));
    let hook = Hook::install(&live, {
        let (live, directory) = (live.clone(), directory.to_owned());
        let (taken, promise) = (taken.clone(), promise.clone());
        let synced_watermark = Mutex::new(None);
        move |point| {
            if OTHERS.contains(&point) {
                return;
            }
            let mut synced_watermark = synced_watermark.lock().unwrap();
            if ["open.watermark_made", "watermark.synced"].contains(&point) {
                *synced_watermark = Some(fs::read(live.join("watermark")).unwrap());
            }
            let mut taken = taken.lock().unwrap();
            let path = directory.join(format!("image-{}", taken.len()));
            crash_point::image(&live, &path);
            let promise = promise.lock().unwrap().clone();
            taken.push(Image { point, path, promise, synced_watermark: synced_watermark.clone() });
        }
    });
    let log = Log::open(&live, options()).unwrap();
    Story { log, promise }.tell();
    drop(hook);
    let taken = taken.lock().unwrap();
    taken.clone()
}

/// Looks at the images in a few threads: each waits for the disk most of the time.
fn for_each(images: &[Image], check: impl Fn(&str, &Image) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(image) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(&format!("the crash at {} ({})", image.point, image.path.display()), image);
                }
            });
        }
    });
}

#[test]
fn a_crash_at_any_step_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let images = images(directory.path());
    let mut reached: Vec<_> = images.iter().map(|image| image.point).collect();
    reached.sort_unstable();
    reached.dedup();
    assert_eq!(reached, POINTS, "the points that the story reaches");

    for_each(&images, |what, image| {
        let log = Log::open(&image.path, options()).unwrap_or_else(|error| panic!("{what}: {error}"));
        image.promise.check(&log, what);
        let next = log.last().map_or(0, |last| last.index.0 + 1);
        append(&log, entries_of(9, next..next + 1)).unwrap();
        drop(log);
        let log = Log::open(&image.path, options()).unwrap_or_else(|error| panic!("{what}, again: {error}"));
        assert_eq!(log.last(), Some(id(9, next)), "{what}");
    });
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    for_each(&images(directory.path()), |what, image| {
        // What was not synced is as it was when it was synced last.
        fs::write(image.path.join("watermark"), image.synced_watermark.as_ref().unwrap()).unwrap();
        let log = Log::open(&image.path, after_power_cut()).unwrap_or_else(|error| panic!("{what}: {error}"));
        image.promise.check(&log, what);
    });
}

#[test]
fn a_crash_while_a_recovered_copy_takes_over_is_made_good_at_the_next_open() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    damage::torn_group(&live);

    let taken = Arc::new(Mutex::new(Vec::new()));
    let hook = Hook::install(&live, {
        let (live, directory, taken) = (live.clone(), directory.path().to_owned(), taken.clone());
        move |point| {
            let mut taken = taken.lock().unwrap();
            let path = directory.join(format!("image-{}", taken.len()));
            crash_point::image(&live, &path);
            taken.push((point, path));
        }
    });
    let log = Log::open(&live, options()).unwrap();
    assert_eq!(all(&log), entries_of(1, 0..5));
    drop((log, hook));
    let taken = taken.lock().unwrap();
    let points: Vec<_> = taken.iter().map(|(point, _)| *point).collect();
    for point in ["open.copied", "open.copy_published", "open.original_removed", "open.switched", "open.verified"] {
        assert!(points.contains(&point), "{point} is not among {points:?}");
    }
    for (point, path) in taken.iter() {
        let log = Log::open(path, options()).unwrap_or_else(|error| panic!("{point}: {error}"));
        assert_eq!(all(&log), entries_of(1, 0..5), "{point}");
        drop(log);
        let left: Vec<_> = fs::read_dir(path).unwrap().map(|item| item.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{point}: {left:?}");
    }
}
