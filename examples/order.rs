//! An order: the order itself, the stock that it takes, and the message to whoever ships it, in one command.
//!
//! Without it, the stock is taken and the order is lost, or the order is there and nobody is told to ship it, or it is
//! shipped twice because the message was sent again. Two stores can't be written together; here it is one.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example order`.
//! The example `shipment` does the rest.

use std::time::Duration;

use oncelog::Client;
use oncelog::types::{CellKey, Consistency, Found, Guard, Id, LogName};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ORDERS: i64 = 12;
const STOCK: i64 = 20;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let stock = CellKey::new("order/stock/lamp")?;
    client.command().id(Id::new("order/delivery-1")?).put(&stock, STOCK).submit().await?;

    // All at once: whoever is too late gets nothing, and nobody gets half.
    let mut customers = JoinSet::new();
    for number in 1..=ORDERS {
        customers.spawn(order(client.clone(), number, 1 + number % 3));
    }
    let mut accepted = 0;
    while let Some(ended) = customers.join_next().await {
        accepted += usize::from(ended??);
    }

    let left = client.cell(&stock, Consistency::Linearizable).await?.and_then(|cell| cell.cell.value.integer());
    let orders = client.list_cells("order/placed/", None, Consistency::Linearizable).await?.items;
    let sold: i64 = orders.iter().filter_map(|order| order.cell.value.integer()).sum();
    println!("{accepted} of {ORDERS} orders take {sold} lamps, {left:?} are left");
    assert_eq!(orders.len(), accepted);
    assert_eq!(Some(STOCK - sold), left, "every lamp is in stock or in an order");
    let outbox = client.read(&LogName::new("order.outbox")?, None, 0, Consistency::Linearizable).await?;
    let mut told: Vec<_> = outbox.records.iter().map(|record| format!("order/placed/{}", record.text())).collect();
    told.sort();
    let placed: Vec<_> = orders.iter().map(|order| order.key.as_str()).collect();
    assert_eq!(told, placed, "each order is told once to whoever ships it, and nothing else is");
    Ok(())
}

/// Places an order; whether there was enough in stock.
///
/// The customer's number of the order is its id: pressing the button twice orders once. Sold out is final for that number.
async fn order(client: Client, number: i64, lamps: i64) -> Result<bool, Failure> {
    let placed = CellKey::new(&format!("order/placed/{number:03}"))?;
    let order = client
        .command()
        .id(Id::new(format!("order/{number:03}"))?)
        .require(Guard::cell_absent(&placed))
        .add(&CellKey::new("order/stock/lamp")?, -lamps, 0..)
        .put(&placed, lamps)
        .append(&LogName::new("order.outbox")?, format!("{number:03}"));
    match order.submit().await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.refusal().map(|refusal| &refusal.found), Some(Found::OutOfBounds(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
