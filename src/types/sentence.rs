//! Refusals as sentences for people.
//!
//! - A sentence names what it is about, and says what was found where something else was wanted. For that it needs the
//!   command: without it, it says which guard or action failed.
//! - Programs act on [`Refusal`] itself, never on these words.

use std::fmt;

use super::cell::Token;
use super::command::{Action, FateIs, Guard};
use super::id::Id;
use super::name::{CellKey, LockName, LogName, ReaderName, SpaceName};
use super::refusal::{FateKind, Found, Refusal, Step};

/// A refusal of a command that is at hand.
struct About<'a> {
    refusal: &'a Refusal,
    part: Option<Part<'a>>,
}

/// The guard or action that failed.
#[derive(Clone, Copy)]
enum Part<'a> {
    Guard(&'a Guard),
    Action(&'a Action),
}

impl Refusal {
    /// The sentence for people, about the command with these guards and actions:
    /// "cell `k` is there already (version 13)".
    pub fn about<'a>(&'a self, guards: &'a [Guard], actions: &'a [Action]) -> impl fmt::Display + 'a {
        let part = match self.step {
            Step::Guard(place) => at(guards, place).map(Part::Guard),
            Step::Action(place) => at(actions, place).map(Part::Action),
        };
        About { refusal: self, part }
    }
}

/// Without the command: "its first guard: the cell is there already (version 13)".
impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        About { refusal: self, part: None }.fmt(formatter)
    }
}

impl fmt::Display for About<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part.is_none() {
            write!(formatter, "its {}: ", self.refusal.step)?;
        }
        write_found(formatter, &self.refusal.found, self.part)
    }
}

/// "first guard", "second action", "21st guard".
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, word) = match self {
            Self::Guard(place) => (place, "guard"),
            Self::Action(place) => (place, "action"),
        };
        write!(formatter, "{} {word}", ordinal(u64::from(*place) + 1))
    }
}

fn at<T>(parts: &[T], place: u32) -> Option<&T> {
    parts.get(usize::try_from(place).ok()?)
}

fn ordinal(number: u64) -> String {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let word = number.checked_sub(1).and_then(|place| WORDS.get(usize::try_from(place).ok()?));
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    word.map_or_else(|| format!("{number}{ending}"), |word| (*word).to_owned())
}

fn write_found(formatter: &mut fmt::Formatter<'_>, found: &Found, part: Option<Part<'_>>) -> fmt::Result {
    match found {
        Found::LogEnd(end) => {
            write!(formatter, "{} ends at {end}", log(part))?;
            match part {
                Some(Part::Guard(Guard::LogEnd { end, .. })) => write!(formatter, ", not at {end}"),
                _ => Ok(()),
            }
        }
        Found::NoLog => write!(formatter, "there is no {}", log(part).bare()),
        Found::LogExists => write!(formatter, "{} is there already", log(part)),
        Found::PastEnd(end) => match part {
            Some(Part::Action(Action::Move { to, .. } | Action::Trim { before: to, .. })) => {
                write!(formatter, "{} ends at {end}, before {to}", log(part))
            }
            _ => write!(formatter, "{} ends at {end}, before the offset that was named", log(part)),
        },
        Found::NoCell => write!(formatter, "there is no {}", cell(part).bare()),
        Found::CellVersion(version) => match part {
            Some(Part::Guard(Guard::CellVersion { version: wanted, .. })) => {
                write!(formatter, "{} has version {version}, not {wanted}", cell(part))
            }
            Some(Part::Guard(Guard::CellAbsent { .. })) => {
                write!(formatter, "{} is there already (version {version})", cell(part))
            }
            _ => write!(formatter, "{} is there with version {version}", cell(part)),
        },
        Found::NotANumber => write!(formatter, "{} holds bytes, not a number", cell(part)),
        Found::TooLittle(value) => match part {
            Some(Part::Guard(Guard::CellAtLeast { least, .. })) => {
                write!(formatter, "{} holds {value}, less than {least}", cell(part))
            }
            _ => write!(formatter, "{} holds {value}, less than was required", cell(part)),
        },
        Found::OutOfBounds(value) => write_out_of_bounds(formatter, *value, part),
        Found::Position { offset, version } => {
            write!(formatter, "{} is at {offset} (version {version})", Reader(part))?;
            match part {
                Some(Part::Guard(Guard::Position { offset, version, .. })) => {
                    write!(formatter, ", not at {offset} (version {version})")
                }
                _ => Ok(()),
            }
        }
        Found::NoReader => write!(formatter, "{} has no position to delete", Reader(part)),
        Found::LockFree => match token(part) {
            Some(token) => {
                write!(formatter, "nobody holds {}: token {token} was released or has expired", lock(part))
            }
            None => write!(formatter, "nobody holds {}", lock(part)),
        },
        Found::LockHeld { holder, token, expires } => {
            write!(formatter, "{} is held by `{holder}` (token {token}) until {expires}", lock(part))
        }
        Found::Fate(fate) => {
            write!(formatter, "{} is {fate}", target(part))?;
            match part {
                Some(Part::Guard(Guard::Fate { is, .. })) => write!(formatter, ", not {}", wanted(*is)),
                _ => Ok(()),
            }
        }
        Found::TargetTooOld { floor } => {
            write!(formatter, "{} is too old: the space remembers no ids born before {floor}", target(part))
        }
        Found::TargetBornAhead { clock } => {
            write!(
                formatter,
                "{} was born more than ten minutes ahead of the space's clock, which shows {clock}",
                target(part)
            )
        }
        Found::AlreadyCompensated { by } => write!(formatter, "{} has been undone already, by `{by}`", target(part)),
        Found::NoSpace => write!(formatter, "there is no {}", space(part).bare()),
        Found::SpaceExists => write!(formatter, "{} is there already", space(part)),
        Found::SpaceDeleted { at } => {
            write!(formatter, "{} was deleted at {at}, and its name is never given again", space(part))
        }
        Found::MemoryIsFixed => {
            write!(formatter, "{} remembers ids for ever, and that cannot be changed", space(part))
        }
        Found::TooManyChanges => {
            write!(formatter, "the memory of {} has been changed too often lately", space(part))
        }
        Found::VersionInForce(version) => {
            write!(formatter, "machine version {version} is in force, and versions are never lowered")
        }
    }
}

/// The bound that a sum would leave, if it is known.
fn write_out_of_bounds(formatter: &mut fmt::Formatter<'_>, value: i64, part: Option<Part<'_>>) -> fmt::Result {
    let Some(Part::Action(Action::Add { amount, least, most, .. })) = part else {
        return write!(formatter, "{} holds {value}, and the sum would leave the bounds", cell(part));
    };
    let sum = i128::from(value) + i128::from(*amount);
    let (side, bound) = if sum < i128::from(*least) { ("below", least) } else { ("above", most) };
    write!(formatter, "{} holds {value}: adding {amount} would take it {side} {bound}", cell(part))
}

/// Something with a name, or without one where the command is not at hand.
struct Named<'a> {
    kind: &'static str,
    name: Option<&'a str>,
}

impl Named<'_> {
    /// After "there is no": "cell `k`", "such cell".
    fn bare(&self) -> String {
        match self.name {
            Some(name) => format!("{} `{name}`", self.kind),
            None => format!("such {}", self.kind),
        }
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(formatter, "{} `{name}`", self.kind),
            None => write!(formatter, "the {}", self.kind),
        }
    }
}

fn log(part: Option<Part<'_>>) -> Named<'_> {
    let name = part.and_then(|part| match part {
        Part::Guard(Guard::LogEnd { log, .. } | Guard::Position { log, .. })
        | Part::Action(
            Action::Append { log, .. }
            | Action::Move { log, .. }
            | Action::Trim { log, .. }
            | Action::CreateLog { log, .. }
            | Action::SetRetention { log, .. }
            | Action::DeleteLog { log },
        ) => Some(log),
        Part::Guard(_) | Part::Action(_) => None,
    });
    Named { kind: "log", name: name.map(LogName::as_str) }
}

fn cell(part: Option<Part<'_>>) -> Named<'_> {
    let name = part.and_then(|part| match part {
        Part::Guard(Guard::CellAbsent { key } | Guard::CellVersion { key, .. } | Guard::CellAtLeast { key, .. })
        | Part::Action(Action::Put { key, .. } | Action::Delete { key } | Action::Add { key, .. }) => Some(key),
        Part::Guard(_) | Part::Action(_) => None,
    });
    Named { kind: "cell", name: name.map(CellKey::as_str) }
}

fn lock(part: Option<Part<'_>>) -> Named<'_> {
    let name = part.and_then(|part| match part {
        Part::Guard(Guard::LockHeld { lock, .. })
        | Part::Action(Action::Acquire { lock, .. } | Action::Renew { lock, .. } | Action::Release { lock, .. }) => {
            Some(lock)
        }
        Part::Guard(_) | Part::Action(_) => None,
    });
    Named { kind: "lock", name: name.map(LockName::as_str) }
}

/// The token by which the sender thought to hold a lock.
fn token(part: Option<Part<'_>>) -> Option<Token> {
    match part? {
        Part::Guard(Guard::LockHeld { token, .. })
        | Part::Action(Action::Renew { token, .. } | Action::Release { token, .. }) => Some(*token),
        Part::Guard(_) | Part::Action(_) => None,
    }
}

fn space(part: Option<Part<'_>>) -> Named<'_> {
    let name = part.and_then(|part| match part {
        Part::Action(
            Action::CreateSpace { name, .. } | Action::SetSpace { name, .. } | Action::DeleteSpace { name },
        ) => Some(name),
        Part::Guard(_) | Part::Action(_) => None,
    });
    Named { kind: "space", name: name.map(SpaceName::as_str) }
}

fn target(part: Option<Part<'_>>) -> String {
    let id = part.and_then(|part| match part {
        Part::Guard(Guard::Fate { target, .. }) | Part::Action(Action::Compensate { target }) => Some(target),
        Part::Guard(_) | Part::Action(_) => None,
    });
    id.map(Id::text).map_or_else(|| "the id that it names".to_owned(), |id| format!("id `{id}`"))
}

fn wanted(is: FateIs) -> &'static str {
    match is {
        FateIs::Applied => FateKind::Applied.as_str(),
        FateIs::InForce => "in force",
        FateIs::Refused => FateKind::Refused.as_str(),
        FateIs::Cancelled => FateKind::Cancelled.as_str(),
        FateIs::Unknown => FateKind::Unknown.as_str(),
    }
}

/// A reader in its log.
struct Reader<'a>(Option<Part<'a>>);

impl fmt::Display for Reader<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(
                Part::Guard(Guard::Position { reader, log, .. }) | Part::Action(Action::DeleteReader { reader, log }),
            ) => {
                write!(formatter, "reader `{}` of log `{log}`", ReaderName::as_str(reader))
            }
            _ => formatter.write_str("the reader"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Holder;
    use super::super::number::{History, MachineVersion, Offset, Sequence, Version};
    use super::super::time::LogTime;
    use super::*;

    fn key() -> CellKey {
        CellKey::new("k").unwrap()
    }

    fn orders() -> LogName {
        LogName::new("orders").unwrap()
    }

    fn nightly() -> LockName {
        LockName::new("nightly").unwrap()
    }

    fn eu() -> SpaceName {
        SpaceName::new("eu").unwrap()
    }

    fn pay() -> Id {
        Id::new("pay-7").unwrap()
    }

    fn token(sequence: u64) -> Token {
        Token { history: History(7), sequence: Sequence(sequence) }
    }

    fn noon() -> LogTime {
        LogTime::from_ms(1_795_522_658_000).unwrap()
    }

    /// What a guard's refusal says with the command at hand, and without.
    fn of_guard(guard: Guard, found: Found) -> [String; 2] {
        let refusal = Refusal { step: Step::Guard(0), found };
        [refusal.about(&[guard], &[]).to_string(), refusal.to_string()]
    }

    fn of_action(action: Action, found: Found) -> [String; 2] {
        let refusal = Refusal { step: Step::Action(1), found };
        [refusal.about(&[], &[Action::delete(&key()), action]).to_string(), refusal.to_string()]
    }

    #[test]
    fn a_guard_that_failed_says_what_it_is_about() {
        let cases = [
            (
                of_guard(Guard::LogEnd { log: orders(), end: Offset(3) }, Found::LogEnd(Offset(7))),
                ["log `orders` ends at 7, not at 3", "its first guard: the log ends at 7"],
            ),
            (
                of_guard(Guard::CellAbsent { key: key() }, Found::CellVersion(Version(13))),
                ["cell `k` is there already (version 13)", "its first guard: the cell is there with version 13"],
            ),
            (
                of_guard(Guard::CellVersion { key: key(), version: Version(12) }, Found::CellVersion(Version(13))),
                ["cell `k` has version 13, not 12", "its first guard: the cell is there with version 13"],
            ),
            (
                of_guard(Guard::CellVersion { key: key(), version: Version(12) }, Found::NoCell),
                ["there is no cell `k`", "its first guard: there is no such cell"],
            ),
            (
                of_guard(Guard::CellAtLeast { key: key(), least: 100 }, Found::TooLittle(40)),
                ["cell `k` holds 40, less than 100", "its first guard: the cell holds 40, less than was required"],
            ),
            (
                of_guard(
                    Guard::Position {
                        reader: ReaderName::new("billing").unwrap(),
                        log: orders(),
                        offset: Offset(7),
                        version: Version(33),
                    },
                    Found::Position { offset: Offset(12), version: Version(40) },
                ),
                [
                    "reader `billing` of log `orders` is at 12 (version 40), not at 7 (version 33)",
                    "its first guard: the reader is at 12 (version 40)",
                ],
            ),
            (
                of_guard(Guard::LockHeld { lock: nightly(), token: token(3) }, Found::LockFree),
                [
                    "nobody holds lock `nightly`: token 7/3 was released or has expired",
                    "its first guard: nobody holds the lock",
                ],
            ),
            (
                of_guard(Guard::Fate { target: pay(), is: FateIs::InForce }, Found::Fate(FateKind::Cancelled)),
                ["id `pay-7` is cancelled, not in force", "its first guard: the id that it names is cancelled"],
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn an_action_that_failed_says_what_it_is_about() {
        let lock = Found::LockHeld { holder: Holder::new("h").unwrap(), token: token(5), expires: noon() };
        let acquire = Action::Acquire {
            lock: nightly(),
            holder: Holder::new("me").unwrap(),
            time: std::time::Duration::from_secs(1),
        };
        let add = |amount| Action::Add { key: key(), amount, least: 0, most: 1_000, absent: None };
        let cases = [
            (
                of_action(Action::Append { log: orders(), records: Vec::new() }, Found::NoLog),
                ["there is no log `orders`", "its second action: there is no such log"],
            ),
            (
                of_action(add(-100), Found::OutOfBounds(40)),
                [
                    "cell `k` holds 40: adding -100 would take it below 0",
                    "its second action: the cell holds 40, and the sum would leave the bounds",
                ],
            ),
            (
                of_action(add(i64::MAX), Found::OutOfBounds(40)),
                [
                    "cell `k` holds 40: adding 9223372036854775807 would take it above 1000",
                    "its second action: the cell holds 40, and the sum would leave the bounds",
                ],
            ),
            (
                of_action(acquire, lock),
                [
                    "lock `nightly` is held by `h` (token 7/5) until 2026-11-24T12:17:38.000Z",
                    "its second action: the lock is held by `h` (token 7/5) until 2026-11-24T12:17:38.000Z",
                ],
            ),
            (
                of_action(Action::Compensate { target: pay() }, Found::TargetTooOld { floor: noon() }),
                [
                    "id `pay-7` is too old: the space remembers no ids born before 2026-11-24T12:17:38.000Z",
                    "its second action: the id that it names is too old: the space remembers no ids born before \
                     2026-11-24T12:17:38.000Z",
                ],
            ),
            (
                of_action(Action::SetSpace { name: eu(), memory: None, logs: None }, Found::NoSpace),
                ["there is no space `eu`", "its second action: there is no such space"],
            ),
            (
                of_action(Action::DeleteSpace { name: eu() }, Found::SpaceDeleted { at: noon() }),
                [
                    "space `eu` was deleted at 2026-11-24T12:17:38.000Z, and its name is never given again",
                    "its second action: the space was deleted at 2026-11-24T12:17:38.000Z, and its name is never given \
                     again",
                ],
            ),
            (
                of_action(
                    Action::DeleteReader { reader: ReaderName::new("billing").unwrap(), log: orders() },
                    Found::NoReader,
                ),
                [
                    "reader `billing` of log `orders` has no position to delete",
                    "its second action: the reader has no position to delete",
                ],
            ),
            (
                of_action(Action::RaiseVersion { to: MachineVersion(1) }, Found::VersionInForce(MachineVersion(2))),
                [
                    "machine version 2 is in force, and versions are never lowered",
                    "its second action: machine version 2 is in force, and versions are never lowered",
                ],
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_step_that_the_command_does_not_have_is_still_said() {
        let refusal = Refusal { step: Step::Guard(20), found: Found::NoCell };
        assert_eq!(refusal.about(&[], &[]).to_string(), "its 21st guard: there is no such cell");
    }

    #[test]
    fn every_place_has_its_ordinal() {
        let said = [1, 10, 11, 12, 13, 21, 22, 23, 101, 111, 112].map(ordinal);
        let expected = ["first", "tenth", "11th", "12th", "13th", "21st", "22nd", "23rd", "101st", "111th", "112th"];
        assert_eq!(said, expected);
    }
}
