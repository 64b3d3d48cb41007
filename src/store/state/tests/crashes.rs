//! A crash at every step.
//!
//! At each point a copy is taken of what a killed process would leave. Each copy opens, holds a prefix of what was applied,
//! whole, and goes on from there to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::super::directory;
use super::model::Model;
use super::*;
use crate::store::crash_point::{Hook, image, point};

/// How often a point is looked at; what comes later is the same once more.
const IMAGES_OF_A_POINT_MAX: usize = 2;

#[derive(Default)]
struct Images {
    taken: BTreeMap<&'static str, Vec<PathBuf>>,
}

fn watch(root: &Path, into: &Path) -> (Hook, Arc<Mutex<Images>>) {
    let images = Arc::new(Mutex::new(Images::default()));
    let hook = Hook::install(root, {
        let (root, into, images) = (root.to_owned(), into.to_owned(), images.clone());
        move |point| {
            let mut images = images.lock().unwrap();
            let taken = images.taken.entry(point).or_default();
            if taken.len() < IMAGES_OF_A_POINT_MAX {
                let path = into.join(format!("{} {}", point.replace('.', "-"), taken.len()));
                image(&root, &path);
                taken.push(path);
            }
        }
    });
    (hook, images)
}

/// The points of a state. Those of other stores begin with other words.
fn points_of_a_state() -> BTreeSet<String> {
    let words = ["create.", "apply.", "flush.", "checkpoint.", "receive.", "install."];
    let of_a_state = |point: &&&str| words.iter().any(|word| point.starts_with(word));
    point::ALL.iter().filter(of_a_state).map(|point| (*point).to_owned()).collect()
}

/// Opens what a crash left, checks it, and lets it go on to the end.
fn recover(path: &Path, entries: &[LogEntry], end: &Rows) {
    let state = open(path);
    let applied = state.applied().log_id.map_or(0, |last| usize::try_from(last.index.0).unwrap() + 1);
    assert_eq!(rows(&state), Model::after(&entries[..applied]).rows(), "{}", path.display());
    let snapshot = state.current_snapshot();
    if let Some(snapshot) = &snapshot {
        assert!(snapshot.last() <= state.applied().log_id);
        let copy = path.with_extension("snapshot");
        image(snapshot.directory(), &copy);
        let count = snapshot.last().map_or(0, |last| usize::try_from(last.index.0).unwrap() + 1);
        let content = rows_of(&Generation::open(copy, 1, false).unwrap());
        assert_eq!(content, Model::after(&entries[..count]).rows());
    }
    let mut left = directory::list(path).unwrap();
    left.sort();
    let expected = 2 + usize::from(snapshot.is_some());
    assert_eq!(left.len(), expected, "leftovers: {left:?}");

    state.apply(entries[applied..].to_vec()).unwrap();
    assert_eq!(&rows(&state), end);
    assert_eq!(state.checkpoint().unwrap().last(), state.applied().log_id);
    drop((snapshot, state));
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_crash_at_any_step_leaves_a_prefix_that_goes_on_to_the_same_end() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("0");
    let images_path = directory.path().join("images");
    fs::create_dir(&images_path).unwrap();
    let (hook, images) = watch(&root, &images_path);
    let entries = story(60);

    let (_elsewhere, source) = fresh();
    source.apply(entries[..40].to_vec()).unwrap();
    let snapshot = source.checkpoint().unwrap();

    let state = open(&root);
    state.apply(entries[..5].to_vec()).unwrap();
    state.flush().unwrap();
    state.apply(entries[5..9].to_vec()).unwrap();
    state.checkpoint().unwrap();
    state.apply(entries[9..12].to_vec()).unwrap();
    state.checkpoint().unwrap();
    state.apply(entries[12..15].to_vec()).unwrap();
    state.install_copy(&snapshot).unwrap();
    state.apply(entries[40..].to_vec()).unwrap();
    let end = rows(&state);
    assert_eq!(end, Model::after(&entries).rows());
    drop((hook, state));

    let taken = std::mem::take(&mut images.lock().unwrap().taken);
    let reached: BTreeSet<_> = taken.keys().map(|&point| point.to_owned()).collect();
    assert_eq!(reached, points_of_a_state(), "a point that the story does not reach");
    for path in taken.into_values().flatten() {
        recover(&path, &entries, &end);
    }
}

#[test]
fn before_the_switch_a_crash_leaves_the_old_generation_and_after_it_the_new() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("0");
    let images_path = directory.path().join("images");
    fs::create_dir(&images_path).unwrap();
    let entries = story(30);
    let (_elsewhere, source) = fresh();
    source.apply(entries.clone()).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let state = open(&root);
    state.apply(entries[..10].to_vec()).unwrap();
    state.flush().unwrap();
    let (hook, images) = watch(&root, &images_path);
    state.install_copy(&snapshot).unwrap();
    drop(hook);

    let after = ["install.switched", "install.published"];
    let taken = std::mem::take(&mut images.lock().unwrap().taken);
    assert!(after.iter().all(|point| taken.contains_key(point)));
    for (point, paths) in taken {
        for path in paths {
            let left = open(&path);
            let expected = if after.contains(&point) { 29 } else { 9 };
            assert_eq!(left.applied().log_id, Some(log_id(expected)), "{point}");
            let published = left.current_snapshot().and_then(|snapshot| snapshot.last());
            // The log behind an installed snapshot is gone, so the snapshot must be there to be sent on.
            assert_eq!(published, after.contains(&point).then(|| log_id(29)), "{point}");
            left.install_copy(&snapshot).unwrap();
            assert_eq!(rows(&left), rows(&source), "{point}");
        }
    }
}

#[test]
fn a_failed_switch_stops_the_state_and_leaves_one_of_both_whole() {
    let (_here, source) = fresh();
    source.apply(story(30)).unwrap();
    let snapshot = source.checkpoint().unwrap();
    let (there, target) = fresh();
    target.apply(story(10)).unwrap();
    target.flush().unwrap();
    let path = there.path().join("0");
    let hook = Hook::fail(&path, "install.switch");
    assert!(target.install_copy(&snapshot).is_err());
    drop(hook);
    assert!(target.apply(vec![blank(10)]).is_err());
    assert!(target.receive(&snapshot.manifest().unwrap()).is_err());
    drop(target);
    let reopened = open(&path);
    assert_eq!(rows(&reopened), Model::after(&story(10)).rows());
    reopened.install_copy(&snapshot).unwrap();
    assert_eq!(rows(&reopened), rows(&source));
}
