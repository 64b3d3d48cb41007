//! The tables of a report, before any rendering.

use super::spread::percentile;
use super::summary::{OfKind, Run, Summary, Verdict, Waits};

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// What stands over each column.
    pub(super) head: Vec<&'static str>,
    /// So many columns at the left hold words; the others hold numbers.
    pub(super) words: usize,
    /// The rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// What a cell's text means to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Idle,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Plain }
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::from(count(number))
    }
}

/// All properties.
pub(super) fn properties(summary: &Summary) -> Table {
    let rows = summary.properties().into_iter().map(|property| {
        let (verdict, judged) = (verdict(property.verdict()), Cell::from(property.judged));
        vec![Cell::from(property.name), Cell::from(property.sentence), verdict, judged]
    });
    Table { head: vec!["", "property", "verdict", "judged"], words: 3, rows: rows.collect() }
}

/// The row of faults that took the leader two at once.
const TWO_AT_ONCE: &str = "two took the leader";

/// Each table of faults with what stands above it: gaps under different timeouts stand apart.
pub(super) fn faults(summary: &Summary) -> Vec<(String, Table)> {
    let timings = summary.timings();
    let tables = timings.into_iter().map(|timing| {
        let title = timing.map_or_else(|| "Faults".to_owned(), |timing| format!("Faults, with {timing} timeouts"));
        let mut rows: Vec<_> = summary.faults(timing).into_iter().map(|(name, kind)| fault(name, &kind)).collect();
        let two_at_once = summary.two_at_once(timing);
        rows.extend((two_at_once.installed > 0).then(|| fault(TWO_AT_ONCE, &two_at_once)));
        let head = vec![
            "fault",
            "installed",
            "skipped",
            "indeterminate",
            "acks/s",
            "gap median",
            "gap p99",
            "gap max",
            "writes again p99",
            "writes again max",
        ];
        (title, Table { head, words: 1, rows })
    });
    tables.filter(|(_, table)| !table.rows.is_empty()).collect()
}

fn fault(name: &str, kind: &OfKind) -> Vec<Cell> {
    let acknowledged = u64::try_from(kind.acknowledged).unwrap_or(u64::MAX);
    let rate = acknowledged.saturating_mul(1_000).checked_div(kind.lasted_ms);
    let rate = rate.and_then(|rate| usize::try_from(rate).ok()).map_or_else(none, Cell::from);
    let mut row = vec![Cell::from(name.to_owned()), kind.installed.into(), kind.skipped.into()];
    row.extend([kind.indeterminate.into(), rate]);
    row.extend([50, 99, 100].map(|percent| percentile(&kind.gaps_ms, percent).map_or_else(none, time)));
    row.extend([99, 100].map(|percent| wait(&kind.writes, percent)));
    row
}

/// The points of crashes; none if nothing was made to crash at one.
pub(super) fn crash_points(summary: &Summary) -> Option<Table> {
    let rows = summary.crash_points().into_iter().map(|(name, point)| {
        let recoveries = [50, 100].map(|percent| wait(&point.recoveries, percent));
        let row = [Cell::from(name.to_owned()), point.rounds.into()];
        row.into_iter().chain(recoveries).collect()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let head = vec!["crash point", "died", "served again median", "served again max"];
    (!rows.is_empty()).then_some(Table { head, words: 1, rows })
}

/// Each run.
pub(super) fn runs(summary: &Summary) -> Table {
    let rows = summary.runs.iter().map(|run| {
        let crashes = run.crash_points.values().map(|point| point.rounds).sum::<usize>();
        let faults = crashes + run.faults.values().map(|kind| kind.installed).sum::<usize>();
        let timing = run.timing.clone().map_or_else(none, Cell::from);
        vec![
            Cell::from(run.seed.map_or_else(|| "–".to_owned(), |seed| seed.to_string())),
            timing,
            verdict(run.verdict()),
            run.nodes.into(),
            duration(run.duration_ms).into(),
            faults.into(),
            run.acknowledged.into(),
            wait(&run.agreed, 100),
        ]
    });
    let head =
        vec!["seed", "timeouts", "verdict", "nodes", "duration", "faults installed", "acknowledged", "replicas agree"];
    Table { head, words: 3, rows: rows.collect() }
}

/// All of it in one sentence.
pub(super) fn sentence(summary: &Summary) -> String {
    let sum = |of: fn(&Run) -> usize| count(summary.runs.iter().map(of).sum());
    let runs = match summary.runs.len() {
        1 => "One run".to_owned(),
        many => format!("{} runs", count(many)),
    };
    let duration = duration(summary.runs.iter().map(|run| run.duration_ms).sum());
    format!(
        "{runs}, {duration} under load: {} operations in {} attempts, {} acknowledged; {} reads.",
        sum(|run| run.operations),
        sum(|run| run.attempts),
        sum(|run| run.acknowledged),
        sum(|run| run.reads),
    )
}

/// What came of it, in few words.
pub(super) fn headline(summary: &Summary) -> &'static str {
    let properties = summary.properties();
    let any = |verdict: fn(Verdict) -> bool| properties.iter().any(|property| verdict(property.verdict()));
    if any(|verdict| matches!(verdict, Verdict::Broken(_))) {
        "Something happened that must never be"
    } else if !any(|verdict| verdict == Verdict::Holds) {
        "There was nothing to judge"
    } else if any(|verdict| verdict == Verdict::NothingToJudge) {
        "All that was judged holds"
    } else {
        "Every property holds"
    }
}

fn verdict(verdict: Verdict) -> Cell {
    match verdict {
        Verdict::Holds => Cell { text: "holds".to_owned(), tone: Tone::Good },
        Verdict::Broken(broken) => Cell { text: format!("BROKEN, {}", times(broken)), tone: Tone::Bad },
        Verdict::NothingToJudge => Cell { text: "nothing to judge".to_owned(), tone: Tone::Idle },
    }
}

fn wait(waits: &Waits, percent: usize) -> Cell {
    if waits.never > 0 {
        return Cell { text: format!("never, {}", times(waits.never)), tone: Tone::Bad };
    }
    percentile(&waits.took_ms, percent).map_or_else(none, time)
}

fn none() -> Cell {
    Cell { text: "–".to_owned(), tone: Tone::Idle }
}

fn time(ms: u64) -> Cell {
    Cell::from(format!("{}\u{a0}ms", count(usize::try_from(ms).unwrap_or(usize::MAX))))
}

fn times(number: usize) -> String {
    if number == 1 { "once".to_owned() } else { format!("{} times", count(number)) }
}

/// A time for people: `8 s`, `12 min 3 s`, `2 h 0 min`.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A number with a comma after each three digits.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([8_900, 723_000, 7_200_000].map(duration), ["8 s", "12 min 3 s", "2 h 0 min"]);
        assert_eq!([1, 2].map(times), ["once", "2 times"]);
    }
}
