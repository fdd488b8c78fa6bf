//! The figures as JSON.

use crate::table::{Measured, Verdict};

/// Prints an object with all figures and all goals.
pub fn print(rows: &[Measured], verdicts: &[(u32, Verdict)]) {
    let mut figures = Vec::new();
    for measured in rows {
        for (case, of_case) in measured.cases() {
            figures.extend(of_case.iter().map(|figure| {
                let instructions = figure.instructions.map_or("null".into(), |n| format!("{n:.1}"));
                format!(
                    r#"{{"row":{},"case":"{}","contender":"{}","ns":{:.2},"allocations":{:.3},"growths":{:.3},"instructions":{instructions}}}"#,
                    measured.row.number, case.label, figure.name, figure.time, figure.allocations, figure.growths,
                )
            }));
        }
    }
    let goals = verdicts.iter().map(|(row, Verdict { label, what, holds })| {
        format!(r#"{{"row":{row},"case":"{label}","goal":"{what}","holds":{holds}}}"#)
    });
    let goals: Vec<String> = goals.collect();
    let (figures, goals) = (figures.join(",\n    "), goals.join(",\n    "));
    println!("{{\n  \"figures\": [\n    {figures}\n  ],\n  \"goals\": [\n    {goals}\n  ]\n}}");
}
