//! The clock: CPU time of the thread. Contenders take turns, repetition by repetition; the median counts.

use std::rc::Rc;

use rustix::time::{ClockId, clock_gettime};

use crate::alloc;
use crate::consumer::Consumer;
use crate::contender::{Contender, Entry};
use crate::verify;
use crate::wire::Wire;
use crate::workloads::Ready;

/// A contender of a case.
pub struct Lane {
    name: &'static str,
    ready: Rc<Ready>,
    contender: Box<dyn Contender>,
    wire: Wire,
}

/// What came of it.
pub struct Figure {
    pub name: &'static str,
    /// Nanoseconds a message, the median of all repetitions.
    pub time: f64,
    /// Allocations a message, once warm.
    pub allocations: f64,
    /// Reallocations a message: a buffer grew.
    pub growths: f64,
    /// Instructions a message, without the consumer's, where they were counted.
    pub instructions: Option<f64>,
}

impl Lane {
    /// `None` where the contender has not what the workload asks for; fails where it does it wrong.
    pub fn open(
        name: &'static str,
        entry: &Entry,
        ready: &Rc<Ready>,
    ) -> Result<Option<Self>, String> {
        let opened = verify::open(ready, entry).map_err(|what| format!("{name} {what}"))?;
        let ready = Rc::clone(ready);
        Ok(opened.map(|(contender, wire)| Self { name, ready, contender, wire }))
    }

    /// Runs one repetition.
    fn run(&mut self, consumer: &mut Consumer) {
        self.ready.run(&mut *self.contender, &self.wire, consumer);
    }
}

pub fn measure(mut lanes: Vec<Lane>, repetitions: usize) -> Vec<Figure> {
    let mut consumer = Consumer::default();
    let mut warm_up = |lane: &mut Lane| {
        lane.run(&mut consumer);
        let before = alloc::counts();
        lane.run(&mut consumer);
        let after = alloc::counts();
        let count = lane.ready.count() as f64;
        ((after.0 - before.0) as f64 / count, (after.1 - before.1) as f64 / count)
    };
    let allocations: Vec<(f64, f64)> = lanes.iter_mut().map(&mut warm_up).collect();
    let mut times = vec![Vec::with_capacity(repetitions); lanes.len()];
    for _ in 0..repetitions {
        for (lane, times) in lanes.iter_mut().zip(&mut times) {
            let begin = cpu_time();
            lane.run(&mut consumer);
            times.push((cpu_time() - begin) / lane.ready.count() as f64);
        }
    }
    std::hint::black_box(consumer);
    let figures = lanes.iter().zip(times).zip(allocations);
    figures
        .map(|((lane, mut times), (allocations, growths))| {
            times.sort_by(f64::total_cmp);
            let time = times[times.len() / 2];
            Figure { name: lane.name, time, allocations, growths, instructions: None }
        })
        .collect()
}

/// Nanoseconds of CPU that this thread has used.
pub fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
