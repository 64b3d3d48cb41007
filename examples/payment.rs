//! A payment: money leaves one account, reaches another and is written down. All of it or nothing, once.
//!
//! Without it, a lost reply leaves the sender to choose between paying twice and not at all, a crash between the two
//! accounts loses money or makes some, and the audit log tells another story than the balances.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example payment`.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Submitted;
use oncelog::types::{CellKey, Consistency, Found, Id, LogName};

type Failure = Box<dyn std::error::Error>;

/// What is to be paid: the number of the invoice, who pays, who is paid, how much.
const INVOICES: [(&str, &str, &str, i64); 5] = [
    ("17", "ada", "bob", 60),
    ("18", "bob", "eve", 75),
    ("19", "ada", "eve", 50),
    ("20", "eve", "ada", 5),
    ("21", "ada", "bob", 45),
];
const OPENING: i64 = 100;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    for owner in ["ada", "bob", "eve"] {
        // The id says what it is: opened twice, the account is opened once.
        let opening = client.command().id(Id::new(format!("payment/open/{owner}"))?);
        opening.put(&account(owner)?, OPENING).submit().await?;
    }

    for invoice in INVOICES {
        let first = pay(&client, invoice).await?;
        // As after a lost reply, or after a crash of this program: the same again, which is the same answer.
        let again = pay(&client, invoice).await?;
        match (first, again) {
            (Some(first), Some(again)) => {
                assert!(again.replayed && again.outcome == first.outcome);
                println!("invoice {} is paid, see record {:?}", invoice.0, first.first_offset());
            }
            (None, None) => println!("invoice {} is not paid: too little money", invoice.0),
            (first, again) => panic!("two answers to one id: {first:?}, {again:?}"),
        }
    }

    let mut sum = 0;
    for owner in ["ada", "bob", "eve"] {
        let cell = client.cell(&account(owner)?, Consistency::Linearizable).await?.expect("it was opened");
        let balance = cell.cell.value.integer().expect("a balance is a number");
        println!("{owner} has {balance}");
        assert!(balance >= 0);
        sum += balance;
    }
    assert_eq!(sum, 3 * OPENING, "no money is lost, and none is made");
    let audit = client.read(&LogName::new("payment.audit")?, None, 0, Consistency::Linearizable).await?;
    let paid: Vec<_> = audit.records.iter().map(|record| record.id.text().to_owned()).collect();
    assert_eq!(paid, ["payment/invoice/17", "payment/invoice/18", "payment/invoice/20", "payment/invoice/21"]);
    Ok(())
}

/// Pays an invoice; none if the payer has too little.
///
/// The number of the invoice is the id. So nobody has to remember anything, and a refusal is final: whoever wants to let an
/// invoice be paid later guards a cell of that name, and gives each attempt a fresh id.
async fn pay(
    client: &Client,
    (number, from, to, amount): (&str, &str, &str, i64),
) -> Result<Option<Submitted>, Failure> {
    let payment = client
        .command()
        .id(Id::new(format!("payment/invoice/{number}"))?)
        .add(&account(from)?, -amount, 0..)
        .add(&account(to)?, amount, ..)
        .append(&LogName::new("payment.audit")?, format!("{amount} from {from} to {to} for invoice {number}"));
    match payment.submit().await {
        Ok(paid) => Ok(Some(paid)),
        Err(error) if matches!(error.refusal().map(|refusal| &refusal.found), Some(Found::OutOfBounds(_))) => Ok(None),
        // In doubt, perhaps: run it again and see.
        Err(error) => Err(error.into()),
    }
}

fn account(owner: &str) -> Result<CellKey, Failure> {
    Ok(CellKey::new(&format!("payment/balance/{owner}"))?)
}
