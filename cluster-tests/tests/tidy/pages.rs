//! What pages say about the repository itself: the decisions, the layers, and where things are.
//!
//! - The index of decisions and the Rust docs name every decision, once, by its title.
//! - The table of layers in ARCHITECTURE.md is the table that the sources are held to.
//! - A path that a page names is there.

use std::fs;
use std::path::Path;

use cluster_tests::checkout::repository;

use crate::layers::MAY_IMPORT;
use crate::source::Tree;

const DECISIONS: &str = "src/docs/decisions/";
const INDEX: &str = "README.md";
/// What the table of layers need not show: the map of the house declares everything and uses nothing.
const WITHOUT_ROW: [&str; 1] = ["lib"];
/// Beginnings of what is a path from the top of the repository.
const FROM_THE_TOP: [&str; 5] = ["src/", "proto/", "cluster-tests/", "scripts/", "examples/"];
/// Stands for a name that the reader chooses.
const PLACEHOLDER: &str = "NAME";

/// What is wrong with the index of decisions and with the modules that show them.
pub(crate) fn decisions(tree: &Tree) -> Vec<String> {
    let pages: Vec<(&str, &str)> = tree
        .texts()
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(DECISIONS)?, text.as_str())))
        .filter(|(name, _)| *name != INDEX)
        .collect();
    let index = read(&format!("{DECISIONS}{INDEX}"));
    wrong_with_index(&pages, &index, &read("src/docs/mod.rs"))
}

fn wrong_with_index(pages: &[(&str, &str)], index: &str, modules: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in pages {
        let title = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let rows = index.lines().filter(|line| line.ends_with(&format!(" | [{title}]({name}) |"))).count();
        if rows != 1 {
            found.push(format!("{DECISIONS}{INDEX}: {rows} rows end with `| [{title}]({name}) |`"));
        }
        if !modules.contains(&format!("\"decisions/{name}\"")) {
            found.push(format!("src/docs/mod.rs does not show decisions/{name}"));
        }
    }
    let rows = index.lines().filter(|line| line.contains("](")).count();
    if rows != pages.len() {
        found.push(format!("{DECISIONS}{INDEX} has {rows} rows for {} decisions", pages.len()));
    }
    found
}

/// Layers that ARCHITECTURE.md shows otherwise than they are.
pub(crate) fn layers() -> Vec<String> {
    wrong_with_layers(&read("ARCHITECTURE.md"))
}

fn wrong_with_layers(page: &str) -> Vec<String> {
    let row = |(layer, allowed): &(&str, &[&str])| {
        let names: Vec<_> = allowed.iter().map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
        format!("| `{layer}` | {names} | ")
    };
    let layers = MAY_IMPORT.iter().filter(|(layer, _)| !WITHOUT_ROW.contains(layer));
    let missing = layers.map(row).filter(|row| !page.lines().any(|line| line.starts_with(row)));
    missing.map(|row| format!("ARCHITECTURE.md has no row that begins with `{row}`")).collect()
}

/// Paths that pages name and that lead nowhere.
pub(crate) fn paths(tree: &Tree) -> Vec<String> {
    let pages =
        tree.texts().iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "md"));
    let missing = pages.flat_map(|(page, text)| {
        let missing = named(text).into_iter().filter(|path| !repository().join(path).exists());
        missing.map(move |path| format!("{page} names {path}, which is not there")).collect::<Vec<_>>()
    });
    missing.collect()
}

/// The paths in the code of a page's sentences.
fn named(text: &str) -> Vec<&str> {
    let prose = text.split("\n```").step_by(2);
    let code = prose.flat_map(|part| part.split('`').skip(1).step_by(2));
    let words = code.filter_map(|code| code.split_whitespace().next());
    let paths = words.map(|word| word.trim_end_matches('/')).filter(|word| {
        FROM_THE_TOP.iter().any(|start| word.starts_with(start)) && !word.contains(PLACEHOLDER) && !word.contains('*')
    });
    paths.collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

#[test]
fn a_decision_that_the_index_lacks_is_found() {
    let pages = [("a.md", "# A is so\n"), ("b.md", "# B is so\n")];
    let modules = "\"decisions/a.md\" \"decisions/b.md\"";
    let index = "| 2026-11-21 | [A is so](a.md) |\n| 2026-11-24 | [B is so](b.md) |\n";
    assert_eq!(wrong_with_index(&pages, index, modules), Vec::<String>::new());
    assert_eq!(wrong_with_index(&pages, "| 2026-11-21 | [A is so](a.md) |\n", modules).len(), 2);
    assert_eq!(wrong_with_index(&pages, &index.replace("B is so", "B was so"), modules).len(), 1);
    assert_eq!(wrong_with_index(&pages, index, "\"decisions/a.md\"").len(), 1);
    assert_eq!(wrong_with_index(&pages[..1], index, modules).len(), 1);
}

#[test]
fn paths_are_found_in_sentences_only() {
    let page = "See `src/a.rs`, `src/b/` and `scripts/c --d`, not `e/src/f` or `src/NAME.rs`.\n\n```sh\ncat `src/g`\n```\n`src/h`\n";
    assert_eq!(named(page), ["src/a.rs", "src/b", "scripts/c", "src/h"]);
}

#[test]
fn a_layer_that_the_page_shows_otherwise_is_found() {
    let page = read("ARCHITECTURE.md");
    assert_eq!(wrong_with_layers(&page), Vec::<String>::new());
    assert_eq!(wrong_with_layers(&page.replace("| `cli` | `client`, `types` |", "| `cli` | `client` |")).len(), 1);
}
