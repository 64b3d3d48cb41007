//! A saga: a trip is a flight, a hotel and a charge, each booked on its own; what can't be completed is undone.
//!
//! Without it, a step whose reply was lost is neither booked nor free: whoever undoes it gives back what was perhaps never
//! taken, whoever does not keeps a seat for nobody, and whoever undoes it twice sells the seat twice.
//! A compensation names what it undoes: if that was done it is undone, once; if not, it never will be, and nothing else
//! happens. So every step may simply be compensated, also the one in doubt.
//!
//! Where all is in one space, one command is better than a saga: see the examples `payment` and `order`. A saga is for steps in
//! several spaces, or with something outside between them.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example saga`.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Undecided;
use oncelog::types::{CellKey, Consistency, Fate, Id};

type Failure = Box<dyn std::error::Error>;

/// What a step takes from: the cell, and how much.
const STEPS: [(&str, i64); 3] = [("seats", 1), ("rooms", 1), ("money", 300)];
const THERE: [i64; 3] = [10, 10, 700];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    for ((what, _), there) in STEPS.into_iter().zip(THERE) {
        client.command().id(Id::new(format!("saga/open/{what}"))?).put(&cell(what)?, there).submit().await?;
    }

    // Two trips can be paid; the third has its seat and its room, too little money, and is undone.
    let mut booked = 0;
    for trip in 1..=3 {
        let is_booked = book(&client, trip).await?;
        println!("trip {trip} is {}", if is_booked { "booked" } else { "undone" });
        booked += i64::from(is_booked);
    }
    // Of this one nobody knows how far it came: its program crashed. Whoever finds it undoes all its steps.
    client.command().id(step(4, "seats")?).add(&cell("seats")?, -1, 0..).submit().await?;
    undo(&client, 4).await?;
    assert!(
        matches!(client.settle(&step(4, "rooms")?, Undecided::Leave).await?, Fate::Decided { .. }),
        "it is settled"
    );
    let late = client.command().id(step(4, "rooms")?).add(&cell("rooms")?, -1, 0..).submit().await;
    assert!(late.is_err(), "what was still on its way comes too late, for ever");

    assert_eq!(booked, 2);
    for ((what, amount), there) in STEPS.into_iter().zip(THERE) {
        let left = client.cell(&cell(what)?, Consistency::Linearizable).await?.and_then(|it| it.cell.value.integer());
        println!("{left:?} {what} are left");
        assert_eq!(left, Some(there - booked * amount), "{what}: what was undone was given back, once");
    }
    Ok(())
}

/// Books a trip or undoes it; whether it is booked. Its ids are made from its number, so that after a crash the same call
/// goes on where it was: what was decided is told again.
async fn book(client: &Client, trip: u32) -> Result<bool, Failure> {
    for (what, amount) in STEPS {
        let taken = client.command().id(step(trip, what)?).add(&cell(what)?, -amount, 0..).submit().await;
        // Refused, or in doubt after all the time it had: either way it is not worth more.
        if let Err(error) = taken {
            println!("trip {trip}: {error}");
            undo(client, trip).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Undoes whatever was done of a trip, and sees to it that the rest never is.
async fn undo(client: &Client, trip: u32) -> Result<(), Failure> {
    for (what, amount) in STEPS.into_iter().rev() {
        let undo = client.command().id(Id::new(format!("saga/trip-{trip}/{what}/undo"))?);
        let undone = undo.compensate(&step(trip, what)?).add(&cell(what)?, amount, ..).submit().await?;
        println!("trip {trip}: {what} {}", if undone.nothing_to_undo() { "were not taken" } else { "are given back" });
    }
    Ok(())
}

fn step(trip: u32, what: &str) -> Result<Id, Failure> {
    Ok(Id::new(format!("saga/trip-{trip}/{what}"))?)
}

fn cell(what: &str) -> Result<CellKey, Failure> {
    Ok(CellKey::new(&format!("saga/{what}"))?)
}
