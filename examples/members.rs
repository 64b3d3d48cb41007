//! Members that share the logs of one reader: each log is worked on by one of them, and none stays behind when one dies.
//!
//! Without it, somebody has to say who reads what, and to notice who is gone; what was given away too early is worked on
//! twice, what was given away too late not at all.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints, several times at once:
//! `ONCELOG_SERVER=… cargo run --example members`. Kill some of them. `members NAME RECORDS` says who it is, and how many
//! records each log gets.

use std::collections::BTreeMap;
use std::time::Duration;

use oncelog::Client;
use oncelog::client::Kind;
use oncelog::types::{Action, Condition, Consistency, Holder, Id, LogName, Offset, ReaderName};

type Failure = Box<dyn std::error::Error>;

const LOGS: usize = 6;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let name = std::env::args().nth(1).unwrap_or_else(|| format!("process {}", std::process::id()));
    let count: u64 = std::env::args().nth(2).unwrap_or_else(|| "50".to_owned()).parse()?;
    let logs = (0..LOGS).map(|number| LogName::new(&format!("members.in-{number}"))).collect::<Result<Vec<_>, _>>()?;
    for log in &logs {
        for number in 0..count {
            let id = Id::new(format!("{log}/{number}"))?;
            client.append(log, [format!("{log} {number}")], Some(id)).await?;
        }
    }

    let (reader, done) = (ReaderName::new("members")?, LogName::new("members.out")?);
    let sharing = client.consumer(&reader, logs.clone()).member(&Holder::new(&name)?);
    let mut consumer = sharing.time(Duration::from_secs(3)).batch(10).open()?;
    let mut all_done = Box::pin(all_are_at(&client, &reader, &logs, Offset(count)));
    loop {
        let batch = tokio::select! {
            // Perhaps by the others.
            reached = &mut all_done => break reached?,
            batch = consumer.next() => batch?,
        };
        let logs: Vec<_> = batch.logs().map(|(log, _)| log.to_string()).collect();
        let results: Vec<_> = batch.records().map(|(_, record)| record.payload.clone()).collect();
        match batch.commit([Action::append(&done, results)]).await {
            Ok(_) => println!("{name} works on {}", logs.join(", ")),
            Err(error) if error.kind() == Kind::Overtaken => println!("{name} was too slow: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    consumer.leave().await?;

    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    let mut pages = client.pages(done, Offset(0), None, Consistency::Linearizable);
    while let Some(page) = pages.next().await? {
        for record in &page.records {
            let text = record.text();
            let (log, number) = text.split_once(' ').ok_or("a record has a log and a number")?;
            let expected = next.entry(log.to_owned()).or_default();
            assert_eq!(number.parse::<u64>()?, *expected, "each record of {log} is there once, in order");
            *expected += 1;
        }
    }
    assert!(next.len() == LOGS && next.values().all(|next| *next >= count), "nothing is left out: {next:?}");
    println!("all {LOGS} logs are done");
    Ok(())
}

async fn all_are_at(client: &Client, reader: &ReaderName, logs: &[LogName], offset: Offset) -> Result<(), Failure> {
    for log in logs {
        let reached = Condition::position_reached(reader, log, offset);
        while client.wait(&reached, Consistency::Linearizable, Duration::from_mins(1)).await?.is_none() {}
    }
    Ok(())
}
