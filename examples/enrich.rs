//! A consumer that enriches one log into another: each record of the output is one of the input, with more in it.
//!
//! Without it, a crash between writing the output and remembering the position writes a part of the output twice; the other
//! way round it loses it; and an instance that was believed dead writes once more when it wakes. Here output and position
//! are one command, which is refused unless the position is still the one that was read.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example enrich`.
//! Kill it, start it again, start it twice. `enrich FROM INTO COUNT` does it for a log that others fill: two in a row make a
//! pipeline.

use std::collections::BTreeMap;
use std::time::Duration;

use oncelog::Client;
use oncelog::client::Kind;
use oncelog::types::{Action, CellKey, Condition, Consistency, Id, LogName, Offset, ReaderName};

type Failure = Box<dyn std::error::Error>;

const CITIES: [(&str, &str); 3] = [("ada", "London"), ("bob", "Paris"), ("eve", "Rome")];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    for (customer, city) in CITIES {
        client.command().id(Id::new(format!("enrich/{customer}"))?).put(&city_of(customer)?, city).submit().await?;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (from, into, count) = match arguments.as_slice() {
        [from, into, count] => (LogName::new(from)?, LogName::new(into)?, count.parse()?),
        _ => (LogName::new("enrich.visits")?, LogName::new("enrich.visits-with-city")?, fill(&client).await?),
    };

    let reader = ReaderName::new(&format!("{from} into {into}"))?;
    let mut cities = BTreeMap::new();
    let mut consumer = client.consumer(&reader, [from.clone()]).batch(20).open()?;
    let all_done = Condition::position_reached(&reader, &from, Offset(count));
    let mut all_done = Box::pin(client.wait(&all_done, Consistency::Linearizable, Duration::from_hours(1)));
    loop {
        let batch = tokio::select! {
            reached = &mut all_done => break drop(reached?), // Perhaps by another instance.
            batch = consumer.next() => batch?,
        };
        let mut enriched = Vec::new();
        for (_, visit) in batch.records() {
            let text = visit.text();
            let customer = text.split(' ').next().unwrap_or_default();
            if !cities.contains_key(customer) {
                let cell = client.cell(&city_of(customer)?, Consistency::Linearizable).await?;
                let city = cell.and_then(|cell| cell.cell.value.bytes().cloned()).unwrap_or_default();
                cities.insert(customer.to_owned(), String::from_utf8(city.to_vec())?);
            }
            enriched.push(format!("{text}, from {}", cities.get(customer).expect("it was just put there")));
        }
        match batch.commit([Action::append(&into, enriched)]).await {
            Ok(done) => println!("enriched up to {:?}", done.first_offset()),
            Err(error) if error.kind() == Kind::Overtaken => println!("another instance was faster: {error}"),
            Err(error) => return Err(error.into()),
        }
    }

    let (mut input, mut output) = (pages(&client, &from, count), pages(&client, &into, count));
    let (mut read, mut written) = (Vec::new(), Vec::new());
    while let Some(page) = input.next().await? {
        read.extend(page.records.iter().map(|visit| visit.text().into_owned()));
    }
    while let Some(page) = output.next().await? {
        written.extend(
            page.records.iter().map(|visit| visit.text().rsplit_once(", from ").map(|(text, _)| text.to_owned())),
        );
    }
    assert_eq!(written, read.into_iter().map(Some).collect::<Vec<_>>(), "the output is the image of the input");
    println!("{count} records are enriched");
    Ok(())
}

/// Something to read. Each record has its id: it is there once, however often this runs.
async fn fill(client: &Client) -> Result<u64, Failure> {
    let (log, count) = (LogName::new("enrich.visits")?, 200_u64);
    for (number, (customer, _)) in (0..count).zip(CITIES.into_iter().cycle()) {
        let visit = format!("{customer} looks at page {number}");
        client.append(&log, [visit], Some(Id::new(format!("enrich/visit/{number}"))?)).await?;
    }
    Ok(count)
}

fn pages(client: &Client, log: &LogName, count: u64) -> oncelog::client::Pages {
    client.pages(log.clone(), Offset(0), Some(count), Consistency::Linearizable)
}

fn city_of(customer: &str) -> Result<CellKey, Failure> {
    Ok(CellKey::new(&format!("enrich/city/{customer}"))?)
}
