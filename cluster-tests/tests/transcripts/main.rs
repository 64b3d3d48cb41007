//! Transcripts of every command: what the product looks like, in one folder.
//!
//! - Each file of `cluster-tests/transcripts` is played anew, and must come out as it is written but for what always differs
//!   ([`normal`]). `ONCELOG_TRANSCRIPTS=write` writes it as it comes out: then look at what has changed.
//! - A new case is one more line ([`script`]); what it prints is written by the same call.
//! - No command is without its help, a success and a failure, in every format that it has ([`coverage`]).

mod coverage;
mod normal;
mod run;
mod script;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cluster_tests::checkout::package;
use cluster_tests::cluster::turn;
use cluster_tests::scratch::Scratch;
use tokio::task::JoinSet;

use stage::Stage;

/// Words, separated by commas: `write` writes what comes out, and names of files have only those played.
const MODE: &str = "ONCELOG_TRANSCRIPTS";

/// The transcripts, with their texts.
fn transcripts() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(package().join("transcripts")).expect("read the folder of transcripts");
    let paths = entries.map(|entry| entry.expect("read the folder of transcripts").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    paths.sort();
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transcript_happens_as_it_is_written() {
    let mode = std::env::var(MODE).unwrap_or_default();
    let (write, chosen): (Vec<&str>, Vec<&str>) =
        mode.split(',').filter(|word| !word.is_empty()).partition(|word| *word == "write");
    let turn = Arc::new(turn().await);
    let mut playing = JoinSet::new();
    for (path, text) in transcripts() {
        let name = path.file_stem().expect("a transcript has a name").to_string_lossy().into_owned();
        if !chosen.is_empty() && !chosen.contains(&name.as_str()) {
            continue;
        }
        let turn = Arc::clone(&turn);
        playing.spawn(async move {
            let played = text.clone();
            let found = tokio::spawn(async move { Stage::play(&turn, &name, &played).await }).await;
            (path, text, found)
        });
    }
    let mut differences = Vec::new();
    while let Some(played) = playing.join_next().await {
        let (path, text, found) = played.expect("a transcript is played to its end");
        match found {
            Ok(found) if text == found => {}
            Ok(found) if !write.is_empty() => {
                fs::write(&path, found).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
            }
            Ok(found) => differences.push(difference(&path, &found)),
            Err(error) => differences.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(differences.is_empty(), "{}\n`{MODE}=write` writes what was found.", differences.join("\n"));
}

/// What is other than it was written, as a patch shows it.
fn difference(path: &Path, found: &str) -> String {
    let scratch = Scratch::new("transcripts-difference");
    let other = scratch.path().join("found");
    fs::write(&other, found).expect("write what was found");
    let name = path.file_name().expect("a transcript has a name").to_string_lossy();
    let mut diff = Command::new("diff");
    diff.args(["-u", "--label", &format!("{name} as it is written"), "--label", "as it was found"])
        .args([path, &other]);
    let output = diff.output().expect("start diff");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_command_is_shown_with_its_help_its_success_and_its_failures() {
    let cases: Vec<_> = transcripts().iter().flat_map(|(_, text)| script::cases(text)).collect();
    let commands = coverage::commands();
    assert!(commands.len() > 20, "only {} commands were found", commands.len());
    let missing: Vec<_> = commands.iter().flat_map(|known| coverage::missing(known, &cases)).collect();
    assert!(missing.is_empty(), "the transcripts lack:\n  {}", missing.join("\n  "));
}
