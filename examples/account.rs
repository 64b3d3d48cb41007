//! An event-sourced account: its log is the truth, its balance is made from it, and each decision is about the whole of it.
//!
//! Without it, two withdrawals that are decided at the same time each see enough money, and both are written. A guard on the
//! log's end refuses what was decided without knowing everything; then it is decided anew.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example account`.

use std::collections::BTreeSet;
use std::time::Duration;

use oncelog::Client;
use oncelog::types::{Consistency, Found, Guard, LogName, Offset};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The account, as its events up to an offset make it.
#[derive(Debug, Default)]
struct Account {
    balance: i64,
    /// What was asked for, and is decided.
    decided: BTreeSet<String>,
    end: Offset,
}

impl Account {
    /// Takes in whatever was written since. Events are `NAME AMOUNT`.
    async fn read_on(&mut self, client: &Client, log: &LogName) -> Result<(), Failure> {
        let mut pages = client.pages(log.clone(), self.end, None, Consistency::Linearizable);
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(()),
                Err(error) if self.end == Offset(0) && error.kind() == oncelog::client::Kind::NotFound => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            for event in &page.records {
                let text = event.text();
                let (name, amount) = text.split_once(' ').ok_or("an event has a name and an amount")?;
                self.balance += amount.parse::<i64>()?;
                assert!(self.balance >= 0, "an event was written without knowing those before: {text}");
                assert!(self.decided.insert(name.to_owned()), "{name} was written twice");
            }
            self.end = page.next;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    change(client.clone(), "opening".to_owned(), 100).await?;
    let mut customers = JoinSet::new();
    for number in 0..20 {
        let amount = if number % 4 == 0 { 15 } else { -20 };
        customers.spawn(change(client.clone(), format!("change-{number}"), amount));
    }
    while let Some(ended) = customers.join_next().await {
        ended??;
    }
    let mut rebuilt = Account::default();
    rebuilt.read_on(&client, &LogName::new("account.ada")?).await?;
    println!("{} events make a balance of {}", rebuilt.decided.len(), rebuilt.balance);
    assert_eq!(rebuilt.decided.len(), 21, "everything that was asked for is decided, once");
    Ok(())
}

/// Decides a change that somebody asked for under a name of his own: with too little money it is written down as nothing.
async fn change(client: Client, name: String, amount: i64) -> Result<(), Failure> {
    let log = LogName::new("account.ada")?;
    let mut account = Account::default();
    loop {
        account.read_on(&client, &log).await?;
        if account.decided.contains(&name) {
            // By an earlier run, or by an attempt of this one whose answer was lost.
            return Ok(());
        }
        let allowed = if account.balance + amount >= 0 { amount } else { 0 };
        // A fresh id for each decision; it keeps it through its retries.
        let decision = client.command().require(Guard::log_end(&log, account.end));
        match decision.append(&log, format!("{name} {allowed}")).submit().await {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.refusal().map(|refusal| &refusal.found), Some(Found::LogEnd(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
