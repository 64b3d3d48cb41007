//! A cache that is filled once: whatever takes long or costs much is kept for all, and all see the same.
//!
//! Without it, everyone who finds nothing there writes what he has made himself, the last one wins, and those before have
//! worked with something else. Here a guard lets the first one in, and all others take what is there.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example cache`.

use std::collections::BTreeSet;
use std::time::Duration;

use oncelog::Client;
use oncelog::types::{CellKey, Consistency, Found, Guard, KeyedCell, LogName};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const READERS: usize = 8;
const KEYS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let mut fills = 0;
    for number in 0..KEYS {
        let key = CellKey::new(&format!("cache/{number:02}"))?;
        let mut readers = JoinSet::new();
        for reader in 0..READERS {
            readers.spawn(get(client.clone(), key.clone(), reader));
        }
        let mut seen = BTreeSet::new();
        while let Some(ended) = readers.join_next().await {
            let (cell, filled) = ended??;
            seen.insert((cell.cell.value.bytes().cloned(), cell.cell.version));
            fills += usize::from(filled);
        }
        assert_eq!(seen.len(), 1, "all see the same: {seen:?}");
    }
    println!("{READERS} readers filled {fills} of {KEYS} keys in this run");
    let log = client.read(&LogName::new("cache.fills")?, None, 0, Consistency::Linearizable).await?.records;
    let filled: BTreeSet<_> = log.iter().map(|fill| fill.payload.clone()).collect();
    assert_eq!((filled.len(), log.len()), (KEYS, KEYS), "each was filled once, in all runs together");
    Ok(())
}

/// What is kept under a key, made now if nobody has; whether it was made here.
///
/// Many may make it at once, and one is kept. Where making it costs too much for that, take a lock first: see the example
/// `worker_pool`.
async fn get(client: Client, key: CellKey, reader: usize) -> Result<(KeyedCell, bool), Failure> {
    loop {
        if let Some(cell) = client.cell(&key, Consistency::Linearizable).await? {
            return Ok((cell, false));
        }
        let made = format!("{key}, made by reader {reader} of process {}", std::process::id());
        // A fresh id for each attempt: the refusal of this one says nothing of the next.
        let fill = client.command().require(Guard::cell_absent(&key));
        match fill.put(&key, made).append(&LogName::new("cache.fills")?, key.to_string()).submit().await {
            Ok(_) => {
                let cell = client.cell(&key, Consistency::Linearizable).await?;
                return Ok((cell.ok_or("nobody empties this cache")?, true));
            }
            // Somebody was faster: take that one's.
            Err(error) if matches!(error.refusal().map(|refusal| &refusal.found), Some(Found::CellVersion(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
