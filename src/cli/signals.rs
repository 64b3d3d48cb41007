//! The signals that end a process, for commands that have something to do before they go.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::problem::Problem;

/// Listens for one kind of signal, which no longer ends the process then.
pub(super) fn listen_for(kind: SignalKind) -> Result<Signal, Problem> {
    let cannot =
        |error| Problem::failure(format!("cannot listen for signals: {error}"), "Check the limits of this machine.");
    signal(kind).map_err(cannot)
}

/// What ends a process that does not listen.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal has gone. None if whoever started us wants that to be overheard, as `nohup` does.
    hangup: Option<Signal>,
    quit: Signal,
    heard: bool,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Problem> {
        Ok(Self {
            interrupt: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            hangup: if hangups_are_ignored() { None } else { Some(listen_for(SignalKind::hangup())?) },
            quit: listen_for(SignalKind::quit())?,
            heard: false,
        })
    }

    /// Waits for the next, and says what a shell would say of a process that it ended. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> u8 {
        let number = tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            Some(()) = received(self.hangup.as_mut()) => 129,
            _ = self.quit.recv() => 131,
        };
        self.heard = true;
        number
    }

    /// Whether one has come.
    pub(super) fn were_heard(&self) -> bool {
        self.heard
    }
}

async fn received(signal: Option<&mut Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started so that it does not hear of a lost terminal.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
