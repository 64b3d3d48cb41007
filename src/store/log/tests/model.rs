//! The log against a model that is too simple to be wrong.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Append { count: u64, wait: bool, bytes: usize },
    Vote,
    Truncate { keep: u64 },
    Purge { share: u64 },
    Snapshot { ahead: u64 },
    Committed,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..6_u64, any::<bool>(), 0..5_000_usize)
            .prop_map(|(count, wait, bytes)| Step::Append { count, wait, bytes }),
        1 => Just(Step::Vote),
        2 => (0..100_u64).prop_map(|keep| Step::Truncate { keep }),
        2 => (0..100_u64).prop_map(|share| Step::Purge { share }),
        1 => (0..5_u64).prop_map(|ahead| Step::Snapshot { ahead }),
        1 => Just(Step::Committed),
        2 => Just(Step::Reopen),
    ]
}

#[derive(Debug, Default)]
struct Model {
    term: u64,
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    entries: Vec<LogEntry>,
}

impl Model {
    fn last(&self) -> Option<LogId> {
        self.entries.last().map(|entry| entry.id).or(self.purged)
    }

    /// An entry at about this share of the way through the log.
    fn pick(&self, percent: u64) -> Option<usize> {
        let place = self.entries.len() as u64 * percent / 100;
        usize::try_from(place).ok().filter(|place| *place < self.entries.len())
    }

    fn check(&self, log: &Log) {
        assert_eq!(log.vote(), self.vote);
        assert_eq!(log.purged(), self.purged);
        assert_eq!(log.last(), self.last());
        assert_eq!(log.committed(), self.committed.filter(|committed| Some(*committed) <= self.last()));
        assert_eq!(all(log), self.entries);
        if let Some(place) = self.pick(50) {
            let range = self.entries[place].id.index..LogIndex(u64::MAX);
            let page = log.entries_limited(range, 3_000).unwrap();
            assert!(!page.is_empty());
            assert_eq!(page, self.entries[place..place + page.len()]);
        }
    }

    fn apply(&mut self, log: &Log, step: &Step) {
        match step {
            Step::Append { count, wait, bytes } => {
                self.term += count % 2;
                let next = self.last().map_or(0, |last| last.index.0 + 1);
                let entries: Vec<_> = (next..next + count).map(|index| entry_of(self.term, index, *bytes)).collect();
                if *wait {
                    append(log, entries.clone()).unwrap();
                } else {
                    log.append(entries.clone(), Box::new(|result| result.unwrap())).unwrap();
                }
                self.entries.extend(entries);
            }
            Step::Vote => {
                self.term += 1;
                self.vote = Some(vote(self.term));
                wait(log.save_vote(vote(self.term))).unwrap();
            }
            Step::Truncate { keep } => {
                let Some(place) = self.pick(*keep) else { return };
                let committed = self.committed.map(|committed| committed.index);
                if Some(self.entries[place].id.index) <= committed {
                    return;
                }
                self.entries.truncate(place);
                self.term += 1;
                wait(log.truncate_after(self.last())).unwrap();
            }
            Step::Purge { share } => {
                let Some(place) = self.pick(*share) else { return };
                self.purged = Some(self.entries[place].id);
                self.entries.drain(..=place);
                wait(log.purge(self.purged.unwrap())).unwrap();
            }
            Step::Snapshot { ahead } => {
                self.term += 1;
                let next = self.last().map_or(0, |last| last.index.0 + 1);
                self.purged = Some(id(self.term, next + ahead));
                self.committed = self.purged;
                self.entries.clear();
                wait(log.purge(self.purged.unwrap())).unwrap();
                log.save_committed(self.committed).unwrap();
            }
            Step::Committed => {
                self.committed = self.last();
                log.save_committed(self.committed).unwrap();
            }
            Step::Reopen => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_holds_what_the_model_holds(steps in vec(step(), 1..30), cached: bool) {
        let directory = tempfile::tempdir().unwrap();
        let options = || if cached { options() } else { without_cache() };
        let mut log = Log::open(directory.path(), options()).unwrap();
        let mut model = Model { term: 1, ..Model::default() };
        for step in &steps {
            if matches!(step, Step::Reopen) {
                drop(log);
                log = Log::open(directory.path(), options()).unwrap();
            }
            model.apply(&log, step);
            model.check(&log);
        }
        drop(log);
        model.check(&Log::open(directory.path(), options()).unwrap());
    }
}
