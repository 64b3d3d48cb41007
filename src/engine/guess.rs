//! What would become of an append if it were decided now: an answer that nobody may give, for seeded bugs alone.

use crate::machine::{self, Overlay};
use crate::raft::Raft;
use crate::types::{Action, Answer, Proposal};

/// The answer, if the space is there.
pub(super) fn guess(raft: &Raft, proposal: &Proposal) -> Option<Answer> {
    let view = raft.state().view();
    let space = view.space(proposal.space()).ok()??;
    let mut overlay = Overlay::default();
    overlay.set_globals(view.globals());
    if let Proposal::Command(command) = proposal {
        for action in &command.actions {
            if let Action::Append { log, .. } = action
                && let Some(head) = view.log(proposal.space(), log).ok()?
            {
                overlay.insert_log(space.number, log.clone(), head);
            }
        }
    }
    overlay.insert_space(proposal.space().clone(), space);
    Some(machine::decide(&overlay, view.globals().version, proposal).answer)
}
