//! Every row of every table of a real cluster, after everything was done to it once: nothing is wrong with them, and one
//! flipped bit in any kind of row is found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cluster_tests::cluster::Cluster;
use cluster_tests::command::{
    SYSTEM, acquire, append, born, command, command_in, compensate, create_log, create_space, decided, delete_log,
    delete_reader, delete_space, id, log_in, move_reader, put, put_bytes, set_retention, trim,
};
use cluster_tests::history::{History, Job};
use cluster_tests::judgement::replicas;
use cluster_tests::load::Load;
use cluster_tests::oracle::{Dump, judge};
use cluster_tests::proto::action::Action as Kind;
use cluster_tests::proto::{Action, AppendRecords, DeleteCell, Header, NewRecord, Retention, SubmitRequest};
use cluster_tests::tables::{Table, Tables, copy_of, copy_snapshot};
use rocksdb::{DB, IteratorMode, Options};

const DAY_MS: u64 = 86_400_000;

/// A record whose bytes and headers are no text.
fn with_headers(log: &str) -> Action {
    let header = |key: &str, value: &'static [u8]| Header { key: key.to_owned(), value: Bytes::from_static(value) };
    let headers = vec![header("kind", b"\0\xff"), header("kind", b""), header("z", b"\0")];
    let records = vec![NewRecord { payload: Bytes::from_static(b"\xff\0\xfe"), headers }];
    Action { action: Some(Kind::Append(AppendRecords { log: log.to_owned(), records })) }
}

/// Commands that leave every kind of row, and what stays of rows that went.
fn commands(now_ms: u64) -> Vec<SubmitRequest> {
    let system = |text: &str, action| command_in(SYSTEM, id(text), vec![], vec![action]);
    let brief = |text: &str, action| command_in("brief", born(text, now_ms), vec![], vec![action]);
    let many: Vec<String> = (0..40).map(|number| format!("cell {number} / ü")).collect();
    let delete_cell = Action { action: Some(Kind::Delete(DeleteCell { key: "gone".to_owned() })) };
    let retention = Retention { age_ms: Some(DAY_MS), bytes: Some(1 << 20), records: Some(1_000) };
    vec![
        system("make-brief", create_space("brief", Some(600_000))),
        system("make-gone", create_space("gone", None)),
        command_in("gone", id("held-in-gone"), vec![], vec![acquire("l", "w", 600_000), append("x", &["1"])]),
        system("delete-gone", delete_space("gone")),
        command("headers", vec![], vec![with_headers("headed")]),
        command("\u{202e}odd id \u{1f9ee}", vec![], vec![append("other", &["a", "b", "c"])]),
        command("cells", vec![], many.iter().map(|key| put(key, i64::MIN)).collect()),
        command(
            "bytes",
            vec![],
            vec![put_bytes("gone", Bytes::from_static(b"\0")), put_bytes("kept", Bytes::from_static(b"\xff\0"))],
        ),
        command("delete-cell", vec![], vec![delete_cell]),
        command("trim", vec![], vec![trim("other", 2)]),
        command("short", vec![], vec![create_log("short", Some(2)), append("short", &["1", "2", "3", "4", "5"])]),
        command("aged", vec![], vec![append("aged", &["1"]), set_retention("aged", retention)]),
        command("move", vec![], vec![move_reader("r ?", "headed", 1), move_reader("q", "headed", 0)]),
        command("leave", vec![], vec![delete_reader("q", "headed")]),
        command("doomed", vec![], vec![append("doomed", &["1", "2"])]),
        command("delete-log", vec![], vec![delete_log("doomed")]),
        command("doomed-again", vec![], vec![append("doomed", &["3"])]),
        command("lost", vec![], vec![append("lost", &["1"])]),
        command("delete-lost", vec![], vec![delete_log("lost")]),
        command("lock", vec![], vec![acquire("lock ü", "worker", DAY_MS)]),
        command("undo", vec![], vec![compensate("short"), put("undone", 1)]),
        command("undo-again", vec![], vec![compensate("short"), put("undone", 2)]),
        command("undo-unseen", vec![], vec![compensate("unseen"), put("undone", 3)]),
        brief("beside", put("x", 1)),
        brief("beside too", append("x", &["1"])),
    ]
}

async fn submit(cluster: &Cluster, history: &History, request: SubmitRequest) {
    let number = history.command(0, Job::Prepare, &request);
    let attempt = history.submit(number, 1);
    let what = format!("{:?}", request.id);
    let answer = decided(cluster.node(1).client().command(request).await);
    assert!(answer.is_ok(), "{what}: {answer:?}");
    history.answered(attempt, answer);
}

fn now_ms() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    u64::try_from(since.as_millis()).expect("48 bits")
}

/// What the oracle says of tables.
fn said(history: &History, replicas: &[Dump]) -> Vec<String> {
    let found = judge(&history.events(), replicas);
    let of_tables = found.into_iter().filter(|it| ["P5", "P23", "P25"].contains(&it.property));
    of_tables.map(|it| it.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_agree_after_everything_was_done_and_a_flipped_bit_in_any_kind_of_row_is_found() {
    let cluster = Cluster::start("tables").await;
    let history = Arc::new(cluster.history());
    let load = Load::start(&cluster, &history);
    for request in commands(now_ms()) {
        submit(&cluster, &history, request).await;
    }
    load.acknowledged_more(300).await;
    load.stop().await;
    let ids = cluster.ids();
    let mut dumps = replicas(&cluster, &ids).await;
    assert_eq!(said(&history, &dumps), Vec::<String>::new());

    let [node, ..] = ids.as_slice() else { panic!("a cluster has nodes") };
    let node = cluster.node(*node);
    let (copy, index) = (copy_of(node), dumps[0].applied_index);
    let target = copy.clone();
    node.with_data(move |data| copy_snapshot(&data.join("state/0"), index, &target)).expect("copy a snapshot");
    let rows = one_of_each_kind(&copy);
    let tags: Vec<u8> = rows.keys().filter(|(table, _)| *table == Table::Small).map(|(_, tag)| *tag).collect();
    // A digest is remembered at every 1,024th index only.
    let expected: Vec<u8> = (0x01..=0x0f).filter(|tag| *tag != 0x05 || tags.contains(tag)).collect();
    assert_eq!(tags, expected);
    assert_eq!(rows.len(), tags.len() + 2, "and a record, and an id");
    for ((table, tag), (key, value)) in rows {
        let mut flipped = value.clone();
        *flipped.last_mut().expect("a value has a version") ^= 1;
        write(&copy, table, &key, &flipped);
        let read = Tables::read(&copy).expect("it is a database still");
        write(&copy, table, &key, &value);
        let logs = read.logs.into_iter().map(|((space, log), dump)| (log_in(&space, &log), dump.into()));
        let damaged = Dump { logs: logs.collect(), ..dumps[0].clone().with_tables(read.tables) };
        let whole = std::mem::replace(&mut dumps[0], damaged);
        let found = said(&history, &dumps);
        dumps[0] = whole;
        assert!(found.iter().any(|it| it.starts_with("P5: ")), "{} {tag}: {found:#?}", table.name());
    }
}

type Row = (Vec<u8>, Vec<u8>);

/// By table, and by the tag of a small row, one row of that kind.
fn one_of_each_kind(directory: &Path) -> BTreeMap<(Table, u8), Row> {
    let families = [Table::Records, Table::Ids, Table::Small];
    let database = open(directory);
    let mut rows = BTreeMap::new();
    for table in families {
        let family = database.cf_handle(table.name()).expect("the family is there");
        for row in database.iterator_cf(family, IteratorMode::Start) {
            let (key, value) = row.expect("a row");
            let tag = if table == Table::Small { key.first().copied().unwrap_or_default() } else { 0 };
            rows.entry((table, tag)).or_insert((key.into(), value.into()));
        }
    }
    rows
}

fn open(directory: &Path) -> DB {
    let options = Options::default();
    let families = DB::list_cf(&options, directory).expect("a database");
    DB::open_cf(&options, directory, families).expect("open the copy")
}

fn write(directory: &Path, table: Table, key: &[u8], value: &[u8]) {
    let database = open(directory);
    let family = database.cf_handle(table.name()).expect("the family is there");
    database.put_cf(family, key, value).expect("write a row");
    database.flush_cf(family).expect("flush it");
}
