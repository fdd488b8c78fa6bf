//! What the programs have in common: they receive what was written down, tell the stack that it took, and end.
#![no_std]

pub mod ours;
pub mod peer;

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m::register::msp;
use cortex_m_rt::STACK_PAINT_VALUE;
use cortex_m_semihosting::{debug, nr, syscall1};

/// What a peer sends: a head, then frames.
pub struct Session {
    pub head: &'static [u8],
    pub frames: &'static [u8],
}

#[macro_export]
macro_rules! session {
    ($name:literal) => {{
        // By a name of its own, to be told from what the crates bring.
        #[unsafe(link_section = ".canned")]
        static HEAD: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".head")).len()] =
            *include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".head"));
        #[unsafe(link_section = ".canned")]
        static FRAMES: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".frames")).len()] =
            *include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".frames"));
        $crate::Session { head: &HEAD, frames: &FRAMES }
    }};
}

impl Session {
    /// Hands on pieces that fit the buffer, as a transport would, while `receive` takes them.
    pub fn play(
        &self,
        buffer: &mut [u8],
        mut receive: impl FnMut(&mut [u8]) -> Option<()>,
    ) -> Option<()> {
        for bytes in [self.head, self.frames] {
            for piece in black_box(bytes).chunks(buffer.len().max(1)) {
                let input = buffer.get_mut(..piece.len())?;
                input.copy_from_slice(piece);
                receive(input)?;
            }
        }
        Some(())
    }
}

/// Takes what is to be sent, which the compiler has to make then.
pub fn transmit(bytes: &[u8]) {
    black_box(bytes);
}

/// What lasts as long as a connection: a machine, and the buffers that it needs of its own.
pub struct Storage<Machine, Buffers> {
    pub machine: Machine,
    pub buffers: Buffers,
    /// Where the transport puts what it has read, which does not count.
    pub input: [u8; 1024],
}

impl<Machine, Buffers> Storage<Machine, Buffers> {
    pub const fn new(machine: Machine, buffers: Buffers) -> Self {
        Self { machine, buffers, input: [0; 1024] }
    }
}

/// Tells what a session takes: the bytes of stack below this, at the deepest, and the sizes of its storage.
pub fn measure<M, B>(
    storage: &'static mut Storage<M, B>,
    converse: fn(&mut Storage<M, B>) -> Option<()>,
) -> ! {
    let before = msp::read();
    let is_done = black_box(converse)(storage).is_some();
    let deepest = deepest();
    tell(b"stack ", before - deepest);
    tell(b"machine ", size_of::<M>() as u32);
    tell(b"buffers ", size_of::<B>() as u32);
    exit(is_done)
}

/// Where the paint ends that the stack was given at the start.
fn deepest() -> u32 {
    unsafe extern "C" {
        static _stack_end: u32;
    }
    let mut at = &raw const _stack_end;
    // SAFETY: the stack is painted from there up to where it starts, which is above.
    unsafe {
        while at.read_volatile() == STACK_PAINT_VALUE {
            at = at.add(1);
        }
    }
    at as u32
}

/// Prints a word and a number, in hexadecimal: without the machinery of `core::fmt`, which is looked for.
fn tell(word: &[u8], number: u32) {
    word.iter().for_each(|&byte| print(byte));
    for shift in (0..u32::BITS).step_by(4).rev() {
        print(b"0123456789abcdef"[(number >> shift & 0xF) as usize]);
    }
    print(b'\n');
}

fn print(byte: u8) {
    // SAFETY: the host reads the byte.
    unsafe { syscall1(nr::WRITEC, &raw const byte as usize) };
}

fn exit(is_success: bool) -> ! {
    loop {
        debug::exit(if is_success { Ok(()) } else { Err(()) });
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(false)
}
