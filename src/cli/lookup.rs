//! `lookup`: what became of an id.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::types::{ActionResult, Fate, Id, Outcome, Refusal, Verdict};

use super::arguments::{Lookup, Options};
use super::exit::Exit;
use super::output::{self, Row};
use super::report::Problem;

/// What became of an id, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    id: String,
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_ms: Option<u64>,
    #[serde(skip)]
    details: String,
}

impl Answer {
    pub(super) fn new(id: &Id, fate: &Fate) -> Self {
        let bare = Self {
            id: id.text().to_owned(),
            fate: "unknown",
            sequence: None,
            history: None,
            time_ms: None,
            results: None,
            refusal: None,
            floor_ms: None,
            details: output::NONE.to_owned(),
        };
        match fate {
            Fate::Unknown => bare,
            Fate::TooOld { floor } => Self {
                fate: "too_old",
                floor_ms: Some(floor.as_ms()),
                details: format!("ids born before {} are forgotten", output::time(*floor)),
                ..bare
            },
            Fate::Decided(outcome) => bare.decided(outcome),
        }
    }

    fn decided(self, outcome: &Outcome) -> Self {
        let known = Self {
            sequence: Some(outcome.sequence.0),
            history: Some(outcome.history.0),
            time_ms: Some(outcome.time.as_ms()),
            ..self
        };
        match &outcome.verdict {
            Verdict::Applied(results) => {
                let details = results.iter().map(|ActionResult::Appended { first, count }| match count {
                    1 => format!("offset {first}"),
                    _ => format!("{count} records from offset {first}"),
                });
                let objects = results.iter().map(|ActionResult::Appended { first, count }| {
                    json!({"appended": {"first_offset": first.0, "count": count}})
                });
                Self {
                    fate: "applied",
                    details: details.collect::<Vec<_>>().join(", "),
                    results: Some(objects.collect()),
                    ..known
                }
            }
            Verdict::Refused(Refusal::LogEnd { guard, found }) => Self {
                fate: "refused",
                details: format!("guard {guard} failed: the log ended at {found}"),
                refusal: Some(json!({"log_end": {"guard": guard, "found": found.0}})),
                ..known
            },
            Verdict::Cancelled => Self { fate: "cancelled", ..known },
        }
    }
}

impl Row for Answer {
    const HEADINGS: &'static [&'static str] = &["FATE", "SEQUENCE", "DETAILS", "ID"];

    fn cells(&self) -> Vec<String> {
        let sequence = self.sequence.map_or_else(|| output::NONE.to_owned(), |sequence| sequence.to_string());
        vec![self.fate.to_owned(), sequence, self.details.clone(), self.id.clone()]
    }
}

/// An id that was never decided, or was forgotten, is not found; that is printed, too.
pub(super) async fn run(
    client: &Client,
    options: &Options,
    lookup: Lookup,
    out: &mut impl Write,
) -> Result<Exit, Problem> {
    let fate = client.lookup(&lookup.id, super::consistency(lookup.local)).await?;
    output::print_one(out, options.output, &Answer::new(&lookup.id, &fate))?;
    Ok(Exit::of_fate(&fate))
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{History, LogTime, Offset, Sequence};

    use super::*;

    fn printed(format: Format, fate: &Fate) -> String {
        let mut out = Vec::new();
        output::print_one(&mut out, format, &Answer::new(&Id::new("pay-1").unwrap(), fate)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn decided(verdict: Verdict) -> Fate {
        let time = LogTime::from_ms(5).unwrap();
        Fate::Decided(Outcome { verdict, sequence: Sequence(9), history: History(3), time })
    }

    #[test]
    fn every_fate_is_printed() {
        let applied = decided(Verdict::Applied(vec![ActionResult::Appended { first: Offset(41), count: 1 }]));
        let refused = decided(Verdict::Refused(Refusal::LogEnd { guard: 0, found: Offset(17) }));
        let too_old = Fate::TooOld { floor: LogTime::from_ms(1_760_000_000_123).unwrap() };
        let plain = |fate: &Fate| printed(Format::Plain, fate);
        assert_eq!(plain(&applied), "applied\t9\toffset 41\tpay-1\n");
        assert_eq!(plain(&refused), "refused\t9\tguard 0 failed: the log ended at 17\tpay-1\n");
        assert_eq!(plain(&decided(Verdict::Cancelled)), "cancelled\t9\t-\tpay-1\n");
        assert_eq!(plain(&Fate::Unknown), "unknown\t-\t-\tpay-1\n");
        assert_eq!(plain(&too_old), "too_old\t-\tids born before 2025-10-09T08:53:20.123Z are forgotten\tpay-1\n");
    }

    #[test]
    fn json_has_the_whole_outcome() {
        let applied = decided(Verdict::Applied(vec![ActionResult::Appended { first: Offset(41), count: 2 }]));
        let expected = "{\"id\":\"pay-1\",\"fate\":\"applied\",\"sequence\":9,\"history\":3,\"time_ms\":5,\
                        \"results\":[{\"appended\":{\"count\":2,\"first_offset\":41}}]}\n";
        assert_eq!(printed(Format::Jsonl, &applied), expected);
        assert_eq!(printed(Format::Jsonl, &Fate::Unknown), "{\"id\":\"pay-1\",\"fate\":\"unknown\"}\n");
    }
}
