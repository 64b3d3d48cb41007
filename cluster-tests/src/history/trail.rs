//! Finds in the file of a history the events that matter for something that was found.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use super::Name;

/// How many events are enough to see what happened.
const ENOUGH: usize = 10;
/// A longer line is cut.
const LINE_CHARACTERS: usize = 600;
/// What is done to a cluster: it matters where nothing else is known to.
const DEEDS: [&str; 6] = ["mark", "fault", "healed", "recovery", "round", "ended"];

/// The lines that are about any of these ids, or else those about what was done to the cluster: when there are too many, the
/// first and the last of them.
pub fn lines(path: &Path, ids: &[Name]) -> io::Result<Vec<String>> {
    let quoted: Vec<String> = ids.iter().filter_map(|id| serde_json::to_string(id).ok()).collect();
    let about_ids = find(path, |line| quoted.iter().any(|id| line.contains(id.as_str())))?;
    if !about_ids.is_empty() {
        return Ok(about_ids);
    }
    let deeds = DEEDS.map(|deed| format!("{{\"{deed}\":"));
    find(path, |line| deeds.iter().any(|deed| line.starts_with(deed.as_str())))
}

fn find(path: &Path, is_wanted: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let (mut first, mut last) = (Vec::new(), std::collections::VecDeque::new());
    for line in BufReader::with_capacity(1 << 20, File::open(path)?).split(b'\n') {
        let line = line?;
        let Some(line) = std::str::from_utf8(&line).ok().filter(|line| is_wanted(line)) else { continue };
        let line = cut(line);
        if first.len() < ENOUGH / 2 {
            first.push(line);
        } else {
            last.push_back(line);
            if last.len() > ENOUGH - ENOUGH / 2 {
                last.pop_front();
            }
        }
    }
    first.extend(last);
    Ok(first)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARACTERS) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_first_and_the_last_events_about_an_id_are_found_or_what_was_done() {
        let scratch = Scratch::new("trail");
        let path = scratch.path().join("history.jsonl");
        let of = |id: &str, number: usize| format!("{{\"attempt\":{{\"id\":\"{id}\",\"node\":{number}}}}}\n");
        let mut text: String = (0..30).map(|number| of("a", number) + &of("b", number)).collect();
        text.push_str("{\"fault\":{\"kind\":\"kill-all\"}}\n");
        std::fs::write(&path, text).unwrap();
        let found = lines(&path, &[Name::of("a")]).unwrap();
        let expected = [0, 1, 2, 3, 4, 25, 26, 27, 28, 29].map(|number| of("a", number).trim().to_owned());
        assert_eq!(found, expected);
        assert_eq!(lines(&path, &[Name::of("c")]).unwrap(), ["{\"fault\":{\"kind\":\"kill-all\"}}"]);
        assert_eq!(lines(&path, &[]).unwrap().len(), 1);
    }
}
