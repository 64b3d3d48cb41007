//! Which commands there are, as the program itself says, and which of them the transcripts show.

use std::collections::BTreeMap;
use std::process::Stdio;

use cluster_tests::binary;
use cluster_tests::launcher::mortal;

use crate::script::{Case, FORMATS};

/// A command, as its help tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// As it is typed, behind `oncelog`.
    pub(crate) path: String,
    pub(crate) has_subcommands: bool,
    pub(crate) has_formats: bool,
}

/// All commands, by the help of each.
pub(crate) fn commands() -> Vec<Known> {
    let mut open = vec![String::new()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let mut command = mortal(binary::ordinary());
        command.args(path.split_whitespace()).arg("--help").stdin(Stdio::null());
        let output = command.output().expect("start the program");
        assert!(output.status.success(), "`oncelog {path} --help` fails");
        let help = String::from_utf8_lossy(&output.stdout);
        let below = subcommands(&help);
        let (has_subcommands, has_formats) = (!below.is_empty(), help.contains("--output <"));
        open.extend(below.into_iter().map(|name| format!("{path} {name}").trim_start().to_owned()));
        found.push(Known { path, has_subcommands, has_formats });
    }
    found
}

/// The names below `Commands:`, but for `help`, which every group has.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        name.split_whitespace().next().map(str::to_owned)
    });
    names.filter(|name| name != "help").collect()
}

/// What the transcripts lack of a command.
pub(crate) fn missing(known: &Known, cases: &[Case]) -> Vec<String> {
    let call = format!("oncelog {}", known.path).trim_end().to_owned();
    let help = format!("{call} --help");
    let mut missing = Vec::new();
    if !cases.iter().any(|case| case.command == help) {
        missing.push(format!("`{help}`"));
    }
    if known.has_subcommands {
        return missing;
    }
    let mut codes: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.command.ends_with("--help") && calls(&case.command, &call)) {
        codes.entry(case.format).or_default().push(case.code);
    }
    let formats = if known.has_formats { &FORMATS[..] } else { &["table"] };
    for format in formats {
        let codes = codes.get(format).map(Vec::as_slice).unwrap_or_default();
        for (what, is_there) in [("success", codes.contains(&0)), ("failure", codes.iter().any(|code| *code != 0))] {
            if !is_there {
                missing.push(format!("a {what} of `{call} -o {format}`"));
            }
        }
    }
    missing
}

/// Whether a line of shell calls a command: other words may follow, but no letters.
fn calls(line: &str, call: &str) -> bool {
    let mut ends = line.match_indices(call).map(|(at, _)| line.get(at + call.len()..).unwrap_or_default());
    ends.any(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[test]
fn subcommands_are_read_from_a_help() {
    let help = "A log.\n\nUsage: oncelog <COMMAND>\n\nCommands:\n  append  Append\n          more\n  help    Print\n\nOptions:\n  -h\n";
    assert_eq!(subcommands(help), ["append"]);
    assert_eq!(subcommands("Usage: oncelog append\n"), Vec::<String>::new());
}

#[test]
fn what_is_not_shown_is_missing() {
    let known = Known { path: "log list".to_owned(), has_subcommands: false, has_formats: false };
    let case = |command: &str, code| Case { command: command.to_owned(), format: "table", code };
    let all = [case("oncelog log list --help", 0), case("oncelog log list", 0), case("a | oncelog log list b", 2)];
    assert_eq!(missing(&known, &all), Vec::<String>::new());
    let without = |index: usize| {
        let kept = all.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, case)| case.clone());
        missing(&known, &kept.collect::<Vec<_>>())
    };
    assert_eq!(without(0), ["`oncelog log list --help`"]);
    assert_eq!(without(1), ["a success of `oncelog log list -o table`"]);
    assert_eq!(without(2), ["a failure of `oncelog log list -o table`"]);
    assert_eq!(missing(&Known { has_formats: true, ..known }, &all).len(), 8);
}
