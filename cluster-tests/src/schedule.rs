//! Which faults a run makes, one after another and in pairs, and when the second of a pair comes and goes.
//!
//! - A schedule is a pure function of the seed, the kinds of fault and the network: whatever real processes make of it.
//! - The pairs that have found bugs elsewhere come first ([`KNOWN`]). Then each kind that has not been drawn yet, alone or
//!   with another one. When all have been drawn, any kind may come at any time.
//! - Only pairs that can share a cluster are drawn ([`can_share`]).

use std::collections::VecDeque;
use std::fmt;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::cluster::Network;
use crate::faults::{Kind, can_share, comes_first};

/// When the second fault of a pair is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As soon as the first is: during the election that it may cause.
    AtOnce,
    /// When the first has had its effect, and lasts.
    WhileItLasts,
    /// As soon as the first is healed: during the recovery.
    WhenHealed,
}

/// Which fault of a pair is healed first, if both last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// That which was installed first.
    FirstFirst,
    /// That which was installed last.
    SecondFirst,
}

/// A kind of fault, with the seed of what it draws itself.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// The kind.
    pub kind: Kind,
    /// The seed.
    pub seed: u64,
}

/// The second fault of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Second {
    /// Which one.
    pub drawn: Drawn,
    /// When it comes.
    pub when: When,
    /// When it goes.
    pub order: Order,
}

/// A fault, or two that last at once.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The first.
    pub first: Drawn,
    /// The second, in a pair.
    pub second: Option<Second>,
}

impl Step {
    /// A fault alone.
    pub fn alone(kind: Kind, seed: u64) -> Self {
        Self { first: Drawn { kind, seed }, second: None }
    }

    /// The kinds in it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        [Some(self.first.kind), self.second.map(|second| second.drawn.kind)].into_iter().flatten()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.kind.name;
        let Some(Second { drawn, when, order }) = self.second else { return formatter.write_str(first) };
        let second = drawn.kind.name;
        let healed = match order {
            Order::FirstFirst => first,
            Order::SecondFirst => second,
        };
        match when {
            When::AtOnce => write!(formatter, "{first} with {second} at once, {healed} healed first"),
            When::WhileItLasts => write!(formatter, "{first} with {second} later, {healed} healed first"),
            When::WhenHealed => write!(formatter, "{first}, then {second} as soon as it is healed"),
        }
    }
}

/// Pairs that always come first, in this order.
pub const KNOWN: [(&str, &str, When, Order); 4] = [
    // A follower restarts while the leader is cut off.
    ("part-leader", "kill-follower", When::AtOnce, Order::SecondFirst),
    // The leader's disk hangs while a follower is installing a snapshot.
    ("follower-behind", "disk-hangs", When::AtOnce, Order::SecondFirst),
    // Power goes during a partition.
    ("part-halves", "cut-power-majority", When::WhileItLasts, Order::SecondFirst),
    // A clock jumps during an election.
    ("kill-leader", "clock-jumps", When::AtOnce, Order::FirstFirst),
];

/// An endless schedule.
#[derive(Debug)]
pub struct Schedule {
    random: StdRng,
    kinds: Vec<Kind>,
    known: VecDeque<(Kind, Kind, When, Order)>,
    /// What has not been drawn yet.
    left: Vec<Kind>,
}

impl Schedule {
    /// The schedule of a seed. Kinds that the network can't have are not in it.
    pub fn new(seed: u64, kinds: &[Kind], network: Network) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| kind.is_for(network)).collect();
        let find = |name: &str| kinds.iter().copied().find(|kind| kind.name == name);
        let known = KNOWN.iter().filter_map(|(first, second, when, order)| {
            let (first, second) = find(first).zip(find(second))?;
            Some((first, second, *when, *order))
        });
        let known = known.collect();
        let mut left = kinds.clone();
        left.shuffle(&mut random);
        Self { random, kinds, known, left }
    }

    /// Whether each kind has been drawn at least once.
    pub fn has_drawn_all(&self) -> bool {
        self.left.is_empty()
    }

    /// The steps of a seed up to the one with which each kind has been drawn.
    pub fn first_round(seed: u64, kinds: &[Kind], network: Network) -> Vec<Step> {
        let mut schedule = Self::new(seed, kinds, network);
        let mut steps = Vec::new();
        while !schedule.has_drawn_all() {
            steps.extend(schedule.next());
        }
        steps
    }

    fn drawn(&mut self, kind: Kind) -> Drawn {
        self.left.retain(|left| left.name != kind.name);
        Drawn { kind, seed: self.random.random() }
    }

    /// One of the kinds of `pool` that can share the cluster with this one.
    fn partner(&mut self, kind: &Kind, pool: &[Kind]) -> Option<Kind> {
        let fitting: Vec<Kind> = pool.iter().copied().filter(|other| can_share(kind, other)).collect();
        fitting.get(self.random.random_range(0..fitting.len().max(1))).copied()
    }

    fn pair(&mut self, first: Kind, second: Kind) -> Step {
        let (first, second) = if comes_first(&second) { (second, first) } else { (first, second) };
        let when = match self.random.random_range(0..3) {
            0 => When::AtOnce,
            1 => When::WhileItLasts,
            _ => When::WhenHealed,
        };
        let order = if comes_first(&first) || self.random.random() { Order::SecondFirst } else { Order::FirstFirst };
        self.fixed(first, second, when, order)
    }

    fn fixed(&mut self, first: Kind, second: Kind, when: When, order: Order) -> Step {
        let first = self.drawn(first);
        let drawn = self.drawn(second);
        Step { first, second: Some(Second { drawn, when, order }) }
    }
}

impl Iterator for Schedule {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if let Some((first, second, when, order)) = self.known.pop_front() {
            return Some(self.fixed(first, second, when, order));
        }
        // What is left comes in pairs if it can: that is the shortest way through all of it.
        let has_all = self.has_drawn_all();
        let pool = if has_all { self.kinds.clone() } else { self.left.clone() };
        let kind = *pool.get(self.random.random_range(0..pool.len().max(1)))?;
        let alone = has_all && self.random.random();
        let partner = if alone { None } else { self.partner(&kind, &pool) };
        Some(match partner {
            Some(partner) => self.pair(kind, partner),
            None => Step { first: self.drawn(kind), second: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::KINDS;

    fn steps(seed: u64, network: Network) -> Vec<Step> {
        Schedule::new(seed, &KINDS, network).take(300).collect()
    }

    fn told(steps: &[Step]) -> Vec<String> {
        let seeds = |step: &Step| (step.first.seed, step.second.map(|second| second.drawn.seed));
        steps.iter().map(|step| format!("{step} {:?}", seeds(step))).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_schedule_and_another_seed_another() {
        assert_eq!(told(&steps(7, Network::Relays)), told(&steps(7, Network::Relays)));
        assert_ne!(told(&steps(7, Network::Relays)), told(&steps(8, Network::Relays)));
        let printed = Schedule::first_round(7, &KINDS, Network::Relays);
        let mut schedule = Schedule::new(7, &KINDS, Network::Relays);
        let played: Vec<Step> = schedule.by_ref().take(printed.len()).collect();
        assert_eq!(told(&printed), told(&played), "what is printed is what is played");
        assert!(schedule.has_drawn_all());
    }

    #[test]
    fn the_known_pairs_come_first_and_each_kind_once_before_any_comes_again() {
        for seed in 0..50 {
            let round = Schedule::first_round(seed, &KINDS, Network::Relays);
            for (step, (first, second, _, _)) in round.iter().zip(KNOWN) {
                assert_eq!(step.kinds().map(|kind| kind.name).collect::<Vec<_>>(), [first, second]);
            }
            let mut names: Vec<&str> = round.iter().flat_map(Step::kinds).map(|kind| kind.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!((all, names.len()), (KINDS.len(), KINDS.len()));
        }
    }

    #[test]
    fn only_what_can_share_is_paired_and_only_what_the_network_can_have_is_drawn() {
        for network in [Network::Direct, Network::Relays, Network::Namespaces] {
            for seed in 0..20 {
                for step in steps(seed, network) {
                    assert!(step.kinds().all(|kind| kind.is_for(network)), "{step} with {network:?}");
                    if let Some(second) = step.second {
                        assert!(can_share(&step.first.kind, &second.drawn.kind), "{step}");
                        assert!(!comes_first(&second.drawn.kind), "{step}");
                        assert!(!comes_first(&step.first.kind) || second.order == Order::SecondFirst, "{step}");
                    }
                }
            }
        }
    }

    #[test]
    fn pairs_come_in_every_way_and_faults_alone_do_too() {
        let steps = steps(7, Network::Relays);
        let seconds = || steps.iter().filter_map(|step| step.second);
        for when in [When::AtOnce, When::WhileItLasts, When::WhenHealed] {
            for order in [Order::FirstFirst, Order::SecondFirst] {
                assert!(seconds().any(|second| (second.when, second.order) == (when, order)), "{when:?} {order:?}");
            }
        }
        assert!(steps.iter().any(|step| step.second.is_none()));
    }
}
