//! What the host does for the board by semihosting: it shows text, gives a command line and randomness, and ends the emulator.
#![allow(unsafe_code, reason = "calls to the host")]

use core::ffi::CStr;
use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::{debug, nr, syscall, syscall1};

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

    fn words(&self) -> impl Iterator<Item = &str> {
        let line = core::str::from_utf8(&self.line[..self.len]).unwrap_or_default();
        line.split([' ', '\0'])
    }
}

/// Draws bytes from the host's source of randomness, for this chip has none.
///
/// Of one that has, take the TRNG, and nothing less: no clock, no serial number, no seed that is built in (RFC 6455
/// §10.3).
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if !fill(&mut bytes, c"/dev/urandom") {
        print!("the host gives no randomness");
        exit(false)
    }
    bytes
}

/// Reads bytes from a file of the host's; says whether there were enough.
fn fill(bytes: &mut [u8], name: &CStr) -> bool {
    // SAFETY: the host reads the name, and the zero behind it.
    let file = unsafe { syscall!(OPEN, name.as_ptr(), nr::open::R_BINARY, name.count_bytes()) };
    // A handle is not zero, which is what a call comes to that was left out of the program.
    if matches!(file, 0 | usize::MAX) {
        return false;
    }
    // SAFETY: it writes into `bytes`, within their length, and tells how many it did not write.
    let missing = unsafe { syscall!(READ, file, bytes.as_mut_ptr(), bytes.len()) };
    // SAFETY: it takes a number.
    unsafe { syscall!(CLOSE, file) };
    missing == 0
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
