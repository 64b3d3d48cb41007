//! Why an operation failed, whether it is in doubt, who was asked, and what to do.

use std::fmt;
use std::time::Duration;

use tonic::Code;

use crate::types::{AttemptEffect, Id, Lock, LogTime, MalformedName, Outcome, Refusal, Token, Verdict};
use crate::wire::{ErrorReport, Reason, Unreadable};

use super::attempts::Tried;

/// An operation that failed.
///
/// ```
/// # use oncelog::client::{Error, Kind};
/// fn told(error: &Error) -> String {
///     match error.kind() {
///         _ if error.in_doubt() => format!("send it again under the id {:?}, or settle that id", error.id),
///         Kind::Unavailable => "nothing happened: send it again later".to_owned(),
///         Kind::Conflict => format!("this is its outcome: {error}"),
///         _ => format!("{error}. {}", error.advice()),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Error {
    /// What was to be done, as the end of a sentence: ``append to log `orders` ``.
    pub doing: String,
    /// The id that it was to be done under.
    pub id: Option<Id>,
    /// Whether anything may have happened. `None` only if nothing has happened and nothing will; always so for a read.
    pub effect: AttemptEffect,
    /// Why it failed.
    pub cause: Cause,
    /// Every address that was tried, with its last error.
    pub tried: Vec<Tried>,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The answer is final.
    #[error("{0}")]
    Refused(Box<ErrorReport>),
    /// No answer that ends it came in time.
    #[error("no node could do it within {}", told(*.0))]
    TimeOver(Duration),
    /// Every node has said that it cannot.
    #[error("none of the nodes can do it")]
    NoNodeLeft,
    /// A node answered something that this build does not understand.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// The runtime of a stream or a lock ended before the answer came.
    #[error("the runtime ended before the answer came")]
    Closed,
    /// No address was given.
    #[error("no address of a node was given")]
    NoAddress,
    /// An address has not the form `host:port`.
    #[error("`{0}` is not an address of the form host:port")]
    BadAddress(String),
    /// The call breaks a rule of the client.
    #[error("{0}")]
    BadUse(&'static str),
    /// A lock can't be named after a reader and a log.
    #[error("the group's locks are named after the reader and its logs: {0}")]
    BadName(MalformedName),
    /// Somebody else held the lock for as long as it was waited for.
    #[error("`{}` holds it until {}, unless it is renewed", .0.holder, .0.expires)]
    LockHeld(Box<Lock>),
    /// An earlier attempt under this id took the lock, and it is not held by that one's token any more.
    #[error("it was taken under this id before, and is no longer held by the token {0}")]
    LockLost(Token),
    /// Another instance of the same reader was faster, or holds the lock of the log by now. Nothing was done.
    #[error("another instance of the reader was faster: {0}")]
    Overtaken(Box<ErrorReport>),
}

/// What a program may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Nobody could do it now.
    Unavailable,
    /// What was asked for is not there.
    NotFound,
    /// The id's outcome or its other content stands against it.
    Conflict,
    /// Another instance of the same reader was faster: nothing was done, and the reader may go on.
    Overtaken,
    /// The request breaks a rule.
    BadRequest,
    /// Something else; somebody should look.
    Failed,
}

impl Error {
    pub(super) fn before_any_attempt(doing: &str, cause: Cause) -> Self {
        Self { doing: doing.to_owned(), id: None, effect: AttemptEffect::None, cause, tried: Vec::new() }
    }

    /// Whether it may have taken effect, or may still. If not, nothing happened.
    pub fn in_doubt(&self) -> bool {
        self.effect == AttemptEffect::Unknown
    }

    /// What sort of error it is, by what a program may do about it.
    pub fn kind(&self) -> Kind {
        match &self.cause {
            Cause::Refused(report) => kind_of(report),
            Cause::NoNodeLeft => self.tried.last().map_or(Kind::Unavailable, |tried| kind_of(&tried.last)),
            Cause::TimeOver(_) | Cause::Closed => Kind::Unavailable,
            Cause::Unreadable(_) => Kind::Failed,
            Cause::NoAddress | Cause::BadAddress(_) | Cause::BadUse(_) | Cause::BadName(_) => Kind::BadRequest,
            Cause::LockHeld(_) | Cause::LockLost(_) => Kind::Conflict,
            Cause::Overtaken(_) => Kind::Overtaken,
        }
    }

    /// The reason of the answer that ended it, if one did.
    pub fn reason(&self) -> Option<Reason> {
        if let Cause::LockHeld(_) = self.cause {
            return Some(Reason::GuardFailed);
        }
        self.last_answer().map(|report| report.reason)
    }

    /// When the space was deleted, if that ended it. What became of the space's ids is forgotten, and its name is never
    /// given again: sent again under the same id it gets the same answer.
    pub fn space_deleted(&self) -> Option<LogTime> {
        self.last_answer()?.space_deleted()
    }

    /// The answer that ended it, if one did.
    fn last_answer(&self) -> Option<&ErrorReport> {
        match &self.cause {
            Cause::Refused(report) | Cause::Overtaken(report) => Some(report),
            Cause::NoNodeLeft => self.tried.last().map(|tried| &tried.last),
            Cause::TimeOver(_)
            | Cause::Closed
            | Cause::Unreadable(_)
            | Cause::NoAddress
            | Cause::BadAddress(_)
            | Cause::BadUse(_)
            | Cause::BadName(_)
            | Cause::LockHeld(_)
            | Cause::LockLost(_) => None,
        }
    }

    /// What became of the id, if it was refused or cancelled.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.cause {
            Cause::Refused(report) | Cause::Overtaken(report) => report.outcome.as_deref(),
            _ => None,
        }
    }

    /// Which guard or action failed and what was found, if one did.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.outcome()?.verdict {
            Verdict::Refused(refusal) => Some(refusal),
            Verdict::Applied(_) | Verdict::NothingToUndo | Verdict::Cancelled => None,
        }
    }

    /// What to do about it, in a sentence or two.
    pub fn advice(&self) -> String {
        if self.space_deleted().is_some() {
            return self.advice_on_a_deleted_space().to_owned();
        }
        match (&self.id, self.in_doubt()) {
            (Some(id), true) => {
                return format!(
                    "It may have taken effect. Send the same again under the id `{id}` to find out, or settle that id: either is always safe."
                );
            }
            (None, true) => return "It may have been done. Send the same again to find out: that is safe.".to_owned(),
            (_, false) => {}
        }
        let unchanged =
            if self.id.is_some() && self.kind() == Kind::Unavailable { "Nothing was changed. " } else { "" };
        let advice = match (&self.cause, self.reason(), self.kind()) {
            (_, _, Kind::Overtaken) => "Go on with what the reader hands out next.",
            (Cause::LockHeld(_), ..) if self.id.is_some() => {
                "This answer is final for this id. To try again, use a new id."
            }
            (Cause::LockHeld(_), ..) => "Wait longer for the lock, or see why its holder keeps it.",
            (Cause::LockLost(_), ..) => "Take it again under a new id.",
            (Cause::BadUse(_) | Cause::BadName(_), ..) => "Correct the request.",
            (_, Some(reason), _) if reason != Reason::Foreign => advice_on(reason),
            (_, _, Kind::Unavailable) => "See that a majority of the nodes runs and that the addresses are right.",
            (_, _, Kind::BadRequest) => "Give the client address of each node, such as 127.0.0.1:7420.",
            (_, _, Kind::NotFound | Kind::Conflict | Kind::Failed) => "See the logs of the nodes that were asked.",
        };
        format!("{unchanged}{advice}")
    }

    /// No id of the space can be found out about any more, and the space can't be made again.
    fn advice_on_a_deleted_space(&self) -> &'static str {
        if self.in_doubt() {
            "It may have taken effect before the space was deleted: what became of it is forgotten. The name is never \
             given again."
        } else {
            "The space was deleted with its ids, and its name is never given again. Use another space."
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot {}: {}", self.doing, self.cause)?;
        if self.in_doubt() {
            formatter.write_str(" (it may have taken effect)")?;
        }
        match &self.cause {
            // The final answer says it all.
            Cause::Refused(_) | Cause::Overtaken(_) => Ok(()),
            _ => self.tried.iter().try_for_each(|tried| write!(formatter, "; {}: {}", tried.address, tried.last)),
        }
    }
}

impl std::error::Error for Error {
    /// What lies behind it: what the last node that was asked has said, if one has.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Refused(report) | Cause::Overtaken(report) => Some(&**report),
            Cause::Unreadable(unreadable) => Some(unreadable),
            Cause::BadName(malformed) => Some(malformed),
            Cause::TimeOver(_) | Cause::NoNodeLeft | Cause::Closed => {
                self.tried.last().map(|tried| &tried.last as &(dyn std::error::Error + 'static))
            }
            Cause::NoAddress | Cause::BadAddress(_) | Cause::BadUse(_) | Cause::LockHeld(_) | Cause::LockLost(_) => {
                None
            }
        }
    }
}

/// A time in seconds, or in milliseconds where that would round to nothing.
pub(super) fn told(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if time < Duration::from_millis(100) { format!("{} ms", time.as_millis()) } else { format!("{seconds:.1} s") }
}

fn kind_of(report: &ErrorReport) -> Kind {
    match report.reason {
        Reason::NoLeader
        | Reason::OutcomeUnknown
        | Reason::Overloaded
        | Reason::NoSpace
        | Reason::NotInitialised
        | Reason::NotServing
        | Reason::StandsAside
        | Reason::TimedOut => Kind::Unavailable,
        Reason::IdReused | Reason::GuardFailed | Reason::Cancelled => Kind::Conflict,
        Reason::NoSuchSpace | Reason::NoSuchLog | Reason::NoSuchCell | Reason::Trimmed => Kind::NotFound,
        Reason::Malformed | Reason::TooLarge | Reason::WrongPort => Kind::BadRequest,
        Reason::IdTooOld
        | Reason::IdWithoutBirth
        | Reason::IdFromTheFuture
        | Reason::ClusterMismatch
        | Reason::VersionUnsupported
        | Reason::Internal => Kind::Failed,
        Reason::Foreign => match report.code {
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => Kind::Unavailable,
            // Whoever listens there is no node that knows the request: the address is another one's.
            Code::Unimplemented => Kind::BadRequest,
            _ => Kind::Failed,
        },
    }
}

fn advice_on(reason: Reason) -> &'static str {
    match reason {
        Reason::NoLeader => "See that a majority of the nodes runs and can reach each other.",
        Reason::OutcomeUnknown => "Send the same again under the same id to find out what became of it.",
        Reason::Overloaded => "Send the same again later, or allow it more time.",
        Reason::NoSpace => "Make room on the node's disk.",
        Reason::IdReused => {
            "An id belongs to what was first sent under it. Give new content a new id, or look the id up."
        }
        Reason::IdTooOld => {
            "It was not run. If it was sent before, look for its effects first; then send it under a new id."
        }
        Reason::IdWithoutBirth => "Give it a lower-case UUIDv7 as its id, or a birth beside the id.",
        Reason::IdFromTheFuture => "Set the clock of the machine that makes the ids: it runs ahead of the cluster's.",
        Reason::GuardFailed => {
            "This answer is final for this id. Look at what has changed, and send what is right now under a new id."
        }
        Reason::Cancelled => "This answer is final for this id. If it is still wanted, send it under a new id.",
        Reason::Malformed | Reason::TooLarge => "Correct the request.",
        Reason::NoSuchSpace => "See that the name is right. A space is made by a command of its own.",
        Reason::NoSuchCell => "See that the key and the space are right.",
        Reason::Trimmed => "Read from the log's start, if what was trimmed is not needed.",
        Reason::VersionUnsupported => "Start every node of the cluster with a build that knows the version.",
        Reason::NoSuchLog => "See that the name and the space are right. A log is made by its first append.",
        Reason::ClusterMismatch => "The node is in another cluster, or in one with other members. Check the addresses.",
        Reason::WrongPort => "Use the address that the message names.",
        Reason::NotInitialised => "The node is empty. Make a cluster with `init`, once, or ask a node that is in one.",
        Reason::NotServing => "The node is starting or stopping. Send the same again in a moment.",
        Reason::StandsAside => "The node has stopped because its data is damaged. Its log says how to replace it.",
        Reason::TimedOut => "Allow it more time.",
        Reason::Internal | Reason::Foreign => "See the logs of the nodes that were asked.",
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{History, Holder, Sequence, SpaceName};

    use super::*;

    fn error(cause: Cause, effect: AttemptEffect) -> Error {
        let id = Some(Id::new("pay-1").unwrap());
        Error { doing: "append to log `orders`".to_owned(), id, effect, cause, tried: Vec::new() }
    }

    #[test]
    fn doubt_is_said_first_and_names_the_id() {
        let advice = error(Cause::TimeOver(Duration::from_secs(1)), AttemptEffect::Unknown).advice();
        assert!(advice.starts_with("It may have taken effect.") && advice.contains("`pay-1`"), "{advice}");
        let advice = error(Cause::TimeOver(Duration::from_secs(1)), AttemptEffect::None).advice();
        assert!(advice.starts_with("Nothing was changed."), "{advice}");
    }

    #[test]
    fn nobody_is_told_to_send_again_into_a_deleted_space_or_to_make_it() {
        let eu = SpaceName::new("eu").unwrap();
        let ended = |effect, deleted| error(Cause::Refused(Box::new(ErrorReport::no_such_space(&eu, deleted))), effect);
        let deleted = Some(LogTime::from_ms(5).unwrap());
        for effect in [AttemptEffect::None, AttemptEffect::Unknown] {
            let error = ended(effect, deleted);
            assert_eq!(error.space_deleted(), deleted);
            let advice = error.advice();
            assert!(advice.contains("deleted") && advice.contains("never given again"), "{advice}");
            assert!(!advice.contains("made") && !advice.contains("Send"), "{advice}");
            assert_eq!(advice.contains("may have taken effect"), effect == AttemptEffect::Unknown, "{advice}");
        }
        let never_made = ended(AttemptEffect::None, None);
        assert_eq!(never_made.space_deleted(), None);
        assert!(never_made.advice().contains("A space is made by"), "{}", never_made.advice());
    }

    #[test]
    fn a_lock_that_is_held_is_a_refusal_which_is_final_for_an_id_of_ones_own() {
        let token = Token { history: History(3), sequence: Sequence(17) };
        let lock = Lock { holder: Holder::new("ada").unwrap(), token, expires: LogTime::ZERO };
        let error = error(Cause::LockHeld(Box::new(lock)), AttemptEffect::None);
        assert_eq!((error.kind(), error.reason()), (Kind::Conflict, Some(Reason::GuardFailed)));
        assert_eq!(error.advice(), "This answer is final for this id. To try again, use a new id.");
        let without_id = Error { id: None, ..error };
        assert!(without_id.advice().starts_with("Wait longer"), "{}", without_id.advice());
    }

    #[test]
    fn a_short_time_is_not_rounded_to_nothing() {
        let told = [1, 99, 100, 3_300].map(|ms| told(Duration::from_millis(ms)));
        assert_eq!(told, ["1 ms", "99 ms", "0.1 s", "3.3 s"]);
    }

    #[test]
    fn an_error_names_every_address_and_what_it_said() {
        let tried = |address: &str, last| Tried { address: address.to_owned(), attempts: 2, last };
        let no_leader = ErrorReport::without_effect(Reason::NoLeader, "an election is under way");
        let silent = ErrorReport::outcome_unknown("no answer within 1.0 s");
        let error = Error {
            tried: vec![tried("a:1", no_leader), tried("b:1", silent)],
            ..error(Cause::TimeOver(Duration::from_secs(3)), AttemptEffect::Unknown)
        };
        let expected = "cannot append to log `orders`: no node could do it within 3.0 s (it may have taken effect); \
                        a:1: an election is under way; b:1: no answer within 1.0 s";
        assert_eq!(error.to_string(), expected);
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<ErrorReport>());
        assert_eq!(source.map(|report| report.reason), Some(Reason::OutcomeUnknown));
    }
}
