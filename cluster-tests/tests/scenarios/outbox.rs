//! A program with an outbox is killed again and again: whatever it had said was kept is there once in the end, and whatever
//! it had said was answered is where it said.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use cluster_tests::client::{Acknowledgement, Place};
use cluster_tests::cluster::Cluster;
use cluster_tests::history::{AttemptNumber, Content, History, OperationNumber};
use cluster_tests::judgement::judge;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::program::{Program, json, number, text};
use cluster_tests::sample;
use cluster_tests::seed;
use cluster_tests::wait::{PATIENCE, until};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::sleep;

const KILLS: usize = 30;
const LOG: &str = "payments";

/// Runs of the program with one outbox, and what they said.
struct Runs<'a> {
    cluster: &'a Cluster,
    history: &'a History,
    random: StdRng,
    outbox: String,
    count: usize,
    /// What was given, each with its first attempt as long as that has no answer.
    given: BTreeMap<String, (OperationNumber, Option<AttemptNumber>)>,
    kept: BTreeSet<String>,
    told: usize,
}

impl<'a> Runs<'a> {
    fn new(cluster: &'a Cluster, history: &'a History) -> Self {
        let outbox = cluster.directory().join("outbox");
        let outbox = outbox.to_str().expect("a path in UTF-8").to_owned();
        let random = seed::generator("outbox");
        let (given, kept) = (BTreeMap::new(), BTreeSet::new());
        Self { cluster, history, random, outbox, count: 0, given, kept, told: 0 }
    }

    fn start(&self, arguments: &[&str]) -> Program {
        let common = ["append", LOG, "--outbox", &self.outbox, "-o", "jsonl", "--timeout", "60s"];
        Program::start(self.cluster, &self.cluster.ids(), &[&common[..], arguments].concat())
    }

    /// A record that the program is about to be given.
    fn give(&mut self, id: String) -> String {
        let payloads = sample::payloads(&id, 1, 60);
        let operation = self.history.operation(self.count, LOG, &id, &payloads);
        let attempt = self.history.invoke(operation, 1);
        self.given.insert(id, (operation, Some(attempt)));
        let payload = payloads.first().expect("one payload");
        String::from_utf8(payload.to_vec()).expect("a payload of text")
    }

    /// One run with new records, which is killed at some moment after it has begun to speak. Whether it was.
    async fn run_and_kill(&mut self) -> bool {
        self.count += 1;
        let (program, moment) = if self.random.random_ratio(1, 4) {
            let id = format!("run-{}", self.count);
            let value = self.give(id.clone());
            let program = self.start(&[&value, "--id", &id]);
            // Over before anybody could look: it is killed at any moment, from its start on.
            (program, Duration::from_micros(self.random.random_range(0..40_000)))
        } else {
            let (count, prefix) = (self.random.random_range(40..120), format!("run-{}/", self.count));
            let lines: Vec<String> = (1..=count).map(|line| self.give(format!("{prefix}{line}"))).collect();
            let path = self.cluster.directory().join("batch");
            std::fs::write(&path, lines.join("\n")).expect("write a batch");
            let in_flight = self.random.random_range(1..=8).to_string();
            let path = path.to_str().expect("a path in UTF-8");
            let mut program = self.start(&["--batch", path, "--id-prefix", &prefix, "--in-flight", &in_flight]);
            // Each record is told twice.
            program.printed(self.random.random_range(1..=count)).await;
            (program, Duration::from_micros(self.random.random_range(0..10_000)))
        };
        sleep(moment).await;
        let ended = program.kill();
        let killed = ended.status.signal() == Some(9);
        assert!(killed || ended.status.success(), "it ended with {}:\n{}", ended.status, ended.said);
        self.heard(&json(&ended.lines));
        killed
    }

    /// A run that only sends what waits. Returns how many answers it printed.
    async fn drain(&mut self) -> usize {
        let ended = self.start(&["--batch", "/dev/null"]).ended().await.succeeded();
        self.heard(&ended.json());
        ended.lines.len()
    }

    /// Takes in what a run has printed.
    fn heard(&mut self, lines: &[Value]) {
        for line in lines {
            if line.get("kept").is_some() {
                let id = text(line, "kept");
                assert!(self.given.contains_key(id), "{line} is about what nobody gave");
                assert!(self.kept.insert(id.to_owned()), "{line} was told before");
                continue;
            }
            let (operation, first) = self.given.get_mut(text(line, "id")).expect("an answer to what was given");
            let count = number(line, "count").try_into().expect("a count");
            let place = Place {
                first_offset: number(line, "offset"),
                count,
                sequence: number(line, "sequence"),
                history: number(line, "history"),
                time_ms: number(line, "time_ms"),
            };
            let replayed = line.get("replayed").and_then(Value::as_bool).expect("whether it is a replay");
            let attempt = first.take().unwrap_or_else(|| self.history.invoke(*operation, 1));
            self.history.complete(attempt, Ok(Acknowledgement { replayed, place }));
            self.told += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_loses_nothing_that_it_had_kept_and_doubles_nothing() {
    let cluster = Cluster::start("outbox").await;
    let history = cluster.history();
    let mut runs = Runs::new(&cluster, &history);
    let leaders = LeaderKills::new(&cluster, &history);
    leaders
        .during(async {
            let mut killed = 0;
            while killed < KILLS {
                killed += usize::from(runs.run_and_kill().await);
            }
        })
        .await;
    let (kept, told) = (runs.kept.len(), runs.told);
    let left = runs.drain().await;
    println!("{KILLS} of {} runs and {} leaders were killed", runs.count, leaders.count());
    println!("{kept} records told to be kept, {told} answers told, then {left} of what the last runs left");
    assert!(left < kept && told > 0 && leaders.count() > 0, "such a run proves nothing");
    assert_eq!(runs.drain().await, 0, "what was told is confirmed");

    // Nothing goes from an outbox untold.
    let operations = history.events().operations;
    let acknowledged = operations.iter().filter(|operation| operation.acknowledged().is_some());
    let acknowledged: BTreeSet<&str> = acknowledged.map(|operation| operation.id.as_str()).collect();
    let untold: Vec<&String> = runs.kept.iter().filter(|id| !acknowledged.contains(id.as_str())).collect();
    assert!(
        untold.is_empty(),
        "{} records were kept, and what became of them was never told: {untold:?}",
        untold.len()
    );
    // And what was told is true.
    judge(&cluster, &history).await;
}

/// The program stands in the middle of printing an answer when it is killed: that answer was not told.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_and_not_printed_is_told_by_the_next_run() {
    let cluster = Cluster::start("outbox-unread").await;
    let outbox = cluster.directory().join("outbox");
    let batch = cluster.directory().join("batch");
    let lines: Vec<String> = (1..=1_000).map(|number| format!("pay {number}")).collect();
    std::fs::write(&batch, lines.join("\n")).unwrap();
    let common = ["append", LOG, "--outbox", outbox.to_str().unwrap(), "--batch"];
    // Bare values: nothing is printed but answers.
    let batch = [batch.to_str().unwrap(), "--id-prefix", "pay-", "--in-flight", "8", "-o", "plain"];
    let (program, mut unread) = Program::start_unread(&cluster, &[1, 2, 3], &[&common[..], &batch].concat());
    until("the program stands still", PATIENCE, || async {
        let client = cluster.node(1).client();
        let before = client.end(LOG).await.map_err(|failure| failure.to_string())?;
        for _ in 0..50 {
            client.end(LOG).await.map_err(|failure| failure.to_string())?;
        }
        let after = client.end(LOG).await.map_err(|failure| failure.to_string())?;
        if before == after && after > 0 { Ok(()) } else { Err(format!("it has appended {before}, then {after}")) }
    })
    .await;
    let ended = program.kill();
    assert_eq!(ended.status.signal(), Some(9));

    let mut printed = String::new();
    unread.read_to_string(&mut printed).unwrap();
    let whole = printed.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let mut told: BTreeSet<String> = whole.map(|line| line.split('\t').next_back().unwrap().to_owned()).collect();
    let (before, appended) = (told.len(), cluster.node(1).client().end(LOG).await.unwrap());
    let rest = Program::start(&cluster, &[1, 2, 3], &[&common[..], &["/dev/null", "-o", "jsonl"]].concat());
    let rest = rest.ended().await.succeeded().json();
    println!("{before} answers were printed of {appended} records appended, then {} more", rest.len());
    assert!(before > 0 && (before as u64) < appended, "it was not stopped in the middle");
    told.extend(rest.iter().map(|answer| text(answer, "id").to_owned()));

    let mut dumps = cluster.dump(&cluster.ids()).await;
    let log = dumps.pop().unwrap().logs.remove(LOG).unwrap();
    let untold: Vec<_> = log.records.iter().filter(|record| !told.contains(record.id.as_str())).collect();
    assert!(untold.is_empty(), "nobody was told of {untold:?}");
    assert_eq!(log.records.len(), told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_node_takes_waits_in_order_and_goes_before_anything_new() {
    let cluster = Cluster::start("outbox-offline").await;
    let outbox = cluster.directory().join("outbox");
    let outbox = outbox.to_str().unwrap();
    let append = async |code: i32, arguments: &[&str]| {
        let common = ["append", LOG, "--outbox", outbox, "-o", "jsonl", "--timeout", "1s"];
        Program::start(&cluster, &[1, 2, 3], &[&common[..], arguments].concat()).ended().await.with_code(code)
    };
    let kept = |id: &str, entry: u64| serde_json::json!({"kept": id, "space": "main", "log": LOG, "entry": entry});

    cluster.kill_all();
    assert_eq!(append(3, &["first", "--id", "pay-1"]).await.json(), [kept("pay-1", 1)]);
    // What an earlier run has left may have taken effect, for all that this one knows.
    assert_eq!(append(6, &["second", "--id", "pay-2"]).await.json(), [kept("pay-2", 2)]);
    // A batch is not begun behind what no node takes.
    let batch = cluster.directory().join("batch");
    std::fs::write(&batch, "third\nfourth\n").unwrap();
    let batch = ["--batch", batch.to_str().unwrap(), "--id-prefix", "pay-b"];
    assert_eq!(append(6, &batch).await.json(), Vec::<Value>::new());

    cluster.start_all();
    cluster.serving(&cluster.ids()).await;
    let answers = append(0, &batch).await.json();
    let ids: Vec<_> = answers.iter().map(|answer| answer.get("id").or(answer.get("kept")).unwrap().clone()).collect();
    assert_eq!(ids.get(..4).unwrap(), ["pay-1", "pay-2", "pay-b1", "pay-b2"]);
    let lines: Vec<_> = answers.iter().filter_map(|answer| answer.get("line")?.as_u64()).collect();
    assert_eq!(lines, [1, 2]);
    assert_eq!(answers.len(), 6);

    let mut dumps = cluster.dump(&cluster.ids()).await;
    let log = dumps.pop().unwrap().logs.remove(LOG).unwrap();
    let found: Vec<_> = log.records.iter().map(|record| record.content).collect();
    assert_eq!(found.get(..2).unwrap(), [Content::of(b"first"), Content::of(b"second")]);
    assert_eq!(found.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_kept_even_if_nobody_reads_what_became_of_those_before_it() {
    let cluster = Cluster::start("outbox-nobody-reads").await;
    let outbox = cluster.directory().join("outbox");
    let common = ["append", LOG, "--outbox", outbox.to_str().unwrap()];
    cluster.kill_all();
    let first = ["first", "--id", "pay-1", "--timeout", "1s"];
    let first = Program::start(&cluster, &[1, 2, 3], &[&common[..], &first].concat()).ended().await.with_code(3);
    assert!(first.said.contains("It is kept in the outbox; the next run sends it."), "{}", first.said);
    cluster.start_all();
    cluster.serving(&cluster.ids()).await;

    // Bare values: nothing is printed but answers.
    let second = ["second", "--id", "pay-2", "-o", "plain"];
    let (program, reader) = Program::start_unread(&cluster, &[1, 2, 3], &[&common[..], &second].concat());
    drop(reader);
    let second = program.ended().await.with_code(6);
    assert!(second.said.contains("nobody reads the answers any more"), "{}", second.said);

    let rest = ["--batch", "/dev/null", "-o", "jsonl"];
    let rest = Program::start(&cluster, &[1, 2, 3], &[&common[..], &rest].concat()).ended().await.succeeded().json();
    assert_eq!(rest.iter().map(|answer| text(answer, "id")).collect::<Vec<_>>(), ["pay-1", "pay-2"]);
    assert_eq!(cluster.node(1).client().end(LOG).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_told_and_holds_nothing_back() {
    let cluster = Cluster::start("outbox-refused").await;
    let outbox = cluster.directory().join("outbox");
    let outbox = outbox.to_str().unwrap();
    cluster.node(1).client().cancel("pay-1").await.unwrap();
    let append = async |code: i32, arguments: &[&str]| {
        let common = ["append", LOG, "--outbox", outbox, "-o", "jsonl"];
        Program::start(&cluster, &[1, 2, 3], &[&common[..], arguments].concat()).ended().await.with_code(code)
    };
    let refused = append(5, &["first", "--id", "pay-1"]).await;
    assert_eq!(refused.lines.len(), 1, "it was kept, and is not answered");
    assert!(refused.said.contains("\"reason\":\"CANCELLED\"") && refused.said.contains("pay-1"), "{}", refused.said);
    // It does not come back.
    let next = append(0, &["second", "--id", "pay-2"]).await;
    assert_eq!((next.lines.len(), next.said.as_str()), (2, ""));
    let conflict = append(5, &["third", "--id", "pay-2"]).await;
    assert!(conflict.said.contains("\"reason\":\"ID_REUSED\""), "{}", conflict.said);
    assert_eq!(append(0, &["--batch", "/dev/null"]).await.lines, Vec::<String>::new());
    assert_eq!(cluster.node(1).client().end(LOG).await.unwrap(), 1);
}
