//! A process that is killed while it keeps and confirms.
//!
//! The process is this test binary once more: with the variable set, the test keeps until somebody ends it.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

const VARIABLE: &str = "ONCELOG_TEST_KEEPS_IN";
const NAME: &str = "client::outbox::tests::kill::what_a_killed_process_was_told_is_kept_is_there";

#[test]
fn what_a_killed_process_was_told_is_kept_is_there() {
    if let Some(path) = env::var_os(VARIABLE) {
        keep_until_killed(Path::new(&path));
    }
    let directory = TempDir::new().unwrap();
    let path = path_in(&directory);
    let mut told = BTreeSet::new();
    for round in 1..=3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(VARIABLE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // A line that the end of the process has cut has no full stop.
        let number = |line: String| line.strip_prefix("kept ")?.strip_suffix('.')?.parse::<u64>().ok();
        while told.len() < 40 * round {
            told.extend(lines.next().expect("it goes on until it is killed").ok().and_then(number));
        }
        child.kill().unwrap();
        told.extend(lines.filter_map(|line| number(line.ok()?)));
        child.wait().unwrap();

        let waiting: BTreeSet<u64> = open(&path).waiting().iter().map(|entry| entry.number.0).collect();
        // Only odd ones were ever confirmed.
        let lost: Vec<_> = told.iter().filter(|number| *number % 2 == 0 && !waiting.contains(number)).collect();
        assert!(lost.is_empty(), "{lost:?} were kept once");
        assert!(waiting.iter().any(|number| number % 2 == 0));
        assert!(waiting.last() <= told.last().map(|last| last + 1).as_ref(), "at most one was kept and not told");
    }
}

fn keep_until_killed(path: &Path) -> ! {
    let mut ledger = Ledger::open(path, 2_000).unwrap();
    loop {
        let number = keep(&mut ledger, &["a"]).unwrap()[0].number.0;
        eprintln!("kept {number}.");
        if number % 2 == 1 {
            confirm(&mut ledger, &[number]).unwrap();
        }
        ledger.compact_if_worth_it().unwrap();
    }
}
