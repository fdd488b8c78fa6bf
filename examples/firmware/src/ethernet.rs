//! A driver for the Ethernet card of the LM3S6965 (data sheet, chapter 17), which QEMU calls `stellaris`: frames go
//! through a FIFO of words in either direction, and an interrupt wakes the core.
#![allow(unsafe_code, reason = "the interrupt controller")]

use cortex_m::asm;
use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::peripheral::NVIC;
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::registers::ethernet::{
    DATA, FRAMES, INDIVIDUAL_ADDRESS_0, INDIVIDUAL_ADDRESS_1, INTERRUPT_MASK, INTERRUPT_STATUS,
    RECEIVE_CONTROL, THRESHOLD, TRANSMIT_CONTROL, TRANSMIT_REQUEST,
};

/// The card, and a frame's storage for either direction.
pub struct Ethernet {
    received: [u8; FRAME],
    to_send: [u8; FRAME],
}

impl Ethernet {
    /// The card's address: one that nobody was given (its second bit), and no group's.
    pub const ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 1];

    pub const fn new() -> Self {
        Self { received: [0; FRAME], to_send: [0; FRAME] }
    }

    /// Starts to receive and to send; the card's clock runs.
    pub fn start(&mut self) {
        let [a, b, c, d, e, f] = Self::ADDRESS;
        INDIVIDUAL_ADDRESS_0.write(u32::from_le_bytes([a, b, c, d]));
        INDIVIDUAL_ADDRESS_1.write(u32::from_le_bytes([e, f, 0, 0]));
        THRESHOLD.write(SEND_WHEN_TOLD);
        TRANSMIT_CONTROL.write(FULL_DUPLEX | APPEND_CHECKSUM | PAD | TRANSMIT_ENABLE);
        Self::start_to_receive();
        INTERRUPT_MASK.write(RECEIVED);
    }

    /// Drops what is in the FIFO, and goes on. Damaged frames are not let in.
    fn start_to_receive() {
        RECEIVE_CONTROL.write(RESET_FIFO);
        RECEIVE_CONTROL.write(REJECT_DAMAGED | RECEIVE_ENABLE);
    }

    /// Sleeps until a frame is there or any other interrupt comes, such as the tick of the time.
    pub fn wait(&mut self) {
        // A core whose interrupts are disabled wakes for one all the same. So none that comes after the look is missed,
        // and the card's needs no handler.
        interrupt::free(|_| {
            INTERRUPT_STATUS.write(RECEIVED);
            NVIC::unpend(Interrupt);
            if FRAMES.read() == 0 {
                // SAFETY: no critical section relies on the mask of this interrupt.
                unsafe { NVIC::unmask(Interrupt) };
                asm::dsb();
                asm::wfi();
                NVIC::mask(Interrupt);
            }
        });
    }
}

impl Default for Ethernet {
    fn default() -> Self {
        Self::new()
    }
}

impl Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_>)> {
        // After an overrun there is no telling where in the FIFO a frame begins; TCP sends again what is lost.
        if INTERRUPT_STATUS.read() & OVERRUN != 0 {
            INTERRUPT_STATUS.write(OVERRUN);
            Self::start_to_receive();
        }
        let is_there = FRAMES.read() != 0;
        is_there.then_some((Received(&mut self.received), ToSend(&mut self.to_send)))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        Some(ToSend(&mut self.to_send))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

/// A frame that waits in the card.
pub struct Received<'a>(&'a mut [u8; FRAME]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, handle: F) -> R {
        // Its length comes first, in two bytes that count themselves, and its checksum last.
        let [low, high, a, b] = DATA.read().to_le_bytes();
        let stored = usize::from(u16::from_le_bytes([low, high]));
        let len = stored.saturating_sub(LENGTH + CHECKSUM).min(FRAME);
        let (start, rest) = self.0.split_at_mut(2);
        start.copy_from_slice(&[a, b]);
        let mut words = rest.chunks_exact_mut(4);
        for _ in 1..stored.div_ceil(4) {
            // The checksum, and what is longer than any frame, is taken as well, and dropped.
            let word = DATA.read().to_le_bytes();
            if let Some(place) = words.next() {
                place.copy_from_slice(&word);
            }
        }
        handle(&self.0[..len])
    }
}

/// Room for a frame.
pub struct ToSend<'a>(&'a mut [u8; FRAME]);

impl phy::TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let result = fill(&mut self.0[..len]);
        // The one before is still on its way out of the FIFO.
        while TRANSMIT_REQUEST.read() & 1 != 0 {}
        // The length that comes first is that of the payload.
        let [low, high] = (len.saturating_sub(ETHERNET_HEADER) as u16).to_le_bytes();
        let (start, rest) = self.0.split_at(2);
        DATA.write(u32::from_le_bytes([low, high, start[0], start[1]]));
        for word in rest.chunks_exact(4).take(len.saturating_sub(2).div_ceil(4)) {
            DATA.write(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        }
        TRANSMIT_REQUEST.write(1);
        result
    }
}

/// The card's interrupt.
#[derive(Clone, Copy)]
struct Interrupt;

// SAFETY: the number is the one of the data sheet's table 2-9.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        42
    }
}

// Interrupts.
const RECEIVED: u32 = 1;
const OVERRUN: u32 = 1 << 3;
// Of the receive control.
const RECEIVE_ENABLE: u32 = 1;
const REJECT_DAMAGED: u32 = 1 << 3;
const RESET_FIFO: u32 = 1 << 4;
// Of the transmit control.
const TRANSMIT_ENABLE: u32 = 1;
const PAD: u32 = 1 << 1;
const APPEND_CHECKSUM: u32 = 1 << 2;
const FULL_DUPLEX: u32 = 1 << 4;
// Of the threshold.
const SEND_WHEN_TOLD: u32 = 0x3F;

const ETHERNET_HEADER: usize = 14;
const LENGTH: usize = 2;
const CHECKSUM: usize = 4;
/// The longest frame without its checksum; behind its first two bytes there are whole words.
const FRAME: usize = ETHERNET_HEADER + 1500;
