//! The repository's files, and Rust without its comments and strings.
#![expect(clippy::indexing_slicing, reason = "every position is one that was found in the same text")]

use std::fs;
use std::path::Path;

use cluster_tests::checkout::repository;

/// A Rust file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its path from the top of the repository.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
    /// The same lines, with comments and the insides of strings blanked out.
    pub(crate) code: String,
}

impl Source {
    /// A file with this text.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { path: path.into(), code: blank(&text), text }
    }

    /// The layer that it belongs to: `src/<layer>.rs` or `src/<layer>/…`; `lib` and `main` for the roots.
    pub(crate) fn layer(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split_once('/').map_or(inside.trim_end_matches(".rs"), |(layer, _)| layer))
    }

    /// Whether it is compiled for tests only, as far as its name tells.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_test.rs"))
    }

    /// Its code up to the first `#[cfg(test)]` module, numbered from 1.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.code.lines().collect();
        let end = lines
            .windows(2)
            .position(|pair| pair[0].trim().starts_with("#[cfg(test)]") && pair[1].trim().starts_with("mod tests {"))
            .unwrap_or(lines.len());
        (1..).zip(lines).take(end)
    }

    /// All its code, numbered from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// Names a line for a person.
    pub(crate) fn at(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// All files that belong to the repository.
#[derive(Debug)]
pub(crate) struct Tree {
    texts: Vec<(String, String)>,
    sources: Vec<Source>,
}

impl Tree {
    /// The repository that this test was compiled in.
    pub(crate) fn of_the_repository() -> Self {
        let mut texts = Vec::new();
        collect(&repository(), &repository(), &mut texts);
        texts.sort();
        let sources: Vec<Source> = texts
            .iter()
            .filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
            .map(|(path, text)| Source::new(path.clone(), text.clone()))
            .collect();
        assert!(sources.len() > 50, "only {} Rust files were found: the rules would hold for nothing", sources.len());
        Self { texts, sources }
    }

    /// All text files: path and content.
    pub(crate) fn texts(&self) -> &[(String, String)] {
        &self.texts
    }

    /// All Rust files.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }
}

/// What lies beside the repository's own files: git's, and what is built, installed or run here.
pub(crate) const NOT_OURS: [&str; 6] = [".git", "target", ".oncelog", "proptest-regressions", "node_modules", ".venv"];

fn collect(top: &Path, directory: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("read a directory of the repository") {
        let path = entry.expect("read a directory of the repository").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if NOT_OURS.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(top, &path, texts);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let inside = path.strip_prefix(top).expect("a path inside the repository");
            texts.push((inside.to_string_lossy().into_owned(), text));
        }
    }
}

/// Blanks comments and the insides of strings and characters, and keeps lines and columns.
fn blank(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let keep_lines = |out: &mut String, from: &[char]| {
        out.extend(from.iter().map(|character| if *character == '\n' { '\n' } else { ' ' }));
    };
    while at < characters.len() {
        let rest = &characters[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|character| *character == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => string(rest),
            ['r', '"' | '#', ..] if !at.checked_sub(1).is_some_and(|before| is_word(characters[before])) => {
                raw_string(rest).unwrap_or(0)
            }
            ['\'', '\\', ..] => rest.iter().skip(3).position(|character| *character == '\'').map_or(0, |end| end + 4),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if length == 0 {
            out.push(characters[at]);
            at += 1;
        } else {
            keep_lines(&mut out, &rest[..length]);
            at += length;
        }
    }
    out
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().skip(1).take_while(|character| **character == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let mut at = hashes + 2;
    while at < rest.len() {
        let closing = rest.get(at + 1..at + 1 + hashes);
        if rest[at] == '"' && closing.is_some_and(|closing| closing.iter().all(|character| *character == '#')) {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(rest.len())
}

#[test]
fn comments_and_strings_are_blanked_and_code_stays() {
    let text = "use a; // use b\n/* use c /* d */ */ let e = \"use f \\\" g\"; let h = r#\"use \"i\"#; let j = '\"'; fn k<'l>() {} '\\u{41}' m";
    let code = blank(text);
    assert_eq!(code.lines().count(), text.lines().count());
    for kept in ["use a;", "let e", "let h", "let j", "fn k<'l>() {}", " m"] {
        assert!(code.contains(kept), "{kept} in {code:?}");
    }
    for gone in ["use b", "use c", "d *", "use f", " g", "use \"i", "41"] {
        assert!(!code.contains(gone), "{gone} in {code:?}");
    }
}

#[test]
fn tests_at_the_end_of_a_file_are_not_shipped() {
    let source = Source::new("src/machine/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    use b;\n}\n");
    assert_eq!(source.shipped().map(|(line, _)| line).collect::<Vec<_>>(), [1]);
    assert_eq!(source.layer(), Some("machine"));
}
