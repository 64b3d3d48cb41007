//! `lookup`: what became of an id.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use crate::client::Client;
use crate::types::{Fate, FateKind, Id, Outcome, SpaceName, Verdict};

use super::arguments::{Lookup, Options};
use super::exit::Exit;
use super::json;
use super::output::{self, Row};
use super::report::Problem;

/// What became of an id, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_ms: Option<u64>,
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensated_by: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    nothing_to_undo: bool,
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
            birth_ms: output::birth_beside(id),
            fate: fate.kind().map_or("too_old", FateKind::as_str),
            compensated_by: None,
            nothing_to_undo: false,
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
                floor_ms: Some(floor.as_ms()),
                details: format!("ids born before {} are forgotten", output::time(*floor)),
                ..bare
            },
            Fate::Decided { outcome, compensated_by } => bare.decided(outcome, compensated_by.as_ref()),
        }
    }

    /// Of an id whose space is not there.
    pub(super) fn without_space(id: &Id, space: &SpaceName) -> Self {
        Self {
            fate: "no_such_space",
            details: format!("there is no space {space}, so it has never taken effect"),
            ..Self::new(id, &Fate::Unknown)
        }
    }

    fn decided(self, outcome: &Outcome, compensated_by: Option<&Id>) -> Self {
        let mut details = json::details(outcome);
        if let Some(by) = compensated_by {
            details = format!("{details}; undone by {}", by.text());
        }
        let (results, refusal) = match &outcome.verdict {
            Verdict::Applied(results) => (Some(json::results(results)), None),
            Verdict::NothingToUndo | Verdict::Cancelled => (None, None),
            Verdict::Refused(refusal) => (None, Some(json::refusal(refusal))),
        };
        Self {
            compensated_by: compensated_by.map(json::id),
            nothing_to_undo: outcome.verdict == Verdict::NothingToUndo,
            sequence: Some(outcome.sequence.0),
            history: Some(outcome.history.0),
            time_ms: Some(outcome.time.as_ms()),
            results,
            refusal,
            details,
            ..self
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
    let (id, consistency) = (lookup.id.get()?, super::consistency(lookup.local));
    let fate = client.lookup(&id, consistency).await?;
    output::print_one(out, options.output, &Answer::new(&id, &fate))?;
    Ok(Exit::of_fate(&fate))
}

#[cfg(test)]
mod tests {
    use crate::cli::output::Format;
    use crate::types::{ActionResult, Found, History, LogTime, Offset, Refusal, Sequence, Step};

    use super::*;

    fn printed(format: Format, fate: &Fate) -> String {
        let mut out = Vec::new();
        output::print_one(&mut out, format, &Answer::new(&Id::new("pay-1").unwrap(), fate)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn decided(verdict: Verdict) -> Fate {
        let time = LogTime::from_ms(5).unwrap();
        let outcome = Outcome { verdict, sequence: Sequence(9), history: History(3), time };
        Fate::Decided { outcome, compensated_by: None }
    }

    #[test]
    fn every_fate_is_printed() {
        let applied = decided(Verdict::Applied(vec![ActionResult::Appended { first: Offset(41), count: 1 }]));
        let refused = decided(Verdict::Refused(Refusal { step: Step::Guard(0), found: Found::LogEnd(Offset(17)) }));
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
        let refused = decided(Verdict::Refused(Refusal { step: Step::Action(1), found: Found::OutOfBounds(30) }));
        let expected = "{\"id\":\"pay-1\",\"fate\":\"refused\",\"sequence\":9,\"history\":3,\"time_ms\":5,\
                        \"refusal\":{\"found\":\"out_of_bounds\",\"index\":1,\"step\":\"action\",\"value\":30}}\n";
        assert_eq!(printed(Format::Jsonl, &refused), expected);
        assert_eq!(printed(Format::Jsonl, &Fate::Unknown), "{\"id\":\"pay-1\",\"fate\":\"unknown\"}\n");
    }

    #[test]
    fn what_was_undone_and_what_had_nothing_to_undo_is_said() {
        let Fate::Decided { outcome, .. } = decided(Verdict::Applied(vec![ActionResult::Released])) else { panic!() };
        let undone = Fate::Decided { outcome, compensated_by: Some(Id::new("refund-1").unwrap()) };
        assert_eq!(printed(Format::Plain, &undone), "compensated\t9\treleased; undone by refund-1\tpay-1\n");
        let line = printed(Format::Jsonl, &undone);
        assert!(line.contains("\"fate\":\"compensated\",\"compensated_by\":\"refund-1\""), "{line}");
        let line = printed(Format::Jsonl, &decided(Verdict::NothingToUndo));
        assert!(line.contains("\"fate\":\"applied\",\"nothing_to_undo\":true"), "{line}");
    }
}
