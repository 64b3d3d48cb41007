//! What an append got, as it is printed.

use crate::client::Appended;
use crate::types::{Id, LogName, SpaceName};

use super::call;
use super::column::Column;
use super::value;

/// What an append got.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) space: SpaceName,
    pub(super) log: LogName,
    pub(super) id: Id,
    pub(super) appended: Appended,
}

pub(super) fn columns() -> Vec<Column<Answer>> {
    vec![
        Column::json("space", |answer: &Answer| answer.space.as_str().to_owned()),
        Column::json("log", |answer: &Answer| answer.log.as_str().to_owned()),
        Column::new("offset", "OFFSET", |answer: &Answer| answer.appended.first.0),
        Column::json("count", |answer: &Answer| answer.appended.count),
        Column::json("replayed", |answer: &Answer| answer.appended.replayed),
        Column::shown("ARRIVAL", |answer: &Answer| call::arrival(answer.appended.replayed)),
        Column::new("sequence", "SEQUENCE", |answer: &Answer| answer.appended.sequence.0),
        call::id_column(|answer: &Answer| &answer.id),
        Column::json("birth_ms", |answer: &Answer| value::birth_beside(&answer.id)),
        Column::json("history", |answer: &Answer| answer.appended.history.0),
        Column::json("time_ms", |answer: &Answer| answer.appended.time),
    ]
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::Format;
    use crate::cli::output::printed;
    use crate::types::{History, LogTime, Offset, Sequence};

    use super::*;

    #[test]
    fn the_answer_says_where_and_whether_it_was_the_first() {
        let appended = Appended {
            first: Offset(41),
            count: 1,
            replayed: true,
            sequence: Sequence(9),
            history: History(3),
            time: LogTime::from_ms(5).unwrap(),
        };
        let (log, id) = (LogName::new("orders").unwrap(), Id::new("pay-1").unwrap());
        let answer = Answer { space: SpaceName::main(), log, id, appended };
        let printed = |format| printed(format, |out| out.one(&columns(), &answer));
        assert_eq!(printed(Format::Table), "OFFSET  ARRIVAL   SEQUENCE  ID\n41      replayed  9         pay-1\n");
        assert_eq!(printed(Format::Plain), "41\treplayed\t9\tpay-1\n");
        let expected = "{\"space\":\"main\",\"log\":\"orders\",\"offset\":41,\"count\":1,\"replayed\":true,\"sequence\":9,\
                        \"id\":\"pay-1\",\"history\":3,\"time_ms\":5}\n";
        assert_eq!(printed(Format::Jsonl), expected);
    }
}
