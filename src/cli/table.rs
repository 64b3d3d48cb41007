//! Tables for people: a row a line, whatever the terminal.
//!
//! - Where standard output is no terminal, nothing is cut and nothing is left out.
//! - On a terminal that is too narrow, columns without a value go first, then those that can be spared; a long one is cut with
//!   `…`. What still does not fit comes in a second table that begins with the same first column.

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
    blocks: Vec<Vec<(usize, usize)>>,
    /// How wide a line may be.
    width: Option<usize>,
}

impl Layout {
    /// Fits columns into the width of a terminal, if there is one.
    pub(super) fn new(shapes: &[Shape], width: Option<usize>) -> Self {
        let mut shown: Vec<(usize, &Shape)> = shapes.iter().enumerate().collect();
        let all = |shown: &[(usize, &Shape)]| shown.iter().map(|(place, shape)| (*place, shape.width)).collect();
        let Some(limit) = width else { return Self { blocks: vec![all(&shown)], width } };
        if total(&shown) > limit {
            shown.retain(|(_, shape)| !shape.is_empty);
        }
        while total(&shown) > limit {
            let excess = total(&shown) - limit;
            if let Some((long, shape)) = shown.iter().find(|(_, shape)| shape.is_long)
                && shape.width.saturating_sub(excess) >= CUT_WIDTH_MIN.min(shape.width)
            {
                let (long, cut) = (*long, shape.width - excess);
                let mut block: Vec<(usize, usize)> = all(&shown);
                block.iter_mut().filter(|(place, _)| *place == long).for_each(|(_, width)| *width = cut);
                return Self { blocks: vec![block], width };
            }
            match shown.iter().rposition(|(_, shape)| shape.is_spare) {
                Some(place) => shown.remove(place),
                None => return Self { blocks: blocks(&shown, limit), width },
            };
        }
        Self { blocks: vec![all(&shown)], width }
    }

    /// Whether all that is shown stands in one line.
    pub(super) fn is_one_block(&self) -> bool {
        self.blocks.len() == 1
    }

    /// The lines of rows under their headings.
    pub(super) fn lines(&self, shapes: &[Shape], rows: &[Vec<String>]) -> String {
        let headings: Vec<String> = shapes.iter().map(|shape| shape.heading.to_owned()).collect();
        let block = |block: &Vec<(usize, usize)>| {
            let rows = std::iter::once(&headings).chain(rows);
            rows.map(|row| self.line(block, row) + "\n").collect::<String>()
        };
        self.blocks.iter().map(block).collect::<Vec<_>>().join("\n")
    }

    /// One row of the first block.
    pub(super) fn row(&self, row: &[String]) -> String {
        self.blocks.first().map(|block| self.line(block, row)).unwrap_or_default()
    }

    fn line(&self, block: &[(usize, usize)], row: &[String]) -> String {
        let mut line = String::new();
        for (number, (place, width)) in block.iter().enumerate() {
            let cell = row.get(*place).map_or("", String::as_str);
            line.push_str(&if self.width.is_some() { cut(cell, *width) } else { cell.to_owned() });
            if number + 1 < block.len() {
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn total(shown: &[(usize, &Shape)]) -> usize {
    shown.iter().map(|(_, shape)| shape.width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// Several tables, each with the first column.
fn blocks(shown: &[(usize, &Shape)], limit: usize) -> Vec<Vec<(usize, usize)>> {
    let fitted = |(place, shape): &(usize, &Shape)| (*place, shape.width.min(limit));
    let Some((first, rest)) = shown.split_first() else { return Vec::new() };
    let mut blocks = vec![vec![fitted(first)]];
    let mut taken = first.1.width;
    for column in rest {
        if taken + GAP + column.1.width > limit {
            // Beside the first column there may be no place at all for a wide one.
            let is_beside = first.1.width + GAP + column.1.width <= limit;
            blocks.push(if is_beside { vec![fitted(first)] } else { Vec::new() });
            taken = if is_beside { first.1.width } else { 0 };
        }
        if let Some(block) = blocks.last_mut() {
            block.push(fitted(column));
        }
        taken += GAP + column.1.width;
    }
    blocks
}

/// One row with a line for each column, where they do not fit beside each other.
pub(super) fn upright(shapes: &[Shape], row: &[String]) -> String {
    let width = shapes.iter().map(|shape| shape.heading.len()).max().unwrap_or_default() + GAP;
    let lines = shapes.iter().zip(row).map(|(shape, cell)| format!("{:width$}{cell}\n", shape.heading));
    lines.collect()
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
        assert_eq!(layout.blocks, [[(0, 6), (1, 24), (2, 7), (3, 100)]]);
        let row = layout.row(&["7".into(), "now".into(), "-".into(), "x".repeat(300)]);
        assert!(row.ends_with(&"x".repeat(300)), "{row}");
    }

    #[test]
    fn empty_columns_go_before_spare_ones_and_a_long_one_is_cut() {
        let blocks = |width| Layout::new(&shapes(), Some(width)).blocks;
        assert_eq!(blocks(200), [[(0, 6), (1, 24), (2, 7), (3, 100)]]);
        assert_eq!(blocks(80), [[(0, 6), (1, 24), (3, 46)]]);
        assert_eq!(blocks(40), [[(0, 6), (3, 32)]]);
        let cut = Layout::new(&shapes(), Some(80)).row(&["7".into(), "now".into(), "-".into(), "é".repeat(99)]);
        assert_eq!((cut.width(), cut.ends_with("é…")), (80, true));
    }

    #[test]
    fn what_does_not_fit_comes_in_a_second_table_with_the_same_first_column() {
        let shapes = [shape("NODE", 4), shape("A", 30), shape("B", 30), shape("C", 5)];
        let row = ["1", "a", "b", "c"].map(str::to_owned).to_vec();
        let lines = Layout::new(&shapes, Some(44)).lines(&shapes, &[row]);
        let expected = format!("NODE  A\n1     a\n\nNODE  {:30}  C\n1     {:30}  c\n", "B", "b");
        assert_eq!(lines, expected);
        assert!(lines.lines().all(|line| line.width() <= 44));
    }

    #[test]
    fn wide_characters_are_counted_as_a_terminal_shows_them() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }
}
