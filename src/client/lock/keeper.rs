//! The task that keeps one lock: renews it, says when it may be lost, gives it back.
//!
//! - A renewal keeps its id until it is answered; the lock is lost, for good, when the term ends before that.
//! - A renewal that is replayed was granted in the past: what counts is what a look at the lock still shows.
//! - Beside, it waits until a node says that the lock is free: so it hears at once when the space's clock was set forward, or
//!   somebody else used the token.
//! - Nothing that is answered after the end of a term brings it back.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::client::Client;
use crate::client::error::Error;
use crate::types::{Action, Command, Condition, Consistency, LockName, Token};

use super::term::Term;
use super::{PAUSE, WAIT_AT_ONCE};

/// For how long a lock is held before its end is waited for. Most are held for less, and that is not worth a request.
const WATCHED_AFTER: Duration = Duration::from_secs(1);

pub(super) type Released = Result<(), Error>;

/// How the lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Held(Term),
    Lost,
}

impl Standing {
    pub(super) fn is_held(self, now: Instant) -> bool {
        match self {
            Self::Held(term) => !term.is_over(now),
            Self::Lost => false,
        }
    }
}

pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) name: LockName,
    pub(super) token: Token,
    pub(super) time: Duration,
    pub(super) term: Term,
    pub(super) told: watch::Sender<Standing>,
}

impl Keeper {
    /// Keeps the lock until whoever holds it gives it back or goes.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<oneshot::Sender<Released>>) {
        let freed = freed(self.client.clone(), self.name.clone());
        let lost = async {
            tokio::select! {
                () = self.renew_until_lost() => {}
                () = freed => {}
            }
        };
        let asked = tokio::select! {
            biased;
            asked = &mut end => asked,
            () = lost => {
                // Nobody looks at it when the holder has gone.
                let _unseen = self.told.send(Standing::Lost);
                end.await
            }
        };
        let released = self.release().await;
        if let Ok(answer) = asked {
            // Whoever asked may have stopped waiting.
            let _unheard = answer.send(released);
        }
    }

    async fn renew_until_lost(&mut self) {
        loop {
            sleep_until(self.term.renewal).await;
            let sent = Instant::now();
            let renewed = timeout_at(self.term.until, self.renew(sent)).await.unwrap_or(None);
            // A process that stood still may find the answer and the end of the term together.
            let Some(term) = renewed.filter(|_| !self.term.is_over(Instant::now())) else { return };
            self.term = term;
            let _unseen = self.told.send(Standing::Held(self.term));
        }
    }

    /// One renewal, sent until it is answered; the term that it gives, if it was granted.
    async fn renew(&self, sent: Instant) -> Option<Term> {
        let command = self.command(Action::renew(&self.name, self.token, self.time));
        let renewed = loop {
            match self.client.submit(&command).await {
                Ok(renewed) => break renewed,
                Err(error) if error.outcome().is_some() => return None,
                Err(_unanswered) => sleep(PAUSE).await,
            }
        };
        let term = Term::from(sent, self.time);
        if !renewed.replayed {
            return Some(term);
        }
        loop {
            match Term::shown(&self.client, &self.name, self.token).await {
                Ok(shown) => return shown.map(|shown| term.at_most(shown)),
                Err(_unanswered) => sleep(PAUSE).await,
            }
        }
    }

    async fn release(&self) -> Released {
        self.client.submit(&self.command(Action::release(&self.name, self.token))).await.map(|_done| ())
    }

    fn command(&self, action: Action) -> Command {
        let (space, id) = (self.client.space.clone(), self.client.fresh_id());
        Command { space, id, guards: Vec::new(), actions: vec![action] }
    }
}

/// Ends when a node says that the lock is free. The first look is linearizable, so it sees that the lock was taken.
async fn freed(client: Client, name: LockName) {
    sleep(WATCHED_AFTER).await;
    let free = Condition::LockFree { lock: name };
    loop {
        match client.wait(&free, Consistency::Linearizable, WAIT_AT_ONCE).await {
            Ok(Some(_)) => return,
            Ok(None) => {}
            Err(_untold) => sleep(PAUSE).await,
        }
    }
}
