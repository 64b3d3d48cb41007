//! A pool of workers: each job is done by one worker at a time, and its result is written once.
//!
//! Without it, two workers do the same job; and with a lock alone, a worker that stood still (a full disk, a debugger, a
//! machine that slept) writes its result after another one has taken over. The guard on the lock's token refuses that.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example worker_pool`.
//! Start it several times at once, kill it, stop it with Ctrl-Z and let it go on. `worker_pool NAME MILLISECONDS` says who it
//! is and how long a job takes.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Kind;
use oncelog::client::lock::Held;
use oncelog::types::{CellKey, Consistency, Holder, LockName, LogName};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const JOBS: usize = 12;
const WORKERS: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let name = std::env::args().nth(1).unwrap_or_else(|| format!("process {}", std::process::id()));
    let work = Duration::from_millis(std::env::args().nth(2).unwrap_or_else(|| "50".to_owned()).parse()?);

    let mut workers = JoinSet::new();
    for number in 1..=WORKERS {
        let holder = Holder::new(&format!("{name}, worker {number}"))?;
        workers.spawn(work_until_all_is_done(client.clone(), holder, work));
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }

    let results = client.read(&LogName::new("pool.results")?, None, 0, Consistency::Linearizable).await?.records;
    let mut done: Vec<_> = results.iter().map(|result| result.text().into_owned()).collect();
    done.sort();
    assert_eq!(done, (0..JOBS).map(|job| format!("job {job:02}")).collect::<Vec<_>>(), "each job has one result");
    println!("{JOBS} jobs are done");
    Ok(())
}

async fn work_until_all_is_done(client: Client, holder: Holder, work: Duration) -> Result<(), Failure> {
    loop {
        let mut is_done = 0;
        for job in 0..JOBS {
            let done = CellKey::new(&format!("pool/done/{job:02}"))?;
            if client.cell(&done, Consistency::Linearizable).await?.is_some() {
                is_done += 1;
                continue;
            }
            let lock = LockName::new(&format!("pool/job-{job:02}"))?;
            // Whoever finds a job taken looks for another one; only the last ones wait for those who may die.
            let patience = if is_done + 1 < JOBS - WORKERS { Duration::ZERO } else { Duration::from_millis(500) };
            match client.lock(&lock, &holder).time(Duration::from_secs(3)).wait(patience).acquire().await {
                Ok(held) => try_job(&client, job, &done, held, work).await?,
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
        if is_done == JOBS {
            return Ok(());
        }
    }
}

/// Does a job, if nobody has done it while the lock was waited for.
async fn try_job(client: &Client, job: usize, done: &CellKey, held: Held, work: Duration) -> Result<(), Failure> {
    println!("{} is held by {}", held.name(), held.token());
    if client.cell(done, Consistency::Linearizable).await?.is_none() {
        tokio::select! {
            // Somebody else may be at it by now.
            () = held.lost() => println!("{} may be lost by {}", held.name(), held.token()),
            () = tokio::time::sleep(work) => {
                let result = client.command().require(held.guard()).put(done, 1);
                match result.append(&LogName::new("pool.results")?, format!("job {job:02}")).submit().await {
                    Ok(_) => println!("{} is done by {}", held.name(), held.token()),
                    Err(error) if error.refusal().is_some() => println!("{} is refused: {error}", held.name()),
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    match held.release().await {
        Ok(()) => Ok(()),
        // It was lost before.
        Err(error) if error.refusal().is_some() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
