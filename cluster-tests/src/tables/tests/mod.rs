//! Rows made by hand: each kind is read as documented and refused when it is spoilt, and each way in which the tables of
//! a replica can disagree is found.

mod agreement;
mod checkpoint;
mod compared;
mod layouts;
pub(in crate::tables) mod sample;
mod told;

use super::{Table, hex, unhex};

#[test]
fn digits_come_back() {
    assert_eq!(hex(&[0, 1, 0xab]), "0001ab");
    assert_eq!(unhex("0001ab"), Some(vec![0, 1, 0xab]));
    assert_eq!(unhex(""), Some(Vec::new()));
    for bad in ["0", "0x", "zz", "00é"] {
        assert_eq!(unhex(bad), None, "{bad}");
    }
}

#[test]
fn a_family_that_a_state_has_not_is_another_table() {
    assert_eq!([Table::named("ids"), Table::named("else")], [Table::Ids, Table::Other]);
}
