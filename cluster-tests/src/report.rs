//! What a run, or a recorded history, comes to: for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::history::{Effective, Events};
use crate::oracle::{PROPERTIES, Violation};

/// How many violations of one property are shown.
const SHOWN: usize = 10;

/// Faults of one kind.
#[derive(Debug, Default)]
struct OfKind {
    installed: usize,
    skipped: usize,
    indeterminate: usize,
    /// The longest time without an acknowledgement that one of them fell into.
    gap: Duration,
}

/// Writes all of it.
pub fn print(out: &mut impl Write, events: &Events, violations: &[Violation]) -> io::Result<()> {
    writeln!(out)?;
    for property in &PROPERTIES {
        let found: Vec<_> = violations.iter().filter(|violation| violation.property == property.name).collect();
        let verdict = if found.is_empty() { "holds".to_owned() } else { format!("BROKEN, {} times", found.len()) };
        writeln!(out, "{:<4} {:<50} {verdict}", property.name, property.sentence)?;
        for violation in found.iter().take(SHOWN) {
            writeln!(out, "     {}", violation.found)?;
        }
    }
    let kinds = kinds(events);
    if !kinds.is_empty() {
        writeln!(
            out,
            "\n{:<18} {:>9} {:>7} {:>13} {:>14}",
            "FAULT", "INSTALLED", "SKIPPED", "INDETERMINATE", "LONGEST GAP"
        )?;
    }
    for (name, kind) in kinds {
        let OfKind { installed, skipped, indeterminate, gap } = kind;
        let gap = format!("{} ms", gap.as_millis());
        writeln!(out, "{name:<18} {installed:>9} {skipped:>7} {indeterminate:>13} {gap:>14}")?;
    }
    let attempts: usize = events.operations.iter().map(|operation| operation.attempts.len()).sum();
    let acknowledged = events.operations.iter().filter(|operation| operation.acknowledged().is_some()).count();
    writeln!(
        out,
        "\n{} operations in {attempts} attempts, {acknowledged} acknowledged; {} reads of ends, {} looks at nodes",
        events.operations.len(),
        events.ends.len(),
        events.locals.len(),
    )
}

fn kinds(events: &Events) -> BTreeMap<&str, OfKind> {
    let gaps = gaps(events);
    let mut kinds: BTreeMap<&str, OfKind> = BTreeMap::new();
    for fault in &events.faults {
        let kind = kinds.entry(&fault.kind).or_default();
        match fault.effective {
            Effective::Installed => kind.installed += 1,
            Effective::Skipped => kind.skipped += 1,
            Effective::Indeterminate => kind.indeterminate += 1,
        }
        let healed = fault.healed.unwrap_or(fault.begun);
        // In the order of time: the first that ends after the fault has begun is where to look.
        let from = gaps.partition_point(|(_, end)| *end <= fault.begun);
        let within = gaps.iter().skip(from).take_while(|(begun, _)| *begun <= healed);
        kind.gap = within.map(|(begun, end)| end.saturating_sub(*begun)).max().unwrap_or_default().max(kind.gap);
    }
    kinds
}

/// The times between one first acknowledgement and the next.
fn gaps(events: &Events) -> Vec<(Duration, Duration)> {
    let acknowledged = events.operations.iter().filter_map(|operation| operation.acknowledged());
    let mut times: Vec<Duration> = acknowledged.map(|(completed, _)| completed).collect();
    times.sort_unstable();
    times.iter().copied().zip(times.iter().copied().skip(1)).collect()
}
