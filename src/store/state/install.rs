//! Makes a received snapshot the state.
//!
//! - It becomes the state by one durable step, the switch. Before it the old generation is the state, whole; after it
//!   the new one.
//! - The files as they were received stay beside it as the published snapshot: the new generation changes its own.
//! - The state never goes back: a snapshot behind what is applied is refused.

use std::collections::VecDeque;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory::{self, SnapshotName};
use super::due::DueFirst;
use super::error::Error;
use super::fetch::Hot;
use super::generation::{Applied, Generation};
use super::open::check_digests;
use super::snapshot::{Manifest, Snapshot};
use super::staging::Staging;
use super::{Current, State, lock};
use crate::machine::Digest;
use crate::store::crash_point::{fault, point, reached};
use crate::store::files;
use crate::types::LogIndex;
use crate::types::limits::SNAPSHOT_CHUNK_BYTES;
use crate::types::seeded_bug::{Bug, seeded};

/// A generation that may become the state.
struct Candidate {
    generation: Arc<Generation>,
    applied: Applied,
    digests: VecDeque<(LogIndex, Digest)>,
    due: DueFirst,
    pristine: PathBuf,
    name: SnapshotName,
}

impl State {
    /// Makes a snapshot that was received whole the state. Returns it as the published one.
    pub fn install(&self, mut staging: Staging) -> Result<Snapshot, Error> {
        staging.finish()?;
        let inner = &self.inner;
        let mut hot = lock(&inner.hot);
        let _publishing = lock(&inner.publishing);
        inner.health.check()?;
        let (number, last) = {
            let current = self.current();
            (current.generation.number() + 1, current.applied.log_id)
        };
        let manifest = staging.manifest().clone();
        if manifest.last < last {
            return Err(Error::Behind { snapshot: manifest.last, applied: last });
        }
        let candidate = staging.in_turn(|path| self.prepare(number, path, &manifest)).inspect_err(|_| {
            let name = snapshot_name(number, &manifest);
            // A leftover costs room until the next installation or opening, and nothing else.
            let _ = directory::remove(&inner.directory.snapshot(name));
        })?;
        let root = inner.directory.root();
        let snapshot = inner.health.must(|| {
            reached(root, point::INSTALL_BEFORE_SWITCH);
            fault(root, point::INSTALL_SWITCH)?;
            inner.directory.switch(number)?;
            reached(root, point::INSTALL_SWITCHED);
            Ok(self.switch_to(candidate, &mut hot))
        })?;
        inner.recent.clear();
        inner.applied_index.send_replace(manifest.last.map(|last| last.index));
        inner.row_changes.tell_all();
        inner.id_changes.tell_all();
        reached(root, point::INSTALL_PUBLISHED);
        Ok(snapshot)
    }

    /// Installs a snapshot that is on this machine already.
    pub fn install_copy(&self, snapshot: &Snapshot) -> Result<Snapshot, Error> {
        let manifest = snapshot.manifest()?;
        let mut staging = self.receive(&manifest)?;
        let present = staging.present();
        let mut buffer = Vec::with_capacity(SNAPSHOT_CHUNK_BYTES);
        for part in manifest.files.iter().filter(|part| !present.contains(&part.name)) {
            let mut file = snapshot.open_file(&part.name)?;
            let mut at = 0;
            while at < part.bytes {
                buffer.clear();
                let chunk = file.by_ref().take(SNAPSHOT_CHUNK_BYTES as u64).read_to_end(&mut buffer);
                let length = chunk.map_err(Error::file("read", &snapshot.directory().join(&part.name)))?;
                if length == 0 {
                    return Err(Error::corrupt(&part.name, "the snapshot's file is shorter than it was"));
                }
                staging.write(&part.name, at, &buffer, crc32c::crc32c(&buffer))?;
                at += length as u64;
            }
        }
        self.install(staging)
    }

    /// Puts the files where they belong and opens them. Nothing of it counts before the switch.
    fn prepare(&self, number: u64, staged: &std::path::Path, manifest: &Manifest) -> Result<Candidate, Error> {
        let inner = &self.inner;
        let root = inner.directory.root();
        let name = snapshot_name(number, manifest);
        let (path, pristine) = (inner.directory.generation(number), inner.directory.snapshot(name));
        let linking = inner.directory.building_pristine();
        for leftover in [&path, &pristine, &linking] {
            directory::remove(leftover)?;
        }
        reached(root, point::INSTALL_BEFORE_COPY);
        files::link_directory(staged, &linking)?;
        reached(root, point::INSTALL_COPY_LINKED);
        files::rename(&linking, &pristine)?;
        reached(root, point::INSTALL_COPY_NAMED);
        files::rename(staged, &path)?;
        reached(root, point::INSTALL_GENERATION_NAMED);

        let generation = Arc::new(Generation::open(path, number, inner.direct_io)?);
        // Should anything below fail, nothing may stay of it but in the log.
        generation.give_up();
        if seeded(Bug::SnapshotWithoutIds) {
            // Whoever leads with this state runs again what it has already.
            generation.forget_ids()?;
        }
        if seeded(Bug::SnapshotWithoutMarks) {
            // Names that were given once are given again.
            generation.forget_marks()?;
        }
        let applied = generation.applied()?;
        let digests = generation.remembered_digests()?;
        check_digests(&digests, applied.log_id.map(|last| last.index))?;
        if (applied.log_id, &applied.membership) != (manifest.last, &manifest.membership) {
            return Err(Error::Manifest("it does not say what the snapshot holds".to_owned()));
        }
        let due = DueFirst::read(&generation)?;
        generation.keep();
        Ok(Candidate { generation, applied, digests, due, pristine, name })
    }

    /// Lets the old generation and the old snapshot go with their last users.
    fn switch_to(&self, candidate: Candidate, hot: &mut Hot) -> Snapshot {
        let Candidate { generation, applied, digests, due, pristine, name } = candidate;
        let checksums = self.inner.checksums.clone();
        let snapshot = Snapshot::new(&pristine, name, applied.log_id, applied.membership.clone(), checksums);
        let published = Some(snapshot.clone());
        *hot = Hot::new(due);
        let new = Current { generation, applied: Arc::new(applied), digests, next_due: hot.next_due(), published };
        let old = std::mem::replace(&mut *self.current(), new);
        old.generation.give_up();
        old.published.iter().for_each(Snapshot::give_up);
        snapshot
    }
}

fn snapshot_name(generation: u64, manifest: &Manifest) -> SnapshotName {
    SnapshotName { generation, index: manifest.last.map(|last| last.index) }
}
