//! The registers of the LM3S6965 that are used here, by their addresses in the data sheet.
#![allow(unsafe_code, reason = "registers at fixed addresses")]

use core::ptr;

/// A register. There are those below and no others.
pub struct Register(usize);

impl Register {
    pub fn read(&self) -> u32 {
        // SAFETY: it is one of those below, which no memory lies behind.
        unsafe { ptr::read_volatile(self.0 as *const u32) }
    }

    pub fn write(&self, value: u32) {
        // SAFETY: as above.
        unsafe { ptr::write_volatile(self.0 as *mut u32, value) }
    }

    pub fn modify(&self, clear: u32, set: u32) {
        self.write(self.read() & !clear | set);
    }
}

/// Of the system control (chapter 5).
pub mod system {
    use super::Register;

    pub const RAW_INTERRUPTS: Register = Register(0x400F_E050);
    pub const RUN_CLOCK: Register = Register(0x400F_E060);
    pub const CLOCK_GATES_2: Register = Register(0x400F_E108);
}

/// Of the Ethernet controller (chapter 17).
pub mod ethernet {
    use super::Register;

    /// Tells what has happened, and takes note that it was seen.
    pub const INTERRUPT_STATUS: Register = Register(0x4004_8000);
    pub const INTERRUPT_MASK: Register = Register(0x4004_8004);
    pub const RECEIVE_CONTROL: Register = Register(0x4004_8008);
    pub const TRANSMIT_CONTROL: Register = Register(0x4004_800C);
    pub const DATA: Register = Register(0x4004_8010);
    pub const INDIVIDUAL_ADDRESS_0: Register = Register(0x4004_8014);
    pub const INDIVIDUAL_ADDRESS_1: Register = Register(0x4004_8018);
    pub const THRESHOLD: Register = Register(0x4004_801C);
    pub const FRAMES: Register = Register(0x4004_8034);
    pub const TRANSMIT_REQUEST: Register = Register(0x4004_8038);
}
