//! Records with headers, none to several, with values of any bytes, and payloads of any bytes, the empty one among them;
//! and readers that read them at other nodes. P1, P6 and P11 insist that headers stay what they are, as payloads do; P14
//! that other headers are other content.

use std::time::Duration;

use bytes::Bytes;
use rand::{Rng as _, RngExt as _};
use tokio::time::sleep;
use uuid::Uuid;

use super::work::Work;
use crate::command::{append_records, command};
use crate::history::{Got, Job};
use crate::proto::{Header, NewRecord};
use crate::sample;

/// Between two appends.
const BREATH: Duration = Duration::from_millis(200);
const LOG: &str = "labelled";
/// How many headers a record has, at most, and how many records a command.
const HEADERS: usize = 5;
const RECORDS: usize = 3;
/// How long a value or a payload is, at most.
const BYTES: usize = 300;

pub(super) async fn run(work: Work) {
    while !work.is_stopped() {
        let id = format!("labelled/{}", Uuid::new_v4().simple());
        let count = rand::rng().random_range(1..=RECORDS);
        let records = (0..count).map(|_| some_record()).collect();
        let request = command(&id, vec![], vec![append_records(LOG, records)]);
        let Some(sealed) = work.command(Job::Prepare, &request).await else { return };
        let first = sealed.got().iter().find_map(|got| match got {
            Got::Appended { first_offset, .. } => Some(*first_offset),
            _ => None,
        });
        let (turn, linearizable) = (work.turn(), rand::rng().random_ratio(1, 2));
        work.ask_records(turn, ("", LOG), first, 8, linearizable).await;
        sleep(BREATH).await;
    }
}

fn some_record() -> NewRecord {
    let count = rand::rng().random_range(0..=HEADERS);
    let mut headers: Vec<Header> = (0..count)
        // The same key may come twice.
        .map(|number| Header { key: format!("key-{}", number / 2), value: some_bytes() })
        .collect();
    let text = Uuid::new_v4().simple().to_string();
    headers.push(Header { key: "trace".to_owned(), value: Bytes::from(sample::marked(&text)) });
    NewRecord { payload: some_bytes(), headers }
}

fn some_bytes() -> Bytes {
    let mut random = rand::rng();
    let mut bytes = vec![0; random.random_range(0..=BYTES)];
    random.fill_bytes(&mut bytes);
    Bytes::from(bytes)
}
