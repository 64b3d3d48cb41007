//! Which faults may last at once.
//!
//! - Two faults of the network share it: each has rules of its own. A wall clock stands beside everything.
//! - Two faults of single nodes take two nodes: the second one takes none that the first has in its hand. But no more than one
//!   of them may lose what its node has promised: two would be a majority of three.
//! - A fault of several nodes at once stands beside no fault of a node.
//! - A fault that waits for the cluster, to be installed or to be healed, is installed first and healed last.

use super::Kind;

/// What a fault has in its hand as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: it is over when it is installed.
    Nothing,
    /// Rules of its own for what is sent.
    Links,
    /// A wall clock.
    Clock,
    /// The process or the disk of one node, which keeps what it has promised.
    Node,
    /// One node that is behind, and has to be served by the others before it is healed.
    Behind,
    /// One node that has lost what it has promised, and gets it back when it has stood aside.
    Data,
    /// The processes or the disks of a majority, or of all nodes.
    Nodes,
    /// The whole cluster. It goes through its own faults one after the other, or would lose data for good together with
    /// any other.
    Alone,
}

impl Hold {
    fn waits_for_the_cluster(self) -> bool {
        matches!(self, Self::Behind | Self::Data)
    }

    /// Whether it is one node that no other fault may strike.
    pub fn has_a_node(self) -> bool {
        matches!(self, Self::Node | Self::Behind | Self::Data)
    }
}

/// Whether two kinds of fault may last at once, the one that [comes first](comes_first) being installed first.
pub fn can_share(one: &Kind, other: &Kind) -> bool {
    let (a, b) = (one.holds, other.holds);
    let both = |hold: fn(Hold) -> bool| hold(a) && hold(b);
    let one_of_each =
        |first: fn(Hold) -> bool, second: fn(Hold) -> bool| (first(a) && second(b)) || (first(b) && second(a));
    let are_several = |hold: Hold| hold == Hold::Nodes;
    one.name != other.name
        && a != Hold::Alone
        && b != Hold::Alone
        && !both(are_several)
        && !both(Hold::waits_for_the_cluster)
        && !one_of_each(are_several, Hold::has_a_node)
}

/// Whether a kind of fault is always installed before another that it shares the cluster with, and healed after it.
pub fn comes_first(kind: &Kind) -> bool {
    kind.holds.waits_for_the_cluster()
}

#[cfg(test)]
mod tests {
    use super::super::KINDS;
    use super::*;

    fn kind(name: &str) -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == name).unwrap()
    }

    fn share(one: &str, other: &str) -> bool {
        can_share(kind(one), kind(other))
    }

    #[test]
    fn faults_share_what_can_be_shared_and_nothing_else() {
        assert!(share("part-leader", "kill-follower") && share("part-halves", "cut-power-majority"));
        assert!(share("follower-behind", "disk-hangs") && share("kill-leader", "clock-jumps"));
        assert!(share("part-leader", "part-flapping") && share("kill-leader", "pause-leader"));
        assert!(!share("part-leader", "part-leader"), "the same fault twice is one");
        assert!(!share("kill-all", "pause-leader") && !share("cut-power", "log-rotten"));
        assert!(!share("log-rotten", "voter-wiped"), "two nodes without their data are a majority of three");
        assert!(!share("fsync-lies", "part-follower"), "what one node lost may be all that there was");
    }

    #[test]
    fn it_makes_no_difference_which_of_two_faults_is_asked_about() {
        for one in &KINDS {
            for other in &KINDS {
                assert_eq!(can_share(one, other), can_share(other, one), "{} and {}", one.name, other.name);
            }
        }
    }
}
