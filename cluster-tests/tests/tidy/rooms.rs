//! What belongs in one room, and what the machine must do without.

use crate::source::Source;

/// Libraries that few folders own, because their API moves or their traps are many. The harness reads replicas with decoders of
/// its own: a bug in the product's reading can't hide one in its writing.
const OWNED: [(&str, &[&str]); 4] = [
    ("openraft", &["src/raft/"]),
    ("openraft_rt_tokio", &["src/raft/"]),
    ("rocksdb", &["src/store/", "cluster-tests/src/tables/", "cluster-tests/tests/scenarios/tables.rs"]),
    ("librocksdb_sys", &["src/store/"]),
];

/// Generated modules, and who may name them: those that translate.
const GENERATED: [(&str, &[&str]); 2] = [
    ("v1", &["src/wire/", "src/api/", "src/client/"]),
    // Only `raft` speaks to peers: see the decision on peer messages.
    ("peer", &["src/wire/", "src/raft/"]),
];

/// Words that would make the machine's answer depend on something else than its input.
const IMPURE: [&str; 16] = [
    "HashMap",
    "HashSet",
    "async",
    "await",
    "Instant",
    "SystemTime",
    "Utc",
    "now_v7",
    "new_v4",
    "rand",
    "f32",
    "f64",
    "thread",
    "Mutex",
    "env",
    "tokio",
];

/// Endings of names that make a constant a limit.
const LIMIT_NAMES: [&str; 3] = ["_MAX", "_LIMIT", "_TARGET"];

/// Constants with such a name that are no limits of ours: how wide an encoding can get, or how the database is set up.
const NOT_LIMITS: [(&str, &str); 7] = [
    ("src/machine/batch.rs", "HEADER_BYTES_MAX"),
    ("src/machine/batch.rs", "LENGTH_BYTES_MAX"),
    ("src/store/entry.rs", "VARINT_BYTES_MAX"),
    ("src/store/entry.rs", "ENTRY_HEAD_BYTES_MAX"),
    ("src/store/entry.rs", "MEMBER_FIXED_BYTES_MAX"),
    ("src/store/log/database.rs", "MEMTABLES_MAX"),
    ("src/store/log/database.rs", "CHATTER_BYTES_MAX"),
];

/// Libraries named outside their folder.
pub(crate) fn libraries(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (library, rooms) in OWNED.iter().filter(|(_, rooms)| !rooms.iter().any(|room| source.path.starts_with(room))) {
        for (line, code) in source.lines().filter(|(_, code)| has_word(code, library)) {
            found.push(source.at(line, format_args!("`{library}` belongs in {}: {}", rooms.join(", "), code.trim())));
        }
    }
    found
}

/// Generated types named past the layers that translate them.
pub(crate) fn generated(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !source.path.starts_with("src/") {
        return found;
    }
    for (module, rooms) in GENERATED.iter().filter(|(_, rooms)| !rooms.iter().any(|room| source.path.starts_with(room)))
    {
        for (line, code) in source.lines() {
            let path = format!("wire::{module}");
            let grouped = code.contains("wire::{") && has_word(code, module);
            if code.contains(&path) && !continues(code, &path) || grouped {
                found.push(source.at(line, format_args!("`{path}` stays in {}", rooms.join(", "))));
            }
        }
    }
    for (line, _) in source.lines().filter(|(_, code)| has_word(code, "include_proto")) {
        if !source.path.starts_with("src/wire/") {
            found.push(source.at(line, "generated code is included in src/wire/ only"));
        }
    }
    found
}

/// What the machine must do without. Its tests may use it.
pub(crate) fn machine(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if source.layer() != Some("machine") || source.is_test() {
        return found;
    }
    for (line, code) in source.shipped() {
        for word in IMPURE.iter().filter(|word| has_word(code, word)) {
            found.push(source.at(line, format_args!("`{word}`: {}", code.trim())));
        }
        for world in
            ["std::fs", "std::net", "std::time::SystemTime", "std::io"].iter().filter(|world| code.contains(**world))
        {
            found.push(source.at(line, format_args!("`{world}`: {}", code.trim())));
        }
    }
    found
}

/// Limits that are not in the room of limits.
pub(crate) fn limits(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !source.path.starts_with("src/") || source.path == "src/types/limits.rs" || source.is_test() {
        return found;
    }
    for (line, code) in source.shipped() {
        let Some((_, declared)) = code.split_once("const ") else { continue };
        let name: String =
            declared.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
        let excepted = NOT_LIMITS.contains(&(source.path.as_str(), name.as_str()));
        if LIMIT_NAMES.iter().any(|ending| name.ends_with(ending)) && !excepted {
            found.push(source.at(line, name));
        }
    }
    found
}

/// Whether the word stands in the code by itself.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        ![before, after].into_iter().flatten().any(|character| character.is_alphanumeric() || character == '_')
    })
}

/// Whether the path goes on as a longer word, everywhere that it occurs.
fn continues(code: &str, path: &str) -> bool {
    code.match_indices(path).all(|(at, _)| {
        code[at + path.len()..].chars().next().is_some_and(|character| character.is_alphanumeric() || character == '_')
    })
}

#[test]
fn a_library_outside_its_room_is_found() {
    let found = |path: &str, text: &str| libraries(&Source::new(path, text)).len();
    assert_eq!(found("src/engine/mod.rs", "use openraft::Raft;"), 1);
    assert_eq!(found("src/raft/mod.rs", "use openraft::Raft; use rocksdb::DB;"), 1);
    assert_eq!(found("src/engine/mod.rs", "// as openraft does\nlet a = \"rocksdb\";"), 0);
}

#[test]
fn a_generated_type_past_the_wire_is_found() {
    let found = |path: &str, text: &str| generated(&Source::new(path, text)).len();
    assert_eq!(found("src/engine/mod.rs", "use crate::wire::v1::AppendRequest;"), 1);
    assert_eq!(found("src/engine/mod.rs", "use crate::wire::{self, v1};"), 1);
    assert_eq!(found("src/engine/mod.rs", "use crate::wire::peer;"), 1);
    assert_eq!(found("src/engine/mod.rs", "use crate::wire::peers_of;"), 0);
    assert_eq!(found("src/raft/message.rs", "use crate::wire::peer::LogId;"), 0);
    assert_eq!(found("src/api/log_service.rs", "use crate::wire::v1::AppendRequest;"), 0);
    assert_eq!(found("src/api/log_service.rs", "tonic::include_proto!(a);"), 1);
}

#[test]
fn an_impure_machine_is_found() {
    let found = |path: &str, text: &str| machine(&Source::new(path, text)).len();
    assert_eq!(found("src/machine/run.rs", "use std::collections::HashMap;"), 1);
    assert_eq!(found("src/machine/run.rs", "let now = Instant::now();"), 1);
    assert_eq!(found("src/machine/run.rs", "pub async fn run() {}"), 1);
    assert_eq!(found("src/machine/run.rs", "use std::collections::BTreeMap; // no HashMap"), 0);
    assert_eq!(found("src/machine/tests/model.rs", "use std::collections::HashMap;"), 0);
    assert_eq!(found("src/engine/mod.rs", "use std::collections::HashMap;"), 0);
}

#[test]
fn a_limit_outside_its_room_is_found() {
    let found = |path: &str, text: &str| limits(&Source::new(path, text)).len();
    assert_eq!(found("src/engine/queue.rs", "const QUEUE_PROPOSALS_MAX: usize = 1;"), 1);
    assert_eq!(found("src/types/limits.rs", "pub const QUEUE_PROPOSALS_MAX: usize = 1;"), 0);
    assert_eq!(found("src/engine/queue.rs", "const PAUSE: u8 = 1; use limits::QUEUE_PROPOSALS_MAX;"), 0);
    assert_eq!(found("src/machine/batch.rs", "const HEADER_BYTES_MAX: usize = 21;"), 0);
}
