//! What a node has applied at a moment, as its own answers prove: who answers a linearizable question has applied all that
//! was known when it was asked.

use std::collections::HashMap;
use std::time::Duration;

use crate::history::Question;
use crate::oracle::Evidence;

/// Linearizable questions that nodes have answered: for each node when each was answered and when it was asked, by the
/// first. A wait is none of them, because it may have looked long before it answered.
pub(super) struct CaughtUp {
    nodes: HashMap<u64, Vec<(Duration, Duration)>>,
}

impl CaughtUp {
    pub(super) fn of(evidence: Evidence<'_>) -> Self {
        let mut nodes: HashMap<u64, Vec<(Duration, Duration)>> = HashMap::new();
        for seen in evidence.events.lookups.iter().filter(|seen| seen.linearizable) {
            nodes.entry(seen.node).or_default().push((seen.completed, seen.invoked));
        }
        for asked in evidence.events.asked.iter().filter(|asked| asked.linearizable) {
            if !matches!(asked.question, Question::Wait { .. }) {
                nodes.entry(asked.node).or_default().push((asked.completed, asked.invoked));
            }
        }
        for answers in nodes.values_mut() {
            answers.sort_unstable();
        }
        Self { nodes }
    }

    /// When a node answered questions that were asked one behind the other after a moment. By the first of these answers
    /// it has applied all that was known at that moment. Each further one shows that it went on working after the one
    /// before.
    pub(super) fn answers(&self, node: u64, since: Duration) -> impl Iterator<Item = Duration> {
        let answers = self.nodes.get(&node).map(Vec::as_slice).unwrap_or_default();
        let first = answers.partition_point(|(answered, _)| *answered <= since);
        let later = answers.get(first..).unwrap_or_default().iter();
        let behind = later.scan(since, |last, (answered, asked)| {
            let is_behind = *asked > *last;
            *last = if is_behind { *answered } else { *last };
            Some(is_behind.then_some(*answered))
        });
        behind.flatten()
    }
}
