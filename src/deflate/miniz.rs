//! The backend that needs no `std`: `miniz_oxide`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit, inflate_flags};

use super::codec::{DeflateBackend, InflateBackend, Inflated, OutOfMemory, Stop, Until};
use super::room::extend;

/// Inflates into a window of its own, for the ways of the library to keep one take distances beyond its beginning.
pub(crate) struct Inflate {
    decompressor: Box<DecompressorOxide>,
    /// What was made, up to `position`; it begins with the stream while that is shorter, and holds at least `WINDOW` bytes
    /// otherwise.
    window: Vec<u8>,
    position: usize,
}

impl InflateBackend for Inflate {
    fn new() -> Self {
        Self { decompressor: Box::default(), window: Vec::new(), position: 0 }
    }

    fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut [u8],
        until: Until,
    ) -> Result<Inflated, OutOfMemory> {
        if self.position == self.window.len() {
            self.make_room()?;
        }
        let flags = match until {
            Until::InputEnd => FLAGS,
            Until::BlockEnd => FLAGS | inflate_flags::TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
        };
        let (status, taken, made) = decompress_with_limit(
            &mut self.decompressor,
            input,
            &mut self.window,
            self.position,
            out.len(),
            flags,
        );
        let stop = match status {
            TINFLStatus::NeedsMoreInput => Stop::InputEmpty,
            TINFLStatus::HasMoreOutput => Stop::OutputFull,
            TINFLStatus::BlockBoundary => Stop::BlockEnd,
            TINFLStatus::Done => Stop::StreamEnd,
            _ => Stop::Invalid,
        };
        *input = input.get(taken..).unwrap_or_default();
        let new = self.window.get(self.position..).and_then(|it| it.get(..made));
        if let (Some(out), Some(new)) = (out.get_mut(..made), new) {
            out.copy_from_slice(new);
        }
        self.position = self.position.saturating_add(made);
        Ok(Inflated { made, stop })
    }

    fn restart(&mut self) {
        self.decompressor.init();
        self.position = 0;
    }
}

impl Inflate {
    /// Sees that the window goes on behind `position`.
    fn make_room(&mut self) -> Result<(), OutOfMemory> {
        let len = self.window.len();
        if len < LONGEST {
            let longer = len.saturating_mul(2).clamp(SHORTEST, LONGEST);
            extend(&mut self.window, longer.saturating_sub(len), 0, LONGEST)?;
        } else {
            self.window.copy_within(LONGEST - WINDOW.., 0);
            self.position = WINDOW;
        }
        Ok(())
    }
}

/// Deflates for windows of all sizes, although the library knows but one: it forgets all when the window is full.
pub(crate) struct Deflate {
    compressor: Box<CompressorOxide>,
    window: usize,
    /// How many bytes the window can still take; the largest one is the library's own and never full.
    left: usize,
}

impl DeflateBackend for Deflate {
    fn new(window_bits: u8, level: u8) -> Self {
        // The fixed codes save it ten microseconds a message, and most of the small ones get shorter.
        let (level, strategy) = match level {
            0 | 1 => (2, CompressionStrategy::Fixed),
            _ => (level, CompressionStrategy::Default),
        };
        let compressor = CompressorOxide::with_params(DataFormat::Raw, level, strategy, 15);
        let window = if window_bits < 15 { 1 << window_bits } else { usize::MAX };
        Self { compressor: Box::new(compressor), window, left: window }
    }

    fn deflate(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, OutOfMemory> {
        let data = input.get(..self.left).unwrap_or(input);
        let flush = if data.len() == self.left { TDEFLFlush::Full } else { TDEFLFlush::Sync };
        let (status, taken, made) = compress(&mut self.compressor, data, out, flush);
        if status != TDEFLStatus::Okay {
            return Err(OutOfMemory);
        }
        *input = input.get(taken..).unwrap_or_default();
        self.left = self.left.saturating_sub(taken);
        if (self.left == 0 && made < out.len()) || self.window == usize::MAX {
            self.left = self.window;
        }
        Ok(made)
    }
}

const FLAGS: u32 = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT
    | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;

/// How far a distance can reach (RFC 1951 §2).
const WINDOW: usize = 32 * 1024;

/// How long the buffer of the window is at first, and at last, when it is slid.
const SHORTEST: usize = 1024;
const LONGEST: usize = WINDOW + 16 * 1024;

#[cfg(test)]
mod tests {
    use super::super::naive::{Bits, noise};
    use super::*;

    #[test]
    fn the_window_is_as_long_as_documented() {
        let mut inflate = Inflate::new();
        let mut before = 0;
        for (made, most) in [(1, 1), (500, 1), (700, 2), (20_000, 40), (60_000, 48), (60_000, 48)] {
            let mut bits = Bits::new();
            bits.stored(false, &noise(made));
            let mut input = &bits.bytes[..];
            let mut out = vec![0; made + 1];
            while !input.is_empty() {
                inflate.inflate(&mut input, &mut out, Until::InputEnd).unwrap();
            }
            assert!(inflate.window.len() <= most << 10, "{}", inflate.window.len());
            assert!(inflate.window.len() >= before);
            before = inflate.window.len();
        }
    }
}
