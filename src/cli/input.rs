//! What is read from a file or a pipe: a record, the value of a cell, a command.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};

use bytes::Bytes;

use super::problem::Problem;

/// What is read, the most bytes that it may have, and what to do if it has more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) what: &'static str,
    pub(super) most: usize,
    pub(super) advice: &'static str,
    pub(super) allow_empty: bool,
}

/// The bytes that a value names: its own text, a file's with `@`, or those of standard input with `-`. Without a value it is
/// standard input, unless that is a terminal: nobody would know what is waited for.
pub(super) fn value(value: Option<&str>, wanted: Wanted) -> Result<Bytes, Problem> {
    if value.is_none() && io::stdin().is_terminal() {
        return Err(Problem::usage(
            format!("{} has no value", wanted.what),
            "Give the value, @FILE for the bytes of a file, or - to type it on standard input (Ctrl-D ends it).",
        ));
    }
    value_from(value.unwrap_or("-"), io::stdin().lock(), wanted)
}

fn value_from(value: &str, stdin: impl io::Read, wanted: Wanted) -> Result<Bytes, Problem> {
    let bytes = match value.strip_prefix('@') {
        Some("") => return Err(Problem::usage("no file is named after @", "Give @FILE, or - for standard input.")),
        Some(path) => bounded(path, File::open(path), wanted)?,
        None if value == "-" => source(value, stdin, wanted)?,
        None => value.to_owned().into(),
    };
    if bytes.is_empty() && !wanted.allow_empty {
        return Err(Problem::usage(
            format!("the value of {} is empty", wanted.what),
            "Check where it comes from. If it must be empty, add --allow-empty.",
        ));
    }
    Ok(bytes)
}

/// The bytes of a file, or of standard input with `-`.
pub(super) fn source(source: &str, stdin: impl io::Read, wanted: Wanted) -> Result<Bytes, Problem> {
    if source == "-" {
        return bounded("standard input", Ok(stdin), wanted);
    }
    bounded(source, File::open(source), wanted)
}

fn bounded(name: &str, source: io::Result<impl io::Read>, wanted: Wanted) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    match source.and_then(|source| source.take(wanted.most as u64 + 1).read_to_end(&mut bytes)) {
        Ok(length) if length > wanted.most => {
            let message = format!("{name} has more than {} bytes, the most that {} may have", wanted.most, wanted.what);
            Err(Problem::usage(message, wanted.advice))
        }
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(Problem::failure(
            format!("cannot read {name}: {error}"),
            "Check that the file exists and may be read, or give - for standard input.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use crate::cli::exit::Exit;

    use super::*;

    const WANTED: Wanted = Wanted { what: "a record", most: 16, advice: "Append it in parts.", allow_empty: false };

    #[test]
    fn a_value_is_text_a_file_or_standard_input() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"from\xff file\n").unwrap();
        let path = file.path().display().to_string();
        let read = |text: &str| value_from(text, &b"piped\n"[..], WANTED).unwrap();
        assert_eq!(read("paid"), "paid");
        assert_eq!(read("-"), "piped\n");
        assert_eq!(&read(&format!("@{path}"))[..], b"from\xff file\n");
        assert_eq!(read("a@b"), "a@b");
        assert_eq!(&source(&path, io::empty(), WANTED).unwrap()[..], b"from\xff file\n");
        assert_eq!(source("-", &b"{}"[..], WANTED).unwrap(), "{}");
    }

    #[test]
    fn what_cannot_be_read_is_empty_or_is_too_long_is_told_before_anything_is_sent() {
        let told = |text: &str, stdin: &[u8]| match value_from(text, stdin, WANTED).unwrap_err() {
            Problem::Own(own) => (own.message, own.exit),
            other => panic!("{other:?}"),
        };
        let (message, exit) = told("@/nowhere/at/all", b"");
        assert!(message.starts_with("cannot read /nowhere/at/all: "), "{message}");
        assert_eq!(exit, Exit::Failure);
        assert_eq!(told("@", b""), ("no file is named after @".to_owned(), Exit::Usage));
        let long = "standard input has more than 16 bytes, the most that a record may have".to_owned();
        assert_eq!(told("-", &[0; 17]), (long, Exit::Usage));
        assert_eq!(value_from("-", &[0; 16][..], WANTED).unwrap().len(), 16);
        for value in ["", "-"] {
            assert_eq!(told(value, b""), ("the value of a record is empty".to_owned(), Exit::Usage));
            assert_eq!(value_from(value, io::empty(), Wanted { allow_empty: true, ..WANTED }).unwrap(), "");
        }
    }
}
