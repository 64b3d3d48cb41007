//! At which point a process is to die, as the environment says.
//!
//! `ONCELOG_CHAOS_CRASH` is `<point>`, or `<point>:<n>` for the n-th time that it is reached, or `@<file>`: the file holds one of
//! these, and may come while the process runs. What is first found there holds for good.

use std::sync::atomic::{AtomicU64, Ordering};

use super::point;

/// A point, and how often it is still to be reached.
#[derive(Debug)]
pub(super) struct Choice {
    point: &'static str,
    left: AtomicU64,
}

impl Choice {
    /// Reads a choice.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, times) = match text.split_once(':') {
            Some((name, times)) => (name, times.parse().ok().filter(|times| *times > 0)),
            None => (text, Some(1)),
        };
        let known = point::ALL.iter().find(|point| **point == name);
        let point = known.ok_or_else(|| {
            format!("ONCELOG_CHAOS_CRASH names no crash point: {name:?}. There are: {}", point::ALL.join(", "))
        })?;
        let times = times.ok_or_else(|| format!("ONCELOG_CHAOS_CRASH has no count behind the point: {text:?}"))?;
        Ok(Self { point, left: AtomicU64::new(times) })
    }

    /// Whether this is the instant.
    pub(super) fn is_now(&self, point: &str) -> bool {
        self.point == point && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_chosen_the_first_or_the_nth_time() {
        let first = Choice::parse("group.synced\n").unwrap();
        assert_eq!(["group.begun", "group.synced", "group.synced"].map(|it| first.is_now(it)), [false, true, false]);
        let third = Choice::parse("vote.begun:3").unwrap();
        assert_eq!([(); 4].map(|()| third.is_now("vote.begun")), [false, false, true, false]);
    }

    #[test]
    fn what_is_no_choice_is_told_with_all_points() {
        let why = Choice::parse("group.sinked").unwrap_err();
        assert!(why.contains("group.sinked") && why.contains("group.begun, "), "{why}");
        for text in ["group.synced:", "group.synced:0", "group.synced:often"] {
            assert!(Choice::parse(text).unwrap_err().contains("no count"), "{text}");
        }
    }

    #[test]
    fn a_point_has_one_name() {
        let mut names = point::ALL.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), point::ALL.len());
    }
}
