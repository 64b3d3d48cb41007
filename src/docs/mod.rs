//! The pages beside the code: what it promises, how to use it, how to run it, how it works, and why.
//!
//! - The tests compile the Rust examples of the pages and of the README.
//! - Every reason and every setting has a row in its page; tests hold that.
//! - Every decision is in the index of decisions; a test holds that, too.

#![expect(clippy::doc_markdown, reason = "the pages are also read as they are, without a renderer")]

/// The picture, the layers, how a write and a read go, and why it is so.
pub mod architecture {
    #![doc = include_str!("../../ARCHITECTURE.md")]
}

/// What is promised, what is not, and how to choose ids.
pub mod guarantees {
    #![doc = include_str!("guarantees.md")]
}

/// How programs use it: the Rust library, and rules for clients in other languages.
pub mod clients {
    #![doc = include_str!("clients.md")]
}

/// How to write a command in JSON, and how its outcome is printed.
pub mod commands {
    #![doc = include_str!("commands.md")]
}

/// Every error: what happened, what to do, and how it looks on the wire, in the library and to scripts.
pub mod errors {
    #![doc = include_str!("errors.md")]
}

/// What it does on a small machine, what that costs, and how to measure it.
pub mod performance {
    #![doc = include_str!("performance.md")]
}

/// How to start, watch and repair a cluster.
pub mod operations {
    #![doc = include_str!("operations.md")]
}

/// What attacks the promises, and how to do it yourself.
pub mod chaos {
    #![doc = include_str!("chaos.md")]
}

/// What the attacks have found so far, and how long they went on.
pub mod track_record {
    #![doc = include_str!("track-record.md")]
}

/// Every setting, and every limit that can't be set.
pub mod configuration {
    #![doc = include_str!("configuration.md")]
}

/// The words, one sentence each.
pub mod glossary {
    #![doc = include_str!("glossary.md")]
}

/// The index of decisions; each has its page below.
pub mod decisions {
    #![doc = include_str!("decisions/README.md")]

    pub mod a_holder_claims_what_follows_from_answers {
        #![doc = include_str!("decisions/a-holder-claims-what-follows-from-answers.md")]
    }

    pub mod adopt_before_handling {
        #![doc = include_str!("decisions/adopt-before-handling.md")]
    }

    pub mod an_outbox_keeps_canonical_bytes {
        #![doc = include_str!("decisions/an-outbox-keeps-canonical-bytes.md")]
    }

    pub mod below_the_start_is_an_error {
        #![doc = include_str!("decisions/below-the-start-is-an-error.md")]
    }

    pub mod csv_and_doubt_are_exact {
        #![doc = include_str!("decisions/csv-and-doubt-are-exact.md")]
    }

    pub mod damaged_nodes_exit {
        #![doc = include_str!("decisions/damaged-nodes-exit.md")]
    }

    pub mod entries_are_framed_for_each_follower {
        #![doc = include_str!("decisions/entries-are-framed-for-each-follower.md")]
    }

    pub mod forgetting_by_eras {
        #![doc = include_str!("decisions/forgetting-by-eras.md")]
    }

    pub mod history_travels_with_members {
        #![doc = include_str!("decisions/history-travels-with-members.md")]
    }

    pub mod limits_live_at_the_door {
        #![doc = include_str!("decisions/limits-live-at-the-door.md")]
    }

    pub mod logs_are_trimmed_in_pieces {
        #![doc = include_str!("decisions/logs-are-trimmed-in-pieces.md")]
    }

    pub mod one_clock_for_all_spaces {
        #![doc = include_str!("decisions/one-clock-for-all-spaces.md")]
    }

    pub mod peer_messages_are_translated_in_raft {
        #![doc = include_str!("decisions/peer-messages-are-translated-in-raft.md")]
    }

    pub mod streams_look_up_while_wary {
        #![doc = include_str!("decisions/streams-look-up-while-wary.md")]
    }

    pub mod the_crate_offers_the_client_alone {
        #![doc = include_str!("decisions/the-crate-offers-the-client-alone.md")]
    }

    pub mod the_first_machine_version_grew {
        #![doc = include_str!("decisions/the-first-machine-version-grew.md")]
    }

    pub mod versions_are_sequences {
        #![doc = include_str!("decisions/versions-are-sequences.md")]
    }

    pub mod what_is_deleted_leaves_a_mark {
        #![doc = include_str!("decisions/what-is-deleted-leaves-a-mark.md")]
    }

    pub mod what_is_too_old_by_the_clock_is_refused {
        #![doc = include_str!("decisions/what-is-too-old-by-the-clock-is-refused.md")]
    }
}

/// Compiled, never shown: the README is for readers who have not opened this yet.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(all(test, feature = "server"))]
mod tests {
    use crate::client::{Cause, Error, ErrorReport, Reason};
    use crate::node::config;
    use crate::types::AttemptEffect;

    const ERRORS: &str = include_str!("errors.md");
    const CONFIGURATION: &str = include_str!("configuration.md");

    /// The one row of a table whose first cell is this word.
    fn row<'a>(page: &'a str, word: &str) -> &'a str {
        let start = format!("| `{word}` |");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with(&start)).collect();
        match rows.as_slice() {
            [row] => row,
            _ => panic!("`{word}` has {} rows", rows.len()),
        }
    }

    /// The cells of a row, without what makes them look like code.
    fn cells(row: &str) -> Vec<String> {
        row.split('|').map(|cell| cell.trim().replace('`', "")).collect()
    }

    /// `InvalidArgument` as `INVALID_ARGUMENT`.
    fn screaming(name: &str) -> String {
        let mut spelled = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !spelled.is_empty() {
                spelled.push('_');
            }
            spelled.extend(letter.to_uppercase());
        }
        spelled
    }

    #[test]
    fn every_reason_is_in_the_page_with_its_code_and_kind() {
        for reason in Reason::ALL {
            let cells = cells(row(ERRORS, reason.as_str()));
            let code = screaming(&format!("{:?}", reason.code()));
            assert!(cells.contains(&code), "{reason} travels as {code}: {cells:?}");
            let error = Error {
                doing: String::new(),
                id: None,
                effect: AttemptEffect::None,
                cause: Cause::Refused(Box::new(ErrorReport::without_effect(*reason, ""))),
                tried: Vec::new(),
            };
            let kind = format!("{:?}", error.kind());
            assert!(cells.contains(&kind), "{reason} is of the kind {kind}: {cells:?}");
        }
    }

    #[test]
    fn every_setting_is_in_the_page_with_its_default() {
        let defaults = config::Settings::gather([], |_| None, None).expect("nothing is given").to_toml();
        let table: toml::Table = defaults.parse().expect("what is printed is TOML");
        for name in config::setting_names() {
            let row = row(CONFIGURATION, name);
            match table.get(name) {
                None => assert!(row.contains("must be given"), "{row}"),
                // Those that follow another say so.
                Some(_) if row.contains("| as `") => {}
                Some(toml::Value::String(text)) => assert!(row.contains(&format!("| `{text}` |")), "{row}"),
                Some(number) => assert!(row.contains(&format!("`{number}`")), "{row}"),
            }
        }
    }
}
