//! The campaign against the seeded bugs: general chaos on each, which must name a property that the bug breaks.
//!
//! - The nodes run the build for tests with the bug; load, faults and oracle are those of every run.
//! - Nobody counts as caught by less than what a run had, nor by a run that broke off or a cluster that does not come back;
//!   that is what some bugs do, and only for these P12 or P13 says what was meant. A node that ended by itself counts.
//! - In the end the same run without a bug must hold.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chaos::{self, Plan, Ran, Timing};
use crate::cluster::Network;
use crate::history::Alarming;
use crate::judgement::Recorded;
use crate::oracle::Violation;
use crate::seeded::{Seeded, Subject};

/// What a campaign is to be.
#[derive(Debug)]
pub struct Campaign {
    /// The bugs.
    pub bugs: Vec<&'static Seeded>,
    /// For how long there are a load and faults on each, at most.
    pub time: Duration,
    /// The seed of each run.
    pub seed: u64,
    /// Where the histories go. Without it, only those stay that are still to be looked at, in the temporary directory.
    pub histories: Option<PathBuf>,
    /// Where the table goes, beside standard output.
    pub table: Option<PathBuf>,
}

/// For how long there is a load, at most, where only the rounds at the end of a run show a bug.
const BEFORE_ROUNDS: Duration = Duration::from_mins(1);
/// The properties that say that a cluster does not come back.
const LIVENESS: [&str; 2] = ["P12", "P13"];
/// The property that says that a run lacked something.
const COVERAGE: &str = "P17";

/// The head of the table.
const HEAD: &str = "| bug | named first | named | seconds | seed | the first violation |\n|---|---|---|---|---|---|\n";

/// Runs it. The table grows by a row as soon as it is known. Says whether all bugs were caught and the run without one
/// held.
pub async fn run(campaign: &Campaign) -> io::Result<bool> {
    campaign.histories.iter().try_for_each(std::fs::create_dir_all)?;
    let mut table = Table { file: campaign.table.as_deref().map(File::create).transpose()? };
    table.write(HEAD)?;
    let mut good = true;
    for bug in &campaign.bugs {
        let (row, caught) = campaign.hunt(bug).await?;
        good &= caught;
        table.write(&row)?;
    }
    let (row, held) = campaign.control().await?;
    table.write(&row)?;
    Ok(good && held)
}

/// Where rows go.
struct Table {
    file: Option<File>,
}

impl Table {
    fn write(&mut self, rows: &str) -> io::Result<()> {
        io::stdout().write_all(rows.as_bytes())?;
        self.file.iter_mut().try_for_each(|file| file.write_all(rows.as_bytes()))
    }
}

impl Campaign {
    /// The row of a bug, and whether it was caught.
    async fn hunt(&self, bug: &'static Seeded) -> io::Result<(String, bool)> {
        eprintln!("── the bug {}", bug.name);
        let time = if bug.late { self.time.min(BEFORE_ROUNDS) } else { self.time };
        let (file, Ran { recorded, loaded }) = self.attack(bug.name, Subject::Seeded(bug), time).await;
        let caught = catch(bug, &recorded);
        self.leave(&file, caught.is_none())?;
        Ok((row(bug.name, caught, &recorded, loaded, self.seed), caught.is_some()))
    }

    /// The row of the run without a bug, and whether it held.
    async fn control(&self) -> io::Result<(String, bool)> {
        eprintln!("── no bug");
        let (file, Ran { recorded, loaded }) = self.attack("none", Subject::Sound, self.time).await;
        let held = recorded.violations.is_empty();
        self.leave(&file, !held)?;
        Ok((row("none", recorded.violations.first(), &recorded, loaded, self.seed), held))
    }

    /// Removes a history that nobody wants.
    fn leave(&self, file: &Path, is_to_be_looked_at: bool) -> io::Result<()> {
        if is_to_be_looked_at || self.histories.is_some() { Ok(()) } else { std::fs::remove_file(file) }
    }

    /// The history of a run and what came of it.
    async fn attack(&self, name: &str, subject: Subject, time: Duration) -> (PathBuf, Ran) {
        let directory = self.histories.clone().unwrap_or_else(std::env::temp_dir);
        let file = directory.join(format!("oncelog-bug-{name}-{}.jsonl", self.seed));
        let network = Network::Relays;
        let kinds = chaos::kinds(&[], network).expect("there are faults");
        let plan = Plan { time, seed: self.seed, kinds, nodes: 3, timing: Timing::Fast, network, subject };
        eprintln!("to run the same schedule again: {}", plan.command());
        let ran = chaos::run(&plan, &file).await;
        (file, ran)
    }
}

/// The first of the violations, sorted by what to look at first, that shows the bug.
fn catch<'a>(bug: &Seeded, recorded: &'a Recorded) -> Option<&'a Violation> {
    let has_ended = recorded.events.alarms.iter().any(|alarm| alarm.what == Alarming::Ended);
    let shows = |violation: &&Violation| {
        let is_meant = bug.stops || has_ended || !LIVENESS.contains(&violation.property);
        violation.property != COVERAGE && is_meant
    };
    recorded.violations.iter().find(shows)
}

fn row(name: &str, first: Option<&Violation>, recorded: &Recorded, loaded: Duration, seed: u64) -> String {
    let mut named: Vec<&str> = recorded.violations.iter().map(|violation| violation.property).collect();
    named.sort_unstable();
    named.dedup();
    let property = first.map_or("nothing", |first| first.property);
    let sentence = first.or(recorded.violations.first()).map_or_else(String::new, |first| cell(&first.found));
    format!("| {name} | {property} | {} | {} | {seed} | {sentence} |\n", named.join(" "), loaded.as_secs())
}

/// A sentence that fits into a cell.
fn cell(sentence: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    sentence.chars().map(|it| if it.is_control() || it == '|' { ' ' } else { it }).take(CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Alarm, Events};
    use crate::seeded::named;

    fn found(properties: &[&'static str]) -> Vec<Violation> {
        properties.iter().map(|property| Violation::new(property, "a|b\nc".to_owned())).collect()
    }

    fn recorded(properties: &[&'static str]) -> Recorded {
        Recorded { violations: found(properties), events: Events::default(), replicas: Vec::new() }
    }

    #[test]
    fn a_run_that_broke_off_or_lacked_something_has_caught_only_a_bug_that_stops_nodes() {
        let caught = |bug: &str, properties: &[&'static str]| {
            catch(named(bug).unwrap(), &recorded(properties)).map(|violation| violation.property)
        };
        assert_eq!(caught("byte-lost", &["P12", "P13", "P17"]), None);
        assert_eq!(caught("byte-lost", &["P12", "P6"]), Some("P6"));
        assert_eq!(caught("staged-id-stays", &["P17", "P13"]), Some("P13"));
        assert_eq!(caught("staged-id-stays", &["P17"]), None);

        let mut ended = recorded(&["P12"]);
        let said = "signal: 6".to_owned();
        ended.events.alarms.push(Alarm { node: 1, at: Duration::ZERO, what: Alarming::Ended, said });
        assert!(catch(named("byte-lost").unwrap(), &ended).is_some(), "it says why");
    }

    #[test]
    fn a_row_has_six_cells_whatever_was_found() {
        let recorded = recorded(&["P6", "P1", "P1"]);
        let row = row("byte-lost", recorded.violations.first(), &recorded, Duration::from_millis(12_900), 7);
        assert_eq!(row, "| byte-lost | P6 | P1 P6 | 12 | 7 | a b c |\n");
        assert_eq!(row.matches('|').count(), HEAD.lines().next().unwrap().matches('|').count());
    }
}
