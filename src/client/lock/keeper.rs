//! The task that keeps one lock: renews it, says when it may be lost, gives it back.
//!
//! - A renewal keeps its id until it is answered; the lock is lost, for good, when the term ends before that.
//! - Nothing that is answered after the end of a term brings it back.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::client::Client;
use crate::client::error::Error;
use crate::types::{Action, Command, LockName, Token};

use super::renewal;
use super::term::Term;

/// The pause between two requests that could not be answered at all.
const PAUSE: Duration = Duration::from_millis(100);

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
        let asked = tokio::select! {
            biased;
            asked = &mut end => asked,
            () = self.renew_until_lost() => {
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
            let renewed = timeout_at(self.term.until, self.renew()).await.unwrap_or(false);
            // A process that stood still may find the answer and the end of the term together.
            if !renewed || self.term.is_over(Instant::now()) {
                return;
            }
            self.term = Term::from(sent, self.time);
            let _unseen = self.told.send(Standing::Held(self.term));
        }
    }

    /// One renewal, sent until it is answered; whether it was granted.
    async fn renew(&self) -> bool {
        let command = self.command(renewal(&self.name, self.token, self.time));
        loop {
            match self.client.submit(&command).await {
                Ok(_) => return true,
                Err(error) if error.outcome().is_some() => return false,
                Err(_unanswered) => sleep(PAUSE).await,
            }
        }
    }

    async fn release(&self) -> Released {
        let release = Action::Release { lock: self.name.clone(), token: self.token };
        self.client.submit(&self.command(release)).await.map(|_done| ())
    }

    fn command(&self, action: Action) -> Command {
        let (space, id) = (self.client.space.clone(), self.client.fresh_id());
        Command { space, id, guards: Vec::new(), actions: vec![action] }
    }
}
