//! Tables for people: a row a line, whatever the terminal.
//!
//! - Where standard output is no terminal, nothing is cut and nothing is left out.
//! - On a terminal that is too narrow, columns without a value go first, then those that can be spared; a long one is cut with
//!   `…`. Rows that still do not fit stand upright: a line for each column.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The blanks between two columns.
const GAP: usize = 2;
/// The least that is left of a column that is cut.
const CUT_WIDTH_MIN: usize = 16;

/// What is known of a column.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) heading: &'static str,
    /// How wide its cells are, or mostly are.
    pub(super) width: usize,
    /// Whether no row has a value for it.
    pub(super) is_empty: bool,
    pub(super) is_spare: bool,
    pub(super) is_long: bool,
}

/// Which columns stand beside each other, and how wide they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    columns: Vec<(usize, usize)>,
    /// The terminal's width, if there is one.
    limit: Option<usize>,
    is_upright: bool,
}

impl Layout {
    /// Fits columns into the width of a terminal, if there is one.
    pub(super) fn new(shapes: &[Shape], limit: Option<usize>) -> Self {
        let width = |shown: &[(usize, &Shape)]| shown.iter().map(|(_, shape)| shape.width + GAP).sum::<usize>();
        let excess = |shown: &[(usize, &Shape)]| limit.map_or(0, |limit| width(shown).saturating_sub(limit + GAP));
        let all: Vec<(usize, &Shape)> = shapes.iter().enumerate().collect();
        let mut shown = all.clone();
        if excess(&shown) > 0 {
            shown.retain(|(_, shape)| !shape.is_empty);
        }
        loop {
            let (excess, is_cut) = (excess(&shown), |shape: &Shape| shape.is_long && shape.width > CUT_WIDTH_MIN);
            let room =
                shown.iter().filter(|(_, shape)| is_cut(shape)).map(|(_, shape)| shape.width - CUT_WIDTH_MIN).sum();
            if excess <= room {
                let cut = |shape: &Shape| if is_cut(shape) { shape.width - excess } else { shape.width };
                let columns = shown.iter().map(|(place, shape)| (*place, cut(shape))).collect();
                return Self { columns, limit, is_upright: false };
            }
            let Some(place) = shown.iter().rposition(|(_, shape)| shape.is_spare) else { break };
            shown.remove(place);
        }
        Self { columns: all.iter().map(|(place, shape)| (*place, shape.width)).collect(), limit, is_upright: true }
    }

    /// Rows under their headings, or upright.
    pub(super) fn lines(&self, shapes: &[Shape], rows: &[Vec<String>]) -> String {
        let headings: Vec<String> = shapes.iter().map(|shape| shape.heading.to_owned()).collect();
        if self.is_upright {
            let width = headings.iter().map(String::len).max().unwrap_or(0) + GAP;
            let line = |(heading, cell): (&String, &String)| format!("{heading:width$}{cell}\n");
            let rows = rows.iter().map(|row| headings.iter().zip(row).map(line).collect::<String>());
            return rows.collect::<Vec<_>>().join("\n");
        }
        std::iter::once(&headings).chain(rows).map(|row| self.row(row)).collect()
    }

    /// One row.
    pub(super) fn row(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (place, width) in &self.columns {
            let cell = row.get(*place).map_or("", String::as_str);
            line.push_str(&if self.limit.is_some() && !self.is_upright { cut(cell, *width) } else { cell.to_owned() });
            if Some(*place) != self.columns.last().map(|(last, _)| *last) {
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
            }
        }
        line.trim_end().to_owned() + "\n"
    }
}

/// How wide a text is on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text in so many places, with `…` where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
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

    fn shape(heading: &'static str, width: usize) -> Shape {
        Shape { heading, width, is_empty: false, is_spare: false, is_long: false }
    }

    fn shapes() -> [Shape; 4] {
        [
            shape("OFFSET", 6),
            Shape { is_spare: true, ..shape("TIME", 24) },
            Shape { is_empty: true, ..shape("HEADERS", 7) },
            Shape { is_long: true, ..shape("PAYLOAD", 100) },
        ]
    }

    #[test]
    fn where_there_is_no_terminal_nothing_is_cut_or_left_out() {
        let layout = Layout::new(&shapes(), None);
        assert_eq!(layout.columns, [(0, 6), (1, 24), (2, 7), (3, 100)]);
        let row = layout.row(&["7".into(), "now".into(), "-".into(), "x".repeat(300)]);
        assert!(row.trim_end().ends_with(&"x".repeat(300)), "{row}");
    }

    #[test]
    fn empty_columns_go_before_spare_ones_and_a_long_one_is_cut() {
        let columns = |width| Layout::new(&shapes(), Some(width)).columns;
        assert_eq!(columns(200), [(0, 6), (1, 24), (2, 7), (3, 100)]);
        assert_eq!(columns(80), [(0, 6), (1, 24), (3, 46)]);
        assert_eq!(columns(40), [(0, 6), (3, 32)]);
        let cut = Layout::new(&shapes(), Some(80)).row(&["7".into(), "now".into(), "-".into(), "é".repeat(99)]);
        assert_eq!((cut.trim_end().width(), cut.trim_end().ends_with("é…")), (80, true));
    }

    #[test]
    fn rows_that_do_not_fit_stand_upright() {
        let shapes = [shape("NODE", 4), shape("ADDRESS", 30), shape("B", 30)];
        let row = |node: &str| vec![node.to_owned(), "a".to_owned(), "b".to_owned()];
        let lines = Layout::new(&shapes, Some(44)).lines(&shapes, &[row("1"), row("2")]);
        assert_eq!(lines, "NODE     1\nADDRESS  a\nB        b\n\nNODE     2\nADDRESS  a\nB        b\n");
    }

    #[test]
    fn wide_characters_are_counted_as_a_terminal_shows_them() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }
}
