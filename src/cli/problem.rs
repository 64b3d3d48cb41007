//! What goes wrong, and what to do about it.

use std::borrow::Cow;

use crate::client::{Error, Reason};
use crate::types::Id;

use super::exit::Exit;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The nodes could not do it, or refused it.
    Client(Box<Error>),
    /// The same, where the command knows better what to do.
    Advised(Box<Error>, String),
    /// The command itself found out.
    Own(Box<Own>),
    /// Nobody reads the answer any more, so nobody needs the rest of it.
    NobodyReads,
}

/// A problem that the command itself found.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) exit: Exit,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// The id of the command, if that is known.
    pub(crate) id: Option<Id>,
    pub(crate) advice: Cow<'static, str>,
}

macro_rules! makers {
    ($($name:ident => $exit:ident,)*) => { $(
        pub(crate) fn $name(message: impl Into<String>, advice: impl Into<Cow<'static, str>>) -> Self {
            let (exit, message, advice) = (Exit::$exit, message.into(), advice.into());
            Self::Own(Box::new(Own { exit, reason: exit.reason(), message, id: None, advice }))
        }
    )* };
}

impl Problem {
    makers! {
        failure => Failure,
        usage => Usage,
        unavailable => Unavailable,
        not_found => NotFound,
        conflict => Conflict,
        in_doubt => InDoubt,
    }

    fn changed(mut self, change: impl FnOnce(&mut Own)) -> Self {
        if let Self::Own(own) = &mut self {
            change(own);
        }
        self
    }

    /// Names the reason that a node would have named.
    pub(crate) fn because(self, reason: Reason) -> Self {
        self.changed(|own| own.reason = reason.as_str())
    }

    /// Names the id of the command.
    pub(crate) fn about(self, id: Option<Id>) -> Self {
        self.changed(|own| own.id = id)
    }

    /// The same when something was sent before: no failure may look as if nothing had happened.
    pub(crate) fn after_sending(self) -> Self {
        self.changed(|own| {
            if own.exit == Exit::Failure {
                (own.exit, own.reason) = (Exit::InDoubt, Exit::InDoubt.reason());
            }
        })
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) | Self::Advised(error, _) => Exit::of(error),
            Self::Own(own) => own.exit,
            Self::NobodyReads => Exit::Done,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Client(Box::new(error))
    }
}
