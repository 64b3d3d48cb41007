//! Files of a layer import each other in no circle.
//!
//! - A file imports another when it names its module, or something in it, by `crate::`, `super::`, `self::` or by the name of
//!   a module that it declares. A re-export is an import like any other.
//! - Declaring a module is no import: a parent may use its children, and children may not use their parent.
//! - What is compiled for tests only does not count.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Layers whose files are held to it.
const HELD: [&str; 1] = ["cli"];

/// Every circle of files in the layers that are held to it, each once.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    HELD.iter().flat_map(|layer| circles_of(sources, layer)).collect()
}

fn circles_of(sources: &[Source], layer: &str) -> Vec<String> {
    let inside: Vec<&Source> =
        sources.iter().filter(|source| source.layer() == Some(layer) && !source.is_test()).collect();
    let modules: BTreeSet<String> = inside.iter().map(|source| module(&source.path)).collect();
    let imports: BTreeMap<String, BTreeSet<String>> =
        inside.iter().map(|source| (module(&source.path), imports(source, &modules))).collect();
    let mut found = BTreeSet::new();
    for start in imports.keys() {
        let mut path = vec![start.clone()];
        if let Some(circle) = search(&imports, start, &mut path, &mut BTreeSet::new()) {
            found.insert(circle);
        }
    }
    // A file that only leads into a circle finds it, too: each circle is told from its first file on.
    found.into_iter().collect()
}

/// A way from the end of the path back to its start.
fn search(
    imports: &BTreeMap<String, BTreeSet<String>>,
    start: &String,
    path: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
) -> Option<String> {
    let last = path.last()?.clone();
    for next in imports.get(&last).into_iter().flatten() {
        if next == start {
            // Whatever file it is found from, a circle is written in one way.
            let first = path.iter().enumerate().min_by_key(|(_, name)| (*name).clone()).map_or(0, |(place, _)| place);
            let mut circle = path.clone();
            circle.rotate_left(first);
            circle.push(circle.first().cloned().unwrap_or_default());
            return Some(circle.join(" → "));
        }
        if seen.insert(next.clone()) {
            path.push(next.clone());
            if let Some(circle) = search(imports, start, path, seen) {
                return Some(circle);
            }
            path.pop();
        }
    }
    None
}

/// `src/cli/arguments/mod.rs` is `cli::arguments`.
fn module(path: &str) -> String {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inside.replace('/', "::")
}

/// The modules of the layer that a file imports, itself apart.
fn imports(source: &Source, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let own = module(&source.path);
    let mut found: BTreeSet<String> =
        paths(&shipped(&source.code)).iter().filter_map(|path| resolve(&own, path, modules)).collect();
    found.remove(&own);
    found
}

/// The code without its test modules, and without the words for who may see what (`pub(in crate::cli)`), which import nothing.
fn shipped(code: &str) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let is_tests = |pair: &&[&str]| matches!(pair, [mark, module] if mark.trim() == "#[cfg(test)]" && module.contains("mod ") && module.ends_with('{'));
    let end = lines.windows(2).position(|pair| is_tests(&pair)).unwrap_or(lines.len());
    let mut shipped = lines.into_iter().take(end).collect::<Vec<_>>().join("\n");
    while let Some(start) = shipped.find("pub(") {
        let length = shipped[start..].find(')').map_or(shipped.len() - start, |length| length + 1);
        shipped.replace_range(start..start + length, "");
    }
    shipped
}

/// All paths in a text, with groups (`super::{a, b::{self, c}}`) written out.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_name) {
        let from = &rest[start..];
        let mut path = Vec::new();
        rest = path_at(from, &mut path, &mut found);
    }
    found
}

/// Reads one path, with all that its groups hold, and says what comes behind it.
fn path_at<'a>(mut text: &'a str, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    loop {
        let name: String =
            text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
        text = &text[name.len()..];
        path.push(name);
        let Some(behind) = text.strip_prefix("::") else {
            found.push(path.clone());
            return text;
        };
        if let Some(mut group) = behind.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|character: char| character.is_whitespace() || character == ',');
                if let Some(after) = group.strip_prefix('}') {
                    return after;
                }
                if !group.starts_with(|character: char| character.is_alphanumeric() || character == '_') {
                    return group.get(1..).unwrap_or_default();
                }
                group = path_at(group, &mut path.clone(), found)
                    .trim_start_matches(|character: char| character.is_whitespace() || character == '*');
                // `name as other`
                if let Some(renamed) = group.strip_prefix("as ") {
                    group =
                        renamed.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_');
                }
            }
        }
        if !behind.starts_with(|character: char| character.is_alphanumeric() || character == '_') {
            // All that is in it, or a turbofish.
            found.push([&path[..], &["*".to_owned()]].concat());
            return behind;
        }
        text = behind;
    }
}

/// The module that a path of a file leads to, if it is one of these.
fn resolve(own: &str, path: &[String], modules: &BTreeSet<String>) -> Option<String> {
    if path.len() < 2 {
        return None;
    }
    let mut at: Vec<&str> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "super" | "self" => own.split("::").collect(),
        // A module that the file declares.
        child if modules.contains(&format!("{own}::{child}")) => own.split("::").chain([child]).collect(),
        _ => return None,
    };
    let mut names = path.iter().skip(1);
    if path.first().is_some_and(|first| first == "super") {
        at.pop();
    }
    let mut item = names.next();
    while item.is_some_and(|name| name == "super") {
        at.pop();
        item = names.next();
    }
    while let Some(name) = item {
        let deeper = [&at[..], &[name.as_str()]].concat();
        let is_on_the_way = modules.iter().any(|module| {
            module.split("::").zip(&deeper).all(|(a, b)| a == *b) && module.split("::").count() >= deeper.len()
        });
        if !is_on_the_way {
            break;
        }
        at = deeper;
        item = names.next();
    }
    Some(at.join("::")).filter(|module| modules.contains(module))
}

#[test]
fn circles_are_found_and_told_once() {
    let found = |files: &[(&str, &str)]| {
        circles_of(&files.iter().map(|(path, text)| Source::new(*path, *text)).collect::<Vec<_>>(), "cli")
    };
    let parent = ("src/cli/mod.rs", "mod a;\nmod b;\nmod c;\nuse a::A;\nfn f() { c::d::go() }");
    let down = ("src/cli/a.rs", "use super::b::{self, B};");
    assert_eq!(found(&[parent, down, ("src/cli/b.rs", "use crate::cli::c::d::D;"), ("src/cli/c/d.rs", "")]), [""; 0]);
    let back = ("src/cli/b.rs", "use crate::{types::Id, cli::{a, c::C}};");
    assert_eq!(found(&[parent, down, back, ("src/cli/c.rs", "")]), ["cli::a → cli::b → cli::a"]);
    let through = [
        down,
        ("src/cli/b.rs", "use super::c::d;"),
        ("src/cli/c/mod.rs", "mod d;"),
        ("src/cli/c/d.rs", "use super::super::a::A;"),
    ];
    assert_eq!(found(&through), ["cli::a → cli::b → cli::c::d → cli::a"]);
    let child_uses_parent = [("src/cli/c/mod.rs", "mod d;\nuse d::D;"), ("src/cli/c/d.rs", "use super::Shared;")];
    assert_eq!(found(&child_uses_parent), ["cli::c → cli::c::d → cli::c"]);
    let seen = [
        down,
        ("src/cli/b.rs", "pub(in crate::cli::a) fn f() {}\npub(super) fn g() {}"),
        ("src/cli/mod.rs", "use b::B;"),
    ];
    assert_eq!(found(&seen), [""; 0]);
    let glob = [down, ("src/cli/b.rs", "use super::a::*;")];
    assert_eq!(found(&glob), ["cli::a → cli::b → cli::a"]);
    let in_tests = [down, ("src/cli/b.rs", "#[cfg(test)]\nmod tests {\n    use crate::cli::a::A;\n}")];
    assert_eq!(found(&in_tests), [""; 0]);
    let in_words = [down, ("src/cli/b.rs", "// super::a::A\nconst A: &str = \"super::a::A\";")];
    assert_eq!(found(&in_words), [""; 0]);
}
