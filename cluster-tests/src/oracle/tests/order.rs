//! Broken histories for order and reads: P7 to P9.

use super::*;

#[test]
fn a_later_command_at_an_earlier_offset_is_found() {
    let found = broken(|events, _| {
        // `b` was acknowledged at 1 before `a`, at 0, was sent.
        events.operations[0].attempts[0].invoked = at(100);
        events.operations[0].attempts[0].completed = Some(at(105));
        events.ends.plain().clear();
    });
    assert_eq!(found, ["P7"]);
}

/// `a` and `b`, sent at these places of streams, each at the moment of the other.
fn streamed(a: StreamPlace, b: StreamPlace, b_replayed: bool) -> Vec<&'static str> {
    broken(|events, _| {
        for (operation, place) in events.operations.plain().iter_mut().zip([a, b]) {
            let attempt = &mut operation.attempts[0];
            (attempt.invoked, attempt.completed, attempt.place) = (at(10), Some(at(15)), Some(place));
            if let (Some(Ok(acknowledgement)), 1) = (&mut attempt.answer, place.stream) {
                acknowledgement.replayed = b_replayed;
            }
        }
    })
}

#[test]
fn a_stream_that_decides_in_another_order_is_found() {
    let place = |position| StreamPlace { stream: 0, position };
    assert_eq!(streamed(place(3), place(4), false), Vec::<&str>::new());
    assert_eq!(streamed(place(4), place(3), false), ["P7"]);
}

#[test]
fn what_was_sent_again_out_of_order_is_found() {
    let place = |stream| StreamPlace { stream, position: 0 };
    assert_eq!(streamed(place(0), place(1), true), Vec::<&str>::new());
    let found = broken(|events, _| {
        for operation in events.operations.plain() {
            let attempt = &mut operation.attempts[0];
            (attempt.invoked, attempt.completed, attempt.place) = (at(10), Some(at(15)), Some(place(0)));
        }
        events.operations[1].attempts[0].place = Some(place(1));
        events.operations.plain().swap(0, 1);
    });
    assert_eq!(found, ["P7"]);
}

#[test]
fn a_stale_read_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 2), ["P8"]);
}

#[test]
fn a_read_that_turns_back_is_found() {
    let found = broken(|events, _| {
        events.ends.push(EndSeen { log: LOG.into(), invoked: at(50), completed: at(51), end: 4 });
        events.ends.push(EndSeen { log: LOG.into(), invoked: at(52), completed: at(53), end: 3 });
    });
    assert_eq!(found, ["P8"]);
}

#[test]
fn a_read_beyond_what_was_sent_is_found() {
    assert_eq!(broken(|events, _| events.ends[0].end = 5), ["P8"]);
}

#[test]
fn a_local_read_that_goes_back_is_found_and_one_beyond_every_log() {
    let goes_back = |events: &mut Events| {
        let later =
            LocalSeen { invoked: at(60), completed: at(61), end: 2, records: Vec::new(), ..events.locals[0].clone() };
        events.locals.push(later);
    };
    assert_eq!(broken(|events, _| goes_back(events)), ["P9"]);
    let beyond = |events: &mut Events| {
        let earlier = LocalSeen { end: 9, records: Vec::new(), ..events.locals[0].clone() };
        let later = LocalSeen { invoked: at(60), completed: at(61), end: 9, records: Vec::new(), ..earlier.clone() };
        events.locals = vec![earlier, later].into();
    };
    assert_eq!(broken(|events, _| beyond(events)), ["P9"]);
}
