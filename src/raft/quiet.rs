//! Says the same thing only now and then, however often it happens.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The same words are logged this often at most.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// What was said last, and when.
#[derive(Default)]
pub(super) struct Quiet {
    last: Mutex<Option<(String, Instant)>>,
}

impl Quiet {
    /// Whether it has to be said: it is other than the last, or long after it.
    pub(super) fn is_news(&self, words: &str) -> bool {
        let mut last = self.last.lock().expect("nobody panics while it is held");
        let is_known = last.as_ref().is_some_and(|(said, at)| said == words && at.elapsed() < AGAIN_AFTER);
        if !is_known {
            *last = Some((words.to_owned(), Instant::now()));
        }
        !is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_news_once_and_others_at_once() {
        let quiet = Quiet::default();
        assert!(quiet.is_news("a"));
        assert!(!quiet.is_news("a"));
        assert!(quiet.is_news("b"));
        assert!(quiet.is_news("a"));
    }
}
