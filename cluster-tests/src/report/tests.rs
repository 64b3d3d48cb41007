//! A history made by hand, and what its report says.

use std::time::Duration;

use super::{Summary, Verdict, markdown, page, print, svg};
use crate::client::{Acknowledgement, Place};
use crate::history::{Again, Attempt, Effective, Events, Fault, Few, Many, Meant, Operation, Recovery};
use crate::oracle::{Violation, judge};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn acknowledged(ms: u64) -> Operation {
    let place = Place { first_offset: ms, count: 1, sequence: ms, history: 1, time_ms: ms };
    let answer = Some(Ok(Acknowledgement { replayed: false, place }));
    let attempt = Attempt { node: 1, place: None, invoked: at(ms - 10), completed: Some(at(ms)), answer };
    Operation {
        client: 0,
        log: "orders".into(),
        id: format!("id-{ms}").into(),
        payloads: Vec::new(),
        contents: Few::new(),
        attempts: Few::from_iter([attempt]),
        fingerprint: None,
        believed: false,
        doubted: false,
        cancels: Few::new(),
    }
}

fn fault(kind: &str, begun: u64, healed: u64, effective: Effective) -> Fault {
    let what = "node 2 & <script>alert('x')</script>".to_owned();
    Fault { kind: kind.to_owned(), what, begun: at(begun), healed: Some(at(healed)), effective }
}

/// An append each 100 ms for ten seconds, but for two outages: of 900 ms within a kill, and of 1.5 s that goes on for half a
/// second after another is healed. Then one late answer, when all is over.
fn events() -> Events {
    let outages = [2_100..3_000, 6_100..7_600];
    let times = (1..=100).map(|tick| tick * 100).filter(|ms| !outages.iter().any(|outage| outage.contains(ms)));
    let mut operations: Many<Operation> = times.map(acknowledged).collect();
    let mut late = acknowledged(20_000);
    late.attempts[0].invoked = at(9_000);
    operations.push(late);
    let recovery = |healed, seen: Option<u64>| Recovery {
        fault: "kill-leader".to_owned(),
        again: Again::Writes,
        healed: at(healed),
        seen: seen.map(at),
    };
    let command = "chaos --seed 7 --timing fast <b>";
    Events {
        operations,
        faults: vec![
            fault("kill-leader", 2_050, 4_050, Effective::Installed),
            fault("kill-leader", 6_050, 7_100, Effective::Installed),
            fault("cut-power", 8_000, 8_000, Effective::Skipped),
            fault("pause|<i>", 8_500, 8_600, Effective::Indeterminate),
        ],
        recoveries: vec![recovery(4_050, Some(4_100)), recovery(7_100, Some(7_600))],
        meant: Some(Meant { seed: 7, nodes: vec![1, 2, 3], command: command.to_owned(), ..Meant::default() }),
        ..Events::default()
    }
}

fn summary() -> Summary {
    Summary::of(&events(), &[], &[], "run.jsonl")
}

#[test]
fn each_fault_has_its_gap_its_rate_and_its_recovery() {
    let summary = summary();
    let faults = summary.faults(Some("fast"));
    let kill = &faults["kill-leader"];
    assert_eq!((kill.installed, kill.skipped, kill.indeterminate), (2, 0, 0));
    assert_eq!(kill.gaps_ms, [1_000, 1_600], "from the last acknowledgement before to the first after it");
    assert_eq!((kill.writes.took_ms.as_slice(), kill.writes.never), ([50, 500].as_slice(), 0));
    // Until a write is acknowledged: of 2.05 s to 4.1 s the twelve from 3.0 s on, of 6.05 s to 7.6 s the last alone.
    assert_eq!((kill.lasted_ms, kill.acknowledged), (3_600, 13));
    assert_eq!((faults["cut-power"].skipped, faults["cut-power"].gaps_ms.len()), (1, 0));
    assert_eq!((faults["pause|<i>"].indeterminate, faults["pause|<i>"].gaps_ms.len()), (1, 0));

    let run = &summary.runs[0];
    assert_eq!((run.seed, run.nodes, run.timing.as_deref(), run.duration_ms), (Some(7), 3, Some("fast"), 9_990));
    assert_eq!(run.throughput, [9, 10, 1, 10, 10, 10, 1, 4, 10]);

    // What is sent first when the load has ended belongs to no second of it.
    let mut events = events();
    let agrees = Recovery { again: Again::Agrees, ..events.recoveries[0].clone() };
    events.recoveries.push(Recovery { healed: at(8_900), seen: Some(at(8_950)), ..agrees });
    let run = Summary::of(&events, &[], &[], "").runs.remove(0);
    assert_eq!((run.duration_ms, run.throughput.len(), run.agreed.took_ms.as_slice()), (8_900, 8, [50].as_slice()));
}

#[test]
fn a_replay_ends_no_gap() {
    let mut events = events();
    let mut replayed = acknowledged(2_500);
    let Some(Ok(told)) = &mut replayed.attempts[0].answer else { panic!("it is acknowledged") };
    told.replayed = true;
    events.operations.push(replayed);
    let summary = Summary::of(&events, &[], &[], "");
    assert_eq!(summary.faults(Some("fast"))["kill-leader"].gaps_ms, [1_000, 1_600]);
}

#[test]
fn a_cluster_that_never_comes_back_is_told() {
    let mut events = events();
    events.recoveries[1].seen = None;
    let text = text(&Summary::of(&events, &[], &[], ""));
    assert!(text.contains("never, once"), "{text}");
}

#[test]
fn what_was_not_judged_is_said_and_not_to_hold() {
    let verdict = |summary: &Summary, name: &str| {
        summary.properties().iter().find(|property| property.name == name).map(super::Judged::verdict)
    };
    let sound = summary();
    assert_eq!(verdict(&sound, "P14"), Some(Verdict::NothingToJudge));
    assert_eq!(verdict(&sound, "P3"), Some(Verdict::Holds));
    for rendered in [text(&sound), page(&sound), markdown(&sound)] {
        assert!(rendered.contains("nothing to judge"), "{rendered}");
    }
    assert!(page(&sound).contains(">All that was judged holds</h1>"));

    let violations: Vec<Violation> = judge(&events(), &[]);
    let broken = Summary::of(&events(), &[], &violations, "");
    assert!(matches!(verdict(&broken, "P5"), Some(Verdict::Broken(1))), "there is no replica");
    assert!(broken.broken() && !sound.broken());

    // The worst of all runs counts.
    let both = Summary::merge([sound, broken]);
    assert!(matches!(verdict(&both, "P5"), Some(Verdict::Broken(1))));
    assert!(page(&both).contains(">Something happened that must never be</h1>"));
}

#[test]
fn merged_runs_are_added_up_and_none_counts_twice() {
    let (first, mut second) = (summary(), summary());
    second.runs[0].seed = Some(8);
    let merged = Summary::merge([first.clone(), second.clone(), first.clone()]);
    assert_eq!(merged.runs.len(), 2);
    assert_eq!(Summary::merge([merged.clone(), second.clone()]), merged);
    let kill = merged.faults(Some("fast")).remove("kill-leader").unwrap();
    assert_eq!((kill.installed, kill.acknowledged, kill.lasted_ms), (4, 26, 7_200));
    assert_eq!(kill.gaps_ms, [1_000, 1_600, 1_000, 1_600]);
    assert_eq!(kill.writes.took_ms, [50, 500, 50, 500]);

    // Other timeouts stand apart.
    second.runs[0].timing = Some("default".to_owned());
    let merged = Summary::merge([first, second]);
    assert_eq!(merged.timings().len(), 2);
    assert_eq!(merged.faults(Some("default"))["kill-leader"].installed, 2);
    assert!(merged.faults(None).is_empty());
}

#[test]
fn crash_points_are_added_up() {
    let mut summary = summary();
    summary.runs[0].add_crash("between append and sync", Some(300));
    summary.runs[0].add_crash("between append and sync", None);
    let mut other = summary.clone();
    other.runs[0].seed = Some(8);
    let merged = Summary::merge([summary, other]);
    let points = merged.crash_points();
    let point = &points["between append and sync"];
    assert_eq!((point.rounds, point.recoveries.never), (4, 2));
    assert_eq!(point.recoveries.took_ms, [300, 300]);
    for rendered in [text(&merged), page(&merged), markdown(&merged)] {
        assert!(rendered.contains("between append and sync"), "{rendered}");
    }
}

#[test]
fn what_was_written_is_read() {
    let scratch = crate::scratch::Scratch::new("report");
    let stem = scratch.path().join("run.1");
    let summary = summary();
    let written = super::write(&stem, &summary).unwrap();
    let names: Vec<_> = written.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["run.1.report.json", "run.1.svg", "run.1.html"]);
    assert_eq!(super::read(&written[0]).unwrap(), summary);
    let why = super::read(&written[1]).unwrap_err().to_string();
    assert!(why.contains("run.1.svg"), "{why}");
}

#[test]
fn pictures_and_pages_are_well_formed_and_hold_no_markup_of_a_run() {
    let empty = Summary::default();
    let broken = Summary::of(&events(), &[], &judge(&events(), &[]), "<u>.jsonl");
    for summary in [summary(), Summary::merge([summary(), broken]), empty] {
        for markup in [svg(&summary), page(&summary)] {
            assert_well_formed(&markup);
            for foreign in ["<script", "<b>", "<i>", "<u>", "NaN", "inf"] {
                assert!(!markup.contains(foreign), "{foreign} in {markup}");
            }
            let mut links = markup.match_indices("http").map(|(at, _)| &markup[at..at + 26]);
            assert!(links.all(|link| link == "http://www.w3.org/2000/svg"), "something is outside");
        }
    }
    assert!(svg(&summary()).contains("node 2 &amp; &lt;script&gt;"), "a fault says what it is");
    let tables = markdown(&summary());
    assert!(tables.contains("pause\\|&lt;i>"), "{tables}");
}

/// Every element that begins ends, in order; every attribute has its quotes.
fn assert_well_formed(markup: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup.strip_prefix("<!doctype html>").unwrap_or(markup);
    while let Some(begin) = rest.find('<') {
        let end = begin + rest[begin..].find('>').expect("a tag ends");
        let tag = &rest[begin + 1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        let name = tag.trim_matches('/').split_whitespace().next().expect("a tag has a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> ends what has not begun");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if name == "style" && !tag.starts_with('/') {
            rest = &rest[rest.find("</style>").expect("styles end")..];
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

fn text(summary: &Summary) -> String {
    let mut out = Vec::new();
    print(&mut out, summary).unwrap();
    String::from_utf8(out).unwrap()
}
