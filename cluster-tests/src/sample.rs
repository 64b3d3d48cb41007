//! Ids and payloads that are told apart at a glance.

use bytes::Bytes;
use rand::RngExt as _;
use uuid::{Builder, Uuid};

use crate::history::Content;

/// What strikes the seeded bugs that need luck (`seeded_bug` of the program under test): at commands that hold this.
pub const MARK: &str = "the seeded bug strikes here";

/// A text that is one in a hundred times such that bugs strike at it.
pub fn marked(text: &str) -> String {
    if rand::rng().random_ratio(1, 100) { format!("{text}: {MARK}") } else { text.to_owned() }
}

/// An id: half of them canonical `UUIDv7`, which nodes store otherwise than plain text.
pub fn id(client: usize, number: u64) -> String {
    if number.is_multiple_of(2) {
        // Any time will do: an id's birth matters only in spaces that forget.
        let born_ms = 1_700_000_000_000 + number;
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(Uuid::new_v4().into_bytes()) {
            *to = from;
        }
        Builder::from_unix_timestamp_millis(born_ms, &random).into_uuid().hyphenated().to_string()
    } else {
        format!("client-{client}/order-{number}/{}", Uuid::new_v4().simple())
    }
}

/// The text of one of a command's many records: of one of them, one time in a hundred, such that bugs strike at it.
pub fn marked_one(id: &str, number: u64, count: u64) -> String {
    let text = format!("{id}#{number}");
    if number == count / 2 { marked(&text) } else { text }
}

/// The records of a command: their bytes name it, so that no other command's record can pass for them.
pub fn payloads(id: &str, count: usize, bytes: usize) -> Vec<Bytes> {
    (0..count)
        .map(|index| {
            let mut payload = format!("{id}#{index} ").into_bytes();
            payload.resize(payload.len().max(bytes), b'.');
            Bytes::from(payload)
        })
        .collect()
}

/// The same, one time in a hundred with words at which bugs strike in the first of them.
pub fn marked_payloads(id: &str, count: usize, bytes: usize) -> Vec<Bytes> {
    let payloads = payloads(id, count, bytes);
    if rand::rng().random_ratio(1, 100) { with_mark(payloads) } else { payloads }
}

/// The records of a command that a history remembers without their bytes: as they were made, or marked.
pub fn sent(id: &str, contents: &[Content]) -> Vec<Bytes> {
    let bytes = contents.first().map_or(0, |first| first.bytes as usize);
    let plain = payloads(id, contents.len(), bytes);
    if plain.first().map(|first| Content::of(first)).as_ref() == contents.first() {
        return plain;
    }
    with_mark(payloads(id, contents.len(), bytes.saturating_sub(MARK.len())))
}

fn with_mark(mut payloads: Vec<Bytes>) -> Vec<Bytes> {
    if let Some(first) = payloads.first_mut() {
        *first = Bytes::from(format!("{}{MARK}", String::from_utf8_lossy(first)));
    }
    payloads
}

/// The effect of a consumer's handling a record: its bytes name the record.
pub fn effect(offset: u64, id: &str) -> Bytes {
    Bytes::from(format!("{offset} {id} is handled"))
}
