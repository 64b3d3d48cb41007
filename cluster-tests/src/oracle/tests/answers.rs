//! Broken histories for what clients are told: P3 and P13 to P16.

use super::*;

#[test]
fn two_answers_for_an_id_are_found() {
    let found = broken(|events, _| {
        let mut attempt = events.operations[0].attempts[0].clone();
        attempt.answer = Some(Ok(Acknowledgement { replayed: true, ..acknowledgement(8, 1) }));
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["P3"]);
}

#[test]
fn two_first_arrivals_are_found() {
    let found = broken(|events, _| {
        let attempt = events.operations[0].attempts[0].clone();
        events.operations[0].attempts.push(attempt);
    });
    assert_eq!(found, ["P3"]);
}

#[test]
fn a_shared_sequence_number_is_found() {
    let found = broken(|events, _| {
        let mut shared = acknowledgement(1, 2);
        shared.place.sequence = 1;
        events.operations[1].attempts[0].answer = Some(Ok(shared));
    });
    assert_eq!(found, ["P3", "P7", "P22"]);
}

fn round(begun: u64) -> Round {
    Round { name: "healing".to_owned(), begun: at(begun), ended: at(begun + 1_000) }
}

#[test]
fn an_id_of_which_nobody_knows_although_it_was_sent_again_is_found() {
    assert_eq!(
        broken(|events, _| events.rounds.push(round(35))),
        ["P13"],
        "`c` was sent before that, and `d` after it"
    );
    assert_eq!(broken(|events, _| events.rounds.push(round(5))), Vec::<&str>::new());
}

#[test]
fn an_id_that_is_used_for_something_else_is_found() {
    assert_eq!(broken(|events, _| events.reuses[0].answer = Ok(acknowledgement(0, 1))), ["P14"]);
    assert_eq!(broken(|events, _| events.reuses[0].answer = Err(refused("NotFound", "NO_SUCH_LOG"))), ["P14"]);
    assert_eq!(
        broken(|events, _| events.reuses[0].answer = Err(refused("Unavailable", "NO_LEADER"))),
        Vec::<&str>::new()
    );
    let found = broken(|_, dumps| {
        on_every_node(dumps, |log| {
            log.records.push(extra(4, "a", Content::of(b"something else")));
            log.end = 5;
        });
    });
    assert_eq!(found, ["P2", "P6", "P14"]);
}

#[test]
fn an_id_that_was_too_old_and_is_taken_is_found() {
    let found = broken(|events, _| {
        let first = Attempt {
            invoked: at(1),
            completed: Some(at(2)),
            answer: Some(Err(refused("FailedPrecondition", "ID_TOO_OLD"))),
            ..events.operations[0].attempts[0].clone()
        };
        events.operations[0].attempts.insert(0, first);
    });
    assert_eq!(found, ["P15"]);
}

#[test]
fn a_stamp_that_is_not_of_its_time_is_found() {
    let stamped = |ms| {
        broken(|events, _| {
            for operation in events.operations.plain() {
                for attempt in &mut operation.attempts {
                    if let Some(Ok(acknowledgement)) = &mut attempt.answer {
                        acknowledgement.place.time_ms = ms;
                    }
                }
            }
        })
    };
    assert_eq!(stamped(WALL_MS + 3_600_000), ["P16"]);
    assert_eq!(stamped(WALL_MS - 3_600_000), ["P16"]);
}

#[test]
fn what_is_stamped_first_after_an_outage_may_have_the_time_of_before() {
    // Acknowledged at 15 and 25 ms, and then only these; the last has the time of the first ones.
    let then = |sent: &[(u64, u64)]| {
        broken(|events, dumps| {
            for (number, (invoked, time_ms)) in sent.iter().enumerate() {
                let (id, offset) = (format!("later-{number}"), 4 + number as u64);
                let mut told = acknowledgement(offset, 1);
                told.place.time_ms = WALL_MS + time_ms;
                let later = operation(&id, 1, *invoked, Ok(told));
                on_every_node(dumps, |log| {
                    log.records.push(extra(offset, &id, later.contents[0]));
                    log.end = offset + 1;
                });
                events.operations.push(later);
            }
        })
    };
    assert_eq!(then(&[(9_000, 40)]), Vec::<&str>::new());
    assert_eq!(then(&[(5_800, 5_800), (9_000, 40)]), ["P16", "P22"], "there was a majority meanwhile");
}
