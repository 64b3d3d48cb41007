//! The harness as a command, outside of cargo: it finds what it tests, or says in one sentence why it can't.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cluster_tests::binary;
use cluster_tests::scratch::Scratch;

/// Runs a copy of the harness that lies alone, in its own directory, as a person would.
fn harness(directory: &Path, arguments: &[&str], binary: Option<&Path>) -> Output {
    let alone = directory.join("oncelog-chaos");
    if !alone.exists() {
        // By another process: what this one has open for writing, its children hold open, and nobody can run it.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_oncelog-chaos")).arg(&alone).status();
        assert!(copied.expect("run cp").success(), "copy the harness");
    }
    let mut command = Command::new(&alone);
    command.args(arguments).current_dir(directory);
    for name in ["CARGO", "CARGO_MANIFEST_DIR", "ONCELOG_BINARY"] {
        command.env_remove(name);
    }
    command.envs(binary.map(|path| ("ONCELOG_BINARY", path)));
    command.output().expect("run the harness")
}

/// One sentence, exit code 2, and no trace of a stack.
fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: ") && words.iter().all(|word| said.contains(word)), "{said}");
}

#[test]
fn a_harness_that_lies_alone_says_what_it_lacks() {
    // Not below the build, which may lie in a checkout.
    let directory = std::env::temp_dir().join(format!("oncelog-harness-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("make a directory");
    let chaos = ["chaos", "--seconds", "1", "--faults", "kill-leader"];
    refused(&harness(&directory, &chaos, None), &["cannot find", "ONCELOG_BINARY", "checkout"]);
    refused(&harness(&directory, &["crash-points"], None), &["cannot find", "checkout"]);
    let nowhere = directory.join("nowhere");
    refused(&harness(&directory, &chaos, Some(&nowhere)), &["ONCELOG_BINARY", "not a file"]);
    std::fs::remove_dir_all(&directory).expect("remove the directory");
}

#[test]
fn a_harness_outside_of_cargo_takes_the_binary_that_is_named() {
    let scratch = Scratch::new("harness");
    let history: PathBuf = scratch.path().join("history.jsonl");
    let history = history.to_str().expect("a path in UTF-8");
    let chaos = ["chaos", "--seconds", "1", "--faults", "kill-leader", "--history", history];
    let output = harness(scratch.path(), &chaos, Some(binary::ordinary()));
    let said = String::from_utf8_lossy(&output.stdout);
    // A run as short as this may lack a kind of answer that it was meant to have (P17): it has run and was judged.
    let judged = matches!(output.status.code(), Some(0 | 1)) && said.contains("P1   what was acknowledged is there");
    assert!(judged && said.contains("history: "), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
