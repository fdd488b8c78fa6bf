//! The table: a contender a line, a case a column, and below it which goals hold.

use crate::measure::Lane;
use crate::rows::{Case, Goal, Row};

/// What was found of a goal.
pub struct Verdict {
    pub label: &'static str,
    pub what: String,
    pub holds: bool,
}

/// Says of each goal whether it holds; `None` where a figure is missing.
pub fn verdicts(case: &Case, lanes: &[Lane]) -> Vec<Verdict> {
    let of = |name: &str| lanes.iter().find(|lane| lane.name == name);
    let verdict = |goal: &Goal| {
        let (what, holds) = match *goal {
            Goal::Ratio { ours, others, at_least } => {
                let times = others.iter().filter_map(|name| of(name)).map(|lane| lane.time);
                let fastest = times.min_by(f64::total_cmp)?;
                let ratio = fastest / of(ours)?.time;
                let others = others.join(" and ");
                (format!("{ours} {ratio:.2}x {others}, to reach {at_least:.2}x"), ratio >= at_least)
            }
            Goal::Instructions { ours, at_most } => {
                let count = of(ours)?.instructions?;
                (format!("{ours} {count:.1} instructions, at most {at_most}"), count <= at_most)
            }
            Goal::Allocations { ours, at_most } => {
                let count = of(ours)?.allocations;
                (format!("{ours} {count:.2} allocations, at most {at_most}"), count <= at_most)
            }
        };
        Some(Verdict { label: case.label, what, holds })
    };
    case.goals.iter().filter_map(verdict).collect()
}

/// Prints a row with all of its cases.
pub fn print(row: &Row, results: &[(&Case, Vec<Lane>)]) {
    println!("\n{:>2}. {}", row.number, row.title);
    println!("    ns a message (times ours; allocations if any; instructions where counted)\n");
    let mut names: Vec<&str> = Vec::new();
    for lane in results.iter().flat_map(|(_, lanes)| lanes) {
        if !names.contains(&lane.name) {
            names.push(lane.name);
        }
    }
    print!("    {:24}", "");
    results.iter().for_each(|(case, _)| print!("{:>30}", case.label));
    println!();
    for name in names {
        print!("    {name:24}");
        for (_, lanes) in results {
            let lane = lanes.iter().find(|lane| lane.name == name);
            let ours = lanes.first();
            print!("{:>30}", lane.zip(ours).map_or(String::new(), |(lane, ours)| cell(lane, ours)));
        }
        println!();
    }
    println!();
    for verdict in results.iter().flat_map(|(case, lanes)| verdicts(case, lanes)) {
        let word = if verdict.holds { "holds " } else { "missed" };
        println!("    {word}  {}: {}", verdict.label, verdict.what);
    }
}

fn cell(lane: &Lane, ours: &Lane) -> String {
    let mut notes = format!("{:.2}x", lane.time / ours.time);
    if lane.allocations >= 0.005 {
        notes += &format!("; {:.2} a", lane.allocations);
    }
    if let Some(instructions) = lane.instructions {
        notes += &format!("; {instructions:.0} i");
    }
    format!("{:.1} ({notes})", lane.time)
}
