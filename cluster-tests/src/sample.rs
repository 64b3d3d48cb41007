//! Ids and payloads that are told apart at a glance.

use bytes::Bytes;
use uuid::{Builder, Uuid};

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

/// The effect of a consumer's handling a record: its bytes name the record.
pub fn effect(offset: u64, id: &str) -> Bytes {
    Bytes::from(format!("{offset} {id} is handled"))
}
