//! A JSON document that is read field by field, so that whatever is wrong with it has a place and a plain sentence.
//!
//! - The place is a path as `actions[1].add.amount`; in a text that is no JSON it is a line and a column.
//! - A field that nobody asks for, a field that stands twice, and `null` are errors: an id that came out empty in
//!   somebody's template must not turn into a fresh one in silence, nor a bound into none.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

pub(in crate::cli) type Result<T> = std::result::Result<T, String>;

/// What can be read from one place.
pub(in crate::cli) trait Read: Sized {
    fn read(node: Node) -> Result<Self>;
}

/// One value of a document, and where it stands: a path with a `.` before every name.
pub(in crate::cli) struct Node {
    place: String,
    tree: Tree,
}

/// The fields of an object, until each has been asked for.
pub(in crate::cli) struct Fields {
    place: String,
    left: Vec<(String, Tree)>,
    asked: Vec<&'static str>,
}

/// A word, and how what it holds is read.
pub(super) type Word<T> = (&'static str, fn(&mut Fields) -> Result<T>);

/// A value of JSON that keeps every field as it stands, also one that stands twice.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Tree {
    Object(#[serde(deserialize_with = "pairs")] Vec<(String, Tree)>),
    List(Vec<Tree>),
    Plain(Value),
}

impl Node {
    pub(in crate::cli) fn parse(text: &[u8]) -> Result<Self> {
        let at = |error: serde_json::Error, message: &str| {
            format!("line {}, column {}: {message}", error.line(), error.column())
        };
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let tree = Tree::deserialize(&mut deserializer).map_err(|error| match error.classify() {
            Category::Eof if text.trim_ascii().is_empty() => "it is empty".to_owned(),
            Category::Eof => at(error, "the text ends before the JSON does"),
            _ => {
                let said = error.to_string();
                at(error, said.split(" at line ").next().unwrap_or(&said))
            }
        })?;
        deserializer.end().map_err(|error| at(error, "something stands behind the end of the JSON object"))?;
        Ok(Self { place: String::new(), tree })
    }

    /// What an object says. Every field must be asked for.
    pub(in crate::cli) fn object<T>(self, expected: &str, read: impl FnOnce(&mut Fields) -> Result<T>) -> Result<T> {
        let Tree::Object(left) = self.tree else { return Err(self.instead_of(expected)) };
        let mut fields = Fields { place: self.place, left, asked: Vec::new() };
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = fields.left.iter().find(|(name, _)| !names.insert(name)) {
            return Err(fields.wrong(&format!("the field `{twice}` stands twice")));
        }
        let value = read(&mut fields)?;
        let Some((name, _)) = fields.left.first() else { return Ok(value) };
        Err(fields.wrong(&format!("there is no field `{name}` here, but {}", listed(fields.asked.iter().copied()))))
    }

    /// What an object with one field says: the field's name tells which of some words it is, and how the rest is read.
    pub(super) fn one_of<T>(self, what: &str, words: &[Word<T>]) -> Result<T> {
        let expected = format!("an object with one {what}");
        let (name, node) = self.object(&expected, |it| match (it.left.pop(), it.left.len()) {
            (Some((name, tree)), 0) => Ok((name.clone(), Self { place: format!("{}.{name}", it.place), tree })),
            (last, more) => {
                let count = more + usize::from(last.is_some());
                Err(it.wrong(&format!("one {what} belongs in an object, not {count}")))
            }
        })?;
        let Some((_, read)) = words.iter().find(|(word, _)| *word == name) else {
            let known = listed(words.iter().map(|(word, _)| *word));
            return Err(node.wrong(&format!("there is no such {what}; there are {known}")));
        };
        node.object("an object", read)
    }

    pub(super) fn text<T, E: fmt::Display>(
        self,
        expected: &str,
        read: impl FnOnce(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        match &self.tree {
            Tree::Plain(Value::String(text)) => read(text).map_err(|error| self.wrong(&error.to_string())),
            _ => Err(self.instead_of(expected)),
        }
    }

    pub(super) fn number<T: FromStr>(self, expected: &str) -> Result<T> {
        let number =
            if let Tree::Plain(Value::Number(number)) = &self.tree { number.to_string().parse().ok() } else { None };
        number.ok_or_else(|| self.instead_of(expected))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.tree, Tree::Plain(Value::String(_)))
    }

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

    fn wrong(&self, message: &str) -> String {
        said(&self.place, message)
    }
}

impl Fields {
    /// A field that must be there.
    pub(super) fn need<T: Read>(&mut self, name: &'static str) -> Result<T> {
        self.may(name)?.ok_or_else(|| self.wrong(&format!("the field `{name}` is missing")))
    }

    pub(in crate::cli) fn may<T: Read>(&mut self, name: &'static str) -> Result<Option<T>> {
        self.may_be(name, T::read)
    }

    /// A field that may be left out, and is read in its own way.
    pub(super) fn may_be<T>(&mut self, name: &'static str, read: impl FnOnce(Node) -> Result<T>) -> Result<Option<T>> {
        self.asked.push(name);
        let Some(index) = self.left.iter().position(|(left, _)| left == name) else { return Ok(None) };
        let (_, tree) = self.left.swap_remove(index);
        read(Node { place: format!("{}.{name}", self.place), tree }).map(Some)
    }

    pub(super) fn wrong(&self, message: &str) -> String {
        said(&self.place, message)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: Node) -> Result<Self> {
        let Tree::List(items) = node.tree else { return Err(node.instead_of("a list")) };
        let item = |(index, tree)| T::read(Node { place: format!("{}[{index}]", node.place), tree });
        items.into_iter().enumerate().map(item).collect()
    }
}

fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<(String, Tree)>, D::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Tree)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }

    deserializer.deserialize_map(Pairs)
}

/// Names as a sentence has them.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn said(place: &str, message: &str) -> String {
    place.strip_prefix('.').map_or_else(|| message.to_owned(), |place| format!("{place}: {message}"))
}
