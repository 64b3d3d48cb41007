//! Who waits for something hears of it, after the write.

use std::pin::pin;

use super::*;
use crate::types::{SpaceNumber, Token};

/// Whether a watch has heard of something since it was asked last.
async fn heard(watch: &mut super::super::Watch) -> bool {
    !futures::poll!(pin!(watch.changed())).is_pending()
}

#[tokio::test]
async fn who_waits_for_a_cell_a_position_a_lock_or_a_log_hears_of_its_changes_only() {
    let (_directory, state) = fresh();
    let main = SpaceNumber(1);
    let reader = ReaderName::new("r").unwrap();
    let mut cell = state.watch_cell(main, &CellKey::new("c").unwrap());
    let mut position = state.watch_position(main, &reader, &log("l"));
    let mut lock = state.watch_lock(main, &lock_name(1));
    let mut end = state.watch_log(main, &log("l"));
    let mut apply = {
        let mut index = 0;
        let state = state.clone();
        move |stamp, actions: Vec<Action>| {
            let proposals = if actions.is_empty() { vec![] } else { vec![command(&format!("{index}"), actions)] };
            let answers = state.apply(vec![batch_at(index, stamp, proposals)]).unwrap();
            index += 1;
            answers[0].first().map(|answer| outcome(answer).0.clone())
        }
    };
    let mut all =
        async || [heard(&mut cell).await, heard(&mut position).await, heard(&mut lock).await, heard(&mut end).await];

    apply(1_000, vec![integer("other", 1), acquire(lock_name(2), 1)]);
    assert_eq!(all().await, [false; 4]);
    apply(1_000, vec![integer("c", 1)]);
    assert_eq!(all().await, [true, false, false, false]);
    apply(1_000, vec![Action::Delete { key: CellKey::new("c").unwrap() }]);
    assert_eq!(all().await, [true, false, false, false]);
    apply(1_000, vec![records(log("l"), &["x"])]);
    assert_eq!(all().await, [false, false, false, true]);
    apply(1_000, vec![Action::Move { reader, log: log("l"), to: Offset(1) }]);
    assert_eq!(all().await, [false, true, false, false]);
    apply(1_000, vec![Action::Trim { log: log("l"), before: Offset(1) }]);
    assert_eq!(all().await, [false, false, false, true]);
    let acquired = apply(1_000, vec![acquire(lock_name(1), 1)]).unwrap();
    assert_eq!(all().await, [false, false, true, false]);
    let token = Token { history: acquired.history, sequence: acquired.sequence };
    apply(1_000, vec![Action::Release { lock: lock_name(1), token }]);
    assert_eq!(all().await, [false, false, true, false]);
    apply(1_000, vec![acquire(lock_name(1), 1)]);
    assert_eq!(all().await, [false, false, true, false]);
    apply(1_999, vec![]);
    assert_eq!(all().await, [false; 4]);
    apply(2_000, vec![]);
    assert_eq!(all().await, [false, false, true, false], "time alone took it");
}

#[tokio::test]
async fn who_waits_for_an_id_hears_that_it_is_decided_undone_or_forgotten() {
    let (_directory, state) = fresh();
    let finite = SpaceNumber(2);
    let early = born("early", 100_000);
    let mut watches = [
        state.watch_id(finite, &early),
        state.watch_id(finite, &born("never sent", 100_500)),
        state.watch_id(finite, &born("late", 160_000)),
    ];
    let mut all = async || {
        let [early, never, late] = &mut watches;
        [heard(early).await, heard(never).await, heard(late).await]
    };
    let sent = command_in(&finite_space(), early.clone(), vec![records(log("l"), &["x"])]);
    state.apply(vec![batch_at(0, 100_000, vec![make_finite_space(), sent])]).unwrap();
    assert_eq!(all().await, [true, false, false]);
    let undo = vec![Action::Compensate { target: early.clone() }];
    let undo = command_in(&finite_space(), born("undo", 110_000), undo);
    state.apply(vec![batch_at(1, 110_000, vec![undo])]).unwrap();
    assert_eq!(all().await, [true, false, false]);
    state.apply(vec![batch_at(2, 161_000, vec![])]).unwrap();
    assert_eq!(all().await, [true, true, false], "all that are too old now, decided or not");
}
