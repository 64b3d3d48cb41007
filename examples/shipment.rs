//! Shipments: follows the outbox of the orders, and makes one shipment of each, whatever crashes.
//!
//! Without it, a worker that crashes between its work and its acknowledgement ships twice, and one that acknowledges first
//! ships nothing. Here the shipment and the reader's position change in one command.
//!
//! Run the example `order` before, and this with the same cluster: `ONCELOG_SERVER=… cargo run --example shipment`. It may be
//! killed at any time and started again, also twice at once.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Kind;
use oncelog::types::{Action, CellKey, Condition, Consistency, LogName, Offset, ReaderName};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let (outbox, shipped) = (LogName::new("order.outbox")?, LogName::new("shipment.log")?);
    let shipping = ReaderName::new("shipping")?;

    // Up to what is there now. A real one has no end.
    let end = match client.describe_log(&outbox, Consistency::Linearizable).await {
        Ok(log) => log.end,
        Err(error) if error.kind() == Kind::NotFound => Offset(0),
        Err(error) => return Err(error.into()),
    };
    let mut consumer = client.consumer(&shipping, [outbox.clone()]).batch(4).open()?;
    let all_done = Condition::position_reached(&shipping, &outbox, end);
    let mut all_done = Box::pin(client.wait(&all_done, Consistency::Linearizable, Duration::from_hours(1)));
    loop {
        let batch = tokio::select! {
            reached = &mut all_done => break drop(reached?), // Perhaps by another instance.
            batch = consumer.next() => batch?,
        };
        let mut outputs = Vec::new();
        for (_, order) in batch.records() {
            // A carrier outside of the cluster would be told here, perhaps twice: under the number of the order, which it
            // can recognise. What lies in the cluster changes once.
            outputs.push(Action::put(&CellKey::new(&format!("shipment/{}", order.text()))?, "on its way"));
            outputs.push(Action::append(&shipped, [order.payload.clone()]));
        }
        match batch.commit(outputs).await {
            Ok(done) => println!("shipped up to {:?}", done.first_offset()),
            Err(error) if error.kind() == Kind::Overtaken => println!("another instance was faster: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    if end == Offset(0) {
        println!("there is no order: run the example `order`");
        return Ok(());
    }

    let orders = client.read(&outbox, None, 0, Consistency::Linearizable).await?.records;
    let shipments = client.read(&shipped, None, 0, Consistency::Linearizable).await?.records;
    let payloads = |records: &[oncelog::types::Record]| {
        records
            .iter()
            .map(|record| record.payload.clone())
            .take(usize::try_from(end.0).unwrap_or(usize::MAX))
            .collect::<Vec<_>>()
    };
    assert_eq!(payloads(&shipments), payloads(&orders), "each order is shipped once, in order");
    let cells = client.list_cells("shipment/", None, Consistency::Linearizable).await?.items;
    assert_eq!(cells.len(), shipments.len());
    Ok(())
}
