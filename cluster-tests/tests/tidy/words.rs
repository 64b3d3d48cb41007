//! What no file may say.

use crate::source::Source;

/// Hosts that a link may lead to.
const HOSTS: [&str; 14] = [
    "apache.org",
    "choosealicense.com",
    "docs.rs",
    "en.wikipedia.org",
    "github.com",
    "grpc.io",
    "keepachangelog.com",
    "opencollective.com",
    "raft.github.io",
    "rust-lang.org",
    "rustup.rs",
    "semver.org",
    "w3.org",
    "example.com",
];

/// Words for unfinished work, put together here so that this file does not hold them.
fn unfinished() -> [String; 4] {
    [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|parts| parts.concat())
}

/// Beginnings of paths that only one machine has.
fn machine_paths() -> [String; 4] {
    ["root", "home", "Users", "work"].map(|directory| format!("/{directory}/"))
}

/// Lines of a file that say what none may say.
pub(crate) fn banned(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut report = |what: String| found.push(format!("{path}:{number}: {what}"));
        for word in unfinished().iter().filter(|word| stands_alone(line, word)) {
            report(format!("`{word}`: finish it, or say in prose what is not done"));
        }
        for start in machine_paths().iter().filter(|start| begins_a_path(line, start)) {
            report(format!("`{start}…` is a path of one machine"));
        }
        for host in hosts(line) {
            let known = HOSTS.iter().any(|known| host == *known || host.ends_with(&format!(".{known}")));
            if !known {
                report(format!("{host} is no known host"));
            }
        }
    }
    found
}

/// A Rust file without a head.
pub(crate) fn headless(source: &Source) -> Vec<String> {
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.starts_with("//!") { Vec::new() } else { vec![source.at(1, "no `//!`")] }
}

fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let neighbours = [line[..at].chars().next_back(), line[at + word.len()..].chars().next()];
        !neighbours.into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Only at its start is a directory of one machine's: not inside a longer path, nor after `~` or a variable.
fn begins_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || "_.-~}*…)>".contains(before))
    })
}

/// Hosts of the links in a line; addresses of this machine and placeholders are none.
fn hosts(line: &str) -> Vec<String> {
    let starts = line.match_indices("://").map(|(at, _)| &line[at + 3..]);
    starts
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect::<String>())
        .filter(|host| host.contains('.') && host.chars().any(|c| c.is_ascii_alphabetic()))
        .map(|host| host.trim_end_matches('.').to_owned())
        .collect()
}

#[test]
fn banned_words_are_found() {
    let found = |line: &str| banned("a", line).len();
    let [todo, ..] = unfinished();
    assert_eq!(found(&format!("// {todo}: later")), 1);
    assert_eq!(found(&format!("let {todo}S = 1;")), 0);
    let [root, ..] = machine_paths();
    assert_eq!(found(&format!("cd {root}project")), 1);
    assert_eq!(found(&format!("cd src{root}project")), 0);
    let scheme = "https:";
    assert_eq!(found(&format!("{scheme}//packages.acme.io/simple")), 1);
    assert_eq!(found(&format!("{scheme}//www.apache.org/licenses and {scheme}//127.0.0.1:7420")), 0);
}

#[test]
fn a_file_without_a_head_is_found() {
    assert_eq!(headless(&Source::new("a.rs", "\n//! A head.\n")).len(), 0);
    assert_eq!(headless(&Source::new("a.rs", "use a;\n")).len(), 1);
}
