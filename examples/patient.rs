//! A patient's record: each amendment is made to what its author has read, and is written down with who made it.
//!
//! Without it, two who amend at the same time each write back what they have read, and the first amendment is gone; and an
//! audit log that is written beside the record lacks what a crash cut off, or tells of what never was. Here the record, its
//! history and the audit log change in one command, which is refused unless the record still is what its author has seen.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example patient`.

use std::collections::BTreeSet;
use std::time::Duration;

use oncelog::Client;
use oncelog::types::{CellKey, Consistency, Found, Guard, Id, LogName};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const AUTHORS: [&str; 4] = ["dr. ada", "dr. bob", "nurse eve", "nurse kim"];
const AMENDMENTS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    // Admitted once: the number of the case is the id.
    let (record, history) = (CellKey::new("patient/4711")?, LogName::new("patient.4711")?);
    let admission = client.command().id(Id::new("patient/4711/admission")?).require(Guard::cell_absent(&record));
    admission.put(&record, "admitted").append(&history, "admitted").submit().await?;

    let mut authors = JoinSet::new();
    for author in AUTHORS {
        let client = client.clone();
        authors.spawn(async move {
            for number in 1..=AMENDMENTS {
                amend(&client, author, &format!("finding {number} of {author}")).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = authors.join_next().await {
        ended??;
    }

    let text = read(&client, &record).await?.0;
    let told = client.read(&history, None, 0, Consistency::Linearizable).await?.records;
    let told: Vec<_> = told.iter().map(|record| record.text().into_owned()).collect();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        told,
        "the record is what its history tells, and nothing is overwritten"
    );
    let audit = client.read(&LogName::new("patient.audit")?, None, 0, Consistency::Linearizable).await?.records;
    let seen: BTreeSet<_> =
        audit.iter().map(|entry| entry.text().split(':').next().unwrap_or_default().to_owned()).collect();
    let amendments = AUTHORS.len() * AMENDMENTS;
    assert_eq!(
        (told.len(), audit.len(), seen.len()),
        (1 + amendments, amendments, amendments),
        "each is audited, once"
    );
    println!("the record has {amendments} amendments");
    Ok(())
}

/// Amends the record, whatever others do to it meanwhile.
async fn amend(client: &Client, author: &str, finding: &str) -> Result<(), Failure> {
    let record = CellKey::new("patient/4711")?;
    loop {
        let (text, version) = read(client, &record).await?;
        if text.lines().any(|line| line == finding) {
            // By an earlier run, or by an attempt of this one whose answer was lost.
            return Ok(());
        }
        // A fresh id for each decision; it keeps it through its retries.
        let amendment = client
            .command()
            .require(Guard::cell_version(&record, version))
            .put(&record, format!("{text}\n{finding}"))
            .append(&LogName::new("patient.4711")?, finding)
            .append(&LogName::new("patient.audit")?, format!("version {version}: {author} adds `{finding}`"));
        match amendment.submit().await {
            Ok(_) => {
                println!("{author} has amended version {version}");
                return Ok(());
            }
            // Somebody else was faster: what was read is no longer the record, so it is read again, and decided anew.
            Err(error) if matches!(error.refusal().map(|refusal| &refusal.found), Some(Found::CellVersion(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The record, and its version.
async fn read(client: &Client, record: &CellKey) -> Result<(String, oncelog::types::Version), Failure> {
    let cell = client.cell(record, Consistency::Linearizable).await?.ok_or("the patient was admitted")?.cell;
    let text = String::from_utf8(cell.value.bytes().ok_or("a record is text")?.to_vec())?;
    Ok((text, cell.version))
}
