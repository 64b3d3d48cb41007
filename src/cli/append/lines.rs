//! The lines of a batch: which record each is, and under which id.

use std::io;

use futures::stream::{Stream, try_unfold};
use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::cli::arguments::Lines;
use crate::cli::json::{self, Node};
use crate::cli::problem::Problem;
use crate::types::limits::{BATCH_LINE_BYTES_MAX, RECORD_BYTES_MAX};
use crate::types::{Id, NewRecord};

/// Opens what `--batch` names, and says how many bytes it has, if it is a file.
pub(super) fn open(source: &str) -> Result<(Box<dyn AsyncRead + Unpin>, Option<u64>), Problem> {
    if source == "-" {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let file = std::fs::File::open(source).map_err(|error| unreadable(source, &error))?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(File::from_std(file)), size))
}

pub(super) fn unreadable(source: &str, error: &io::Error) -> Problem {
    Problem::failure(
        format!("cannot read {source}: {error}"),
        "Name a file of lines, or - for standard input. What was read before is sent; run it again with the same ids.",
    )
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1, as editors do.
    pub(super) number: u64,
    pub(super) bytes: u64,
    /// What it says, or what is wrong with it.
    pub(super) append: Result<(Option<Id>, NewRecord), String>,
}

/// Reads line after line, each as it is asked for. One that is too long ends it: nobody knows what would follow.
pub(super) fn read(
    source: impl AsyncRead + Unpin,
    lines: Lines,
    id_prefix: Option<&str>,
) -> impl Stream<Item = io::Result<Line>> {
    let source = BufReader::with_capacity(1 << 16, source);
    try_unfold((source, 1), move |(mut source, number)| async move {
        let Some((bytes, text)) = next(&mut source, number).await? else { return Ok(None) };
        let append = append(text, lines).and_then(|(id, record)| {
            let numbered = || id_prefix.map(|prefix| Id::new(format!("{prefix}{number}")));
            let id = id.map(Ok).or_else(numbered).transpose().map_err(|error| error.to_string())?;
            Ok((id, record))
        });
        Ok(Some((Line { number, bytes, append }, (source, number + 1))))
    })
}

/// How many bytes the next line has, and its text.
async fn next(source: &mut (impl AsyncBufRead + Unpin), number: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let (mut text, limit) = (Vec::new(), BATCH_LINE_BYTES_MAX as u64 + 1);
    let bytes = source.take(limit).read_until(b'\n', &mut text).await? as u64;
    if text.pop_if(|last| *last == b'\n').is_none() && bytes == limit {
        let message = format!("line {number} has more than {BATCH_LINE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok((bytes > 0).then_some((bytes, text)))
}

fn append(text: Vec<u8>, lines: Lines) -> Result<(Option<Id>, NewRecord), String> {
    let (id, record) = match lines {
        Lines::Text => (None, NewRecord::new(text)),
        Lines::Jsonl => object(&text)?,
    };
    match record.payload.len() {
        0..=RECORD_BYTES_MAX => Ok((id, record)),
        long => Err(format!("a record has at most {RECORD_BYTES_MAX} bytes, not {long}")),
    }
}

/// A record as a line of JSON: what `read -o jsonl` prints can be read back, place and time apart.
fn object(text: &[u8]) -> Result<(Option<Id>, NewRecord), String> {
    let read = Node::parse(text).and_then(|node| {
        node.object("a record, as { \"payload\": … },", |it| {
            let id = match (it.may::<String>("id")?, it.may("birth_ms")?) {
                (None, None) => None,
                (None, Some(_)) => return Err("a `birth_ms` belongs to an `id`, which is missing".to_owned()),
                (Some(text), None) => Some(Id::new(text).map_err(|error| error.to_string())?),
                (Some(text), Some(birth_ms)) => Some(json::with_birth(&text, birth_ms)?),
            };
            let record = json::record(it)?;
            it.may::<u64>("offset")?;
            it.may::<u64>("time_ms")?;
            Ok((id, record))
        })
    });
    // It is one line, whose number is told anyway.
    read.map_err(|error| error.trim_start_matches("line 1, ").to_owned())
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, TryStreamExt as _};

    use crate::types::LogTime;

    use super::*;

    fn read(lines: Lines, text: &[u8]) -> Vec<Line> {
        super::read(text, lines, None).try_collect().now_or_never().unwrap().unwrap()
    }

    #[test]
    fn a_text_line_is_the_record_to_the_last_byte() {
        let lines = read(Lines::Text, b"a\n\n b\xff\r\nlast");
        let payloads: Vec<_> = lines.iter().map(|line| &line.append.as_ref().unwrap().1.payload[..]).collect();
        assert_eq!(payloads, [&b"a"[..], b"", b" b\xff\r", b"last"]);
        assert_eq!(
            lines.iter().map(|line| (line.number, line.bytes)).collect::<Vec<_>>(),
            [(1, 2), (2, 1), (3, 5), (4, 4)]
        );
    }

    #[test]
    fn a_line_of_json_says_everything_that_a_record_has() {
        let text = br#"{"id":"pay-1","birth_ms":7,"payload":"x","headers":[{"key":"k","value_base64":"/w=="}]}"#;
        let [line] = read(Lines::Jsonl, text).try_into().unwrap();
        let (id, record) = line.append.unwrap();
        assert_eq!(id, Some(Id::with_birth("pay-1", LogTime::from_ms(7).unwrap()).unwrap()));
        assert_eq!(&record.payload[..], b"x");
        assert_eq!((record.headers[0].key.as_str(), &record.headers[0].value[..]), ("k", &b"\xff"[..]));
    }

    #[test]
    fn what_read_prints_is_read_back() {
        let text = br#"{"offset":0,"time_ms":5,"id":"pay-7","payload_base64":"/w=="}"#;
        let [line] = read(Lines::Jsonl, text).try_into().unwrap();
        assert_eq!(&line.append.unwrap().1.payload[..], b"\xff");
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told() {
        let wrong = |text: &str| read(Lines::Jsonl, text.as_bytes()).remove(0).append.unwrap_err();
        assert_eq!(wrong("{}"), "`payload` or `payload_base64` is missing");
        assert_eq!(wrong(r#"{"payload":"x","payload_base64":""}"#), "give `payload` or `payload_base64`, not both");
        assert_eq!(wrong(r#"{"payload":"x","birth_ms":1}"#), "a `birth_ms` belongs to an `id`, which is missing");
        assert!(wrong(r#"{"payload":"x","idd":"a"}"#).starts_with("there is no field `idd` here, but `id`"));
        assert_eq!(wrong(r#"["x"]"#), "a record, as { \"payload\": … }, belongs here, not a list");
        assert_eq!(wrong("not json"), "column 2: expected ident");
        let long = vec![b'x'; RECORD_BYTES_MAX + 1];
        assert!(read(Lines::Text, &long).remove(0).append.unwrap_err().contains("at most"));
    }

    #[test]
    fn a_line_without_an_end_is_not_gathered_without_one() {
        let mut endless = BufReader::new(tokio::io::repeat(b'x'));
        let error = next(&mut endless, 1).now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
