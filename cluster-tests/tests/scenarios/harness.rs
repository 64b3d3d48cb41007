//! The harness as a command, outside of cargo: it finds what it tests, or says in one sentence why it can't.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cluster_tests::binary;
use cluster_tests::judgement::Recorded;
use cluster_tests::scratch::Scratch;
use cluster_tests::wait::{PATIENCE, until};

/// Runs a copy of the harness that lies alone, in its own directory, as a person would.
fn harness(directory: &Path, arguments: &[&str], binary: Option<&Path>) -> Output {
    prepared(directory, arguments, binary).output().expect("run the harness")
}

/// The same, to be started.
fn prepared(directory: &Path, arguments: &[&str], binary: Option<&Path>) -> Command {
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
    command
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
    fs::create_dir_all(&directory).expect("make a directory");
    let chaos = ["chaos", "--seconds", "1", "--faults", "kill-leader"];
    refused(&harness(&directory, &chaos, None), &["cannot find", "ONCELOG_BINARY", "checkout"]);
    refused(&harness(&directory, &["crash-points"], None), &["cannot find", "checkout"]);
    let nowhere = directory.join("nowhere");
    refused(&harness(&directory, &chaos, Some(&nowhere)), &["ONCELOG_BINARY", "not a file"]);
    fs::remove_dir_all(&directory).expect("remove the directory");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_harness_that_is_killed_leaves_a_history_that_is_judged_as_far_as_it_goes() {
    let scratch = Scratch::new("harness-killed");
    let path = scratch.path().join("history.jsonl");
    let history = path.to_str().expect("a path in UTF-8");
    let chaos = ["chaos", "--seconds", "60", "--faults", "kill-leader", "--history", history];
    let mut command = prepared(scratch.path(), &chaos, Some(binary::ordinary()));
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start the harness");
    until("a thousand answers are in the history", 3 * PATIENCE, || async {
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let answers = text.lines().filter(|line| line.starts_with("{\"answer\":")).count();
        if answers >= 1_000 { Ok(()) } else { Err(format!("there are {answers}")) }
    })
    .await;
    killed.kill().expect("kill -9 of the harness");
    killed.wait().expect("wait for the harness");

    let Recorded { events, replicas, violations } = Recorded::read(&path).expect("it reads");
    let attempts: usize = events.operations.iter().map(|operation| operation.attempts.len()).sum();
    assert!(attempts >= 1_000 && replicas.is_empty(), "{attempts} attempts");
    let [broken_off] = violations.as_slice() else { panic!("it was only killed: {violations:?}") };
    assert!(broken_off.property == "P12" && broken_off.found.contains("killed"), "{broken_off}");

    // Each answer that was heard is there: what is cut is the last line alone.
    let text = fs::read_to_string(&path).expect("it is text");
    let cut = text.trim_end().len() - 5;
    fs::write(&path, text.get(..cut).expect("a part of it")).expect("cut its last line");
    let [torn] = Recorded::read(&path).expect("it still reads").violations.try_into().expect("no more than before");
    assert!(torn.found.contains("torn"), "{torn}");
    fs::write(&path, text.replacen("invoked", "invo", 1)).expect("damage a line in its middle");
    let why = Recorded::read(&path).expect_err("what is damaged is not judged").to_string();
    assert!(why.starts_with("line "), "{why}");
}

/// An operation takes some 10 microseconds and 170 bytes. So ten million are judged in two minutes and two gibibytes. The
/// time here has slack for a machine that does other things; the memory is bounded as ten million need it.
#[test]
fn judging_costs_little_for_each_operation() {
    const OPERATIONS: u32 = 200_000;
    const MICROSECONDS: u32 = 120;
    const BYTES: u32 = 200;
    const BESIDE_MEBIBYTES: u32 = 64;
    let scratch = Scratch::new("harness-made-up");
    let run = |arguments: &[&str]| {
        let output = harness(scratch.path(), arguments, None);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stdout));
        said
    };
    run(&["made-up", "--operations", &OPERATIONS.to_string(), "history.jsonl"]);
    let said = run(&["check", "history.jsonl"]);
    // "read and judged 190000 appends in 1.5 s, with 80 MiB of memory at most"
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [appends, seconds, mebibytes] = numbers.as_slice() else { panic!("it says what it took: {said}") };
    assert!(*appends >= f64::from(OPERATIONS) * 0.9, "{said}");
    assert!(seconds * 1e6 < f64::from(OPERATIONS * MICROSECONDS), "{said}");
    assert!((mebibytes - f64::from(BESIDE_MEBIBYTES)) * 1_048_576.0 < f64::from(OPERATIONS * BYTES), "{said}");
}
