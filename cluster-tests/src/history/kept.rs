//! What a running harness keeps at hand of what was sent. All else is in the file alone.
//!
//! - Whatever nobody knows the end of: it is sent again later.
//! - Of what is known, two tenths, which are sent again in turn.
//! - The last few, for whoever looks at what may be on its way.

use std::collections::{BTreeMap, VecDeque};

/// Of what is known, one in so many is sent again in a round.
const SAMPLE: usize = 10;
/// So many tenths are kept. Rounds take them in turn.
const TENTHS: usize = 2;
/// How many of the last ones are kept.
const LAST: usize = 64;

/// Something that was sent.
pub(super) trait Sent {
    /// Whether it is known what became of it.
    fn is_known(&self) -> bool;

    /// Whether it is over although that is not known: it is never sent again.
    fn is_given_up(&self) -> bool;
}

/// Of one kind, by its numbers.
#[derive(Debug)]
pub(super) struct Kept<T> {
    /// How many attempts there were of each that was ever made.
    attempts: Vec<u32>,
    /// Each with the tenth that it is in, if it is in one.
    at_hand: BTreeMap<usize, (T, Option<usize>)>,
    /// How many are known.
    known: usize,
    sample: [Vec<usize>; TENTHS],
    last: VecDeque<usize>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            at_hand: BTreeMap::new(),
            known: 0,
            sample: [const { Vec::new() }; TENTHS],
            last: VecDeque::new(),
        }
    }
}

impl<T: Sent + Clone> Kept<T> {
    /// The number of the next one.
    pub(super) fn next(&self) -> usize {
        self.attempts.len()
    }

    /// Adds the next one.
    pub(super) fn add(&mut self, item: T) {
        let number = self.next();
        self.attempts.push(0);
        self.at_hand.insert(number, (item, None));
        self.last.push_back(number);
        if self.last.len() > LAST
            && let Some(earlier) = self.last.pop_front()
        {
            self.release(earlier);
        }
    }

    /// Counts one more attempt and returns its place among all of its number.
    pub(super) fn attempt(&mut self, number: usize) -> usize {
        let attempts = self.attempts.get_mut(number).expect("a number that was given");
        *attempts += 1;
        *attempts as usize - 1
    }

    /// Changes one, if it is kept. Says whether it became known by that.
    pub(super) fn change(&mut self, number: usize, change: impl FnOnce(&mut T)) -> bool {
        let Some((item, tenth)) = self.at_hand.get_mut(&number) else { return false };
        let before = item.is_known();
        change(item);
        let news = !before && item.is_known();
        if news {
            self.known += 1;
            let apart = SAMPLE / TENTHS;
            if self.known % apart == 1
                && let Some(sample) = self.sample.get_mut(self.known % SAMPLE / apart)
            {
                sample.push(number);
                *tenth = Some(self.known % SAMPLE / apart);
            }
        }
        self.release(number);
        news
    }

    /// How many are known.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// What is to be sent again in a round: all that is not known and not given up, and a tenth of the rest.
    pub(super) fn again(&self, round: usize) -> Vec<(usize, T)> {
        let is_due = |item: &T, tenth: Option<usize>| {
            if item.is_known() { tenth == Some(round % TENTHS) } else { !item.is_given_up() }
        };
        let again = self.at_hand.iter().filter(|(_, (item, tenth))| is_due(item, *tenth));
        again.map(|(number, (item, _))| (*number, item.clone())).collect()
    }

    /// The one at this place of a sample of what is known, the places going round.
    pub(super) fn some(&self, place: usize) -> Option<T> {
        let count: usize = self.sample.iter().map(Vec::len).sum();
        let number = self.sample.iter().flatten().nth(place.checked_rem(count)?)?;
        self.at_hand.get(number).map(|(item, _)| item.clone())
    }

    /// The one so many before the last, if there are so many at hand.
    pub(super) fn late(&self, before: usize) -> Option<T> {
        self.at_hand.get(self.last.iter().rev().nth(before)?).map(|(item, _)| item.clone())
    }

    fn release(&mut self, number: usize) {
        let is_over = |(item, tenth): &(T, Option<usize>)| tenth.is_none() && (item.is_known() || item.is_given_up());
        if self.at_hand.get(&number).is_some_and(is_over) && !self.last.contains(&number) {
            self.at_hand.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum State {
        Open,
        Known,
        GivenUp,
    }

    impl Sent for State {
        fn is_known(&self) -> bool {
            *self == Self::Known
        }

        fn is_given_up(&self) -> bool {
            *self == Self::GivenUp
        }
    }

    #[test]
    fn what_is_open_and_a_tenth_of_the_rest_is_sent_again_and_little_else_is_kept() {
        let mut kept = Kept::default();
        for number in 0..1_000 {
            kept.add(State::Open);
            let state = match number % 10 {
                3 => State::Open,
                7 => State::GivenUp,
                _ => State::Known,
            };
            assert_eq!(kept.change(number, |item| *item = state), state == State::Known);
        }
        let again = [0, 1].map(|round| kept.again(round));
        let known = again.clone().map(|all| all.into_iter().filter(|(_, item)| item.is_known()).collect::<Vec<_>>());
        assert_eq!((kept.known(), known.each_ref().map(Vec::len)), (800, [80, 80]));
        assert!(known[0].iter().all(|(number, _)| !known[1].iter().any(|(other, _)| other == number)));
        assert!(again.iter().all(|all| all.len() == 180 && all.iter().all(|(_, item)| *item != State::GivenUp)));
        assert!(kept.at_hand.len() <= 100 + 160 + LAST, "{}", kept.at_hand.len());
        assert_eq!(kept.late(0), Some(State::Known));
        assert_eq!((kept.some(7), kept.attempt(5), kept.attempt(5)), (Some(State::Known), 0, 1));
    }
}
