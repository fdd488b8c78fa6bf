//! Functions that do panic, each in a way of its own, for the script to find.

use alloc::boxed::Box;
use alloc::vec::Vec;

use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::Bytes;

#[unsafe(no_mangle)]
pub fn planted_index(bytes: Bytes, at: usize) -> u8 {
    bytes[at]
}

#[unsafe(no_mangle)]
pub fn planted_slice(bytes: Bytes, from: usize) -> Bytes {
    &bytes[from..]
}

#[unsafe(no_mangle)]
pub fn planted_copy(to: &mut [u8], from: Bytes) {
    to.copy_from_slice(from);
}

#[unsafe(no_mangle)]
pub fn planted_unwrap(value: Option<u8>) -> u8 {
    value.unwrap()
}

#[unsafe(no_mangle)]
pub fn planted_expect(value: Result<u8, ()>) -> u8 {
    value.expect("a value")
}

#[unsafe(no_mangle)]
pub fn planted_division(number: usize, by: usize) -> usize {
    number / by
}

#[unsafe(no_mangle)]
pub fn planted_split(bytes: Bytes, at: usize) -> (Bytes, Bytes) {
    bytes.split_at(at)
}

#[unsafe(no_mangle)]
pub fn planted_growth(data: &mut Vec<u8>, bytes: Bytes) {
    data.extend_from_slice(bytes);
}

#[unsafe(no_mangle)]
pub fn planted_copying(data: &Vec<u8>) -> Vec<u8> {
    data.clone()
}

#[unsafe(no_mangle)]
pub fn planted_box(data: [u8; 64]) -> Box<[u8; 64]> {
    Box::new(data)
}

#[unsafe(no_mangle)]
pub fn planted_before_a_library(bytes: Bytes, at: usize, out: &mut [u8]) -> usize {
    let mut decompressor = DecompressorOxide::new();
    decompress(&mut decompressor, &bytes[at..], out, 0, 0).1
}

#[unsafe(no_mangle)]
pub fn planted_behind_a_library(bytes: Bytes, out: &mut [u8]) -> u8 {
    let mut decompressor = DecompressorOxide::new();
    let (_, taken, _) = decompress(&mut decompressor, bytes, out, 0, 0);
    bytes[taken]
}

#[unsafe(no_mangle)]
pub fn planted_copy_behind_a_library(bytes: Bytes, window: &mut [u8], out: &mut [u8]) {
    let mut decompressor = DecompressorOxide::new();
    let (_, _, made) = decompress(&mut decompressor, bytes, window, 0, 0);
    out.copy_from_slice(window.get(..made).unwrap_or_default());
}
