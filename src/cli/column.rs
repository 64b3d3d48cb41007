//! One description of a column serves all formats: its name in JSON, its heading, and its value.
//!
//! - JSON names and the order of plain values are promised to programs; a table is for people and may change.
//! - CSV has every column that has a heading, under that heading in lower case.

use super::value::Value;

type Name = &'static str;

/// A column of rows of one kind.
pub(super) struct Column<R> {
    /// Its name in JSON; none if JSON does not have it.
    pub(super) name: Option<Name>,
    /// Its heading; none if only JSON has it.
    pub(super) heading: Option<Name>,
    traits: Vec<Trait>,
    value: Box<dyn Fn(&R) -> Value>,
}

/// What is special about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// It is not for people: a table would be too wide.
    NotInTable,
    /// It is not among the plain values.
    NotPlain,
    /// It may hold bytes that are not text: CSV has a second column for their base64.
    Binary,
    /// It goes first when a terminal is too narrow.
    Spare,
    /// It may be cut when a terminal is too narrow.
    Long,
    /// It is mostly so wide, which counts where rows are printed as they come.
    Width(usize),
}

impl<R: 'static> Column<R> {
    fn make<V: Into<Value>>(name: Option<Name>, heading: Option<Name>, value: impl Fn(&R) -> V + 'static) -> Self {
        Self { name, heading, traits: Vec::new(), value: Box::new(move |row| value(row).into()) }
    }

    /// A column of every format.
    pub(super) fn new<V: Into<Value>>(name: Name, heading: Name, value: impl Fn(&R) -> V + 'static) -> Self {
        Self::make(Some(name), Some(heading), value)
    }

    /// A field of JSON.
    pub(super) fn json<V: Into<Value>>(name: Name, value: impl Fn(&R) -> V + 'static) -> Self {
        Self::make(Some(name), None, value)
    }

    /// A column of every format but JSON, which has the same in other words.
    pub(super) fn shown<V: Into<Value>>(heading: Name, value: impl Fn(&R) -> V + 'static) -> Self {
        Self::make(None, Some(heading), value)
    }

    /// A column of every format with the same value in every row.
    pub(super) fn given(name: Name, heading: Name, value: impl Into<Value>) -> Self {
        Self { heading: Some(heading), ..Self::given_json(name, value) }
    }

    /// A field of JSON with the same value in every row.
    pub(super) fn given_json(name: Name, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::json(name, move |_| value.clone())
    }

    pub(super) fn with(mut self, what: Trait) -> Self {
        self.traits.push(what);
        self
    }

    /// It goes first when a terminal is too narrow.
    pub(super) fn spare(self) -> Self {
        self.with(Trait::Spare)
    }

    /// The same column of something that such a row is a part of.
    pub(super) fn of<O: 'static>(self, part: fn(&O) -> &R) -> Column<O> {
        let Self { name, heading, traits, value } = self;
        Column { name, heading, traits, value: Box::new(move |whole| value(part(whole))) }
    }
}

impl<R> Column<R> {
    pub(super) fn value(&self, row: &R) -> Value {
        (self.value)(row)
    }

    pub(super) fn is(&self, what: Trait) -> bool {
        self.traits.contains(&what)
    }

    /// How wide it is where no row is known.
    pub(super) fn width(&self) -> usize {
        let width = |what: &Trait| if let Trait::Width(width) = what { Some(*width) } else { None };
        self.traits.iter().filter_map(width).chain(self.heading.map(str::len)).max().unwrap_or(0)
    }

    /// Its value under its heading, in a few words.
    pub(super) fn told(&self, row: &R) -> String {
        format!("{} {}", self.heading.unwrap_or_default().to_lowercase(), self.value(row).for_people())
    }

    /// What it adds to a line of CSV: its names to that of headings, or the cells of a row.
    pub(super) fn csv(&self, row: Option<&R>) -> Vec<String> {
        let Some(heading) = self.heading else { return Vec::new() };
        let name = || heading.to_lowercase().replace('/', "_per_").replace([' ', '.'], "_");
        let (text, base64) = row.map_or_else(|| (name(), name() + "_base64"), |row| self.value(row).csv());
        if self.is(Trait::Binary) { vec![text, base64] } else { vec![text] }
    }
}
