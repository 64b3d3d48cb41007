//! Waiting for a condition, with a deadline.

use std::any::Any;
use std::future::Future;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a healthy cluster may take to do what it was asked: generous, because the machine may be small and busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

const POLL: Duration = Duration::from_millis(20);

/// Asks until the answer is `Ok`; after the deadline it panics with the last reason why not.
pub async fn until<T, F>(what: &str, deadline: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + deadline;
    loop {
        let why_not = match ask().await {
            Ok(answer) => return answer,
            Err(why_not) => why_not,
        };
        assert!(Instant::now() < end, "waited {deadline:?} in vain until {what}: {why_not}");
        sleep(POLL).await;
    }
}

/// The sentence that a panic has: what did not come to be in time, most likely.
pub fn sentence(panic: &(dyn Any + Send)) -> String {
    let sentence = panic.downcast_ref::<String>().cloned();
    let sentence = sentence.or_else(|| panic.downcast_ref::<&str>().map(|&sentence| sentence.to_owned()));
    sentence.unwrap_or_default()
}
