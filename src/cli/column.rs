//! One description of a column serves all formats: its name in JSON, its heading, and its value.
//!
//! - JSON names and the order of plain values are promised to programs; a table is for people and may change.
//! - CSV has every column that has a heading, under that heading in lower case.

use super::value::Value;

/// A column of rows of one kind.
pub(super) struct Column<R: ?Sized> {
    /// Its name in JSON; none if JSON does not have it.
    name: Option<&'static str>,
    /// Its heading; none if only JSON has it.
    heading: Option<&'static str>,
    /// Whether people see it in a table.
    is_in_table: bool,
    /// Whether it is among the plain values.
    is_plain: bool,
    /// Whether it may hold bytes that are not text: then CSV has a second column for their base64.
    is_binary: bool,
    /// Whether it goes first when a terminal is too narrow.
    is_spare: bool,
    /// Whether it may be cut when a terminal is too narrow.
    is_long: bool,
    /// How wide it mostly is, for rows that are printed as they come.
    typical_width: usize,
    value: Box<dyn Fn(&R) -> Value>,
}

impl<R: 'static> Column<R> {
    fn make<V: Into<Value>>(
        name: Option<&'static str>,
        heading: Option<&'static str>,
        value: impl Fn(&R) -> V + 'static,
    ) -> Self {
        Self {
            name,
            heading,
            is_in_table: heading.is_some(),
            is_plain: heading.is_some(),
            is_binary: false,
            is_spare: false,
            is_long: false,
            typical_width: 0,
            value: Box::new(move |row| value(row).into()),
        }
    }

    /// A column of every format.
    pub(super) fn new<V: Into<Value>>(
        name: &'static str,
        heading: &'static str,
        value: impl Fn(&R) -> V + 'static,
    ) -> Self {
        Self::make(Some(name), Some(heading), value)
    }

    /// A field of JSON.
    pub(super) fn json<V: Into<Value>>(name: &'static str, value: impl Fn(&R) -> V + 'static) -> Self {
        Self::make(Some(name), None, value)
    }

    /// A column of every format but JSON, which has the same in other words.
    pub(super) fn shown<V: Into<Value>>(heading: &'static str, value: impl Fn(&R) -> V + 'static) -> Self {
        Self::make(None, Some(heading), value)
    }

    /// A column of every format with the same value in every row.
    pub(super) fn given(name: &'static str, heading: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::new(name, heading, move |_| value.clone())
    }

    /// A field of JSON with the same value in every row.
    pub(super) fn given_json(name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::json(name, move |_| value.clone())
    }

    /// Not for people: a table would be too wide.
    pub(super) fn not_in_table(self) -> Self {
        Self { is_in_table: false, ..self }
    }

    /// Not among the plain values.
    pub(super) fn not_plain(self) -> Self {
        Self { is_plain: false, ..self }
    }

    /// It may hold bytes that are not text.
    pub(super) fn binary(self) -> Self {
        Self { is_binary: true, ..self }
    }

    /// It goes first when a terminal is too narrow.
    pub(super) fn spare(self) -> Self {
        Self { is_spare: true, ..self }
    }

    /// It may be cut when a terminal is too narrow.
    pub(super) fn long(self) -> Self {
        Self { is_long: true, ..self }
    }

    /// How wide it mostly is.
    pub(super) fn typical_width(self, typical_width: usize) -> Self {
        Self { typical_width, ..self }
    }

    /// The same column of something that such a row is a part of.
    pub(super) fn of<O: 'static>(self, part: fn(&O) -> &R) -> Column<O> {
        let value = self.value;
        Column {
            name: self.name,
            heading: self.heading,
            is_in_table: self.is_in_table,
            is_plain: self.is_plain,
            is_binary: self.is_binary,
            is_spare: self.is_spare,
            is_long: self.is_long,
            typical_width: self.typical_width,
            value: Box::new(move |whole| value(part(whole))),
        }
    }
}

impl<R> Column<R> {
    pub(super) fn value(&self, row: &R) -> Value {
        (self.value)(row)
    }

    /// Its value under its heading, in a few words.
    pub(super) fn told(&self, row: &R) -> String {
        format!("{} {}", self.heading.unwrap_or_default().to_lowercase(), self.value(row).for_people())
    }

    pub(super) fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Its heading, if a table has it.
    pub(super) fn heading_in_table(&self) -> Option<&'static str> {
        self.heading.filter(|_| self.is_in_table)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(super) fn is_spare(&self) -> bool {
        self.is_spare
    }

    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }

    pub(super) fn width(&self) -> usize {
        self.typical_width.max(self.heading.map_or(0, str::len))
    }

    /// The names of its columns in CSV: none, one, or two if it may hold bytes that are not text.
    pub(super) fn csv_names(&self) -> Vec<String> {
        let Some(heading) = self.heading else { return Vec::new() };
        let name = heading.to_lowercase().replace('/', "_per_").replace([' ', '.'], "_");
        if self.is_binary { vec![name.clone(), format!("{name}_base64")] } else { vec![name] }
    }

    /// Its cells in CSV, as many as it has names there.
    pub(super) fn csv_cells(&self, row: &R) -> Vec<String> {
        match (self.heading, self.value(row).csv()) {
            (None, _) => Vec::new(),
            (Some(_), (text, base64)) if self.is_binary => vec![text, base64],
            (Some(_), (text, _)) => vec![text],
        }
    }
}
