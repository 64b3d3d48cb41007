//! Tables for people: a row a line, whatever the terminal.
//!
//! - Where standard output is no terminal, nothing is cut and nothing is left out.
//! - On a terminal that is too narrow, columns without a value go first, then those that can be spared; a long one is cut with
//!   `…`. Rows that still do not fit stand upright: a line for each column.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::column::{Column, Trait};

/// The blanks between two columns.
const GAP: usize = 2;
/// The least that is left of a column that is cut.
const CUT_WIDTH_MIN: usize = 16;

/// Which columns stand beside each other, and how wide they are.
type Shown<'a, R> = Vec<(&'a Column<R>, usize)>;

/// How rows are laid out.
pub(super) struct Layout<'a, R> {
    columns: Shown<'a, R>,
    /// Whether cells are cut to the width of their column.
    is_cut: bool,
    is_upright: bool,
}

impl<'a, R> Layout<'a, R> {
    /// Fits columns into the width of a terminal, if there is one: for these rows, or for rows as they mostly are.
    pub(super) fn new(columns: &'a [Column<R>], rows: Option<&[R]>, limit: Option<usize>) -> Self {
        let in_table = columns.iter().filter(|column| column.heading.is_some() && !column.is(Trait::NotInTable));
        let all: Vec<_> = in_table.map(|column| (column, width(column, rows))).collect();
        match limit {
            None => Self { columns: all, is_cut: false, is_upright: false },
            Some(limit) => match fitting(&all, rows, limit) {
                Some(columns) => Self { columns, is_cut: true, is_upright: false },
                None => Self { columns: all, is_cut: false, is_upright: true },
            },
        }
    }

    /// Rows under their headings, or upright.
    pub(super) fn lines(&self, rows: &[R]) -> String {
        if !self.is_upright {
            return std::iter::once(self.headings()).chain(rows.iter().map(|row| self.row(row))).collect();
        }
        let headings = || self.columns.iter().map(|(column, _)| column.heading.unwrap_or_default());
        let width = headings().map(str::len).max().unwrap_or(0) + GAP;
        let line = |(heading, cell): (&str, String)| format!("{heading:width$}{cell}\n");
        let upright = |row: &R| -> String {
            let cells = self.columns.iter().map(|(column, _)| column.value(row).for_people());
            headings().zip(cells).map(line).collect()
        };
        rows.iter().map(upright).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn headings(&self) -> String {
        self.line(|column| column.heading.unwrap_or_default().to_owned())
    }

    pub(super) fn row(&self, row: &R) -> String {
        self.line(|column| column.value(row).for_people())
    }

    fn line(&self, cell: impl Fn(&Column<R>) -> String) -> String {
        let mut line = String::new();
        for (column, width) in &self.columns {
            let cell = cell(column);
            line.push_str(&if self.is_cut { cut(&cell, *width) } else { cell.clone() });
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
        }
        line.trim_end().to_owned() + "\n"
    }
}

/// How wide a column is in these rows, or mostly.
fn width<R>(column: &Column<R>, rows: Option<&[R]>) -> usize {
    let Some(rows) = rows else { return column.width() };
    let widths = rows.iter().map(|row| column.value(row).for_people().width());
    widths.chain(column.heading.map(str::len)).max().unwrap_or(0)
}

/// The columns that stay in a terminal that may be too narrow for all, and their widths; none if even the least do not fit.
fn fitting<'a, R>(all: &Shown<'a, R>, rows: Option<&[R]>, limit: usize) -> Option<Shown<'a, R>> {
    let room = |column: &Column<R>, width: usize| {
        if column.is(Trait::Long) { width.saturating_sub(CUT_WIDTH_MIN) } else { 0 }
    };
    let excess =
        |shown: &Shown<'a, R>| shown.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(limit + GAP);
    let mut shown = all.clone();
    if excess(&shown) > 0 {
        let is_empty = |column: &Column<R>| rows.is_some_and(|rows| rows.iter().all(|row| column.value(row).is_none()));
        shown.retain(|(column, _)| !is_empty(column));
    }
    loop {
        let excess = excess(&shown);
        if excess <= shown.iter().map(|(column, width)| room(column, *width)).sum() {
            let cut = |(column, width)| (column, if room(column, width) > 0 { width - excess } else { width });
            return Some(shown.into_iter().map(cut).collect());
        }
        let last = shown.iter().rposition(|(column, _)| column.is(Trait::Spare))?;
        shown.remove(last);
    }
}

/// A text in so many places, with `…` where it was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |character: &char| {
        taken += character.width().unwrap_or(0);
        taken < width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Cells = [String; 4];

    fn columns() -> [Column<Cells>; 4] {
        [
            Column::shown("OFFSET", |cells: &Cells| cells[0].clone()),
            Column::shown("TIME", |cells: &Cells| cells[1].clone()).spare(),
            Column::shown("HEADERS", |cells: &Cells| Some(cells[2].clone()).filter(|cell| !cell.is_empty())),
            Column::shown("PAYLOAD", |cells: &Cells| cells[3].clone()).with(Trait::Long),
        ]
    }

    fn cells(payload: &str) -> Cells {
        ["7".to_owned(), "x".repeat(24), String::new(), payload.to_owned()]
    }

    /// The headings that are shown, and the widths of their columns.
    fn shown(limit: Option<usize>) -> Vec<(&'static str, usize)> {
        let columns = columns();
        let layout = Layout::new(&columns, Some(&[cells(&"x".repeat(100))]), limit);
        layout.columns.iter().map(|(column, width)| (column.heading.unwrap(), *width)).collect()
    }

    #[test]
    fn where_there_is_no_terminal_nothing_is_cut_or_left_out() {
        assert_eq!(shown(None), [("OFFSET", 6), ("TIME", 24), ("HEADERS", 7), ("PAYLOAD", 100)]);
        let row = Layout::new(&columns(), Some(&[cells("x")]), None).row(&cells(&"x".repeat(300)));
        assert!(row.trim_end().ends_with(&"x".repeat(300)), "{row}");
    }

    #[test]
    fn empty_columns_go_before_spare_ones_and_a_long_one_is_cut() {
        assert_eq!(shown(Some(200)), [("OFFSET", 6), ("TIME", 24), ("HEADERS", 7), ("PAYLOAD", 100)]);
        assert_eq!(shown(Some(80)), [("OFFSET", 6), ("TIME", 24), ("PAYLOAD", 46)]);
        assert_eq!(shown(Some(40)), [("OFFSET", 6), ("PAYLOAD", 32)]);
        let cut = Layout::new(&columns(), Some(&[cells(&"é".repeat(99))]), Some(80)).row(&cells(&"é".repeat(99)));
        assert_eq!((cut.trim_end().width(), cut.trim_end().ends_with("é…")), (80, true));
    }

    #[test]
    fn rows_that_do_not_fit_stand_upright() {
        let wide = |heading| Column::shown(heading, |cell: &&str| *cell).with(Trait::Width(30));
        let columns = [Column::shown("NODE", |cell: &&str| *cell), wide("ADDRESS"), wide("B")];
        let lines = Layout::new(&columns, None, Some(44)).lines(&["1", "2"]);
        assert_eq!(lines, "NODE     1\nADDRESS  1\nB        1\n\nNODE     2\nADDRESS  2\nB        2\n");
    }

    #[test]
    fn wide_characters_are_counted_as_a_terminal_shows_them() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }
}
