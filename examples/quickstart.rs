//! The program that the README shows: append, stream, and keep what is sent until its outcome is known.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example quickstart`.

use oncelog::Client;
use oncelog::client::outbox::Outbox;
use oncelog::types::{Id, LogName};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::connect(std::env::var("ONCELOG_SERVER")?.split(','))?;
    let orders = LogName::new("orders")?;

    // One append. For ten seconds it is sent under its id, to one node after another, until one answers.
    let appended = client.append(&orders, ["two tickets"], Some(Id::new("tickets-7")?)).await?;
    println!("offset {}, {}", appended.first, if appended.replayed { "replayed" } else { "first" });

    // Many at once, in order. When a connection or a leader is lost, the stream sends again by itself.
    let stream = client.append_stream();
    let mut receipts = Vec::new();
    for number in 0..1_000 {
        receipts.push(stream.send(&orders, ["one coffee"], Some(Id::new(format!("coffee-{number}"))?)).await?);
    }
    for receipt in receipts {
        receipt.await?;
    }

    // The outbox is a file. It keeps each command and its id, so that a crash of this program forgets none.
    let sender = client.with_outbox(Outbox::open("orders.outbox").await?);
    for kept in sender.waiting().await? {
        kept.send().await?.confirm().await?; // An earlier run left it.
    }
    let delivery = sender.append(&orders, ["three teas"], None).await?;
    println!("offset {}", delivery.submitted.first_offset().unwrap_or_default()); // Do here what you owe for the outcome.
    delivery.confirm().await?;
    Ok(())
}
