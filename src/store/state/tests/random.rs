//! Random commands, chunks and restarts, against the model.

use proptest::collection::vec;
use proptest::prelude::*;

use super::commands::{Content, Entries, contents};
use super::model::Model;
use super::*;

/// What happens to a state.
#[derive(Debug, Clone)]
enum Event {
    Apply(Vec<Content>),
    Flush,
    Compact,
    Checkpoint,
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => vec(contents(), 0..6).prop_map(Event::Apply),
        1 => Just(Event::Flush),
        1 => Just(Event::Compact),
        1 => Just(Event::Checkpoint),
        1 => Just(Event::Restart),
    ];
    vec(event, 1..16)
}

fn compact(state: &State) {
    let generation = state.current().generation.clone();
    for name in settings::FAMILIES {
        let family = generation.database().cf_handle(name).unwrap();
        generation.database().compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
    }
}

/// The index of what is due and the rows that say so are one, but for what spaces left behind that were deleted.
fn check_due(state: &State, model: &Model) {
    assert_eq!(model.due_of_what_is_there(), model.due_by_the_rows());
    let first = model.due_in_the_index().first().map(|(at, _)| *at);
    assert_eq!(state.view().next_due().unwrap(), first);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_state_is_what_the_machine_says_whatever_the_chunks_flushes_compactions_and_restarts(events in events()) {
        let (directory, mut state) = fresh();
        let mut model = Model::new();
        let mut entries = Entries::new();
        for event in events {
            match event {
                Event::Apply(contents) => {
                    let chunk: Vec<_> = contents.into_iter().map(|content| entries.next(content)).collect();
                    let expected: Vec<_> = chunk.iter().map(|entry| model.apply(entry)).collect();
                    prop_assert_eq!(state.apply(chunk).unwrap(), expected);
                }
                Event::Flush => {
                    prop_assert_eq!(state.flush().unwrap(), model.log_id);
                }
                Event::Compact => compact(&state),
                Event::Checkpoint => {
                    prop_assert_eq!(state.checkpoint().unwrap().last(), model.log_id);
                }
                Event::Restart => {
                    state.flush().unwrap();
                    drop(state);
                    state = open(&directory.path().join("0"));
                }
            }
            let applied = state.applied();
            prop_assert_eq!((applied.log_id, applied.digest), (model.log_id, model.digest));
            check_due(&state, &model);
        }
        prop_assert_eq!(rows(&state), model.rows());
        prop_assert_eq!(state.applied().membership, model.membership);
    }

    #[test]
    fn how_entries_are_cut_into_chunks_changes_nothing(
        contents in vec(contents(), 1..24),
        cuts in vec((1_usize..10, any::<bool>()), 1..8),
    ) {
        let mut numbered = Entries::new();
        let entries: Vec<_> = contents.into_iter().map(|content| numbered.next(content)).collect();
        let (_whole, whole) = fresh();
        let (_single, single) = fresh();
        let (directory, mut cut) = fresh();
        let answers = whole.apply(entries.clone()).unwrap();
        let one_by_one: Vec<_> = entries.iter().flat_map(|entry| single.apply(vec![entry.clone()]).unwrap()).collect();
        prop_assert_eq!(&answers, &one_by_one);
        let mut rest = entries.as_slice();
        let mut answered = Vec::new();
        for (length, reopens) in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at(length.min(rest.len()));
            answered.extend(cut.apply(chunk.to_vec()).unwrap());
            rest = after;
            if reopens {
                // Nothing of what is in memory can be of help.
                cut.flush().unwrap();
                drop(cut);
                cut = open(&directory.path().join("0"));
            }
        }
        prop_assert_eq!(&answers, &answered);
        for other in [&single, &cut] {
            prop_assert_eq!(standing(&whole), standing(other));
            prop_assert_eq!(rows(&whole), rows(other));
            prop_assert_eq!(whole.view().next_due().unwrap(), other.view().next_due().unwrap());
        }
    }
}
