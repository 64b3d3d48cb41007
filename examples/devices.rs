//! Device events in a space that forgets: late ones count, doubled ones count once, and too old ones are set aside.
//!
//! Without it, a window of some minutes counts twice what comes twice an hour apart, and remembering every event for ever
//! costs more than the events. Here the space remembers ids for a day. An event's id carries when it was measured, so what is
//! older than the memory is *told* to be too old, and never counted a second time in silence.
//!
//! Start a cluster with `oncelog dev`, and run this with the line that it prints: `ONCELOG_SERVER=… cargo run --example devices`.

use std::time::Duration;

use oncelog::Client;
use oncelog::client::Reason;
use oncelog::types::{
    Action, CellKey, Consistency, Guard, Id, LogCreation, LogName, LogTime, Memory, SpaceName, SpacePolicy,
};

type Failure = Box<dyn std::error::Error>;

const DEVICES: [&str; 3] = ["boiler", "gate", "meter"];
const EVENTS: u32 = 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let servers = std::env::var("ONCELOG_SERVER").unwrap_or_else(|_| "127.0.0.1:7420".to_owned());
    let client = Client::builder().addresses(servers.split(',')).timeout(Duration::from_mins(1)).build()?;
    let space = SpaceName::new("devices")?;
    let policy = SpacePolicy { memory: Memory::For(Duration::from_hours(24)), logs: LogCreation::ByAppend };
    // Made once, however often this runs: under the same id it is the same command.
    let make = client.in_space(SpaceName::system()).command().id(Id::new("make space devices")?);
    make.then(Action::create_space(&space, policy)).submit().await?;
    let devices = client.in_space(space);

    let begin = beginning(&devices).await?;
    for number in 0..EVENTS {
        // The first two of each device lay in it for two days; the others come up to eight hours late.
        let age = Duration::from_hours(if number < 2 { 48 } else { (EVENTS - number).into() });
        for device in DEVICES {
            let measured = begin.saturating_sub(age);
            // The network brings it twice.
            let (one, two) =
                (take(&client, &devices, device, number, measured), take(&client, &devices, device, number, measured));
            let (one, two) = futures::try_join!(one, two)?;
            assert_eq!(one, two, "both are told the same");
            println!("{device} {number}: {}", if one { "is counted" } else { "is too old" });
        }
    }

    let events = devices.read(&LogName::new("events")?, None, 0, Consistency::Linearizable).await?.records;
    let aside = client.read(&LogName::new("devices.too-old")?, None, 0, Consistency::Linearizable).await?.records;
    assert_eq!((events.len(), aside.len()), (24, 6), "each event is in one of the logs, once");
    for device in DEVICES {
        let count = devices.cell(&CellKey::new(device)?, Consistency::Linearizable).await?;
        assert_eq!(count.and_then(|count| count.cell.value.integer()), Some(8), "{device}");
    }
    println!("{} events are counted, {} are too old", events.len(), aside.len());
    Ok(())
}

/// Takes an event in, whichever time it comes; whether it counts.
async fn take(
    client: &Client,
    devices: &Client,
    device: &str,
    number: u32,
    measured: LogTime,
) -> Result<bool, Failure> {
    // The device's own count makes the id, and its clock the birth: nothing has to be remembered anywhere.
    let (name, event) = (format!("{device}/{number}"), format!("{device} measures {number}"));
    let counted = devices.command().id(Id::with_birth(name.as_str(), measured)?);
    let counted = counted.append(&LogName::new("events")?, event.as_str()).add_from(&CellKey::new(device)?, 0, 1, ..);
    match counted.submit().await {
        Ok(_) => Ok(true),
        Err(error) if error.reason() == Some(Reason::IdTooOld) => {
            // It may have been counted long ago. Somebody has to look; the space `main` never forgets that it was set aside.
            let (aside, id) = (LogName::new("devices.too-old")?, Id::new(format!("devices/{name}"))?);
            client.append(&aside, [event], Some(id)).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// When this example was run for the first time: its events are always the same.
async fn beginning(devices: &Client) -> Result<LogTime, Failure> {
    let key = CellKey::new("beginning")?;
    loop {
        if let Some(cell) = devices.cell(&key, Consistency::Linearizable).await? {
            let ms = cell.cell.value.integer().ok_or("a time is a number")?;
            return LogTime::from_ms(ms.try_into()?).ok_or_else(|| "a time has 48 bits".into());
        }
        let now = devices.fresh_id().birth().time().ok_or("a fresh id carries its birth")?;
        let first = devices.command().require(Guard::cell_absent(&key)).put(&key, i64::try_from(now.as_ms())?);
        match first.submit().await {
            Ok(_) => {}
            Err(error) if error.refusal().is_some() => {}
            Err(error) => return Err(error.into()),
        }
    }
}
