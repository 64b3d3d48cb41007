//! A checker that has never caught anything proves nothing: nodes that have a bug each, put in on purpose, and the oracle has
//! to name the property that the bug breaks. The table of them is in the page about chaos, and held complete here.
//!
//! - A story is a function that takes the bug, or none: without it the oracle must find nothing, or what it finds with it
//!   would prove nothing. Two stories have their other half elsewhere, in `power_cut` and `strangers`.
//! - Nobody counts as caught by a panic or a timeout: the property's name is asked for.

mod appends;
mod crashes;
mod gate;
mod leaders;
mod reads;
mod replicas;
mod table;
mod times;
mod trial;

use cluster_tests::oracle::Violation;

/// Insists that the oracle has named the property.
#[track_caller]
fn caught(property: &str, found: &[Violation]) {
    for violation in found {
        println!("{violation}");
    }
    let names = found.iter().any(|violation| violation.property == property);
    assert!(names, "the bug is there, and {property} is not named: {found:?}");
}

/// Insists that the oracle has nothing to say.
#[track_caller]
fn clean(found: &[Violation]) {
    assert!(found.is_empty(), "there is no bug, and this was found: {found:?}");
}
