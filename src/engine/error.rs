//! Why a request has no answer, and what that says about its effect.

use crate::raft::ForwardedFailure;
use crate::types::AttemptEffect;

/// A request that got no answer from the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No leader could be reached before the deadline; nothing was proposed.
    #[error("no leader could be reached: {0}")]
    NoLeader(String),
    /// The queue is full; nothing was proposed.
    #[error("too many commands are waiting; send it again in a moment")]
    Overloaded,
    /// The deadline passed before it was proposed.
    #[error("the deadline passed before it could be proposed")]
    Expired,
    /// It may have taken effect, or may still.
    #[error("it is not known whether it took effect: {0}")]
    Unknown(String),
    /// The node is going down; nothing was proposed.
    #[error("this node is shutting down")]
    Stopping,
    /// The node has just come up and has not caught up with what it knew before.
    #[error("this node is catching up with what it knew before it was restarted")]
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
