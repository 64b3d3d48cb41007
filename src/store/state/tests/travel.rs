//! Snapshots: made while the state goes on, sent, cut, received, installed.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::snapshot::is_table;
use super::super::{Error, Manifest, Snapshot, Staging, directory};
use super::model::Model;
use super::*;
use crate::store::crash_point::image;
use crate::types::Offset;

fn content(snapshot: &Snapshot) -> Vec<(String, Vec<u8>)> {
    let mut names = directory::list(snapshot.directory()).unwrap();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(snapshot.directory().join(name)).unwrap())).collect()
}

/// The rows in a snapshot, read from a copy.
fn rows_in(snapshot: &Snapshot) -> Rows {
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("copy");
    image(snapshot.directory(), &path);
    rows_of(&Generation::open(path, 1, false).unwrap())
}

fn bytes_of(snapshot: &Snapshot, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut snapshot.open_file(name).unwrap(), &mut bytes).unwrap();
    bytes
}

fn send(staging: &mut Staging, snapshot: &Snapshot, name: &str) -> Result<(), Error> {
    let bytes = bytes_of(snapshot, name);
    let mut at = 0;
    for chunk in bytes.chunks(1_000) {
        staging.write(name, at, chunk, crc32c::crc32c(chunk))?;
        at += chunk.len() as u64;
    }
    Ok(())
}

fn send_rest(staging: &mut Staging, snapshot: &Snapshot) {
    let present = staging.present();
    for part in snapshot.manifest().unwrap().files.iter().filter(|part| !present.contains(&part.name)) {
        send(staging, snapshot, &part.name).unwrap();
    }
}

fn sent(to: &State, snapshot: &Snapshot) -> Staging {
    let mut staging = to.receive(&snapshot.manifest().unwrap()).unwrap();
    send_rest(&mut staging, snapshot);
    staging
}

fn longest(manifest: &Manifest) -> String {
    manifest.files.iter().max_by_key(|part| part.bytes).unwrap().name.clone()
}

#[test]
fn a_checkpoint_made_while_entries_are_applied_holds_what_its_index_says() {
    let (_directory, state) = fresh();
    let entries = story(400);
    let done = AtomicBool::new(false);
    let snapshots = std::thread::scope(|scope| {
        scope.spawn(|| {
            for chunk in entries.chunks(3) {
                state.apply(chunk.to_vec()).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let mut snapshots: Vec<Snapshot> = Vec::new();
        while !done.load(Ordering::Acquire) {
            let least = state.applied().log_id;
            let snapshot = state.checkpoint().unwrap();
            assert!(snapshot.last() >= least);
            assert_eq!(state.current_snapshot().unwrap().last(), snapshot.last());
            if snapshots.last().is_none_or(|last| last.last() < snapshot.last()) {
                snapshots.push(snapshot);
            }
        }
        snapshots
    });
    assert!(!snapshots.is_empty());
    for snapshot in snapshots {
        let count = snapshot.last().map_or(0, |last| usize::try_from(last.index.0).unwrap() + 1);
        let model = Model::after(&entries[..count]);
        assert_eq!(rows_in(&snapshot), model.rows());
        assert_eq!(snapshot.membership(), model.membership);
    }
}

#[test]
fn a_published_snapshot_survives_later_entries_and_a_restart_unchanged_and_goes_with_its_last_user() {
    let (directory, state) = fresh();
    let entries = story(60);
    state.apply(entries[..20].to_vec()).unwrap();
    let old = state.checkpoint().unwrap();
    let (before, manifest) = (content(&old), old.manifest().unwrap());
    assert_eq!(state.checkpoint().unwrap().directory(), old.directory(), "nothing new, nothing made");

    for chunk in entries[20..].chunks(5) {
        state.apply(chunk.to_vec()).unwrap();
        state.flush().unwrap();
    }
    let generation = state.current().generation.clone();
    generation.database().compact_range_cf(generation.ids(), None::<&[u8]>, None::<&[u8]>);
    drop(generation);
    assert_eq!(content(&old), before);
    let new = state.checkpoint().unwrap();
    assert_eq!(new.last(), Some(log_id(59)));
    assert_eq!(content(&old), before, "its user still has it");
    assert_eq!(old.manifest().unwrap(), manifest);
    assert_eq!(rows_in(&old), Model::after(&entries[..20]).rows());
    let path = old.directory().to_owned();
    drop(old);
    assert!(!path.exists());

    let (content_before, manifest) = (content(&new), new.manifest().unwrap());
    drop((new, state));
    let reopened = open(&directory.path().join("0"));
    let again = reopened.current_snapshot().unwrap();
    assert_eq!(content(&again), content_before);
    assert_eq!(again.manifest().unwrap(), manifest);
    assert!(reopened.snapshot_size() >= manifest.bytes());
}

#[test]
fn the_manifest_has_every_file_with_its_length_and_checksum() {
    let (_directory, state) = fresh();
    state.apply(story(30)).unwrap();
    let first = state.checkpoint().unwrap().manifest().unwrap();
    state.apply(vec![blank(30)]).unwrap();
    // The second takes the checksums of shared tables from the first.
    let snapshot = state.checkpoint().unwrap();
    let manifest = snapshot.manifest().unwrap();
    assert!(first.files.iter().any(|part| is_table(&part.name) && manifest.files.contains(part)));
    let expected: Vec<_> = content(&snapshot)
        .into_iter()
        .map(|(name, bytes)| (name, bytes.len() as u64, crc32c::crc32c(&bytes)))
        .collect();
    let found: Vec<_> = manifest.files.iter().map(|part| (part.name.clone(), part.bytes, part.checksum)).collect();
    assert_eq!(found, expected);
    assert_eq!((manifest.last, manifest.membership.log_id), (Some(log_id(30)), Some(log_id(0))));
    assert!(snapshot.open_file("../1/CURRENT").is_err());
}

#[test]
fn an_installed_snapshot_is_the_state_replays_old_ids_and_goes_on_alike() {
    let (_here, source) = fresh();
    let entries = story(80);
    source.apply(entries[..50].to_vec()).unwrap();
    let snapshot = source.checkpoint().unwrap();

    let (there, target) = fresh();
    target.apply(entries[..10].to_vec()).unwrap();
    target.checkpoint().unwrap();
    let mut watcher = target.watch_applied();
    watcher.mark_unchanged();
    let old_view = target.view();
    let installed = target.install(sent(&target, &snapshot)).unwrap();
    assert_eq!(installed.last(), Some(log_id(49)));
    assert_eq!(installed.membership(), snapshot.membership());
    assert!(watcher.has_changed().unwrap());
    assert_eq!(*watcher.borrow_and_update(), Some(LogIndex(49)));
    assert_eq!(target.applied(), source.applied());
    assert_eq!(rows(&target), rows(&source));
    assert_eq!(target.last_remembered_digests(), source.last_remembered_digests());
    assert_eq!(target.current_snapshot().unwrap().directory(), installed.directory());

    // Whoever read before the switch reads on; then the old directory goes.
    assert_eq!(old_view.applied_index(), Some(LogIndex(9)));
    assert_eq!(old_view.remembered(&main_space(), &id("id-40")).unwrap(), None);
    assert!(there.path().join("0/1").exists());
    drop(old_view);
    assert!(!there.path().join("0/1").exists());
    assert!(!there.path().join("0/snapshot-1-00000000000000000009").exists());

    let view = target.view();
    assert_eq!(
        view.remembered(&main_space(), &id("id-41")).unwrap(),
        source.view().remembered(&main_space(), &id("id-41")).unwrap()
    );
    let page = |state: &State| state.view().records(&main_space(), &log("log-1"), Offset(0), 100, 10_000).unwrap();
    assert!(!page(&target).unwrap().records.is_empty());
    assert_eq!(page(&target), page(&source));

    let mut rest = entries[50..].to_vec();
    rest.push(batch(80, vec![append("id-41", "log-2", &["payload 41", "second"])]));
    let answers = target.apply(rest.clone()).unwrap();
    assert_eq!(answers, source.apply(rest).unwrap());
    assert!(outcome(&answers.last().unwrap()[0]).1, "replayed");
    assert_eq!(standing(&target), standing(&source));

    // The files as they were received are still what is published, after a restart too.
    assert_eq!(rows_in(&installed), Model::after(&entries[..50]).rows());
    assert_eq!(installed.manifest().unwrap(), snapshot.manifest().unwrap());
    drop((view, installed));
    target.flush().unwrap();
    drop(target);
    let reopened = open(&there.path().join("0"));
    assert_eq!(rows(&reopened), rows(&source));
    assert_eq!(reopened.current_snapshot().unwrap().manifest().unwrap(), snapshot.manifest().unwrap());
}

#[test]
fn a_copy_on_the_same_machine_installs_like_one_that_was_sent() {
    let (_here, source) = fresh();
    source.apply(story(30)).unwrap();
    let (_there, target) = fresh();
    target.install_copy(&source.checkpoint().unwrap()).unwrap();
    assert_eq!(rows(&target), rows(&source));
    let before = standing(&target);
    target.apply(vec![blank(30)]).unwrap();
    assert_ne!(standing(&target), before);
}

#[test]
fn a_snapshot_behind_the_state_is_refused_and_nothing_changes() {
    let (_here, source) = fresh();
    source.apply(story(10)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let (_there, target) = fresh();
    target.apply(story(12)).unwrap();
    let before = (standing(&target), rows(&target));
    assert!(matches!(target.install(sent(&target, &snapshot)), Err(Error::Behind { .. })));
    assert_eq!((standing(&target), rows(&target)), before);
    target.apply(vec![blank(12)]).unwrap();
}

#[test]
fn a_manifest_that_says_other_than_its_files_is_refused_and_nothing_changes() {
    let (_here, source) = fresh();
    source.apply(story(10)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let (there, target) = fresh();
    target.apply(story(5)).unwrap();
    let mut manifest = snapshot.manifest().unwrap();
    manifest.last = Some(log_id(11));
    let mut staging = target.receive(&manifest).unwrap();
    send_rest(&mut staging, &snapshot);
    assert!(matches!(target.install(staging), Err(Error::Manifest(_))));
    assert_eq!(rows(&target), Model::after(&story(5)).rows());
    let mut left = directory::list(&there.path().join("0")).unwrap();
    left.sort();
    assert_eq!(left, ["1", "current"]);
    target.install(sent(&target, &snapshot)).unwrap();
    assert_eq!(rows(&target), rows(&source));
}

#[test]
fn a_transfer_that_was_cut_goes_on_after_its_whole_files() {
    let (_here, source) = fresh();
    source.apply(story(50)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let manifest = snapshot.manifest().unwrap();
    let (_there, target) = fresh();

    let mut staging = target.receive(&manifest).unwrap();
    assert!(staging.present().is_empty());
    let long = longest(&manifest);
    let others: Vec<_> = manifest.files.iter().map(|part| part.name.clone()).filter(|name| *name != long).collect();
    for name in &others {
        send(&mut staging, &snapshot, name).unwrap();
    }
    let bytes = bytes_of(&snapshot, &long);
    staging.write(&long, 0, &bytes[..bytes.len() / 2], crc32c::crc32c(&bytes[..bytes.len() / 2])).unwrap();
    assert!(matches!(staging.finish(), Err(Error::Part { file, .. }) if file == long));
    drop(staging);

    let mut staging = target.receive(&manifest).unwrap();
    assert_eq!(staging.present(), others);
    send(&mut staging, &snapshot, &long).unwrap();
    target.install(staging).unwrap();
    assert_eq!(rows(&target), rows(&source));
}

#[test]
fn files_that_rotted_or_belong_to_another_snapshot_are_sent_again() {
    let (_here, source) = fresh();
    source.apply(story(20)).unwrap();
    let first = source.checkpoint().unwrap();
    let (_there, target) = fresh();
    let mut staging = target.receive(&first.manifest().unwrap()).unwrap();
    send_rest(&mut staging, &first);
    let path = target.inner.directory.staging();
    let rotten = longest(&first.manifest().unwrap());
    let mut bytes = fs::read(path.join(&rotten)).unwrap();
    bytes[7] ^= 1;
    fs::write(path.join(&rotten), bytes).unwrap();

    source.apply(story(40)[20..].to_vec()).unwrap();
    let second = source.checkpoint().unwrap();
    let mut staging = target.receive(&second.manifest().unwrap()).unwrap();
    let present = staging.present();
    assert!(!present.contains(&rotten));
    assert!(present.iter().any(|name| is_table(name)), "tables that both have are kept");
    send_rest(&mut staging, &second);
    target.install(staging).unwrap();
    assert_eq!(rows(&target), rows(&source));
}

#[test]
fn a_wrong_part_is_refused_and_its_file_can_be_sent_again() {
    let (_here, source) = fresh();
    source.apply(story(50)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let manifest = snapshot.manifest().unwrap();
    let name = longest(&manifest);
    let bytes = bytes_of(&snapshot, &name);
    let sum = crc32c::crc32c;
    let (_there, target) = fresh();
    let mut staging = target.receive(&manifest).unwrap();
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Part { .. })), "{result:?}");

    refused(staging.write(&name, 0, &bytes[..10], sum(&bytes[..11])));
    refused(staging.write("unknown", 0, b"x", sum(b"x")));
    refused(staging.write("../1/CURRENT", 0, b"x", sum(b"x")));
    refused(staging.write(&name, 5, &bytes[5..10], sum(&bytes[5..10])));
    staging.write(&name, 0, &bytes[..10], sum(&bytes[..10])).unwrap();
    refused(staging.write(&name, 20, &bytes[20..30], sum(&bytes[20..30])));
    let mut longer = bytes.clone();
    longer.push(0);
    refused(staging.write(&name, 0, &longer, sum(&longer)));
    let mut other = bytes.clone();
    other[3] ^= 1;
    refused(staging.write(&name, 0, &other, sum(&other)));
    assert!(!staging.present().contains(&name));
    assert!(staging.finish().is_err());

    send_rest(&mut staging, &snapshot);
    staging.write(&name, 0, b"more of a whole file", sum(b"more of a whole file")).unwrap();
    target.install(staging).unwrap();
    assert_eq!(rows(&target), rows(&source));
}

#[test]
fn a_later_transfer_takes_the_place_of_an_earlier_one() {
    let (_here, source) = fresh();
    source.apply(story(20)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let (_there, target) = fresh();
    let mut early = sent(&target, &snapshot);
    let late = sent(&target, &snapshot);
    assert!(matches!(early.write("CURRENT", 0, b"", 0), Err(Error::Superseded)));
    assert!(matches!(target.install(early), Err(Error::Superseded)));
    target.install(late).unwrap();
    assert_eq!(rows(&target), rows(&source));
}

#[test]
fn a_manifest_that_names_files_elsewhere_is_refused() {
    let (_here, source) = fresh();
    source.apply(story(5)).unwrap();
    let mut manifest = source.checkpoint().unwrap().manifest().unwrap();
    manifest.files[0].name = "../../escape".to_owned();
    let (there, target) = fresh();
    assert!(matches!(target.receive(&manifest), Err(Error::Manifest(_))));
    assert_eq!(directory::list(there.path()).unwrap(), ["0"]);
}

#[test]
fn a_checkpoint_of_a_generation_that_gave_way_is_not_published() {
    let (_here, source) = fresh();
    source.apply(story(30)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let (there, target) = fresh();
    target.apply(story(10)).unwrap();
    let staging = std::sync::Mutex::new(Some(sent(&target, &snapshot)));
    let path: PathBuf = there.path().join("0");
    // While the checkpoint is synced, a snapshot is installed.
    let hook = crate::store::crash_point::Hook::install(&path, {
        let target = target.clone();
        move |point| {
            let staging = if point == "checkpoint.synced" { staging.lock().unwrap().take() } else { None };
            if let Some(staging) = staging {
                target.install(staging).unwrap();
            }
        }
    });
    let published = target.checkpoint().unwrap();
    drop(hook);
    assert_eq!(published.last(), Some(log_id(29)));
    assert_eq!(target.current_snapshot().unwrap().directory(), published.directory());
    assert_eq!(rows(&target), rows(&source));
    drop(target);
    let mut left = directory::list(&path).unwrap();
    left.sort();
    assert_eq!(left, ["2", "current", "snapshot-2-00000000000000000029"]);
}
