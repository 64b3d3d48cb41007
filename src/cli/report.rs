//! What went wrong, for people or for programs: on standard error, never with a trace of the stack.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::client::{Error, Reason};
use crate::types::Id;

use super::json;
use super::output::Format;

/// Something that a command cannot do.
#[derive(Debug)]
pub(super) enum Problem {
    /// The nodes could not, or would not.
    Client(Box<Error>),
    /// Something on this machine.
    Here {
        /// What failed.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// What was asked for is not there.
    NotThere {
        /// What is not.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// What was decided before stands against it.
    Conflict {
        /// What stands against it.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// Something that can't be asked for as things are here.
    Misuse {
        /// What can't be.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// Whoever reads the answer has gone; nobody needs the rest.
    NobodyReads,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::NobodyReads;
        }
        Self::Here { message: format!("cannot write the answer: {error}"), advice: "See where standard output goes." }
    }
}

/// Prints an error of the client library.
pub(super) fn print(err: &mut impl Write, format: Format, error: &Error) -> io::Result<()> {
    match format {
        Format::Json | Format::Jsonl => writeln!(err, "{}", document(error)),
        Format::Table | Format::Plain | Format::Csv => print_text(err, error),
    }
}

/// Prints any other error, and what to do.
pub(super) fn print_plainly(err: &mut impl Write, format: Format, message: &str, advice: &str) -> io::Result<()> {
    match format {
        Format::Json | Format::Jsonl => writeln!(err, "{}", json!({"error": {"message": message, "advice": advice}})),
        Format::Table | Format::Plain | Format::Csv => {
            heading(err, message)?;
            line(err, "help", advice)
        }
    }
}

fn print_text(err: &mut impl Write, error: &Error) -> io::Result<()> {
    let doubt = if error.in_doubt() { " (it may have taken effect)" } else { "" };
    heading(err, &format!("cannot {}: {}{doubt}", error.doing, error.cause))?;
    if let Some(id) = &error.id {
        line(err, "id", id.text())?;
    }
    for tried in &error.tried {
        let times = match tried.attempts {
            1 => String::new(),
            many => format!(" {many} times"),
        };
        line(err, "tried", &format!("{}{times}: {}", tried.address, tried.last))?;
    }
    line(err, "help", &error.advice())
}

fn heading(err: &mut impl Write, message: &str) -> io::Result<()> {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    writeln!(err, "{style}error:{style:#} {message}")
}

fn line(err: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    let style = Style::new().bold();
    writeln!(err, "  {style}{name}:{style:#} {text}")
}

fn document(error: &Error) -> Value {
    let tried: Vec<_> = error
        .tried
        .iter()
        .map(|tried| {
            json!({
                "address": tried.address,
                "attempts": tried.attempts,
                "reason": tried.last.reason.as_str(),
                "effect": tried.last.effect.as_str(),
                "message": tried.last.message,
                "metadata": tried.last.metadata,
            })
        })
        .collect();
    json!({
        "error": {
            "message": format!("cannot {}: {}", error.doing, error.cause),
            "reason": error.reason().map(Reason::as_str),
            "effect": error.effect.as_str(),
            "id": error.id.as_ref().map(Id::text),
            "tried": tried,
            "refusal": error.refusal().map(json::refusal),
            "advice": error.advice(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::client::{Cause, ErrorReport, Tried};
    use crate::types::{AttemptEffect, Found, History, LogTime, Outcome, Refusal, Sequence, Step, Verdict};

    use super::*;

    fn error() -> Error {
        let no_leader = ErrorReport::without_effect(Reason::NoLeader, "an election is under way");
        let silent = ErrorReport::new(Reason::Foreign, AttemptEffect::Unknown, "no answer within 3.3 s");
        Error {
            doing: "append to log `orders`".to_owned(),
            id: Some(Id::new("pay-1").unwrap()),
            effect: AttemptEffect::Unknown,
            cause: Cause::TimeOver(Duration::from_secs(10)),
            tried: vec![
                Tried { address: "a:1".to_owned(), attempts: 7, last: no_leader },
                Tried { address: "b:1".to_owned(), attempts: 1, last: silent },
            ],
        }
    }

    fn printed(format: Format, error: &Error) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        print(&mut out, format, error).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn an_error_says_what_failed_who_was_asked_and_what_to_do() {
        let expected = "\
error: cannot append to log `orders`: no node could do it within 10.0 s (it may have taken effect)
  id: pay-1
  tried: a:1 7 times: an election is under way
  tried: b:1: no answer within 3.3 s
  help: It may have taken effect. Send the same again under the id `pay-1` to find out, or settle that id: either is always safe.
";
        assert_eq!(printed(Format::Table, &error()), expected);
        assert_eq!(printed(Format::Plain, &error()), expected);
    }

    #[test]
    fn a_program_reads_the_same_from_json() {
        let document: Value = serde_json::from_str(&printed(Format::Jsonl, &error())).unwrap();
        let error = &document["error"];
        assert_eq!((&error["effect"], &error["id"]), (&json!("unknown"), &json!("pay-1")));
        assert_eq!(error["tried"][0]["reason"], "NO_LEADER");
        assert_eq!(error["tried"][1]["effect"], "unknown");
    }

    #[test]
    fn a_refusal_says_which_step_and_what_was_found() {
        let refusal = Refusal { step: Step::Action(0), found: Found::OutOfBounds(30) };
        let outcome = Outcome {
            verdict: Verdict::Refused(refusal.clone()),
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::ZERO,
        };
        let mut report = ErrorReport::without_effect(Reason::GuardFailed, refusal.to_string());
        report.outcome = Some(Box::new(outcome));
        let error = Error {
            cause: Cause::Refused(Box::new(report)),
            tried: Vec::new(),
            effect: AttemptEffect::None,
            ..error()
        };
        let text = printed(Format::Table, &error);
        assert!(text.contains("action 0 failed: the cell held 30, and the sum would leave the bounds"), "{text}");
        let document: Value = serde_json::from_str(&printed(Format::Json, &error)).unwrap();
        let expected = json!({"step": "action", "index": 0, "found": "out_of_bounds", "value": 30});
        assert_eq!(document["error"]["refusal"], expected);
    }
}
