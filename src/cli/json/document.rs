//! A JSON document that is read field by field, so that whatever is wrong with it has a place and a plain sentence.
//!
//! - The place is a path as `actions[1].add.amount`; in a text that is no JSON it is a line and a column.
//! - A field that nobody asks for, a field that stands twice, and `null` are errors: an id that came out empty in
//!   somebody's template must not turn into a fresh one in silence, nor a bound into none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

pub(in crate::cli) type Result<T> = std::result::Result<T, String>;

/// What can be read from one place.
pub(in crate::cli) trait Read: Sized {
    fn read(node: Node) -> Result<Self>;
}

/// One value of a document, and where it stands.
#[derive(Debug)]
pub(in crate::cli) struct Node {
    place: String,
    tree: Tree,
}

/// The fields of an object, until each has been asked for.
#[derive(Debug)]
pub(in crate::cli) struct Fields {
    place: String,
    left: Vec<(String, Tree)>,
    asked: Vec<&'static str>,
}

/// A value of JSON that keeps every field as it stands, also one that stands twice.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Tree {
    Object(Pairs),
    List(Vec<Tree>),
    Plain(Value),
}

#[derive(Debug)]
struct Pairs(Vec<(String, Tree)>);

impl Node {
    /// Reads a text that holds one document.
    pub(in crate::cli) fn parse(text: &[u8]) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let tree = Tree::deserialize(&mut deserializer).map_err(|error| match error.classify() {
            Category::Eof if text.trim_ascii().is_empty() => "it is empty".to_owned(),
            Category::Eof => at(&error, "the text ends before the JSON does"),
            _ => {
                let said = error.to_string();
                at(&error, said.split(" at line ").next().unwrap_or(&said))
            }
        })?;
        deserializer.end().map_err(|error| at(&error, "something stands behind the end of the JSON object"))?;
        Ok(Self { place: String::new(), tree })
    }

    /// The fields, where an object belongs.
    pub(in crate::cli) fn fields(self, expected: &str) -> Result<Fields> {
        match self.tree {
            Tree::Object(Pairs(left)) => {
                let mut names: Vec<_> = left.iter().map(|(name, _)| name).collect();
                names.sort_unstable();
                if let Some([twice, _]) = names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
                    return Err(said(&self.place, &format!("the field `{twice}` stands twice")));
                }
                Ok(Fields { place: self.place, left, asked: Vec::new() })
            }
            _ => Err(self.instead_of(expected)),
        }
    }

    /// What a text says.
    pub(in crate::cli) fn text<T, E: fmt::Display>(
        self,
        expected: &str,
        read: impl FnOnce(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        match &self.tree {
            Tree::Plain(Value::String(text)) => read(text).map_err(|error| self.wrong(&error.to_string())),
            _ => Err(self.instead_of(expected)),
        }
    }

    /// Whether it is a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.tree, Tree::Plain(Value::String(_)))
    }

    /// Says that something else belongs here.
    fn instead_of(&self, expected: &str) -> String {
        let found = match &self.tree {
            Tree::Plain(Value::Null) => return self.wrong("`null` is no value; leave the field out"),
            Tree::Plain(Value::String(text)) => format!("the text {text:?}"),
            Tree::Plain(Value::Number(number)) => format!("the number {number}"),
            Tree::Plain(other) => format!("`{other}`"),
            Tree::List(_) => "a list".to_owned(),
            Tree::Object(_) => "an object".to_owned(),
        };
        self.wrong(&format!("{expected} belongs here, not {found}"))
    }

    /// Says what is wrong with it.
    pub(super) fn wrong(&self, message: &str) -> String {
        said(&self.place, message)
    }
}

impl Fields {
    /// A field that must be there.
    pub(in crate::cli) fn need<T: Read>(&mut self, name: &'static str) -> Result<T> {
        self.may(name)?.ok_or_else(|| self.wrong(&format!("the field `{name}` is missing")))
    }

    /// A field that may be left out.
    pub(in crate::cli) fn may<T: Read>(&mut self, name: &'static str) -> Result<Option<T>> {
        self.asked.push(name);
        let Some(index) = self.left.iter().position(|(left, _)| left == name) else { return Ok(None) };
        let (name, tree) = self.left.swap_remove(index);
        T::read(Node { place: self.below(&name), tree }).map(Some)
    }

    /// The one field of an object that has no other: its name, and what it holds.
    pub(super) fn one(mut self, what: &str) -> Result<(String, Node)> {
        match (self.left.pop(), self.left.len()) {
            (Some((name, tree)), 0) => {
                let place = self.below(&name);
                Ok((name, Node { place, tree }))
            }
            (_, more) => {
                Err(self.wrong(&format!("one {what} belongs in an object, not {}", more + usize::from(more > 0))))
            }
        }
    }

    /// Insists that nothing else is there.
    pub(in crate::cli) fn end(self) -> Result<()> {
        let Some((name, _)) = self.left.first() else { return Ok(()) };
        Err(self.wrong(&format!("there is no field `{name}` here, but {}", listed(self.asked.iter().copied()))))
    }

    /// Says that the fields together are wrong.
    pub(in crate::cli) fn wrong(&self, message: &str) -> String {
        said(&self.place, message)
    }

    fn below(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: Node) -> Result<Self> {
        match node.tree {
            Tree::List(items) => {
                let item = |(index, tree)| T::read(Node { place: format!("{}[{index}]", node.place), tree });
                items.into_iter().enumerate().map(item).collect()
            }
            _ => Err(node.instead_of("a list")),
        }
    }
}

impl Read for String {
    fn read(node: Node) -> Result<Self> {
        node.text("a text", |text| Ok::<_, String>(text.to_owned()))
    }
}

macro_rules! whole_numbers {
    ($($number:ty: $expected:literal,)*) => { $(
        impl Read for $number {
            fn read(node: Node) -> Result<Self> {
                let number = match &node.tree {
                    Tree::Plain(Value::Number(number)) => number.to_string().parse().ok(),
                    _ => None,
                };
                number.ok_or_else(|| node.instead_of($expected))
            }
        }
    )* };
}

whole_numbers! {
    i64: "a whole number of at most 64 bits",
    u64: "a whole number of at least 0",
    u16: "a whole number from 0 to 65535",
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Gather;

        impl<'de> Visitor<'de> for Gather {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Gather)
    }
}

/// Names as a sentence has them.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn said(place: &str, message: &str) -> String {
    if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") }
}

fn at(error: &serde_json::Error, message: &str) -> String {
    format!("line {}, column {}: {message}", error.line(), error.column())
}
