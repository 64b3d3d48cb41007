//! Makes a snapshot of the running state.
//!
//! - A checkpoint flushes the state first: when it is published, the state is durable through its index.
//! - It is published only if its generation is still the state and it is newer than what is published.

use std::sync::Arc;

use rocksdb::checkpoint::Checkpoint;

use super::directory::{self, SnapshotName};
use super::error::Error;
use super::generation::{self, Generation};
use super::snapshot::{Snapshot, is_table};
use super::{State, lock};
use crate::store::crash_point::{fault, point, reached};
use crate::store::files;

impl State {
    /// Publishes a snapshot of what is applied now or a little later. Returns the published one, which is this or a newer.
    pub fn checkpoint(&self) -> Result<Snapshot, Error> {
        let _building = lock(&self.inner.building);
        let (generation, published) = {
            let current = self.current();
            let last = current.applied.log_id;
            (current.generation.clone(), current.published.clone().filter(|snapshot| snapshot.last() == last))
        };
        self.inner.health.check()?;
        if let Some(published) = published {
            return Ok(published);
        }
        self.inner.health.must(|| {
            self.build(&generation)?;
            self.publish_built(&generation)
        })
    }

    fn build(&self, generation: &Generation) -> Result<(), Error> {
        let root = self.inner.directory.root();
        let path = self.inner.directory.building();
        directory::remove(&path)?;
        reached(root, point::CHECKPOINT_BEFORE);
        fault(root, point::CHECKPOINT_BUILD)?;
        Checkpoint::new(generation.database())
            .and_then(|checkpoint| checkpoint.create_checkpoint(&path))
            .map_err(Error::database("make a checkpoint"))?;
        reached(root, point::CHECKPOINT_BUILT);
        // Tables were synced when they were written. The rest is new here.
        for name in directory::list(&path)? {
            if !is_table(&name) {
                files::sync_file(&path.join(name))?;
            }
        }
        files::sync_directory(&path)?;
        reached(root, point::CHECKPOINT_SYNCED);
        Ok(())
    }

    fn publish_built(&self, generation: &Arc<Generation>) -> Result<Snapshot, Error> {
        let root = self.inner.directory.root();
        let built = self.inner.directory.building();
        let applied = generation::glance(&built)?;
        let _publishing = lock(&self.inner.publishing);
        let (is_current, published) = {
            let current = self.current();
            (Arc::ptr_eq(&current.generation, generation), current.published.clone())
        };
        if let Some(published) = published
            && (!is_current || published.last() >= applied.log_id)
        {
            directory::remove(&built)?;
            return Ok(published);
        }
        assert!(is_current, "a generation gives way only to an installed snapshot, which is published");
        let index = applied.log_id.map(|last| last.index);
        let name = SnapshotName { generation: generation.number(), index };
        let path = self.inner.directory.snapshot(name);
        files::rename(&built, &path)?;
        reached(root, point::CHECKPOINT_NAMED);
        let checksums = self.inner.checksums.clone();
        let snapshot = Snapshot::new(&path, name, applied.log_id, applied.membership, checksums);
        let old = self.current().published.replace(snapshot.clone());
        old.iter().for_each(Snapshot::give_up);
        drop(old);
        reached(root, point::CHECKPOINT_PUBLISHED);
        Ok(snapshot)
    }
}
