//! What the host does for the board by semihosting: it shows text, gives a command line, and ends the emulator.
#![allow(unsafe_code, reason = "calls to the host")]

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::{debug, nr, syscall1};

pub use cortex_m_semihosting::hprintln as print;

/// The words that the board was booted with, such as `name=value`.
pub struct Arguments {
    line: [u8; 512],
    len: usize,
}

impl Arguments {
    /// Asks the host for them.
    pub fn read() -> Self {
        let mut line = [0; 512];
        let mut block = [line.as_mut_ptr() as usize, line.len()];
        // SAFETY: the call writes into `line`, within its length, and the length of what it wrote into `block`.
        let status = unsafe { syscall1(nr::GET_CMDLINE, block.as_mut_ptr() as usize) };
        let len = if status == 0 { block[1].min(line.len()) } else { 0 };
        Self { line, len }
    }

    /// Returns the value behind a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let words = self.words();
        words.filter_map(|word| word.split_once('=')).find(|(it, _)| *it == name).map(|it| it.1)
    }

    /// Returns the 32 bytes that `seed=` spells in hexadecimal.
    ///
    /// This chip has no source of randomness, so its host has to bring one at each boot. Take the TRNG of a chip that has
    /// one, and nothing less: no clock, no serial number, no seed that is built in (RFC 6455 §10.3).
    pub fn seed(&self) -> [u8; 32] {
        self.parse_seed().unwrap_or_else(|| {
            print!("seed= and 64 hexadecimal digits are wanted");
            exit(false)
        })
    }

    fn parse_seed(&self) -> Option<[u8; 32]> {
        let digits = self.get("seed")?;
        let mut seed = [0; 32];
        for (at, byte) in seed.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(seed)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let line = core::str::from_utf8(&self.line[..self.len]).unwrap_or_default();
        line.split([' ', '\0'])
    }
}

/// Ends the emulator.
pub fn exit(is_success: bool) -> ! {
    loop {
        debug::exit(if is_success { Ok(()) } else { Err(()) });
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print!("{info}");
    exit(false)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    print!("hard fault: {frame:?}");
    exit(false)
}
