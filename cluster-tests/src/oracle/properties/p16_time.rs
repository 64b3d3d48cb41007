//! P16: the clock of one node, an hour or a year off, moves nothing: what is acknowledged is stamped with a time between
//! its first sending and its answer, give or take what clocks of one machine can be apart.
//!
//! Time stands still while no majority is there to tell it: what is stamped first thereafter has the time of before.

use std::time::Duration;

use super::{Property, Report};
use crate::oracle::Evidence;

/// Beside scheduling, a stamp may be rounded and a clock's exchange late.
const APART: Duration = Duration::from_secs(5);
/// How long a majority that is back may take until all of it has told its clocks.
const TELLING: Duration = Duration::from_secs(2);

pub(super) const PROPERTY: Property =
    Property { name: "P16", sentence: "one wrong clock moves no time", judge, judged };

fn judged(evidence: Evidence<'_>) -> usize {
    evidence.events.meant.as_ref().map_or(0, |_| evidence.acknowledged())
}

fn judge(evidence: Evidence<'_>, report: &mut Report<'_>) {
    let Some(meant) = &evidence.events.meant else {
        return;
    };
    let wall = Duration::from_millis(meant.wall_ms);
    let times = evidence.events.decisions();
    for operation in &evidence.events.operations {
        let (Some(invoked), Some((completed, acknowledgement))) = (operation.invoked(), operation.acknowledged())
        else {
            continue;
        };
        let stamp = Duration::from_millis(acknowledgement.place.time_ms);
        let told = times.partition_point(|time| *time + TELLING <= invoked);
        let since = told.checked_sub(1).and_then(|last| times.get(last)).copied().unwrap_or_default();
        if stamp + APART < wall + since || stamp > wall + completed + APART {
            report(format!("{} is stamped {stamp:?}, and was sent at {:?}", operation.id, wall + invoked));
        }
    }
}
