//! The top level of the repository, which a newcomer sees first.

use std::fs;
use std::path::Path;

use cluster_tests::checkout::repository;

use crate::source::NOT_OURS;

/// All that may be there; hidden files may be, too.
const MAY_BE_THERE: [&str; 14] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "build.rs",
    "cluster-tests",
    "examples",
    "proto",
    "scripts",
    "src",
];

/// The names at the top level.
pub(crate) fn top_level() -> Vec<String> {
    let entries = fs::read_dir(repository()).expect("read the top of the repository");
    entries
        .map(|entry| entry.expect("read the top of the repository").file_name().to_string_lossy().into_owned())
        .collect()
}

/// Those that should not be there.
pub(crate) fn strangers(names: &[String]) -> Vec<String> {
    let known = |name: &str| MAY_BE_THERE.contains(&name) || NOT_OURS.contains(&name) || name.starts_with('.');
    names.iter().filter(|name| !known(name)).cloned().collect()
}

/// What would make the black box share code with what it tests.
pub(crate) fn inside_the_black_box() -> Vec<String> {
    let text =
        fs::read_to_string(repository().join("cluster-tests/Cargo.toml")).expect("read cluster-tests/Cargo.toml");
    let manifest: toml::Table = text.parse().expect("cluster-tests/Cargo.toml is TOML");
    let names = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter().filter_map(|kind| {
        let table = manifest.get(kind)?.as_table()?;
        table.contains_key("oncelog").then(|| format!("[{kind}] oncelog"))
    });
    names.collect()
}

/// Examples without a line in the index, and lines without an example.
pub(crate) fn examples_out_of_index() -> Vec<String> {
    let directory = repository().join("examples");
    let index = fs::read_to_string(directory.join("README.md")).expect("read the index of the examples");
    let listed: Vec<&str> =
        index.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once('`')).map(|(name, _)| name).collect();
    let entries = fs::read_dir(directory).expect("read the examples");
    let files = entries.map(|entry| entry.expect("read the examples").file_name().to_string_lossy().into_owned());
    let there: Vec<String> =
        files.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "rs")).collect();
    let unlisted =
        there.iter().filter(|name| !listed.contains(&name.as_str())).map(|name| format!("{name} has no line"));
    let gone =
        listed.iter().filter(|name| !there.iter().any(|file| file == *name)).map(|name| format!("{name} is not there"));
    unlisted.chain(gone).collect()
}

#[test]
fn a_stranger_at_the_top_level_is_found() {
    let names = ["src", ".gitignore", "target", "notes.txt"].map(str::to_owned);
    assert_eq!(strangers(&names), ["notes.txt"]);
}
