//! What the README shows happens, word for word, and what it names is there.
//!
//! - Every line of its first transcript is typed into a shell, and what comes out is compared. Only what must differ from
//!   run to run may: times, processes, directories, and the ports, because somebody may use those of the README.
//! - Every other command that it or a page shows is understood, every test that it names exists, every link leads somewhere.

mod markdown;
mod shell;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use cluster_tests::checkout::repository;
use cluster_tests::cluster::turn;
use cluster_tests::scratch::Scratch;

use markdown::{blocks, column, links, simple_commands, steps};
use shell::Shell;
use transcript::{Names, Ports, normal};

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

/// The README and the pages, with their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = files(&repository().join("src/docs"), ".md");
    paths.push(repository().join("README.md"));
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_transcript_happens_as_it_is_written() {
    let _turn = turn().await;
    let readme = readme();
    let transcript = blocks(&readme).into_iter().find(|block| block.language == "console");
    let steps = steps(&transcript.expect("the README has a transcript"));
    let ports = Ports::choose(&steps.first().expect("the transcript has commands").command);

    let scratch = Scratch::new("readme");
    let mut shell = Shell::start(scratch.path());
    let (mut written, mut found) = (Names::default(), Names::default());
    let mut kills = 0;
    for step in &steps {
        let expected = ports.exchange(&step.printed);
        let mut command = ports.exchange(&step.command);
        if let Some(victim) = written.victim(&command) {
            command = command.replace(&victim, &found.leader().await);
            kills += 1;
        }
        let printed = shell.run(&command, expected.lines().count()).await;
        if let (Some(in_readme), Some(here)) = (Names::read(&expected), Names::read(&printed)) {
            (written, found) = (in_readme, here);
        }
        assert_eq!(
            normal(&printed, &found),
            normal(&expected, &written),
            "the README shows something else after\n$ {command}\nthan what it prints:\n{printed}",
        );
    }
    assert_eq!(kills, 1, "the transcript kills one node, by the number of a process that it shows");

    // It ends with the end of the cluster, which takes a moment.
    assert_eq!(shell.run("wait", 0).await, "");
    assert_eq!(shell.left_behind(), Vec::<PathBuf>::new(), "the cluster leaves nothing behind");
}

#[test]
fn every_command_that_is_shown_is_understood() {
    let scratch = Scratch::new("readme-commands");
    let shell = Shell::start(scratch.path());
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, page) in pages() {
        for block in blocks(&page) {
            let lines: Vec<String> = match block.language.as_str() {
                "console" => steps(&block).into_iter().map(|step| step.command).collect(),
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
    let names = column(&readme, "the test that shows it");
    assert!(names.len() > 10, "only {} rows were found", names.len());
    let is_test = |source: &String, name: &str| {
        source.split_once(&format!("fn {name}(")).is_some_and(|(before, _)| {
            let attribute = before.rsplit("\n\n").next().unwrap_or_default();
            attribute.contains("#[test]") || attribute.contains("#[tokio::test")
        })
    };
    for cell in names {
        let name = cell.trim_matches('`');
        assert!(sources.iter().any(|source| is_test(source, name)), "no test is called `{name}`");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for (path, page) in pages() {
        let beside = path.parent().expect("a page lies in a directory");
        for link in links(&page).filter(|link| !link.contains("://") && !link.starts_with('#')) {
            assert!(beside.join(link).exists(), "{} links to {link}, which is not there", path.display());
        }
    }
}
