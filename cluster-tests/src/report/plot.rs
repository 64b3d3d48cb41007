//! Throughput over time with the faults marked, as SVG without scripts or fonts of its own.
//!
//! - One panel a run: above, what was acknowledged in each second; below, a lane for each kind of fault, which is its legend.
//! - Its greys and colours can be read on white and on black.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::markup::escape;
use super::summary::{Mark, Run, Summary};
use super::table::{count, duration};
use crate::history::Effective;

/// The colours of kinds of fault. With more kinds than these they come again; lanes still tell them apart.
const COLOURS: [&str; 12] = [
    "#dc5a5a", "#dd8a1c", "#3a9d5d", "#9a67ea", "#d65fa8", "#1f9fa8", "#a9784f", "#8f9a2b", "#6672e5", "#b8960c",
    "#ee7b63", "#7a8ba3",
];
const GREY: &str = "#767676";
const BLUE: &str = "#3b82f6";

const PLOT_WIDTH: f64 = 660.0;
const PLOT_HEIGHT: f64 = 170.0;
const TOP: f64 = 52.0;
const RIGHT: f64 = 28.0;
const LANE: f64 = 17.0;
/// Below the lanes: the labels of time and what they are.
const FOOT: f64 = 44.0;
/// So wide is a letter, about.
const LETTER: f64 = 6.6;
/// Shorter faults are drawn this wide, to be seen.
const MARK_WIDTH_MIN: f64 = 2.5;

/// The plots of all runs, one below the other.
pub fn svg(summary: &Summary) -> String {
    let runs: Vec<&Run> = summary.runs.iter().filter(|run| is_plotted(run)).collect();
    draw(&runs, &colours(summary))
}

/// Whether there is something to be seen.
pub(super) fn is_plotted(run: &Run) -> bool {
    !run.throughput.is_empty()
}

/// The colour of each kind of fault, the same in all plots of a report.
pub(super) fn colours(summary: &Summary) -> BTreeMap<&str, &'static str> {
    let kinds: BTreeSet<&str> = summary.runs.iter().flat_map(|run| &run.marks).map(|mark| mark.kind.as_str()).collect();
    kinds.into_iter().zip(COLOURS.into_iter().cycle()).collect()
}

/// A picture of these runs.
pub(super) fn draw(runs: &[&Run], colours: &BTreeMap<&str, &'static str>) -> String {
    let panels: Vec<Panel> = runs.iter().map(|run| Panel::of(run)).collect();
    let left = panels.iter().map(|panel| panel.left).fold(0.0, f64::max);
    let width = left + PLOT_WIDTH + RIGHT;
    let height: f64 = panels.iter().map(Panel::height).sum::<f64>().max(1.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{GREY}\">\n\
         <title>Throughput over time, with faults</title>\n"
    );
    let mut top = 0.0;
    for panel in &panels {
        let _ = writeln!(out, "<g transform=\"translate({left:.1} {top:.1})\">");
        panel.draw(&mut out, left, colours);
        out.push_str("</g>\n");
        top += panel.height();
    }
    out.push_str("</svg>\n");
    out
}

/// One run. Its origin is the left end of the plot's upper edge, less the space for a title.
struct Panel<'a> {
    run: &'a Run,
    /// The kinds of fault that it had.
    lanes: Vec<&'a str>,
    /// What it needs at the left.
    left: f64,
    /// Where the time axis ends, in milliseconds.
    end_ms: u64,
    /// The height of a step between two lines, and how many.
    step: u64,
    steps: u64,
}

impl<'a> Panel<'a> {
    fn of(run: &'a Run) -> Self {
        let lanes: BTreeSet<&str> = drawn(run).map(|mark| mark.kind.as_str()).collect();
        let longest = lanes.iter().map(|kind| number(kind.chars().count())).fold(0.0, f64::max);
        let most = u64::from(run.throughput.iter().copied().max().unwrap_or_default());
        let step = nice_step(most);
        Self {
            run,
            lanes: lanes.into_iter().collect(),
            left: (longest * LETTER + 20.0).max(64.0),
            end_ms: (number_of(run.throughput.len()) * 1_000).max(run.duration_ms),
            step,
            steps: most.div_ceil(step).max(1),
        }
    }

    fn lanes_bottom(&self) -> f64 {
        TOP + PLOT_HEIGHT + 8.0 + number(self.lanes.len()) * LANE
    }

    fn height(&self) -> f64 {
        self.lanes_bottom() + FOOT
    }

    fn x(&self, ms: u64) -> f64 {
        float(ms.min(self.end_ms)) / float(self.end_ms.max(1)) * PLOT_WIDTH
    }

    fn y(&self, value: u64) -> f64 {
        TOP + PLOT_HEIGHT - float(value) / float(self.step * self.steps) * PLOT_HEIGHT
    }

    fn draw(&self, out: &mut String, left: f64, colours: &BTreeMap<&str, &'static str>) {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"18\" font-size=\"13\" font-weight=\"600\">{}</text>\n\
             <text x=\"{:.1}\" y=\"40\">acknowledged per second</text>",
            12.0 - left,
            escape(&title(self.run)),
            12.0 - left
        );
        for mark in drawn(self.run) {
            self.draw_band(out, mark, colour(colours, &mark.kind));
        }
        self.draw_axes(out);
        self.draw_line(out);
        for (position, kind) in self.lanes.iter().enumerate() {
            let middle = TOP + PLOT_HEIGHT + 8.0 + (number(position) + 0.5) * LANE;
            let colour = colour(colours, kind);
            let _ = writeln!(
                out,
                "<text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>\n\
                 <path d=\"M0 {middle:.1}H{PLOT_WIDTH:.0}\" stroke=\"{GREY}\" stroke-opacity=\".25\"/>",
                middle + 4.0,
                escape(kind)
            );
            for mark in drawn(self.run).filter(|mark| mark.kind == **kind) {
                self.draw_bar(out, mark, colour, middle);
            }
        }
    }

    fn span(&self, mark: &Mark) -> (f64, f64) {
        let begun = self.x(mark.begun_ms);
        (begun, (self.x(mark.healed_ms) - begun).max(MARK_WIDTH_MIN))
    }

    fn draw_band(&self, out: &mut String, mark: &Mark, colour: &str) {
        let (x, width) = self.span(mark);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{TOP:.0}\" width=\"{width:.1}\" height=\"{PLOT_HEIGHT:.0}\" fill=\"{colour}\" fill-opacity=\".15\"/>"
        );
    }

    /// Hollow, if nobody knows whether it took effect.
    fn draw_bar(&self, out: &mut String, mark: &Mark, colour: &str, middle: f64) {
        let (x, width) = self.span(mark);
        let fill = if mark.effective == Effective::Indeterminate { "none" } else { colour };
        let what = format!("{} – {}: {}", seconds(mark.begun_ms), seconds(mark.healed_ms), mark.what);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"9\" rx=\"1.2\" fill=\"{fill}\" stroke=\"{colour}\" \
             stroke-width=\".6\"><title>{}</title></rect>",
            middle - 4.5,
            escape(&what)
        );
    }

    fn draw_axes(&self, out: &mut String) {
        for line in 0..=self.steps {
            let value = line * self.step;
            let (y, label) = (self.y(value), count(usize::try_from(value).unwrap_or(usize::MAX)));
            let opacity = if line == 0 { ".9" } else { ".25" };
            let _ = writeln!(
                out,
                "<path d=\"M0 {y:.1}H{PLOT_WIDTH:.0}\" stroke=\"{GREY}\" stroke-opacity=\"{opacity}\"/>\n\
                 <text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                y + 4.0
            );
        }
        let bottom = self.lanes_bottom();
        let step = time_step(self.end_ms);
        for ms in (0..=self.end_ms / step).map(|tick| tick * step) {
            let x = self.x(ms);
            let _ = writeln!(
                out,
                "<path d=\"M{x:.1} {bottom:.1}v5\" stroke=\"{GREY}\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                minutes(ms)
            );
        }
        let _ = writeln!(
            out,
            "<path d=\"M0 {bottom:.1}H{PLOT_WIDTH:.0}\" stroke=\"{GREY}\"/>\n\
             <text x=\"{PLOT_WIDTH:.0}\" y=\"{:.1}\" text-anchor=\"end\">time since the start, in minutes and seconds</text>",
            bottom + 34.0
        );
    }

    fn draw_line(&self, out: &mut String) {
        let mut line = String::new();
        for (second, acknowledged) in (0_u64..).zip(&self.run.throughput) {
            let (from, to) = (self.x(second * 1_000), self.x((second + 1) * 1_000));
            let y = self.y(u64::from(*acknowledged));
            let _ =
                if second == 0 { write!(line, "M{from:.1} {y:.1}H{to:.1}") } else { write!(line, "V{y:.1}H{to:.1}") };
        }
        let base = TOP + PLOT_HEIGHT;
        // Where a second is narrower than a line, lines are thin.
        let thickness = if self.run.throughput.len() > 300 { ".8" } else { "1.4" };
        let _ = writeln!(
            out,
            "<path d=\"{line}V{base:.1}H0Z\" fill=\"{BLUE}\" fill-opacity=\".14\"/>\n\
             <path d=\"{line}\" fill=\"none\" stroke=\"{BLUE}\" stroke-width=\"{thickness}\" stroke-linejoin=\"round\"/>"
        );
    }
}

/// What a machine can't do is not in the picture.
fn drawn(run: &Run) -> impl Iterator<Item = &Mark> {
    run.marks.iter().filter(|mark| mark.effective != Effective::Skipped)
}

fn colour(colours: &BTreeMap<&str, &'static str>, kind: &str) -> &'static str {
    colours.get(kind).copied().unwrap_or(GREY)
}

/// What a run is told from others by.
pub(super) fn title(run: &Run) -> String {
    let seed = run.seed.map_or_else(|| run.history.clone(), |seed| format!("Seed {seed}"));
    let timing = run.timing.as_ref().map_or_else(String::new, |timing| format!(", {timing} timeouts"));
    format!("{seed}: {} nodes{timing}, {}", run.nodes, duration(run.duration_ms))
}

/// One, two or five of a power of ten, of which four or fewer are enough.
fn nice_step(most: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for step in [1, 2, 5].map(|factor| power.saturating_mul(factor)) {
            if step.saturating_mul(4) >= most {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Between two labels of time, of which there are ten or fewer.
fn time_step(end_ms: u64) -> u64 {
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600].map(|seconds| seconds * 1_000);
    let hours = (end_ms / 36_000_000 + 1) * 3_600_000;
    steps.into_iter().find(|step| end_ms / step <= 10).unwrap_or(hours)
}

fn minutes(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60)
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms / 100 % 10)
}

/// What is beyond 49 days of milliseconds is drawn there.
fn float(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

fn number(count: usize) -> f64 {
    float(number_of(count))
}

fn number_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_few_round_steps() {
        assert_eq!([0, 1, 4, 5, 17, 80, 81, 1_234].map(nice_step), [1, 1, 1, 2, 5, 20, 50, 500]);
        assert_eq!(
            [0, 9_000, 60_000, 1_200_000, 86_400_000].map(time_step),
            [1_000, 1_000, 10_000, 120_000, 10_800_000]
        );
        assert_eq!((minutes(605_000), seconds(1_250)), ("10:05".to_owned(), "1.2 s".to_owned()));
    }
}
