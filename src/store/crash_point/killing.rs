//! In the build for chaos: the process kills itself at the chosen point, as `kill -9` would.

use std::fs;
use std::io;
use std::path::Path;
use std::process;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, raise};

use super::Point;
use super::choice::Choice;

const VARIABLE: &str = "ONCELOG_CHAOS_CRASH";

/// Dies here, if this is the chosen instant.
pub(crate) fn reached(_directory: &Path, point: Point) {
    // A name that came while the process ran can't be told at its start any more.
    let chosen = chosen().unwrap_or_else(|why| panic!("{why}"));
    if chosen.is_some_and(|choice| choice.is_now(point.name())) {
        let _ = raise(Signal::SIGKILL);
        // Nobody takes this for the kill.
        process::abort();
    }
}

/// The same before a step that the disk may refuse. Here it never does.
#[expect(clippy::unnecessary_wraps, reason = "its form in tests can fail")]
pub(crate) fn fault(directory: &Path, point: Point) -> io::Result<()> {
    reached(directory, point);
    Ok(())
}

/// Whether what the environment says can be followed.
pub(crate) fn check() -> Result<(), String> {
    chosen().map(drop)
}

fn chosen() -> Result<Option<&'static Choice>, String> {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    static CHOSEN: OnceLock<Choice> = OnceLock::new();
    if let Some(choice) = CHOSEN.get() {
        return Ok(Some(choice));
    }
    let Some(given) = GIVEN.get_or_init(|| std::env::var(VARIABLE).ok()) else { return Ok(None) };
    let text = match given.strip_prefix('@') {
        None => given.clone(),
        Some(file) => match fs::read_to_string(file) {
            Ok(text) => text,
            // It has not come yet.
            Err(_) => return Ok(None),
        },
    };
    let choice = Choice::parse(&text)?;
    Ok(Some(CHOSEN.get_or_init(|| choice)))
}
