//! Random runs against a list, with restarts, killed processes and compactions in between.

use std::fs;

use super::super::Outbox;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Keep(Vec<Command>),
    /// Confirms the entry at this place of those that wait, counted around.
    Confirm(usize),
    /// Closes and opens.
    Restart,
    /// Goes on with the file as it is, and without whatever the process had in memory.
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => commands(1..4).prop_map(Step::Keep),
        6 => any::<usize>().prop_map(Step::Confirm),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 1..24)
}

async fn play(steps: Vec<Step>, garbage_bytes: u64) {
    let directory = TempDir::new().unwrap();
    let mut path = path_in(&directory);
    let mut outbox = Outbox::open_with(path.clone(), garbage_bytes).await.unwrap();
    let mut model: Vec<(u64, Command)> = Vec::new();
    let mut next = 1;
    for step in steps {
        match step {
            Step::Keep(commands) => {
                let kept = outbox.keep(commands.clone()).await.unwrap();
                let numbers: Vec<_> = kept.iter().map(|entry| entry.number.0).collect();
                assert_eq!(numbers, (next..).take(commands.len()).collect::<Vec<_>>());
                next += commands.len() as u64;
                model.extend(numbers.into_iter().zip(commands));
            }
            Step::Confirm(_) if model.is_empty() => outbox.confirm(EntryNumber(next)).await.unwrap(),
            Step::Confirm(place) => {
                let (number, _) = model.remove(place % model.len());
                outbox.confirm(EntryNumber(number)).await.unwrap();
            }
            Step::Restart => {
                outbox.close().await.unwrap();
                outbox = Outbox::open_with(path.clone(), garbage_bytes).await.unwrap();
            }
            Step::Kill => {
                // A list is answered behind whatever compaction the last step led to.
                outbox.waiting().await.unwrap();
                let copy = path.with_added_extension("copy");
                fs::copy(&path, &copy).unwrap();
                path = copy;
                outbox = Outbox::open_with(path.clone(), garbage_bytes).await.unwrap();
            }
        }
        let waiting: Vec<_> = outbox.waiting().await.unwrap();
        let waiting: Vec<_> = waiting.iter().map(|entry| (entry.number.0, entry.command.clone())).collect();
        assert_eq!(waiting, model);
    }
    outbox.close().await.unwrap();
    let length = fs::metadata(&path).unwrap().len();
    assert_eq!(length == super::super::frame::HEADER_BYTES as u64, model.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn an_outbox_is_a_list_that_survives(steps in steps(), garbage_bytes in prop_oneof![Just(1), Just(300), Just(NO_COMPACTION)]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps, garbage_bytes));
    }
}
