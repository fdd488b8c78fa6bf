//! The microcontroller around the processor core (LM3S6965 data sheet, chapter 5): clocks, and the time.

use core::cell::Cell;
use core::time::Duration;

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

use crate::registers::system::{CLOCK_GATES_2, RAW_INTERRUPTS, RUN_CLOCK};

/// Runs the core at 50 MHz, gives the Ethernet card its clock, and starts the time.
pub fn start(mut timer: SYST) {
    run_at_50_mhz();
    CLOCK_GATES_2.modify(0, ETHERNET_TRANSCEIVER | ETHERNET_CONTROLLER);
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CLOCK_HZ / TICKS_PER_SECOND - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

/// Returns the time since the start, in steps of ten milliseconds.
pub fn now() -> Duration {
    let ticks = interrupt::free(|section| TICKS.borrow(section).get());
    Duration::from_millis(ticks * u64::from(1000 / TICKS_PER_SECOND))
}

/// Takes the clock from the PLL, which is fed by a crystal of 8 MHz (section 5.3.1, "PLL configuration").
fn run_at_50_mhz() {
    const USE_DIVIDER: u32 = 1 << 22;
    const POWER_DOWN: u32 = 1 << 13;
    const BYPASS: u32 = 1 << 11;
    const CRYSTAL_8_MHZ: u32 = 0xE << 6;
    const DIVIDE_BY_4: u32 = 3 << 23;
    RUN_CLOCK.modify(USE_DIVIDER, BYPASS);
    // The main oscillator, both as the source and not disabled.
    RUN_CLOCK.modify(0xF << 6 | 3 << 4 | POWER_DOWN | 1, CRYSTAL_8_MHZ);
    RUN_CLOCK.modify(0xF << 23, DIVIDE_BY_4 | USE_DIVIDER);
    while RAW_INTERRUPTS.read() & PLL_LOCKED == 0 {}
    RUN_CLOCK.modify(BYPASS, 0);
}

#[exception]
fn SysTick() {
    interrupt::free(|section| {
        let ticks = TICKS.borrow(section);
        ticks.set(ticks.get() + 1);
    });
}

static TICKS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

const CLOCK_HZ: u32 = 50_000_000;
const TICKS_PER_SECOND: u32 = 100;

const ETHERNET_TRANSCEIVER: u32 = 1 << 30;
const ETHERNET_CONTROLLER: u32 = 1 << 28;
const PLL_LOCKED: u32 = 1 << 6;
