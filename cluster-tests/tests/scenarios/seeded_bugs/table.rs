//! No binary that anybody runs has a seeded bug, and every seeded bug is in the table with the run of general chaos that has
//! caught it and with its story.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use cluster_tests::addresses::Addresses;
use cluster_tests::binary;
use cluster_tests::checkout::repository;
use cluster_tests::oracle::PROPERTIES;

fn read(path: &str) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

/// The names of all bugs, as their source has them.
fn bugs() -> Vec<String> {
    let source = read("src/types/seeded_bug.rs");
    let list = source.split_once("\nbugs! {\n").expect("the list of bugs").1.split_once("\n}\n").expect("its end").0;
    let quoted = |line: &str| Some(line.split_once(": \"")?.1.split_once("\",")?.0.to_owned());
    list.lines().filter(|line| !line.contains("///")).filter_map(quoted).collect()
}

/// Which of these words a binary holds.
fn held<'a>(binary: &Path, words: &[&'a str]) -> BTreeSet<&'a str> {
    let bytes = std::fs::read(binary).expect("read the binary");
    let text = String::from_utf8_lossy(&bytes);
    words.iter().copied().filter(|word| text.contains(word)).collect()
}

#[test]
fn the_ordinary_binary_has_no_seeded_bug() {
    let bugs = bugs();
    assert!(bugs.len() >= 48, "{bugs:?}");
    let mark = super::trial::MARK;
    let words: Vec<&str> = bugs.iter().map(String::as_str).chain([binary::BUG, mark]).collect();
    let all: BTreeSet<&str> = words.iter().copied().collect();
    assert_eq!(all.len(), words.len(), "a bug is there twice: {words:?}");
    assert_eq!(held(binary::ordinary(), &words), BTreeSet::new());
    // Otherwise nothing would be said by what the other one lacks.
    assert_eq!(held(binary::chaos(), &words), all);
}

#[test]
fn only_who_asks_for_it_gets_the_feature() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let features = manifest.get("features").and_then(toml::Value::as_table).expect("there are features");
    let mut with = features.iter().filter(|(_, needs)| needs.to_string().contains("chaos")).map(|(name, _)| name);
    assert!(features.contains_key("chaos") && features.contains_key("default"));
    assert_eq!(with.next(), None, "a feature brings the seeded bugs with it");
}

#[test]
fn an_unknown_bug_ends_the_process_with_a_sentence() {
    let scratch = cluster_tests::scratch::Scratch::new("unknown-bug");
    let addresses = Addresses::reserve();
    let mut node = Command::new(binary::chaos());
    node.args(["serve", "--node-id", "1"]);
    node.args(["--client-listen", &addresses.client(1).to_string()]);
    node.args(["--peer-listen", &addresses.peer(1).to_string()]);
    node.arg("--data-dir").arg(scratch.path()).env(binary::BUG, "no-such-bug").stdin(Stdio::null());
    let ended = node.output().expect("start a node");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success());
    assert!(said.contains("the bug no-such-bug; there are only these: nothing-is-synced, "), "{said}");
}

/// A row of the table.
struct Row {
    bug: String,
    /// What general chaos named, after how many seconds of load, with which seed.
    chaos: Option<(String, u64, u64)>,
    /// What the bug's story names, and the test that tells it.
    story: Option<(String, String)>,
}

/// What is in the cells of a row.
fn row(line: &str) -> Row {
    let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let [bug, _, chaos, seconds, seed, story] = <[String; 6]>::try_from(cells).expect("six cells");
    let number = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("{bug}: {cell} should be a number"));
    let chaos = match [chaos.as_str(), &seconds, &seed] {
        ["-", "-", "-"] => None,
        [property, seconds, seed] => Some((property.to_owned(), number(seconds), number(seed))),
    };
    let story = (story != "none").then(|| {
        let (property, test) = story.split_once(", ").expect("a property and a test");
        (property.to_owned(), test.trim_matches('`').to_owned())
    });
    Row { bug, chaos, story }
}

fn rows() -> Vec<Row> {
    let page = read("src/docs/chaos.md");
    let section = page.split_once("\n## The seeded bugs\n").expect("the section of seeded bugs").1.to_owned();
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| bug |")).map(row).collect()
}

fn is_known(property: &str) -> bool {
    PROPERTIES.iter().any(|known| known.name == property)
}

#[test]
fn the_table_has_every_bug_in_the_order_of_the_source() {
    let rows = rows();
    let named: Vec<&str> = rows.iter().map(|row| row.bug.as_str()).collect();
    assert_eq!(named, bugs());
}

#[test]
fn every_bug_was_caught_by_general_chaos_in_three_minutes_of_load_or_has_a_story() {
    for Row { bug, chaos, story } in rows() {
        assert!(chaos.is_some() || story.is_some(), "nothing has caught {bug}");
        if let Some((property, seconds, _)) = chaos {
            assert!(is_known(&property), "{bug}: {property}");
            assert!(seconds <= 180, "{bug}: {seconds} seconds");
        }
    }
}

#[test]
fn every_story_of_the_table_is_a_test_that_asks_for_its_property() {
    let stories: Vec<_> = rows().into_iter().filter_map(|row| Some((row.bug, row.story?))).collect();
    assert!(stories.len() >= 27, "a story is gone: there are {}", stories.len());
    for (bug, (property, test)) in &stories {
        let (file, name) = test.rsplit_once("::").expect("a test has a file");
        let source = read(&format!("cluster-tests/tests/scenarios/{}.rs", file.replace("::", "/")));
        let body = source.split_once(&format!("async fn {name}(")).unwrap_or_else(|| panic!("{test} is not there")).1;
        let body = body.split_once("\n}\n").expect("a test ends").0;
        assert!(body.contains(&format!("\"{bug}\"")), "{test} does not name {bug}");
        assert!(property == "money" || is_known(property), "{property}");
        let asks = [format!("\"{property}\""), property.to_uppercase()];
        let by_helper = file == "power_cut" && source.contains(&format!("== \"{property}\""));
        assert!(by_helper || asks.iter().any(|word| body.contains(word)), "{test} does not ask for {property}");
    }
}
