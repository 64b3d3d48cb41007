//! Packed appends ⇄ messages.

use crate::types::Id;

use super::answer::{Appended, appended};
use super::fields;
use super::outcome::Unreadable;
use super::status::{ErrorReport, failure, failure_message};
use super::v1;

/// The answer to one append of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its place among all appends of the stream, counted from 0.
    pub position: u64,
    /// Its id; none if what was sent had none that could be read.
    pub id: Option<Id>,
    /// What became of it.
    pub result: Result<Appended, ErrorReport>,
}

/// One answer, to be sent. The id is what the sender wrote, readable or not.
pub fn append_reply(
    position: u64,
    id: Option<v1::CommandId>,
    result: Result<v1::AppendResponse, ErrorReport>,
) -> v1::AppendReply {
    let result = match result {
        Ok(appended) => v1::append_reply::Result::Appended(appended),
        Err(report) => v1::append_reply::Result::Failure(failure_message(&report)),
    };
    v1::AppendReply { position, id, result: Some(result) }
}

/// One answer, as received.
pub fn reply(message: v1::AppendReply) -> Result<Reply, Unreadable> {
    let result = match message.result.ok_or(Unreadable("result"))? {
        v1::append_reply::Result::Appended(response) => Ok(appended(&response)?),
        v1::append_reply::Result::Failure(message) => Err(failure(message)),
    };
    Ok(Reply { position: message.position, id: fields::id(message.id).ok(), result })
}

#[cfg(test)]
mod tests {
    use crate::types::{ActionResult, Answer, SpaceName, Verdict};
    use crate::wire::answer::{Asked, append_answer};
    use crate::wire::command::command_id;
    use crate::wire::outcome::tests::outcomes;
    use crate::wire::status::Reason;

    use super::*;

    #[test]
    fn every_reply_comes_back() {
        let id = Id::new("pay-1").unwrap();
        for outcome in outcomes() {
            if matches!(&outcome.verdict, Verdict::Applied(results) if results.len() != 1) {
                continue;
            }
            let answer = Answer::Decided { outcome: outcome.clone(), replayed: true };
            let result = append_answer(Asked::id(&SpaceName::main(), &id), &answer);
            let read = reply(append_reply(7, Some(command_id(&id)), result.clone())).unwrap();
            assert_eq!((read.position, read.id.as_ref()), (7, Some(&id)));
            match (&outcome.verdict, read.result) {
                (Verdict::Applied(results), Ok(appended)) => {
                    let ActionResult::Appended { first, count } = results[0] else {
                        panic!("an append is answered by {results:?}")
                    };
                    assert_eq!((appended.first, appended.count, appended.replayed), (first, count, true));
                }
                (_, read) => assert_eq!(read.unwrap_err(), result.unwrap_err()),
            }
        }
    }

    #[test]
    fn a_reply_to_what_had_no_readable_id_still_has_its_place() {
        let report = ErrorReport::malformed("id", "an id is needed");
        let read = reply(append_reply(3, None, Err(report))).unwrap();
        assert_eq!((read.position, read.id), (3, None));
        assert_eq!(read.result.unwrap_err().reason, Reason::Malformed);
    }

    #[test]
    fn a_reply_of_a_newer_node_is_unreadable_rather_than_nothing() {
        assert_eq!(reply(v1::AppendReply::default()), Err(Unreadable("result")));
    }
}
