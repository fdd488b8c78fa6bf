//! The clock: CPU time of the thread. Contenders take turns, repetition by repetition; the median counts.

use rustix::time::{ClockId, clock_gettime};

use crate::alloc;
use crate::consumer::Consumer;
use crate::contender::Contender;
use crate::workloads::Ready;

/// A contender of a case, and what came of it.
pub struct Lane {
    pub name: &'static str,
    pub contender: Box<dyn Contender>,
    /// Nanoseconds a message, the median of all repetitions.
    pub time: f64,
    pub allocations: f64,
    /// Instructions a message, without the consumer's, where they were counted.
    pub instructions: Option<f64>,
}

impl Lane {
    pub fn new(name: &'static str, contender: Box<dyn Contender>) -> Self {
        Self { name, contender, time: 0.0, allocations: 0.0, instructions: None }
    }
}

pub fn measure(ready: &Ready, lanes: &mut [Lane], repetitions: usize) {
    let mut times = vec![Vec::with_capacity(repetitions); lanes.len()];
    let mut consumer = Consumer::default();
    let count = ready.count() as f64;
    for lane in &mut *lanes {
        // Once to warm up, once to see what is allocated when warm.
        ready.run(&mut *lane.contender, &mut consumer);
        let before = alloc::allocations();
        ready.run(&mut *lane.contender, &mut consumer);
        lane.allocations = (alloc::allocations() - before) as f64 / count;
    }
    for _ in 0..repetitions {
        for (lane, times) in lanes.iter_mut().zip(&mut times) {
            let begin = cpu_time();
            ready.run(&mut *lane.contender, &mut consumer);
            times.push((cpu_time() - begin) / count);
        }
    }
    for (lane, mut times) in lanes.iter_mut().zip(times) {
        times.sort_by(f64::total_cmp);
        lane.time = times[times.len() / 2];
    }
    std::hint::black_box(consumer);
}

/// Nanoseconds of CPU that this thread has used.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
