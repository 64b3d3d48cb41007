//! What the crate offers to programs: exactly what `surface.txt` lists, so that nothing leaks by a `pub` too many.

use std::fs;

use cluster_tests::checkout::repository;

use crate::source::{Source, Tree};

/// The files that offer something, and under which path.
const OFFERING: [(&str, &str); 6] = [
    ("src/lib.rs", "oncelog"),
    ("src/client/mod.rs", "oncelog::client"),
    ("src/client/consumer/mod.rs", "oncelog::client::consumer"),
    ("src/client/lock/mod.rs", "oncelog::client::lock"),
    ("src/client/outbox/mod.rs", "oncelog::client::outbox"),
    ("src/types/mod.rs", "oncelog::types"),
];

/// What differs from the list, one line each.
pub(crate) fn differences(tree: &Tree) -> Vec<String> {
    let listed = fs::read_to_string(repository().join("cluster-tests/tests/tidy/surface.txt")).expect("read the list");
    let listed: Vec<String> = listed.lines().map(str::to_owned).collect();
    let offered: Vec<String> = OFFERING
        .iter()
        .flat_map(|(file, path)| {
            let source = tree.sources().iter().find(|source| source.path == *file).expect("the file is there");
            offered(source).into_iter().map(move |name| format!("{path}::{name}"))
        })
        .collect();
    let missing =
        listed.iter().filter(|name| !offered.contains(name)).map(|name| format!("{name} is no longer offered"));
    let leaked = offered.iter().filter(|name| !listed.contains(name)).map(|name| format!("{name} is not on the list"));
    missing.chain(leaked).collect()
}

/// The names of the public items that stand at the top of a file, and of those in modules that are written out in it.
fn offered(source: &Source) -> Vec<String> {
    let mut names = Vec::new();
    let mut module = String::new();
    let lines: Vec<&str> = source.shipped().map(|(_, line)| line).collect();
    for (at, line) in lines.iter().enumerate() {
        if *line == "}" {
            module.clear();
        }
        let depth = if module.is_empty() { "" } else { "    " };
        let Some(item) = line.strip_prefix(depth).and_then(|line| line.strip_prefix("pub ")) else { continue };
        let (kind, rest) = item.split_once(' ').unwrap_or((item, ""));
        if kind == "use" {
            let length = lines.iter().skip(at).position(|line| line.ends_with(';')).map_or(0, |last| last + 1);
            let whole: String = lines.iter().copied().skip(at).take(length).collect();
            names.extend(used(&whole).into_iter().map(|name| format!("{module}{name}")));
            continue;
        }
        let name: String =
            rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
        names.push(format!("{module}{name}"));
        if kind == "mod" && rest.ends_with('{') {
            module = format!("{name}::");
        }
    }
    names
}

/// The names that a `use` brings: `a::{b, c as d}` brings `b` and `d`.
fn used(text: &str) -> Vec<String> {
    let inside = text.trim_end_matches([';', '}', ' ', ',']);
    let list = inside.rsplit_once('{').map_or_else(|| inside.rsplit(':').next().unwrap_or_default(), |(_, list)| list);
    let name = |item: &str| item.rsplit(' ').next().unwrap_or_default().to_owned();
    list.split(',').map(|item| name(item.trim())).filter(|name| !name.is_empty()).collect()
}

#[test]
fn what_is_offered_is_read_from_the_text() {
    let text = "mod a;\npub mod b;\npub(crate) use a::X;\npub use a::{\n    Y,\n    Z as W,\n};\npub use a::V;\npub struct S {\n    pub field: u8,\n}\n\
                pub mod inner {\n    pub use crate::c::{L, M};\n}\npub type T = u8;\n#[cfg(test)]\nmod tests {\n    pub fn x() {}\n}\n";
    let source = Source::new("src/lib.rs", text);
    assert_eq!(offered(&source), ["b", "Y", "W", "V", "S", "inner", "inner::L", "inner::M", "T"]);
}
