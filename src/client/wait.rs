//! Waiting until something is so.
//!
//! - Only a node that has looked says that a condition does not hold. A node that is silent says nothing.
//! - A node answers a little before the time is over. What is left is waited for again, as long as it is worth a request.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::types::limits::ATTEMPT_TIMEOUT_MIN;
use crate::types::{Condition, Consistency, Met};
use crate::wire::{self, ErrorReport, Reason};

use super::error::Error;
use super::operation::{Operation, Patience};
use super::{Client, logs};

/// The fact by which a node that has looked tells that from one that had no time to look.
const APPLIED_INDEX: &str = "applied_index";

impl Client {
    /// Waits until a condition holds, at most for this time. `None`: it did not come to hold.
    ///
    /// The wait lasts to within half a second of the time. An error means that no node could tell; give a wait at least as
    /// much time as an answer takes to come.
    pub async fn wait(
        &self,
        condition: &Condition,
        consistency: Consistency,
        time: Duration,
    ) -> Result<Option<Met>, Error> {
        let started = Instant::now();
        let mut left = time;
        loop {
            if let Some(met) = self.wait_once(condition, consistency, left).await? {
                return Ok(Some(met));
            }
            left = time.saturating_sub(started.elapsed());
            if left < ATTEMPT_TIMEOUT_MIN {
                return Ok(None);
            }
        }
    }

    /// Waits until a node has an answer: what made the condition hold, or that nothing did for about this time.
    async fn wait_once(
        &self,
        condition: &Condition,
        consistency: Consistency,
        time: Duration,
    ) -> Result<Option<Met>, Error> {
        let request = wire::wait_request(&self.space, condition, consistency);
        let operation = Operation::new(doing(condition), self.nodes.clone(), time, self.attempt_timeout);
        let answer = operation.only_reading().patience(Patience::LongAttempts).run(|attempt| {
            let request = attempt.request(request.clone());
            async move {
                match logs(attempt.channel).wait(request).await {
                    Ok(response) => Ok(Some(wire::met(response.into_inner())?)),
                    Err(status) if has_looked(&status) => Ok(None),
                    Err(status) => Err(status.into()),
                }
            }
        });
        answer.await
    }
}

/// Whether a node has looked at the condition until the time was over.
fn has_looked(status: &Status) -> bool {
    let report = ErrorReport::from_status(status);
    report.reason == Reason::TimedOut && report.metadata.contains_key(APPLIED_INDEX)
}

fn doing(condition: &Condition) -> String {
    match condition {
        Condition::LogEnd { log, end } => format!("wait until log `{log}` ends at {end}"),
        Condition::Decided { id } => format!("wait for the outcome of id `{id}`"),
        Condition::CellChanged { key, version } => format!("wait until cell `{key}` changes from version {version}"),
        Condition::CellAtLeast { key, least } => format!("wait until cell `{key}` holds at least {least}"),
        Condition::PositionReached { reader, log, offset } => {
            format!("wait until reader `{reader}` is at {offset} in log `{log}`")
        }
        Condition::LockFree { lock } => format!("wait until lock `{lock}` is free"),
    }
}

#[cfg(test)]
#[cfg(feature = "server")]
mod tests {
    use std::future::pending;
    use std::sync::{Arc, Mutex};

    use crate::client::Kind;
    use crate::client::scripted::{self, Script};
    use crate::types::{LogIndex, LogName, Offset};
    use crate::wire::v1;

    use super::*;

    /// How a node answers a wait.
    #[derive(Debug, Clone, Copy)]
    enum Act {
        /// It looks until its deadline, which is a little before that of the one who asks.
        LooksInVain,
        /// It had no time to look.
        IsTooSlow,
        Meets,
        Silence,
    }

    #[derive(Debug, Clone)]
    struct Actor {
        acts: Arc<Mutex<Vec<Act>>>,
        asked: Arc<Mutex<usize>>,
    }

    impl Script for Actor {
        async fn wait(&self, _: v1::WaitRequest) -> Result<v1::WaitResponse, Status> {
            let act = {
                *self.asked.lock().unwrap() += 1;
                let mut acts = self.acts.lock().unwrap();
                if acts.len() > 1 { acts.remove(0) } else { acts[0] }
            };
            let late = ErrorReport::without_effect(Reason::TimedOut, "too late");
            match act {
                Act::LooksInVain => {
                    tokio::time::sleep(Duration::from_millis(700)).await;
                    Err(late.with_fact(APPLIED_INDEX, 7).to_status())
                }
                Act::IsTooSlow => Err(late.to_status()),
                Act::Meets => Ok(wire::wait_response(&Met::LogEnd(Offset(3)), LogIndex(8)).unwrap()),
                Act::Silence => pending().await,
            }
        }
    }

    async fn wait(acts: impl IntoIterator<Item = Act>, ms: u64) -> (Result<Option<Met>, Error>, usize) {
        let actor = Actor { acts: Arc::new(Mutex::new(acts.into_iter().collect())), asked: Arc::default() };
        let client = Client::connect([scripted::play(actor.clone()).await]).unwrap();
        let condition = Condition::LogEnd { log: LogName::new("orders").unwrap(), end: Offset(3) };
        let answer = client.wait(&condition, Consistency::Linearizable, Duration::from_millis(ms)).await;
        let asked = *actor.asked.lock().unwrap();
        (answer, asked)
    }

    #[tokio::test]
    async fn a_condition_that_does_not_come_to_hold_is_none_and_no_error() {
        let (answer, asked) = wait([Act::LooksInVain], 800).await;
        assert_eq!(answer.unwrap(), None);
        assert_eq!(asked, 1, "what is left of the time is worth no request");
    }

    #[tokio::test]
    async fn what_is_left_of_the_time_is_waited_for_again() {
        let (answer, asked) = wait([Act::LooksInVain, Act::Meets], 10_000).await;
        assert_eq!((answer.unwrap(), asked), (Some(Met::LogEnd(Offset(3))), 2));
    }

    #[tokio::test]
    async fn a_node_that_has_not_looked_says_nothing() {
        for act in [Act::IsTooSlow, Act::Silence] {
            let (answer, _) = wait([act], 300).await;
            assert_eq!(answer.unwrap_err().kind(), Kind::Unavailable, "{act:?}");
        }
    }
}
