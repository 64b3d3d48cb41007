//! P18: transfers keep the sum: accounts hold together what they were opened with, whenever all of them are seen at
//! once; and each transfer is there once: in the order of their outcomes they lead from what each account was opened
//! with to what every replica holds in the end, over every sum that a client was told, and never below nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Property, Report};
use crate::history::{Command, Got, Job, Sealed};
use crate::oracle::Evidence;

pub(super) const PROPERTY: Property = Property { name: "P18", sentence: "transfers keep the sum", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    let transfers = evidence.events.commands.iter().filter(|command| matches!(command.job, Job::Transfer { .. }));
    transfers.filter(|command| command.applied().is_some()).count()
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let mut opened = evidence.events.commands.iter().filter_map(|command| match &command.job {
        Job::Open { accounts, balance } if command.applied().is_some() => {
            Some((accounts.clone(), *balance, known(&command)))
        }
        _ => None,
    });
    let Some((accounts, balance, open_since)) = opened.next() else {
        return;
    };
    if opened.next().is_some() {
        report(format!("{accounts:?} were opened twice"));
    }
    let sum: i64 = accounts.iter().map(|_| balance).sum();
    for seen in &evidence.events.cells {
        if seen.cells.is_empty() && open_since.is_none_or(|since| seen.invoked <= since) {
            continue;
        }
        let found: i64 = seen.cells.values().map(|cell| cell.number).sum();
        if found != sum {
            report(format!("node {} showed {found} at {:?}, and {sum} is there", seen.node, seen.completed));
        }
    }
    for replica in evidence.replicas {
        let held = accounts.iter().filter_map(|account| replica.cells.get(account)?.number);
        let found: i64 = held.sum();
        if found != sum {
            report(format!("node {} holds {found}, and {sum} is there", replica.node));
        }
    }
    let mut balances = accounts.iter().map(|account| (account.clone(), balance)).collect();
    if replay(evidence, &mut balances, report) {
        for replica in evidence.replicas {
            for (account, balance) in &balances {
                let held = replica.cells.get(account).and_then(|cell| cell.number);
                if held != Some(*balance) {
                    report(format!("node {}: {account} holds {held:?}, and {balance} is there", replica.node));
                }
            }
        }
    }
}

/// When it was known that this was done.
fn known(command: &Command) -> Option<Duration> {
    let done = command.attempts.iter().filter(|attempt| matches!(attempt.answer, Some(Ok(_))));
    done.filter_map(|attempt| attempt.completed).min()
}

/// Makes all transfers again, in order. False: of some nobody knows whether they were made.
fn replay(evidence: Evidence<'_>, balances: &mut BTreeMap<String, i64>, report: &mut Report<'_>) -> bool {
    let mut transfers = Vec::new();
    for command in &evidence.events.commands {
        if matches!(command.job, Job::Transfer { .. }) {
            match command.decided().map(|(_, sealed)| sealed.sequence) {
                Some(sequence) => transfers.push((sequence, command)),
                None if command.is_open() => return false,
                None => {}
            }
        }
    }
    transfers.sort_unstable_by_key(|(sequence, ..)| *sequence);
    for (_, command) in transfers {
        let Job::Transfer { from, to, amount } = &command.job else { continue };
        let amount = *amount;
        let [before, other] = [from, to].map(|account| balances.get(account).copied().unwrap_or_default());
        let after = [before - amount, other + amount];
        match command.applied() {
            Some(_) if before < amount => {
                report(format!("{} took {amount} from {from}, where {before} was", command.id));
            }
            Some(sealed) if !sums(sealed).eq(after) => {
                report(format!("{} came to {sealed:?}, and makes {from} and {to} {after:?}", command.id));
            }
            None if before >= amount => {
                report(format!("{} was refused, and {before} was there for {amount}", command.id));
            }
            Some(_) | None => {}
        }
        if let Some(sealed) = command.applied() {
            // Where it is wrong, it is told once, and not of all that follows.
            for (account, sum) in [from, to].into_iter().zip(sums(sealed)) {
                balances.insert(account.clone(), sum);
            }
        }
    }
    true
}

/// The sums that a client was told.
fn sums(sealed: &Sealed) -> impl Iterator<Item = i64> {
    sealed.got().iter().filter_map(|got| match got {
        Got::Added(sum) => Some(*sum),
        _ => None,
    })
}
