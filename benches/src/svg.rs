//! The comparison as a drawing: bars of nanoseconds a message, a panel for each of rows 1 to 4's first cases.

use std::fs;

use crate::measure::Figure;
use crate::rows::OURS;
use crate::table::Measured;

const ROWS: std::ops::RangeInclusive<u32> = 1..=4;
const WIDTH: usize = 820;
const PANEL_WIDTH: usize = 400;
const NAME_WIDTH: usize = 180;
const BAR_WIDTH: f64 = 150.0;
/// Bars of more than so many times ours are cut off, or nothing could be seen of the others.
const LONGEST: f64 = 8.0;
const LINE: usize = 20;
const HEAD: usize = 60;

/// Neutral on light and on dark pages.
const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #57606a }\n\
.title { font-size: 15px; font-weight: 600 } .panel { font-weight: 600 } .ours { font-weight: 600 }\n\
rect { fill: #8c959f } rect.ours { fill: #2f81f7 } .note { font-size: 11px }\n\
@media (prefers-color-scheme: dark) { text { fill: #adbac7 } rect { fill: #636e7b } }";

/// Draws, with a mark at those of `lenient`.
pub fn draw(rows: &[Measured], lenient: &[&str], file: &str) -> Result<(), String> {
    let panels: Vec<(&str, Vec<&Figure>)> = rows
        .iter()
        .filter(|measured| ROWS.contains(&measured.row.number))
        .filter_map(|measured| measured.cases().next())
        .map(|(case, figures)| (case.label, figures.iter().collect()))
        .collect();
    let lines = panels.iter().map(|(_, figures)| figures.len()).max();
    let lines = lines.ok_or("--svg draws rows 1 to 4, and none of them was measured")?;
    let panel_height = lines * LINE + 40;
    let height = HEAD + panels.len().div_ceil(2) * panel_height;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Nanoseconds a message, beside the peers\">\n<style>\n{STYLE}\n</style>\n\
         <text class=\"title\" x=\"10\" y=\"22\">A server receives masked binary messages: nanoseconds a message</text>\n\
         <text class=\"note\" x=\"10\" y=\"40\">In memory, one thread, reads of 16 KiB; shorter is better; * does not check \
         all that RFC 6455 asks for</text>\n",
    );
    for (at, (label, figures)) in panels.iter().enumerate() {
        let (x, y) = (10 + at % 2 * PANEL_WIDTH, HEAD + at / 2 * panel_height);
        svg += &format!("<text class=\"panel\" x=\"{x}\" y=\"{}\">{label}</text>\n", y + 12);
        let mut figures = figures.clone();
        figures.sort_by(|a, b| a.time.total_cmp(&b.time));
        let slowest = figures.iter().map(|figure| figure.time).fold(0.0, f64::max);
        let ours = figures.iter().find(|figure| figure.name == OURS).map_or(slowest, |f| f.time);
        let longest = slowest.min(ours * LONGEST);
        for (line, figure) in figures.iter().enumerate() {
            let mark = if lenient.contains(&figure.name) { " *" } else { "" };
            svg += &bar(figure, mark, x, y + 18 + line * LINE, longest);
        }
    }
    svg += "</svg>\n";
    fs::write(file, svg).map_err(|error| format!("{file}: {error}"))
}

fn bar(figure: &Figure, mark: &str, x: usize, y: usize, longest: f64) -> String {
    let class = if figure.name.starts_with(OURS) { " class=\"ours\"" } else { "" };
    let cut = if figure.time > longest { "… " } else { "" };
    let (name, time) = (figure.name, figure.time);
    let width = time.min(longest) / longest * BAR_WIDTH;
    let (text_y, bar_x) = (y + 13, x + NAME_WIDTH);
    let value_x = bar_x as f64 + width + 5.0;
    let digits = if time < 100.0 { 1 } else { 0 };
    format!(
        "<text{class} x=\"{x}\" y=\"{text_y}\">{name}{mark}</text>\
         <rect{class} x=\"{bar_x}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\"/>\
         <text{class} x=\"{value_x:.1}\" y=\"{text_y}\">{cut}{time:.digits$}</text>\n",
        y + 3,
        LINE - 7,
    )
}
