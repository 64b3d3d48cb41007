//! What a run, or a recorded history, comes to: for people, and as JSON.
//!
//! - A [`Summary`] is made of a history and what the oracle said of it, and of nothing else: judged again from its file, a
//!   run has the same report.
//! - Reports of many runs are merged into one, and nothing is lost by it.
//! - Whatever a name or a sentence of a run holds is text in every rendering, never markup.

mod markdown;
mod markup;
mod measure;
mod page;
mod plot;
mod spread;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use summary::{CrashPoint, First, Judged, Mark, OfKind, Run, Summary, Verdict, Waits};

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use markdown::markdown;
pub use page::page;
pub use plot::svg;
pub use text::print;

/// How the name of a summary in JSON ends.
pub const ENDING: &str = "report.json";

/// Writes the summary, its plot and its page to `<stem>.report.json`, `<stem>.svg` and `<stem>.html`, and returns where.
pub fn write(stem: &Path, summary: &Summary) -> io::Result<Vec<PathBuf>> {
    let json = serde_json::to_string(summary)?;
    let files = [(ENDING, json), ("svg", svg(summary)), ("html", page(summary))];
    let written = files.into_iter().map(|(ending, text)| write_one(stem, ending, &text));
    written.collect()
}

/// Writes the tables for documentation to `<stem>.md`.
pub fn write_markdown(stem: &Path, summary: &Summary) -> io::Result<PathBuf> {
    write_one(stem, "md", &markdown(summary))
}

/// Reads a summary. What is no summary is an error that names the file.
pub fn read(path: &Path) -> io::Result<Summary> {
    let named = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| named(error.to_string()))
}

fn write_one(stem: &Path, ending: &str, text: &str) -> io::Result<PathBuf> {
    // Not `with_extension`: a stem may have dots of its own.
    let mut name = OsString::from(stem);
    name.push(".");
    name.push(ending);
    let path = PathBuf::from(name);
    fs::write(&path, text)?;
    Ok(path)
}
