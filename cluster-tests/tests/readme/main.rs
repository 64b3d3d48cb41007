//! What the README shows happens, word for word, and what it names is there.
//!
//! - Its first screen and all its commands are typed into a shell ([`typed`]).
//! - Its table of what there is and what there is not is held against the program and the protos ([`surface`]).
//! - Its program in Rust is an example that runs; the one in Python is run among the stock clients.
//! - Every line of the pages is typed, too, and ends as its page says ([`pages`]).
//! - Every other command that it or a page shows is understood, every test that it names exists, every link leads somewhere.

mod pages;
mod shell;
mod surface;
mod transcript;
mod typed;

use std::fs;
use std::path::{Path, PathBuf};

use cluster_tests::checkout::repository;
use cluster_tests::cluster::Cluster;
use cluster_tests::markdown::{anchors, blocks, code, links, simple_commands, table};
use cluster_tests::program::Program;
use cluster_tests::scratch::Scratch;

use shell::Shell;

/// As much as a page of a repository shows without scrolling.
const WIDTH: usize = 100;

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

fn readme() -> String {
    text(&repository().join("README.md"))
}

/// All files below a directory whose names end like this.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("read a directory of the repository");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("read a directory of the repository").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

/// The README, what lies beside it, and the pages, with their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = files(&repository().join("src/docs"), ".md");
    let beside = fs::read_dir(repository()).expect("read the repository");
    let beside = beside.map(|entry| entry.expect("read the repository").path());
    paths.extend(beside.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

#[test]
fn every_command_that_is_shown_is_understood() {
    let scratch = Scratch::new("readme-understood");
    let shell = Shell::start(scratch.path());
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, page) in pages() {
        for block in blocks(&page) {
            let lines: Vec<String> = match block.language.as_str() {
                "console" => block.steps().into_iter().map(|step| step.command).collect(),
                "sh" => block.commands(),
                _ => continue,
            };
            for command in lines.iter().flat_map(|line| simple_commands(line)) {
                if command.split_whitespace().next() == Some("oncelog") {
                    count += 1;
                    wrong.extend(shell.misunderstood(&command).map(|why| format!("{}: {why}", path.display())));
                }
            }
        }
    }
    assert!(count > 20, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_test_that_the_readme_names_is_there() {
    let sources: Vec<String> = ["cluster-tests/tests", "src"]
        .iter()
        .flat_map(|directory| files(&repository().join(directory), ".rs"))
        .map(|path| text(&path))
        .collect();
    let readme = readme();
    let rows = table(&readme, "the test that shows it");
    assert!(rows.len() > 10, "only {} rows were found", rows.len());
    let is_test = |source: &String, name: &str| {
        source.split_once(&format!("fn {name}(")).is_some_and(|(before, _)| {
            let attribute = before.rsplit("\n\n").next().unwrap_or_default();
            attribute.contains("#[test]") || attribute.contains("#[tokio::test")
        })
    };
    for row in rows {
        let names = row.last().map(|cell| code(cell)).unwrap_or_default();
        let [name] = names.as_slice() else { panic!("the last cell of a row names one test: {row:?}") };
        assert!(sources.iter().any(|source| is_test(source, name)), "no test is called `{name}`");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for (path, page) in pages() {
        let beside = path.parent().expect("a page lies in a directory");
        for link in links(&page).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { beside.join(file) };
            assert!(target.exists(), "{} links to {link}, which is not there", path.display());
            let is_named = || anchors(&text(&target)).iter().any(|name| name == anchor);
            assert!(anchor.is_empty() || is_named(), "{} links to {link}: no heading is called so", path.display());
        }
    }
}

/// Of an example only its head is not in the README: there it would say of itself where it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_rust_is_an_example_and_runs() {
    let readme = readme();
    let program = blocks(&readme).into_iter().find(|block| block.language.starts_with("rust")).expect("a program");
    let example = text(&repository().join("examples/quickstart.rs"));
    let (head, body) = example.split_once("\n\n").expect("an example has a head");
    assert!(head.lines().all(|line| line.starts_with("//!")), "{head}");
    assert_eq!(program.text(), body, "the README and examples/quickstart.rs differ");

    let cluster = Cluster::start("readme-rust").await;
    for arrival in ["first", "replayed"] {
        let ended = Program::example(&cluster, "quickstart", &[]).ended().await.succeeded();
        assert_eq!(ended.lines.first(), Some(&format!("offset 0, {arrival}")), "{:?}", ended.lines);
    }
    // One append, a thousand in a stream, and one of each run from its outbox.
    assert_eq!(cluster.node(1).client().texts("orders").await.len(), 1 + 1_000 + 2);
}

#[test]
fn the_program_in_rust_has_the_dependencies_that_it_needs() {
    let readme = readme();
    let block = |language: &str| {
        let found = blocks(&readme).into_iter().find(|block| block.language.starts_with(language));
        found.unwrap_or_else(|| panic!("the README has a block of {language}")).text()
    };
    let read = |text: &str| text.parse::<toml::Table>().expect("this is TOML");
    let (snippet, manifest) = (read(&block("toml")), read(&text(&repository().join("Cargo.toml"))));
    let dependencies = snippet["dependencies"].as_table().expect("the README names dependencies");
    for feature in dependencies["oncelog"]["features"].as_array().expect("the README names features") {
        assert!(manifest["features"].get(feature.as_str().unwrap_or_default()).is_some(), "there is no {feature}");
    }
    let program = block("rust");
    let paths = program.lines().filter_map(|line| line.strip_prefix("use ").or(line.strip_prefix("#[")));
    let mut crates: Vec<_> = paths.filter_map(|path| path.split("::").next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert_eq!(crates, dependencies.keys().collect::<Vec<_>>(), "what the program uses, and what the README names");
}

#[test]
fn no_line_for_a_shell_is_wider_than_a_page() {
    for block in blocks(&readme()).into_iter().filter(|block| ["console", "sh"].contains(&block.language.as_str())) {
        for line in block.lines {
            assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
        }
    }
}
