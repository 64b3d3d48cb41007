//! How long a request may take: what its sender says in `grpc-timeout`, or ten seconds.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

const DEFAULT: Duration = Duration::from_secs(10);
/// The transport cuts a request off at its timeout without our mark; ours has to come first, by this at least, where the
/// timeout is not short.
const BEFORE_TRANSPORT: Duration = Duration::from_millis(50);
/// Clients round long timeouts up on the wire, but give up at the exact ones: ours comes first by this part of them.
const BEFORE_TRANSPORT_PART: u32 = 50;
/// Longer than anyone waits; keeps sums of times from overflowing.
const LONGEST: Duration = Duration::from_hours(24);

/// The moment by which the request is answered.
pub(super) fn deadline(metadata: &MetadataMap) -> Instant {
    Instant::now() + allowed(metadata)
}

fn allowed(metadata: &MetadataMap) -> Duration {
    let given = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(parse);
    let before_transport = |timeout: Duration| {
        timeout.saturating_sub(BEFORE_TRANSPORT.max(timeout / BEFORE_TRANSPORT_PART).min(timeout / 10))
    };
    given.map_or(DEFAULT, before_transport).min(LONGEST)
}

fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.len().checked_sub(1)?;
    let (digits, unit) = text.is_char_boundary(unit_at).then(|| text.split_at(unit_at))?;
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount.checked_mul(3_600)?),
        "M" => Duration::from_secs(amount.checked_mul(60)?),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        assert_eq!(parse("2H"), Some(Duration::from_hours(2)));
        assert_eq!(parse("3M"), Some(Duration::from_mins(3)));
        assert_eq!(parse("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parse("9n"), Some(Duration::from_nanos(9)));
    }

    #[test]
    fn what_is_not_a_timeout_is_none() {
        for text in ["", "S", "5", "5x", "-1S", "1é"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_answer_comes_before_the_transport_gives_up() {
        let mut metadata = MetadataMap::new();
        assert_eq!(allowed(&metadata), DEFAULT);
        metadata.insert("grpc-timeout", "1S".parse().expect("ascii"));
        assert_eq!(allowed(&metadata), Duration::from_millis(950));
        metadata.insert("grpc-timeout", "100m".parse().expect("ascii"));
        assert_eq!(allowed(&metadata), Duration::from_millis(90));
        metadata.insert("grpc-timeout", "10000m".parse().expect("ascii"));
        assert_eq!(allowed(&metadata), Duration::from_millis(9_800), "a client rounds 9.9 s up to this");
    }
}
