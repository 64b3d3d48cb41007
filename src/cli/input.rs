//! What is read from a file or a pipe: a record, a cell's value, a command.

use std::fs::File;
use std::io::{self, Read as _};

use bytes::Bytes;

use super::report::Problem;

/// What is read, for those who are told that it can't be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What it is to be.
    pub(super) what: &'static str,
    /// How many bytes it may have.
    pub(super) most: usize,
    /// What to do if it has more.
    pub(super) advice: &'static str,
}

/// The bytes that a value names, exactly: its own text, a file's with `@`, or those of standard input with `-`.
pub(super) fn value(value: &str, stdin: impl io::Read, wanted: Wanted) -> Result<Bytes, Problem> {
    match value.strip_prefix('@') {
        Some(path) => file(path, wanted),
        None if value == "-" => bounded("standard input", Ok(stdin), wanted),
        None => Ok(value.to_owned().into()),
    }
}

/// The bytes of a file, or of standard input with `-`.
pub(super) fn source(source: &str, stdin: impl io::Read, wanted: Wanted) -> Result<Bytes, Problem> {
    if source == "-" { bounded("standard input", Ok(stdin), wanted) } else { file(source, wanted) }
}

fn file(path: &str, wanted: Wanted) -> Result<Bytes, Problem> {
    bounded(path, File::open(path), wanted)
}

fn bounded(name: &str, source: io::Result<impl io::Read>, wanted: Wanted) -> Result<Bytes, Problem> {
    let Wanted { what, most, advice } = wanted;
    let mut bytes = Vec::new();
    match source.and_then(|source| source.take(most as u64 + 1).read_to_end(&mut bytes)) {
        Ok(length) if length > most => Err(Problem::Here {
            message: format!("{name} has more than the {most} bytes that {what} may have"),
            advice,
        }),
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(Problem::Here {
            message: format!("cannot read {name}: {error}"),
            advice: "See that the file is there, or give - for standard input.",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const WANTED: Wanted = Wanted { what: "a record", most: 16, advice: "Append it in parts." };

    #[test]
    fn a_value_is_text_a_file_or_standard_input() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"from\xff file\n").unwrap();
        let path = file.path().display().to_string();
        let read = |text: &str| value(text, &b"piped\n"[..], WANTED).unwrap();
        assert_eq!(read("paid"), "paid");
        assert_eq!(read("-"), "piped\n");
        assert_eq!(&read(&format!("@{path}"))[..], b"from\xff file\n");
        assert_eq!(read("a@b"), "a@b");
        assert_eq!(&source(&path, io::empty(), WANTED).unwrap()[..], b"from\xff file\n");
        assert_eq!(source("-", &b"{}"[..], WANTED).unwrap(), "{}");
    }

    #[test]
    fn what_cannot_be_read_or_is_too_long_is_told_before_anything_is_sent() {
        let told = |text: &str, stdin: &[u8]| match value(text, stdin, WANTED).unwrap_err() {
            Problem::Here { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert!(told("@/nowhere/at/all", b"").starts_with("cannot read /nowhere/at/all: "));
        assert!(told("-", &[0; 17]).starts_with("standard input has more than the 16 bytes that a record may have"));
        assert_eq!(value("-", &[0; 16][..], WANTED).unwrap().len(), 16);
    }
}
