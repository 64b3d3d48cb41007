//! Every file is reached by a `mod`.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Files that no root reaches.
pub(crate) fn dead(sources: &[Source], roots: &[&str]) -> Vec<String> {
    let by_path: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    while let Some(path) = open.pop() {
        let Some(source) = by_path.get(path.as_str()) else { continue };
        if reached.insert(path) {
            open.extend(declared(source, roots));
        }
    }
    by_path.keys().filter(|path| !reached.contains(**path)).map(|path| (*path).to_owned()).collect()
}

/// The paths that a file's `mod name;` may mean.
fn declared(source: &Source, roots: &[&str]) -> Vec<String> {
    let (directory, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let stem = file.trim_end_matches(".rs");
    let base = if stem == "mod" || roots.contains(&source.path.as_str()) {
        directory.to_owned()
    } else {
        format!("{directory}/{stem}")
    };
    let names = source.code.lines().filter_map(|line| {
        let line = line.trim().strip_suffix(';')?;
        let (before, name) = line.split_once("mod ")?;
        (before.is_empty() || before.starts_with("pub")).then(|| name.trim().to_owned())
    });
    names.flat_map(|name| [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]).collect()
}

#[test]
fn a_file_that_no_mod_names_is_found() {
    let sources = [
        Source::new("src/lib.rs", "pub mod a;\n#[cfg(test)]\nmod b;\n// mod e;"),
        Source::new("src/a/mod.rs", "pub(crate) mod c;"),
        Source::new("src/a/c.rs", "mod d;"),
        Source::new("src/a/c/d.rs", ""),
        Source::new("src/b.rs", ""),
        Source::new("src/e.rs", ""),
    ];
    assert_eq!(dead(&sources, &["src/lib.rs"]), ["src/e.rs"]);
}
