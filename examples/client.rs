//! What a program does with a cluster: append, stream, read, follow, wait, settle, and keep what it sends.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example client`.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Undecided;
use oncelog::client::outbox::Outbox;
use oncelog::types::{Condition, Consistency, Fate, LogName, Offset};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::connect(servers.split(','))?;
    let orders = LogName::new("orders")?;

    // One append. Its id is made before the first attempt, and kept through every retry.
    let id = client.fresh_id();
    let first = client.append(&orders, ["two tickets"], Some(id.clone())).await?;
    let again = client.append(&orders, ["two tickets"], Some(id.clone())).await?;
    assert_eq!((first.first, again.replayed), (again.first, true));

    // Many at once: each has a receipt. Whatever breaks meanwhile is sent again, in order.
    let stream = client.append_stream();
    let mut receipts = Vec::new();
    for number in 0..100 {
        receipts.push(stream.send(&orders, [format!("order {number}")], None).await?);
    }
    for receipt in receipts {
        receipt.await?;
    }

    // Follow the log from its beginning, for as long as there is something to see.
    let mut tail = client.tail(orders.clone(), Offset(0), Consistency::Linearizable);
    while tail.position() < Offset(101) {
        let page = tail.next().await?;
        println!("{} records up to {}", page.records.len(), page.next);
    }

    // Wait for an outcome, and end a doubt: an id that nothing has become of never takes effect after this.
    let decided = Condition::decided(&id);
    assert!(client.wait(&decided, Consistency::Linearizable, Duration::from_secs(5)).await?.is_some());
    let lost = client.fresh_id();
    assert!(matches!(client.settle(&lost, Undecided::Cancel).await?, Fate::Decided { .. }));
    assert!(client.append(&orders, ["too late"], Some(lost)).await.is_err());

    // An outbox outlives this program: what it keeps is on disk before it is sent, and goes when it is confirmed.
    let file = std::env::temp_dir().join(format!("oncelog-example-{}.outbox", std::process::id()));
    let sender = client.with_outbox(Outbox::open(&file).await?);
    let delivery = sender.append(&orders, ["paid"], None).await?;
    println!("paid at offset {}", delivery.submitted.first_offset().unwrap_or_default());
    delivery.confirm().await?;
    assert!(sender.waiting().await?.is_empty());
    drop(sender);
    std::fs::remove_file(file)?;
    Ok(())
}
