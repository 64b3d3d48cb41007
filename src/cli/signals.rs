//! The signals that end a process, for commands that have something to do before they go.

use std::future::poll_fn;
use std::task::Poll;

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
    /// Each with what a shell would say of a process that it ended.
    signals: Vec<(u8, Signal)>,
    heard: bool,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Problem> {
        let mut kinds = vec![(130, SignalKind::interrupt()), (143, SignalKind::terminate()), (131, SignalKind::quit())];
        // Whoever starts us with `nohup` wants a lost terminal to be overheard.
        if !hangups_are_ignored() {
            kinds.push((129, SignalKind::hangup()));
        }
        let listen = |(code, kind)| listen_for(kind).map(|signal| (code, signal));
        Ok(Self { signals: kinds.into_iter().map(listen).collect::<Result<_, _>>()?, heard: false })
    }

    /// Waits for the next, and says its code. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> u8 {
        let code = poll_fn(|context| {
            let mut signals = self.signals.iter_mut();
            let heard = signals.find_map(|(code, signal)| signal.poll_recv(context).is_ready().then_some(*code));
            heard.map_or(Poll::Pending, Poll::Ready)
        });
        let code = code.await;
        self.heard = true;
        code
    }

    /// Whether one has come.
    pub(super) fn were_heard(&self) -> bool {
        self.heard
    }
}

/// Whether this process was started so that it does not hear of a lost terminal.
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
