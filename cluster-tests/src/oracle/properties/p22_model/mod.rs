//! P22: every outcome is the one that the commands before it lead to, and what they lead to in the end is what each replica
//! holds. A reference model replays all outcomes of a space in their order, from the commands that were sent.

mod told;

use self::told::Told;
use super::{Property, Report};
use crate::model::Model;
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property =
    Property { name: "P22", sentence: "every outcome follows from those before it", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let commands = evidence.events.commands.iter();
    evidence.acknowledged + commands.filter(|command| command.decided().is_some_and(|it| it.1.whole.is_some())).count()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let events = evidence.events;
    let mut told = Told::of(events);
    let mut model = Model::new(std::mem::take(&mut told.known));
    told.replay(&mut model, report);
    // A history that was meant to be a run knows of every command; beside others, more may have been done.
    if events.meant.is_none() {
        return;
    }
    model.finish();
    for replica in evidence.different_replicas() {
        model.beside(replica, &mut |differs| report(format!("node {}: {differs}", replica.node)));
    }
}
