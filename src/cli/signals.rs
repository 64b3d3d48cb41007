//! The signals that end a process, for commands that have something to do before they go.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::report::Problem;

/// Listens for one kind of signal, which no longer ends the process then.
pub(super) fn listen_for(kind: SignalKind) -> Result<Signal, Problem> {
    signal(kind).map_err(|error| Problem::Here {
        message: format!("cannot listen for signals: {error}"),
        advice: "See the limits of this machine.",
    })
}

/// What ends a process that does not listen.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    heard: bool,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Problem> {
        Ok(Self {
            interrupt: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            heard: false,
        })
    }

    /// Waits for the next, and says what a shell would say of a process that it ended. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> u8 {
        let number = tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        };
        self.heard = true;
        number
    }

    /// Whether one has come.
    pub(super) fn were_heard(&self) -> bool {
        self.heard
    }
}
