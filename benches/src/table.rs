//! The table: a contender a line, a case a column, and below it which goals hold.

use crate::measure::Figure;
use crate::rows::{Case, Goal, OURS, Row};

/// A row that was measured: the figures of each case.
pub struct Measured {
    pub row: Row,
    pub figures: Vec<Vec<Figure>>,
}

/// What was found of a goal.
pub struct Verdict {
    pub label: &'static str,
    pub what: String,
    pub holds: bool,
}

impl Measured {
    pub fn cases(&self) -> impl Iterator<Item = (&Case, &[Figure])> {
        self.row.cases.iter().zip(self.figures.iter().map(Vec::as_slice))
    }

    /// Says of each goal whether it holds; of none whose figures are missing.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let of_case = |(case, figures): (&Case, &[Figure])| {
            let verdict = |goal: &Goal| verdict(case.label, goal, figures);
            case.goals.iter().filter_map(verdict).collect::<Vec<_>>()
        };
        self.cases().flat_map(of_case).collect()
    }

    pub fn print(&self) {
        println!(
            "    ns a message (times ours; a: allocations, g: growths of buffers, i: own instructions, all a message)\n"
        );
        let mut names: Vec<&str> = Vec::new();
        for figure in self.figures.iter().flatten() {
            if !names.contains(&figure.name) {
                names.push(figure.name);
            }
        }
        let mut lines = vec![vec![String::new()]];
        lines[0].extend(self.cases().map(|(case, _)| case.label.to_owned()));
        for name in names {
            let mut line = vec![name.to_owned()];
            for (_, figures) in self.cases() {
                let of = |name: &str| figures.iter().find(|figure| figure.name == name);
                line.push(of(name).map_or(String::new(), |figure| cell(figure, of(OURS))));
            }
            lines.push(line);
        }
        let widest = |column: usize| lines.iter().map(|line| line[column].len()).max();
        let widths: Vec<usize> = (0..lines[0].len()).filter_map(widest).collect();
        for line in &lines {
            print!("    {:1$}", line[0], widths[0]);
            line[1..].iter().zip(&widths[1..]).for_each(|(cell, width)| print!("  {cell:>width$}"));
            println!();
        }
        println!();
    }
}

pub fn print_title(row: &Row) {
    println!("\n{:>2}. {}", row.number, row.title);
}

pub fn print_verdicts(verdicts: &[Verdict]) {
    for verdict in verdicts {
        let word = if verdict.holds { "holds " } else { "missed" };
        println!("    {word}  {}: {}", verdict.label, verdict.what);
    }
}

fn cell(figure: &Figure, ours: Option<&Figure>) -> String {
    let mut notes = Vec::new();
    notes.extend(ours.map(|ours| format!("{:.2}x", figure.time / ours.time)));
    if figure.allocations >= 0.005 {
        notes.push(format!("{:.2} a", figure.allocations));
    }
    if figure.growths >= 0.005 {
        notes.push(format!("{:.2} g", figure.growths));
    }
    notes.extend(figure.instructions.map(|count| format!("{count:.0} i")));
    format!("{:.1} ({})", figure.time, notes.join(", "))
}

fn verdict(label: &'static str, goal: &Goal, figures: &[Figure]) -> Option<Verdict> {
    let of = |name: &str| figures.iter().find(|figure| figure.name == name);
    let (what, holds) = match *goal {
        Goal::Ratio { ours, others, at_least } => {
            let times = others.iter().filter_map(|name| of(name)).map(|figure| figure.time);
            let ratio = times.min_by(f64::total_cmp)? / of(ours)?.time;
            let others = others.join(" and ");
            (format!("{ours} {ratio:.2}x {others}, at least {at_least:.2}x"), ratio >= at_least)
        }
        Goal::Instructions { ours, at_most } => {
            let count = of(ours)?.instructions?;
            (format!("{ours} {count:.1} instructions, at most {at_most}"), count <= at_most)
        }
        Goal::Allocations { ours, at_most } => {
            let Figure { allocations, growths, .. } = *of(ours)?;
            let what = format!("{ours} {allocations:.2} allocations, at most {at_most}");
            (what, allocations <= at_most && (at_most > 0.0 || growths == 0.0))
        }
    };
    Some(Verdict { label, what, holds })
}
