//! The faster backend, which needs `std`: `zlib-rs`.

use alloc::boxed::Box;

use zlib_rs::{DeflateConfig, DeflateFlush, InflateFlush, Status};

use super::codec::{DeflateBackend, InflateBackend, Inflated, OutOfMemory, Stop, Until};

pub(crate) struct Inflate(Box<zlib_rs::Inflate>);

impl InflateBackend for Inflate {
    fn new() -> Self {
        Self(Box::new(zlib_rs::Inflate::new(false, 15)))
    }

    fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut [u8],
        until: Until,
    ) -> Result<Inflated, OutOfMemory> {
        let flush = match until {
            Until::InputEnd => InflateFlush::NoFlush,
            Until::BlockEnd => InflateFlush::Block,
        };
        let before = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, out, flush);
        let taken = difference(before.0, self.0.total_in());
        let made = difference(before.1, self.0.total_out());
        *input = input.get(taken..).unwrap_or_default();
        let stop = match status {
            Ok(Status::StreamEnd) => Stop::StreamEnd,
            Ok(Status::Ok | Status::BufError) if made == out.len() => Stop::OutputFull,
            Ok(Status::Ok | Status::BufError) if input.is_empty() => Stop::InputEmpty,
            Ok(Status::Ok | Status::BufError) => Stop::BlockEnd,
            Err(_) => Stop::Invalid,
        };
        Ok(Inflated { made, stop })
    }

    fn restart(&mut self) {
        self.0.reset(false);
    }
}

pub(crate) struct Deflate(Box<zlib_rs::Deflate>);

impl DeflateBackend for Deflate {
    fn new(window_bits: u8, level: u8) -> Self {
        let config = DeflateConfig {
            level: level.clamp(1, 9).into(),
            // Its distances are at most the window less 262 bytes: out of one of 512 bytes they are within 256.
            window_bits: i32::from(window_bits.max(9)).wrapping_neg(),
            // A hundred kilobytes less than with 8, and neither slower nor worse.
            mem_level: 5,
            ..DeflateConfig::default()
        };
        Self(Box::new(zlib_rs::Deflate::new_with_config(config)))
    }

    fn deflate(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, OutOfMemory> {
        let before = (self.0.total_in(), self.0.total_out());
        self.0.compress(input, out, DeflateFlush::SyncFlush).map_err(|_| OutOfMemory)?;
        let taken = difference(before.0, self.0.total_in());
        *input = input.get(taken..).unwrap_or_default();
        Ok(difference(before.1, self.0.total_out()))
    }
}

/// How many bytes a call took or made, which are in memory.
fn difference(before: u64, after: u64) -> usize {
    usize::try_from(after.wrapping_sub(before)).unwrap_or(usize::MAX)
}
