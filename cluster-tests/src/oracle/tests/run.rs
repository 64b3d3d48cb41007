//! Broken histories for the run itself: P12 and P17.

use super::*;
use crate::history::{Alarm, Alarming};

#[test]
fn a_cluster_that_does_not_come_back_in_time_is_found_and_a_term_with_two_leaders() {
    assert_eq!(broken(|events, _| events.recoveries[0].seen = Some(at(10_041))), ["P12"]);
    assert_eq!(broken(|events, _| events.recoveries[0].seen = None), ["P12"]);
    assert_eq!(broken(|events, _| events.recoveries[1].seen = Some(at(60_041))), ["P12"]);
    assert_eq!(broken(|events, _| events.statuses[2].leads = true), ["P12"]);
}

#[test]
fn a_node_that_ends_by_itself_is_found_and_one_that_disagrees_with_the_others() {
    let alarm = |what| {
        move |events: &mut Events, _: &mut Vec<Dump>| {
            events.alarms.push(Alarm { node: 2, at: at(50), what, said: "it is over".to_owned() });
        }
    };
    assert_eq!(broken(alarm(Alarming::Ended)), ["P12"]);
    assert_eq!(broken(alarm(Alarming::Disagrees)), ["P5"]);
}

#[test]
fn a_run_that_a_violation_has_cut_short_lacks_nothing() {
    let lacks = |cut_short| {
        move |events: &mut Events, _: &mut Vec<Dump>| {
            events.cut_short = cut_short;
            events.faults.clear();
        }
    };
    assert_eq!(broken(lacks(true)), [""; 0]);
    assert_eq!(broken(lacks(false)), ["P17"]);
}

#[test]
fn a_run_without_what_it_was_meant_to_have_is_found() {
    assert_eq!(broken(|events, _| events.faults.clear()), ["P17"]);
    assert_eq!(broken(|events, _| events.faults[0].effective = Effective::Indeterminate), ["P17"]);
    let skip = |has_all| {
        move |events: &mut Events, _: &mut Vec<Dump>| {
            events.faults[0].effective = Effective::Skipped;
            events.meant.as_mut().unwrap().has_all = has_all;
        }
    };
    assert_eq!(broken(skip(false)), [""; 0], "this machine can't");
    assert_eq!(broken(skip(true)), ["P17"], "and this one is to have what it takes");
    assert_eq!(broken(|events, _| events.faults[0].effective = Effective::Skipped), Vec::<&str>::new());
    assert_eq!(broken(|events, _| events.meant.as_mut().unwrap().acknowledged = 3), ["P17"]);
    assert_eq!(broken(|events, _| events.meant.as_mut().unwrap().leader_changes = 2), ["P17"]);
    assert_eq!(broken(|events, _| events.workloads.push("appends".to_owned())), Vec::<&str>::new());
}

#[test]
fn a_property_for_which_there_is_nothing_says_so() {
    let nothing = Events::default();
    let empty = Evidence::of(&nothing, &[]);
    for property in &PROPERTIES {
        assert_eq!((property.judged)(empty), 0, "{}", property.name);
    }

    let without = |damage: &dyn Fn(&mut Events)| {
        let (mut events, dumps) = sound();
        damage(&mut events);
        let evidence = Evidence::of(&events, &dumps);
        let idle = PROPERTIES.iter().filter(|property| (property.judged)(evidence) == 0);
        idle.map(|property| property.name).collect::<Vec<_>>()
    };
    let all = without(&|_| ());
    let more = without(&|events| events.reuses.plain().clear());
    assert_eq!(more.into_iter().filter(|name| !all.contains(name)).collect::<Vec<_>>(), ["P14"]);
    let none = without(&|events| events.commands.plain().clear());
    assert!(["P18", "P19", "P20"].iter().all(|name| none.contains(name)), "{none:?}");
}
