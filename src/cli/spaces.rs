//! `space …`: what spaces remember, and how old duplicates are when they come.
//!
//! - Spaces are made and changed by commands in the reserved space, so their answers name that one.
//! - Each node counts the duplicates that it has seen itself, so each is asked; one that does not answer is named.

use serde_json::json;

use crate::client::{Client, Error};
use crate::types::{Action, Consistency, Duplicates, DuplicatesOfAge, Memory, NodeId, SpaceDescription, SpacePolicy};

use super::arguments::{Format, Space};
use super::call::{self, Call};
use super::column::Column;
use super::json;
use super::nodes::{self, Asked};
use super::output::{self, Output};
use super::problem::Problem;
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
    nodes: Vec<Asked<Duplicates>>,
}

fn columns_of_node() -> Vec<Column<Asked<Duplicates>>> {
    let age = |age: &DuplicatesOfAge| {
        let below = age.below.map(|below| u64::try_from(below.as_millis()).unwrap_or(u64::MAX));
        json!({"below_ms": below, "count": age.count})
    };
    let ages = move |seen: &Duplicates| seen.ages.iter().map(age).collect::<serde_json::Value>();
    vec![
        Column::json("address", |of: &Asked<_>| of.address.clone()),
        Column::json("node_id", |of: &Asked<Duplicates>| of.said().map(|seen| seen.node.0)),
        Column::json("duplicates", move |of: &Asked<Duplicates>| of.said().map(ages)),
        Column::json("problem", Asked::silence),
    ]
}

pub(super) async fn run(call: &mut Call, space: Space) -> Result<(), Problem> {
    match space {
        Space::List(local) => {
            let page = async |last: Option<&SpaceDescription>| {
                call.client.list_spaces(last.map(|space| &space.name), local.consistency()).await
            };
            let spaces = call::all(page).await?;
            call.out.many("spaces", &columns(), &spaces)
        }
        Space::Describe { name, local } => {
            let described = describe(&call.client.in_space(name), local.consistency()).await?;
            print(&mut call.out, &described)
        }
        Space::Create { name, memory, logs, id } => {
            call.act(id, None, Action::CreateSpace { name, policy: SpacePolicy { memory, logs } }).await
        }
        Space::Set { name, memory, logs, id } => call.act(id, None, Action::SetSpace { name, memory, logs }).await,
        Space::Delete { name, yes: false, .. } => Err(Problem::usage(
            format!("everything in space `{name}` would be deleted, for ever"),
            "Give --yes to confirm it.",
        )),
        Space::Delete { name, yes: true, id } => call.act(id, None, Action::DeleteSpace { name }).await,
    }
}

async fn describe(client: &Client, consistency: Consistency) -> Result<Described, Error> {
    let (space, _) = client.describe_space(consistency).await?;
    let seen = async |address: &str| Ok(client.describe_space_at(address, consistency).await?.1);
    Ok(Described { space, nodes: nodes::ask(client.addresses(), seen).await })
}

fn print(out: &mut Output, described: &Described) -> Result<(), Problem> {
    let mut all: Vec<_> = columns().into_iter().map(|column| column.of(|of: &Described| &of.space)).collect();
    all.push(Column::json("nodes", |of: &Described| output::objects(&columns_of_node(), &of.nodes)));
    out.one(&all, described)?;
    match out.format() {
        Format::Json | Format::Jsonl => return Ok(()),
        Format::Table => print_duplicates(out, &described.nodes)?,
        Format::Plain | Format::Csv => {}
    }
    for node in &described.nodes {
        if let Some(problem) = node.silence() {
            let message = format!("{} did not say which duplicates it has seen: {problem}", node.address);
            out.report(&Problem::unavailable(message, "Check the node; the others have answered."));
        }
    }
    Ok(())
}

/// One row a node and an age at which duplicates came.
fn print_duplicates(out: &mut Output, nodes: &[Asked<Duplicates>]) -> Result<(), Problem> {
    let seen = nodes.iter().filter_map(Asked::said);
    let rows = seen.flat_map(|seen| seen.ages.iter().map(|age| (seen.node, *age)));
    let rows: Vec<(NodeId, DuplicatesOfAge)> = rows.filter(|(_, age)| age.count > 0).collect();
    out.text("")?;
    if rows.is_empty() {
        return out.text("No duplicate has come since the nodes started.");
    }
    let younger_than = |below| format!("younger than {}", humantime::format_duration(below));
    let columns = [
        Column::shown("NODE", |(node, _): &(NodeId, DuplicatesOfAge)| node.0),
        Column::shown("AGE", move |(_, age): &(_, DuplicatesOfAge)| {
            age.below.map_or_else(|| "older".to_owned(), younger_than)
        }),
        Column::shown("DUPLICATES", |(_, age): &(_, DuplicatesOfAge)| age.count),
    ];
    out.text("Duplicates that came since the nodes started, by their age:")?;
    out.rows(&columns, &rows)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::output::printed;
    use crate::types::{LogCreation, LogTime, Sequence, SpaceName};

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
            Asked { address: format!("n{number}:1"), answer: Ok(Duplicates { node: NodeId(number), ages }) }
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
