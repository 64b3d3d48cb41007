//! Who may import whom.

use crate::source::Source;

/// Each layer and those that it may import, itself apart.
pub(crate) const MAY_IMPORT: [(&str, &[&str]); 13] = [
    ("types", &[]),
    ("machine", &["types"]),
    ("store", &["types", "machine"]),
    ("wire", &["types", "machine"]),
    ("raft", &["types", "machine", "store", "wire"]),
    ("engine", &["types", "machine", "store", "wire", "raft"]),
    ("api", &["engine", "wire", "types"]),
    ("client", &["wire", "types", "machine"]),
    ("node", &["api", "engine", "raft", "store", "types"]),
    ("cli", &["client", "types"]),
    ("program", &["cli", "node"]),
    ("main", &["program"]),
    // The map of the house declares everything, and uses nothing but what it publishes.
    ("lib", &["types"]),
];

/// Modules of the library that are no layer: pages for people.
const NO_LAYER: [&str; 1] = ["docs"];

/// Imports that a file's layer may not make.
pub(crate) fn violations(source: &Source) -> Vec<String> {
    let Some(layer) = source.layer().filter(|layer| !NO_LAYER.contains(layer)) else { return Vec::new() };
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{}: `{layer}` is no layer of the table", source.path)];
    };
    // `main` reaches the library by its name; everyone else by `crate`.
    let root = if layer == "main" { "oncelog" } else { "crate" };
    let mut found = Vec::new();
    for (line, imported) in imported(&source.code, root) {
        if imported != layer && !allowed.contains(&imported.as_str()) {
            found.push(source.at(line, format_args!("`{layer}` may not import `{imported}`")));
        }
    }
    for (line, code) in source.lines() {
        for (other, _) in MAY_IMPORT.iter().filter(|(other, _)| code.contains(&format!("super::{other}::"))) {
            found.push(source.at(line, format_args!("`{other}` is reached by `super`: name it from `{root}`")));
        }
    }
    found
}

/// The first names after `root::`, of single paths and of groups (`root::{a, b::{c, d}}`), with their lines.
fn imported(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let start = format!("{root}::");
    for (at, _) in code.match_indices(&start) {
        if code[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || "_:$".contains(before)) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(names_of_group(group).into_iter().map(|name| (line, name))),
            None => found.push((line, word(rest))),
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

fn names_of_group(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut expected = true;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expected = true,
            _ if expected && !character.is_whitespace() => {
                names.push(word(&group[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn imports_upwards_are_found() {
    let found = |path: &str, text: &str| violations(&Source::new(path, text)).len();
    assert_eq!(found("src/types/id.rs", "use super::codec::Decoder;"), 0);
    assert_eq!(found("src/machine/run.rs", "use crate::types::Id;\nuse crate::machine::view;"), 0);
    assert_eq!(found("src/machine/run.rs", "use crate::store::State;"), 1);
    assert_eq!(found("src/machine/run.rs", "fn a() { crate::engine::propose() }"), 1);
    assert_eq!(found("src/machine/run.rs", "use crate::{types::{Id, Name}, store, raft::Handle};"), 2);
    assert_eq!(found("src/machine/run.rs", "// crate::engine::propose\nlet a = \"crate::store::b\";"), 0);
    assert_eq!(found("src/machine/run.rs", "use super::super::store::State;"), 1);
    assert_eq!(found("src/api/log_service.rs", "use crate::raft::Role;"), 1);
    assert_eq!(found("src/program.rs", "use crate::{cli, node};"), 0);
    assert_eq!(found("src/main.rs", "use oncelog::engine::Engine;"), 1);
    assert_eq!(found("src/helpers/mod.rs", ""), 1);
    assert_eq!(found("cluster-tests/src/lib.rs", "use crate::store::b;"), 0);
}
