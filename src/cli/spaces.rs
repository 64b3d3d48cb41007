//! `space …`: what spaces remember, and how old duplicates are when they come.
//!
//! - Spaces are made and changed by commands in the reserved space, so their answers name that one.
//! - Each node counts the duplicates that it has seen itself, so each is asked; one that does not answer is named.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use crate::client::Error;
use crate::types::{
    Action, Consistency, Duplicates, DuplicatesOfAge, Memory, SpaceDescription, SpaceName, SpacePolicy,
};

use super::arguments::{Format, Space};
use super::call::{self, Call, named};
use super::column::Column;
use super::json;
use super::output::Output;
use super::problem::Problem;
use super::status::why;
use super::value::Value;

fn columns() -> Vec<Column<SpaceDescription>> {
    vec![
        Column::new("name", "NAME", |space: &SpaceDescription| space.name.as_str().to_owned()),
        Column::new("memory", "MEMORY", |space: &SpaceDescription| json::memory(space.policy.memory)),
        Column::new("logs", "LOGS", |space: &SpaceDescription| json::log_creation(space.policy.logs)),
        Column::new("ids", "IDS", |space: &SpaceDescription| space.ids),
        Column::new("id_bytes", "SIZE", |space: &SpaceDescription| Value::Size(space.id_bytes)),
        Column::new("floor_ms", "FLOOR", |space: &SpaceDescription| match space.policy.memory {
            Memory::Forever => Value::None,
            Memory::For(_) => Value::Time(space.floor),
        }),
        Column::new("clock_ms", "CLOCK", |space: &SpaceDescription| space.clock).spare(),
        Column::new("last_sequence", "SEQUENCE", |space: &SpaceDescription| space.last_sequence.0).spare(),
    ]
}

/// A space with what each node has seen of duplicates.
struct Described {
    space: SpaceDescription,
    nodes: Vec<Seen>,
}

/// What a node has seen, or why it did not say.
struct Seen {
    address: String,
    duplicates: Result<Duplicates, String>,
}

impl Seen {
    fn new(address: String, duplicates: Result<Duplicates, Error>) -> Self {
        Self { address, duplicates: duplicates.map_err(|error| why(&error)) }
    }

    fn ages(&self) -> &[DuplicatesOfAge] {
        self.duplicates.as_ref().map_or(&[], |seen| &seen.ages)
    }

    fn json(&self) -> serde_json::Value {
        let age = |age: &DuplicatesOfAge| json!({"below_ms": age.below.map(ms), "count": age.count});
        match &self.duplicates {
            Ok(seen) => json!({
                "address": self.address,
                "node_id": seen.node.0,
                "duplicates": seen.ages.iter().map(age).collect::<Vec<_>>(),
            }),
            Err(problem) => json!({"address": self.address, "problem": problem}),
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) async fn run(call: &mut Call, space: Space) -> Result<(), Problem> {
    match space {
        Space::List { local } => {
            let page = async |last: Option<&SpaceDescription>| {
                call.client.list_spaces(last.map(|space| &space.name), local.consistency()).await
            };
            let spaces = call::all(page).await?;
            call.out.many("spaces", &columns(), &spaces)
        }
        Space::Describe { name, local } => {
            let described = describe(call, name, local.consistency()).await?;
            print(&mut call.out, &described)
        }
        Space::Create { name, memory, logs, id } => {
            let action = Action::CreateSpace { name: name.clone(), policy: SpacePolicy { memory, logs } };
            call.act(id, None, action, |_| Some(named(name.as_str()))).await
        }
        Space::Set { name, memory, logs, id } => {
            let action = Action::SetSpace { name: name.clone(), memory, logs };
            call.act(id, None, action, |_| Some(named(name.as_str()))).await
        }
        Space::Delete { name, yes: false, .. } => Err(Problem::usage(
            format!("everything in space `{name}` would be deleted, for ever"),
            "Give --yes to confirm it.",
        )),
        Space::Delete { name, yes: true, id } => {
            let action = Action::DeleteSpace { name: name.clone() };
            call.act(id, None, action, |_| Some(named(name.as_str()))).await
        }
    }
}

async fn describe(call: &Call, name: SpaceName, consistency: Consistency) -> Result<Described, Problem> {
    let client = call.client.in_space(name);
    let (space, _) = client.describe_space(consistency).await?;
    let addresses: Vec<String> = client.addresses().map(str::to_owned).collect();
    let nodes = join_all(addresses.into_iter().map(async |address| {
        let seen = client.describe_space_at(&address, consistency).await;
        Seen::new(address, seen.map(|(_, duplicates)| duplicates))
    }));
    Ok(Described { space, nodes: nodes.await })
}

fn print(out: &mut Output, described: &Described) -> Result<(), Problem> {
    let mut all: Vec<_> = columns().into_iter().map(|column| column.of(|of: &Described| &of.space)).collect();
    all.push(Column::json("nodes", |of: &Described| of.nodes.iter().map(Seen::json).collect::<serde_json::Value>()));
    out.one(&all, described)?;
    if out.format() == Format::Table {
        print_duplicates(out, &described.nodes)?;
    }
    if matches!(out.format(), Format::Json | Format::Jsonl) {
        return Ok(());
    }
    for node in &described.nodes {
        if let Err(problem) = &node.duplicates {
            let message = format!("{} did not say which duplicates it has seen: {problem}", node.address);
            out.report(&Problem::unavailable(message, "Check the node; the others have answered."));
        }
    }
    Ok(())
}

/// One row a node and an age at which duplicates came.
fn print_duplicates(out: &mut Output, nodes: &[Seen]) -> Result<(), Problem> {
    let of_node = |node: &Seen| {
        let name = node.duplicates.as_ref().map_or_else(|_| node.address.clone(), |seen| seen.node.to_string());
        let age = move |age: &DuplicatesOfAge| (name.clone(), age.below, age.count);
        node.ages().iter().filter(|age| age.count > 0).map(age).collect::<Vec<_>>()
    };
    let rows: Vec<(String, Option<Duration>, u64)> = nodes.iter().flat_map(of_node).collect();
    out.text("")?;
    if rows.is_empty() {
        return out.text("No duplicate has come since the nodes started.");
    }
    let younger_than = |below: Option<Duration>| match below {
        Some(below) => format!("younger than {}", humantime::format_duration(below)),
        None => "older".to_owned(),
    };
    let columns = [
        Column::shown("NODE", |(node, _, _): &(String, Option<Duration>, u64)| node.clone()),
        Column::shown("AGE", move |(_, below, _): &(String, Option<Duration>, u64)| younger_than(*below)),
        Column::shown("DUPLICATES", |(_, _, count): &(String, Option<Duration>, u64)| *count),
    ];
    out.text("Duplicates that came since the nodes started, by their age:")?;
    out.rows(&columns, &rows)
}

#[cfg(test)]
mod tests {
    use crate::cli::output::printed;
    use crate::types::{LogCreation, LogTime, NodeId, Sequence};

    use super::*;

    fn described() -> Described {
        let space = SpaceDescription {
            name: SpaceName::new("devices").unwrap(),
            policy: SpacePolicy { memory: Memory::For(Duration::from_hours(24)), logs: LogCreation::Explicit },
            floor: LogTime::ZERO,
            clock: LogTime::from_ms(1_760_000_000_123).unwrap(),
            ids: 2,
            id_bytes: 129,
            last_sequence: Sequence(7),
        };
        let node = |number, counts: [u64; 3]| {
            let belows = [Some(Duration::from_secs(1)), Some(Duration::from_mins(10)), None];
            let ages = belows.into_iter().zip(counts).map(|(below, count)| DuplicatesOfAge { below, count }).collect();
            Seen::new(format!("n{number}:1"), Ok(Duplicates { node: NodeId(number), ages }))
        };
        Described { space, nodes: vec![node(1, [2, 0, 1]), node(2, [0, 0, 3])] }
    }

    #[test]
    fn a_space_is_shown_with_the_ages_at_which_duplicates_came_to_each_node() {
        let printed = |format| printed(format, |out| print(out, &described()));
        let expected = "NAME     MEMORY  LOGS      IDS  SIZE   FLOOR  CLOCK                     SEQUENCE\n\
                        devices  1day    explicit  2    129 B  -      2025-10-09T08:53:20.123Z  7\n\n\
                        Duplicates that came since the nodes started, by their age:\n\
                        NODE  AGE              DUPLICATES\n\
                        1     younger than 1s  2\n\
                        1     older            1\n\
                        2     older            3\n";
        assert_eq!(printed(Format::Table), expected);
        let plain = "devices\t1day\texplicit\t2\t129\t-\t2025-10-09T08:53:20.123Z\t7\n";
        assert_eq!(printed(Format::Plain), plain);
        let line: serde_json::Value = serde_json::from_str(&printed(Format::Jsonl)).unwrap();
        assert_eq!((&line["memory"], &line["floor_ms"]), (&"1day".into(), &0.into()));
        assert_eq!(line["nodes"][1]["duplicates"][2], json!({"below_ms": null, "count": 3}));
    }

    #[test]
    fn that_no_duplicate_has_come_is_said() {
        let table = printed(Format::Table, |out| print(out, &Described { nodes: Vec::new(), ..described() }));
        assert!(table.ends_with("No duplicate has come since the nodes started.\n"), "{table}");
    }
}
