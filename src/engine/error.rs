//! Why a request has no answer, and what that says about its effect.

use tokio::task::JoinError;

use crate::raft::ForwardedFailure;
use crate::types::AttemptEffect;

/// A request that got no answer from the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No leader could be reached before the deadline; nothing was proposed.
    #[error("no leader can be reached: {0}")]
    NoLeader(String),
    /// The node works for too much already; nothing was proposed.
    #[error("this node is overloaded: too many requests are waiting")]
    Overloaded,
    /// The deadline passed before it was proposed.
    #[error("the deadline passed before the request could be served")]
    Expired,
    /// It may have taken effect, or may still.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// The node is going down; nothing was proposed.
    #[error("this node is shutting down")]
    Stopping,
    /// The node has just come up and has not caught up with what it knew before.
    #[error("this node was restarted and is catching up")]
    CatchingUp,
    /// The disk failed, or what it holds is damaged.
    #[error("{0}")]
    Failed(String),
    /// A version can't be raised yet; nothing was proposed.
    #[error("{0}")]
    VersionUnsupported(String),
}

impl Error {
    /// Whether the failed attempt may have taken effect.
    pub fn effect(&self) -> AttemptEffect {
        match self {
            Self::Unknown(_) => AttemptEffect::Unknown,
            Self::NoLeader(_)
            | Self::Overloaded
            | Self::Expired
            | Self::Stopping
            | Self::CatchingUp
            | Self::Failed(_)
            | Self::VersionUnsupported(_) => AttemptEffect::None,
        }
    }

    /// Work for a thread that may wait for a disk was not run. It only reads: nothing was proposed. Only a runtime that ends
    /// takes back such work; a panic in it would have ended the process.
    pub(super) fn not_run(error: &JoinError) -> Self {
        if error.is_cancelled() { Self::Stopping } else { Self::Failed(error.to_string()) }
    }

    /// The number that travels between nodes.
    fn kind(&self) -> u32 {
        match self {
            Self::NoLeader(_) => 1,
            Self::Overloaded => 2,
            Self::Expired => 3,
            Self::Unknown(_) => 4,
            Self::Stopping => 5,
            Self::CatchingUp => 6,
            Self::Failed(_) => 7,
            Self::VersionUnsupported(_) => 8,
        }
    }

    /// As it is sent to the node that forwarded the request.
    pub(super) fn to_forwarded(&self) -> ForwardedFailure {
        let message = match self {
            Self::NoLeader(message)
            | Self::Unknown(message)
            | Self::Failed(message)
            | Self::VersionUnsupported(message) => message.clone(),
            Self::Overloaded | Self::Expired | Self::Stopping | Self::CatchingUp => self.to_string(),
        };
        ForwardedFailure { kind: self.kind(), effect_unknown: self.effect() == AttemptEffect::Unknown, message }
    }

    /// As the leader sent it. A kind that this build does not know keeps its effect.
    pub(super) fn from_forwarded(failure: ForwardedFailure) -> Self {
        let ForwardedFailure { kind, effect_unknown, message } = failure;
        match kind {
            _ if effect_unknown => Self::Unknown(message),
            1 => Self::NoLeader(message),
            2 => Self::Overloaded,
            3 => Self::Expired,
            5 => Self::Stopping,
            6 => Self::CatchingUp,
            8 => Self::VersionUnsupported(message),
            _ => Self::Failed(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_the_end_of_the_runtime_takes_back_has_no_effect() {
        let new = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ended = new();
        let late = ended.handle().clone();
        ended.shutdown_background();
        let error = new().block_on(late.spawn_blocking(|| ())).expect_err("the runtime has ended");
        assert_eq!(Error::not_run(&error), Error::Stopping);
    }

    #[test]
    fn every_error_keeps_its_effect_on_the_way_between_nodes() {
        let errors = [
            Error::NoLeader("none".to_owned()),
            Error::Overloaded,
            Error::Expired,
            Error::Unknown("lost".to_owned()),
            Error::Stopping,
            Error::CatchingUp,
            Error::Failed("disk".to_owned()),
            Error::VersionUnsupported("node 3".to_owned()),
        ];
        for error in errors {
            assert_eq!(Error::from_forwarded(error.to_forwarded()), error);
        }
        let newer = ForwardedFailure { kind: 99, effect_unknown: true, message: "new".to_owned() };
        assert_eq!(Error::from_forwarded(newer).effect(), AttemptEffect::Unknown);
    }
}
