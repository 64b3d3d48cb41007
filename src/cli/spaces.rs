//! `space …`: what spaces remember, and how old duplicates are when they come.
//!
//! - Spaces are made and changed by commands in the reserved space, so their answers name that one.
//! - Each node counts the duplicates that it has seen itself, so each is asked; one that does not answer is named.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use bytesize::ByteSize;
use futures::future::join_all;
use serde::Serialize;

use crate::client::{Client, Error};
use crate::types::{Action, Consistency, Duplicates, LogTime, Memory, SpaceDescription, SpaceName, SpacePolicy};

use super::answer::{self, Answer, Named};
use super::arguments::{Options, Space};
use super::json;
use super::output::{self, Format, NONE, Row};
use super::report::{self, Problem};

/// A space as it is printed.
#[derive(Debug, Serialize)]
struct SpaceRow {
    name: String,
    memory: String,
    logs: &'static str,
    ids: u64,
    id_bytes: u64,
    /// None if it never forgets; 0 if it has forgotten nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_ms: Option<u64>,
    clock_ms: u64,
    last_sequence: u64,
}

impl SpaceRow {
    fn new(space: &SpaceDescription) -> Self {
        let floor = match space.policy.memory {
            Memory::Forever => None,
            Memory::For(_) => Some(space.floor.as_ms()),
        };
        Self {
            name: space.name.as_str().to_owned(),
            memory: json::memory(space.policy.memory),
            logs: json::log_creation(space.policy.logs),
            ids: space.ids,
            id_bytes: space.id_bytes,
            floor_ms: floor,
            clock_ms: space.clock.as_ms(),
            last_sequence: space.last_sequence.0,
        }
    }
}

impl Row for SpaceRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "MEMORY", "LOGS", "IDS", "SIZE", "FLOOR", "CLOCK", "SEQUENCE"];

    fn cells(&self) -> Vec<String> {
        let time = |ms| output::time(LogTime::from_ms_saturating(ms));
        vec![
            self.name.clone(),
            self.memory.clone(),
            self.logs.to_owned(),
            self.ids.to_string(),
            ByteSize::b(self.id_bytes).to_string(),
            self.floor_ms.filter(|ms| *ms > 0).map_or_else(|| NONE.to_owned(), time),
            time(self.clock_ms),
            self.last_sequence.to_string(),
        ]
    }

    fn plain(&self) -> Vec<u8> {
        let Self { name, memory, logs, ids, id_bytes, clock_ms, last_sequence, .. } = self;
        let floor = self.floor_ms.map_or_else(|| NONE.to_owned(), |floor| floor.to_string());
        format!("{name}\t{memory}\t{logs}\t{ids}\t{id_bytes}\t{floor}\t{clock_ms}\t{last_sequence}").into_bytes()
    }
}

/// A space with what each node has seen of duplicates.
#[derive(Debug, Serialize)]
struct Document {
    #[serde(flatten)]
    space: SpaceRow,
    nodes: Vec<NodeFields>,
}

#[derive(Debug, Serialize)]
struct NodeFields {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicates: Option<Vec<AgeFields>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// How many duplicates were younger than this, and not younger than the one before.
#[derive(Debug, Serialize)]
struct AgeFields {
    below_ms: Option<u64>,
    count: u64,
}

impl NodeFields {
    fn new(address: String, seen: Result<Duplicates, Error>) -> Self {
        match seen {
            Ok(Duplicates { node, ages }) => {
                let below_ms = |below: Duration| u64::try_from(below.as_millis()).unwrap_or(u64::MAX);
                let ages = ages.iter().map(|age| AgeFields { below_ms: age.below.map(below_ms), count: age.count });
                Self { address, node_id: Some(node.0), duplicates: Some(ages.collect()), problem: None }
            }
            Err(error) => {
                let why =
                    error.tried.last().map_or_else(|| error.cause.to_string(), |tried| tried.last.message.clone());
                Self { address, node_id: None, duplicates: None, problem: Some(why) }
            }
        }
    }

    fn name(&self) -> String {
        self.node_id.map_or_else(|| self.address.clone(), |id| format!("node {id}"))
    }

    fn count(&self, below_ms: u64) -> String {
        let Some(ages) = &self.duplicates else { return NONE.to_owned() };
        let of_age = |age: &&AgeFields| age.below_ms.unwrap_or(u64::MAX) == below_ms;
        ages.iter().filter(of_age).map(|age| age.count).sum::<u64>().to_string()
    }
}

pub(super) async fn run(client: &Client, options: &Options, space: Space, out: &mut impl Write) -> Result<(), Problem> {
    let (name, id, action) = match space {
        Space::List { local } => {
            let rows = list(client, super::consistency(local)).await?;
            return Ok(output::print_many(out, options.output, "spaces", &rows)?);
        }
        Space::Describe { name, local } => {
            let document = describe(&client.in_space(name), super::consistency(local)).await?;
            return print(out, options.output, &document);
        }
        Space::Create(create) => {
            let policy = SpacePolicy { memory: create.memory, logs: create.logs };
            (create.name.clone(), create.id, Action::CreateSpace { name: create.name, policy })
        }
        Space::Set(set) => {
            (set.name.clone(), set.id, Action::SetSpace { name: set.name, memory: set.memory, logs: set.logs })
        }
    };
    let system = client.in_space(SpaceName::system());
    let (done, _) = answer::submit(&system, id.get()?, None, action).await?;
    let what = Named { name: name.as_str().to_owned() };
    Ok(output::print_one(out, options.output, &Answer::new(&SpaceName::system(), &done, what))?)
}

async fn list(client: &Client, consistency: Consistency) -> Result<Vec<SpaceRow>, Problem> {
    let mut rows = Vec::new();
    let mut after: Option<SpaceName> = None;
    loop {
        let page = client.list_spaces(after.as_ref(), consistency).await?;
        rows.extend(page.items.iter().map(SpaceRow::new));
        match page.items.into_iter().next_back() {
            Some(last) if page.more => after = Some(last.name),
            _ => return Ok(rows),
        }
    }
}

async fn describe(client: &Client, consistency: Consistency) -> Result<Document, Problem> {
    let (space, _) = client.describe_space(consistency).await?;
    let addresses: Vec<String> = client.addresses().map(str::to_owned).collect();
    let nodes = join_all(addresses.into_iter().map(async |address| {
        let seen = client.describe_space_at(&address, consistency).await;
        NodeFields::new(address, seen.map(|(_, duplicates)| duplicates))
    }));
    Ok(Document { space: SpaceRow::new(&space), nodes: nodes.await })
}

fn print(out: &mut impl Write, format: Format, document: &Document) -> Result<(), Problem> {
    match format {
        Format::Json => output::print_document(out, document)?,
        Format::Jsonl => {
            serde_json::to_writer(&mut *out, document).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Format::Plain | Format::Csv => {
            output::print_one(out, format, &document.space)?;
            complain(format, &document.nodes);
        }
        Format::Table => {
            output::print_one(out, format, &document.space)?;
            writeln!(out)?;
            print_duplicates(out, &document.nodes)?;
            complain(format, &document.nodes);
        }
    }
    Ok(())
}

/// One row an age, one column a node; ages at which no duplicate came are left out.
fn print_duplicates(out: &mut impl Write, nodes: &[NodeFields]) -> Result<(), Problem> {
    let seen = nodes.iter().filter_map(|node| node.duplicates.as_ref()).flatten().filter(|age| age.count > 0);
    let ages: BTreeSet<u64> = seen.map(|age| age.below_ms.unwrap_or(u64::MAX)).collect();
    if ages.is_empty() {
        return Ok(writeln!(out, "No duplicate has come since the nodes started.")?);
    }
    let mut rows =
        vec![[vec!["DUPLICATES".to_owned()], nodes.iter().map(|node| node.name().to_uppercase()).collect()].concat()];
    for below in ages {
        let name = match below {
            u64::MAX => "older".to_owned(),
            ms => format!("younger than {}", humantime::format_duration(Duration::from_millis(ms))),
        };
        rows.push([vec![name], nodes.iter().map(|node| node.count(below)).collect()].concat());
    }
    Ok(output::print_cells(out, &rows)?)
}

fn complain(format: Format, nodes: &[NodeFields]) {
    for node in nodes {
        if let Some(problem) = &node.problem {
            let message = format!("{} did not say what it has seen: {problem}", node.address);
            // A note: what the others have seen is printed.
            let _unheard = report::print_plainly(&mut anstream::stderr(), format, &message, "See how the node is.");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{DuplicatesOfAge, LogCreation, NodeId, Sequence};

    use super::*;

    fn document() -> Document {
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
            NodeFields::new(format!("n{number}:1"), Ok(Duplicates { node: NodeId(number), ages }))
        };
        Document { space: SpaceRow::new(&space), nodes: vec![node(1, [2, 0, 1]), node(2, [0, 0, 3])] }
    }

    fn printed(format: Format, document: &Document) -> String {
        let mut out = Vec::new();
        print(&mut out, format, document).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_space_is_shown_with_the_ages_at_which_duplicates_came_to_each_node() {
        let table = printed(Format::Table, &document());
        let expected = "NAME     MEMORY  LOGS      IDS  SIZE   FLOOR  CLOCK                     SEQUENCE\n\
                        devices  1day    explicit  2    129 B  -      2025-10-09T08:53:20.123Z  7\n\n\
                        DUPLICATES       NODE 1  NODE 2\n\
                        younger than 1s  2       0\n\
                        older            1       3\n";
        assert_eq!(table, expected);
        assert_eq!(printed(Format::Plain, &document()), "devices\t1day\texplicit\t2\t129\t0\t1760000000123\t7\n");
        let line: serde_json::Value = serde_json::from_str(&printed(Format::Jsonl, &document())).unwrap();
        assert_eq!((&line["memory"], &line["floor_ms"]), (&"1day".into(), &0.into()));
        assert_eq!(line["nodes"][1]["duplicates"][2], serde_json::json!({"below_ms": null, "count": 3}));
    }

    #[test]
    fn that_no_duplicate_has_come_is_said() {
        let table = printed(Format::Table, &Document { nodes: Vec::new(), ..document() });
        assert!(table.ends_with("No duplicate has come since the nodes started.\n"), "{table}");
    }
}
