//! Who of a group works on how many logs. Pure.

/// How many of the logs a member works on: all members together work on all of them, and none on more than one more than
/// another. `rank`: how many members come before it in the order that all of them see.
pub(super) fn fair_share(members: usize, rank: usize, logs: usize) -> usize {
    let members = members.max(1);
    logs / members + usize::from(rank < logs % members)
}

/// The logs that a member tries to take, in its own order, so that those who look at the same time rarely try the same.
pub(super) fn in_own_order(logs: usize, members: usize, rank: usize) -> impl Iterator<Item = usize> {
    let first = (logs * rank).checked_div(members).unwrap_or(0);
    (0..logs).cycle().skip(first).take(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_fair_and_make_the_whole() {
        for members in 1..20 {
            for logs in 0..50 {
                let shares: Vec<_> = (0..members).map(|rank| fair_share(members, rank, logs)).collect();
                assert_eq!(shares.iter().sum::<usize>(), logs, "{members} members, {logs} logs");
                let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
                assert!(most - least <= 1, "{shares:?}");
            }
        }
    }

    #[test]
    fn whoever_came_first_keeps_the_odd_one() {
        assert_eq!([0, 1, 2].map(|rank| fair_share(3, rank, 4)), [2, 1, 1]);
        assert_eq!([0, 1, 2].map(|rank| fair_share(3, rank, 2)), [1, 1, 0]);
    }

    #[test]
    fn everyone_tries_every_log_and_begins_elsewhere() {
        let order = |rank| in_own_order(4, 2, rank).collect::<Vec<_>>();
        assert_eq!((order(0), order(1)), (vec![0, 1, 2, 3], vec![2, 3, 0, 1]));
        assert_eq!(in_own_order(0, 2, 1).count(), 0);
    }
}
